"""Output layer and cross-entropy in one, without all logits ever lying in memory at once.

The gradient of the loss by the logits is known together with the loss, and so are its products with the
output layer's kernel and input. So the forward pass computes them, for a slice of the rows at a time, and
the (rows, vocabulary_size) matrices of logits, probabilities and gradients exist for that slice alone, as
two buffers: the logits, and, in one pass over them that XLA fuses, the gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.batch_parts import joined
from seq2seq.consistency import disagreement_and_gradient
from seq2seq.matmul_precision import operand
from seq2seq.xla import fused

# Buffers of 32 MiB and more come from the operating system anew each time (see `startup.py`).
MAX_LOGITS_BYTES = 30 * 2**20


class OutputLosses(NamedTuple):
    """The loss of a batch, and what its metrics are made from."""

    loss: Any  # (): mean over the real tokens, nats
    cross_entropy: Any  # (rows,): not smoothed, 0 at pads
    is_correct: Any  # (rows,): 1.0 where no token has a higher logit than the true one, 0 at pads


def output_losses(
    hidden: Sequence[Any],
    kernel: Any,
    bias: Any,
    tokens: Sequence[Any],
    label_smoothing: float,
    *,
    transpose_kernel: bool,
    pad_id: int = 0,
    r_drop: float = 0.0,
) -> OutputLosses:
    """Loss and metrics of predicted tokens; only the loss has a gradient, by `hidden`, `kernel` and `bias`.

    The loss is that of `losses.TokenCrossEntropy` on the logits `hidden @ kernel + bias`, plus `r_drop`
    times that of `consistency.consistency_loss`.

    Args:
        hidden: (rows, units), float: the readout of every step of every sentence; one for each part of the
            batch, none of which waits for another.
        kernel: (units, vocabulary_size), or (vocabulary_size, units) with `transpose_kernel`.
        bias: (vocabulary_size,).
        tokens: (rows,), int32: the true tokens; one for each part.
        label_smoothing: share of the target probability that is spread over the whole vocabulary, in [0, 1).
        transpose_kernel: the kernel is a table of embeddings.
        pad_id: rows of this token count for nothing.
        r_drop: weight of the consistency loss. Above 0, rows 2i and 2i + 1 are the two passes of token i.
    """
    real = [tf.cast(tf.not_equal(each, pad_id), kernel.dtype) for each in tokens]
    count = tf.maximum(tf.add_n([tf.reduce_sum(each) for each in real]), 1.0)
    by_part = [
        _losses_of_part((*rows, rows[-1] / count), kernel, bias, (label_smoothing, r_drop), transpose_kernel)
        for rows in zip(hidden, tokens, real, strict=True)
    ]
    losses, *by_row = zip(*by_part, strict=True)
    return OutputLosses(tf.add_n(losses), *map(joined, by_row))


def _losses_of_part(
    rows: tuple[Any, ...],
    kernel: Any,
    bias: Any,
    regularisation: tuple[float, float],
    transpose: bool,
) -> tuple[Any, Any, Any]:
    """The part's share of the loss, (), and cross-entropy and correctness of its rows, (rows,).

    `rows` are its `(hidden, tokens, real, weight)`: 1.0 where a token is real, and what its loss counts for;
    `regularisation` is `(label_smoothing, r_drop)`.
    """
    hidden, tokens, real, weight = rows

    @tf.custom_gradient
    def compute(hidden: Any, kernel: Any, bias: Any) -> Any:
        by_row, gradients = _slice_by_slice(hidden, kernel, bias, tokens, weight, regularisation, transpose)
        loss, cross_entropy, is_correct = by_row

        def gradient(upstream: Any, *_: Any) -> Any:
            # Nothing but the loss is differentiated in a training, so `upstream` is 1: not a pass over all.
            return tf.cond(
                tf.equal(upstream, 1.0), lambda: gradients, lambda: [upstream * each for each in gradients]
            )

        results = (tf.reduce_sum(loss * weight), cross_entropy * real, is_correct * real)
        return results, gradient

    return compute(hidden, kernel, bias)


def _slice_by_slice(
    hidden: Any,
    kernel: Any,
    bias: Any,
    tokens: Any,
    weight: Any,
    regularisation: tuple[float, float],
    transpose: bool,
) -> tuple[list[Any], list[Any]]:
    """Results by row, (rows,) each, and gradients by `hidden`, `kernel` and `bias`.

    `regularisation` is `(label_smoothing, r_drop)`.
    """
    rows, vocabulary_size = tf.shape(hidden)[0], bias.shape[0]
    slices = tf.maximum(-(-rows * vocabulary_size // (MAX_LOGITS_BYTES // hidden.dtype.size)), 1)
    # Rounded up to an even number: the two passes of a token stay in one slice.
    rows_per_slice = 2 * -(-rows // (2 * slices))
    kernel_operand = operand(kernel)
    smoothed = regularisation[0] > 0
    mean_scores = _mean_scores(hidden, kernel, bias, transpose) if smoothed else tf.zeros_like(weight)
    by_slice = [
        tf.TensorArray(hidden.dtype, size=slices, element_shape=shape, infer_shape=False)
        for shape in ([None], [None], [None], [None, hidden.shape[1]])
    ]

    def body(number: Any, by_slice: list[Any], kernel_gradient: Any, bias_gradient: Any) -> tuple[Any, ...]:
        here = slice(number * rows_per_slice, (number + 1) * rows_per_slice)
        hidden_operand = operand(hidden[here])
        logits = tf.matmul(hidden_operand, kernel_operand, transpose_b=transpose)
        *by_row, logits_gradient, bias_part = fused(_losses_and_logits_gradient)(
            logits, bias, tokens[here], weight[here], mean_scores[here], *regularisation
        )
        hidden_gradient = tf.matmul(logits_gradient, kernel_operand, transpose_b=not transpose)
        pair = (logits_gradient, hidden_operand) if transpose else (hidden_operand, logits_gradient)
        kernel_part = tf.cast(tf.matmul(*pair, transpose_a=True), kernel.dtype)
        results = (*by_row, tf.cast(hidden_gradient, hidden.dtype))
        written = [array.write(number, each) for array, each in zip(by_slice, results, strict=True)]
        return number + 1, written, kernel_gradient + kernel_part, bias_gradient + bias_part

    _, by_slice, kernel_gradient, bias_gradient = tf.while_loop(
        lambda number, *_: number < slices,
        body,
        (0, by_slice, tf.zeros_like(kernel), tf.zeros_like(bias)),
    )
    *by_row, hidden_gradient = (array.concat() for array in by_slice)
    return by_row, [tf.reshape(hidden_gradient, tf.shape(hidden)), kernel_gradient, bias_gradient]


def _mean_scores(hidden: Any, kernel: Any, bias: Any, transpose: bool) -> Any:
    """The mean of each row's logits, (rows,), from that of the kernel: a product with one column."""
    # (units,) either way
    mean_kernel = tf.linalg.matvec(kernel, tf.ones_like(bias), transpose_a=transpose) / bias.shape[0]
    return tf.linalg.matvec(hidden, mean_kernel) + tf.reduce_mean(bias)


