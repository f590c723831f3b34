"""Forced decoding: what the models think of a target that is given."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from data.special_ids import BOS_ID, EOS_ID, PAD_ID
from seq2seq.ensemble import DecoderState, Ensemble
from seq2seq.hypothesis_score import ScoreWeights, hypothesis_score, length_norm, nothing_covered
from seq2seq.search_history import Hypotheses


def score_targets(
    ensemble: Ensemble,
    model_weights: tuple[Any, ...],
    source_tokens: tf.Tensor,
    target_output_tokens: tf.Tensor,
    weights: ScoreWeights,
) -> Hypotheses:
    """Feed given targets through the decoder, token by token, as the search feeds its own.

    Args:
        ensemble: the models.
        model_weights: their weights, from `Ensemble.decoding_weights`.
        source_tokens: (batch, source_length) int32, 0 = pad.
        target_output_tokens: (batch, target_length) int32, 0 = pad, at least one token in every row.
        weights: of the score.

    Returns:
        One hypothesis for each sentence.
    """
    encodings = ensemble.encode(source_tokens)
    target_length = tf.shape(target_output_tokens)[1]
    # What was emitted before: the targets moved right by one behind BOS, time first for the loop.
    target_by_step = tf.transpose(target_output_tokens)  # (target_length, batch)
    input_by_step = tf.concat([tf.fill([1, tf.shape(source_tokens)[0]], BOS_ID), target_by_step[:-1]], axis=0)

    def body(
        step: tf.Tensor, states: tuple[DecoderState, ...], values: tf.TensorArray, attentions: tf.TensorArray
    ) -> tuple[tf.Tensor, tuple[DecoderState, ...], tf.TensorArray, tf.TensorArray]:
        prediction, states, attention = ensemble.step(
            input_by_step[step][:, None], states, encodings, model_weights
        )
        logits = tf.gather(prediction.logits, target_by_step[step][:, None], batch_dims=1)
        value = prediction.log_probability(logits)[:, 0]
        return step + 1, states, values.write(step, value), attentions.write(step, attention[:, 0])

    value_array = tf.TensorArray(tf.float32, size=target_length, element_shape=[None])
    attention_array = tf.TensorArray(tf.float32, size=target_length, element_shape=[None, None])
    states = ensemble.initial_states(encodings, 1)
    free_batch = tf.nest.map_structure(lambda part: tf.TensorShape([None, None, part.shape[-1]]), states)
    anything = tf.TensorShape(None)
    _, _, value_array, attention_array = tf.while_loop(
        lambda step, *_: step < target_length,
        body,
        (tf.constant(0), states, value_array, attention_array),
        shape_invariants=(tf.TensorShape([]), free_batch, anything, anything),
        parallel_iterations=1,
    )
    is_real = target_output_tokens != PAD_ID
    # (target_length, batch, ...) -> (batch, target_length, ...)
    token_log_probabilities = tf.where(is_real, tf.transpose(value_array.stack()), 0.0)
    attention_weights = tf.where(is_real[..., None], tf.transpose(attention_array.stack(), [1, 0, 2]), 0.0)
    log_probability = tf.reduce_sum(token_log_probabilities, axis=-1, keepdims=True)
    lengths = tf.reduce_sum(tf.cast(is_real, tf.int32), axis=-1, keepdims=True)
    summed_attention = nothing_covered(encodings[0].source_mask) + tf.reduce_sum(attention_weights, axis=1)
    norm = length_norm(lengths, weights)
    score = hypothesis_score(log_probability, norm, summed_attention[:, None], weights)
    # (batch, target_length, ...) -> (batch, 1, target_length, ...): a list of one hypothesis
    return Hypotheses(
        tokens=target_output_tokens[:, None],
        lengths=lengths,
        finished=tf.reduce_any(target_output_tokens == EOS_ID, axis=-1, keepdims=True),
        token_log_probabilities=token_log_probabilities[:, None],
        log_probability=log_probability,
        score=score,
        attention_weights=attention_weights[:, None],
    )
