"""Interrupting a training loses nothing: killed anywhere and resumed, it ends bit for bit as it would have.

Every training here is a process of its own, as with a user; `make test-slow` runs them.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from seq2seq.config import Config
from seq2seq.run_directory import RunDirectory
from tests.seq2seq.tiny_training import (
    EVERYTHING_ON,
    assert_same_training,
    saved_progress,
    tiny_training,
    write_config,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
KILLED_TRAINING = ROOT / "tests" / "seq2seq" / "killed_training.py"

# Five batches an epoch, and a validation behind each; 15 batches in all.
FIXED_BATCHES = tiny_training(EVERYTHING_ON, epochs=3, select_by="bleu")
# How many batches an epoch has is not known beforehand, and differs from epoch to epoch.
VARYING_BATCHES = tiny_training(
    EVERYTHING_ON,
    {
        "batches": {"batch_size": None, "tokens_per_batch": 400},
        "model": {"tied_embeddings": "two-way", "conditional_gru": True, "layer_normalization": True},
        "tokenizer": {"joint": False, "vocabulary_size": 330},
    },
    epochs=3,
    schedule="inverse_sqrt",
    optimizer="adamw",
    weight_decay=0.01,
)
COSINE = tiny_training(epochs=3, schedule="cosine", tensorboard=True, plot_sentences=1)
CONFIGS = {"fixed": FIXED_BATCHES, "varying": VARYING_BATCHES, "cosine": COSINE}


def start(place: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(KILLED_TRAINING), place, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )


def run(place: str, *arguments: str) -> int:
    process = start(place, *arguments)
    out, err = process.communicate(timeout=300)
    assert "Traceback" not in err, err
    assert out == ""
    return process.returncode


def first_arguments(config: Config, folder: Path) -> list[str]:
    return ["--config", str(write_config(folder.parent, config)), "--run", str(folder)]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The directory of the same training without any interruption."""
    done: dict[str, Path] = {}

    def whole(name: str) -> Path:
        if name not in done:
            folder = tmp_path_factory.mktemp(name) / "whole"
            assert run("never", *first_arguments(CONFIGS[name], folder)) == 0
            done[name] = folder
        return done[name]

    return whole


def test_two_uninterrupted_trainings_are_the_same(whole: Any, tmp_path: Path) -> None:
    """What all the others rest on: with one seed, on one machine, there is nothing left to chance."""
    assert run("never", *first_arguments(FIXED_BATCHES, tmp_path / "again")) == 0
    assert_same_training(tmp_path / "again", whole("fixed"))


def test_another_seed_is_another_training(whole: Any, tmp_path: Path) -> None:
    """And what they compare can differ."""
    assert run("never", *first_arguments(FIXED_BATCHES, tmp_path / "other"), "--set", "seed=2") == 0
    with pytest.raises(AssertionError):
        assert_same_training(tmp_path / "other", whole("fixed"))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("fixed", "tokenizer"),  # while the data are being prepared
        ("fixed", "saved:1"),  # before the first batch
        ("fixed", "batch:2:4"),  # in the first epoch, between two batches of one update
        ("fixed", "batch:5:5"),  # after the last batch of an epoch, before its validation
        ("fixed", "batch:8:9"),  # in the second epoch
        ("fixed", "batch:13:14"),  # in the last
        ("fixed", "validation:1"),
        ("fixed", "validation:3"),
        ("fixed", "model:1"),  # the best model is written, that it is the best is not
        ("fixed", "saved:4"),  # right after a state
        ("fixed", "saved:8"),
        ("fixed", "saving:1"),  # while the very first is written
        ("fixed", "saving:5"),
        ("varying", "batch:4:5"),
        ("varying", "batch:20:21"),
        ("varying", "saved:5"),
        ("cosine", "batch:7:8"),
        ("cosine", "saving:3"),
    ],
)
def test_killed_and_resumed_it_ends_the_same(whole: Any, tmp_path: Path, name: str, place: str) -> None:
    folder = tmp_path / "killed"
    assert run(place, *first_arguments(CONFIGS[name], folder)) == -signal.SIGKILL
    assert run("never", "--run", str(folder), "--resume") == 0
    assert_same_training(folder, whole(name))
    assert not [path for path in folder.rglob("*") if "partial" in path.name]


