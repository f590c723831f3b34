"""What a training shows: a progress bar, a line per epoch, metrics.csv, a learning curve, TensorBoard."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from data.atomic import atomic_write
from data.errors import UserError
from seq2seq.losses import Perplexity
from seq2seq.training_state import TrainingProgress

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

    from data.tokenizer import TokenizerPair
    from seq2seq.config import Config

_COLUMNS = (
    *(
        "epoch",
        "seconds",
        "learning_rate",
        "target_tokens_per_second",
        "loss",
        "perplexity",
        "token_accuracy",
        "guided_attention",
    ),
    *("val_loss", "val_perplexity", "val_token_accuracy", "val_bleu"),
)

# Columns of the terminal from which on there is room for the bar, the count of batches, and full words.
_BAR_WIDTH, _COUNT_WIDTH, _FULL_WORDS_WIDTH = 110, 90, 78


class ProgressDisplay(keras.callbacks.Callback):
    """A bar with loss, perplexity, target tokens per second and time left; a line for each finished epoch.

    Args:
        console: on stderr.
        progress: of the training, also that of sessions before.
        expected_batches: of each epoch; None while unknown.
        perplexity: the model's metric, which counts the tokens.
    """

    def __init__(
        self,
        console: Console,
        progress: TrainingProgress,
        expected_batches: Sequence[int] | None,
        perplexity: Perplexity,
    ) -> None:
        super().__init__()
        self.perplexity = perplexity
        self.console = console
        self.training_progress = progress
        self.expected_batches = expected_batches
        self._bar: Progress | None = None

    def status(self, text: str) -> None:
        """Say what is being done between two epochs."""
        if self._bar is not None:
            self._bar.update(self._task, facts=text)

    def close(self) -> None:
        """Take the bar away; after this the terminal is as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        from rich.progress import Progress

        self._bar = Progress(
            *_columns(self.console.width),
            console=self.console,
            transient=True,
            # A log file gets the line per epoch only.
            disable=not self.console.is_terminal,
        )
        total = None if self.expected_batches is None else sum(self.expected_batches)
        done = self.training_progress
        completed = sum((self.expected_batches or ())[: done.epoch]) + done.batch
        self._task = self._bar.add_task(
            "training", total=total, completed=completed, facts="building the graph"
        )
        self._bar.start()
        self._session_begin = time.monotonic()
        self._seconds_before = done.seconds

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert self._bar is not None
        self._bar.update(self._task, description=f"epoch {epoch + 1}/{self.params['epochs']}")
        self._epoch_begin = self._shown = time.monotonic()
        self._speed = 0.0

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch == 0:
            # Not at the epoch's begin: a resumed epoch's count is put back after this callback's turn.
            self._tokens = self._tokens_before = self._token_count()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        assert self._bar is not None
        self._bar.advance(self._task)
        now = time.monotonic()
        if now - self._shown < 0.5 and batch > 0:
            return
        tokens = self._token_count()
        if now > self._shown:
            # A moving average: one bucket of long sentences must not make the number jump.
            speed = (tokens - self._tokens) / (now - self._shown)
            self._speed = speed if batch == 0 or not self._speed else 0.8 * self._speed + 0.2 * speed
        self._shown, self._tokens = now, tokens
        loss, perplexity = float(logs["loss"]), float(logs["perplexity"])
        facts = f"loss {loss:.3f}  perplexity {perplexity:.2f}  {self._speed:,.0f} tokens/s"
        if self.console.width < _FULL_WORDS_WIDTH:
            facts = f"loss {loss:.3f} ppl {perplexity:.2f} {self._speed:,.0f} tok/s"
        self._bar.update(self._task, facts=facts)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        # Before the validation, whose time and tokens are its own.
        elapsed = time.monotonic() - self._epoch_begin
        if "loss" not in logs:
            # Resumed behind its last batch: nothing was left of this epoch, so `fit` has no logs to hand on.
            logs.update({name: float(value) for name, value in self.model.get_metrics_result().items()})
        else:
            logs["target_tokens_per_second"] = (self._token_count() - self._tokens_before) / elapsed
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def print_epoch(self, row: dict[str, float]) -> None:
        """The line that stays."""
        parts = [
            f"epoch {row['epoch']:.0f}/{self.params['epochs']}",
            f"loss {row['loss']:.3f}",
            f"perplexity {row['perplexity']:.2f}",
            *([f"guided attention {row['guided_attention']:.3f}"] if "guided_attention" in row else []),
            f"validation: perplexity {row['val_perplexity']:.2f}",
        ]
        if "val_bleu" in row:
            parts.append(f"BLEU {row['val_bleu']:.2f}")
        if "target_tokens_per_second" in row:
            parts.append(f"{row['target_tokens_per_second']:,.0f} tokens/s")
        parts.append(f"{row['seconds'] / 60:.1f} min")
        best = "  [green]best so far[/green]" if self.training_progress.best_epoch == row["epoch"] else ""
        self.console.print("  ".join(parts) + best, highlight=False, soft_wrap=True)

    def seconds(self) -> float:
        """Seconds of training up to now, sessions before included."""
        return self._seconds_before + time.monotonic() - self._session_begin

    def _token_count(self) -> float:
        # R-Drop reads every sentence twice, and both readings count for the perplexity.
        readings = 2 if self.model.r_drop > 0 else 1
        return float(keras.ops.convert_to_numpy(self.perplexity.tokens)) / readings


