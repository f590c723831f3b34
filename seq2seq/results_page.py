"""A Markdown page of results, written from what evaluate.py and train.py left in run directories.

    python -m seq2seq.results_page --page docs/results.md runs/multi30k_en_de runs/multi30k_de_en

No number of this project is typed by hand: scores come from the JSON files in RUN/evaluation, facts of the
training
from RUN/run.json and RUN/metrics.csv, pictures from RUN/plots. The same files give the same page. `--keep
DIR` puts
what the page needs of each run into a small file, from which it can be written again without the run.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.errors import UserError
from seq2seq.published_results import PublishedSystem, published_table, read_published
from seq2seq.results_examples import DrawnExample, draw_examples, example_lines, read_examples
from seq2seq.results_reading import keep_scores, read_run
from seq2seq.results_tables import (
    EvaluatedRun,
    alignment_table,
    as_text,
    each_report,
    length_table,
    more_scores_table,
    score_table,
    seed_table,
    shipped_table,
    speed_table,
    table,
    training_table,
)

_EXAMPLES_PER_PAGE = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code.

    Raises:
        UserError: a run was not evaluated, or the page cannot be written.
    """
    options = build_parser().parse_args(arguments)
    page = Path(options.page)
    content = PageContent(
        runs=[read_run(path) for path in options.runs],
        title=options.title,
        published=read_published(Path(options.published)) if options.published else (),
    )
    examples = read_examples(Path(options.examples)) if options.examples else ()
    try:
        written = [keep_scores(Path(options.keep), run) for run in content.runs] if options.keep else []
        if examples:
            content = replace(content, examples=draw_examples(examples, page))
        written = [*write_page(page, content), *written]
    except OSError as error:
        raise UserError(f"Cannot write {options.page}: {error.strerror or error}") from error
    for path in written:
        print(path)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m seq2seq.results_page",
        description="Write a Markdown page of results from evaluated runs.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a run, a shipped model, an evaluation folder, a file of evaluate.py --output or of --keep",
    )
    parser.add_argument(
        "--page", required=True, metavar="FILE.md", help="the page; pictures go to images/ beside it"
    )
    parser.add_argument(
        "--published",
        metavar="FILE.yaml",
        help="figures of others, to stand beside (docs/published_results.yaml)",
    )
    parser.add_argument(
        "--examples",
        metavar="FILE.yaml",
        help="translations to show with their heat maps and an explanation, in place of ten that are spread "
        "over the set (docs/models.md describes the file)",
    )
    parser.add_argument(
        "--keep",
        metavar="DIR",
        help="also write what the page needs of each RUN into DIR/NAME.json, without texts",
    )
    parser.add_argument("--title", default="Results", help="heading of the page (default: Results)")
    return parser


@dataclass(frozen=True)
class PageContent:
    """What stands on a page.

    Attributes:
        runs: in the order of the page.
        title: heading.
        published: figures of others.
        examples: chosen translations, drawn; none: ten of each run, spread over its first set.
    """

    runs: Sequence[EvaluatedRun]
    title: str = "Results"
    published: Sequence[PublishedSystem] = ()
    examples: Sequence[DrawnExample] = ()


def write_page(path: Path, content: PageContent) -> list[Path]:
    """Write the page, and copy its pictures to `images/` beside it.

    Returns:
        Every file that was written, the page first.
    """
    from data.atomic import atomic_write

    pictures = {place: f"images/{name}" for place, name in _picture_names(content.runs)}
    for place, name in pictures.items():
        _copy(place, path.parent / name)
    with atomic_write(path) as file:
        file.write("\n".join(page_lines(content, pictures)) + "\n")
    names = [*pictures.values(), *(each.picture for each in content.examples)]
    return [path, *(path.parent / name for name in names)]


