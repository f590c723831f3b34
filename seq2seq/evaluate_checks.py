"""What can be wrong with an evaluation that is asked for, found before any model is loaded."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.atomic import check_can_write
from data.errors import DataError, UserError

if TYPE_CHECKING:
    from seq2seq.evaluation import EvaluationSet
    from seq2seq.run_directory import RunDirectory


def check_files(options: argparse.Namespace, folder: Path, sets: Sequence[EvaluationSet]) -> None:
    """Fail before translating when what is found could not be written.

    Args:
        options: of the command line.
        folder: where the reports of the sets go.
        sets: that are evaluated.

    Raises:
        UserError: a file cannot be written; says which.
    """
    from seq2seq.evaluation_files import report_file

    files = [report_file(folder, each.name) for each in sets]
    if options.output and options.output != "-":
        files.append(Path(options.output))
    if options.report:
        files.append(Path(options.report))
    for file in files:
        check_can_write(file)


def check_readings(options: argparse.Namespace, run: RunDirectory, sets: Sequence[EvaluationSet]) -> None:
    """Fail before translating when readings of the alignment are asked for that cannot be made.

    Args:
        options: of the command line.
        run: the first model's.
        sets: that are evaluated.

    Raises:
        UserError: there is no gold alignment, or no training pairs to align by.
    """
    asked = [
        name
        for name, value in (
            ("--reverse-model", options.reverse_model),
            ("--alignment-baseline", options.alignment_baseline),
        )
        if value
    ]
    if asked and all(each.gold is None for each in sets):
        raise UserError(
            f"{asked[0]} is about gold alignment, and {', '.join(each.name for each in sets)} has none: give "
            "--alignment-gold FILE, and the one set that it belongs to."
        )
    if options.reverse_model:
        from seq2seq.reverse_model import find_reverse_model

        find_reverse_model(options.reverse_model, run, "--reverse-model")
    if options.alignment_baseline:
        from data.pair_store import PairStore

        try:
            PairStore(run.data_folder / "train").close()
        except DataError as error:
            raise UserError(
                "--alignment-baseline aligns by the pairs that the run was trained on, and they are not "
                f"there ({error})"
            ) from error


def check_comparable(options: argparse.Namespace, sets: Sequence[EvaluationSet]) -> None:
    """Fail before translating when the other run was not evaluated on the same sentences.

    Raises:
        UserError: it was not.
    """
    for each in sets:
        report = baseline_report(options.compare, each.name, options.limit)
        if report["set_fingerprint"] != each.fingerprint:
            raise UserError(
                f"{options.compare} was evaluated on other sentences or references of {each.name}. "
                "Evaluate it on the same ones first (and with the same --limit)."
            )


def baseline_report(place: str, set_name: str, limit: int | None) -> dict[str, Any]:
    """What another run or folder of evaluations says of a set, of its first `limit` sentences if given.

    Raises:
        UserError: nothing of it was evaluated there.
    """
    from seq2seq.evaluation_files import evaluation_folder, read_report, report_file

    return read_report(report_file(evaluation_folder(place, limit), set_name))
