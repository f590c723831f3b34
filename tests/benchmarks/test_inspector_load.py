"""The load test of the inspector at a size that takes no time: every request is answered and counted."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from benchmarks import inspector_load
from benchmarks.inspector_load import Settings, measure
from data.errors import UserError
from data.pair_store import PairStore
from seq2seq.run_directory import RunDirectory
from tests.seq2seq.tiny_run import SENTENCES, make_tiny_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    run = make_tiny_run(tmp_path_factory.mktemp("load") / "tiny")
    PairStore.write(run.data_folder / "validation", [(text, text) for text in SENTENCES[:20]])
    return run


@pytest.mark.slow
def test_all_requests_are_answered_and_the_server_is_stopped(run: RunDirectory) -> None:
    outcome = measure(run.path, Settings(clients=4, requests=12, requests_alone=3, bulk_clients=1))
    phases = ["1 client", "4 clients", "4 clients beside 1 with 64 sentences"]
    assert [outcome.value(f"{name}: answered", "requests") for name in phases] == [3, 12, 6]
    for name in phases:
        middle, last, longest = (
            outcome.value(f"{name}: {which}", "ms") for which in ("p50", "p99", "longest")
        )
        assert 0 < middle <= last <= longest < math.inf
        assert outcome.value(f"{name}: together", "requests/s") > 0
    assert outcome.value(f"{phases[2]}: median of the 64", "ms") > 0


def test_a_server_that_does_not_start_is_no_endless_wait(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"serve\.py did not start"), inspector_load.running_server(tmp_path):
        pass


def test_a_server_that_hangs_is_given_up(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = tmp_path / "python"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(hanging))
    monkeypatch.setattr(inspector_load, "_SECONDS_TO_START", 0.3)
    with pytest.raises(UserError, match="did not start"), inspector_load.running_server(run.path):
        pass


def test_a_shipped_model_is_asked_for_built_in_sentences(run: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "weights.zip").touch()
    sentences, where = inspector_load.sentences_for(tmp_path)
    assert where == "the built-in corpus"
    assert len(set(sentences)) == 500
    assert inspector_load.sentences_for(run.path) == (SENTENCES[:20], "the run's validation split")


def test_a_run_without_validation_sentences(tiny_run: RunDirectory) -> None:
    with pytest.raises(UserError):
        inspector_load.validation_sentences(tiny_run.path)
