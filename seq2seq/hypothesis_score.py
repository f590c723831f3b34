"""The score by which hypotheses are ranked, written once for beam search, sampling and forced decoding.

For a hypothesis Y of `length` tokens (end-of-sentence included, forced prefix included) and a source X:

    score(Y, X) = log P(Y | X) / norm(length) + coverage_penalty * coverage(X, Y)
    norm(length) = length^alpha                 ("power": what the recurrent translation literature uses)
                 = ((5 + length) / 6)^alpha     ("gnmt": Wu et al. 2016, equation 14)
    coverage(X, Y) = sum_j log(min(sum_i a_ij, 1))      (Wu et al. 2016, equation 14)

j runs over the real source tokens (padding has no say), the source's own end-of-sentence token included;
i runs over the emitted tokens. A source token that was never looked at would give log 0: its sum is raised
to `LEAST_COVERAGE`, so that one such token is a heavy penalty and not a verdict.

The score decides between hypotheses that have ended, whatever their lengths. Those that are still growing all
have the same length, and which of them stay in the beam is decided by log P alone: the coverage of a sentence
that is half translated says little.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from seq2seq.search_options import SearchOptions

LEAST_COVERAGE = 1e-6


class ScoreWeights(NamedTuple):
    """The numbers of the score: scalar float32 tensors, so that changing one rebuilds no graph."""

    length_penalty: tf.Tensor
    # ((offset + length) / (offset + 1)) ^ alpha is "power" with offset 0 and "gnmt" with offset 5.
    length_offset: tf.Tensor
    coverage_penalty: tf.Tensor


def score_weights(options: SearchOptions) -> ScoreWeights:
    """The weights that `options` ask for."""
    return ScoreWeights(
        length_penalty=tf.constant(options.length_penalty, tf.float32),
        length_offset=tf.constant(5.0 if options.length_normalisation == "gnmt" else 0.0, tf.float32),
        coverage_penalty=tf.constant(options.coverage_penalty, tf.float32),
    )


def length_norm(length: tf.Tensor, weights: ScoreWeights) -> tf.Tensor:
    """What a log-probability is divided by; at least 1, and never smaller for a longer hypothesis.

    Args:
        length: tokens of a hypothesis, at least 1; int32, any shape.
        weights: of the score.

    Returns:
        float32, the shape of `length`.
    """
    length = tf.cast(length, tf.float32)
    return ((weights.length_offset + length) / (weights.length_offset + 1.0)) ** weights.length_penalty


def nothing_covered(source_mask: tf.Tensor) -> tf.Tensor:
    """Summed attention before the first token: (batch, source_length) bool -> float32, 0, but 1 for padding.

    Padding counts as covered from the beginning, so that it has no say.
    """
    return tf.where(source_mask, 0.0, 1.0)


def hypothesis_score(
    log_probability: tf.Tensor, norm: tf.Tensor, summed_attention: tf.Tensor, weights: ScoreWeights
) -> tf.Tensor:
    """The score of hypotheses, by the formula at the top of this file.

    Args:
        log_probability: (batch, hypotheses) float32; -inf stays -inf.
        norm: of the length, see `length_norm`; float32 that broadcasts to (batch, hypotheses).
        summed_attention: (batch, hypotheses, source_length) float32, `nothing_covered` and the attention
            weights of all tokens.
        weights: of the score.

    Returns:
        (batch, hypotheses) float32.
    """
    covered = tf.math.log(tf.clip_by_value(summed_attention, LEAST_COVERAGE, 1.0))
    return log_probability / norm + weights.coverage_penalty * tf.reduce_sum(covered, axis=-1)
