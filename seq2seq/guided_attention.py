"""A second loss that draws attention to given word alignments.

Chen, Matusov, Khadivi and Peter (2016), "Guided Alignment Training for Topic-Aware Neural Machine
Translation", section 3.2; Mi, Wang and Ittycheriah (2016), "Supervised Attentions for Neural Machine
Translation". With A the given alignment, rows that sum to 1, and α the attention weights:

    loss = -1/R sum_i sum_j A_ij log α_ij

over the R rows i that have a link at all. The model minimises cross-entropy + weight * loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

# Smallest weight whose logarithm is taken: what is below has run out of float32 rather than of attention.
_SMALLEST_WEIGHT = 1e-20


def guided_attention_loss(target_attention: Any, attention_weights: Any) -> tuple[Any, Any]:
    """Cross-entropy between given rows and the attention's, summed.

    Args:
        target_attention: (batch, target_length, source_length), rows that sum to 1, or to 0: no link.
        attention_weights: of the same shape, rows that sum to 1; before dropout.

    Returns:
        `(sum, rows)`, both (): the cross-entropy in nats, and how many rows have a link.
    """
    target_attention = ops.cast(target_attention, attention_weights.dtype)
    logarithms = ops.log(ops.maximum(attention_weights, _SMALLEST_WEIGHT))
    total = -ops.sum(target_attention * logarithms)
    return total, ops.sum(target_attention)


class GuidedAttentionMetric(keras.metrics.Metric):
    """Mean of the guided attention loss over all rows with a link since the reset, not weighted, in nats."""

    def __init__(self, name: str = "guided_attention", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.rows = self.add_variable(shape=(), initializer="zeros", name="rows")

    def update_state(self, total: Any, rows: Any) -> None:
        """Take in what `guided_attention_loss` returned."""
        self.total.assign_add(ops.cast(total, "float32"))
        self.rows.assign_add(ops.cast(rows, "float32"))

    def result(self) -> Any:
        return self.total / ops.maximum(self.rows, 1.0)


class AttentionGuide:
    """What a model that is trained with guided attention adds to its loss.

    Args:
        weight: of the loss, at the first update.
        decay_steps: updates over which the weight falls, in a straight line, to 0; None: it stays.

    Attributes:
        metric: of the loss.
    """

    def __init__(self, weight: float, decay_steps: float | None = None) -> None:
        self._weight = weight
        self._decay_steps = decay_steps
        self.metric = GuidedAttentionMetric()

    def weight(self, step: Any) -> Any:
        """The weight at an update, counted from 0 over the whole training."""
        if self._decay_steps is None:
            return ops.convert_to_tensor(self._weight, "float32")
        passed = ops.cast(step, "float32") / self._decay_steps
        return self._weight * ops.maximum(1.0 - passed, 0.0)

    def loss(self, parts: Sequence[tuple[Any, Any]], step: Any) -> Any:
        """The weighted loss of a batch, (); its metric takes it in.

        Args:
            parts: of the batch, `(target_attention, attention_weights)` each, see `guided_attention_loss`.
            step: updates before this one.
        """
        by_part = [guided_attention_loss(*part) for part in parts]
        total, rows = (sum(values[1:], values[0]) for values in zip(*by_part, strict=True))
        self.metric.update_state(total, rows)
        return ops.cast(self.weight(step), total.dtype) * total / ops.maximum(rows, 1.0)
