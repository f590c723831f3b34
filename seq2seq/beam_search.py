"""Beam search, greedy search and sampling as one graph: a `tf.while_loop` over the decoder's step.

Every sentence has a beam of `beam` slots. A step extends the hypotheses in the slots by one token each and
a `Selection` says which of the extensions fill the slots of the next step:

- `select_best`: the extensions of highest log-probability, whichever hypotheses they grow from. A hypothesis
  that has ended keeps its place: after m hypotheses have ended, beam - m slots go on growing (as in the
  searches of Bahdanau's and of Marian's recurrent translators), and when all have ended the sentence is done.
  So nothing that has ended is ever dropped or ranked anew, and a beam of 1 is exactly greedy search.
- `sampling.sample_next`: each slot draws its own next token.

Hypotheses that ended rank by their score (`hypothesis_score.py`). The maximum length does not count the
end-of-sentence token, so the search takes one step more, in which hypotheses may end and do nothing else.
What does not end there either was cut: no translation but the beginning of one. It ranks after all that
ended, among its like by score.

Early stopping. Once `n_best` hypotheses of a sentence have ended, let w be the worst score of the best
n_best and L the highest log-probability of those still growing. Whatever grows from them has a
log-probability of at most L <= 0 (each token adds at most 0), at most `max_length + 1` tokens, and a coverage
term of at most 0; the norm does not fall with the length. Its score is therefore at most
L / norm(max_length + 1). When w is at least that, nothing can enter the list any more (an equal score would
not: the earlier one stays in front), and cut hypotheses could not either, so the sentence is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from data.special_ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq.ensemble import DecoderState, Ensemble, Prediction
from seq2seq.hypothesis_score import ScoreWeights, hypothesis_score, length_norm
from seq2seq.search_history import History, Hypotheses, follow_back
from seq2seq.wide_top_k import wide_top_k

NO_SCORE = -float("inf")


class SearchLimits(NamedTuple):
    """Where hypotheses may and must end."""

    min_length: tf.Tensor  # () int32, the end-of-sentence token not counted
    max_length: tf.Tensor  # (batch,) int32, at least 1, the end-of-sentence token not counted
    early_stopping: tf.Tensor  # () bool


class BeamState(NamedTuple):
    """All that a step hands to the next one; `rows` is batch * beam, `History` apart.

    An empty slot has log-probability -inf: before the first step all but one are, and later those whose
    hypothesis has ended. The values of a sentence that is done stay as they were when it was.
    """

    step: tf.Tensor  # () int32: tokens emitted so far
    is_active: tf.Tensor  # (batch,) bool: the sentence is not done
    last_tokens: tf.Tensor  # (batch, beam) int32
    log_probability: tf.Tensor  # (batch, beam) float32, of growing hypotheses, in falling order for a beam
    score: tf.Tensor  # (batch, beam) float32, of growing hypotheses, were they cut here
    summed_attention: tf.Tensor  # (batch, beam, source_length) float32, over the tokens so far
    decoder_states: tuple[DecoderState, ...]  # for each model, tensors of shape (rows, units)
    ended_count: tf.Tensor  # (batch,) int32: hypotheses that have ended
    ended_score: tf.Tensor  # (batch, n_best) float32, of the best that have ended, best first; -inf: none
    ended_step: tf.Tensor  # (batch, n_best) int32, the step that emitted their last token
    ended_slot: tf.Tensor  # (batch, n_best) int32, their slot after that step


class Chosen(NamedTuple):
    """The extensions that fill the next step's slots, each (batch, beam)."""

    parents: tf.Tensor  # int32: the slot each grows from
    tokens: tf.Tensor  # int32
    token_log_probability: tf.Tensor  # float32
    log_probability: tf.Tensor  # float32, of the whole hypothesis; -inf: the slot stays empty


# (prediction, state with -inf for sentences that are done, penalty of each token (vocabulary_size,),
#  forced tokens (batch,) with pad for none, or None) -> Chosen
Selection = Callable[[Prediction, BeamState, tf.Tensor, tf.Tensor | None], Chosen]


