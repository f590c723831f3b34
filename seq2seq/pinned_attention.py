"""A model some of whose attention is prescribed: what would it write if it looked here instead?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq.model import Seq2SeqModel


class PinnedSource(NamedTuple):
    """What the model made of the sources, and the attention that is prescribed to their translations."""

    encoded: Any
    pins: tf.Tensor  # (batch, steps, source_length) float32; a row of zeros prescribes nothing
    source_mask: tf.Tensor
    initial_state: tuple[tf.Tensor, ...]  # the model's own, and (batch, 1): the steps done


class PinnedModel:
    """Runs the model's own step with prescribed attention; a `seq2seq.ensemble.StepModel`.

    The pins are a variable, so that graphs built once serve all pins. Not for several threads at once.

    Args:
        model: whose steps to run.
    """

    def __init__(self, model: Seq2SeqModel) -> None:
        self.model = model
        self._pins = tf.Variable(
            tf.zeros([1, 0, 0]), shape=tf.TensorShape([None, None, None]), trainable=False, name="pins"
        )

    def pin(self, pins: np.ndarray) -> None:
        """Prescribe attention from now on.

        Args:
            pins: (batch, steps, source_length) float32, the sources' end included. Row i is what the token
                that step i emits shall attend to. A row of zeros, every step behind the last and every
                sentence behind the last are free.
        """
        self._pins.assign(tf.constant(pins, tf.float32))

    def encode(self, source_tokens: tf.Tensor) -> PinnedSource:
        """(batch, source_length) int32, of the sentences that the pins are for."""
        encoded = self.model.encode(source_tokens)
        batch, source_length = tf.unstack(tf.shape(source_tokens))
        sentences, _, positions = tf.unstack(tf.shape(self._pins))
        # Zeros prescribe nothing. One step of them is added, which stands for all steps behind the pins.
        pins = tf.pad(self._pins, [[0, batch - sentences], [0, 1], [0, source_length - positions]])
        steps_done = tf.zeros([batch, 1])
        return PinnedSource(encoded, pins, encoded.source_mask, (*encoded.initial_state, steps_done))

    def decoding_weights(self) -> Any:
        """As `Seq2SeqModel.decoding_weights`."""
        return self.model.decoding_weights()

    def restricted_weights(self, weights: Any, token_ids: tf.Tensor) -> Any:
        """As `Seq2SeqModel.restricted_weights`."""
        return self.model.restricted_weights(weights, token_ids)

    def decode_step(
        self, tokens: tf.Tensor, state: tuple[tf.Tensor, ...], encoded: PinnedSource, weights: Any
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor]:
        """As `Seq2SeqModel.decode_step`."""
        *model_state, steps_done = state  # the last: (rows, 1)
        rows, sentences = tf.shape(tokens)[0], tf.shape(encoded.pins)[0]
        step = tf.minimum(tf.cast(steps_done[:, 0], tf.int32), tf.shape(encoded.pins)[1] - 1)
        sentence = tf.range(rows) // (rows // sentences)
        pinned = tf.gather_nd(encoded.pins, tf.stack([sentence, step], axis=1))  # (rows, source_length)
        logits, new_state, attention_weights = self.model.decode_step(
            tokens, tuple(model_state), encoded.encoded, weights, pinned
        )
        return logits, (*new_state, steps_done + 1), attention_weights


def pins_of_words(
    pins: Sequence[tuple[int, Sequence[int]]],
    source_piece_to_word: Sequence[int],
    target_piece_to_word: Sequence[int],
) -> np.ndarray:
    """Pins between words as weights between pieces: evenly over the pieces of the source words.

    Args:
        pins: pairs of a target word and source words, counted from 0. The number behind the last word is the
            end of the sentence, on either side. Several pins of one target word are taken together.
        source_piece_to_word: for each source piece the number of its word.
        target_piece_to_word: the same for the target.

    Returns:
        (1, target pieces + 1, source pieces + 1) float32; rows that no pin is for are zeros.

    Raises:
        ValueError: there is no such word.
    """
    source_words = [*source_piece_to_word, max(source_piece_to_word, default=-1) + 1]
    target_words = [*target_piece_to_word, max(target_piece_to_word, default=-1) + 1]
    weights = np.zeros((1, len(target_words), len(source_words)), np.float32)
    for target_word, chosen in pins:
        for name, known, word in (
            ("target", target_words, target_word),
            *(("source", source_words, word) for word in chosen),
        ):
            if word not in known:
                raise ValueError(f"there is no {name} word {word}: they go from 0 to {known[-1]}, the end")
        rows = np.flatnonzero(np.array(target_words) == target_word)
        columns = np.flatnonzero(np.isin(source_words, list(chosen)))
        weights[0, rows[:, None], columns] = 1.0
    totals = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(totals > 0, totals, 1.0)
