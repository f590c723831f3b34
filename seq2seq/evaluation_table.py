"""An evaluation as tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

Report = Mapping[str, Any]

_WORST_SHOWN = 3
_NOTHING = "–"


def print_reports(console: Console, reports: Sequence[Report]) -> None:
    """Print scores, scores by source length, the worst sentences and the signatures."""
    console.print(_score_table(reports))
    for report in reports:
        console.print(_length_table(report))
    for report in reports:
        if report.get("alignment_readings"):
            console.print(_readings_table(report))
    for report in reports:
        console.print(_worst_table(report))
    console.print("Signatures")
    for name, signature in signatures(reports):
        console.print(f"  {name}: {signature}", markup=False, highlight=False, soft_wrap=True)


def _title(text: str) -> Text:
    # Names and sentences are shown as they are: rich would read a string's brackets and :names: as markup.
    return Text(text, style="table.title")


def signatures(reports: Sequence[Report]) -> list[tuple[str, str]]:
    """Every signature that occurs in the reports, with the metric it belongs to, each once."""
    names = {
        ("bleu",): "BLEU",
        ("paper_bleu",): "BLEU, papers' form",
        ("multi_reference", "bleu"): "BLEU, all references",
        ("chrf",): "chrF",
        ("multi_reference", "chrf"): "chrF, all references",
        ("ter",): "TER",
        ("rouge",): "ROUGE",
    }
    found = [
        (label, part(report["scores"], *keys, "signature"))
        for keys, label in names.items()
        for report in reports
    ]
    return list(dict.fromkeys((label, signature) for label, signature in found if signature is not None))


def number(value: float | None, digits: int = 1) -> str:
    """A number with so many digits after the point; a dash for None."""
    return _NOTHING if value is None else f"{value:,.{digits}f}"


def part(scores: Mapping[str, Any], *keys: str) -> Any:
    """A value deep in nested mappings; None where any of them is None or not there."""
    value: Any = scores
    for key in keys:
        if value is None:
            return None
        value = value.get(key)
    return value


def percentage(share: float | None) -> float | None:
    """A share from 0 to 1 as a number of percent."""
    return None if share is None else 100 * share


def _score_table(reports: Sequence[Report]) -> Table:
    table = Table(title="Scores", title_justify="left")
    table.add_column("")
    for report in reports:
        table.add_column(Text(report["set"]), justify="right")
    for label, digits, value in score_lines():
        values = [value(report) for report in reports]
        if any(each is not None for each in values):
            table.add_row(label, *(number(each, digits) for each in values))
    return table


def score_lines() -> Iterator[tuple[str, int, Callable[[Report], float | None]]]:
    """Label, digits and value (None where unknown) of each score, in the order of the table."""

    def score(*keys: str) -> Callable[[Report], float | None]:
        return lambda report: part(report["scores"], *keys)

    def percent(*keys: str) -> Callable[[Report], float | None]:
        return lambda report: percentage(part(report["scores"], *keys))

    yield "sentences", 0, lambda report: report["counts"]["sentences"]
    yield "BLEU", 2, score("bleu", "score")
    yield "BLEU, papers' form", 2, score("paper_bleu", "score")
    yield "different sources", 0, score("multi_reference", "sentences")
    yield "BLEU, all references", 2, score("multi_reference", "bleu", "score")
    yield "chrF, all references", 2, score("multi_reference", "chrf", "score")
    yield "chrF", 2, score("chrf", "score")
    yield "TER (lower is better)", 2, score("ter", "score")
    for kind in ("1", "2", "l"):
        yield f"ROUGE-{kind.upper()} F, %", 2, percent("rouge", f"rouge_{kind}")
    yield "exact matches, %", 2, percent("exact_match")
    yield "hypothesis/reference words", 3, _length_ratio
    yield "perplexity per token", 3, score("perplexity", "per_token")
    yield "perplexity per word", 3, score("perplexity", "per_word")
    yield "bits per character", 3, score("perplexity", "bits_per_character")
    yield "alignment precision", 3, score("alignment", "precision")
    yield "alignment recall", 3, score("alignment", "recall")
    yield "alignment F1", 3, score("alignment", "f1")
    yield "alignment error rate", 3, score("alignment", "aer")
    yield "attention confidence", 3, score("attention_confidence", "total")
    yield "sentences/s", 1, lambda report: report["speed"]["sentences_per_second"]
    yield "target tokens/s", 0, lambda report: report["speed"]["target_tokens_per_second"]


def _length_ratio(report: Report) -> float | None:
    words = report["counts"]["reference_words"]
    return report["counts"]["hypothesis_words"] / words if words else None


def _length_table(report: Report) -> Table:
    groups = report["by_source_length"]
    shown = length_columns(report)
    table = Table(title=_title(f"{report['set']} by source length"), title_justify="left")
    table.add_column("words", justify="right")
    table.add_column("sentences", justify="right")
    for label, _, _ in shown:
        table.add_column(label, justify="right")
    for group in groups:
        numbers = [number(part(group["scores"], *keys), digits) for _, digits, keys in shown]
        table.add_row(group["source_words"], number(group["counts"]["sentences"], 0), *numbers)
    return table


def length_columns(report: Report) -> list[tuple[str, int, tuple[str, ...]]]:
    """Label, digits and keys (for `part`) of each score that is known for a group of sentences by length."""
    columns: list[tuple[str, int, tuple[str, ...]]] = [
        ("BLEU", 1, ("bleu", "score")),
        ("papers' form", 1, ("paper_bleu", "score")),
        ("chrF", 1, ("chrf", "score")),
        ("TER", 1, ("ter", "score")),
        ("perplexity", 2, ("perplexity", "per_token")),
        ("AER", 3, ("alignment", "aer")),
        ("confidence", 3, ("attention_confidence", "total")),
    ]
    groups = report["by_source_length"]
    return [
        column for column in columns if any(part(group["scores"], *column[2]) is not None for group in groups)
    ]


def _readings_table(report: Report) -> Table:
    title = _title(f"Readings of the alignment of {report['set']}")
    table = Table(title=title, title_justify="left")
    table.add_column("reading")
    for label in ("precision", "recall", "F1", "error rate", "links"):
        table.add_column(label, justify="right")
    for row in report["alignment_readings"]:
        shares = [number(row[key], 3) for key in ("precision", "recall", "f1", "aer")]
        table.add_row(row["reading"], *shares, number(row["predicted_links"], 0))
    return table


def _worst_table(report: Report) -> Table:
    table = Table(title=_title(f"Worst translations of {report['set']}, by chrF"), title_justify="left")
    for label in ("line", "chrF"):
        table.add_column(label, justify="right")
    for label in ("source", "translation", "reference"):
        table.add_column(label, overflow="fold")
    for index in report["worst_sentences"][:_WORST_SHOWN]:
        row = report["sentences"][index]
        table.add_row(
            str(index + 1),
            number(row["chrf"]),
            *map(Text, (row["source"], row["hypothesis"], row["references"][0])),
        )
    return table


def print_comparison(console: Console, reports: Sequence[Report], baseline: str) -> None:
    """Print what `seq2seq.comparison.compare` found for each set (`report["comparison"]`)."""
    table = Table(title=_title(f"Against {baseline} (± 95 %, p two-sided)"), title_justify="left")
    table.add_column("set")
    table.add_column("")
    for label in ("baseline", "this system", "p"):
        table.add_column(label, justify="right")
    for report in reports:
        for key, label in (("bleu", "BLEU"), ("chrf", "chrF")):
            found = report["comparison"]["metrics"][key]
            table.add_row(
                Text(report["set"]),
                label,
                *(
                    f"{number(found[side], 2)} ± {number(found[f'{side}_interval'], 2)}"
                    for side in ("baseline", "system")
                ),
                number(found["p_value"], 4),
            )
    console.print(table)