def search(
    ensemble: Ensemble,
    source_tokens: tf.Tensor,
    forced_prefix: tf.Tensor | None,
    weights: ScoreWeights,
    limits: SearchLimits,
    selection: Selection,
    *,
    beam_size: int,
    n_best: int,
    starts: int = 1,
) -> Hypotheses:
    """Search a batch of sentences.

    Args:
        ensemble: the models.
        source_tokens: (batch, source_length) int32, 0 = pad.
        forced_prefix: (batch, prefix_length) int32: tokens that every hypothesis of a sentence begins with,
            pads behind them; or None.
        weights: of the score.
        limits: on the length.
        selection: which extensions to keep.
        beam_size: slots of each sentence.
        n_best: hypotheses to return, at most `beam_size`.
        starts: slots that hold the empty hypothesis at first: 1 for a beam (or it would hold copies), all of
            them for samples.

    Returns:
        The hypotheses.
    """
    encodings = ensemble.encode(source_tokens)
    source_mask = encodings[0].source_mask
    most_steps = tf.reduce_max(limits.max_length) + 1
    if forced_prefix is not None:
        # One column for every step, pads where nothing is forced.
        missing = tf.maximum(most_steps - tf.shape(forced_prefix)[1], 0)
        forced_prefix = tf.pad(forced_prefix, [[0, 0], [0, missing]], constant_values=PAD_ID)

    def continues(state: BeamState, history: History) -> tf.Tensor:
        return tf.reduce_any(state.is_active)

    def body(state: BeamState, history: History) -> tuple[BeamState, History]:
        flat_tokens = tf.reshape(state.last_tokens, [-1])
        prediction, decoder_states, attention = ensemble.step(flat_tokens, state.decoder_states, encodings)
        # (rows, source_length) -> (batch, beam, source_length)
        attention = tf.reshape(attention, tf.shape(state.summed_attention))
        growing = tf.where(state.is_active[:, None], state.log_probability, NO_SCORE)
        penalty = _token_penalty(prediction.logits.shape[-1], state.step, limits.min_length)
        forced = None if forced_prefix is None else forced_prefix[:, state.step]
        chosen = selection(prediction, state._replace(log_probability=growing), penalty, forced)
        history = history.write(
            state.step, chosen.tokens, chosen.parents, chosen.token_log_probability, attention
        )
        state = state._replace(
            decoder_states=tf.nest.map_structure(
                lambda part: _reorder_rows(part, chosen.parents, beam_size), decoder_states
            ),
            summed_attention=tf.gather(state.summed_attention + attention, chosen.parents, batch_dims=1),
        )
        return advance(state, chosen, source_mask, weights, limits), history

    initial = _initial_state(ensemble, encodings, source_mask, beam_size, n_best, starts)
    history = History.for_steps(most_steps, beam_size)
    # Nothing of one step can run beside another, so more parallel iterations would only hold memory.
    final, history = tf.while_loop(
        continues,
        body,
        (initial, history),
        shape_invariants=_invariants(initial, history),
        parallel_iterations=1,
    )
    return _rank(final, history, limits.max_length, n_best)


