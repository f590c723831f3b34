"""Resident memory while an epoch of a large corpus is streamed.

Writes a store of generated pairs, then draws the first batches of an epoch from it, and prints the memory
every few batches: if the pipeline held on to what it has read, it would grow. Linux only (`/proc`).

    python -m benchmarks.stream_memory --pairs 5000000 --steps 20000
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child_processes import resident_megabytes
from benchmarks.figures import Outcome
from benchmarks.made_up_text import generated_pairs
from data.pair_store import PairStore
from data.pipeline import BatchPipeline
from data.tokenizer import train_tokenizers


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
    """Memory before, after the first batch and at its greatest, and the speed of the whole stream."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(dir=settings.folder) as folder:
        before = resident_megabytes()
        pipeline = pipeline_of(Path(folder), settings)
        stored = resident_megabytes()
        readings = list(stream(pipeline, settings.steps, settings.every))
    name = f"{settings.pairs:,} pairs"
    outcome.add(f"{name}, stored and surveyed", stored - before, "MB above the imports")
    outcome.add(f"{name}, first batch", readings[0].megabytes - before, "MB above the imports")
    greatest = max(reading.megabytes for reading in readings)
    outcome.add(f"{name}, {settings.steps:,} batches, greatest", greatest - before, "MB above the imports")
    outcome.add(f"{name}, {settings.steps:,} batches", readings[-1].pairs_per_second, "pairs/s")
    return outcome


def main() -> None:
    """Print the readings as they come."""
    settings = _parse_arguments()
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
        for now in stream(pipeline, settings.steps, settings.every):
            row = (
                f"{now.batches:>8,}  {now.pairs:>10,}  {now.megabytes:>11.0f}  {now.pairs_per_second:>8,.0f}"
            )
            print(row, flush=True)


def stream(pipeline: BatchPipeline, steps: int, every: int) -> Iterator[Reading]:
    """Draw the first `steps` batches of an epoch; read the memory after the first and after `every` ones."""
    pairs = 0
    started = time.perf_counter()
    for step, batch in enumerate(pipeline.batches(epoch=0), start=1):
        pairs += len(batch.indices)
        if step == 1 or step % every == 0:
            yield Reading(step, pairs, resident_megabytes(), pairs / (time.perf_counter() - started))
        if step == steps:
            break


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


def _parse_arguments() -> Settings:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stream_memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Settings()
    parser.add_argument("--pairs", type=int, default=usual.pairs, help="size of the corpus (%(default)s)")
    parser.add_argument("--steps", type=int, default=usual.steps, help="batches to draw (%(default)s)")
    parser.add_argument("--every", type=int, default=usual.every, help="print after this many batches")
    parser.add_argument("--batch-size", type=int, default=usual.batch_size)
    parser.add_argument(
        "--sampling-alpha", type=float, default=usual.sampling_alpha, help="subword sampling, 0 for none"
    )
    parser.add_argument("--folder", help="where the temporary store goes (default: the system's own place)")
    return Settings(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
