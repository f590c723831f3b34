"""A model that looks elsewhere than it means to: how much does a translation depend on its attention?

Every step runs as it is, which tells where the model would look, and then again with other weights in their
place, from the same state. What it writes, its state and its context all come from the second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import tensorflow as tf

from seq2seq.model import Seq2SeqModel

Replacement = Literal["uniform", "argmax", "shuffled", "diagonal"]


class ObservedSource(NamedTuple):
    """What the model made of the sources."""

    encoded: Any
    source_mask: tf.Tensor
    initial_state: tuple[tf.Tensor, ...]  # the model's own, and (batch, 1): the steps done


class ReplacedAttentionModel:
    """Runs the model's own step with replaced attention weights; a `seq2seq.ensemble.StepModel`.

    Args:
        model: whose steps to run.
        replacement: what takes the place of the weights, at every step and in every sentence:

            - `uniform`: every source token, its end included, is looked at alike;
            - `argmax`: the strongest weight becomes 1, all others 0;
            - `shuffled`: the weights change places, in an order that depends on the step alone;
            - `diagonal`: step i looks at source token i, and at the end of the source from there on.
    """

    def __init__(self, model: Seq2SeqModel, replacement: Replacement) -> None:
        self.model = model
        self.replacement = replacement

    def count_params(self) -> int:
        """As `keras.Model.count_params`."""
        return self.model.count_params()

    def encode(self, source_tokens: tf.Tensor) -> ObservedSource:
        """(batch, source_length) int32."""
        encoded = self.model.encode(source_tokens)
        steps_done = tf.zeros([tf.shape(source_tokens)[0], 1])
        return ObservedSource(encoded, encoded.source_mask, (*encoded.initial_state, steps_done))

    def decoding_weights(self) -> Any:
        """As `Seq2SeqModel.decoding_weights`."""
        return self.model.decoding_weights()

    def restricted_weights(self, weights: Any, token_ids: tf.Tensor) -> Any:
        """As `Seq2SeqModel.restricted_weights`."""
        return self.model.restricted_weights(weights, token_ids)

    def decode_step(
        self, tokens: tf.Tensor, state: tuple[tf.Tensor, ...], encoded: ObservedSource, weights: Any
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor]:
        """As `Seq2SeqModel.decode_step`; the attention weights are those that were put in."""
        *own_state, steps_done = state  # the last: (rows, 1)
        meant = self.model.decode_step(tokens, tuple(own_state), encoded.encoded, weights)[2]
        beams = tf.shape(tokens)[0] // tf.maximum(tf.shape(encoded.source_mask)[0], 1)
        is_real = tf.repeat(encoded.source_mask, beams, axis=0)  # (batch, ...) -> (rows, source_length)
        step = tf.cast(steps_done[:, 0], tf.int32)
        replaced = REPLACEMENTS[self.replacement](tf.cast(meant, tf.float32), is_real, step)
        logits, new_state, looked = self.model.decode_step(
            tokens, tuple(own_state), encoded.encoded, weights, replaced
        )
        return logits, (*new_state, steps_done + 1), looked


def _uniform(weights: tf.Tensor, is_real: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    real = tf.cast(is_real, weights.dtype)
    return real / tf.reduce_sum(real, axis=1, keepdims=True)


def _argmax(weights: tf.Tensor, is_real: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    return tf.one_hot(tf.argmax(weights, axis=1), tf.shape(weights)[1], dtype=weights.dtype)


def _diagonal(weights: tf.Tensor, is_real: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    last = tf.reduce_sum(tf.cast(is_real, tf.int32), axis=1) - 1
    return tf.one_hot(tf.minimum(step, last), tf.shape(weights)[1], dtype=weights.dtype)


def _shuffled(weights: tf.Tensor, is_real: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    # A sentence's order must not depend on the padding or on the other sentences of its batch, so every
    # position draws a number of its own, from its place and the step, and the positions are sorted by it.
    drawn = _mixed(tf.range(tf.shape(weights)[1])[None] * 7919 + step[:, None] * 104729 + 1)
    drawn = tf.where(is_real, drawn, tf.int32.max)
    return tf.gather(weights, tf.argsort(drawn, axis=1, stable=True), batch_dims=1)


def _mixed(numbers: tf.Tensor) -> tf.Tensor:
    """Scatter small int32 numbers over 0 to 2**31 - 2 (a step of the MINSTD generator, and another)."""
    modulus = tf.constant(2**31 - 1, tf.int64)
    mixed = tf.cast(numbers, tf.int64)
    for factor in (48271, 69621, 16807):
        mixed = (mixed * factor + 12345) % modulus
        mixed = tf.bitwise.bitwise_xor(mixed, tf.bitwise.right_shift(mixed, tf.constant(13, tf.int64)))
    return tf.cast(mixed % modulus, tf.int32)


REPLACEMENTS: dict[str, Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "uniform": _uniform,
    "argmax": _argmax,
    "shuffled": _shuffled,
    "diagonal": _diagonal,
}
