"""What a training shows, on terminals of any width and on none, in files and in TensorBoard."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from rich.console import Console

from seq2seq.losses import Perplexity
from seq2seq.training_display import HeatMapLog, MetricsLog, ProgressDisplay, typical_sentences, write_metrics
from seq2seq.training_state import TrainingProgress
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.tiny_training import metric_columns

LOGS = {"loss": 123.456, "perplexity": 98765.43, "token_accuracy": 0.5}
ROW = {
    **{"epoch": 12.0, "seconds": 90.0, "learning_rate": 0.001, "target_tokens_per_second": 4321.0},
    **{"loss": 2.5, "perplexity": 12.25, "token_accuracy": 0.5},
    **{"val_loss": 2.0, "val_perplexity": 7.39, "val_token_accuracy": 0.6, "val_bleu": 31.46},
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    from seq2seq import training_display

    now = [100.0]
    monkeypatch.setattr(training_display.time, "monotonic", lambda: now[-1])
    return now


class Shown:
    """A display on a terminal of a certain width, fed by hand."""

    def __init__(self, width: int, *, terminal: bool, progress: TrainingProgress | None = None) -> None:
        self.text = io.StringIO()
        self.console = Console(file=self.text, width=width, force_terminal=terminal, color_system=None)
        self.perplexity = Perplexity()
        expected = [12_345] * 100
        progress = progress or TrainingProgress()
        self.display = ProgressDisplay(self.console, progress, expected, self.perplexity)
        self.display.set_params({"epochs": 100})
        self.display.set_model(SimpleNamespace(r_drop=0.0))
        self.display.on_train_begin()
        # What is drawn is looked at when the test asks for it, not ten times a second.
        self.display._bar.live.auto_refresh = False

    def batch(self, number: int, tokens: int) -> None:
        self.display.on_train_batch_begin(number)
        self.perplexity.tokens.assign_add(tokens)
        self.display.on_train_batch_end(number, LOGS)

    def line(self) -> str:
        """The bar as it stands now."""
        drawn = Console(file=io.StringIO(), width=self.console.width, color_system=None)
        drawn.print(self.display._bar.get_renderable())
        lines = drawn.file.getvalue().splitlines()  # type: ignore[attr-defined]
        assert len(lines) == 1, lines
        return lines[0]


@pytest.mark.parametrize("width", [60, 78, 80, 90, 100, 110, 200])
def test_loss_perplexity_speed_and_time_left_fit_on_every_terminal(width: int, clock: list[float]) -> None:
    shown = Shown(width, terminal=True, progress=TrainingProgress(epoch=50))
    shown.display.on_epoch_begin(11)
    clock.append(101.0)
    shown.batch(0, 43_210)
    line = shown.line().rstrip()
    shown.display.close()
    assert len(line) <= width
    assert line.startswith("epoch 12/100")
    for fact in ("123.456", "98765.43", "43,210 tok"):
        assert fact in line
    assert "…" not in line
    assert ("left" in line) == (width >= 78)
    assert ("617251/1234500" in line) == (width >= 90)
    assert ("━" in line) == (width >= 110)


def test_nothing_moves_where_stderr_is_no_terminal(clock: list[float]) -> None:
    shown = Shown(80, terminal=False)
    shown.display.on_epoch_begin(0)
    for batch in range(5):
        clock.append(clock[-1] + 10)
        shown.batch(batch, 100)
    shown.display.status("validating")
    shown.display.close()
    assert shown.text.getvalue() == ""
    shown.display.print_epoch(ROW)
    assert shown.text.getvalue() == (
        "epoch 12/100  loss 2.500  perplexity 12.25  validation: perplexity 7.39  BLEU 31.46  "
        "4,321 tokens/s  1.5 min\n"
    )


def test_an_epoch_without_bleu_and_the_best_one() -> None:
    shown = Shown(80, terminal=False, progress=TrainingProgress(best_epoch=12))
    row = {name: value for name, value in ROW.items() if name not in ("val_bleu", "target_tokens_per_second")}
    shown.display.print_epoch(row)
    assert shown.text.getvalue() == (
        "epoch 12/100  loss 2.500  perplexity 12.25  validation: perplexity 7.39  1.5 min  best so far\n"
    )


class TestSpeed:
    class Model:
        r_drop = 0.0

        class optimizer:  # noqa: N801
            learning_rate = keras.ops.convert_to_tensor(0.5)

        def get_metrics_result(self) -> dict[str, Any]:
            return {"loss": 3.0, "perplexity": 20.0}

    def test_counts_target_tokens_per_second_of_the_epoch(self, clock: list[float]) -> None:
        shown = Shown(80, terminal=False)
        shown.display.set_model(self.Model())
        shown.display.on_epoch_begin(0)
        for batch in range(4):
            clock.append(clock[-1] + 5)
            shown.batch(batch, 1000)
        logs = dict(LOGS)
        shown.display.on_epoch_end(0, logs)
        assert logs["target_tokens_per_second"] == 200.0
        assert logs["learning_rate"] == 0.5

    def test_counts_a_sentence_once_that_r_drop_reads_twice(self, clock: list[float]) -> None:
        shown = Shown(80, terminal=False)
        model = self.Model()
        shown.display.set_model(model)
        shown.display.on_epoch_begin(0)
        model.r_drop = 1.0  # its callback has the turn after this one's
        clock.append(clock[-1] + 5)
        shown.batch(0, 2000)
        logs = dict(LOGS)
        shown.display.on_epoch_end(0, logs)
        assert logs["target_tokens_per_second"] == 200.0

    def test_does_not_count_the_tokens_of_a_session_before(self, clock: list[float]) -> None:
        """The metric of a resumed epoch is put back after the display's `on_epoch_begin`."""
        shown = Shown(80, terminal=False, progress=TrainingProgress(batch=50))
        shown.display.set_model(self.Model())
        shown.display.on_epoch_begin(0)
        shown.perplexity.tokens.assign(1_000_000)
        clock.append(110.0)
        shown.batch(0, 1000)
        logs = dict(LOGS)
        shown.display.on_epoch_end(0, logs)
        assert logs["target_tokens_per_second"] == 100.0

    def test_an_epoch_of_which_nothing_was_left(self, clock: list[float]) -> None:
        """Stopped between the last batch and the state of the finished epoch."""
        shown = Shown(80, terminal=False, progress=TrainingProgress(batch=50))
        shown.display.set_model(self.Model())
        shown.display.on_epoch_begin(0)
        logs: dict[str, Any] = {}
        shown.display.on_epoch_end(0, logs)
        assert logs == {"loss": 3.0, "perplexity": 20.0, "learning_rate": 0.5}

    def test_seconds_go_on_from_the_session_before(self, clock: list[float]) -> None:
        shown = Shown(80, terminal=False, progress=TrainingProgress(seconds=1000.0))
        clock.append(130.0)
        assert shown.display.seconds() == 1030.0


