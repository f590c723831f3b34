"""Trainings that take seconds: 80 sentences of the starter corpus, a model of a few thousand weights."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from seq2seq.config import Config, dump_config, parse_config
from seq2seq.run_directory import RunDirectory
from seq2seq.training_state import TrainingProgress

CONTENT: dict[str, dict[str, Any]] = {
    "data": {"corpus": {"kind": "starter", "train_pairs": 80, "validation_pairs": 10, "test_pairs": 5}},
    "tokenizer": {"vocabulary_size": 345},
    "batches": {"batch_size": 16, "max_length": 60, "max_shapes": 3},
    "model": {
        "embedding_units": 8,
        "encoder_units": 8,
        "decoder_units": 8,
        "attention_units": 8,
        "readout_units": 8,
    },
    "training": {
        "epochs": 1,
        "warmup_steps": 2,
        "learning_rate": 0.01,
        "average_weights": 0.5,
        "select_by": "loss",
        "plot_sentences": 0,
        "tensorboard": False,
    },
}

# Everything whose state has to survive an interruption, and that draws random numbers.
EVERYTHING_ON: dict[str, dict[str, Any]] = {
    "data": {"careless_typing": 0.3},
    "tokenizer": {"sampling_alpha": 0.2, "model_type": "unigram"},
    "model": {
        "embedding_dropout": 0.2,
        "source_word_dropout": 0.1,
        "target_word_dropout": 0.1,
        "recurrent_dropout": 0.1,
        "memory_dropout": 0.2,
        "attention_dropout": 0.1,
        "readout_dropout": 0.2,
        "encoder_layers": 2,
        "layer_dropout": 0.2,
    },
    "training": {
        "schedule": "plateau",
        "plateau_patience": 1,
        "gradient_accumulation": 2,
        "average_weights": 0.9,
        "early_stopping_patience": 50,
        "batch_parts": 2,
    },
}


def tiny_training(*changes: dict[str, Any], **training: Any) -> Config:
    """The tiny configuration with sections changed, and options of `training` by name."""
    content: dict[str, Any] = {"name": "tiny", **{name: dict(section) for name, section in CONTENT.items()}}
    for change in (*changes, {"training": training}):
        for name, section in change.items():
            content[name] = {**content.get(name, {}), **section} if isinstance(section, dict) else section
    return parse_config(content, "test")


def write_config(folder: Path, config: Config) -> Path:
    path = folder / f"{config.name}.yaml"
    path.write_text(dump_config(config), encoding="utf-8")
    return path


def train_here(config: Config, folder: Path, *, resume: bool = False) -> tuple[TrainingProgress, str]:
    """Train in this process; returns the progress and what was printed."""
    from seq2seq.training import train

    printed = io.StringIO()
    console = Console(file=printed, width=200)
    progress = train(config, RunDirectory(folder), resume=resume, mirror=None, console=console)
    return progress, printed.getvalue()


def saved_arrays(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "state.npz") as state:
        return {name: state[name] for name in state.files if name != "progress"}


def saved_progress(folder: Path) -> dict[str, Any]:
    """The progress of the state, without what depends on the clock."""
    with np.load(folder / "state.npz") as state:
        progress = json.loads(state["progress"].tobytes())
    del progress["seconds"]
    for row in progress["history"]:
        del row["seconds"]
        row.pop("target_tokens_per_second", None)
    return progress


def assert_same_training(found: Path, expected: Path) -> None:
    """Bit for bit: weights, optimiser, averages, random generators, metrics, history and the best model."""
    arrays, expected_arrays = saved_arrays(found), saved_arrays(expected)
    assert arrays.keys() == expected_arrays.keys()
    assert [name for name in arrays if arrays[name].tobytes() != expected_arrays[name].tobytes()] == []
    assert saved_progress(found) == saved_progress(expected)
    for weights, expected_weights in zip(best_weights(found), best_weights(expected), strict=True):
        assert weights.tobytes() == expected_weights.tobytes()
    assert metric_columns(found) == metric_columns(expected)


def best_weights(folder: Path) -> list[np.ndarray]:
    return RunDirectory(folder).load_model().get_weights()


def metric_columns(folder: Path) -> list[dict[str, str]]:
    """metrics.csv without what depends on the clock."""
    header, *rows = (line.split(",") for line in (folder / "metrics.csv").read_text().splitlines())
    timed = {"seconds", "target_tokens_per_second"}
    return [{k: v for k, v in zip(header, row, strict=True) if k not in timed} for row in rows]
