"""What evaluate.py does once its command line is read."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import file_errors
from seq2seq.command_options import rerank_weight
from seq2seq.decoding_batches import jobs_at_once
from seq2seq.evaluate_checks import baseline_report
from seq2seq.evaluate_job import EvaluationJob, prepare
from seq2seq.evaluate_options import parse_options
from seq2seq.startup import share_cores

if TYPE_CHECKING:
    from rich.console import Console

    from seq2seq.alignment_readings import Posterior
    from seq2seq.evaluation import (
        EvaluationSet,
        ProgressCallback,
        SentenceTranslator,
        TranslationObserver,
    )
    from seq2seq.replaced_attention import Replacement
    from seq2seq.report.gathered_set import GatheredSet
    from seq2seq.translation import Translation
    from seq2seq.translator import Translator

_SECONDS_BETWEEN_UPDATES = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run evaluate.py; returns the exit code.

    Raises:
        UserError: something the user gave is wrong.
    """
    options = parse_options(arguments)
    share_cores(jobs_at_once(one_by_one=False))
    # All that can be wrong is found before the model is loaded, which takes seconds.
    job = prepare(options)
    from data.quiet_tensorflow import load_tensorflow_quietly

    load_tensorflow_quietly()
    from seq2seq.reranking import load_reranker
    from seq2seq.translator import Translator

    translator = Translator.load(
        job.runs,
        precision=options.precision,
        use_shortlist=options.shortlist,
        reranker=load_reranker(job.reranking_run, rerank_weight(options), options.precision),
    )
    job.check_unchanged()
    if options.attention != "learned":
        translator = with_replaced_attention(translator, options.attention)
    backward = None
    if options.reverse_model:
        backward = Translator.load(options.reverse_model, precision=options.precision)
    _evaluate_sets(options, job, translator, backward)
    return 0


def with_replaced_attention(translator: Translator, replacement: Replacement) -> Translator:
    """The same translator, whose models look elsewhere (see `seq2seq.replaced_attention`)."""
    from seq2seq.replaced_attention import ReplacedAttentionModel
    from seq2seq.translator import Translator

    models = [ReplacedAttentionModel(model, replacement) for model in translator.models]  # type: ignore[arg-type]
    return Translator(
        models,
        translator.tokenizers,
        translator.configs,
        precision=translator.precision,
        shortlist=translator.shortlist,
        reranker=translator.reranker,
    )


def _readings(
    options: argparse.Namespace,
    job: EvaluationJob,
    each: EvaluationSet,
    translator: SentenceTranslator,
    backward: SentenceTranslator | None,
) -> dict[str, Any]:
    """Every reading of a set's alignment, when it has gold alignment and somebody asked about it."""
    asked = options.alignments or options.reverse_model or options.alignment_baseline
    if each.gold is None or not asked:
        return {}
    from seq2seq.alignment_readings import alignment_readings, stored_pairs

    pairs = None
    if options.alignment_baseline:
        from data.pair_store import PairStore

        pairs = stored_pairs(PairStore(job.runs[0].data_folder / "train"))
    rows = alignment_readings(
        translator,
        each,
        job.settings,
        posterior=_posterior(translator),
        backward=backward,
        posterior_backward=_posterior(backward),
        aligner_pairs=pairs,
    )
    return {"alignment_readings": rows}


def _posterior(translator: SentenceTranslator | None) -> Posterior | None:
    """What reads the posterior attention of a translator's models; None where there is no such thing."""
    from seq2seq.model import Seq2SeqModel
    from seq2seq.posterior_attention import PosteriorReader
    from seq2seq.translator import Translator

    # Models that look elsewhere than they mean to (`--attention`) have none.
    if isinstance(translator, Translator) and isinstance(translator.models[0], Seq2SeqModel):
        return PosteriorReader(translator.search.prepared)
    return None