class TestMetricsFile:
    def test_has_a_column_per_metric_and_gaps_where_nothing_was_measured(self, tmp_path: Path) -> None:
        history = [
            {"epoch": 1.0, "seconds": 2.5, "loss": 5.123456789, "val_loss": float("nan")},
            {"epoch": 2.0, "seconds": 5.0, "loss": 4.0, "val_loss": 3.0, "val_bleu": 0.0},
        ]
        write_metrics(tmp_path / "metrics.csv", history)
        assert (tmp_path / "metrics.csv").read_text() == (
            "epoch,seconds,loss,val_loss,val_bleu\n1,2.5,5.12346,,\n2,5,4,3,0\n"
        )

    def test_of_a_real_run_counts_epochs_from_one_like_its_picture(
        self, trained: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from seq2seq import plotting

        drawn: list[Any] = []
        monkeypatch.setattr(plotting, "save_figure", lambda figure, _: drawn.append(figure))
        rows = [{name: float(value) for name, value in row.items()} for row in metric_columns(trained.folder)]
        log = MetricsLog(TrainingProgress(), None, tmp_path / "m", tmp_path / "c", None, "title")  # type: ignore[arg-type]
        log._draw_curve(rows)
        assert [row["epoch"] for row in rows] == [1, 2]
        for axes in drawn[0].axes:
            assert axes.lines[0].get_xdata().tolist() == [1, 2]


def test_logs_that_cannot_be_written_do_not_end_a_training(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    shown = Shown(80, terminal=False)
    progress = TrainingProgress()
    files = tmp_path / "metrics.csv", tmp_path / "curve.png", tmp_path / "tensorboard"
    log = MetricsLog(progress, shown.display, *files, "title")
    log.on_epoch_end(0, {**LOGS, "val_loss": 2.0, "val_perplexity": 7.4})
    log.write_picture("name", b"no picture", 0)
    assert len(progress.history) == 1
    assert shown.text.getvalue().count("warning: no more logs for TensorBoard: ") == 1


def test_tensorboard_has_every_scalar_and_picture_of_every_epoch(trained: TrainedRun) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    events = EventAccumulator(str(trained.folder / "tensorboard"), size_guidance={"tensors": 0})
    events.Reload()
    rows = metric_columns(trained.folder)
    scalars = set(rows[0]) - {"epoch"} | {"target_tokens_per_second"}
    pictures = {"alignment/sentence_1", "alignment/sentence_2"}
    assert set(events.Tags()["tensors"]) == scalars | pictures
    losses = events.Tensors("val_loss")
    assert [event.step for event in losses] == [1, 2]
    found = [float(tensor_util.make_ndarray(event.tensor_proto)) for event in losses]
    assert found == pytest.approx([float(row["val_loss"]) for row in rows], rel=1e-5)
    for name in pictures:
        assert [event.step for event in events.Tensors(name)] == [1, 2]
        width, height, png = tensor_util.make_ndarray(events.Tensors(name)[0].tensor_proto)[:3]
        assert int(width) > 100
        assert int(height) > 100
        assert png.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["learning_curve.png", "validation/sentence-1.png"])
def test_pictures_can_be_looked_at(trained: TrainedRun, name: str) -> None:
    import matplotlib.image

    pixels = matplotlib.image.imread(trained.folder / "plots" / name)
    assert min(pixels.shape[:2]) > 100
    assert np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0).shape[0] > 20