def _picture_names(runs: Sequence[EvaluatedRun]) -> Iterator[tuple[Path, str]]:
    from seq2seq.evaluation_files import file_stem

    for number, run in enumerate(runs, start=1):
        # Two runs may share a name; their number on the page keeps their pictures apart.
        stem = f"{number}_{file_stem(run.name)}"
        if run.learning_curve is not None:
            yield run.learning_curve, f"{stem}_learning_curve.png"
        if run.alignment is not None:
            yield run.alignment, f"{stem}_alignment.png"


def _copy(source: Path, target: Path) -> None:
    from data.atomic import atomic_write

    with open(source, "rb") as original, atomic_write(target, "wb") as copy:
        shutil.copyfileobj(original, copy)


def page_lines(content: PageContent, pictures: Mapping[Path, str]) -> Iterator[str]:
    """The lines of the page.

    Args:
        content: see there.
        pictures: for each picture of the runs where the page finds it.
    """
    runs = content.runs
    yield f"# {content.title}"
    yield ""
    yield "Written by `python -m seq2seq.results_page` from the JSON files of `evaluate.py`, not by hand."
    yield from _section("Scores", score_table(runs))
    yield from _section("Beside published figures", _published_lines(content))
    yield from _section("Over seeds", seed_table(runs))
    yield from _section("Shipped models", shipped_table(runs))
    yield from _section("Other measures", more_scores_table(runs))
    yield from _section("Word alignment and attention", alignment_table(runs))
    yield from _section("By source length", length_table(runs))
    yield from _section("Training", training_table(runs))
    yield from _section("Speed of translation", speed_table(runs))
    for run in runs:
        yield from _picture_lines(run, pictures)
    if content.examples:
        yield from _section("Translations, and where the model looked", example_lines(content.examples))
    else:
        for run in runs:
            yield from _section(f"Ten translations: {as_text(run.name)}", _example_table(run.reports[0]))
    yield from _section("Signatures", _signature_lines(runs))
    yield from _section("Software", _version_lines(runs))


def _published_lines(content: PageContent) -> Iterator[str]:
    rows = list(published_table(content.published, content.runs)) if content.published else []
    if rows:
        yield (
            "BLEU in the form of the papers: lower-cased, normalised, tokenised, `--tokenize none`. Ours "
            "is in bold; docs/evaluate.md says how a cased model is brought into that form."
        )
        yield ""
        yield from rows


def _section(heading: str, lines: Iterator[str]) -> Iterator[str]:
    content = list(lines)
    if content:
        yield from ("", f"## {heading}", "", *content)


def _picture_lines(run: EvaluatedRun, pictures: Mapping[Path, str]) -> Iterator[str]:
    captions = {run.learning_curve: "learning curve", run.alignment: "attention of a validation sentence"}
    for place, caption in captions.items():
        if place is not None:
            yield from ("", f"![{as_text(run.name)}: {caption}]({pictures[place].replace(' ', '%20')})")


def _example_table(report: Mapping[str, Any]) -> Iterator[str]:
    """Sentences spread evenly over the set: neither the best nor the worst were picked."""
    sentences = report.get("sentences")
    if not sentences:  # of a shipped model, or of a file that was kept
        return
    count = min(_EXAMPLES_PER_PAGE, len(sentences))
    chosen = [sentences[place * len(sentences) // count] for place in range(count)]
    rows = [
        [str(row["index"] + 1), *map(as_text, (row["source"], row["hypothesis"], row["references"][0]))]
        for row in chosen
    ]
    yield f"From {as_text(report['set'])}, spread evenly over the set."
    yield ""
    yield from table(["line", "source", "translation", "reference"], rows, left=4)


def _signature_lines(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    from seq2seq.evaluation_table import signatures

    for name, signature in signatures([report for _, report in each_report(runs)]):
        yield f"- {name}: `{signature}`"


def _version_lines(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    seen = dict.fromkeys(
        ", ".join(f"{name} {version}" for name, version in report["versions"].items())
        for _, report in each_report(runs)
    )
    yield from (f"- {each}" for each in seen)


if __name__ == "__main__":
    from seq2seq.startup import prepare_environment, run_command

    prepare_environment()
    run_command(main)