def _columns(width: int) -> list[ProgressColumn]:
    """What fits on a line; loss, perplexity, speed and time left always do, the bar itself goes first."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns: list[ProgressColumn] = [TextColumn("{task.description}")]
    if width >= _BAR_WIDTH:
        columns.append(BarColumn(bar_width=24))
    if width >= _COUNT_WIDTH:
        columns.append(MofNCompleteColumn())
    columns += [TextColumn("{task.fields[facts]}"), TimeRemainingColumn(compact=True)]
    if width >= _FULL_WORDS_WIDTH:
        columns.append(TextColumn("left"))
    return columns


class MetricsLog(keras.callbacks.Callback):
    """Adds each epoch to the history, rewrites metrics.csv and the learning curve, logs to TensorBoard.

    Args:
        progress: whose history is kept.
        display: told the finished row.
        metrics_file: the CSV.
        curve_file: the picture.
        tensorboard_folder: None: no logs.
        title: of the picture.
    """

    def __init__(
        self,
        progress: TrainingProgress,
        display: ProgressDisplay,
        metrics_file: Path,
        curve_file: Path,
        tensorboard_folder: Path | None,
        title: str,
    ) -> None:
        super().__init__()
        self.training_progress = progress
        self.display = display
        self.metrics_file = metrics_file
        self.curve_file = curve_file
        self.title = title
        self.writer: Any = None
        if tensorboard_folder is not None:
            with self._logging():
                self.writer = tf.summary.create_file_writer(str(tensorboard_folder))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        row = {"epoch": float(epoch + 1), "seconds": round(self.display.seconds(), 1)}
        row.update({name: float(logs[name]) for name in _COLUMNS if name in logs})
        history = self.training_progress.history
        history.append(row)
        write_metrics(self.metrics_file, history)
        self._draw_curve(history)
        if self.writer is not None:
            with self._logging(), self.writer.as_default(step=epoch + 1):
                for name, value in row.items():
                    if name not in ("epoch", "seconds"):
                        tf.summary.scalar(name, value)
                self.writer.flush()
        self.display.print_epoch(row)

    @contextmanager
    def _logging(self) -> Iterator[None]:
        """Logs for TensorBoard that cannot be written are no reason to end a training."""
        try:
            yield
        except tf.errors.OpError as error:
            self.writer = None
            self._warn(f"no more logs for TensorBoard: {error.message}")

    def _warn(self, message: str) -> None:
        from rich.markup import escape

        warning = f"[yellow]warning:[/yellow] {escape(message)}"
        self.display.console.print(warning, highlight=False, soft_wrap=True)

    def _draw_curve(self, history: list[dict[str, float]]) -> None:
        from seq2seq.plotting import learning_curve

        columns = {name: [row.get(name) for row in history] for name in _COLUMNS if name != "epoch"}
        self.save_picture(learning_curve(columns, title=self.title), self.curve_file)

    def save_picture(self, figure: Figure, path: Path) -> None:
        """Write a picture; one that cannot be written is no reason to end a training."""
        from seq2seq.plotting import save_figure

        try:
            save_figure(figure, path)
        except UserError as error:
            self._warn(str(error))

    def write_picture(self, name: str, png: bytes, epoch: int) -> None:
        """Show a PNG under `name` in TensorBoard."""
        if self.writer is None:
            return
        with self._logging(), self.writer.as_default(step=epoch + 1):
            tf.summary.image(name, tf.expand_dims(tf.image.decode_png(png, channels=4), 0))


def write_metrics(path: Path, history: list[dict[str, float]]) -> None:
    """One line per epoch, a column per metric, empty where it was not measured."""
    columns = [name for name in _COLUMNS if any(name in row for row in history)]
    with atomic_write(path, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in history:
            writer.writerow([_number(row.get(name)) for name in columns])


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.6g}" if value != int(value) else str(int(value))


class HeatMapLog:
    """Heat maps of a few fixed validation sentences after each epoch: one can watch the alignment emerge.

    Args:
        model: being trained.
        tokenizers: of the run.
        config: of the run.
        sources: the sentences.
        folder: where the newest pictures go as PNG.
        log: for TensorBoard.
    """

    def __init__(
        self,
        model: keras.Model,
        tokenizers: TokenizerPair,
        config: Config,
        sources: list[str],
        folder: Path,
        log: MetricsLog,
    ) -> None:
        self.model = model
        self.tokenizers = tokenizers
        self.config = config
        self.sources = sources
        self.folder = folder
        self.log = log
        self._translator: Any = None

    def __call__(self, epoch: int) -> None:
        from seq2seq.plotting import translation_heat_map
        from seq2seq.search import SearchOptions
        from seq2seq.translator import Translator

        if self._translator is None:
            self._translator = Translator([self.model], self.tokenizers, [self.config])
        translations = self._translator.translate(self.sources, SearchOptions(beam_size=1))
        # Its copy of the weights goes: they will change, and the training needs the memory.
        self._translator.refresh()
        for number, translation in enumerate(translations, start=1):
            if not translation.hypotheses:
                continue
            figure = translation_heat_map(
                translation,
                title=f"validation sentence {number}, epoch {epoch + 1}",
                source_name=self.config.data.source_language or "source",
                target_name=self.config.data.target_language or "target",
            )
            self.log.save_picture(figure, self.folder / f"sentence-{number}.png")
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=80)
            self.log.write_picture(f"alignment/sentence_{number}", buffer.getvalue(), epoch)


def typical_sentences(sources: list[str], count: int) -> list[str]:
    """`count` sentences spread over the middle half of the lengths: neither trivial nor unreadable."""
    if count == 0 or not sources:
        return []
    by_length = sorted(range(len(sources)), key=lambda index: (len(sources[index].split()), index))
    places = np.linspace(len(sources) // 4, 3 * len(sources) // 4, count).astype(int)
    return [sources[by_length[place]] for place in places]
