"""What a page of results is written from: runs, shipped models, ensembles' folders, and files kept for
later."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import UserError
from seq2seq.evaluation_files import file_stem, read_json, read_reports, write_json
from seq2seq.results_tables import EvaluatedRun
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import shipped_names, shipped_run


def read_run(path: str | Path) -> EvaluatedRun:
    """Read the reports of a system and, where they exist, the facts and pictures of its training.

    Args:
        path: a run, a shipped model or its name, an evaluation folder, a file of `evaluate.py --output`, or a
            file that `keep_scores` wrote.

    Raises:
        UserError: nothing was evaluated there.
    """
    directory = Path(path)
    if directory.is_file():
        return _read_file(directory)
    run = shipped_run(str(path)) if not directory.exists() and str(path) in shipped_names() else None
    run = run or RunDirectory(directory.parent if directory.name == "evaluation" else directory)
    reports = read_reports(run.path if run.is_shipped else path)
    if not reports:
        raise UserError(f"{path} holds no evaluation. Evaluate it first: python evaluate.py --model {path}")
    heat_maps = sorted((run.path / "plots" / "validation").glob("*.png"))
    curve = run.path / "plots" / "learning_curve.png"
    return EvaluatedRun(
        reports=reports,
        facts=run.read_facts(),
        epochs=_read_metrics(run.metrics_file),
        learning_curve=curve if curve.is_file() else None,
        alignment=heat_maps[0] if heat_maps else None,
        shipped_as=_shipped_facts(run) if run.is_shipped else None,
    )


def _read_file(path: Path) -> EvaluatedRun:
    content = read_json(path)
    kept = content if isinstance(content, Mapping) else {}
    return EvaluatedRun(
        reports=read_reports(path),
        facts=dict(kept.get("facts") or {}),
        epochs=list(kept.get("epochs") or []),
        learning_curve=None,
        alignment=None,
        shipped_as=None,
    )


def _shipped_facts(run: RunDirectory) -> dict[str, Any]:
    scores = read_json(run.scores_file)
    return {
        "name": run.path.resolve().name,
        "bytes": run.model_file.stat().st_size,
        "licence": scores["licence"],
        "half_precision": scores["half_precision"],
    }


def _read_metrics(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def keep_scores(folder: Path, run: EvaluatedRun) -> Path:
    """Write what a page needs of a system into one small file, which the page can be written from again.

    It has no sentences: those belong to the corpus, and may be under another licence than this project.

    Returns:
        The file, `folder/NAME.json`.
    """
    path = folder / f"{file_stem(run.name)}.json"
    reports = [
        {key: value for key, value in report.items() if key not in ("sentences", "worst_sentences")}
        for report in run.reports
    ]
    write_json(path, {"evaluations": reports, "facts": run.facts, "epochs": run.epochs})
    return path
