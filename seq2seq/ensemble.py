"""One or several models that share a tokenizer, seen by the search as a single one.

The probability that an ensemble gives to a token is the mean of its models' probabilities (computed from
log-probabilities, so that nothing underflows), and its attention weights are the mean of theirs. Each model
keeps its own encoded source and its own decoder state; sizes and even architectures may differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from data.errors import UserError

DecoderState = tuple[tf.Tensor, ...]


class EncodedSentences(Protocol):
    """What the search reads of an encoded batch; all else is between the model's encoder and its decoder."""

    @property
    def source_mask(self) -> tf.Tensor:
        """(batch, source_length) bool, True for a real source token."""

    @property
    def initial_state(self) -> DecoderState:
        """Tensors of shape (batch, units)."""


class StepModel(Protocol):
    """What the search needs of a model."""

    def encode(self, source_tokens: tf.Tensor) -> Any:
        """(batch, source_length) int32 -> EncodedSentences."""

    def decode_step(
        self, tokens: tf.Tensor, state: DecoderState, encoded: Any
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """One token further; `rows` is batch * beam, the hypotheses of one sentence side by side.

        Args:
            tokens: (rows,) int32, the tokens emitted last.
            state: tensors of shape (rows, units).
            encoded: what `encode` returned, with `batch` rows: it is shared by the hypotheses of a sentence.

        Returns:
            logits (rows, vocabulary_size), the new state, attention_weights (rows, source_length).
        """


class Prediction(NamedTuple):
    """The distribution of the next token of each row. No softmax: most of it would never be read."""

    logits: tf.Tensor  # (rows, vocabulary_size) float32
    log_normaliser: tf.Tensor  # (rows, 1) float32

    def log_probability(self, logits: tf.Tensor) -> tf.Tensor:
        """Log-probability of some of the logits.

        Args:
            logits: (rows, n) float32, taken from `self.logits`, row by row.

        Returns:
            (rows, n) float32, never above 0 and never NaN: a row whose logits hold a NaN or +inf has no
            distribution, and all of its tokens get -inf.
        """
        value = logits - self.log_normaliser
        # Rounding may leave a near-certain token at +1e-7, and the stopping bound needs sums that never grow.
        return tf.where(tf.math.is_finite(value), tf.minimum(value, 0.0), -math.inf)


class Ensemble:
    """Runs the step of every model and averages.

    Args:
        models: at least one; the ensemble refers to their weights, so it follows later changes of them.
    """

    def __init__(self, models: Sequence[StepModel]) -> None:
        if not models:
            raise ValueError("An ensemble needs at least one model.")
        self.models = tuple(models)
        self._vocabulary_size: int | None = None

    @property
    def vocabulary_size(self) -> int:
        """Of the target; known as soon as one step was traced."""
        if self._vocabulary_size is None:
            raise RuntimeError("The vocabulary size is known only after the first step.")
        return self._vocabulary_size

    def encode(self, source_tokens: tf.Tensor) -> tuple[Any, ...]:
        """Encode (batch, source_length) int32 with every model."""
        return tuple(model.encode(source_tokens) for model in self.models)

    def initial_states(self, encodings: tuple[Any, ...], beam_size: int) -> tuple[DecoderState, ...]:
        """Each model's first decoder state, (batch, units) -> (batch * beam_size, units)."""
        return tuple(
            tuple(tf.repeat(part, beam_size, axis=0) for part in encoded.initial_state)
            for encoded in encodings
        )

    def step(
        self, tokens: tf.Tensor, states: tuple[DecoderState, ...], encodings: tuple[Any, ...]
    ) -> tuple[Prediction, tuple[DecoderState, ...], tf.Tensor]:
        """Predict the token after `tokens`.

        Args:
            tokens: (rows,) int32.
            states: for each model, tensors of shape (rows, units).
            encodings: from `encode`, of batch rows.

        Returns:
            The prediction, the new states, and attention_weights (rows, source_length) float32.
        """
        outputs = [
            model.decode_step(tokens, state, encoded)
            for model, state, encoded in zip(self.models, states, encodings, strict=True)
        ]
        all_logits = [tf.cast(logits, tf.float32) for logits, _, _ in outputs]
        new_states = tuple(tuple(new_state) for _, new_state, _ in outputs)
        self._vocabulary_size = all_logits[0].shape[-1]
        all_attention = [tf.cast(attention_weights, tf.float32) for _, _, attention_weights in outputs]
        if len(self.models) == 1:
            logits = all_logits[0]
            log_normaliser = tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
            return Prediction(logits, log_normaliser), new_states, all_attention[0]
        sizes = {logits.shape[-1] for logits in all_logits}
        if len(sizes) > 1:
            raise UserError(
                f"The models of an ensemble must share one target vocabulary; theirs have {sorted(sizes)}. "
                "Combine models that were trained with the same tokenizer."
            )
        # (models, rows, vocabulary_size) -> (rows, vocabulary_size), unnormalised by the number of models.
        summed = tf.reduce_logsumexp(tf.stack([tf.nn.log_softmax(logits) for logits in all_logits]), axis=0)
        log_normaliser = tf.fill([tf.shape(summed)[0], 1], math.log(len(self.models)))
        return Prediction(summed, log_normaliser), new_states, tf.add_n(all_attention) / len(self.models)
