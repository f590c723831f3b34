"""A training step in a process of its own: how many threads TensorFlow has is settled when it starts.

The process makes an update whenever it reads a line, and answers with the loss. While it waits it takes no
processor, so that it can be timed in turn with steps of other processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from benchmarks.machine import ROOT
from benchmarks.reference import NetworkSizes, random_batch
from benchmarks.variants import Variant
from data.errors import UserError
from seq2seq.startup import prepare_environment, run_command, share_cores


@contextmanager
def step_process(
    sizes: NetworkSizes, variant: Variant, batch_size: int, length: int
) -> Iterator[Callable[[], float]]:
    """Inside the block, a function that makes one update in another process, and returns the loss.

    Args:
        sizes: of the network.
        variant: how the step is computed; each of its parts has its share of the cores.
        batch_size: sentences.
        length: tokens of every sentence, source and target.
    """
    task = {"sizes": asdict(sizes), "variant": asdict(variant), "batch_size": batch_size, "length": length}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.step_process", json.dumps(task)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asked, answers = process.stdin, process.stdout

    def step() -> float:
        try:
            asked.write("\n")
            asked.flush()
        except BrokenPipeError:
            pass
        answer = answers.readline()
        if not answer:
            raise UserError(f"{variant.name}: its process ended with exit code {process.wait()}.")
        return float(answer)

    try:
        yield step
    finally:
        process.kill()
        process.wait()
        asked.close()
        answers.close()


def main(arguments: list[str] | None = None) -> int:
    """Answer each line of standard input with an update; returns the exit code."""
    task = json.loads((arguments or sys.argv[1:])[0])
    variant = Variant(**task["variant"])
    share_cores(variant.batch_parts)
    from benchmarks.training_step import step_runner
    from data.quiet_tensorflow import load_tensorflow_quietly

    load_tensorflow_quietly()
    sizes, length = NetworkSizes(**task["sizes"]), task["length"]
    step = step_runner(sizes, variant, random_batch(sizes, task["batch_size"], length, length))
    for _ in sys.stdin:
        print(step(), flush=True)
    return 0


if __name__ == "__main__":
    prepare_environment()
    run_command(lambda _: main())
