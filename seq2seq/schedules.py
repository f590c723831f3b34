"""Learning rates as functions of the number of updates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    from seq2seq.config import TrainingConfig


class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up to `peak`, then what a subclass's `after_warmup` says.

    Args:
        peak: the highest learning rate.
        warmup_steps: updates until it is reached; 0 = at once.
    """

    def __init__(self, peak: float, warmup_steps: int) -> None:
        self.peak = peak
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        # The first update is number 1 here: at 0 a warm-up would waste it.
        warmup = ops.minimum((step + 1.0) / max(self.warmup_steps, 1), 1.0)
        return self.peak * warmup * self.after_warmup(ops.maximum(step - self.warmup_steps, 0.0))

    def after_warmup(self, step: Any) -> Any:
        """Factor on the peak, `step` (float32, >= 0) updates after the warm-up."""
        return ops.ones_like(step)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "warmup_steps": self.warmup_steps}


@keras.saving.register_keras_serializable(package="seq2seq")
class Constant(WarmupSchedule):
    """The peak for ever."""


@keras.saving.register_keras_serializable(package="seq2seq")
class InverseSquareRoot(WarmupSchedule):
    """peak * sqrt(w / (w + step)) with w = max(warmup_steps, 1) (Vaswani et al. 2017, section 5.3)."""

    def after_warmup(self, step: Any) -> Any:
        warmup = float(max(self.warmup_steps, 1))
        return ops.sqrt(warmup / (warmup + step))


@keras.saving.register_keras_serializable(package="seq2seq")
class Cosine(WarmupSchedule):
    """Half a cosine from the peak to `final` at `total_steps` (Loshchilov and Hutter 2017), then `final`."""

    def __init__(self, peak: float, warmup_steps: int, total_steps: int, final: float) -> None:
        super().__init__(peak, warmup_steps)
        self.total_steps = total_steps
        self.final = final

    def after_warmup(self, step: Any) -> Any:
        share = ops.minimum(step / max(self.total_steps - self.warmup_steps, 1), 1.0)
        floor = self.final / self.peak
        return floor + (1.0 - floor) * 0.5 * (1.0 + ops.cos(math.pi * share))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "total_steps": self.total_steps, "final": self.final}


@keras.saving.register_keras_serializable(package="seq2seq")
class Plateau(WarmupSchedule):
    """The peak times a factor that training lowers when the validation score stops getting better."""

    def __init__(self, peak: float, warmup_steps: int) -> None:
        super().__init__(peak, warmup_steps)
        self.factor = keras.Variable(1.0, trainable=False, dtype="float32", name="plateau_factor")

    def after_warmup(self, step: Any) -> Any:
        return ops.ones_like(step) * self.factor.value


def warmup_note(training: TrainingConfig, batches: int | None) -> str | None:
    """What to say of a warm-up that takes most of the training; None where it does not, or nobody knows."""
    if batches is None:
        return None
    updates = batches // training.gradient_accumulation
    if 2 * training.warmup_steps <= updates:
        return None
    return (
        f"Note: the learning rate rises for {training.warmup_steps:,} updates (training.warmup_steps), and "
        f"this training has {updates:,}. About a tenth of them is usual: "
        f"--set training.warmup_steps={max(updates // 10, 1)}"
    )


def make_schedule(
    name: str, *, peak: float, warmup_steps: int, total_steps: int, final: float
) -> WarmupSchedule:
    """The schedule of a configuration: `"constant"`, `"inverse_sqrt"`, `"cosine"` or `"plateau"`."""
    if name == "cosine":
        return Cosine(peak, warmup_steps, total_steps, final)
    schedules = {"constant": Constant, "inverse_sqrt": InverseSquareRoot, "plateau": Plateau}
    if name not in schedules:
        raise ValueError(f"A schedule must be one of {('cosine', *schedules)}. Received: {name!r}")
    return schedules[name](peak, warmup_steps)