def _losses_and_logits_gradient(
    logits: Any, bias: Any, tokens: Any, weight: Any, mean_score: Any, label_smoothing: float, r_drop: float
) -> tuple[Any, ...]:
    """Of one slice: loss and plain cross-entropy by row, correctness, gradients by logits and by bias."""
    dtype, vocabulary_size = bias.dtype, bias.shape[0]
    scores = tf.cast(logits, dtype) + bias
    highest = tf.reduce_max(scores, axis=-1)
    exponentials = tf.exp(scores - highest[:, None])
    # XLA adds up a row number by number; its products with a vector use the whole width of the processor.
    total = tf.linalg.matvec(exponentials, tf.ones(vocabulary_size, dtype))
    true_score = tf.gather(scores, tokens, axis=1, batch_dims=1)
    normaliser = highest + tf.math.log(total)
    cross_entropy = normaliser - true_score
    loss = (1.0 - label_smoothing) * cross_entropy + label_smoothing * (normaliser - mean_score)
    # weight * (probabilities - target), with as little as possible to compute for each logit
    spread = weight * (label_smoothing / vocabulary_size)
    gradient = exponentials * (weight / total)[:, None] - spread[:, None]
    is_true = tf.range(vocabulary_size)[None, :] == tokens[:, None]
    gradient = tf.where(is_true, gradient - ((1.0 - label_smoothing) * weight)[:, None], gradient)
    if r_drop > 0:
        disagreement, by_logits = disagreement_and_gradient(
            scores - normaliser[:, None], exponentials / total[:, None]
        )
        loss += r_drop * disagreement
        gradient += r_drop * weight[:, None] * by_logits
    is_correct = tf.cast(true_score >= highest, dtype)
    return (
        loss,
        cross_entropy,
        is_correct,
        tf.cast(gradient, logits.dtype),
        tf.reduce_sum(gradient, axis=0),
    )
