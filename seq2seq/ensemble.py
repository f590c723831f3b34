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
from seq2seq.wide_rows import in_blocks, wide_log_sum_exp

DecoderState = tuple[tf.Tensor, ...]


class EncodedSentences(Protocol):
    """What the search reads of an encoded batch; all else is between the model's encoder and its decoder.

    It is a nest of tensors, a `NamedTuple` for example, all with the batch first, so that the search can take
    some of the sentences out of it.
    """

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

    def decoding_weights(self) -> Any:
        """A nest of tensors: what `decode_step` knows of the model's weights, prepared for many steps."""

    def restricted_weights(self, weights: Any, token_ids: tf.Tensor) -> Any:
        """Decoding weights with which a step reads and predicts places in `token_ids` (size,) int32.

        Only a search with a shortlist asks for them.
        """

    def decode_step(
        self, tokens: tf.Tensor, state: DecoderState, encoded: Any, weights: Any
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """One token further; `rows` is batch * beam, the hypotheses of one sentence side by side.

        Args:
            tokens: (rows,) int32, the tokens emitted last.
            state: tensors of shape (rows, units).
            encoded: what `encode` returned, with `batch` rows: it is shared by the hypotheses of a sentence.
            weights: what `decoding_weights` returned.

        Returns:
            logits (rows, vocabulary_size), the new state, attention_weights (rows, source_length).
        """


class Prediction(NamedTuple):
    """The distribution of the next token of each row."""

    logits: tf.Tensor  # (rows, vocabulary_size) float32
    blocks: tf.Tensor  # (rows, blocks, width) float32, the same, see `wide_rows.in_blocks`
    block_maxima: tf.Tensor  # (rows, blocks) float32
    log_normaliser: tf.Tensor  # (rows, 1) float32

    @classmethod
    def from_logits(cls, logits: tf.Tensor) -> Prediction:
        """The softmax of (rows, vocabulary_size) float32."""
        blocks = in_blocks(logits)
        maxima = tf.reduce_max(blocks, axis=-1)
        return cls(logits, blocks, maxima, wide_log_sum_exp(blocks, maxima))

    def log_probability(self, logits: tf.Tensor) -> tf.Tensor:
        """Log-probability of some of the logits.

        Args:
            logits: (rows, n) float32, taken from `self.logits`, row by row.

        Returns:
            (rows, n) float32, never above 0 and never NaN: a row whose logits hold a NaN or +inf has no
            distribution, and all of its tokens get -inf.
        """
        return log_probability(logits, self.log_normaliser)


def log_probability(logits: tf.Tensor, log_normaliser: tf.Tensor) -> tf.Tensor:
    """See `Prediction.log_probability`; `log_normaliser` may have any shape that broadcasts to the logits."""
    value = logits - log_normaliser
    # Rounding may leave a near-certain token at +1e-7, and the stopping bound needs sums that never grow.
    return tf.where(tf.math.is_finite(value), tf.minimum(value, 0.0), -math.inf)


class Ensemble:
    """Runs the step of every model and averages.

    Args:
        models: at least one.
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

    def decoding_weights(self) -> tuple[Any, ...]:
        """Each model's weights, prepared for many steps."""
        return tuple(model.decoding_weights() for model in self.models)

    def restricted_weights(self, weights: tuple[Any, ...], token_ids: tf.Tensor) -> tuple[Any, ...]:
        """Each model's weights for some of the target tokens alone."""
        return tuple(
            model.restricted_weights(of_model, token_ids)
            for model, of_model in zip(self.models, weights, strict=True)
        )

    def initial_states(self, encodings: tuple[Any, ...], beam_size: int) -> tuple[DecoderState, ...]:
        """Each model's first decoder state, (batch, units) -> (batch, beam_size, units)."""
        return tuple(
            tuple(tf.repeat(part[:, None], beam_size, axis=1) for part in encoded.initial_state)
            for encoded in encodings
        )

    def step(
        self,
        tokens: tf.Tensor,
        states: tuple[DecoderState, ...],
        encodings: tuple[Any, ...],
        weights: tuple[Any, ...],
        token_penalties: tf.Tensor | None = None,
    ) -> tuple[Prediction, tuple[DecoderState, ...], tf.Tensor]:
        """Predict the token after `tokens`.

        Args:
            tokens: (batch, slots) int32.
            states: for each model, tensors of shape (batch, slots, units).
            encodings: from `encode`.
            weights: from `decoding_weights`.
            token_penalties: (batch, vocabulary_size) float32, added to every model's logits; or None.

        Returns:
            The prediction (of rows = batch * slots), the new states, and attention_weights
            (batch, slots, source_length) float32.
        """
        batch, slots = tf.unstack(tf.shape(tokens))
        flat_tokens = tf.reshape(tokens, [-1])

        def flat(part: tf.Tensor) -> tf.Tensor:  # (batch, slots, units) -> (rows, units)
            return tf.reshape(part, [-1, part.shape[-1] or tf.shape(part)[-1]])

        def by_slot(part: tf.Tensor) -> tf.Tensor:  # (rows, width) -> (batch, slots, width)
            return tf.reshape(part, [batch, slots, part.shape[-1] or tf.shape(part)[-1]])

        outputs = [
            model.decode_step(flat_tokens, tuple(map(flat, state)), encoded, of_model)
            for model, state, encoded, of_model in zip(self.models, states, encodings, weights, strict=True)
        ]
        all_logits = [tf.cast(logits, tf.float32) for logits, _, _ in outputs]
        if token_penalties is not None:
            all_logits = [flat(by_slot(logits) + token_penalties[:, None]) for logits in all_logits]
        new_states = tuple(tuple(map(by_slot, new_state)) for _, new_state, _ in outputs)
        self._vocabulary_size = all_logits[0].shape[-1]
        all_attention = [by_slot(tf.cast(weights, tf.float32)) for _, _, weights in outputs]
        if len(self.models) == 1:
            return Prediction.from_logits(all_logits[0]), new_states, all_attention[0]
        sizes = {logits.shape[-1] for logits in all_logits}
        if len(sizes) > 1:
            raise UserError(
                f"The models of an ensemble must share one target vocabulary; theirs have {sorted(sizes)}. "
                "Combine models that were trained with the same tokenizer."
            )
        # (models, rows, vocabulary_size) -> (rows, vocabulary_size), too large by the log of their number.
        summed = tf.reduce_logsumexp(tf.stack([tf.nn.log_softmax(logits) for logits in all_logits]), axis=0)
        return Prediction.from_logits(summed), new_states, tf.add_n(all_attention) / len(self.models)
