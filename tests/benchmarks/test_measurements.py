"""Every measurement runs, at sizes that take no time; how long something takes is not asserted."""

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks import (
    bare_step,
    child_processes,
    corpus_size,
    decoding,
    epoch,
    latency,
    process_startup,
    report_opening,
    stream_memory,
    training_step,
)
from benchmarks.catalogue import MEASUREMENTS
from benchmarks.child_processes import run_python
from benchmarks.decoding import network_search, search_runner
from benchmarks.figures import Outcome
from benchmarks.reference import random_batch
from benchmarks.variants import FAST, PLAIN, available_variants, traced_with
from data.errors import UserError
from seq2seq.search_options import SearchOptions
from tests.benchmarks.tiny_sizes import TINY
from tests.repetitions import rest_slow


def check(outcome: Outcome) -> list[tuple[str, str]]:
    """All figures are numbers, none is there twice; returns names and units."""
    assert all(math.isfinite(figure.value) for figure in outcome.figures)
    found = [(figure.what, figure.unit) for figure in outcome.figures]
    assert len(set(found)) == len(found)
    return found


@pytest.mark.parametrize("are_all", rest_slow([False, True]), ids=["two variants", "all variants"])
def test_training_step(are_all: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    variants, notes = available_variants() if are_all else ([PLAIN, FAST], ["the others are slow"])
    monkeypatch.setattr(training_step, "available_variants", lambda: (variants, notes))
    settings = training_step.Settings(TINY, batch_sizes=(3,), length=4, rounds=2, calls_per_turn=1)
    outcome = training_step.measure(settings)
    found = check(outcome)
    assert outcome.notes == notes
    for variant in variants:
        assert (f"{variant.name}, batch 3", "target tokens/s") in found
        assert (f"{variant.name}, batch 3", "% of the bound") in found
        assert ((f"{variant.name}, batch 3", "× plain loop") in found) == (variant != PLAIN)
    assert ("matrix products alone, float32, batch 3", "ms") in found


@pytest.mark.parametrize("variant", rest_slow([FAST, PLAIN]), ids=lambda variant: variant.name)
def test_the_timed_step_is_a_training_step(variant: training_step.Variant) -> None:
    step = training_step.step_runner(TINY, variant, random_batch(TINY, 4, 5, 5))
    losses = [step() for _ in range(5)]
    assert losses[0] == pytest.approx(math.log(TINY.vocabulary), rel=0.05)
    assert losses == sorted(losses, reverse=True)


def test_precision_is_put_back() -> None:
    from seq2seq.matmul_precision import matmul_precision

    before = matmul_precision()
    with traced_with("bfloat16"):
        assert matmul_precision() == "bfloat16"
    assert matmul_precision() == before


@pytest.mark.slow
def test_decoding() -> None:
    settings = decoding.Settings(
        TINY,
        batch_size=2,
        length=4,
        beam_size=2,
        lengths=(3,),
        batch_sizes=(1,),
        beam_sizes=(3,),
        batches=3,
        rounds=1,
        runs=1,
    )
    found = check(decoding.measure(settings))
    for name in ("greedy, float32", "beam 2, float32", "beam 2, all 2 best, float32"):
        assert (name, "target tokens/s") in found
        assert (name, "sentences/s") in found
    for name in ("float32, beam 3", "float32, beam 2, batch 1", "float32, beam 2, length 3"):
        assert (f"one batch, {name}", "target tokens/s") in found


@pytest.mark.parametrize("n_best", [1, 3])
def test_the_timed_search_writes_as_many_tokens_as_are_counted(n_best: int) -> None:
    options = SearchOptions(beam_size=3, n_best=n_best)
    result = search_runner(network_search(TINY, "float32"), TINY, options, batch_size=4, length=6)()
    assert result.lengths.shape == (4, n_best)
    assert (result.lengths == 6).all()
    assert result.finished.all()
    assert result.attention_weights.shape == (4, n_best, 6, 6)


def test_latency() -> None:
    found = check(latency.measure(latency.Settings(TINY, words=5, output_pieces=4, beam_size=2, calls=3)))
    assert ("5 words to 4 pieces, beam 2, alignment, float32", "ms") in found
    assert ("5 words to 4 pieces, beam 2, alignment, float32, p99", "ms") in found


def test_corpus_size() -> None:
    found = check(corpus_size.measure(corpus_size.Settings(TINY, train_pairs=(300, 600))))
    assert ("300 pairs, prepared", "pairs/s") in found
    assert ("600 pairs, batches read", "MB above the imports") in found


def test_stream_memory() -> None:
    settings = stream_memory.Settings(pairs=500, steps=5, every=2, batch_size=8, tokenizer_pairs=2000)
    outcome = stream_memory.measure(settings)
    found = check(outcome)
    assert ("500 pairs, 5 batches", "pairs/s") in found
    growth = outcome.value("500 pairs, 5 batches, growth since the first", "MB")
    above_imports = "MB above the imports"
    whole = outcome.value("500 pairs, 5 batches, greatest", above_imports)
    assert growth == pytest.approx(whole - outcome.value("500 pairs, first batch", above_imports))


def test_report_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    # In a thread of its own: other tests may have a browser open in this one, and Playwright allows one.
    with ThreadPoolExecutor(1) as threads:
        settings = report_opening.Settings(sentences=30, openings=1)
        outcome = threads.submit(report_opening.measure, settings).result()
    found = check(outcome)
    assert ("30 sentences, file", "MB") in found
    opened = [figure for figure in outcome.figures if figure.unit == "ms"]
    assert len(opened) == 4 or "nothing was opened" in outcome.notes[0]
    monkeypatch.setattr(report_opening.shutil, "which", lambda name: None)
    without_browser = report_opening.measure(report_opening.Settings(sentences=3))
    assert len(without_browser.figures) == 1
    assert "nothing was opened" in without_browser.notes[0]


def test_a_stream_is_read_after_the_first_and_every_few_batches(tmp_path: Path) -> None:
    settings = stream_memory.Settings(pairs=500, batch_size=8, tokenizer_pairs=2000)
    pipeline = stream_memory.pipeline_of(tmp_path, settings)
    readings = list(stream_memory.stream(pipeline, steps=5, every=2))
    read = [(1, 8), (2, 16), (4, 32), (5, 40)]
    assert [(reading.batches, reading.pairs) for reading in readings] == read
    epoch = list(stream_memory.stream(pipeline, steps=1000, every=500))
    assert [(reading.batches, reading.pairs) for reading in epoch] == [(1, 8), (63, 500)]


def test_the_last_line_says_how_much_memory_grew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Before and after the store is written, then after batches 1, 2, 4 and 5: the peak is not the last one.
    readings = iter([50.0, 90.0, 112.0, 113.25, 115.5, 114.0])
    monkeypatch.setattr(stream_memory, "resident_megabytes", lambda: next(readings))
    stream_memory.print_readings(
        stream_memory.Settings(pairs=500, steps=5, every=2, batch_size=8, tokenizer_pairs=2000)
    )
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "grew by 3.5 MB over 5 batches (40 pairs): 112.0 MB after the first, 115.5 MB at most"


def test_growth_is_not_measured_where_memory_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_processes, "_PROCESSES", tmp_path)
    settings = stream_memory.Settings(pairs=500, steps=5, every=2, batch_size=8, tokenizer_pairs=2000)
    for measured in (stream_memory.measure, stream_memory.print_readings):
        with pytest.raises(UserError, match="/proc"):
            measured(settings)


