"""The files that an evaluation leaves in a folder, and how they are found again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.atomic import atomic_write
from data.errors import UserError, file_errors
from seq2seq.evaluation import REPORT_FORMAT
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import run_of_scores

_NOT_IN_FILE_NAMES = re.compile(r"[^\w.+-]+")


def file_stem(set_name: str) -> str:
    """A set's name as part of a file name: `test[:10%]` becomes `test_10`."""
    return _NOT_IN_FILE_NAMES.sub("_", set_name).strip("_.") or "set"


def check_file_names(set_names: Iterable[str]) -> None:
    """Check that no two sets would be written to the same files.

    Raises:
        UserError: two would.
    """
    taken: dict[str, str] = {}
    for name in set_names:
        other = taken.setdefault(file_stem(name), name)
        if other != name:
            raise UserError(
                f"The sets {other!r} and {name!r} would be written to the same files, {file_stem(name)}.*. "
                "Evaluate them one by one, with another --folder for each."
            )


def report_file(folder: Path, set_name: str) -> Path:
    """Where the scores and sentences of a set go."""
    return folder / f"{file_stem(set_name)}.json"


def write_report(folder: Path, report: Mapping[str, Any]) -> Path:
    """Write `SET.json`, whose path is returned, and `SET.hypotheses.txt` with one translation a line."""
    report_path = report_file(folder, report["set"])
    hypotheses_path = report_path.with_name(f"{report_path.stem}.hypotheses.txt")
    with file_errors("write into", folder):
        with atomic_write(hypotheses_path) as file:
            file.writelines(f"{row['hypothesis']}\n" for row in report["sentences"])
        write_json(report_path, report)
    return report_path


def write_json(path: Path, content: Any) -> None:
    """Write valid JSON (no NaN, no infinity)."""
    with atomic_write(path) as file:
        json.dump(content, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def limited_folder(folder: Path, limit: int) -> Path:
    """Where evaluations of only the first sentences go."""
    return folder / f"first-{limit}"


def evaluation_folder(path: str | Path, limit: int | None = None) -> Path:
    """The folder with the reports of a model, given what `find_model` takes, or that folder itself.

    Args:
        path: of the model or the folder.
        limit: reports of so many sentences are wanted, if there are any.

    Raises:
        UserError: nothing was evaluated there.
    """
    path, run = Path(path), run_of_scores(path)
    folders = [run.evaluation_folder, path]
    if limit is not None:
        folders = [*(limited_folder(folder, limit) for folder in folders), *folders]
    for folder in folders:
        if folder.is_dir() and any(folder.glob("*.json")) and not (folder / "config.yaml").exists():
            return folder
    if path.is_file():
        raise UserError(f"{path} is a file: give the run that was evaluated, or the folder of its evaluation")
    what = "holds no evaluation" if run.path.is_dir() else "does not exist"
    if run.is_shipped:
        what = f"was not evaluated here: there is nothing in {run.evaluation_folder}"
    raise UserError(f"{path} {what}. Evaluate it first: python evaluate.py --model {path}")


def read_report(path: Path) -> dict[str, Any]:
    """Read one `SET.json`.

    Raises:
        UserError: it cannot be read or is not such a file.
    """
    return _checked(read_json(path), path)


def read_reports(path: str | Path) -> list[dict[str, Any]]:
    """Every report of a run or an evaluation folder, by file name, or those in one JSON file.

    Those of a shipped model are without their sentences.

    Raises:
        UserError: there is none, or a file is not what evaluate.py writes.
    """
    run = RunDirectory(path)
    if run.is_shipped:
        return read_reports(run.scores_file)
    if Path(path).is_file():
        content = read_json(Path(path))
        listed = content["evaluations"] if _is_collection(content) else [content]
        return [_checked(report, Path(path)) for report in listed]
    files = sorted(evaluation_folder(path).glob("*.json"))
    contents = [(file, read_json(file)) for file in files]
    # What --output wrote into the same folder holds the same reports once more.
    return [_checked(content, file) for file, content in contents if not _is_collection(content)]


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with file_errors("read", path):
            return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}") from error


def _is_collection(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("evaluations"), list)


def _checked(content: Any, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict) or content.get("format") != REPORT_FORMAT:
        raise UserError(
            f"{path} is not a report of this version of evaluate.py (format {REPORT_FORMAT}). Evaluate again."
        )
    return content
