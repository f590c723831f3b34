"""Kept epochs: the weights that validation saw, of every Nth epoch, whatever interrupts a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from seq2seq.checkpoints import Checkpoints
from seq2seq.run_directory import RunDirectory
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.tiny_network import tiny_model
from tests.seq2seq.tiny_training import tiny_training, train_here


def test_every_second_epoch_is_kept(kept_run: RunDirectory) -> None:
    assert kept_run.checkpoints.epochs() == [2, 4]


def test_nothing_is_kept_unless_asked_for(trained: TrainedRun) -> None:
    assert RunDirectory(trained.folder).checkpoints.epochs() == []
    assert not RunDirectory(trained.folder).checkpoints.folder.exists()


def test_the_kept_weights_of_the_best_epoch_are_those_of_the_best_model(kept_run: RunDirectory) -> None:
    assert kept_run.read_facts()["best_epoch"] == 4
    model = kept_run.load_model()
    best = [np.array(variable) for variable in model.trainable_variables]
    kept_run.checkpoints.load_into(2, model)
    assert any((np.array(a) != b).any() for a, b in zip(model.trainable_variables, best, strict=True))
    kept_run.checkpoints.load_into(4, model)
    for variable, expected in zip(model.trainable_variables, best, strict=True):
        np.testing.assert_array_equal(np.array(variable), expected)


@pytest.mark.slow
def test_a_resumed_training_keeps_the_same(kept_run: RunDirectory, tmp_path: Path) -> None:
    config = tiny_training(epochs=3, keep_checkpoints=2, schedule="constant")
    train_here(config, tmp_path / "run")
    train_here(
        tiny_training(epochs=4, keep_checkpoints=2, schedule="constant"), tmp_path / "run", resume=True
    )
    resumed = RunDirectory(tmp_path / "run").checkpoints
    assert resumed.epochs() == [2, 4]
    for epoch in (2, 4):
        assert resumed.path(epoch).read_bytes() == kept_run.checkpoints.path(epoch).read_bytes()


def test_an_epoch_that_was_not_kept_names_those_that_were(kept_run: RunDirectory) -> None:
    with pytest.raises(UserError, match=r"epoch 3 was not kept\. Kept epochs: 2, 4\."):
        kept_run.checkpoints.load_into(3, kept_run.load_model())


def test_damaged_files_and_those_of_other_models_are_refused(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    model = tiny_model()
    checkpoints.save(1, model)
    with pytest.raises(UserError, match="another model"):
        checkpoints.load_into(1, tiny_model(embedding_units=5))
    whole = checkpoints.path(1).read_bytes()
    checkpoints.path(1).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        checkpoints.load_into(1, model)


def test_other_files_in_the_folder_are_no_checkpoints(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for name in ("epoch_0003.npz", "epoch_12345.npz", "epoch_3.npz", ".epoch_0004.npz.x.partial", "a.txt"):
        (tmp_path / name).touch()
    assert checkpoints.epochs() == [3, 12345]
