"""Preparing a corpus (read, clean, store, train the tokenizer, tokenise, first batches): pairs/s and memory.

Every size is prepared in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child_processes import high_water_megabytes, resident_megabytes, run_python
from benchmarks.figures import Outcome
from benchmarks.made_up_text import write_corpus
from benchmarks.reference import REFERENCE, NetworkSizes, configuration

_VALIDATION_PAIRS = 500
_BATCHES = 200


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    sizes: NetworkSizes = REFERENCE
    train_pairs: tuple[int, ...] = (20_000, 200_000)


SHORT = Settings()
LONG = Settings(train_pairs=(20_000, 200_000, 1_000_000, 5_000_000))


def measure(settings: Settings = SHORT) -> Outcome:
    """Pairs per second and megabytes for each size of the corpus."""
    outcome = Outcome()
    for pairs in settings.train_pairs:
        with tempfile.TemporaryDirectory() as folder:
            arguments = [folder, str(pairs), str(settings.sizes.vocabulary)]
            found = json.loads(run_python(["-m", "benchmarks.corpus_size", *arguments]).output)
        name = f"{pairs:,} pairs"
        outcome.add(f"{name}, prepared", found["prepared_pairs_per_second"], "pairs/s")
        outcome.add(f"{name}, prepared", found["preparation_megabytes"], "MB above the imports")
        outcome.add(f"{name}, batches read", found["read_pairs_per_second"], "pairs/s")
        outcome.add(f"{name}, batches read", found["peak_megabytes"], "MB above the imports")
    return outcome


def prepare(folder: Path, train_pairs: int, vocabulary: int) -> dict[str, float]:
    """Prepare one corpus in this process, and read the first batches of an epoch."""
    from rich.console import Console

    from seq2seq.run_directory import RunDirectory
    from seq2seq.training_data import prepare_training_data

    data = write_corpus(folder / "corpus", train_pairs, _VALIDATION_PAIRS)
    config = configuration(NetworkSizes(vocabulary=vocabulary), data=data)
    run = RunDirectory(folder / "run")
    run.create(config)
    imports = resident_megabytes()
    started = time.perf_counter()
    prepared = prepare_training_data(run, config, None, Console(file=io.StringIO()))
    seconds = time.perf_counter() - started
    after_preparation = high_water_megabytes()
    started, pairs = time.perf_counter(), 0
    for number, batch in enumerate(prepared.train.batches(0), start=1):
        pairs += len(batch.indices)
        if number == _BATCHES:
            break
    return {
        "prepared_pairs_per_second": train_pairs / seconds,
        "preparation_megabytes": after_preparation - imports,
        "read_pairs_per_second": pairs / (time.perf_counter() - started),
        "peak_megabytes": high_water_megabytes() - imports,
    }


if __name__ == "__main__":
    print(json.dumps(prepare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
