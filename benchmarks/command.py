"""The command line of `python -m benchmarks`."""

from __future__ import annotations

import argparse
import difflib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.catalogue import MEASUREMENTS, Measurement
from data.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
OWN_RESULTS = ROOT / "benchmarks" / "results" / "own.json"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; imports nothing heavy."""
    listed = "\n".join(f"  {each.name:<10} {each.title}" for each in MEASUREMENTS.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure this project's own speed and memory, and print a table.",
        epilog=f"measurements:\n{listed}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="what to measure (default: everything)")
    parser.add_argument("--long", action="store_true", help="more runs, larger corpora: about an hour")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where the figures go as JSON (default: benchmarks/results/own.json when everything is "
        "measured, else nowhere)",
    )
    # How the command measures one thing in a process of its own; not for people.
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run `python -m benchmarks`; returns the exit code.

    Raises:
        UserError: a name is not known, or a measurement failed.
    """
    options = parse_arguments(arguments)
    chosen = _chosen(options.names)
    if options.in_this_process:
        print(json.dumps(_measured_here(chosen[0], options.long)))
        return 0
    from benchmarks.report import print_table, write_report

    report = _empty_report(options.long)
    for measurement in chosen:
        print(f"{measurement.title} ...", file=sys.stderr, flush=True)
        report["measurements"][measurement.name] = _measured_apart(measurement, options.long)
    print_table(report)
    output = options.output or (None if options.names else OWN_RESULTS)
    if output is not None:
        write_report(output, report)
    return 0


def _chosen(names: list[str]) -> list[Measurement]:
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        nearest = difflib.get_close_matches(unknown[0], MEASUREMENTS, n=1)
        guess = f" Did you mean {nearest[0]}?" if nearest else ""
        raise UserError(
            f"there is no measurement called {unknown[0]}.{guess} There are: {', '.join(MEASUREMENTS)}"
        )
    return [MEASUREMENTS[name] for name in dict.fromkeys(names or MEASUREMENTS)]


def _measured_here(measurement: Measurement, long: bool) -> dict[str, Any]:
    started = time.perf_counter()
    outcome = measurement.measure(long=long)
    return {
        "title": measurement.title,
        "seconds": round(time.perf_counter() - started, 1),
        "figures": [figure.to_json() for figure in outcome.figures],
        "notes": outcome.notes,
    }


def _measured_apart(measurement: Measurement, long: bool) -> dict[str, Any]:
    """Measure in a new process, so that no measurement feels what was done before it."""
    command = [sys.executable, "-m", "benchmarks", measurement.name, "--in-this-process"]
    with tempfile.TemporaryFile("w+") as output:
        ended = subprocess.run(
            [*command, *(["--long"] if long else [])], cwd=ROOT, stdout=output, check=False
        )
        if ended.returncode != 0:
            raise UserError(f"the measurement {measurement.name} failed (exit code {ended.returncode})")
        output.seek(0)
        return json.loads(output.read().splitlines()[-1])


def _empty_report(long: bool) -> dict[str, Any]:
    from benchmarks.machine import describe_machine, project_version

    return {
        "project_version": project_version(),
        "measured_on": time.strftime("%Y-%m-%d"),
        "form": "long" if long else "short",
        "machine": describe_machine(),
        "measurements": {},
    }