@pytest.mark.parametrize("option", ["--pairs", "--steps", "--every", "--batch-size"])
def test_a_stream_of_nothing_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        stream_memory._parse_arguments([option, "0"])
    assert end.value.code == 2
    assert f"argument {option}: must be at least 1" in capsys.readouterr().err


def test_no_progress_into_a_log_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream_memory.pipeline_of(tmp_path, stream_memory.Settings(pairs=500, tokenizer_pairs=2000))
    assert "\r" not in "".join(capsys.readouterr())


def test_import_times_are_those_of_the_whole_package() -> None:
    written = """\
import time: self [us] | cumulative | imported package
import time:       500 |        500 |     kerasic
import time:       100 |        300 |   keras.src
import time:        50 |       2000 | tensorflow
a line of another kind
"""
    assert process_startup.import_seconds(written, "keras") == pytest.approx(300e-6)
    assert process_startup.import_seconds(written, "tensorflow") == pytest.approx(2000e-6)
    assert process_startup.import_seconds(written, "torch") == 0.0


def test_memory_and_output_of_a_child() -> None:
    held = run_python(["-c", "import time; block = b'x' * 100_000_000; print('held'); time.sleep(0.3)"])
    empty = run_python(["-c", "import time; time.sleep(0.3)"])
    assert held.output == "held\n"
    assert 0 < empty.peak_megabytes < held.peak_megabytes
    assert held.peak_megabytes - empty.peak_megabytes == pytest.approx(95.4, abs=3)
    assert held.seconds > 0.3


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(UserError, match=r"exit code 3:\nno luck"):
        run_python(["-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"])


def test_all_measurements_have_a_short_and_a_long_form() -> None:
    import importlib

    for measurement in MEASUREMENTS.values():
        module = importlib.import_module(measurement.module)
        assert module.SHORT != module.LONG
        assert callable(module.measure)


def test_epochs_without_new_shapes() -> None:
    assert bare_step.settled_epochs([{1, 2}, {2}, {2, 3}, {1, 3}, {4}]) == [1, 3]
    assert bare_step.settled_epochs([{1}, {2}]) == []


@pytest.mark.slow
def test_epoch() -> None:
    found = check(epoch.measure(epoch.Settings(TINY, train_pairs=300, validation_pairs=10, bare_epochs=1)))
    assert ("train.py, average and dropout", "% of the bare step") in found
    assert ("train.py, average of the weights", "MB above the imports") in found
    assert ("train.py, average and dropout: new shapes, once", "s") in found


@pytest.mark.slow
def test_startup() -> None:
    settings = process_startup.Settings(TINY, words=5, output_pieces=4, processes=1)
    outcome = process_startup.measure(settings)
    check(outcome)
    stages = [figure for figure in outcome.figures if figure.what.startswith("stage: ")]
    assert {figure.what for figure in stages} >= {"stage: start Python", "stage: load the model"}
    assert all(figure.value > 0 for figure in stages)
    assert outcome.value("imports, as Python counts: tensorflow", "s") > 0
