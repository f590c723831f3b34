"""This project beside Joey NMT and Marian, measured in turn on the same sentences.

    make bench-peers

Each figure is measured in a process of its own that is told how long to take. A round runs all programs one
after the other, and each round begins with another one: a slow moment of the machine meets all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.peers.architectures import ARCHITECTURES, DIFFERENCES, THIS_PROJECT
from benchmarks.peers.comparison_table import print_comparison
from benchmarks.peers.measurement import RESULT_KEYS, THREADS, median_and_runs, positive, rounded
from data.atomic import atomic_write
from data.errors import UserError
from seq2seq.startup import run_command

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / "benchmarks" / ".peers" / "bin" / "python"
RESULTS = ROOT / "benchmarks" / "results" / "peers.json"


@dataclass
class Side:
    """A program with one precision, and what its processes have reported.

    Attributes:
        name: of the program, as in `ARCHITECTURES`.
        precision: of the operands of its matrix products.
        python: the interpreter of its environment.
        module: what is run there.
        shortlist: whether it chooses from a part of the vocabulary.
        reports: the result files, in the order of the rounds.
    """

    name: str
    precision: str
    python: Path
    module: str
    shortlist: bool = False
    reports: list[dict[str, Any]] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.name}, {self.variant}"

    @property
    def variant(self) -> str:
        return f"{self.precision}, shortlist" if self.shortlist else self.precision

    def measure(self, measure: str, seconds: float) -> None:
        """Run the program once and keep its report.

        Raises:
            UserError: it failed.
        """
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "result.json"
            options = ["--measure", measure, "--seconds", str(seconds), "--precision", self.precision]
            options += ["--shortlist"] if self.shortlist else []
            command = [str(self.python), "-m", self.module, *options, "--output", str(output)]
            ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if ended.returncode != 0 or not output.exists():
                last_lines = "\n".join(ended.stderr.strip().splitlines()[-12:])
                raise UserError(
                    f"{self.title}: {measure} failed (exit code {ended.returncode})\n{last_lines}"
                )
            self.reports.append(json.loads(output.read_text(encoding="utf-8")))

    def to_json(self) -> dict[str, Any]:
        """One report for all rounds: `runs` are the medians of the rounds, `median` is theirs."""
        content = {key: self.reports[0][key] for key in ("peer", "version", "threads")}
        content |= {"precision": self.precision, "variant": self.variant}
        for key in RESULT_KEYS.values():
            medians = [report[key]["median"] for report in self.reports if key in report]
            if medians:
                content[key] = median_and_runs(medians)
        content["notes"] = list(dict.fromkeys(note for report in self.reports for note in report["notes"]))
        return content


def main(arguments: list[str] | None = None) -> int:
    """Compare, print the table, write the JSON file; returns the exit code.

    Raises:
        UserError: the peers' environment is missing, or a program failed.
    """
    options = _parse_arguments(arguments)
    if not options.peer_python.exists():
        raise UserError(f"{options.peer_python} does not exist. `make bench-peers` sets it up.")
    machine = describe_machine()
    sides = sides_to_measure(machine["instructions"], options.peer_python)
    measures = options.measure or list(RESULT_KEYS)
    measure_in_turn(sides, measures, options.rounds, options.seconds)
    # A side that has none of these measures (training with a shortlist) is not in the report.
    results = [side.to_json() for side in sides if side.reports]
    report = {
        "measured_on": time.strftime("%Y-%m-%d"),
        "machine": machine,
        "threads": THREADS,
        "rounds": options.rounds,
        "seconds_of_each_measurement": options.seconds,
        "sides": results,
        "times_as_fast_as_the_faster_peer": ratios(results),
        "million_multiplications_per_target_token": {
            each.name: rounded(each.multiplications / 1e6) for each in ARCHITECTURES.values()
        },
        "differences": list(DIFFERENCES),
    }
    print_comparison(report)
    write_report(options.output, report)
    return 0


def sides_to_measure(instructions: Sequence[str], peer_python: Path) -> list[Side]:
    """All programs with float32; those that can use bfloat16 also with that, if the processor has it."""
    own, joey, marian = ARCHITECTURES
    modules = {
        own: (Path(sys.executable), "benchmarks.own_side"),
        joey: (peer_python, "benchmarks.peers.joeynmt_side"),
        marian: (peer_python, "benchmarks.peers.marian_side"),
    }
    sides = [Side(name, "float32", *modules[name]) for name in (own, joey, marian)]
    if {"avx512_bf16", "amx_bf16"} & set(instructions):
        sides += [Side(name, "bfloat16", *modules[name]) for name in (own, joey)]
    # Only this project has a shortlist here, so it stands beside the peers without one.
    return [*sides, Side(own, sides[-1].precision, *modules[own], shortlist=True)]


def measure_in_turn(sides: Sequence[Side], measures: Sequence[str], rounds: int, seconds: float) -> None:
    """Fill the sides' reports: round by round, measure by measure, side by side."""
    total, done = rounds * len(measures) * len(sides), 0
    for number in range(rounds):
        first = number % len(sides)
        for measure in measures:
            for side in (*sides[first:], *sides[:first]):
                done += 1
                if side.shortlist and measure == "training":
                    continue
                print(f"{done} of {total}: {measure}, {side.title} ...", file=sys.stderr, flush=True)
                side.measure(measure, seconds)


def ratios(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """How many times as fast this project is as the faster of the peers that compute in the same precision.

    Args:
        results: reports as of `Side.to_json`.

    Returns:
        By variant and key, the ratio of the medians and the name of that peer. For a time, a ratio of 2
        means half the time.
    """
    found: dict[str, dict[str, Any]] = {}
    for own in (each for each in results if each["peer"] == THIS_PROJECT.name):
        peers = [
            each
            for each in results
            if each["precision"] == own["precision"] and each["peer"] != THIS_PROJECT.name
        ]
        for key in RESULT_KEYS.values():
            medians = {each["peer"]: each[key]["median"] for each in peers if key in each}
            if key not in own or not medians:
                continue
            smaller_is_better = key == RESULT_KEYS["latency"]
            peer = (min if smaller_is_better else max)(medians, key=medians.__getitem__)
            ratio = own[key]["median"] / medians[peer]
            found.setdefault(own["variant"], {})[key] = {
                "faster_peer": peer,
                "ratio": rounded(1 / ratio if smaller_is_better else ratio),
            }
    return found


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write the JSON file.

    Raises:
        UserError: it cannot be written.
    """
    try:
        with atomic_write(path) as file:
            json.dump(report, file, indent=1, ensure_ascii=False)
            file.write("\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.compare",
        description="Compare the speed of this project with that of Joey NMT and Marian.",
        allow_abbrev=False,
    )
    parser.add_argument("--rounds", type=int, choices=range(1, 100), metavar="N", default=3)
    parser.add_argument(
        "--seconds", type=positive, default=10.0, help="timed part of each measurement (default %(default)s)"
    )
    parser.add_argument(
        "--measure", action="append", choices=list(RESULT_KEYS), help="only this; may be repeated"
    )
    parser.add_argument(
        "--peer-python", type=Path, default=PEER_PYTHON, help="that of the peers' environment"
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="JSON file (benchmarks/results/peers.json)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
