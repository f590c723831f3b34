"""Networks of a handful of units with wild weights, and a batch of unequal sentences to feed them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from seq2seq.model import Seq2SeqModel
from tests.repetitions import rest_slow

PAD, BOS, EOS = 0, 1, 2

# Every width is another number, none the number of gates (3): a mixed-up axis cannot fit by coincidence.
SIZES: dict[str, Any] = {
    "source_vocabulary_size": 13,
    "target_vocabulary_size": 11,
    "embedding_units": 4,
    "encoder_units": 6,
    "decoder_units": 5,
    "attention_units": 7,
    "readout_units": 8,
}

OPTION_VALUES: dict[str, tuple[Any, ...]] = {
    "conditional_gru": (False, True),
    "readout": ("tanh", "maxout", "linear"),
    "bridge": ("mean", "last"),
    "tied_embeddings": ("none", "two-way", "three-way"),
    "layer_normalization": (False, True),
    "encoder_layers": (1, 2),
    "scaled_embeddings": (False, True),
}
# Nine of the 288 combinations, in which any two values of different options meet
# (test_model.py holds them to it): a clash of two options cannot go unseen.
_COMBINATIONS = (
    (False, "tanh", "mean", "none", False, 1, False),
    (True, "linear", "last", "two-way", False, 2, False),
    (False, "maxout", "last", "three-way", True, 1, True),
    (True, "tanh", "mean", "three-way", True, 2, True),
    (True, "maxout", "mean", "two-way", False, 1, True),
    (False, "linear", "last", "none", True, 2, True),
    (True, "linear", "mean", "three-way", False, 1, False),
    (True, "maxout", "mean", "none", True, 2, False),
    (False, "tanh", "last", "two-way", True, 1, False),
)
OPTION_SETS = [dict(zip(OPTION_VALUES, values, strict=True)) for values in _COMBINATIONS]
# Parameters of tests that take long with each of them.
TWO_AND_TWO_SLOW = rest_slow([OPTION_SETS[place] for place in (0, 2, 1, 3)], daily=2)

DROPOUT: dict[str, float] = {
    "embedding_dropout": 0.2,
    "source_word_dropout": 0.3,
    "target_word_dropout": 0.25,
    "layer_dropout": 0.3,
    "recurrent_dropout": 0.4,
    "memory_dropout": 0.35,
    "attention_dropout": 0.45,
    "readout_dropout": 0.15,
}


def describe(options: dict[str, Any]) -> str:
    """Name of an option set in pytest's output."""
    words = {
        "conditional_gru": {False: "plain", True: "conditional"},
        "layer_normalization": {False: "bare", True: "normalised"},
        "scaled_embeddings": {False: "unscaled", True: "scaled"},
    }
    return "-".join(str(words.get(name, {}).get(value, value)) for name, value in options.items())


def sizes(options: dict[str, Any]) -> dict[str, Any]:
    """`SIZES` and `options`, bent to what tying needs."""
    merged = {**SIZES, **options}
    tied = merged.get("tied_embeddings", "none")
    if tied != "none":
        merged["readout_units"] = merged["embedding_units"]
    if tied == "three-way":
        merged["source_vocabulary_size"] = merged["target_vocabulary_size"]
    return merged


def tiny_model(*, weights_seed: int | None = 1, **options: Any) -> Seq2SeqModel:
    """A built model; with `weights_seed` None its weights are Keras' fresh ones."""
    model = Seq2SeqModel(**sizes(options))
    model.build()
    if weights_seed is not None:
        randomize(model, weights_seed)
    return model


def randomize(layer: keras.layers.Layer, seed: int) -> None:
    """Give every weight, biases and gains too, values that leave no part of a formula without effect."""
    random = np.random.default_rng(seed)
    for weight in layer.trainable_variables:
        values = random.normal(size=weight.shape) * 0.6
        weight.assign(1.0 + values / 2 if weight.name.endswith("gain") else values)


def sentences(
    *lengths: int, vocabulary_size: int, seed: int = 0, starts_with: int | None = None
) -> np.ndarray:
    """Right-padded random tokens (rows, max(lengths)) int32, no pad among them; EOS ends a source."""
    random = np.random.default_rng(seed)
    rows = np.zeros((len(lengths), max(lengths)), np.int32)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = random.integers(3, vocabulary_size, length)
        if starts_with is None:
            row[length - 1] = EOS
        else:
            row[0] = starts_with
    return rows


def source_batch() -> np.ndarray:
    """(3, 5): one full sentence, one padded, one of EOS alone."""
    return sentences(5, 3, 1, vocabulary_size=SIZES["target_vocabulary_size"], seed=1)


def target_batch() -> np.ndarray:
    """(3, 4), as the decoder is fed them: BOS first."""
    vocabulary_size = SIZES["target_vocabulary_size"]
    return sentences(3, 4, 2, vocabulary_size=vocabulary_size, seed=2, starts_with=BOS)


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Layers made inside the block have this policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
