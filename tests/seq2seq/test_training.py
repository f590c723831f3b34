"""Training from start to end, interrupted, resumed, refused."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from data.errors import DataError, UserError
from data.pipeline import BatchPipeline
from data.tokenizer import train_tokenizers
from seq2seq import training, training_data
from seq2seq.config import Config
from seq2seq.model import Seq2SeqModel
from seq2seq.run_directory import RunDirectory
from seq2seq.training import compile_model
from seq2seq.training_state import ResumableState, read_progress
from seq2seq.validation import Validation
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.tiny_training import (
    EVERYTHING_ON,
    assert_same_training,
    metric_columns,
    saved_arrays,
    tiny_training,
    train_here,
    write_config,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copied(trained: TrainedRun, tmp_path: Path) -> Path:
    return shutil.copytree(trained.folder, tmp_path / "run")


class TestAFinishedRun:
    def test_holds_everything_that_belongs_to_it(self, trained: TrainedRun) -> None:
        folder = trained.folder
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        logs = {name for name in found if name.startswith("tensorboard/events")}
        assert logs
        assert found - logs == {
            *("config.yaml", "run.json", "cleaning.json", "state.npz", "model.keras", "metrics.csv"),
            *("tokenizer/joint.model", "tokenizer/joint.vocab"),
            *(f"data/{split}/{name}" for split in ("train", "validation") for name in STORE_FILES),
            *(
                "plots/learning_curve.png",
                "plots/validation/sentence-1.png",
                "plots/validation/sentence-2.png",
            ),
        }

    def test_knows_its_facts(self, trained: TrainedRun) -> None:
        facts = RunDirectory(trained.folder).read_facts()
        assert facts["finished"] is True
        assert (facts["epochs"], facts["seed"], facts["train_pairs"]) == (2, 1, 80)
        assert facts["parameters"] == sum(
            w.size for w in RunDirectory(trained.folder).load_model().get_weights()
        )
        assert {"tensorflow", "keras", "numpy", "python"} <= set(facts["versions"])

    def test_has_a_line_of_metrics_and_of_text_per_epoch(self, trained: TrainedRun) -> None:
        folder, printed = trained
        rows = metric_columns(folder)
        assert [row["epoch"] for row in rows] == ["1", "2"]
        assert all(math.isfinite(float(value)) for row in rows for value in row.values())
        lines = [line for line in printed.splitlines() if line.startswith("epoch ")]
        assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
        # Not a terminal: no bar, and nothing that moves the cursor.
        assert "\x1b" not in printed
        assert "\r" not in printed
        assert "━" not in printed

    def test_is_not_trained_over(self, copied: Path) -> None:
        with pytest.raises(UserError, match="holds a run already"):
            train_here(tiny_training(), copied)

    def test_is_not_trained_over_either_when_its_configuration_is_lost(self, copied: Path) -> None:
        (copied / "config.yaml").unlink()
        before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
        with pytest.raises(UserError, match="holds a run already"):
            train_here(tiny_training(), copied)
        assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before

    def test_does_not_end_before_its_best_model(self, copied: Path) -> None:
        """Killed between its best model and the state of that epoch, it knows whose weights it has."""
        config = RunDirectory(copied).config.model_copy(deep=True)
        stopped_in(copied, config, planned=5)
        RunDirectory(copied).write_facts(best_epoch=3, best_score=77.0)
        config.training.epochs = 2
        with pytest.raises(UserError, match=r"best model, that of epoch 3, .*training\.epochs=3"):
            train_here(config, copied, resume=True)
        facts = RunDirectory(copied).read_facts()
        assert (facts["best_epoch"], facts["best_score"]) == (3, 77.0)

    def test_is_not_resumed_for_nothing(self, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is refused changes nothing, whatever it asked for besides, and reads no corpus."""
        monkeypatch.setattr(training, "reopen_training_data", None)
        before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
        config = RunDirectory(copied).config.model_copy(deep=True)
        config.model.implementation = "plain"
        with pytest.raises(UserError, match=r"is finished: 2 epochs.*training\.epochs=N with N above 2"):
            train_here(config, copied, resume=True)
        assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before

    @pytest.mark.slow
    def test_is_no_finished_one_while_it_goes_on(self, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Killed at the end of its fourth epoch, it has the facts of the third, and is not finished."""
        saved = ResumableState.on_epoch_end

        def dies(self: ResumableState, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if epoch + 1 == 4:
                raise MemoryError
            saved(self, epoch, logs)

        monkeypatch.setattr(ResumableState, "on_epoch_end", dies)
        config = tiny_training(epochs=5, select_by="bleu", plot_sentences=0, tensorboard=False)
        with pytest.raises(MemoryError):
            train_here(config, copied, resume=True)
        facts = RunDirectory(copied).read_facts()
        assert (facts["epochs"], facts["finished"]) == (3, False)

    @pytest.mark.slow
    def test_goes_on_when_epochs_are_raised(self, copied: Path) -> None:
        config = tiny_training(epochs=3, select_by="bleu", plot_sentences=0, tensorboard=False)
        progress, printed = train_here(config, copied, resume=True)
        assert (progress.epoch, progress.finished) == (3, True)
        assert "Going on at epoch 3, batch 1." in printed
        assert [row["epoch"] for row in metric_columns(copied)] == ["1", "2", "3"]
        assert RunDirectory(copied).config == config

    def test_stopped_between_two_epochs_it_can_end_there(self, copied: Path) -> None:
        config = RunDirectory(copied).config.model_copy(deep=True)
        stopped_in(copied, config, planned=5)
        config.training.epochs = 1
        with pytest.raises(UserError, match=r"has 2 epochs behind it.*end it here: .*training\.epochs=2"):
            train_here(config, copied, resume=True)
        assert RunDirectory(copied).config.training.epochs == 5
        config.training.epochs = 2
        progress, _ = train_here(config, copied, resume=True)
        assert (progress.epoch, progress.finished) == (2, True)
        assert read_progress(copied / "state.npz").finished
        run = RunDirectory(copied)
        assert (run.config.training.epochs, run.read_facts()["finished"]) == (2, True)

    def test_is_read_although_the_implementation_was_changed_since(self, copied: Path) -> None:
        """As after --resume --set model.implementation=plain, until an epoch is better than the best."""
        config = RunDirectory(copied).config.model_copy(deep=True)
        config.model.implementation = "plain"
        weights = RunDirectory(copied).load_model().get_weights()
        RunDirectory(copied).create(config)
        found = RunDirectory(copied).load_model().get_weights()
        assert all(np.array_equal(*pair) for pair in zip(found, weights, strict=True))

    def test_its_model_file_holds_no_optimiser(self, trained: TrainedRun) -> None:
        """Of which there is three times as much as of the model: this file is what people ship."""
        weights = sum(weight.nbytes for weight in RunDirectory(trained.folder).load_model().get_weights())
        state = sum(array.nbytes for array in saved_arrays(trained.folder).values())
        assert state > 3.5 * weights
        variables = len(RunDirectory(trained.folder).load_model().variables)
        assert (trained.folder / "model.keras").stat().st_size < weights + 2500 * variables + 50_000

    def test_leaves_no_open_figures(self, trained: TrainedRun) -> None:
        import matplotlib.pyplot as plt

        assert plt.get_fignums() == []


def stopped_in(folder: Path, config: Config, *, planned: int) -> None:
    """Make a finished run one that was stopped, with more epochs to go."""
    longer = config.model_copy(deep=True)
    longer.training.epochs = planned
    run = RunDirectory(folder)
    run.create(longer)
    run.write_facts(finished=False)
    with np.load(run.state_file) as state:
        arrays = dict(state)
    progress = {**json.loads(arrays["progress"].tobytes()), "finished": False}
    arrays["progress"] = np.frombuffer(json.dumps(progress).encode(), np.uint8)
    np.savez(run.state_file, **arrays)


STORE_FILES = ("offsets.bin", "store.json", "text.bin")


def longer(folder: Path) -> Config:
    """The configuration of a finished run with an epoch more."""
    config = RunDirectory(folder).config.model_copy(deep=True)
    config.training.epochs += 1
    return config


class TestWhatNoLongerFits:
    """--resume refuses, and says what differs."""

    def test_another_configuration(self, copied: Path) -> None:
        config = tiny_training(
            {"seed": 2, "model": {"decoder_units": 9}}, epochs=3, select_by="bleu", learning_rate=0.5
        )
        with pytest.raises(UserError) as caught:
            train_here(config, copied, resume=True)
        assert [line.strip() for line in str(caught.value).splitlines()[1:-1]] == [
            "seed: 1 -> 2",
            "model.decoder_units: 8 -> 9",
            "training.learning_rate: 0.01 -> 0.5",
        ]
        assert RunDirectory(copied).config != config

    def test_another_corpus(self, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from data import starter
        from seq2seq.corpus_config import StarterCorpusConfig

        # The same configuration, but the data behind it are others.
        load = starter.load_starter_corpus
        monkeypatch.setattr(starter, "load_starter_corpus", lambda **options: load(**{**options, "seed": 99}))
        assert StarterCorpusConfig(kind="starter").seed == 1
        with pytest.raises(UserError, match="not everything is as it was") as caught:
            train_here(longer(copied), copied, resume=True)
        assert "train split of starter" in str(caught.value)
        assert "tokenizer" not in str(caught.value)

    def test_another_tokenizer(self, copied: Path) -> None:
        pairs = [("a dog runs", "un chien court")]
        train_tokenizers(pairs, joint=True, vocabulary_size=275).save(copied / "tokenizer")
        with pytest.raises(UserError, match=r"tokenizer: [0-9a-f]{12} -> [0-9a-f]{12}"):
            train_here(longer(copied), copied, resume=True)
        with pytest.raises(UserError, match=r"do not belong together:\n.*vocabulary_size: 275 here"):
            RunDirectory(copied).load_model()

    def test_no_tokenizer(self, copied: Path) -> None:
        shutil.rmtree(copied / "tokenizer")
        with pytest.raises(UserError, match=r"tokenizer: expected .*joint\.model"):
            train_here(longer(copied), copied, resume=True)

    def test_a_store_that_was_cut_off(self, copied: Path) -> None:
        text = copied / "data" / "train" / "text.bin"
        text.write_bytes(text.read_bytes()[:-5])
        with pytest.raises(UserError, match="the store is damaged"):
            train_here(longer(copied), copied, resume=True)

    def test_facts_that_are_lost(self, copied: Path) -> None:
        (copied / "run.json").unlink()
        with pytest.raises(UserError, match=r"run\.json is missing.*Bring back a copy of it, or start a new"):
            train_here(longer(copied), copied, resume=True)

    def test_no_run(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="does not exist: expected config"):
            train_here(tiny_training(), tmp_path / "nowhere", resume=True)


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything of a training but its batches."""

    def finish(model: Any, config: Any, run: Any, data: Any, schedule: Any, progress: Any, *_: Any) -> None:
        progress.finished = True

    monkeypatch.setattr(training, "_fit", finish)


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


class TestStartsThatFailed:
    def test_of_what_was_there_before_nothing_is_taken_for_the_new_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = RunDirectory(tmp_path)
        run.write_facts(train_fingerprint="of another configuration")
        monkeypatch.setattr(training_data, "train_tokenizers", stop)
        with pytest.raises(KeyboardInterrupt):
            train_here(tiny_training(), tmp_path)
        assert run.read_facts()["seed"] == 1
        assert "train_fingerprint" not in run.read_facts()

    def test_a_full_disk_while_the_data_are_prepared(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device", "text.bin")

        monkeypatch.setattr(training_data.PairStore, "write", full)
        with pytest.raises(UserError, match=r"text\.bin: No space left on device\. Nothing was trained"):
            train_here(tiny_training(), tmp_path / "run")

    def test_a_file_in_the_place_of_the_run(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("precious")
        for place in (tmp_path / "file", tmp_path / "file" / "run"):
            with pytest.raises(UserError, match="cannot be the directory of a run"):
                train_here(tiny_training(), place)
        assert (tmp_path / "file").read_text() == "precious"

    def test_can_be_tried_again(self, tmp_path: Path, no_fit: None) -> None:
        """Nothing was trained yet, so a mended configuration needs no new directory."""
        with pytest.raises(DataError, match=r"80 have more than 1 pieces on a side.*Raise max_length"):
            train_here(tiny_training({"batches": {"max_length": 1}}), tmp_path / "run")
        progress, _ = train_here(tiny_training(), tmp_path / "run")
        assert progress.finished
        assert RunDirectory(tmp_path / "run").config == tiny_training()

    def test_can_be_resumed(self, tmp_path: Path, no_fit: None, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(training_data, "train_tokenizers", stop)
            with pytest.raises(KeyboardInterrupt):
                train_here(tiny_training(), tmp_path / "run")
        progress, printed = train_here(tiny_training(), tmp_path / "run", resume=True)
        assert progress.finished
        assert "Going on" not in printed

    def test_alignments_of_an_earlier_start_guide_nothing(self, tmp_path: Path, no_fit: None) -> None:
        """Only the path of a file of alignments tells them apart, and the file may have been mended."""
        run = RunDirectory(tmp_path / "run")
        run.alignments_file.parent.mkdir(parents=True)
        run.alignments_file.write_bytes(b"of an earlier start")
        train_here(tiny_training(), run.path)
        assert not run.alignments_file.exists()

    def test_nothing_of_an_earlier_training_passes_for_this_one(self, tmp_path: Path, no_fit: None) -> None:
        run = RunDirectory(tmp_path / "run")
        old = (run.checkpoints.path(3), run.shortlist_file)
        for path in old:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"of a training whose model.keras and state.npz were deleted")
        train_here(tiny_training(), run.path)
        assert not any(path.exists() for path in old)

    def test_cosine_without_a_number_of_batches(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As for a corpus that is too large to be encoded beforehand.
        monkeypatch.setattr(BatchPipeline, "batch_count", lambda *_: None)
        with pytest.raises(UserError, match="cosine needs to know the number of batches"):
            train_here(tiny_training({"batches": {"batch_size": None, "tokens_per_batch": 300}}), tmp_path)


class TestSmallCorpora:
    @pytest.mark.slow
    def test_one_pair(self, tmp_path: Path) -> None:
        for name, text in (("s", "a dog runs\n"), ("t", "un chien court\n")):
            (tmp_path / name).write_text(text)
        split = {"source": str(tmp_path / "s"), "target": str(tmp_path / "t")}
        data = {
            "source_language": "en",
            "target_language": "fr",
            "corpus": {"kind": "text", "train": split, "validation": split},
        }
        config = tiny_training({"tokenizer": {"vocabulary_size": 275}, "data": data}, plot_sentences=1)
        progress, printed = train_here(config, tmp_path / "run")
        assert progress.finished
        assert "1 batches per epoch" in printed
        # Pictures do not need TensorBoard.
        assert (tmp_path / "run" / "plots" / "validation" / "sentence-1.png").is_file()
        assert not (tmp_path / "run" / "tensorboard").exists()

    def test_a_batch_larger_than_the_corpus(self, tmp_path: Path, no_fit: None) -> None:
        _, printed = train_here(tiny_training({"batches": {"batch_size": 5000}}), tmp_path / "run")
        assert "80 training and 10 validation pairs, 1 batches per epoch" in printed

    def test_what_is_too_long_is_counted(self, tmp_path: Path, no_fit: None) -> None:
        _, printed = train_here(tiny_training({"batches": {"max_length": 20}}), tmp_path / "run")
        left_out = int(printed.partition(" of them left out")[0].split()[-1])
        assert 0 < left_out < 80
        assert f"{left_out} of them left out (empty, or above 20 pieces)" in printed


class TestEarlyStopping:
    @pytest.fixture(scope="class")
    def stopped(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The validation loss rises from the second epoch on, whatever the model does."""
        folder = tmp_path_factory.mktemp("stopped") / "run"
        with pytest.MonkeyPatch.context() as patch:
            script_losses(patch, [2.0, 1.0, 1.5, 1.2, 0.5])
            progress, _ = train_here(tiny_training(epochs=20, early_stopping_patience=2), folder)
        assert (progress.epoch, progress.best_epoch, progress.finished) == (4, 2, True)
        assert progress.best_score == -1.0
        return folder

    def test_is_an_end(self, stopped: Path) -> None:
        for epochs in (20, 30):
            with pytest.raises(UserError, match=r"early, 2 validations after its best \(epoch 2\)"):
                train_here(tiny_training(epochs=epochs, early_stopping_patience=2), stopped, resume=True)

    def test_with_more_patience_it_goes_on(self, stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        script_losses(monkeypatch, [1.1, 1.3, 0.9])
        config = tiny_training(epochs=20, early_stopping_patience=4)
        progress, _ = train_here(config, stopped, resume=True)
        assert (progress.epoch, progress.best_epoch, progress.finished) == (6, 2, True)


def script_losses(patch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Have one validation after the other come to these losses."""
    coming = iter(losses)

    def scripted(_: Validation) -> dict[str, float]:
        loss = next(coming)
        return {"val_loss": loss, "val_perplexity": math.exp(loss), "val_token_accuracy": 0.5}

    patch.setattr(Validation, "_teacher_forced", scripted)


class TestDivergence:
    @pytest.mark.slow
    def test_stops_the_training(self, tmp_path: Path) -> None:
        config = tiny_training(learning_rate=1e30, warmup_steps=0, clip_norm=None, epochs=3)
        with pytest.raises(UserError, match="The training has diverged") as caught:
            train_here(config, tmp_path / "run")
        assert "lower training.learning_rate (now 1e+30)" in str(caught.value)
        assert "set training.clip_norm (now null)" in str(caught.value)

    def test_is_seen_in_the_batch_where_it_happens_and_never_saved(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compute = Seq2SeqModel.compute_loss

        def poisoned(self: Seq2SeqModel, *arguments: Any, **named: Any) -> Any:
            loss = compute(self, *arguments, **named)
            third = keras.ops.equal(self.optimizer.iterations, 2)
            return keras.ops.where(third, float("nan"), loss)

        monkeypatch.setattr(Seq2SeqModel, "compute_loss", poisoned)
        save_after_every_batch(monkeypatch)
        with pytest.raises(UserError, match="the loss became nan in epoch 1, batch 3"):
            train_here(tiny_training(), tmp_path / "run")
        assert read_progress(tmp_path / "run" / "state.npz").batch == 2
        assert all(np.isfinite(array).all() for array in saved_arrays(tmp_path / "run").values())


def save_after_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    end_of_batch = ResumableState.on_train_batch_end

    def saving(self: ResumableState, *arguments: Any, **named: Any) -> None:
        self.every_seconds = 0
        end_of_batch(self, *arguments, **named)

    monkeypatch.setattr(ResumableState, "on_train_batch_end", saving)


class TestStopping:
    def test_on_a_signal_while_the_graph_is_built(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first batch is finished, saved, and that is all."""
        call = Seq2SeqModel.call
        handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

        def signalled(self: Seq2SeqModel, inputs: Any, training: bool = False) -> Any:
            if not sent:
                sent.append(True)
                os.kill(os.getpid(), signal.SIGTERM)
            return call(self, inputs, training=training)

        sent: list[bool] = []
        monkeypatch.setattr(Seq2SeqModel, "call", signalled)
        progress, _ = train_here(tiny_training(epochs=3), tmp_path / "run")
        assert sent
        assert (progress.epoch, progress.batch, progress.finished) == (0, 1, False)
        assert read_progress(tmp_path / "run" / "state.npz").batch == 1
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers

    @pytest.mark.slow
    def test_a_signal_in_the_last_validation_changes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        validate = Validation._teacher_forced

        def signalled(self: Validation) -> Any:
            os.kill(os.getpid(), signal.SIGTERM)
            return validate(self)

        monkeypatch.setattr(Validation, "_teacher_forced", signalled)
        progress, _ = train_here(tiny_training(), tmp_path / "run")
        assert progress.finished

    def test_asked_twice_it_stops_at_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def signalled(self: Validation) -> Any:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("not reached")

        monkeypatch.setattr(Validation, "_teacher_forced", signalled)
        with pytest.raises(KeyboardInterrupt):
            train_here(tiny_training(), tmp_path / "run")
        assert read_progress(tmp_path / "run" / "state.npz").epoch == 0

    def test_a_full_disk_keeps_the_last_state(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from seq2seq import training_state

        write, calls = training_state.write_arrays, []

        def first_of(arrays: Iterator[Any]) -> Iterator[Any]:
            yield next(arrays)
            raise OSError(28, "No space left on device")

        def fills_up(path: Path, arrays: Iterator[Any]) -> None:
            calls.append(1)
            write(path, first_of(arrays) if len(calls) == 3 else arrays)

        monkeypatch.setattr(training_state, "write_arrays", fills_up)
        save_after_every_batch(monkeypatch)
        with pytest.raises(UserError, match=r"No space left on device\. .*--resume"):
            train_here(tiny_training(), tmp_path / "run")
        assert read_progress(tmp_path / "run" / "state.npz").batch == 1
        assert not list((tmp_path / "run").rglob("*.partial"))

    def test_an_error_of_the_data_is_not_buried_in_one_of_tensorflow(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from data.pipeline import BatchPipeline

        batches = BatchPipeline.batches

        def breaks(self: BatchPipeline, epoch: int, start: int = 0) -> Any:
            yield next(batches(self, epoch, start))
            raise DataError("text.bin: ends too early")

        monkeypatch.setattr(BatchPipeline, "batches", breaks)
        with pytest.raises(DataError, match=r"^text\.bin: ends too early$"):
            train_here(tiny_training(), tmp_path / "run")


def test_every_session_is_noted_and_another_machine_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seq2seq import training_sessions

    config = tiny_training(epochs=1)
    train_here(config, tmp_path / "run")
    monkeypatch.setattr(training_sessions, "processor_name", lambda: "another processor")
    monkeypatch.setattr(training_sessions, "code_version", lambda: "0123456789ab")
    longer = tiny_training(epochs=2)
    said = train_here(longer, tmp_path / "run", resume=True)[1]
    first, second = RunDirectory(tmp_path / "run").read_facts()["sessions"]
    assert (first["epoch"], first["batch"], first["changes"]) == (1, 1, [])
    assert (second["epoch"], second["changes"]) == (2, ["training.epochs: 1 -> 2"])
    assert (second["code"], second["processor"]) == ("0123456789ab", "another processor")
    assert first["versions"]["keras"] == keras.__version__
    assert "note: not as in the last session" in said
    assert "-> another processor" in said


def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """kill -9 inside the second epoch, with everything on that has a state; more in tests/test_resume.py."""
    config = tiny_training(EVERYTHING_ON, epochs=3)
    config.model.encoder_layers = 1  # half the time
    killed = subprocess.run(
        [
            *(sys.executable, str(Path(__file__).with_name("killed_training.py")), "batch:7:9"),
            *("--config", str(write_config(tmp_path, config)), "--run", str(tmp_path / "killed")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    _, printed = train_here(config, tmp_path / "killed", resume=True)
    assert "Going on at epoch 2, batch 3." in printed
    train_here(config, tmp_path / "whole")
    assert_same_training(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.slow
def test_the_graph_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the shapes of the batches, and after a validation: tracing again takes seconds and memory."""
    compute, traces = Seq2SeqModel.compute_loss, []

    def counting(self: Seq2SeqModel, *arguments: Any, training: bool = True, **named: Any) -> Any:
        traces.append(training)
        return compute(self, *arguments, training=training, **named)

    monkeypatch.setattr(Seq2SeqModel, "compute_loss", counting)
    train_here(tiny_training({"batches": {"batch_size": 8}}, epochs=3), tmp_path / "run")
    assert (traces.count(True), traces.count(False)) == (1, 1)


class TestOptimiser:
    @staticmethod
    def rates(accumulation: int, **training: Any) -> list[float]:
        """The learning rates of 12 updates, taken from the optimiser while it makes them."""
        config = tiny_training(epochs=3, gradient_accumulation=accumulation, **training)
        model = one_weight_model()
        compile_model(model, config, batches_of_training=12 * accumulation)
        found = []
        for batch in range(12 * accumulation):
            if (batch + 1) % accumulation == 0:
                found.append(float(model.optimizer.learning_rate))
            model.optimizer.apply([keras.ops.ones((1,))])
        return found

    def test_cosine_rises_and_falls_over_the_whole_training(self) -> None:
        rates = self.rates(1, schedule="cosine", warmup_steps=4, learning_rate=0.1, final_learning_rate=0.02)
        fall = [0.02 + 0.08 * 0.5 * (1 + math.cos(math.pi * step / 8)) for step in range(8)]
        assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, *fall], rel=1e-5)

    @pytest.mark.parametrize(
        ("schedule", "after_warmup"),
        [
            ("cosine", lambda batches: 0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi * batches / 24))),
            ("inverse_sqrt", lambda batches: math.sqrt(12 / (12 + batches))),
            ("constant", lambda batches: 1.0),
        ],
    )
    def test_schedules_count_updates_also_when_several_batches_make_one(
        self, schedule: str, after_warmup: Any
    ) -> None:
        options = {"warmup_steps": 4, "learning_rate": 0.1, "final_learning_rate": 0.02}
        rates = self.rates(3, schedule=schedule, **options)
        # Three batches an update: a warm-up of 12 batches in a training of 36. The third batch counts.
        behind = [3 * update + 2 - 12 for update in range(4, 12)]
        after = [0.1 * after_warmup(batches) for batches in behind]
        assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, *after], rel=1e-5)

    def test_the_average_decays_per_update(self) -> None:
        averages = []
        for accumulation in (1, 4):
            model = one_weight_model()
            compile_model(
                model,
                tiny_training(average_weights=0.8, gradient_accumulation=accumulation, schedule="constant"),
                batches_of_training=5,
            )
            # Far into the training, where the decay has grown to its final value.
            model.optimizer._iterations.assign(1000 * accumulation)
            model.trainable_variables[0].assign([1.0])
            for _ in range(16 * accumulation):
                model.optimizer.apply([keras.ops.zeros((1,))])
            model.optimizer.finalize_variable_values(model.trainable_variables)
            averages.append(float(model.trainable_variables[0][0]))
        assert averages == pytest.approx([1 - 0.8**16] * 2, rel=1e-5)

    @pytest.mark.parametrize(("name", "decayed"), [("adam", False), ("adamw", True)])
    def test_weight_decay_is_adamws(self, name: str, decayed: bool) -> None:
        model = one_weight_model()
        options = {"weight_decay": 0.1} if decayed else {}
        config = tiny_training(
            optimizer=name, warmup_steps=0, schedule="constant", learning_rate=0.5, **options
        )
        compile_model(model, config, batches_of_training=5)
        model.trainable_variables[0].assign([1.0])
        model.optimizer.apply([keras.ops.zeros((1,))])
        assert float(model.trainable_variables[0][0]) == pytest.approx(0.95 if decayed else 1.0)

    def test_gradients_are_clipped_by_their_common_norm(self) -> None:
        model = one_weight_model()
        compile_model(model, tiny_training(clip_norm=2.0), batches_of_training=5)
        gradients = [keras.ops.convert_to_tensor([each]) for each in (6.0, 8.0)]
        clipped = model.optimizer._clip_gradients(gradients)
        assert [float(each[0]) for each in clipped] == pytest.approx([1.2, 1.6])


def one_weight_model() -> keras.Model:
    """Enough of a model to be compiled by `compile_model`."""

    class OneWeight(keras.Model):
        arguments = {"target_vocabulary_size": 5}  # noqa: RUF012

        def build(self, _: Any = None) -> None:
            self.weight = self.add_weight(name="weight", shape=(1,), initializer="zeros")
            self.built = True

        def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
            return super().compute_metrics(x, y, y_pred["logits"], sample_weight)

    model = OneWeight()
    model.build()
    return model