def advance(
    state: BeamState, chosen: Chosen, source_mask: tf.Tensor, weights: ScoreWeights, limits: SearchLimits
) -> BeamState:
    """Enter the chosen extensions: set apart those that end, and find the sentences that are done.

    Args:
        state: with `decoder_states` and `summed_attention` of the chosen extensions already.
        chosen: the extensions.
        source_mask: (batch, source_length) bool.
        weights: of the score.
        limits: on the length.

    Returns:
        The state after the step.
    """
    length = state.step + 1
    score = hypothesis_score(chosen.log_probability, length, state.summed_attention, source_mask, weights)
    # Where a slot is empty the attention may be anything, NaN too, and a NaN must not reach the ranking.
    score = tf.where(tf.math.is_finite(score), score, NO_SCORE)
    ends = (chosen.tokens == EOS_ID) & (score > NO_SCORE)
    # The best n_best of those that had ended and those that end now; equal scores: the earlier one in front.
    all_scores = tf.concat([state.ended_score, tf.where(ends, score, NO_SCORE)], axis=-1)
    ended_score, places = tf.math.top_k(all_scores, state.ended_score.shape[-1])
    slots = tf.broadcast_to(tf.range(tf.shape(score)[1]), tf.shape(score))
    ended_slot = tf.gather(tf.concat([state.ended_slot, slots], -1), places, batch_dims=1)
    steps = tf.fill(tf.shape(score), state.step)
    ended_step = tf.gather(tf.concat([state.ended_step, steps], -1), places, batch_dims=1)
    ended_count = state.ended_count + tf.reduce_sum(tf.cast(ends, tf.int32), axis=-1)

    log_probability = tf.where(ends, NO_SCORE, chosen.log_probability)
    best_growing = tf.reduce_max(log_probability, axis=-1)
    best_possible = best_growing / length_norm(limits.max_length + 1, weights)
    is_decided = limits.early_stopping & (ended_score[:, -1] >= best_possible)
    is_last = state.step >= limits.max_length
    is_done = is_decided | (best_growing == NO_SCORE) | is_last
    # The last step is for ending only: what does not end is cut there, in the slot that it had before.
    score_if_growing = tf.where(
        is_last[:, None],
        tf.where(_has_ended_child(ends, chosen.parents), NO_SCORE, state.score),
        tf.where(ends, NO_SCORE, score),
    )
    was_active = state.is_active[:, None]
    return state._replace(
        step=length,
        is_active=state.is_active & ~is_done,
        last_tokens=chosen.tokens,
        log_probability=tf.where(was_active, log_probability, state.log_probability),
        score=tf.where(was_active, score_if_growing, state.score),
        ended_count=ended_count,
        ended_score=ended_score,
        ended_step=ended_step,
        ended_slot=ended_slot,
    )


def _has_ended_child(ends: tf.Tensor, parents: tf.Tensor) -> tf.Tensor:
    """For each slot that a step started from, whether one of its extensions has ended: (batch, beam) bool."""
    # (batch, child, parent) -> (batch, parent)
    is_child = parents[:, :, None] == tf.range(parents.shape[1])
    return tf.reduce_any(is_child & ends[:, :, None], axis=1)


def select_best(
    prediction: Prediction, state: BeamState, penalty: tf.Tensor, forced: tf.Tensor | None
) -> Chosen:
    """The extensions of highest log-probability; see `Selection` for the arguments."""
    batch, beam_size = tf.shape(state.log_probability)[0], state.log_probability.shape[1]
    width = min(beam_size, prediction.logits.shape[-1])
    # Two stages: the best of each hypothesis, then the best of a sentence among those.
    logits, tokens = wide_top_k(prediction.logits + penalty, width)
    token_log_probability = prediction.log_probability(logits)  # (rows, width)
    if forced is not None:
        token_log_probability, tokens = _with_forced(
            prediction, token_log_probability, tokens, forced, beam_size
        )
        width += 1
    # (rows, width) -> (batch, beam, width), added to its hypothesis, -> (batch, beam * width)
    total = tf.reshape(token_log_probability, [batch, beam_size, width]) + state.log_probability[:, :, None]
    log_probability, places = tf.math.top_k(tf.reshape(total, [batch, beam_size * width]), beam_size)
    # Hypotheses that have ended keep their place in the beam.
    is_free = tf.range(beam_size) < beam_size - state.ended_count[:, None]

    def pick(values: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.reshape(values, [batch, beam_size * width]), places, batch_dims=1)

    return Chosen(
        parents=places // width,
        tokens=pick(tokens),
        token_log_probability=pick(token_log_probability),
        log_probability=tf.where(is_free, log_probability, NO_SCORE),
    )


