"""The bare step of a run, on the batches of its last epoch: no metrics, average, clipping or reading of data.

    python -m benchmarks.bare_step RUN TIMES

Prints target tokens per second, once for each time that it goes through the batches, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.timing import repeat
from benchmarks.variants import traced_with
from data.quiet_tensorflow import load_tensorflow_quietly
from seq2seq.run_directory import RunDirectory
from seq2seq.startup import prepare_environment, run_command, share_cores


def bare_speeds(run: RunDirectory, epochs: int) -> list[float]:
    """Target tokens per second over the batches of a run's last epoch, once for each time they are run."""
    from seq2seq.training_data import reopen_training_data

    data = reopen_training_data(run, run.config, None)
    batches = list(data.train.batches(run.read_facts()["epochs"] - 1))
    tokens = sum(int((batch.target_output_tokens != 0).sum()) for batch in batches)
    step = _bare_step(run)

    def run_epoch() -> None:
        for batch in batches:
            step(batch)

    with traced_with(run.config.training.matmul_precision):
        return repeat(run_epoch, runs=epochs).rates(tokens)


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
    print(json.dumps(bare_speeds(run, int(times))))
    return 0


if __name__ == "__main__":
    prepare_environment()
    run_command(lambda _: main())
