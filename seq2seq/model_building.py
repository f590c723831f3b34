"""The network that a configuration and its tokenizers ask for, with fresh weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras

from seq2seq.model import Seq2SeqModel

if TYPE_CHECKING:
    from data.tokenizer import TokenizerPair
    from seq2seq.config import Config


def build_model(config: Config, tokenizers: TokenizerPair) -> Seq2SeqModel:
    """The model of a configuration, with fresh weights."""
    model = Seq2SeqModel(
        source_vocabulary_size=tokenizers.source.vocabulary_size,
        target_vocabulary_size=tokenizers.target.vocabulary_size,
        seed=config.seed,
        **config.model.model_dump(),
    )
    model.build()
    return model


@contextmanager
def zeros_for_weights() -> Iterator[None]:
    """Inside the block layers are built with zeros: drawing weights that are replaced takes half of the
    time."""
    original = keras.Layer.add_weight

    def add_zeros(layer: keras.Layer, *arguments: Any, **options: Any) -> Any:
        return original(layer, *arguments, **{**options, "initializer": "zeros"})

    keras.Layer.add_weight = add_zeros
    try:
        yield
    finally:
        keras.Layer.add_weight = original