def _with_forced(
    prediction: Prediction,
    token_log_probability: tf.Tensor,
    tokens: tf.Tensor,
    forced: tf.Tensor,
    beam_size: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Candidates (rows, width) with one column more, the only one left where a token is forced."""
    row_forced = tf.repeat(forced, beam_size)[:, None]  # (batch,) -> (rows, 1)
    is_forced = row_forced != PAD_ID
    forced_logit = tf.gather(prediction.logits, row_forced, batch_dims=1)
    forced_log_probability = tf.where(is_forced, prediction.log_probability(forced_logit), NO_SCORE)
    others = tf.where(is_forced, NO_SCORE, token_log_probability)
    return tf.concat([others, forced_log_probability], -1), tf.concat([tokens, row_forced], -1)


def _token_penalty(vocabulary_size: int, step: tf.Tensor, min_length: tf.Tensor) -> tf.Tensor:
    """(vocabulary_size,) float32: -inf for what may not be emitted at this step, 0 for all else."""
    ids = tf.range(vocabulary_size)
    is_forbidden = (
        (ids == PAD_ID) | (ids == BOS_ID) | (ids == UNK_ID) | ((ids == EOS_ID) & (step < min_length))
    )
    return tf.where(is_forbidden, NO_SCORE, 0.0)


def _reorder_rows(part: tf.Tensor, parents: tf.Tensor, beam_size: int) -> tf.Tensor:
    """Rows of `part` (rows, units) in the order of `parents` (batch, beam)."""
    if beam_size == 1:
        return part
    first_row = tf.range(tf.shape(parents)[0])[:, None] * beam_size
    return tf.gather(part, tf.reshape(first_row + parents, [-1]))


def _initial_state(
    ensemble: Ensemble,
    encodings: tuple[Any, ...],
    source_mask: tf.Tensor,
    beam_size: int,
    n_best: int,
    starts: int,
) -> BeamState:
    batch, source_length = tf.unstack(tf.shape(source_mask))
    empty = tf.where(tf.range(beam_size) < starts, 0.0, NO_SCORE)
    return BeamState(
        step=tf.constant(0),
        is_active=tf.fill([batch], True),
        last_tokens=tf.fill([batch, beam_size], BOS_ID),
        log_probability=tf.tile(empty[None], [batch, 1]),
        score=tf.fill([batch, beam_size], NO_SCORE),
        summed_attention=tf.zeros([batch, beam_size, source_length]),
        decoder_states=ensemble.initial_states(encodings, beam_size),
        ended_count=tf.zeros([batch], tf.int32),
        ended_score=tf.fill([batch, n_best], NO_SCORE),
        ended_step=tf.fill([batch, n_best], -1),
        ended_slot=tf.zeros([batch, n_best], tf.int32),
    )


def _invariants(state: BeamState, history: History) -> tuple[BeamState, History]:
    """Shapes of the loop's variables: static but for the batch and the source length."""

    def invariant(tensor: tf.Tensor) -> tf.TensorShape:
        shape = tensor.shape.as_list()
        return tf.TensorShape([None, *shape[1:]] if shape else [])

    shapes = tf.nest.map_structure(invariant, state)
    summed_attention = tf.TensorShape([None, state.score.shape[1], None])
    return shapes._replace(summed_attention=summed_attention), tf.nest.map_structure(
        lambda array: tf.TensorShape(None), history
    )


def _rank(state: BeamState, history: History, max_length: tf.Tensor, n_best: int) -> Hypotheses:
    """The best n_best: those that ended, then those that were cut, by score."""
    # What still grows when its sentence is done was cut, or (when the sentence stopped early) is not needed:
    # then n_best have ended and fill the list.
    cut_score, cut_slot = tf.math.top_k(state.score, n_best)
    cut_step = tf.where(cut_score > NO_SCORE, tf.minimum(max_length, state.step)[:, None] - 1, -1)
    has_ended = state.ended_score > NO_SCORE
    # Both lists are sorted and the ended ones stand in front: only empty places must move to the end.
    is_empty = tf.concat([state.ended_score, cut_score], axis=-1) == NO_SCORE
    order = tf.argsort(tf.cast(is_empty, tf.int32), axis=-1, stable=True)[:, :n_best]

    def merge(ended: tf.Tensor, cut: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.concat([ended, cut], axis=-1), order, batch_dims=1)

    return follow_back(
        history,
        state.step,
        last_step=merge(tf.where(has_ended, state.ended_step, -1), cut_step),
        last_slot=merge(state.ended_slot, cut_slot),
        finished=merge(has_ended, tf.zeros_like(has_ended)),
        score=merge(state.ended_score, cut_score),
    )
