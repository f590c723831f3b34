"""What the model would have written instead: the likeliest next tokens after a prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from data.special_ids import BOS_ID, PAD_ID, UNK_ID
from seq2seq.prepared_ensemble import PreparedEnsemble
from seq2seq.wide_rows import wide_top_k

NEVER_EMITTED = (PAD_ID, BOS_ID, UNK_ID)


class NextTokens(NamedTuple):
    """The likeliest continuations of one prefix, best first."""

    tokens: np.ndarray  # (count,) int32
    log_probabilities: np.ndarray  # (count,) float32
    attention_weights: np.ndarray  # (source_length,) float32, of the step that emits them, whichever it is


class Alternatives:
    """Ranks the tokens that may follow a prefix, with the models' one decoder step.

    Args:
        prepared: the models.
        most: how many tokens are ranked; fewer where the vocabulary has no more.
    """

    def __init__(self, prepared: PreparedEnsemble, most: int = 50) -> None:
        self._ensemble = prepared.ensemble
        self._most = most
        tokens = tf.TensorSpec([1, None], tf.int32)
        self._run = prepared.build(self._ranked, [tokens, tokens])

    def after(self, source_tokens: Sequence[int], prefix: Sequence[int]) -> NextTokens:
        """Rank what may come next.

        Args:
            source_tokens: of one sentence, its end included.
            prefix: the target tokens before the place in question, without special tokens; may be empty.

        Returns:
            The tokens that a search could choose here: all but pad, BOS and the unknown token. Probabilities
            are the model's own and sum to at most 1.
        """
        fed = np.array([[BOS_ID, *prefix]], np.int32)
        values, tokens, attention = self._run(np.array([source_tokens], np.int32), fed)
        real = np.isfinite(values.numpy())
        return NextTokens(tokens.numpy()[real], values.numpy()[real], attention.numpy())

    def _ranked(
        self, weights: tuple[Any, ...], source: tf.Tensor, fed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        encodings = self._ensemble.encode(source)
        states = self._ensemble.initial_states(encodings, 1)

        def advance(step: tf.Tensor, states: tuple[tuple[tf.Tensor, ...], ...]) -> tuple:
            return step + 1, self._ensemble.step(fed[:, step][:, None], states, encodings, weights)[1]

        shapes = tf.nest.map_structure(lambda part: part.shape, states)
        _, states = tf.while_loop(
            lambda step, _: step < tf.shape(fed)[1] - 1,
            advance,
            (tf.constant(0), states),
            shape_invariants=(tf.TensorShape([]), shapes),
        )
        prediction, _, attention = self._ensemble.step(fed[:, -1:], states, encodings, weights)
        size = prediction.logits.shape[-1]
        penalty = np.zeros(size, np.float32)
        penalty[list(NEVER_EMITTED)] = -np.inf
        logits, tokens = wide_top_k(prediction.logits + penalty, min(self._most, size))  # (1, most)
        return prediction.log_probability(logits)[0], tokens[0], attention[0, 0]
