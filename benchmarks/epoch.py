"""Training as users start it (train.py, in a process of its own): its speed and its memory.

The speed is that of each epoch without a batch of a new shape, which XLA compiles for, as metrics.csv has
it. It is compared with the bare step (no metrics, average, clipping, callbacks or reading of data) on the
very batches of the last epoch. What the shapes cost, once in a training, is a figure of its own.
"""

from __future__ import annotations

import csv
import json
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child_processes import run_python
from benchmarks.figures import Outcome
from benchmarks.made_up_text import write_corpus
from benchmarks.reference import NO_DROPOUT, REFERENCE, NetworkSizes, configuration
from seq2seq.config import Config, ModelConfig, TrainingConfig, dump_config
from seq2seq.run_directory import RunDirectory

_EPOCHS = 9
_IMPORTS = """
from seq2seq.startup import prepare_environment
prepare_environment()
import tensorflow, keras
"""


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    sizes: NetworkSizes = REFERENCE
    train_pairs: int = 1280
    validation_pairs: int = 128
    batch_size: int = 64
    bare_epochs: int = 3


SHORT = Settings()
LONG = Settings(train_pairs=20_000, validation_pairs=1000)


@dataclass(frozen=True)
class _Way:
    """Whether a moving average of the weights is kept, and whether there is dropout (at the usual rates)."""

    averages: bool
    drops: bool


# What is switched on, one after the other; metrics always are.
_WAYS = {
    "train.py, without average and dropout": _Way(averages=False, drops=False),
    "train.py, average of the weights": _Way(averages=True, drops=False),
    "train.py, average and dropout": _Way(averages=True, drops=True),
}


def measure(settings: Settings = SHORT) -> Outcome:
    """Target tokens per second and peak memory of train.py with its extras switched on one by one."""
    outcome = Outcome()
    imports = run_python(["-c", _IMPORTS]).peak_megabytes
    with tempfile.TemporaryDirectory() as folder:
        data = write_corpus(Path(folder) / "corpus", settings.train_pairs, settings.validation_pairs)
        speeds, peaks = {}, {}
        for number, (name, way) in enumerate(_WAYS.items()):
            configured = _configuration(settings, data, way)
            speeds[name], peaks[name] = _train(Path(folder) / f"run_{number}", configured)
        run = RunDirectory(Path(folder) / "run_0")
        outcome.notes.append(f"matrix products have {run.read_facts()['matmul_precision']} operands.")
        # In a process of its own: there it has the threads that train.py has.
        printed = run_python(["-m", "benchmarks.bare_step", str(run.path), str(settings.bare_epochs)]).output
    bare = json.loads(printed)
    outcome.add("imports of TensorFlow and Keras", imports, "MB")
    outcome.add_runs("bare step, same batches", bare["speeds"], "target tokens/s")
    settled = bare["settled_epochs"]
    if not settled:
        outcome.notes.append(f"each of {_EPOCHS} epochs had a batch of a new shape: no speed of train.py.")
    for name, of_epochs in speeds.items():
        outcome.add(name, peaks[name] - imports, "MB above the imports")
        if not settled:
            continue
        usual = statistics.median(of_epochs[epoch] for epoch in settled)
        outcome.add_runs(name, [of_epochs[epoch] for epoch in settled], "target tokens/s")
        outcome.add(name, 100 * usual / statistics.median(bare["speeds"]), "% of the bare step")
        counted = enumerate(zip(bare["target_tokens"], of_epochs, strict=True))
        once = sum(
            tokens / speed - tokens / usual for epoch, (tokens, speed) in counted if epoch not in settled
        )
        outcome.add(f"{name}: new shapes, once", once, "s")
    return outcome


def _configuration(settings: Settings, data: dict[str, Any], way: _Way) -> Config:
    usual_model, usual_training = ModelConfig().model_dump(), TrainingConfig().model_dump()
    return configuration(
        settings.sizes,
        data=data,
        batches={"batch_size": settings.batch_size},
        model={name: usual_model[name] for name in NO_DROPOUT} if way.drops else {},
        training={
            "epochs": _EPOCHS,
            "warmup_steps": 10,
            "select_by": "loss",
            "average_weights": usual_training["average_weights"] if way.averages else 0.0,
        },
    )


def _train(run: Path, config: Config) -> tuple[list[float], float]:
    """Train in a process of its own; gives the target tokens per second of its epochs, and its peak MB."""
    file = run.with_suffix(".yaml")
    file.write_text(dump_config(config), encoding="utf-8")
    child = run_python(["train.py", "--config", str(file), "--run", str(run)])
    with open(run / "metrics.csv", encoding="utf-8") as metrics:
        rows = list(csv.DictReader(metrics))
    return [float(row["target_tokens_per_second"]) for row in rows], child.peak_megabytes
