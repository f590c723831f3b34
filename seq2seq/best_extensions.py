"""Which extensions of a sentence's hypotheses are the likeliest: beam search and, with one slot, greedy."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from data.special_ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq.beam_state import NO_SCORE, BeamState, Chosen, Selection, Sentences
from seq2seq.ensemble import Prediction


def select_best(beam_size: int) -> Selection:
    """The selection of the extensions with the highest log-probability.

    Args:
        beam_size: how many to keep of each sentence.
    """

    def select(
        prediction: Prediction, state: BeamState, min_length: tf.Tensor, sentences: Sentences
    ) -> Chosen:
        chosen = _likeliest(prediction, state, min_length, beam_size)
        forced = sentences.forced_tokens(state.step)
        if forced is not None:
            is_forced = (forced != PAD_ID)[:, None]
            only = _only_forced(prediction, state, forced, beam_size)
            chosen = Chosen(*(tf.where(is_forced, *both) for both in zip(only, chosen, strict=True)))
        # Hypotheses that have ended keep their place in the beam.
        is_free = tf.range(beam_size) < state.free_slots[:, None]
        return chosen._replace(log_probability=tf.where(is_free, chosen.log_probability, NO_SCORE))

    return select


def token_penalty(tokens: int, step: tf.Tensor, min_length: tf.Tensor) -> tf.Tensor:
    """(tokens,) float32 for the first ids: -inf for what may not be emitted at this step, 0 for all else."""
    free = np.zeros(tokens, np.float32)
    free[[PAD_ID, BOS_ID, UNK_ID]] = NO_SCORE
    too_short = free.copy()
    too_short[EOS_ID] = NO_SCORE
    return tf.where(step < min_length, too_short, free)


def _likeliest(prediction: Prediction, state: BeamState, min_length: tf.Tensor, beam_size: int) -> Chosen:
    """Look for the blocks that offer a sentence most, then for the best tokens in them; see `wide_rows`."""
    batch, slots = tf.unstack(tf.shape(state.log_probability))
    vocabulary_size = tf.shape(prediction.logits)[-1]
    _, known_blocks, width = prediction.blocks.shape
    blocks = tf.shape(prediction.blocks)[1]
    # What may be forbidden stands at the beginning of the vocabulary. The block behind has no penalty.
    special_blocks = max(PAD_ID, BOS_ID, EOS_ID, UNK_ID) // width + 1
    penalty = token_penalty((special_blocks + 1) * width, state.step, min_length)
    penalty = tf.reshape(penalty, [special_blocks + 1, width])
    special_maxima = tf.reduce_max(prediction.blocks[:, :special_blocks] + penalty[:-1], axis=-1)
    maxima = tf.concat([special_maxima, prediction.block_maxima[:, special_blocks:]], axis=-1)

    # (rows, blocks) -> (batch, slots * blocks): the best log-probability that a block offers.
    offers = prediction.log_probability(maxima) + tf.reshape(state.log_probability, [-1, 1])
    offers = _at_least(tf.reshape(offers, [batch, slots * blocks]), beam_size, known=known_blocks or 1)
    best_offers, best = tf.math.top_k(offers, beam_size, sorted=False)  # (batch, beam)
    best = tf.minimum(best, slots * blocks - 1)
    parents, block = best // blocks, best % blocks

    # (rows, blocks, width) -> (batch, slots * blocks, width) -> (batch, beam, width)
    logits = tf.gather(tf.reshape(prediction.blocks, [batch, -1, width]), best, batch_dims=1)
    logits += tf.gather(penalty, tf.minimum(block, special_blocks))
    log_normaliser = tf.gather(tf.reshape(prediction.log_normaliser, [batch, slots]), parents, batch_dims=1)
    token_log_probability = tf.minimum(logits - log_normaliser[:, :, None], 0.0)
    so_far = tf.gather(state.log_probability, parents, batch_dims=1)
    # A block that offers nothing may hold NaN, or be there twice because there are fewer blocks than slots.
    total = tf.where(
        (best_offers > NO_SCORE)[:, :, None], so_far[:, :, None] + token_log_probability, NO_SCORE
    )
    best_total, places = tf.math.top_k(tf.reshape(total, [batch, beam_size * width]), beam_size)
    which, place = places // width, places % width
    token_log_probability = tf.reshape(token_log_probability, [batch, beam_size * width])
    return Chosen(
        parents=tf.gather(parents, which, batch_dims=1),
        # Only what fills up the last block is beyond the vocabulary, and it has log-probability -inf.
        tokens=tf.minimum(tf.gather(block, which, batch_dims=1) * width + place, vocabulary_size - 1),
        token_log_probability=tf.gather(token_log_probability, places, batch_dims=1),
        log_probability=best_total,
    )


def _only_forced(prediction: Prediction, state: BeamState, forced: tf.Tensor, beam_size: int) -> Chosen:
    """Every hypothesis goes on with its sentence's forced token, (batch,) int32, and with no other."""
    batch, slots = tf.unstack(tf.shape(state.log_probability))
    logits = tf.gather(prediction.logits, tf.repeat(forced, slots)[:, None], batch_dims=1)
    token_log_probability = tf.reshape(prediction.log_probability(logits), [batch, slots])
    total = _at_least(state.log_probability + token_log_probability, beam_size, known=1)
    best_total, parents = tf.math.top_k(total, beam_size)
    parents = tf.minimum(parents, slots - 1)
    return Chosen(
        parents=parents,
        tokens=tf.tile(forced[:, None], [1, beam_size]),
        token_log_probability=tf.gather(token_log_probability, parents, batch_dims=1),
        log_probability=best_total,
    )


def _at_least(values: tf.Tensor, columns: int, known: int) -> tf.Tensor:
    """Fill (batch, n) up with -inf so that n is at least `columns`; `known` <= n is all that is known."""
    if known >= columns:
        return values
    return tf.pad(values, [[0, 0], [0, columns - known]], constant_values=NO_SCORE)
