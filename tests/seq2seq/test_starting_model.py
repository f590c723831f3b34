"""Trainings that begin with another model: its weights, its tokenizer, and no other network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import UserError
from seq2seq.config import Config, ConfigError, parse_config
from seq2seq.run_directory import RunDirectory
from seq2seq.starting_model import completed
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.tiny_training import CONTENT, train_here

# So small that a rounded weight stays what it is.
STANDING_STILL = {"learning_rate": 1e-12, "final_learning_rate": 0.0, "average_weights": 0.0}


def starting_from(start: Path | str, **sections: dict[str, Any]) -> Config:
    """A configuration as a user writes it, with nothing about the network and the tokenizer unless given."""
    training = {**CONTENT["training"], **STANDING_STILL, "start_from": str(start)}
    content = {"name": "tuned", "data": CONTENT["data"], "batches": CONTENT["batches"], "training": training}
    return parse_config({**content, **sections}, "test")


def weights_of(run: RunDirectory) -> list[np.ndarray]:
    return [variable.numpy() for variable in run.load_model().trainable_variables]


def test_it_has_the_weights_and_the_tokenizer_that_it_began_with(trained: TrainedRun, tmp_path: Path) -> None:
    config = completed(starting_from(trained.folder, model={"readout_dropout": 0.1}))
    assert config.model.decoder_units == 8
    assert config.model.readout_dropout == 0.1
    _, printed = train_here(config, tmp_path / "run")
    start, run = RunDirectory(trained.folder), RunDirectory(tmp_path / "run")
    for mine, given in zip(weights_of(run), weights_of(start), strict=True):
        np.testing.assert_allclose(mine, given, rtol=1e-6, atol=1e-9)
    assert run.tokenizers.fingerprint == start.tokenizers.fingerprint
    assert f"Begins with the weights of {trained.folder}." in printed
    facts = run.read_facts()["started_from"]
    assert (facts["model"], facts["corpus"]) == ("run", start.read_facts()["corpus"])
    assert len(facts["fingerprint"]) == 64


def test_resumed_before_its_first_state_it_begins_there_again(trained: TrainedRun, tmp_path: Path) -> None:
    config = completed(starting_from(trained.folder))
    train_here(config, tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    run.state_file.unlink()
    run.model_file.unlink()
    train_here(config, run.path, resume=True)
    for mine, given in zip(weights_of(run), weights_of(RunDirectory(trained.folder)), strict=True):
        np.testing.assert_allclose(mine, given, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_resumed_later_it_does_not_need_that_model(trained: TrainedRun, tmp_path: Path) -> None:
    import shutil

    start = shutil.copytree(trained.folder, tmp_path / "start")
    config = completed(starting_from(start))
    train_here(config, tmp_path / "run")
    shutil.rmtree(start)
    longer = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 2})})
    progress, printed = train_here(longer, tmp_path / "run", resume=True)
    assert progress.epoch == 2
    assert "Begins with" not in printed


def test_another_network_or_tokenizer_is_refused_with_every_difference(trained: TrainedRun) -> None:
    sections = {
        "model": {"decoder_units": 16, "encoder_units": 8, "conditional_gru": True},
        "tokenizer": {"vocabulary_size": 500, "folder": "elsewhere"},
    }
    with pytest.raises(ConfigError) as refused:
        completed(starting_from(trained.folder, **sections))
    lines = str(refused.value).splitlines()
    assert "has the network and the tokenizer of the model that it starts from" in lines[0]
    assert lines[1:] == [
        f"  model.decoder_units: 16, but 8 in {trained.folder}",
        f"  model.conditional_gru: True, but False in {trained.folder}",
        f"  tokenizer.vocabulary_size: 500, but 345 in {trained.folder}",
        f"  tokenizer.folder: 'elsewhere', but the tokenizer is that of {trained.folder}",
    ]


@pytest.mark.parametrize(("start", "warned"), [(None, True), ("another", False)])
def test_a_first_loss_that_no_untrained_model_has_is_expected_then(start: str | None, warned: bool) -> None:
    from io import StringIO
    from types import SimpleNamespace

    from rich.console import Console

    from seq2seq.config import TrainingConfig
    from seq2seq.loss_check import LossCheck
    from seq2seq.training_state import TrainingProgress

    printed = StringIO()
    training = TrainingConfig(start_from=start)
    check = LossCheck(training, TrainingProgress(), Console(file=printed, width=200))
    check.set_model(SimpleNamespace(arguments={"target_vocabulary_size": 8000}))
    check.on_train_batch_end(0, {"loss": 2.4})
    assert ("the first loss is 2.40" in printed.getvalue()) == warned


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist"):
        completed(starting_from("nowhere"))


def test_without_a_start_nothing_changes() -> None:
    config = parse_config({"name": "plain", "data": CONTENT["data"]}, "test")
    assert completed(config) is config


def test_what_the_other_model_brings_may_contradict_the_rest(trained: TrainedRun, tmp_path: Path) -> None:
    start = RunDirectory(shutil.copytree(trained.folder, tmp_path / "start"))
    sampling = start.config.tokenizer.model_copy(update={"sampling_alpha": 0.1, "model_type": "unigram"})
    start.create(start.config.model_copy(update={"tokenizer": sampling}))
    by_tokens = {"batches": {"batch_size": None, "tokens_per_batch": 400}}
    with pytest.raises(ConfigError, match=rf"training\.start_from: {start.path}.*tokens_per_batch"):
        completed(starting_from(start.path, **by_tokens))
    completed(starting_from(start.path, **by_tokens, tokenizer={"sampling_alpha": 0.0}))
