"""The trained models that come with the project, by name: `models/NAME` of the checkout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from data.errors import UserError
from data.home import with_home
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
    path, run = Path(name_or_path), _run_of_name(name_or_path)
    if run is not None:
        return run
    what = "is not a directory" if path.exists() else "does not exist"
    raise UserError(
        f"{name_or_path} {what}: expected the directory of a trained run, or the name of a shipped model "
        f"(in this checkout: {_listed()}). {HOW_TO_GET_A_RUN}"
    )


def _run_of_name(name_or_path: str | Path) -> RunDirectory | None:
    path = Path(name_or_path)
    if path.is_dir():
        return RunDirectory(path)
    return shipped_run(str(path)) if str(path) in shipped_names() else None


def find_model(name_or_path: str | Path) -> RunDirectory:
    """The run, the shipped model or the kept epoch of a run that a user means.

    Args:
        name_or_path: see `find_run`; or `RUN@EPOCH`, for the weights that were kept of an epoch. A directory
            of just that name comes first.

    Raises:
        UserError: there is no such run, or it did not keep that epoch.
    """
    run, epoch = _split_epoch(name_or_path)
    if run is None or epoch is None:
        return find_run(name_or_path)
    if run.is_shipped:
        raise UserError(
            f"{name_or_path}: a shipped model has its best weights alone. Give it without @{epoch}."
        )
    _ = run.config  # a directory that is no run has kept nothing, for another reason
    if not _is_number(epoch):
        kept = ", ".join(map(str, run.checkpoints.epochs())) or "none"
        raise UserError(
            f"{name_or_path}: expected the number of a kept epoch behind the @, such as {run.path}@12, not "
            f"{epoch!r}. Kept epochs: {kept}."
        )
    run.checkpoints.check_kept(int(epoch))
    return RunDirectory(run.path, int(epoch))


def configured_model(name_or_path: str) -> RunDirectory:
    """What `find_model` finds for an option of a configuration, in which no shell has replaced `~`."""
    return find_model(with_home(name_or_path))


def run_of_scores(name_or_path: str | Path) -> RunDirectory:
    """The run whose scores a user means, by what `find_model` takes; whether it is there or not."""
    run, epoch = _split_epoch(name_or_path)
    if run is None:
        return RunDirectory(name_or_path)
    return RunDirectory(run.path, int(epoch)) if epoch is not None and _is_number(epoch) else run


def _split_epoch(name_or_path: str | Path) -> tuple[RunDirectory | None, str | None]:
    """The run, if there is one, and what stands behind the @ of `RUN@EPOCH`."""
    run = _run_of_name(name_or_path)
    if run is not None:
        return run, None
    base, at, epoch = str(name_or_path).rpartition("@")
    return (_run_of_name(base), epoch) if at and base else (None, None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


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
        names: see `find_model`.
        how_to_choose: what the announcement says of the other models.

    Raises:
        UserError: one of them, or the default one, is not there.
    """
    from seq2seq.languages import language_name
    from seq2seq.model_summary import language_names

    if names:
        return [find_model(name) for name in names]
    run = default_run()
    source, target = map(language_name, language_names(run.config, run.read_facts()))
    print(f"model: {run.path.name}, {source} to {target} ({how_to_choose})", file=sys.stderr)
    return [run]


def _listed() -> str:
    return ", ".join(shipped_names()) or "none"
