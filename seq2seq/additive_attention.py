"""One step of additive attention as a function, and its backward pass written out.

With the projected query q = W s and the projected memory p_j = U h_j + b (letters of the paper, see
`attention.py`), for each source position j:

    t_j = tanh(q + p_j);   e_j = v . t_j;   alpha = softmax(e);   c = sum_j alpha_j h_j

and backwards, with G(x) for the gradient of the loss by x:

    G(alpha_j) += h_j . G(c)
    G(e_j)      = alpha_j (G(alpha_j) - sum_k alpha_k G(alpha_k))
    G(p_j)      = G(e_j) v (1 - t_j^2);   G(q) = sum_j G(p_j);   G(v) = sum_j G(e_j) t_j
    G(h_j)     += alpha_j G(c)            left to the caller: summed over all steps it is one matrix product

t has batch * source_length * attention_units entries, by far the largest tensor of a step. It is computed
again rather than kept, and XLA fuses all that is done with it into two passes that never write it to memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf


class AttentionMemory(NamedTuple):
    """What attention looks at; the same at every step."""

    memory: Any  # (batch, source_length, memory_units): h_j
    projected_memory: Any  # (batch, source_length, attention_units): U h_j + b
    source_mask: Any | None  # (batch, source_length), bool: True = a real token; None: all are
    score_vector: Any  # (attention_units,): v


class MemoryGradient(NamedTuple):
    """Gradients by what is the same at every step, summed over the steps so far."""

    projected_memory: Any  # (batch, source_length, attention_units)
    score_vector: Any  # (batch, attention_units): to be summed over the batch at the end


def masked_softmax(scores: Any, mask: Any | None) -> Any:
    """Softmax over the last axis that gives exactly zero to masked positions.

    Args:
        scores: (..., positions), float. Computed in at least float32 whatever its dtype.
        mask: bool, broadcastable to `scores`, True where a position is real; None when all are.

    Returns:
        Weights of the same shape as `scores`. Every row sums to 1, except a row without any real
        position, which is all zeros (a plain softmax would give it a meaningless uniform distribution).
    """
    if scores.dtype in (tf.float16, tf.bfloat16):
        scores = tf.cast(scores, tf.float32)
    if mask is None:
        return tf.nn.softmax(scores, axis=-1)
    real = tf.cast(mask, scores.dtype)
    # exp(-1e9) is exactly 0 beside any real score; the product settles the row in which nothing is real.
    return tf.nn.softmax(scores + (real - 1.0) * 1e9, axis=-1) * real


def attend(projected_query: Any, memory: AttentionMemory, dropout_mask: Any | None = None) -> tuple[Any, Any]:
    """Look at the memory.

    Args:
        projected_query: (batch, attention_units), or (batch, queries, attention_units) for several queries
            over the same memory: the hypotheses of a beam.
        memory: see `AttentionMemory`.
        dropout_mask: of the shape of the returned weights, multiplied with them; None: nothing is dropped.

    Returns:
        `(context, attention_weights)`: (batch, [queries,] memory_units) and
        (batch, [queries,] source_length), the weights before dropout and in at least float32.
    """
    states, projected, mask, score_vector = memory
    several_queries = projected_query.shape.rank == 3
    if several_queries:
        projected = projected[:, None]
        mask = None if mask is None else mask[:, None]
    # (batch, [queries,] 1, units) + (batch, [1,] source_length, units)
    hidden = tf.tanh(projected_query[..., None, :] + projected)
    weights = masked_softmax(tf.tensordot(hidden, tf.cast(score_vector, hidden.dtype), 1), mask)
    kept = weights if dropout_mask is None else weights * tf.cast(dropout_mask, weights.dtype)
    kept = tf.cast(kept, states.dtype)
    if several_queries:
        return tf.matmul(kept, states), weights
    return tf.squeeze(tf.matmul(kept[:, None], states), 1), weights


def attend_or_pinned(queries: Any, memory: AttentionMemory, pinned: Any) -> tuple[Any, Any]:
    """`attend` for several queries; but a row of `pinned` that is not all zero is the weights itself.

    Args:
        queries: (batch, queries, attention_units), projected.
        memory: see `AttentionMemory`.
        pinned: (batch, queries, source_length), float.

    Returns:
        As `attend`.
    """
    is_pinned = tf.reduce_any(pinned > 0, axis=-1, keepdims=True)
    pinned_context = tf.matmul(tf.cast(pinned, memory.memory.dtype), memory.memory)
    # Of the precision that `attend` gives: at least float32.
    pinned_weights = tf.cast(pinned, tf.float64 if queries.dtype == tf.float64 else tf.float32)

    def mixed() -> tuple[Any, Any]:
        context, weights = attend(queries, memory)
        return tf.where(is_pinned, pinned_context, context), tf.where(is_pinned, pinned_weights, weights)

    # The posterior pins every row, of which there may be very many: what attention says is not computed then.
    return tf.cond(tf.reduce_all(is_pinned), lambda: (pinned_context, pinned_weights), mixed)


def attend_gradient(
    projected_query: Any,
    memory: AttentionMemory,
    dropout_mask: Any | None,
    weights: Any,
    context_gradient: Any,
    weights_gradient: Any | None,
    summed: MemoryGradient,
) -> tuple[Any, MemoryGradient]:
    """The backward pass of `attend` for one query per sentence, except the gradient by `memory.memory`.

    Args:
        projected_query: (batch, attention_units), of the step.
        memory: of all steps.
        dropout_mask: (batch, source_length) of the step, or None.
        weights: (batch, source_length), the attention weights that `attend` returned.
        context_gradient: (batch, memory_units).
        weights_gradient: (batch, source_length); None where nothing depends on the weights themselves.
        summed: over the steps whose gradient was computed before.

    Returns:
        `(gradient by projected_query, summed with this step)`.
    """
    # (batch, source_length), by the weights after dropout; in their precision, which is at least float32
    gradient = tf.cast(tf.linalg.matvec(memory.memory, context_gradient), weights.dtype)
    if dropout_mask is not None:
        gradient = gradient * tf.cast(dropout_mask, weights.dtype)
    if weights_gradient is not None:
        gradient = gradient + weights_gradient
    scores_gradient = weights * (gradient - tf.reduce_sum(weights * gradient, axis=-1, keepdims=True))
    scores_gradient = tf.cast(scores_gradient, context_gradient.dtype)[:, :, None]
    hidden = tf.tanh(projected_query[:, None] + memory.projected_memory)
    inner = scores_gradient * (memory.score_vector * (1.0 - hidden * hidden))
    return tf.reduce_sum(inner, axis=1), MemoryGradient(
        summed.projected_memory + inner,
        summed.score_vector + tf.reduce_sum(scores_gradient * hidden, axis=1),
    )
