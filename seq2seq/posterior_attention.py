"""Where a word came from, once the word is known: attention corrected by what each place would have said.

Attention is chosen before the word is. With α_ij the weight of place j at step i, and p_ij(y) the probability
of token y at that step had the decoder looked at place j alone, the word that was then written tells more:

    posterior_ij = α_ij p_ij(y_i) / sum_k α_ik p_ik(y_i)

Shankar and Sarawagi (2019), "Posterior Attention Models for Sequence to Sequence Learning", here as a reading
of a model that was trained with ordinary attention. It costs a decoder step for every place of the source at
every step of the target, so it is for reading alignments, not for searching.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import tensorflow as tf

from data.special_ids import BOS_ID, EOS_ID
from seq2seq.length_sorting import length_sorted_batches
from seq2seq.search_inputs import token_rows

if TYPE_CHECKING:
    from data.segmentation import Segmentation
    from seq2seq.model import Seq2SeqModel
    from seq2seq.prepared_ensemble import PreparedEnsemble
    from seq2seq.translation import Hypothesis, Translation

_TOKENS = tf.TensorSpec((None, None), tf.int32)
_SMALLEST_WEIGHT = 1e-30


class PosteriorReader:
    """Gives translations their posterior attention in place of the attention that wrote them.

    Args:
        prepared: the `Seq2SeqModel`s that made the translations; of several the mean is taken. After its
            `refresh`, posteriors are those of the new weights.
        batch_size: hypotheses at once. The decoder's batch is that many times the source's length.
    """

    def __init__(self, prepared: PreparedEnsemble, *, batch_size: int = 16) -> None:
        self._models = cast("Sequence[Seq2SeqModel]", prepared.ensemble.models)
        self._run = prepared.build(self._mean_posterior, [_TOKENS, _TOKENS])
        self._batch_size = batch_size

    def __call__(self, translations: Sequence[Translation]) -> list[Translation]:
        """The same translations; those without a hypothesis stay as they are."""
        items = [
            _Written(place, each.source, one)
            for place, each in enumerate(translations)
            for one in each.hypotheses
        ]
        read: dict[int, Hypothesis] = {}
        for numbers in length_sorted_batches([len(item.source.pieces) for item in items], self._batch_size):
            sources = token_rows(
                [[*items[number].source.token_ids, EOS_ID] for number in numbers],
                "sources",
                may_be_empty=False,
            )
            targets = token_rows([items[number].tokens for number in numbers], "targets", may_be_empty=False)
            for number, rows in zip(numbers, self._run(sources, targets).numpy(), strict=True):
                hypothesis = items[number].hypothesis
                length, columns = hypothesis.attention.shape
                read[number] = replace(hypothesis, attention=rows[:length, :columns].copy())
        hypotheses: list[list[Hypothesis]] = [[] for _ in translations]
        for number, item in enumerate(items):
            hypotheses[item.place].append(read[number])
        return [
            replace(each, hypotheses=tuple(own)) if own else each
            for each, own in zip(translations, hypotheses, strict=True)
        ]

    def _mean_posterior(self, weights: tuple[Any, ...], source: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        each = [
            posterior_weights(model, source, target, of_model)
            for model, of_model in zip(self._models, weights, strict=True)
        ]
        return tf.add_n(each) / len(each)


class _Written(NamedTuple):
    """A hypothesis, and where it belongs."""

    place: int
    source: Segmentation
    hypothesis: Hypothesis

    @property
    def tokens(self) -> list[int]:
        return [*self.hypothesis.target.token_ids, *([EOS_ID] if self.hypothesis.finished else [])]


def posterior_weights(
    model: Seq2SeqModel, source_tokens: tf.Tensor, target_tokens: tf.Tensor, weights: Any
) -> tf.Tensor:
    """Posterior attention of given targets.

    Args:
        model: whose attention it is.
        source_tokens: (batch, source_length) int32, 0 = pad.
        target_tokens: (batch, target_length) int32, 0 = pad.
        weights: from `model.decoding_weights`.

    Returns:
        (batch, target_length, source_length) float32; rows sum to 1. Rows of pads mean nothing.
    """
    encoded = model.encode(source_tokens)
    batch, places = tf.unstack(tf.shape(source_tokens))
    length = tf.shape(target_tokens)[1]
    # A decoder for every place, which looks nowhere else: (batch * places, places), a sentence's adjacent.
    one_place = tf.tile(tf.eye(places), [batch, 1])
    target_by_step = tf.transpose(target_tokens)  # (target_length, batch)
    input_by_step = tf.concat([tf.fill([1, batch], BOS_ID), target_by_step[:-1]], axis=0)

    def body(step: tf.Tensor, state: tuple[tf.Tensor, ...], rows: tf.TensorArray) -> tuple[Any, ...]:
        tokens = input_by_step[step]
        repeated = tuple(tf.repeat(part, places, axis=0) for part in state)
        logits = model.decode_step(tf.repeat(tokens, places), repeated, encoded, weights, one_place)[0]
        log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        written = tf.repeat(target_by_step[step], places)
        said = tf.reshape(tf.gather(log_probabilities, written, batch_dims=1), [batch, places])
        _, state, attention = model.decode_step(tokens, state, encoded, weights)
        looked = tf.math.log(tf.maximum(tf.cast(attention, tf.float32), _SMALLEST_WEIGHT))
        joint = tf.where(encoded.source_mask, looked + said, -np.inf)
        return step + 1, state, rows.write(step, tf.nn.softmax(joint))

    state = tuple(encoded.initial_state)
    rows = tf.TensorArray(tf.float32, size=length, element_shape=[None, None])
    anything = tf.TensorShape(None)
    _, _, rows = tf.while_loop(
        lambda step, *_: step < length,
        body,
        (tf.constant(0), state, rows),
        shape_invariants=(
            tf.TensorShape([]),
            tuple(tf.TensorShape([None, part.shape[-1]]) for part in state),
            anything,
        ),
        parallel_iterations=1,
    )
    return tf.transpose(rows.stack(), [1, 0, 2])  # (target_length, batch, ...) -> (batch, target_length, ...)
