"""A second model that translates in the other direction: found, and checked before anything is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.errors import UserError
from seq2seq.evaluated_system import languages_of
from seq2seq.languages import primary_code

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory
    from seq2seq.search_options import SearchOptions


def find_reverse_model(name: str, run: RunDirectory, option: str) -> RunDirectory:
    """The run of a model of the other direction.

    Args:
        name: what `find_model` takes.
        run: of the first model. Languages are compared where both sides say them.
        option: of the command line that gave the name, for messages.

    Raises:
        UserError: there is no such model, or it translates something else.
    """
    from seq2seq.shipped_models import find_model

    back = find_model(name)
    back.check_is_trained()
    (source, target), (back_source, back_target) = languages_of(run), languages_of(back)
    for wanted, found in ((target, back_source), (source, back_target)):
        if wanted and found and primary_code(wanted) != primary_code(found):
            raise UserError(
                f"{option} {name} translates from {back_source} to {back_target}; the other direction of "
                f"{run.label} is from {target} to {source}"
            )
    return back


def find_reranking_model(name: str | None, run: RunDirectory, search: SearchOptions) -> RunDirectory | None:
    """The run of `--rerank-with`; None where there is no such option.

    Args:
        name: of the other model.
        run: of the first model.
        search: of the translations that are to be put into another order.

    Raises:
        UserError: there is no such model, it translates something else or reads another form of text, or the
            search finds one translation alone.
    """
    if name is None:
        return None
    back = find_reverse_model(name, run, "--rerank-with")
    if back.config.evaluation.tokenized != run.config.evaluation.tokenized:
        raise UserError(
            f"--rerank-with {name} was trained on {back.config.evaluation.text_form} text, "
            f"{run.label} on {run.config.evaluation.text_form} text (evaluation.tokenized)"
        )
    if search.candidates == 1:
        found = "the samples, and --n-best 1 is one: give --n-best 5 or so"
        if not search.sampling:
            found = "what a beam found, and greedy search finds one translation: give --beam-size 5 or so"
        raise UserError(f"--rerank-with chooses among {found}")
    return back