def _evaluate_sets(
    options: argparse.Namespace,
    job: EvaluationJob,
    translator: SentenceTranslator,
    backward: SentenceTranslator | None = None,
) -> None:
    """Evaluate the sets one after the other, write the files and print the tables."""
    from rich.console import Console

    from seq2seq.evaluation import evaluate
    from seq2seq.evaluation_files import write_report

    notes = Console(stderr=True, emoji=False)
    reports, paths, gathered_sets = [], [], []
    for each in job.sets:
        gathered = _gathered(options, job.system["system"])
        observe = _both(gathered, job.summary.observer(each.name) if job.summary else None)
        with _progress(notes) as progress:
            evaluation = evaluate(translator, each, job.scorer, job.settings, progress, observe)
        report = {**job.system, **evaluation}
        report["options"].update(job.report_options)
        # Written at once, and again with what is added: nothing that ends the command loses translations.
        paths.append(write_report(job.folder, report))
        added = _readings(options, job, each, translator, backward)
        if options.compare:
            added["comparison"] = _compared(report, options, job.report_options["bleu_tokenizer"])
        if added:
            report |= added
            write_report(job.folder, report)
        reports.append(report)
        if gathered:
            gathered_sets.append(gathered.finished(report))
    if job.summary:
        job.summary.write(reports)
    if options.report:
        from seq2seq.report.document import write_html

        write_html(Path(options.report), reports, gathered_sets)
    _show(options, reports)
    _say_where(notes, options, job.folder, paths)


def _gathered(options: argparse.Namespace, system: dict[str, Any]) -> GatheredSet | None:
    """What keeps the translations of a set for the page, when a page was asked for."""
    if not options.report:
        return None
    from seq2seq.report.gathered_set import GatheredSet

    languages = {side: system[side] for side in ("source_language", "target_language")}
    return GatheredSet(options.alignment_method, **languages)


def _both(gathered: GatheredSet | None, summary: TranslationObserver | None) -> TranslationObserver:
    """What is to be given each translation of a set: what page and summary keep of it."""

    def observe(translation: Translation) -> None:
        if gathered is not None:
            gathered.observe(translation)
        if summary is not None:
            summary(translation)

    return observe


def _compared(report: dict[str, Any], options: argparse.Namespace, bleu_tokenizer: str) -> dict[str, Any]:
    from seq2seq.comparison import compare

    baseline = baseline_report(options.compare, report["set"], options.limit)
    return {"baseline": baseline["system"], "metrics": compare(report, baseline, bleu_tokenizer)}


@contextmanager
def _progress(console: Console) -> Iterator[ProgressCallback]:
    """A bar on the console, one line for each stage of the work."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    # The name of a set may have brackets in it, which are not to be taken for markup.
    stage = TextColumn("{task.description}", markup=False)
    columns = (stage, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    stages: dict[str, Any] = {}
    last_update = 0.0
    with Progress(*columns, console=console) as bar:

        def report(what: str, done: int, total: int) -> None:
            nonlocal last_update
            if what not in stages:
                stages[what] = bar.add_task(what, total=total)
            now = time.monotonic()
            if done == total or now - last_update > _SECONDS_BETWEEN_UPDATES:
                last_update = now
                bar.update(stages[what], completed=done)

        yield report


def _show(options: argparse.Namespace, reports: Sequence[dict[str, Any]]) -> None:
    import json
    import sys

    from rich.console import Console

    from seq2seq.evaluation_files import write_json
    from seq2seq.evaluation_table import print_comparison, print_reports

    if options.output == "-":
        json.dump({"evaluations": reports}, sys.stdout, indent=1, ensure_ascii=False, allow_nan=False)
        sys.stdout.write("\n")
        return
    if options.output:
        with file_errors("write", options.output):
            write_json(Path(options.output), {"evaluations": reports})
    # In a file or a pipe there is no width to keep to.
    console = Console(emoji=False) if sys.stdout.isatty() else Console(width=120, emoji=False)
    print_reports(console, reports)
    if options.compare:
        print_comparison(console, reports, reports[0]["comparison"]["baseline"]["name"])


def _say_where(notes: Console, options: argparse.Namespace, folder: Path, paths: Sequence[Path]) -> None:
    def say(line: str) -> None:
        notes.print(line, markup=False, highlight=False, soft_wrap=True)

    model = options.models[0]
    for path in paths:
        say(f"Scores and every sentence: {path}")
        say(f"Translations, one a line:  {path.with_suffix('')}.hypotheses.txt")
    if options.output and options.output != "-":
        say(f"All sets in one file:      {options.output}")
    if options.report:
        say(f"A page for the browser:    {options.report}")
    if options.summary:
        say(f"For a page of results:     {options.summary}")
    say("Next:")
    say(f'  look at the attention of a sentence:  python translate.py --model {model} "..."')
    say(f"  is another run better?                python evaluate.py --model OTHER --compare {folder}")
    say(f"  write a page of results:              python -m seq2seq.results_page --page results.md {folder}")
