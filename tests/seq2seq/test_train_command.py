"""train.py: from its arguments to its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from seq2seq import train_command, training
from seq2seq.config import Config
from seq2seq.run_directory import RunDirectory
from seq2seq.training_state import TrainingProgress
from tests.seq2seq.tiny_training import tiny_training, write_config

ROOT = Path(__file__).parents[2]
DONE = TrainingProgress(epoch=3, seconds=90.0, best_score=31.256, best_epoch=2, finished=True)
STOPPED = TrainingProgress(epoch=1, batch=17)


class Called:
    """In place of `train`: remembers how it was called, and returns what it is told to."""

    def __init__(self, progress: TrainingProgress) -> None:
        self.progress = progress
        self.config: Config
        self.run: RunDirectory
        self.resume: bool
        self.mirror: str | None

    def __call__(
        self, config: Config, run: RunDirectory, *, resume: bool, mirror: str | None, console: Any
    ) -> TrainingProgress:
        self.config, self.run, self.resume, self.mirror = config, run, resume, mirror
        return self.progress


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Any:
    def called(progress: TrainingProgress = DONE) -> Called:
        train = Called(progress)
        monkeypatch.setattr(training, "train", train)
        return train

    return called


def test_a_configuration_decides_where_the_run_goes(tmp_path: Path, called: Any) -> None:
    train, path = called(), write_config(tmp_path, tiny_training())
    assert train_command.main(["--config", str(path), "--set", "training.epochs=7", "--mirror", "m"]) == 0
    assert train.config.training.epochs == 7
    assert train.run.path == Path("runs/tiny")
    assert (train.resume, train.mirror) == (False, "m")
    train_command.main(["--config", str(path), "--run", str(tmp_path / "here"), "--resume"])
    assert (train.run.path, train.resume, train.mirror) == (tmp_path / "here", True, None)


def test_the_own_configuration_is_never_replaced(tmp_path: Path, called: Any) -> None:
    train = called()
    own = tmp_path / "config.yaml"
    write_config(tmp_path, tiny_training()).rename(own)
    before = own.read_bytes()
    with pytest.raises(UserError, match="would be replaced by the run's own copy"):
        train_command.main(["--config", str(own), "--run", str(tmp_path)])
    assert own.read_bytes() == before
    assert train_command.main(["--config", str(own), "--run", str(tmp_path), "--resume"]) == 0
    assert train.resume


def test_resume_takes_the_configuration_of_the_run(tmp_path: Path, called: Any) -> None:
    train = called()
    RunDirectory(tmp_path).create(tiny_training(epochs=4))
    arguments = ["--run", str(tmp_path), "--resume", "--set", "training.epochs=9"]
    assert train_command.main(arguments) == 0
    assert train.config == tiny_training(epochs=9)


def test_a_path_is_no_markup(tmp_path: Path, called: Any, capsys: pytest.CaptureFixture[str]) -> None:
    called()
    path = write_config(tmp_path, tiny_training())
    run = tmp_path / "[red]x:b:y"
    train_command.main(["--config", str(path), "--run", str(run)])
    err = capsys.readouterr().err
    assert f"tiny in {run}\n" in err
    assert f"python evaluate.py --model {run}\n" in err


def test_a_run_alone_is_not_enough(tmp_path: Path, called: Any) -> None:
    called()
    with pytest.raises(UserError, match="say what to train"):
        train_command.main(["--run", str(tmp_path)])


@pytest.mark.parametrize(
    ("select_by", "score", "said"),
    [("bleu", 31.256, "best validation BLEU 31.26 (epoch 2)"), ("loss", -2.5, "best validation loss 2.500")],
)
def test_at_the_end_it_says_how_good_it_is_and_what_comes_next(
    tmp_path: Path, called: Any, capsys: pytest.CaptureFixture[str], select_by: str, score: float, said: str
) -> None:
    called(TrainingProgress(seconds=90.0, best_score=score, best_epoch=2, finished=True))
    path = write_config(tmp_path, tiny_training(select_by=select_by))
    assert train_command.main(["--config", str(path), "--run", str(tmp_path / "x")]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "Trained in 1.5 minutes" in err
    assert said in err
    for script in ("evaluate.py", "translate.py"):
        assert f"python {script} --model {tmp_path / 'x'}\n" in err


def test_stopped_it_says_how_to_go_on(
    tmp_path: Path, called: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    called(STOPPED)
    path = write_config(tmp_path, tiny_training())
    assert train_command.main(["--config", str(path), "--run", str(tmp_path / "x")]) == 130
    err = capsys.readouterr().err
    assert "Stopped in epoch 2, batch 17; everything is saved." in err
    assert f"python train.py --run {tmp_path / 'x'} --resume\n" in err


def test_ctrl_c_in_a_real_process_leaves_no_traceback(tmp_path: Path) -> None:
    """Sent when the first epoch is under way; the process ends by itself, says where, and prints no bar."""
    config = tiny_training({"data": {"corpus": {"kind": "starter", "train_pairs": 300}}}, epochs=500)
    process = subprocess.Popen(
        [
            *(sys.executable, "train.py", "--config", str(write_config(tmp_path, config))),
            *("--run", str(tmp_path / "run")),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    try:
        wait_for(tmp_path / "run" / "state.npz", process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert "everything is saved" in err
    # Nothing of TensorFlow's, whose log lines carry the place in its sources.
    assert ".cc:" not in err


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.05)
