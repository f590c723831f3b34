"""Adam and AdamW whose average of the weights is worth something from the first epoch on."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class WarmAverage:
    """Mixin for Keras optimisers with `use_ema`: the decay of the moving average grows to its final value.

    With a constant decay of 0.999, a thousand updates pass before the average has forgotten the random
    weights it began with. After t updates the decay here is min(decay, (1 + t) / (10 + t)), as in
    `tf.train.ExponentialMovingAverage` with `num_updates`: at any time about a tenth of the training so
    far, until that is longer than the final decay reaches back.
    """

    iterations: Any
    gradient_accumulation_steps: int | None

    @property
    def ema_momentum(self) -> Any:
        """The decay of the update under way."""
        if not getattr(self, "built", False):
            return self._final_ema_momentum
        # `iterations` counts updates, but Keras moves the average with every batch of an update.
        batches_per_update = self.gradient_accumulation_steps or 1
        updates = ops.cast(self.iterations, "float32")
        warm = ((1.0 + updates) / (10.0 + updates)) ** (1.0 / batches_per_update)
        return ops.minimum(self._final_ema_momentum, warm)

    @ema_momentum.setter
    def ema_momentum(self, value: float) -> None:
        self._final_ema_momentum = value

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ema_momentum": self._final_ema_momentum}  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="seq2seq")
class AveragingAdam(WarmAverage, keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) with a warm average."""


@keras.saving.register_keras_serializable(package="seq2seq")
class AveragingAdamW(WarmAverage, keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter 2019) with a warm average."""
