"""What a search knows of its sentences, and what it hands from one step to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import tensorflow as tf

from data.special_ids import BOS_ID
from seq2seq.ensemble import DecoderState, Ensemble, Prediction
from seq2seq.hypothesis_score import nothing_covered

NO_SCORE = -float("inf")


class SearchLimits(NamedTuple):
    """Where hypotheses may and must end."""

    min_length: tf.Tensor  # () int32, the end-of-sentence token not counted
    max_length: tf.Tensor  # (batch,) int32, at least 1, the end-of-sentence token not counted
    early_stopping: tf.Tensor  # () bool


class Sentences(NamedTuple):
    """What is known of the sentences before the first step; everything has the batch first."""

    encodings: tuple[Any, ...]  # from each model
    max_length: tf.Tensor  # (batch,) int32, see `SearchLimits`
    greatest_norm: tf.Tensor  # (batch,) float32, of the longest hypothesis that is allowed
    forced_prefix: tf.Tensor | None = None  # (batch, steps) int32, pad where a step is free
    random_numbers: tf.Tensor | None = None  # (batch, steps, samples) float32 in [0, 1), for sampling
    token_penalties: tf.Tensor | None = None  # (batch, vocabulary_size) float32, see `Restriction`

    @property
    def source_mask(self) -> tf.Tensor:
        """(batch, source_length) bool, True for a real source token."""
        return self.encodings[0].source_mask

    def forced_tokens(self, step: tf.Tensor) -> tf.Tensor | None:
        """(batch,) int32, what a step has to emit, pad where it is free; None: it is everywhere."""
        return None if self.forced_prefix is None else self.forced_prefix[:, step]


class BeamState(NamedTuple):
    """All that a step hands to the next one, `History` apart.

    An empty slot has log-probability -inf: before the first step all but one are, later those whose
    hypothesis has ended, and all slots of a sentence that is done.
    """

    step: tf.Tensor  # () int32: tokens emitted so far
    is_active: tf.Tensor  # (batch,) bool: the sentence is not done
    last_tokens: tf.Tensor  # (batch, beam) int32
    log_probability: tf.Tensor  # (batch, beam) float32, of growing hypotheses, in falling order for a beam
    score: tf.Tensor  # (batch, beam) float32, of growing hypotheses, were they cut here; stays when done
    summed_attention: tf.Tensor  # (batch, beam, source_length) float32, over the tokens so far; 1 for padding
    decoder_states: tuple[DecoderState, ...]  # for each model, tensors of shape (batch, beam, units)
    free_slots: tf.Tensor  # (batch,) int32: those that no hypothesis which has ended holds
    ended_score: tf.Tensor  # (batch, n_best) float32, of the best that have ended, best first; -inf: none
    ended_place: tf.Tensor  # (batch, n_best) int32, where they ended: step * beam + slot


class Chosen(NamedTuple):
    """The extensions that fill the next step's slots, each (batch, beam)."""

    parents: tf.Tensor  # int32: the slot each grows from
    tokens: tf.Tensor  # int32
    token_log_probability: tf.Tensor  # float32
    log_probability: tf.Tensor  # float32, of the whole hypothesis; -inf: the slot stays empty


# (prediction, state, least length, sentences) -> Chosen
Selection = Callable[[Prediction, BeamState, tf.Tensor, Sentences], Chosen]

OfSentences = TypeVar("OfSentences", Sentences, BeamState)


def initial_state(
    ensemble: Ensemble,
    sentences: Sentences,
    beam_size: int,
    n_best: int,
    starts: int,
    spare_slots: int = 0,
) -> BeamState:
    """Before the first step: `starts` slots of a sentence hold the empty hypothesis, spare ones none."""
    batch = tf.shape(sentences.source_mask)[0]
    empty = tf.where(tf.range(beam_size) < starts, 0.0, NO_SCORE)
    return BeamState(
        step=tf.constant(0),
        is_active=tf.fill([batch], True),
        last_tokens=tf.fill([batch, beam_size], BOS_ID),
        log_probability=tf.tile(empty[None], [batch, 1]),
        score=tf.fill([batch, beam_size], NO_SCORE),
        summed_attention=tf.tile(nothing_covered(sentences.source_mask)[:, None], [1, beam_size, 1]),
        decoder_states=ensemble.initial_states(sentences.encodings, beam_size),
        free_slots=tf.fill([batch], beam_size - spare_slots),
        ended_score=tf.fill([batch, n_best], NO_SCORE),
        ended_place=tf.zeros([batch, n_best], tf.int32),
    )


def state_shapes(state: BeamState) -> BeamState:
    """Shapes of a loop's variables: batch, beam (see `first_slots`) and source length may change."""
    shapes = tf.nest.map_structure(lambda part: tf.TensorShape([None] * part.shape.rank), state)
    per_hypothesis = tf.TensorShape([None, state.ended_score.shape[1]])
    return shapes._replace(
        decoder_states=tf.nest.map_structure(
            lambda part: tf.TensorShape([None, None, part.shape[-1]]), state.decoder_states
        ),
        ended_score=per_hypothesis,
        ended_place=per_hypothesis,
    )


def first_slots(state: BeamState, slots: tf.Tensor) -> BeamState:
    """The state of the first `slots` slots of each sentence."""
    return state._replace(
        last_tokens=state.last_tokens[:, :slots],
        log_probability=state.log_probability[:, :slots],
        score=state.score[:, :slots],
        summed_attention=state.summed_attention[:, :slots],
        decoder_states=tf.nest.map_structure(lambda part: part[:, :slots], state.decoder_states),
    )


def taken(whole: OfSentences, members: tf.Tensor) -> OfSentences:
    """What belongs to some sentences of a batch; `members` are their numbers, (some,) int32."""

    def take(part: tf.Tensor | None) -> tf.Tensor | None:
        return part if part is None or part.shape.rank == 0 else tf.gather(part, members)

    return tf.nest.map_structure(take, whole)


def returned(whole: BeamState, members: tf.Tensor, part: BeamState) -> BeamState:
    """The state of a batch after that of `members`, once `taken` from it, has changed into `part`."""

    def replace(old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
        return new if new.shape.rank == 0 else tf.tensor_scatter_nd_update(old, members[:, None], new)

    return tf.nest.map_structure(replace, whole, part)
