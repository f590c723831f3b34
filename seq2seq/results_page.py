"""A Markdown page of results, written from what evaluate.py and train.py left in run directories.

    python -m seq2seq.results_page --page docs/results.md runs/multi30k_en_de runs/multi30k_de_en

No number of this project is typed by hand: scores, facts of the training and pictures come from
RUN/evaluation, RUN/run.json, RUN/metrics.csv and RUN/plots, or from the files of `evaluate.py --summary`,
which hold what is needed of all these. The same files give the same page. `make results` writes
docs/results.md from the summaries in docs/scores.
"""

from __future__ import annotations

import argparse
import itertools
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import file_errors
from seq2seq.command_options import new_parser
from seq2seq.published_results import PublishedSystem, published_table, read_published
from seq2seq.results_examples import (
    SPREAD,
    DrawnExample,
    draw_examples,
    example_lines,
    read_examples,
    spread_lines,
)
from seq2seq.results_reading import read_run
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

_DOTS_PER_INCH = 96


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
    with file_errors("write", options.page):
        if examples:
            content = replace(content, examples=draw_examples(examples, content.runs, page))
        written = write_page(page, content)
    for path in written:
        print(path)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    parser = new_parser(
        "python -m seq2seq.results_page", None, "Write a Markdown page of results from evaluated runs."
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a run, a shipped model, an evaluation folder, a file of evaluate.py --summary or --output",
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
        "over the set; of systems that are files of evaluate.py --summary (docs/evaluate.md describes it)",
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
        examples: chosen translations, drawn; none: those that a summary has of each run, or ten of its first
            set.
    """

    runs: Sequence[EvaluatedRun]
    title: str = "Results"
    published: Sequence[PublishedSystem] = ()
    examples: Sequence[DrawnExample] = ()


def write_page(path: Path, content: PageContent) -> list[Path]:
    """Write the page, and its pictures into `images/` beside it.

    Returns:
        Every file that was written, the page first.

    Raises:
        OSError: one cannot be written.
    """
    from data.atomic import atomic_write

    stems = _picture_stems(content.runs)
    pictures = [
        _write_pictures(run, path.parent, stem) for run, stem in zip(content.runs, stems, strict=True)
    ]
    with atomic_write(path) as file:
        file.write("\n".join(page_lines(content, pictures)) + "\n")
    names = [name for each in pictures for name in each.values()]
    names += [each.picture for each in content.examples]
    return [path, *(path.parent / name for name in names)]


def _picture_stems(runs: Sequence[EvaluatedRun]) -> list[str]:
    """What the pictures' names of each run begin with: its name, and a number for others of the same name.

    Not its place on the page: one more run would rename the pictures of all that follow.
    """
    from seq2seq.evaluation_files import file_stem

    stems: list[str] = []
    for run in runs:
        name = f"images/{file_stem(run.kept_as or run.name)}"
        numbered = (f"{name}-{number}" for number in itertools.count(2))
        taken = {stem.lower() for stem in stems}  # file systems may take a capital for a small letter
        stems.append(next(stem for stem in itertools.chain([name], numbered) if stem.lower() not in taken))
    return stems


def _write_pictures(run: EvaluatedRun, folder: Path, stem: str) -> dict[str, str]:
    """The pictures of a run: where the page finds each, by its caption."""
    from seq2seq.learning_curve import has_curve

    pictures = {}
    if has_curve(_columns(run.epochs)):
        pictures["learning curve"] = f"{stem}_learning_curve.png"
        _draw_curve(run, folder / pictures["learning curve"])
    if run.alignment is not None:
        pictures["attention of a validation sentence"] = f"{stem}_alignment.png"
        _copy(run.alignment, folder / pictures["attention of a validation sentence"])
    return pictures


def _columns(epochs: Sequence[Mapping[str, str]]) -> dict[str, list[str | None]]:
    return {name: [row.get(name) for row in epochs] for name in (epochs[0] if epochs else ())}


def _draw_curve(run: EvaluatedRun, path: Path) -> None:
    from data.atomic import atomic_write
    from seq2seq.learning_curve import learning_curve

    figure = learning_curve(_columns(run.epochs), title=run.name)
    with atomic_write(path, "wb") as file:
        figure.savefig(file, format="png", dpi=_DOTS_PER_INCH, pil_kwargs={"optimize": True})


def _copy(source: Path, target: Path) -> None:
    from data.atomic import atomic_write

    with open(source, "rb") as original, atomic_write(target, "wb") as copy:
        shutil.copyfileobj(original, copy)


def page_lines(content: PageContent, pictures: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The lines of the page.

    Args:
        content: see there.
        pictures: of each run, by caption, where the page finds them.
    """
    yield f"# {content.title}"
    yield ""
    yield (
        "Written by `python -m seq2seq.results_page` from the JSON files of `evaluate.py`, not by hand; "
        "docs/evaluate.md says how."
    )
    sections = ((heading, list(lines)) for heading, lines in _sections(content, pictures))
    written = [(heading, lines) for heading, lines in sections if lines]
    yield from ("", " · ".join(f"[{heading}](#{_anchor(heading)})" for heading, _ in written))
    for heading, lines in written:
        yield from ("", f"## {heading}", "", *lines)


def _sections(
    content: PageContent, pictures: Sequence[Mapping[str, str]]
) -> Iterator[tuple[str, Iterable[str]]]:
    """Heading and lines of each section; of one that has nothing to say, no lines."""
    runs = content.runs
    yield "Scores", itertools.chain(score_table(runs), _tokenized_lines(runs), _member_lines(runs))
    yield "Beside published figures", _published_lines(content)
    yield "Over seeds", seed_table(runs)
    if content.examples:
        yield "Translations, and where the model looked", example_lines(content.examples)
    yield "Shipped models", shipped_table(runs)
    yield "Other measures", more_scores_table(runs)
    yield "Word alignment and attention", alignment_table(runs)
    yield "By source length", length_table(runs)
    yield "Training", training_table(runs)
    yield "Speed of translation", _speed_lines(runs)
    yield "Pictures", _picture_lines(runs, pictures)
    if not content.examples:
        for run in runs:
            yield f"Ten translations: {as_text(run.name)}", _example_table(run)
    yield "Signatures", _signature_lines(runs)
    yield "Software", _version_lines(runs)


def _anchor(heading: str) -> str:
    """What links call a heading where Markdown is rendered: without marks, `-` for a space."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _published_lines(content: PageContent) -> Iterator[str]:
    rows = list(published_table(content.published, content.runs)) if content.published else []
    if rows:
        yield (
            "BLEU in the form of the papers: lower-cased, normalised, tokenised, `--tokenize none`. Ours "
            "is in bold; docs/evaluate.md says how a cased model is brought into that form."
        )
        yield ""
        yield from rows


def _tokenized_lines(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """Which systems write another form of text than the others: a column of scores does not say so."""
    tokenized = [
        run.name
        for run in runs
        if all("tok:none" in (report["scores"]["bleu"] or {}).get("signature", "") for report in run.reports)
    ]
    if tokenized and len(tokenized) < len(runs):
        yield ""
        yield (
            f"Trained and scored on text that was tokenised before: {', '.join(map(as_text, tokenized))}. "
            "Only their BLEU in the papers' form compares with that of the others; chrF, TER, ROUGE and "
            "perplexity are of other text."
        )


def _member_lines(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """What each ensemble is made of that is called as its file."""
    for run in runs:
        members = run.member_names
        if run.kept_as is not None and len(members) > 1:
            yield from ("", f"{as_text(run.name)}: {', '.join(map(as_text, members))}.")


def _picture_lines(runs: Sequence[EvaluatedRun], pictures: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if any(pictures):
        yield "Of the systems whose files have them: a model that ships keeps no curve of its training."
    for run, of_run in zip(runs, pictures, strict=True):
        for caption, place in of_run.items():
            yield from ("", f"![{as_text(run.name)}: {caption}]({place.replace(' ', '%20')})")


def _speed_lines(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    rows = list(speed_table(runs))
    if rows:
        yield (
            "As it was while the scores were measured, with whatever else the machine did at that time; "
            "docs/performance.md has measurements of another network, made for the sake of the speed, "
            "without the building of the graph, which is counted here."
        )
        yield ""
        yield from rows


def _example_table(run: EvaluatedRun) -> Iterator[str]:
    """Sentences spread evenly over the set, neither the best nor the worst; or those that were kept."""
    kept = next((report for report in run.reports if report.get("examples")), None)
    if kept is not None:
        report, chosen = kept, [(row["line"], row) for row in kept["examples"]]
    else:
        report = run.reports[0]
        sentences = report.get("sentences", ())  # the scores of a shipped model come without
        chosen = [(line, sentences[line - 1]) for line in spread_lines(len(sentences))]
    if not chosen:
        return
    rows = [
        [str(line), *map(as_text, (row["source"], row["hypothesis"], row["references"][0]))]
        for line, row in chosen
    ]
    yield f"From {as_text(report['set'])}, {report.get('examples_are', SPREAD)}."
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
