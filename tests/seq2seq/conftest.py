"""What the tests of network and training share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory


class TrainedRun(NamedTuple):
    """A run directory, and what was printed while it came about."""

    folder: Path
    printed: str


@pytest.fixture
def float64() -> Iterator[None]:
    """Everything in double precision: small differences are then mistakes, not rounding."""
    from tests.seq2seq.tiny_network import dtype_policy

    with dtype_policy("float64"):
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """A tiny run of two epochs, really trained, with all its pictures and logs. Not to be changed."""
    from tests.seq2seq.tiny_training import tiny_training, train_here

    folder = tmp_path_factory.mktemp("trained") / "run"
    config = tiny_training(epochs=2, select_by="bleu", plot_sentences=2, tensorboard=True)
    return TrainedRun(folder, train_here(config, folder)[1])


@pytest.fixture(scope="session")
def kept_run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A tiny run of four epochs that kept the second and the last, which is its best. Not to be changed."""
    from seq2seq.run_directory import RunDirectory
    from tests.seq2seq.tiny_training import tiny_training, train_here

    folder = tmp_path_factory.mktemp("kept") / "run"
    train_here(tiny_training(epochs=4, keep_checkpoints=2, schedule="constant"), folder)
    return RunDirectory(folder)


@pytest.fixture(scope="session")
def evaluated_run(trained: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the trained run whose test set was evaluated. Not to be changed."""
    from tests.seq2seq.shipped_run import evaluated_copy

    return evaluated_copy(trained.folder, tmp_path_factory.mktemp("evaluated") / "run")


@pytest.fixture(scope="session")
def shipped_model(evaluated_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model `tiny-en-fr` that was shipped of it. Not to be changed."""
    from tests.seq2seq.shipped_run import ship_here

    return ship_here(evaluated_run, tmp_path_factory.mktemp("models") / "tiny-en-fr")
