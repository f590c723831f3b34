"""Resident memory while an epoch of a large corpus is streamed.

Writes a store of generated pairs, then draws the first batches of an epoch from it, and prints the memory
every few batches: if the pipeline held on to what it has read, it would grow. The last line says by how much
it did. Linux only (`/proc`).

    python -m benchmarks.stream_memory --pairs 5000000 --steps 20000
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child_processes import check_that_memory_can_be_read, resident_megabytes
from benchmarks.figures import Outcome
from benchmarks.made_up_text import generated_pairs
from data.pair_store import PairStore
from data.pipeline import BatchPipeline
from data.tokenizer import train_tokenizers
from seq2seq.startup import run_command


@dataclass(frozen=True)
class Settings:
    """What to stream.

    Attributes:
        pairs: size of the corpus.
        steps: batches to draw.
        every: print after this many batches.
        batch_size: sentence pairs of a batch.
        sampling_alpha: subword sampling, 0 for none.
        tokenizer_pairs: pairs that the tokenizer is trained on.
        folder: where the temporary store goes; None: the system's own place.
    """

    pairs: int = 5_000_000
    steps: int = 20_000
    every: int = 2_000
    batch_size: int = 64
    sampling_alpha: float = 0.0
    tokenizer_pairs: int = 20_000
    folder: str | None = None


SHORT = Settings(pairs=1_000_000, steps=4_000, every=500)
LONG = Settings()


@dataclass(frozen=True)
class Reading:
    """Memory and speed after a number of batches."""

    batches: int
    pairs: int
    megabytes: float
    pairs_per_second: float


def measure(settings: Settings = SHORT) -> Outcome:
    """Memory before, after the first batch and at its greatest, its growth, the speed of the whole stream.

    Raises:
        UserError: the system has no `/proc`.
    """
    check_that_memory_can_be_read()
    outcome = Outcome()
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        before = resident_megabytes()
        pipeline = pipeline_of(Path(folder), settings)
        stored = resident_megabytes()
        readings = list(stream(pipeline, settings.steps, settings.every))
    name = f"{settings.pairs:,} pairs"
    outcome.add(f"{name}, stored and surveyed", stored - before, "MB above the imports")
    outcome.add(f"{name}, first batch", readings[0].megabytes - before, "MB above the imports")
    streamed = f"{name}, {readings[-1].batches:,} batches"
    outcome.add(f"{streamed}, greatest", greatest(readings) - before, "MB above the imports")
    outcome.add(f"{streamed}, growth since the first", growth(readings), "MB")
    outcome.add(streamed, readings[-1].pairs_per_second, "pairs/s")
    return outcome


def greatest(readings: Sequence[Reading]) -> float:
    """The most memory that was read, in megabytes."""
    return max(reading.megabytes for reading in readings)


def growth(readings: Sequence[Reading]) -> float:
    """Megabytes by which the memory rose above that after the first batch, at any later reading."""
    return greatest(readings) - readings[0].megabytes


def growth_line(readings: Sequence[Reading]) -> str:
    """The growth in words, with how many batches it took."""
    last = readings[-1]
    return (
        f"grew by {growth(readings):.1f} MB over {last.batches:,} batches ({last.pairs:,} pairs): "
        f"{readings[0].megabytes:.1f} MB after the first, {greatest(readings):.1f} MB at most"
    )


def main(arguments: list[str] | None = None) -> int:
    """Stream and print; returns the exit code."""
    print_readings(_parse_arguments(arguments))
    return 0


def print_readings(settings: Settings) -> None:
    """Print the readings as they come, and the growth at the end.

    Raises:
        UserError: the system has no `/proc`.
    """
    check_that_memory_can_be_read()
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        started, before = time.perf_counter(), resident_megabytes()
        pipeline = pipeline_of(Path(folder), settings)
        seconds = time.perf_counter() - started
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
        print(
            f"wrote {len(pipeline.store):,} pairs, {size:,.0f} MB, in {seconds:.0f} s; "
            f"resident {before:.0f} MB before, {resident_megabytes():.0f} MB after"
        )
        print(f"{'batch':>8}  {'pairs':>10}  {'resident MB':>11}  {'pairs/s':>8}", flush=True)
        readings = []
        for now in stream(pipeline, settings.steps, settings.every):
            readings.append(now)
            row = (
                f"{now.batches:>8,}  {now.pairs:>10,}  {now.megabytes:>11.0f}  {now.pairs_per_second:>8,.0f}"
            )
            print(row, flush=True)
    print(growth_line(readings))


def stream(pipeline: BatchPipeline, steps: int, every: int) -> Iterator[Reading]:
    """Draw an epoch's first `steps` batches; read the memory after the first, every few, and the last."""
    pairs = step = read = 0
    started = time.perf_counter()

    def reading() -> Reading:
        return Reading(step, pairs, resident_megabytes(), pairs / (time.perf_counter() - started))

    for step, batch in enumerate(itertools.islice(pipeline.batches(epoch=0), steps), start=1):
        pairs += len(batch.indices)
        if step == 1 or step % every == 0:
            read = step
            yield reading()
    if step > read:
        yield reading()


def pipeline_of(folder: Path, settings: Settings) -> BatchPipeline:
    """Write the store into `folder` and open it."""
    tokenizers = train_tokenizers(generated_pairs(settings.tokenizer_pairs), joint=True, vocabulary_size=4000)
    store = PairStore.write(folder, _with_progress(generated_pairs(settings.pairs), settings.pairs))
    return BatchPipeline(
        store, tokenizers, batch_size=settings.batch_size, sampling_alpha=settings.sampling_alpha
    )


def _with_progress(pairs: Iterator[tuple[str, str]], total: int) -> Iterator[tuple[str, str]]:
    """Say on a terminal how many pairs there are so far; in a log file that would be one endless line."""
    is_terminal = sys.stderr.isatty()
    for done, pair in enumerate(pairs):
        if is_terminal and done % 100_000 == 0:
            print(f"\rwriting {done:,} of {total:,} pairs", end="", file=sys.stderr, flush=True)
        yield pair
    if is_terminal:
        print(file=sys.stderr)


def _parse_arguments(arguments: list[str] | None) -> Settings:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream_memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Settings()
    for option, value, text in (
        ("--pairs", usual.pairs, "size of the corpus"),
        ("--steps", usual.steps, "batches to draw"),
        ("--every", usual.every, "print after this many batches"),
        ("--batch-size", usual.batch_size, "sentence pairs of a batch"),
    ):
        parser.add_argument(
            option, type=_at_least_one, default=value, metavar="N", help=f"{text} (%(default)s)"
        )
    parser.add_argument(
        "--sampling-alpha", type=float, default=usual.sampling_alpha, help="subword sampling, 0 for none"
    )
    parser.add_argument("--folder", help="where the temporary store goes (default: the system's own place)")
    return Settings(**vars(parser.parse_args(arguments)))


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    run_command(main)
