"""Start a command as a user would; its time from start to end and the most memory it held. Linux only."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import ROOT
from data.errors import UserError

_SECONDS_BETWEEN_LOOKS = 0.02
_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class ChildRun:
    """How a process went.

    Attributes:
        seconds: from its start to its end.
        peak_megabytes: the most memory that it had in RAM at one time, as far as one looked.
        output: what it wrote to standard output.
        messages: what it wrote to standard error.
    """

    seconds: float
    peak_megabytes: float
    output: str
    messages: str


def run_python(arguments: Sequence[str]) -> ChildRun:
    """Run this Python with these arguments in the project's folder.

    Raises:
        UserError: the exit code is not 0 (with what the process wrote to standard error), or the system has
            no `/proc`.
    """
    check_that_memory_can_be_read()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as output,
        tempfile.TemporaryFile("w+", encoding="utf-8") as messages,
    ):
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=output, stderr=messages)
        try:
            with _watched_memory(process.pid) as peak:
                process.wait()
        finally:
            process.kill()
            process.wait()
        seconds = time.perf_counter() - started
        output.seek(0)
        messages.seek(0)
        run = ChildRun(seconds, max(peak), output.read(), messages.read())
        if process.returncode != 0:
            command = f"python {' '.join(arguments)}"
            raise UserError(f"{command} ended with exit code {process.returncode}:\n{run.messages}")
        return run


@contextmanager
def _watched_memory(process_id: int) -> Iterator[list[float]]:
    """Megabytes at which a thread finds the process' high-water mark, until the block ends.

    The kernel's own account of ended children (RUSAGE_CHILDREN) begins with the memory of the parent that
    they were split from. The mark only rises: what one can miss is the rise of the last moment.
    """
    marks = [0.0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_SECONDS_BETWEEN_LOOKS):
            marks.append(high_water_megabytes(process_id))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield marks
    finally:
        ended.set()
        watcher.join()


def check_that_memory_can_be_read() -> None:
    """Where it cannot, every reading is 0, and a measurement would report that nothing grew.

    Raises:
        UserError: the system has no `/proc`.
    """
    if not (_PROCESSES / "self" / "status").is_file():
        raise UserError("this measurement reads /proc, which only Linux has.")


def high_water_megabytes(process_id: int | None = None) -> float:
    """The most memory that a process (this one when not said) has had in RAM so far; 0 when it has ended."""
    return _status_megabytes("VmHWM", process_id)


def resident_megabytes() -> float:
    """Memory of this process that is in RAM now."""
    return _status_megabytes("VmRSS", None)


def _status_megabytes(key: str, process_id: int | None) -> float:
    try:
        status = (_PROCESSES / str(process_id or os.getpid()) / "status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    return 0.0
