"""Everything that an interrupted training needs to go on as if nothing had happened."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np

from data.errors import UserError
from seq2seq.array_file import write_arrays

_PROGRESS = "progress"
_UNREADABLE = (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile)


@dataclasses.dataclass
class TrainingProgress:
    """How far a training has come.

    Attributes:
        epoch: epochs finished.
        batch: batches of the current epoch that are done.
        seconds: time spent training, over all sessions.
        best_score: of the validation so far; the higher the better. None before the first.
        best_loss: the validation loss that belongs to it.
        best_epoch: the epoch it belongs to, counted from 1.
        validations_without_gain: since the best one.
        plateau_factor: of the plateau schedule.
        plateau_wait: validations since the last gain or fall of the learning rate.
        first_loss: loss of the very first batch.
        finished: the training came to its end, by its number of epochs or by early stopping.
        history: one row of metrics per finished epoch.
    """

    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_loss: float = math.inf
    best_epoch: int = 0
    validations_without_gain: int = 0
    plateau_factor: float = 1.0
    plateau_wait: int = 0
    first_loss: float | None = None
    finished: bool = False
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)


def save_state(path: Path, model: keras.Model, progress: TrainingProgress) -> None:
    """Write weights, optimiser, averages, random generators, metrics and progress as one file, atomically."""

    def arrays() -> Iterator[tuple[str, np.ndarray]]:
        for index, variable in enumerate(_variables(model)):
            yield f"{index:04d}", keras.ops.convert_to_numpy(variable)
        yield _PROGRESS, np.frombuffer(json.dumps(dataclasses.asdict(progress)).encode(), np.uint8)

    write_arrays(path, arrays())


def read_progress(path: Path) -> TrainingProgress:
    """Only the progress of a saved state."""
    try:
        with np.load(path, allow_pickle=False) as state:
            return TrainingProgress(**json.loads(state[_PROGRESS].tobytes()))
    except _UNREADABLE as error:
        raise _damaged(path, error) from error


def restore_state(path: Path, model: keras.Model) -> TrainingProgress:
    """Put a saved state back into a built and compiled model of the same configuration.

    Raises:
        UserError: the file is not a state, or that of another model.
    """
    progress = read_progress(path)
    variables = _variables(model)
    try:
        with np.load(path, allow_pickle=False) as state:
            names = [name for name in state.files if name != _PROGRESS]
            values = [state[name] for name in names]
    except _UNREADABLE as error:
        raise _damaged(path, error) from error
    if len(values) != len(variables):
        raise UserError(
            f"{path}: holds {len(values)} variables, but this configuration's model has {len(variables)}."
        )
    for value, variable in zip(values, variables, strict=True):
        if value.shape != tuple(variable.shape):
            raise UserError(
                f"{path}: `{variable.path}` has shape {value.shape} there, "
                f"{tuple(variable.shape)} in this model."
            )
        variable.assign(value)
    return progress


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(
        f"{path}: cannot be read as a state that train.py wrote ({error}). Bring back a copy of it; or "
        "delete it, and --resume trains this run again from its first batch."
    )


def _variables(model: keras.Model) -> list[keras.Variable]:
    # model.variables holds the states of the dropout generators, too.
    return [*model.variables, *model.optimizer.variables, *model.metrics_variables]


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Inside the block the model has its averaged weights (if it keeps any); afterwards its own again."""
    optimizer = model.optimizer
    if not optimizer.use_ema or not int(optimizer.iterations.numpy()):
        yield
        return
    optimizer.swap_averages(model.trainable_variables)
    try:
        yield
    finally:
        optimizer.swap_averages(model.trainable_variables)


class Interrupted(Exception):
    """The user stopped the training; its state is saved."""


class ResumableState(keras.callbacks.Callback):
    """Saves the state at the start, from time to time, after each epoch, and when asked to stop.

    Has to stand after the callbacks whose results belong into the state.

    Args:
        path: of the state file.
        progress: updated here as batches and epochs pass, and saved.
        every_seconds: between two saves inside an epoch.
    """

    def __init__(self, path: Path, progress: TrainingProgress, every_seconds: float) -> None:
        super().__init__()
        self.path = path
        self.training_progress = progress
        self.every_seconds = every_seconds
        self.stop_signal: int | None = None
        self._restored_metrics: list[np.ndarray] | None = None

    def keep_metrics(self) -> None:
        """Remember the metrics of a half-finished epoch: `fit` resets them when it starts it again."""
        self._restored_metrics = [keras.ops.convert_to_numpy(each) for each in self.model.metrics_variables]

    @contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Inside the block Ctrl-C and SIGTERM stop the training after the batch under way."""

        def remember(number: int, _: FrameType | None) -> None:
            if self.stop_signal is not None:
                # Asked twice: the batch under way does not end, or somebody is in a hurry.
                raise KeyboardInterrupt
            self.stop_signal = number

        before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._last_save = self._last_tick = time.monotonic()
        if not self.path.is_file():
            self._save()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._restored_metrics is not None:
            for variable, value in zip(self.model.metrics_variables, self._restored_metrics, strict=True):
                variable.assign(value)
            self._restored_metrics = None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.training_progress.batch += 1
        due = time.monotonic() - self._last_save >= self.every_seconds
        if due or self.stop_signal is not None:
            self._save()
        if self.stop_signal is not None:
            raise Interrupted

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.training_progress.epoch = epoch + 1
        self.training_progress.batch = 0
        if self.model.stop_training or self.training_progress.epoch == self.params["epochs"]:
            self.training_progress.finished = True
        self._save()
        if self.stop_signal is not None and not self.training_progress.finished:
            raise Interrupted

    def _save(self) -> None:
        now = time.monotonic()
        self.training_progress.seconds += now - self._last_tick
        save_state(self.path, self.model, self.training_progress)
        # Writing counts as training time, too, but must not make the next save due at once.
        self._last_tick, self._last_save = now, time.monotonic()
