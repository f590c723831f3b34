"""What translate.py does up to its first translation, stage by stage, with the seconds that each takes.

    python -m benchmarks.startup_stages RUN_DIRECTORY SENTENCE OUTPUT_PIECES

Prints one line of JSON: seconds by stage. Started by `process_startup.py`, in a process of its own each time.
"""

from __future__ import annotations

import time

_STARTED = time.time()

import json  # noqa: E402 - the clock starts first
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from seq2seq.startup import prepare_environment, run_command  # noqa: E402


def main(run_folder: str, sentence: str, output_pieces: int) -> dict[str, float]:
    """Seconds by stage, in order."""
    stages = {"start Python": _STARTED - _process_start()}
    last = time.time()

    def ended(stage: str) -> None:
        nonlocal last
        now = time.time()
        stages[stage] = now - last
        last = now

    from data.quiet_tensorflow import load_tensorflow_quietly

    load_tensorflow_quietly()
    import keras  # noqa: F401

    ended("import TensorFlow and Keras")
    import seq2seq.model
    import seq2seq.search  # noqa: F401
    from seq2seq.translator import Translator

    ended("import this project")
    translator = Translator.load(run_folder)
    ended("load the model")
    options = translator.default_options(min_length=output_pieces, max_length=output_pieces)
    translator.translate([sentence], options)
    ended("first translation")
    translator.translate([sentence], options)
    ended("second translation")
    return stages


def _print_stages(_: list[str] | None) -> int:
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    return 0


def _process_start() -> float:
    """When this process was started, in seconds since 1970, to a hundredth of a second. Linux only."""
    after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    ticks_after_boot = int(after_name[19])
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + ticks_after_boot / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    prepare_environment()
    run_command(_print_stages)
