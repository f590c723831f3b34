"""The sessions of a training: with what each went on, so that nobody takes two of them for one."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.matmul_precision import matmul_precision
from seq2seq.processor import processor_name
from seq2seq.run_directory import RunDirectory
from seq2seq.software import software_versions

if TYPE_CHECKING:
    from rich.console import Console

    from seq2seq.training_state import TrainingProgress

_PROJECT = Path(__file__).parents[1]


def note_session(
    run: RunDirectory, progress: TrainingProgress, changes: Sequence[str], console: Console
) -> None:
    """Add a session to `sessions` in run.json, and say what of machine and software is not as before.

    Args:
        run: of the training.
        progress: where the session goes on.
        changes: of the configuration since the last session: `training.epochs: 20 -> 30`.
        console: for the note.
    """
    sessions = run.read_facts().get("sessions", [])
    session = {
        "began": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "epoch": progress.epoch + 1,
        "batch": progress.batch + 1,
        "changes": list(changes),
        "code": code_version(),
        "processor": processor_name(),
        "matmul_precision": matmul_precision(),
        "versions": software_versions(),
    }
    run.write_facts(sessions=[*sessions, session])
    if sessions and (differences := _differences(sessions[-1], session)):
        console.print(
            "note: not as in the last session, so the weights will not be, to the last bit, those of a "
            f"training in one piece: {'; '.join(differences)}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """`processor: A -> B` for what the last bit of a sum may depend on."""
    flat = [
        {
            "processor": each["processor"],
            "products": each["matmul_precision"],
            "this project": each["code"],
            **each["versions"],
        }
        for each in (before, now)
    ]
    return [
        f"{name}: {flat[0].get(name)} -> {value}"
        for name, value in flat[1].items()
        if flat[0].get(name) != value
    ]


def code_version() -> str | None:
    """The commit of this project, `-dirty` behind it when files were changed; None where git does not say."""
    if not (_PROJECT / ".git").exists():
        return None
    command = ["git", "-C", str(_PROJECT), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None  # git is not there, or does not trust the folder's owner
    return found.stdout.strip() or None
