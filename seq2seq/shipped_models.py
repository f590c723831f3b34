"""The trained models that come with the project, by name: `models/NAME` of the checkout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from data.errors import UserError
from seq2seq.command_options import HOW_TO_GET_A_RUN
from seq2seq.run_directory import RunDirectory

MODELS_FOLDER = Path(__file__).parents[1] / "models"
DEFAULT_MODEL = "tatoeba-en-es"


def shipped_names() -> list[str]:
    """The names of the models that are in this checkout, in alphabetical order."""
    if not MODELS_FOLDER.is_dir():
        return []
    return sorted(
        each.name for each in MODELS_FOLDER.iterdir() if each.is_dir() and RunDirectory(each).is_shipped
    )


def shipped_run(name: str) -> RunDirectory:
    """The shipped model of a name."""
    return RunDirectory(MODELS_FOLDER / name)


def find_run(name_or_path: str | Path) -> RunDirectory:
    """The run, or the shipped model, that a user means.

    Args:
        name_or_path: a directory, or the name of a shipped model. A directory that is there comes first.

    Raises:
        UserError: there is neither.
    """
    path = Path(name_or_path)
    if path.is_dir():
        return RunDirectory(path)
    if str(name_or_path) in shipped_names():
        return shipped_run(str(name_or_path))
    what = "is not a directory" if path.exists() else "does not exist"
    raise UserError(
        f"{name_or_path} {what}: expected the directory of a trained run, or the name of a shipped model "
        f"(in this checkout: {_listed()}). {HOW_TO_GET_A_RUN}"
    )


def default_run() -> RunDirectory:
    """The model for those who name none.

    Raises:
        UserError: it is not in this checkout; says what is.
    """
    if DEFAULT_MODEL in shipped_names():
        return shipped_run(DEFAULT_MODEL)
    raise UserError(
        f"No --model was given, and the default one, {DEFAULT_MODEL}, is not in {MODELS_FOLDER.name}/ of "
        f"this checkout (there: {_listed()}). Bring it back (git restore {MODELS_FOLDER.name}), or name "
        f"another: --model NAME, or --model RUN with the directory of a run. {HOW_TO_GET_A_RUN}"
    )


def runs_or_default(names: Sequence[str] | None, how_to_choose: str) -> list[RunDirectory]:
    """The models that were named on a command line, or the default one, which is announced on stderr.

    Args:
        names: see `find_run`.
        how_to_choose: what the announcement says of the other models.

    Raises:
        UserError: one of them, or the default one, is not there.
    """
    from seq2seq.languages import language_name
    from seq2seq.model_summary import language_names

    if names:
        return [find_run(name) for name in names]
    run = default_run()
    source, target = map(language_name, language_names(run.config, run.read_facts()))
    print(f"model: {run.path.name}, {source} to {target} ({how_to_choose})", file=sys.stderr)
    return [run]


def _listed() -> str:
    return ", ".join(shipped_names()) or "none"
