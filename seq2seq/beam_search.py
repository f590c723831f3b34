"""Beam search, greedy search and sampling as one graph: a `tf.while_loop` over the decoder's step.

Every sentence has a beam of `beam` slots. A step extends the hypotheses in the slots by one token each and
a `Selection` says which of the extensions fill the slots of the next step:

- `best_extensions.select_best`: the extensions of highest log-probability, whichever hypotheses they grow
  from. A hypothesis that has ended keeps its place: after m hypotheses have ended, beam - m slots
  go on growing (as in the searches of Bahdanau's and of Marian's recurrent translators), and when all
  have ended the sentence is done.
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

Phases. Sentences of a batch are done at different steps, and what is done would be decoded in vain. So the
loop over steps stands in a loop over phases: when enough sentences are done, the phase ends, and the next one
works on a smaller batch of those that are not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from data.special_ids import EOS_ID, PAD_ID
from seq2seq.beam_state import (
    NO_SCORE,
    BeamState,
    Chosen,
    SearchLimits,
    Selection,
    Sentences,
    first_slots,
    initial_state,
    returned,
    state_shapes,
    taken,
)
from seq2seq.ensemble import Ensemble
from seq2seq.hypothesis_score import ScoreWeights, hypothesis_score, length_norm
from seq2seq.search_history import History, Hypotheses, Record, follow_back

# A phase ends when this share of its sentences are done, and at least so many hypotheses less have to be
# decoded. To begin a phase takes about as long as one step of that many hypotheses; a step of a few takes
# as long as one of a single hypothesis, because it mostly waits for the weights to be read from memory.
SHARE_DONE = 0.125
HYPOTHESES_DONE = 16


class _Rules(NamedTuple):
    """What is the same for all sentences and steps."""

    ensemble: Ensemble
    model_weights: tuple[Any, ...]  # see `Ensemble.decoding_weights`
    selection: Selection
    beam_size: int
    weights: ScoreWeights
    norms: tf.Tensor  # (steps,) float32, of hypotheses of 1, 2, ... tokens
    min_length: tf.Tensor  # () int32
    early_stopping: tf.Tensor  # () bool


def search(
    ensemble: Ensemble,
    model_weights: tuple[Any, ...],
    source_tokens: tf.Tensor,
    forced_prefix: tf.Tensor | None,
    random_numbers: tf.Tensor | None,
    token_penalties: tf.Tensor | None,
    weights: ScoreWeights,
    limits: SearchLimits,
    selection: Selection,
    *,
    beam_size: int,
    n_best: int,
    starts: int = 1,
    spare_slots: int = 0,
) -> tuple[Hypotheses, History]:
    """Search a batch of sentences.

    Args:
        ensemble: the models.
        model_weights: their weights, from `Ensemble.decoding_weights`.
        source_tokens: (batch, source_length) int32, 0 = pad.
        forced_prefix: (batch, prefix_length) int32: tokens that every hypothesis of a sentence begins with,
            pads behind them; or None.
        random_numbers: (batch, steps, samples) float32 in [0, 1), for a selection that draws; or None.
        token_penalties: (batch, vocabulary_size) float32, added to the logits; or None.
        weights: of the score.
        limits: on the length.
        selection: which extensions to keep.
        beam_size: slots of each sentence.
        n_best: hypotheses to return, at most `beam_size`.
        starts: slots that hold the empty hypothesis at first: 1 for a beam (or it would hold copies), all of
            them for samples.
        spare_slots: how many of the `beam_size` slots never grow: in the history they hold the extensions
            that were next in line.

    Returns:
        The hypotheses, and the history of all steps.
    """
    most_steps = tf.reduce_max(limits.max_length) + 1
    if forced_prefix is not None:
        # One column for every step, pads where nothing is forced.
        missing = tf.maximum(most_steps - tf.shape(forced_prefix)[1], 0)
        forced_prefix = tf.pad(forced_prefix, [[0, 0], [0, missing]], constant_values=PAD_ID)
    norms = length_norm(tf.range(1, most_steps + 1), weights)
    rules = _Rules(
        ensemble,
        model_weights,
        selection,
        beam_size,
        weights,
        norms,
        limits.min_length,
        limits.early_stopping,
    )
    sentences = Sentences(
        encodings=ensemble.encode(source_tokens),
        max_length=limits.max_length,
        greatest_norm=tf.gather(norms, limits.max_length),
        forced_prefix=forced_prefix,
        random_numbers=random_numbers,
        token_penalties=token_penalties,
    )

    def phase(state: BeamState, history: History) -> tuple[BeamState, History]:
        members = tf.cast(tf.where(state.is_active)[:, 0], tf.int32)
        part = taken(state, members)
        if starts < beam_size:
            # Before the first step the other slots are empty: nothing of them has to be decoded.
            part = first_slots(part, tf.where(state.step == 0, starts, beam_size))
        part, record = _run_phase(rules, taken(sentences, members), part)
        history = history.with_steps_of(members, record, part.step - state.step)
        return returned(state, members, part), history

    batch, source_length = tf.unstack(tf.shape(sentences.source_mask))
    state = initial_state(ensemble, sentences, beam_size, n_best, starts, spare_slots)
    history = History.empty(batch, beam_size, source_length)
    # Nothing of one phase or step can run beside another: more parallel iterations would only hold memory.
    state, history = tf.while_loop(
        lambda state, _: tf.reduce_any(state.is_active),
        phase,
        (state, history),
        shape_invariants=(
            state_shapes(state),
            tf.nest.map_structure(lambda part: tf.TensorShape([None] * part.shape.rank), history),
        ),
        parallel_iterations=1,
    )
    return _rank(state, history, limits.max_length, n_best, beam_size), history


def _run_phase(rules: _Rules, sentences: Sentences, state: BeamState) -> tuple[BeamState, Record]:
    """One step at least, and more of them until enough sentences are done for the phase to end."""
    first_step = state.step
    sentence_count = tf.size(sentences.max_length)
    share = tf.cast(tf.math.ceil(SHARE_DONE * tf.cast(sentence_count, tf.float32)), tf.int32)
    enough = tf.minimum(tf.maximum(share, -(-HYPOTHESES_DONE // rules.beam_size)), sentence_count)

    def continues(state: BeamState, record: Record) -> tf.Tensor:
        return tf.math.count_nonzero(state.is_active, dtype=tf.int32) > sentence_count - enough

    def body(state: BeamState, record: Record) -> tuple[BeamState, Record]:
        prediction, decoder_states, attention = rules.ensemble.step(
            state.last_tokens,
            state.decoder_states,
            sentences.encodings,
            rules.model_weights,
            sentences.token_penalties,
        )
        chosen = rules.selection(prediction, state, rules.min_length, sentences)

        def of_parents(part: tf.Tensor) -> tf.Tensor:
            return tf.gather(part, chosen.parents, batch_dims=1) if rules.beam_size > 1 else part

        attention = of_parents(attention)
        record = record.write(
            state.step - first_step, chosen.tokens, chosen.parents, chosen.token_log_probability, attention
        )
        state = state._replace(
            decoder_states=tf.nest.map_structure(of_parents, decoder_states),
            summed_attention=of_parents(state.summed_attention) + attention,
        )
        return _advance(rules, sentences, state, chosen), record

    record = Record.for_steps(tf.size(rules.norms) - first_step, rules.beam_size)
    return tf.while_loop(
        continues,
        body,
        (state, record),
        shape_invariants=(
            state_shapes(state),
            tf.nest.map_structure(lambda array: tf.TensorShape(None), record),
        ),
        parallel_iterations=1,
    )


def _advance(rules: _Rules, sentences: Sentences, state: BeamState, chosen: Chosen) -> BeamState:
    """Enter the chosen extensions: set apart those that end, and find the sentences that are done.

    Args:
        rules: of the search.
        sentences: that the state belongs to.
        state: with `decoder_states` and `summed_attention` of the chosen extensions already.
        chosen: the extensions.

    Returns:
        The state after the step.
    """
    score = hypothesis_score(
        chosen.log_probability, rules.norms[state.step], state.summed_attention, rules.weights
    )
    # Where a slot is empty the attention may be anything, NaN too, and a NaN must not reach the ranking.
    score = tf.where(tf.math.is_finite(score), score, NO_SCORE)
    ends = (chosen.tokens == EOS_ID) & (score > NO_SCORE)
    # The best n_best of those that had ended and those that end now; equal scores: the earlier one in front.
    all_scores = tf.concat([state.ended_score, tf.where(ends, score, NO_SCORE)], axis=-1)
    ended_score, best = tf.math.top_k(all_scores, state.ended_score.shape[-1])
    place = tf.broadcast_to(state.step * rules.beam_size + tf.range(rules.beam_size), tf.shape(score))
    ended_place = tf.gather(tf.concat([state.ended_place, place], axis=-1), best, batch_dims=1)

    log_probability = tf.where(ends, NO_SCORE, chosen.log_probability)
    best_possible = tf.reduce_max(log_probability, axis=-1) / sentences.greatest_norm
    to_beat = tf.where(rules.early_stopping, ended_score[:, -1], NO_SCORE)
    is_last = state.step >= sentences.max_length
    is_active = (best_possible > to_beat) & ~is_last
    # The last step is for ending only: what does not end is cut there, in the slot that it had before.
    score_if_growing = tf.where(
        is_last[:, None],
        tf.where(_has_ended_child(ends, chosen.parents, rules.beam_size), NO_SCORE, state.score),
        tf.where(ends, NO_SCORE, score),
    )
    return state._replace(
        step=state.step + 1,
        is_active=is_active,
        last_tokens=chosen.tokens,
        log_probability=tf.where(is_active[:, None], log_probability, NO_SCORE),
        score=tf.where(state.is_active[:, None], score_if_growing, state.score),
        free_slots=state.free_slots - tf.math.count_nonzero(ends, axis=-1, dtype=tf.int32),
        ended_score=ended_score,
        ended_place=ended_place,
    )


def _has_ended_child(ends: tf.Tensor, parents: tf.Tensor, beam_size: int) -> tf.Tensor:
    """For each slot that a step started from, whether one of its extensions has ended: (batch, beam) bool."""
    ended_parents = tf.where(ends, parents, -1)
    # (batch, 1, child) == (parent, 1) -> (batch, parent)
    return tf.reduce_any(ended_parents[:, None] == tf.range(beam_size)[:, None], axis=-1)


def _rank(
    state: BeamState, history: History, max_length: tf.Tensor, n_best: int, beam_size: int
) -> Hypotheses:
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
        last_step=merge(tf.where(has_ended, state.ended_place // beam_size, -1), cut_step),
        last_slot=merge(state.ended_place % beam_size, cut_slot),
        finished=merge(has_ended, tf.zeros_like(has_ended)),
        score=merge(state.ended_score, cut_score),
    )
