"""A tiny run that was trained, evaluated and shipped, all for real."""

from __future__ import annotations

import shutil
from pathlib import Path

LICENCE = "CC0. For tests."


def evaluate_here(run: Path) -> None:
    from seq2seq.evaluate_command import main

    assert main(["--model", str(run)]) == 0


def ship_here(run: Path, target: Path, *options: str) -> Path:
    from seq2seq.ship import main

    assert main([str(run), str(target), "--licence", LICENCE, *options]) == 0
    return target


def evaluated_copy(trained: Path, folder: Path) -> Path:
    """The run as it is once its test set has been evaluated."""
    run = shutil.copytree(trained, folder)
    evaluate_here(run)
    return run
