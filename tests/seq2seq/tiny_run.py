"""Small things to translate with: tokenizers of a few sentences, a network that copies, a whole run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from data.special_ids import PAD_ID
from data.tokenizer import TokenizerPair, train_tokenizers
from seq2seq.config import Config, parse_config
from seq2seq.run_directory import RunDirectory

SUBJECTS = ("two dogs", "a child", "the old man", "three women", "my sister")
VERBS = ("run through", "look at", "sleep in", "paint", "walk around")
PLACES = ("the snow.", "a red house.", "the garden.", "an empty street!")
SENTENCES = [f"{subject} {verb} {place}" for subject in SUBJECTS for verb in VERBS for place in PLACES]

MAX_LENGTH = 20


def tiny_tokenizers(vocabulary_size: int = 340) -> TokenizerPair:
    """One joint vocabulary, most words of which are several pieces."""
    return train_tokenizers(
        [(sentence, sentence) for sentence in SENTENCES], joint=True, vocabulary_size=vocabulary_size
    )


def tiny_config(**sections: Any) -> Config:
    content = {
        "name": "tiny",
        "data": {"corpus": {"kind": "starter"}, "source_language": "en", "target_language": "xx"},
        "batches": {"max_length": MAX_LENGTH},
        "model": {
            "embedding_units": 8,
            "encoder_units": 8,
            "decoder_units": 8,
            "attention_units": 8,
            "readout_units": 8,
        },
        "search": {"beam_size": 2},
    }
    return parse_config({**content, **sections}, "test")


def make_tiny_run(path: Path, seed: int = 1, tokenizers: TokenizerPair | None = None) -> RunDirectory:
    """A run as train.py leaves it behind, but for what it learnt: nothing."""
    from seq2seq.training import build_model

    run = RunDirectory(path)
    config = tiny_config(seed=seed)
    tokenizers = tokenizers or tiny_tokenizers()
    run.create(config)
    tokenizers.save(run.tokenizer_folder)
    tf.keras.utils.set_random_seed(seed)
    model = build_model(config, tokenizers)
    for weight in model.trainable_weights:  # wilder than fresh weights, so that sentences differ
        weight.assign(8.0 * weight)
    model.save(run.model_file)
    run.write_facts(train_pairs=100, corpus="tiny corpus", best_score=12.345, best_epoch=3, epochs=4)
    return run


class CopySource(NamedTuple):
    tokens: tf.Tensor  # (batch, source_length)
    source_mask: tf.Tensor
    initial_state: tuple[tf.Tensor, ...]  # the step: (batch, 1)


class CopyModel:
    """Writes its source, token by token, and looks at nothing but the token that it writes.

    Whatever a translator gets wrong about order, padding or rows of attention becomes visible with it.

    Args:
        vocabulary_size: of source and target.
        certainty: logit of the copied token; all others have 0.
        never_ends: writes the last token before EOS again and again instead of EOS.
    """

    def __init__(self, vocabulary_size: int, certainty: float = 20.0, never_ends: bool = False) -> None:
        self.vocabulary_size = vocabulary_size
        self.certainty = certainty
        self.never_ends = never_ends
        self.batch_shapes: list[tuple[int, int]] = []

    def count_params(self) -> int:
        return 0

    def encode(self, source_tokens: tf.Tensor) -> CopySource:
        tf.py_function(self._note_shape, [tf.shape(source_tokens)], [])
        start = tf.zeros([tf.shape(source_tokens)[0], 1])
        return CopySource(source_tokens, source_tokens != PAD_ID, (start,))

    def _note_shape(self, shape: tf.Tensor) -> None:
        self.batch_shapes.append(tuple(shape.numpy().tolist()))

    def decoding_weights(self) -> tuple[tf.Tensor, ...]:
        return ()

    def decode_step(
        self,
        tokens: tf.Tensor,
        state: tuple[tf.Tensor, ...],
        encoded: CopySource,
        weights: tuple[tf.Tensor, ...],
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor]:
        (step,) = state  # (rows, 1)
        beam = tf.shape(tokens)[0] // tf.shape(encoded.tokens)[0]
        source = tf.repeat(encoded.tokens, beam, axis=0)  # (rows, source_length)
        last = tf.reduce_sum(tf.cast(source != PAD_ID, tf.int32), axis=1) - 1
        place = tf.minimum(tf.cast(step[:, 0], tf.int32), last - int(self.never_ends))
        copied = tf.gather(source, place, batch_dims=1)
        logits = self.certainty * tf.one_hot(copied, self.vocabulary_size)
        logits = tf.ensure_shape(logits, [None, self.vocabulary_size])
        return logits, (step + 1,), tf.one_hot(place, tf.shape(source)[1])
