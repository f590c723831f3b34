"""R-Drop: a sentence goes through the network twice, under different dropout, and both have to agree.

Liang et al. (2021), "R-Drop: Regularized Dropout for Neural Networks", equations 1 to 3. With P and Q what
the two passes predict for a token:

    loss = 1/2 (-log P(y) - log Q(y)) + r_drop * 1/2 (KL(P || Q) + KL(Q || P))

The paper adds the two cross-entropies up and has the weight α: r_drop = α / 2 here.

The two passes are one batch of twice the size, in which the copies of a sentence are adjacent.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops


class ConsistencyFromEpoch(keras.callbacks.Callback):
    """Trains with R-Drop from an epoch on. Before, one pass is enough, and takes half the time.

    Args:
        r_drop: weight of the consistency loss from then on.
        first_epoch: counted from 1.
    """

    def __init__(self, r_drop: float, first_epoch: int) -> None:
        super().__init__()
        self.r_drop = r_drop
        self.first_epoch = first_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        wanted = self.r_drop if epoch + 1 >= self.first_epoch else 0.0
        if wanted != self.model.r_drop:
            self.model.r_drop = wanted
            # The graph that there may be already has the other number of passes.
            self.model.make_train_function(force=True)


def twice(tensor: Any) -> Any:
    """(batch, ...) -> (2 * batch, ...): every row, and the same again right behind it."""
    return ops.repeat(tensor, 2, axis=0)


def consistency_loss(logits: Any, real: Any) -> Any:
    """Mean over the real tokens of 1/2 (KL(P || Q) + KL(Q || P)), (), in nats.

    Args:
        logits: (2 * batch, target_length, vocabulary_size), the copies of a sentence adjacent.
        real: (2 * batch, target_length), 1.0 where a token is real, 0.0 at pads.
    """
    logs = ops.log_softmax(logits, axis=-1)
    first, second = logs[0::2], logs[1::2]
    # Both divergences in one: sum P (log P - log Q) + sum Q (log Q - log P).
    both = ops.sum((ops.exp(first) - ops.exp(second)) * (first - second), axis=-1)
    return ops.sum(0.5 * both * real[0::2]) / ops.maximum(ops.sum(real[0::2]), 1.0)


def pass_by_pass(readout: Any) -> Any:
    """(2 * batch, target_length, units), copies of a sentence adjacent -> (2 * batch * target_length, units),
    copies of a token adjacent."""
    steps, units = ops.shape(readout)[1], readout.shape[-1]
    by_sentence = ops.reshape(readout, (-1, 2, steps, units))
    return ops.reshape(ops.transpose(by_sentence, (0, 2, 1, 3)), (-1, units))


def disagreement_and_gradient(logs: Any, probabilities: Any) -> tuple[Any, Any]:
    """1/2 (KL(P || Q) + KL(Q || P)) of the two passes of each token, and its gradient.

    Args:
        logs: (rows, vocabulary_size), log probabilities; rows 2i and 2i + 1 are the passes of token i.
        probabilities: (rows, vocabulary_size), their exponentials.

    Returns:
        (rows,), the same value in both rows of a token; and (rows, vocabulary_size): the gradient by the
        logits of the sum over *rows*, that is, twice the gradient of the token's value.
    """
    vocabulary_size = logs.shape[-1]
    paired_logs = tf.reshape(logs, (-1, 2, vocabulary_size))
    paired = tf.reshape(probabilities, (-1, 2, vocabulary_size))
    # (tokens, 2, vocabulary_size): of the other pass, at the place of this one.
    difference = paired_logs - paired_logs[:, ::-1]
    divergence = tf.reduce_sum(paired * difference, axis=-1, keepdims=True)
    # Of KL(P || Q) by the logits of P: P (log P - log Q - KL). Of KL(Q || P) by them: P - Q.
    gradient = paired * (difference - divergence) + paired - paired[:, ::-1]
    value = 0.5 * tf.reduce_sum(divergence, axis=1)
    return tf.repeat(value[:, 0], 2), tf.reshape(gradient, (-1, vocabulary_size))
