"""This project's side of the comparison: what it writes, and that it counts what it does."""

import json
from pathlib import Path

import pytest

from benchmarks import own_side
from benchmarks.peers import measurement
from tests.benchmarks.tiny_sizes import TINY
from tests.repetitions import rest_slow

SETTINGS = own_side.Settings(TINY, batch_size=4, batches=6, length=5, latency_length=4, steps_per_run=2)


@pytest.fixture(autouse=True)
def no_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "WARM_UP_SECONDS", 0.0)


@pytest.mark.parametrize("measure", rest_slow(["beam5", "latency", "training", "greedy"], daily=2))
def test_what_is_written(measure: str, tmp_path: Path) -> None:
    output = tmp_path / "own.json"
    options = ["--measure", measure, "--seconds", "0.01", "--output", str(output), "--precision", "float32"]
    assert own_side.main(options, SETTINGS) == 0
    written = json.loads(output.read_text(encoding="utf-8"))
    figures = written[measurement.RESULT_KEYS[measure]]
    assert written["peer"] == "this project"
    assert written["threads"] == measurement.THREADS
    assert figures["median"] > 0
    assert len(figures["runs"]) >= measurement.FEWEST_RUNS
    assert "matrix products with float32 operands" in written["notes"]


@pytest.mark.slow
def test_target_tokens_are_counted() -> None:
    assert own_side._training(SETTINGS)() == 2 * 4 * 5


def test_training_reads_every_sentence_before_it_reads_one_again() -> None:
    batches = list(own_side._training_batches(SETTINGS).take(7).as_numpy_iterator())
    (source, target_input), target = batches[0]
    assert source.shape == target_input.shape == target.shape == (4, 5)
    assert (target_input[:, 1:] == target[:, :-1]).all()
    assert (batches[6][1] == target).all()
    assert not any((batch[1] == target).all() for batch in batches[1:6])


def test_unknown_measures_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        own_side.main(["--measure", "sprinting", "--output", "x"])
    assert end.value.code == 2
    assert "sprinting" in capsys.readouterr().err
