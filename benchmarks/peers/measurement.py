"""What every side of the comparison has in common: its command line, its repetitions, its result file."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.atomic import atomic_write

THREADS = 2
WARM_UP_SECONDS = 3.0
FEWEST_RUNS = 3

# What can be asked for, and under which key of the result file it is found.
RESULT_KEYS = {
    "training": "training_tokens_per_second",
    "greedy": "greedy_tokens_per_second",
    "beam5": "beam5_tokens_per_second",
    "latency": "sentence_latency_ms",
}

Measure = Callable[[float], list[float]]  # seconds to spend → the figure of each run


@dataclass
class SideResult:
    """What one program measured of itself.

    Attributes:
        peer: the program's name.
        version: of the program.
        runs: by measure, the figure of each run: target tokens per second, or milliseconds for `latency`.
        notes: what a reader has to know.
    """

    peer: str
    version: str
    runs: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Medians and runs under the keys that all sides share, rounded to five significant digits."""
        content: dict[str, Any] = {"peer": self.peer, "version": self.version, "threads": THREADS}
        for measure, runs in self.runs.items():
            content[RESULT_KEYS[measure]] = median_and_runs(runs)
        return {**content, "notes": self.notes}

    def write(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        with atomic_write(path) as file:
            json.dump(self.to_json(), file, indent=2)
            file.write("\n")


def median_and_runs(runs: Sequence[float]) -> dict[str, Any]:
    """`{"median": ..., "runs": [...]}`, rounded."""
    return {"median": rounded(statistics.median(runs)), "runs": [rounded(run) for run in runs]}


def rounded(value: float) -> float:
    """Five significant digits: more would be noise."""
    return float(f"{value:.5g}")


def parse_arguments(description: str | None, precisions: Sequence[str] = ("float32",)) -> argparse.Namespace:
    """The options of a side: `measure` (a list of names), `seconds`, `output`, `precision`.

    Args:
        description: for `--help`.
        precisions: what the operands of matrix products may be; the first is the default.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--measure", choices=[*RESULT_KEYS, "all"], default="all", help="default: all, one after the other"
    )
    parser.add_argument(
        "--seconds", type=positive, default=20.0, help="timed part of each measure (default %(default)s)"
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--precision", choices=precisions, default=precisions[0], help="of the operands of matrix products"
    )
    arguments = parser.parse_args()
    arguments.measure = list(RESULT_KEYS) if arguments.measure == "all" else [arguments.measure]
    return arguments


def token_rates(work: Callable[[], int], seconds: float) -> list[float]:
    """Tokens per second of each call after a warm-up, until `seconds` have passed.

    Args:
        work: does a piece of work and returns how many target tokens it produced.
        seconds: how long to go on; there are `FEWEST_RUNS` runs at least.
    """
    return [tokens / elapsed for tokens, elapsed in _timed_calls(work, seconds)]


def milliseconds(work: Callable[[], int], seconds: float) -> list[float]:
    """Milliseconds of each call after a warm-up, until `seconds` have passed."""
    return [1000 * elapsed for _, elapsed in _timed_calls(work, seconds)]


def _timed_calls(work: Callable[[], int], seconds: float) -> list[tuple[int, float]]:
    until = time.perf_counter() + WARM_UP_SECONDS
    work()
    while time.perf_counter() < until:
        work()
    calls: list[tuple[int, float]] = []
    until = time.perf_counter() + seconds
    while len(calls) < FEWEST_RUNS or time.perf_counter() < until:
        started = time.perf_counter()
        tokens = work()
        calls.append((tokens, time.perf_counter() - started))
    return calls


def positive(text: str) -> float:
    """A number of an option that has to be more than 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value
