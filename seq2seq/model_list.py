"""The table of `--list-models`: what ships with the project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from data.errors import UserError
from seq2seq.languages import language_name
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import DEFAULT_MODEL, shipped_names, shipped_run

_GAP = "   "


def model_lines() -> list[str]:
    """One line for each shipped model, after a heading.

    Raises:
        UserError: there is none, or the files of one are damaged.
    """
    names = shipped_names()
    if not names:
        raise UserError(
            "There are no shipped models in models/ of this checkout. Bring them back (git restore "
            "models), or train one: make demo, or python train.py --config configs/starter.yaml"
        )
    rows = [["NAME", "LANGUAGES", "SIZE", "BLEU", "OF", "LICENCE"]]
    rows += [_row(shipped_run(name)) for name in names]
    return _aligned(rows)


def headline(evaluations: Sequence[dict[str, Any]]) -> tuple[str, float]:
    """The set and the BLEU that stand for a model where there is room for one: of its first test set."""
    first = evaluations[0]
    return first["set"], first["scores"]["bleu"]["score"]


def _row(model: RunDirectory) -> list[str]:
    facts, scores = model.read_facts(), read_scores(model)
    languages = " to ".join(language_name(facts[f"{side}_language"]) for side in ("source", "target"))
    evaluated, bleu = headline(scores["evaluations"])
    mark = " (default)" if model.path.name == DEFAULT_MODEL else ""
    size = f"{model.model_file.stat().st_size / 1e6:.1f} MB"
    return [f"{model.path.name}{mark}", languages, size, f"{bleu:.1f}", evaluated, scores["licence"]]


def read_scores(model: RunDirectory) -> dict[str, Any]:
    """The content of a shipped model's scores.json.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        content = json.loads(model.scores_file.read_text(encoding="utf-8"))
        _ = content["evaluations"][0], content["licence"], content["half_precision"], content["seen"]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise UserError(
            f"{model.scores_file} is missing or damaged ({error}). Bring it back (git restore models)."
        ) from error
    return content


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    # Numbers stand under each other; the last column needs no padding.
    right = {rows[0].index("SIZE"), rows[0].index("BLEU")}
    return [
        _GAP.join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