def test_killed_after_its_last_state_nothing_is_left_to_do(whole: Any, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    assert run("saved:9", *first_arguments(FIXED_BATCHES, folder)) == -signal.SIGKILL
    assert run("never", "--run", str(folder), "--resume") == 2
    assert_same_training(folder, whole("fixed"))
    facts, expected = (RunDirectory(each).read_facts() for each in (folder, whole("fixed")))
    for name in ("best_epoch", "best_score", "finished", "epochs"):
        assert facts[name] == expected[name]


def test_killed_again_and_again(whole: Any, tmp_path: Path) -> None:
    """Each process does two batches more than the one before it left behind."""
    folder = tmp_path / "killed"
    code = run("batch:2:3", *first_arguments(FIXED_BATCHES, folder))
    for _ in range(20):
        if code == 0:
            break
        assert code == -signal.SIGKILL
        code = run("batch:2:3", "--run", str(folder), "--resume")
    assert code == 0
    assert_same_training(folder, whole("fixed"))


@pytest.mark.parametrize("name", ["fixed", "varying"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_at_any_moment(whole: Any, tmp_path: Path, name: str, number: signal.Signals) -> None:
    """At moments that nobody chose; the seed makes them others for each signal."""
    folder = tmp_path / "stopped"
    moments = random.Random(int(number))
    arguments = first_arguments(CONFIGS[name], folder)
    for _ in range(6):
        process = start("never", *arguments)
        while not (folder / "config.yaml").exists() and process.poll() is None:
            time.sleep(0.02)
        time.sleep(moments.uniform(0.5, 8.0))
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        assert ".cc:" not in err, err
        assert out == ""
        if process.returncode == 0:
            break
        assert process.returncode == {signal.SIGKILL: -9}.get(number, 130), err
        arguments = ["--run", str(folder), "--resume"]
    else:
        assert run("never", *arguments) == 0
    assert_same_training(folder, whole(name))


def test_more_epochs_in_two_steps_are_the_same_as_in_one(whole: Any, tmp_path: Path) -> None:
    """Where the schedule does not depend on their number."""
    folder = tmp_path / "longer"
    arguments = first_arguments(FIXED_BATCHES, folder)
    assert run("never", *arguments, "--set", "training.epochs=1") == 0
    assert run("never", "--run", str(folder), "--resume", "--set", "training.epochs=3") == 0
    assert_same_training(folder, whole("fixed"))


def test_memory_does_not_grow_with_the_epochs(tmp_path: Path) -> None:
    """Figures, graphs and iterators of an epoch go with it."""
    program = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from seq2seq.startup import prepare_environment
prepare_environment()
from seq2seq.training_display import MetricsLog
from tests.seq2seq.tiny_training import tiny_training, train_here
ended, after = MetricsLog.on_epoch_end, []
def on_epoch_end(self, epoch, logs):
    ended(self, epoch, logs)
    after.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6)
MetricsLog.on_epoch_end = on_epoch_end
config = tiny_training(epochs=60, select_by="bleu", plot_sentences=2, tensorboard=True)
train_here(config, Path({str(tmp_path / "run")!r}))
print(after[19], after[59])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    early, late = (float(number) for number in result.stdout.split()[-2:])
    assert late - early < 40, f"{early:.0f} MB after 20 epochs, {late:.0f} MB after 60"


def test_the_progress_of_a_killed_training_is_there(tmp_path: Path) -> None:
    """The tests above would pass, too, if every resume simply began again."""
    folder = tmp_path / "killed"
    assert run("batch:8:9", *first_arguments(FIXED_BATCHES, folder)) == -signal.SIGKILL
    progress = saved_progress(folder)
    assert (progress["epoch"], progress["batch"]) == (1, 3)
