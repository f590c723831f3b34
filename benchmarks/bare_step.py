"""The bare step of a run, on the batches of its last epoch: no metrics, average, clipping or reading of data.

    python -m benchmarks.bare_step RUN TIMES

Prints JSON: `speeds`, the target tokens per second of each time that it goes through the batches;
`settled_epochs`, those of the run, counted from 0, without a batch of a new shape; `target_tokens` of each
epoch. A new shape costs `train.py` a second or more, once: much in a short epoch, nothing in a training.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.timing import repeat
from benchmarks.variants import traced_with
from data.quiet_tensorflow import load_tensorflow_quietly
from seq2seq.run_directory import RunDirectory
from seq2seq.startup import prepare_environment, run_command, share_cores

if TYPE_CHECKING:
    from data.batching import Batch


def settled_epochs(shapes: Sequence[Collection[Hashable]]) -> list[int]:
    """Numbers of the epochs all of whose shapes occurred in an epoch before.

    Args:
        shapes: of the batches of each epoch.
    """
    known: set[Hashable] = set()
    settled = []
    for epoch, of_epoch in enumerate(shapes):
        if known.issuperset(of_epoch):
            settled.append(epoch)
        known.update(of_epoch)
    return settled


def _target_tokens(batches: Sequence[Batch]) -> int:
    return sum(int((batch.target_output_tokens != 0).sum()) for batch in batches)


def bare_speeds(run: RunDirectory, batches: Sequence[Batch], times: int) -> list[float]:
    """Target tokens per second of a run's bare step over these batches, once for each time they are run."""
    tokens = _target_tokens(batches)
    step = _bare_step(run)

    def run_epoch() -> None:
        for batch in batches:
            step(batch)

    with traced_with(run.config.training.matmul_precision):
        return repeat(run_epoch, runs=times).rates(tokens)


def _bare_step(run: RunDirectory) -> Callable[[Any], Any]:
    """A function that makes one update with a batch of any shape."""
    import tensorflow as tf

    from seq2seq.training import build_model, compile_model
    from seq2seq.validation import BATCH_SIGNATURE, model_inputs

    content = run.config.model_dump()
    content["training"] |= {"schedule": "constant", "clip_norm": None, "average_weights": 0.0}
    config = type(run.config).model_validate(content)
    model = build_model(config, run.tokenizers)
    compile_model(model, config, None)
    model.compile(optimizer=model.optimizer, loss=model.loss, jit_compile=False)
    update = tf.function(model.train_step, input_signature=[BATCH_SIGNATURE], autograph=False)
    return lambda batch: update(tf.nest.map_structure(tf.constant, model_inputs(batch)))["loss"].numpy()


def main(arguments: list[str] | None = None) -> int:
    """Print the speeds; returns the exit code."""
    folder, times = arguments or sys.argv[1:]
    run = RunDirectory(Path(folder))
    share_cores(run.config.training.batch_parts)
    load_tensorflow_quietly()
    from seq2seq.training_data import reopen_training_data

    train = reopen_training_data(run, run.config, None).train
    epochs = [list(train.batches(epoch)) for epoch in range(run.read_facts()["epochs"])]
    shapes = [
        {(batch.source_tokens.shape, batch.target_output_tokens.shape) for batch in batches}
        for batches in epochs
    ]
    found = {
        "speeds": bare_speeds(run, epochs[-1], int(times)),
        "settled_epochs": settled_epochs(shapes),
        "target_tokens": [_target_tokens(batches) for batches in epochs],
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    prepare_environment()
    run_command(lambda _: main())
