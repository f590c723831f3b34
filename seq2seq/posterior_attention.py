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
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from data.special_ids import BOS_ID, EOS_ID, PAD_ID

if TYPE_CHECKING:
    from seq2seq.model import Seq2SeqModel
    from seq2seq.translation import Translation

_TOKENS = tf.TensorSpec((None, None), tf.int32)
_SMALLEST_WEIGHT = 1e-30


def with_posterior_attention(
    models: Sequence[Seq2SeqModel], translations: Sequence[Translation], *, batch_size: int = 16
) -> list[Translation]:
    """The same translations; the attention of each one's best hypothesis is the posterior.

    Args:
        models: that made the translations; of several the mean is taken.
        translations: those without a hypothesis stay as they are.
        batch_size: sentences at once. The decoder's batch is that many times the source's length.
    """
    found = list(translations)
    # Of like length together: padding costs as much as text.
    order = sorted(
        (place for place, each in enumerate(found) if each.best is not None),
        key=lambda place: len(found[place].source.pieces),
    )
    steps = [_posterior_function(model) for model in models]
    for begin in range(0, len(order), batch_size):
        places = order[begin : begin + batch_size]
        sources = _padded([[*found[place].source.token_ids, EOS_ID] for place in places])
        targets = _padded([_written_tokens(found[place]) for place in places])
        weights = np.mean([step(sources, targets).numpy() for step in steps], axis=0)
        for place, rows in zip(places, weights, strict=True):
            best = found[place].best
            assert best is not None  # by the choice of places
            length, columns = best.attention.shape
            best = replace(best, attention=rows[:length, :columns].copy())
            found[place] = replace(found[place], hypotheses=(best, *found[place].hypotheses[1:]))
    return found


def _posterior_function(model: Seq2SeqModel) -> Any:
    prepared = model.decoding_weights()
    return tf.function(
        lambda source, target: posterior_weights(model, source, target, prepared),
        input_signature=[_TOKENS, _TOKENS],
    )


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


def _written_tokens(translation: Translation) -> list[int]:
    best = translation.best
    assert best is not None
    return [*best.target.token_ids, *([EOS_ID] if best.finished else [])]


def _padded(rows: Sequence[Sequence[int]]) -> tf.Tensor:
    longest = max(map(len, rows))
    return tf.constant([[*row, *[PAD_ID] * (longest - len(row))] for row in rows], tf.int32)
