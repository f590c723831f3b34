"""Resident memory while an epoch of a large corpus is streamed.

Writes a store of generated pairs, then draws the first batches of an epoch from it, and prints the memory
every few batches: if the pipeline held on to what it has read, it would grow. Linux only (`/proc`).

    python benchmarks/stream_memory.py --pairs 5000000 --steps 20000
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data.pair_store import PairStore
from data.pipeline import BatchPipeline
from data.tokenizer import train_tokenizers

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "ü")]


def main() -> None:
    arguments = _parse_arguments()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        tokenizers = train_tokenizers(generated_pairs(20_000), joint=True, vocabulary_size=4000)
        started = time.perf_counter()
        before = resident_megabytes()
        store = PairStore.write(folder, _with_progress(generated_pairs(arguments.pairs), arguments.pairs))
        seconds = time.perf_counter() - started
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
        print(
            f"wrote {len(store):,} pairs, {size:,.0f} MB, in {seconds:.0f} s; "
            f"resident {before:.0f} MB before, {resident_megabytes():.0f} MB after"
        )
        pipeline = BatchPipeline(
            store, tokenizers, batch_size=arguments.batch_size, sampling_alpha=arguments.sampling_alpha
        )
        _stream(pipeline, arguments.steps, arguments.every)


def _stream(pipeline: BatchPipeline, steps: int, every: int) -> None:
    print(f"{'batch':>8}  {'pairs':>10}  {'resident MB':>11}  {'pairs/s':>8}", flush=True)
    pairs = 0
    started = time.perf_counter()
    for step, batch in enumerate(pipeline.batches(epoch=0), start=1):
        pairs += len(batch.indices)
        if step == 1 or step % every == 0:
            rate = pairs / (time.perf_counter() - started)
            print(f"{step:>8,}  {pairs:>10,}  {resident_megabytes():>11.0f}  {rate:>8,.0f}", flush=True)
        if step == steps:
            break


def generated_pairs(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Pairs of made-up sentences of 3 to 30 words, about 14 on average; the target is a respelled source."""
    generator = random.Random(seed)
    words = ["".join(generator.choices(_SYLLABLES, k=generator.choice((1, 2, 2, 3)))) for _ in range(5000)]
    respelled = [word[::-1] + "en" for word in words]
    for _ in range(count):
        length = min(30, max(3, round(generator.gauss(14, 5))))
        # Squaring makes low numbers frequent, as words are in a language.
        chosen = [int(5000 * generator.random() ** 2) for _ in range(length)]
        yield " ".join([words[i] for i in chosen]), " ".join([respelled[i] for i in chosen])


def resident_megabytes() -> float:
    """Memory of this process that is in RAM now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _with_progress(pairs: Iterator[tuple[str, str]], total: int) -> Iterator[tuple[str, str]]:
    for done, pair in enumerate(pairs):
        if done % 100_000 == 0:
            print(f"\rwriting {done:,} of {total:,} pairs", end="", file=sys.stderr, flush=True)
        yield pair
    print(file=sys.stderr)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs", type=int, default=5_000_000, help="size of the corpus (default %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=20_000, help="batches to draw (default %(default)s)")
    parser.add_argument("--every", type=int, default=2_000, help="print after this many batches")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--sampling-alpha", type=float, default=0.0, help="subword sampling, 0 for none")
    parser.add_argument("--folder", help="where the temporary store goes (default: the system's own place)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
