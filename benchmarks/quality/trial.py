"""One run, as far as the choice of a recipe is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from seq2seq.config import Config
from seq2seq.shipped_models import find_run


@dataclass(frozen=True)
class Trial:
    """The best validation of a run.

    Attributes:
        name: of the directory.
        config: of the run.
        best_bleu: the highest validation BLEU.
        perplexity: of the validation split in that epoch.
        best_epoch: which epoch it was.
        epochs: how many there are.
        minutes: of training, validations included, up to the last of these epochs.
        validation_fingerprint: of the validation pairs; None for a run that did not note it.
    """

    name: str
    config: Config
    best_bleu: float
    perplexity: float
    best_epoch: int
    epochs: int
    minutes: float
    validation_fingerprint: str | None


def read_trial(path: str | Path, epochs: int | None = None) -> Trial:
    """Read a run, finished or not.

    Args:
        path: its directory.
        epochs: look at the first so many alone.

    Raises:
        UserError: it is not a run, is a shipped model, or was not validated with BLEU yet.
    """
    run = find_run(path)
    if run.is_shipped:
        raise UserError(
            f"{path} is a shipped model: its learning curve, by which recipes are compared, does not ship. "
            "Give the directory of a run."
        )
    config = run.config
    rows = run.read_metrics()[:epochs]
    validated = [row for row in rows if row.get("val_bleu")]
    if not validated:
        where = f" in its first {epochs} epochs" if epochs else ""
        raise UserError(
            f"{run.path}: no validation BLEU in {run.metrics_file.name}{where} yet. Let it train on, or "
            f"lower training.validate_from_epoch ({config.training.validate_from_epoch})."
        )
    best = max(validated, key=lambda row: float(row["val_bleu"]))
    return Trial(
        name=run.path.resolve().name,
        config=config,
        best_bleu=float(best["val_bleu"]),
        perplexity=float(best["val_perplexity"]),
        best_epoch=int(float(best["epoch"])),
        epochs=len(rows),
        minutes=float(rows[-1]["seconds"]) / 60,
        validation_fingerprint=run.read_facts().get("validation_fingerprint"),
    )
