"""Adam and AdamW in few passes over the weights, with an average that is worth something from the start.

Keras updates a variable in a dozen operations, each of which reads and writes a tensor of its size; with ten
million weights that is more memory traffic than anything else in a training step. TensorFlow has the update
of Adam as one operation, which these classes call; the formulas are the same.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

# Neighbouring updates hardly differ, and a pass over all weights and their averages costs as much as Adam's.
# At the start, where they do differ and the average is young, every update counts.
UPDATES_BETWEEN_AVERAGES = 8
EVERY_UPDATE_UNTIL = 100


class WarmAverage:
    """Mixin for Keras optimisers with `use_ema`: the decay of the moving average grows to its final value.

    With a constant decay of 0.999, a thousand updates pass before the average has forgotten the random
    weights it began with. After t updates the decay here is min(decay, (1 + t) / (10 + t)), as in
    `tf.train.ExponentialMovingAverage` with `num_updates`: at any time about a tenth of the training so
    far, until that is longer than the final decay reaches back.
    """

    iterations: Any
    gradient_accumulation_steps: int | None
    _model_variables_moving_average: list[Any]

    def swap_averages(self, trainable_variables: list[Any]) -> None:
        """Give the model the averages and keep its own weights in their place; called again, undo it."""
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            own = ops.convert_to_numpy(variable)
            variable.assign(average)
            average.assign(own)

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


class FusedUpdates:
    """Mixin for Keras' Adam and its descendants: one pass for an update, one for the average when its
    turn comes, none for clipping where nothing is clipped."""

    iterations: Any
    beta_1: float
    beta_2: float
    epsilon: float
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: Any
    _momentums: list[Any]
    _velocities: list[Any]
    _model_variables_moving_average: list[Any]
    _get_variable_index: Any

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Adam's update of one variable (Kingma and Ba 2015, in the order of the end of section 2).

        `epsilon` is the ε̂ of that form: beside √v before its bias is corrected.
        """
        place = self._get_variable_index(variable)
        dtype = variable.dtype
        updates = ops.cast(self.iterations + 1, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[place]),
            v=_handle(self._velocities[place]),
            beta1_power=ops.power(ops.cast(self.beta_1, dtype), updates),
            beta2_power=ops.power(ops.cast(self.beta_2, dtype), updates),
            lr=ops.cast(learning_rate, dtype),
            beta1=ops.cast(self.beta_1, dtype),
            beta2=ops.cast(self.beta_2, dtype),
            epsilon=ops.cast(self.epsilon, dtype),
            grad=tf.convert_to_tensor(gradient),
        )

    def _clip_gradients(self, gradients: list[Any]) -> list[Any]:
        if not self.global_clipnorm:
            return super()._clip_gradients(gradients)  # type: ignore[misc]
        norm = tf.linalg.global_norm(gradients)
        dense = [tf.convert_to_tensor(each) for each in gradients]

        def clipped() -> list[Any]:
            factor = self.global_clipnorm / norm
            return [each * tf.cast(factor, each.dtype) for each in dense]

        return tf.cond(norm > self.global_clipnorm, clipped, lambda: dense)

    def _update_model_variables_moving_average(self, trainable_variables: list[Any]) -> None:
        """Move the average, by as much at once as the updates since the last time would have moved it."""
        if not self.use_ema:
            return
        updates = ops.cast(self.iterations, "int32")
        every = ops.where(updates < EVERY_UPDATE_UNTIL, 1, UPDATES_BETWEEN_AVERAGES)
        # The first update overwrites the average, which holds the random weights of the start.
        decay = ops.where(updates == 0, 0.0, self.ema_momentum ** ops.cast(every, "float32"))

        def move() -> bool:
            for variable, average in zip(
                trainable_variables, self._model_variables_moving_average, strict=True
            ):
                tf.raw_ops.ResourceApplyGradientDescent(
                    var=_handle(average),
                    alpha=ops.cast(1.0 - decay, variable.dtype),
                    delta=ops.subtract(average, variable),
                )
            return True

        tf.cond(updates % every == 0, move, lambda: False)


def _handle(variable: Any) -> Any:
    """What TensorFlow's operations know a variable by; of a variable of Keras or of TensorFlow."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


@keras.saving.register_keras_serializable(package="seq2seq")
class AveragingAdam(FusedUpdates, WarmAverage, keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) with a warm average."""


@keras.saving.register_keras_serializable(package="seq2seq")
class AveragingAdamW(FusedUpdates, WarmAverage, keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter 2019) with a warm average."""
