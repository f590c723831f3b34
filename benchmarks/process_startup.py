"""From the shell: how long --help takes, how long the first translation, and where the seconds go.

Every figure is of new processes; the files that they read are in the system's cache from the second one on.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child_processes import run_python
from benchmarks.figures import Outcome
from benchmarks.reference import REFERENCE, NetworkSizes
from benchmarks.reference_run import sentences_of


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    sizes: NetworkSizes = REFERENCE
    words: int = 12
    output_pieces: int = 15  # without EOS
    processes: int = 5


SHORT = Settings()
LONG = Settings(processes=15)

_WRITE_RUN = """
from pathlib import Path
from seq2seq.startup import prepare_environment
prepare_environment()
from benchmarks.reference import NetworkSizes
from benchmarks.reference_run import write_reference_run
write_reference_run(Path({folder!r}), {sizes!r})
"""
_IMPORT_TENSORFLOW = """
from seq2seq.startup import prepare_environment
prepare_environment()
import tensorflow
"""


def measure(settings: Settings = SHORT) -> Outcome:
    """Seconds, medians of several processes."""
    outcome = Outcome()
    (sentence,) = sentences_of(settings.words, 1)
    pieces = str(settings.output_pieces)
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "run")
        # In a process of its own, so that this one need not load TensorFlow.
        run_python(["-c", _WRITE_RUN.format(folder=run, sizes=settings.sizes)])
        _add(outcome, "python translate.py --help", ["translate.py", "--help"], settings.processes)
        options = ["--no-plot", "--min-length", pieces, "--max-length", pieces]
        translate = ["translate.py", "--model", run, *options, sentence]
        _add(outcome, "python translate.py --model RUN SENTENCE", translate, settings.processes)
        stages = [_stages(run, sentence, pieces) for _ in range(settings.processes)]
    for stage in stages[0]:
        outcome.add_runs(f"stage: {stage}", [each[stage] for each in stages], "s")
    import_times = run_python(["-X", "importtime", "-c", _IMPORT_TENSORFLOW]).messages
    for package in ("tensorflow", "keras", "matplotlib"):
        outcome.add(f"imports, as Python counts: {package}", import_seconds(import_times, package), "s")
    return outcome


def _stages(run: str, sentence: str, pieces: str) -> dict[str, float]:
    """Seconds by stage of one process, from its start to its end."""
    child = run_python(["-m", "benchmarks.startup_stages", run, sentence, pieces])
    stages = json.loads(child.output)
    # What the second translation takes, the first one takes as well; the rest of it is the graph's.
    stages["build the graph of the search"] = stages.pop("first translation") - stages["second translation"]
    stages["translate"] = stages.pop("second translation")
    stages["end the process"] = child.seconds - sum(stages.values()) - stages["translate"]
    return stages


def import_seconds(import_times: str, package: str) -> float:
    """Seconds that the longest import of a package's modules took, with all that it imported in turn.

    Args:
        import_times: what `python -X importtime` writes to standard error.
        package: such as `keras`.
    """
    seconds = [0.0]
    for line in import_times.splitlines():
        columns = [column.strip() for column in line.removeprefix("import time:").split("|")]
        if len(columns) == 3 and f"{columns[2]}.".startswith(f"{package}."):
            seconds.append(int(columns[1]) / 1e6)
    return max(seconds)


def _add(outcome: Outcome, name: str, command: Sequence[str], processes: int) -> None:
    run_python(command)  # its files come into the cache
    outcome.add_runs(name, [run_python(command).seconds for _ in range(processes)], "s")