SOURCES = [" ".join(["w"] * length) for length in (9, 1, 2, 3, 4, 5, 6, 7, 8, 30)]


class TestTypicalSentences:
    def test_are_of_middling_length_and_always_the_same(self) -> None:
        chosen = typical_sentences(SOURCES, 3)
        assert [len(text.split()) for text in chosen] == [3, 5, 8]
        assert chosen == typical_sentences(SOURCES, 3)

    def test_of_nothing_are_none(self) -> None:
        assert typical_sentences([], 4) == []
        assert typical_sentences(SOURCES, 0) == []

    def test_of_one_is_that_one(self) -> None:
        assert set(typical_sentences(["a b"], 4)) == {"a b"}


def test_heat_maps_are_of_the_weights_of_their_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the decoder has prepared of its weights is prepared again."""
    from matplotlib.figure import Figure

    from seq2seq import plotting
    from seq2seq.search_options import SearchOptions
    from seq2seq.translator import Translator
    from tests.seq2seq.tiny_run import SENTENCES, make_tiny_run

    class Log:
        def save_picture(self, figure: Figure, path: Path) -> None: ...

        def write_picture(self, name: str, png: bytes, epoch: int) -> None: ...

    drawn: list[Any] = []
    monkeypatch.setattr(
        plotting, "translation_heat_map", lambda translation, **_: drawn.append(translation) or Figure()
    )
    run = make_tiny_run(tmp_path / "run")
    model = run.load_model()
    log: Any = Log()
    maps = HeatMapLog(model, run.tokenizers, run.config, SENTENCES[:1], tmp_path, log)
    maps(0)
    for weight in model.trainable_weights:
        weight.assign(0.5 * weight)
    maps(1)
    fresh = Translator([model], run.tokenizers, [run.config])
    (expected,) = fresh.translate(SENTENCES[:1], SearchOptions(beam_size=1))
    first, second = (each.best.log_probability for each in drawn)
    assert second == pytest.approx(expected.best.log_probability, rel=1e-5)
    assert first != pytest.approx(second, rel=1e-3)
