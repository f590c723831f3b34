"""Is the loss a number that a training can have?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

from data.errors import UserError
from seq2seq.config import TrainingConfig
from seq2seq.training_state import TrainingProgress

if TYPE_CHECKING:
    from rich.console import Console


class LossCheck(keras.callbacks.Callback):
    """Warns of a first loss that no untrained model has, and stops a training that has diverged.

    Has to stand before the callback that saves the state.

    Args:
        training: the section of the configuration.
        progress: where the first loss is kept.
        console: for the warning.
    """

    def __init__(self, training: TrainingConfig, progress: TrainingProgress, console: Console) -> None:
        super().__init__()
        self.training = training
        self.training_progress = progress
        self.console = console

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            place = f"in epoch {self.training_progress.epoch + 1}, batch {self.training_progress.batch + 1}"
            raise diverged(self.training, f"the loss became {loss} {place}")
        if self.training_progress.first_loss is None:
            self.training_progress.first_loss = loss
            # The guide's share depends on the lengths of the sentences, not on the vocabulary.
            guiding = self.training.guided_attention.weight * float(logs.get("guided_attention", 0.0))
            self._judge_first(loss - guiding)

    def _judge_first(self, loss: float) -> None:
        if self.training.start_from is not None:
            return
        # An untrained model knows nothing: every token is about as probable as any other.
        expected = math.log(self.model.arguments["target_vocabulary_size"])
        if not abs(loss - expected) <= 0.1 * expected:
            self.console.print(
                f"[yellow]warning:[/yellow] the first loss is {loss:.2f}, but an untrained model's should be "
                f"near log(vocabulary size) = {expected:.2f}. Something is wrong with its initial weights or "
                "with the batches.",
                highlight=False,
            )


def diverged(training: TrainingConfig, what: str) -> UserError:
    """The error of a training that has lost itself in numbers that are none."""
    clipping = "set" if training.clip_norm is None else "lower"
    return UserError(
        f"The training has diverged: {what}. Start a new run with a lower training.learning_rate "
        f"(now {training.learning_rate:g}), more training.warmup_steps (now {training.warmup_steps}), "
        f"or {clipping} training.clip_norm (now {training.clip_norm or 'null'})."
    )
