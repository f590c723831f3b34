"""What a page of results is written from: runs, shipped models, evaluations, and summaries of those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data.errors import UserError
from seq2seq.evaluation_files import read_json, read_reports
from seq2seq.results_tables import EvaluatedRun
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import run_of_scores

SUMMARY_FORMAT = 1  # of the files that `seq2seq.evaluation_summary` writes


def read_run(path: str | Path) -> EvaluatedRun:
    """Read the reports of a system and, where they exist, the facts and pictures of its training.

    Args:
        path: a run, one of its epochs, a shipped model or its name, an evaluation folder, or a file of
            `evaluate.py --output` or `--summary`.

    Raises:
        UserError: nothing was evaluated there, or a summary is of another version.
    """
    directory = Path(path)
    if directory.is_file():
        return _read_file(directory)
    run = run_of_scores(directory.parent if directory.name == "evaluation" else path)
    reports = read_reports(run.path if run.is_shipped else path)
    if not reports:
        raise UserError(f"{path} holds no evaluation. Evaluate it first: python evaluate.py --model {path}")
    _check_of_this_state(run, reports)
    heat_maps = sorted((run.path / "plots" / "validation").glob("*.png"))
    return EvaluatedRun(
        reports=reports,
        **training_facts(run),
        alignment=heat_maps[0] if heat_maps else None,
    )


def _check_of_this_state(run: RunDirectory, reports: Sequence[Mapping[str, Any]]) -> None:
    """Scores must not stand beside the facts of a training that went on after them."""
    from seq2seq.evaluated_system import fingerprint

    if run.is_shipped or not run.weights_file.is_file():
        return
    now = fingerprint(run)
    old = [
        report["set"]
        for report in reports
        if len(report["system"]["runs"]) == 1 and report["system"]["runs"][0].get("fingerprint", now) != now
    ]
    if old:
        raise UserError(
            f"{run.path} has changed since {', '.join(old)} was evaluated. "
            f"Evaluate it again: python evaluate.py --model {run.path}"
        )


def training_facts(run: RunDirectory) -> dict[str, Any]:
    """What a page says of how a system came to be: `facts`, `epochs` and `shipped_as` of `EvaluatedRun`."""
    return {
        "facts": run.read_facts(),
        "epochs": run.read_metrics(),
        "shipped_as": _shipped_facts(run) if run.is_shipped else None,
    }


def _read_file(path: Path) -> EvaluatedRun:
    content = read_json(path)
    summary = content if isinstance(content, Mapping) and "summary_format" in content else None
    if summary is not None and summary["summary_format"] != SUMMARY_FORMAT:
        raise UserError(
            f"{path} is a summary of another version of evaluate.py (format {summary['summary_format']}, "
            f"expected {SUMMARY_FORMAT}). Write it again: python evaluate.py --model ... --summary {path}"
        )
    reports = read_reports(path)
    if not reports:
        raise UserError(f"{path} holds no evaluation.")
    if summary is None:
        return EvaluatedRun(reports=reports, facts={}, epochs=[])
    return EvaluatedRun(
        reports=reports,
        facts=summary["facts"],
        epochs=summary["epochs"],
        shipped_as=summary["shipped_as"],
        kept_as=path.stem,
    )


def _shipped_facts(run: RunDirectory) -> dict[str, Any]:
    scores = read_json(run.scores_file)
    return {
        "name": run.path.resolve().name,
        "bytes": run.model_file.stat().st_size,
        "licence": scores["licence"],
        "half_precision": scores["half_precision"],
    }
