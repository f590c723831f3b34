"""The command line of evaluate.py, checked and turned into what is to be done."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from data.words import LONE_SURROGATE
from seq2seq.command_options import options_named_as_typed, rerank_weight
from seq2seq.evaluate_checks import check_comparable, check_files, check_readings

if TYPE_CHECKING:
    from seq2seq.evaluation import EvaluationOptions, EvaluationSet
    from seq2seq.evaluation_summary import EvaluationSummary
    from seq2seq.run_directory import RunDirectory
    from seq2seq.text_metrics import TextScorer


@dataclass(frozen=True)
class EvaluationJob:
    """What evaluate.py is to do.

    Attributes:
        runs: the models; several are an ensemble.
        sets: to translate.
        scorer: of the translations.
        settings: of the search, and of how attention is read.
        folder: where the files go.
        system: what reports say of the system.
        report_options: what they say of how it was asked and scored, beside `settings`.
        summary: what the page of results needs, if that is wanted.
        reranking_run: a model that chooses among the translations.
    """

    runs: list[RunDirectory]
    sets: list[EvaluationSet]
    scorer: TextScorer
    settings: EvaluationOptions
    folder: Path
    system: dict[str, Any]
    report_options: dict[str, Any]
    summary: EvaluationSummary | None
    reranking_run: RunDirectory | None

    def check_unchanged(self) -> None:
        """Check, once they are loaded, that the models are those that reports name.

        Raises:
            UserError: a training has replaced one meanwhile.
        """
        from seq2seq.evaluated_system import fingerprint

        for run, described in zip(self.runs, self.system["system"]["runs"], strict=True):
            if fingerprint(run) != described["fingerprint"]:
                raise UserError(
                    f"{run.path} got a better model while it was loaded. Give the same command again."
                )


def prepare(options: argparse.Namespace) -> EvaluationJob:
    """Check a command line and find what it names; no model is loaded.

    Raises:
        UserError: something of it is wrong.
    """
    _check_names(options)
    from seq2seq.evaluated_system import describe_reranking, describe_system, languages_of
    from seq2seq.evaluation_files import check_file_names
    from seq2seq.evaluation_summary import planned_summary
    from seq2seq.reverse_model import find_reranking_model
    from seq2seq.shipped_models import find_model

    runs = [find_model(path) for path in options.models]
    for run in runs:
        run.check_is_trained()
    target_language = options.target_language or languages_of(runs[0])[1]
    scorer, scoring = _scorer(options, runs[0], target_language)
    settings = _evaluation_options(options, runs[0])
    reranking_run = find_reranking_model(options.rerank_with, runs[0], settings.search)
    sets, corpus = _evaluation_sets(options, runs[0])
    check_file_names(each.name for each in sets)
    check_readings(options, runs[0], sets)
    if options.compare:
        check_comparable(options, sets)
    folder = _folder(options, runs[0], settings)
    check_files(options, folder, sets)
    return EvaluationJob(
        runs=runs,
        sets=sets,
        scorer=scorer,
        settings=settings,
        folder=folder,
        system=describe_system(runs, target_language, corpus, reranking_run),
        report_options={
            **scoring,
            "limit": options.limit,
            "attention": options.attention,
            "shortlist": options.shortlist,
            "precision": options.precision or runs[0].config.search.matmul_precision,
            **describe_reranking(reranking_run, rerank_weight(options)),
        },
        summary=planned_summary(options.summary, options.examples, runs, sets),
        reranking_run=reranking_run,
    )


def _check_names(options: argparse.Namespace) -> None:
    """Names go into reports, which are UTF-8."""
    for name in (*options.models, options.source, options.name, *(options.references or ())):
        if name is not None and LONE_SURROGATE.search(name):
            raise UserError(f"{name!r} is not UTF-8, and reports have to name it. Rename it.")


def _folder(options: argparse.Namespace, run: RunDirectory, settings: EvaluationOptions) -> Path:
    from seq2seq.evaluation_files import limited_folder
    from seq2seq.run_directory import RunDirectory
    from seq2seq.search_options import changed_search

    folder = Path(options.folder) if options.folder else run.evaluation_folder
    if not options.folder and run.is_shipped and RunDirectory(run.output_folder).exists():
        raise UserError(
            f"{run.output_folder} holds a run of its own, whose scores those of the shipped model "
            f"{run.path.name} would replace. Say where they should go: --folder DIR"
        )
    # What a model does without its attention must not take the place of what it does.
    if options.attention != "learned":
        folder /= f"attention-{options.attention}"
    if options.shortlist:
        folder /= "shortlist"
    if options.rerank_with is not None:
        folder /= "reranked"
    # Nor what another search finds. Whoever names a folder knows what is in it.
    if not options.folder and (changes := changed_search(run.config, settings.search)):
        folder /= "_".join(changes)
    # Nor must a quick look at a few sentences.
    return limited_folder(folder, options.limit) if options.limit else folder


def _evaluation_sets(options: argparse.Namespace, run: RunDirectory) -> tuple[list[EvaluationSet], str]:
    from seq2seq.evaluated_system import TEXT_FILES
    from seq2seq.evaluation_sets import GoldFile, set_of_files, sets_of_corpus

    gold = GoldFile(options.alignments, one_based=options.alignments_from_one) if options.alignments else None
    if options.source:
        files = set_of_files(
            options.source, options.references, name=options.name, limit=options.limit, gold=gold
        )
        return [files], TEXT_FILES
    if run.config.data.corpus.kind == "tfds":
        from data.quiet_tensorflow import load_tensorflow_quietly

        load_tensorflow_quietly()
    from seq2seq.corpus_loading import load_corpus

    corpus = load_corpus(run.config.data, options.mirror)
    return sets_of_corpus(corpus, options.splits, limit=options.limit, gold=gold), corpus.name


def _scorer(
    options: argparse.Namespace, run: RunDirectory, target_language: str | None
) -> tuple[TextScorer, dict[str, Any]]:
    """The scorer, and what it was told, for the report."""
    from seq2seq.paper_convention import convention_of, paper_form
    from seq2seq.text_metrics import TextScorer, bleu_tokenizer_for

    convention = options.convention or convention_of(run.config.evaluation)
    tokenizer = options.bleu_tokenizer
    if tokenizer is None:
        tokenizer = bleu_tokenizer_for(target_language, is_tokenized=convention == "tokenized")
    scorer = TextScorer(tokenizer, paper_form(convention, target_language))
    return scorer, {"convention": convention, "bleu_tokenizer": tokenizer}


def _evaluation_options(options: argparse.Namespace, run: RunDirectory) -> EvaluationOptions:
    from seq2seq.evaluation import EvaluationOptions
    from seq2seq.search_options import run_search_options

    given = {
        name: getattr(options, name)
        for name in ("beam_size", "length_penalty", "coverage_penalty", "max_length")
    }
    with options_named_as_typed():
        search = run_search_options(run.config, **given)
    return EvaluationOptions(
        search=search,
        word_mode=options.word_mode,
        alignment_method=options.alignment_method,
        batch_size=options.batch_size,
    )
