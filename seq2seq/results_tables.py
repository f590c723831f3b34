"""The tables of the results page, as lines of Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

DASH = "–"
_MARKDOWN_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#&~$"})


@dataclass(frozen=True)
class EvaluatedRun:
    """What is known of one system.

    Attributes:
        reports: of its evaluations, at least one.
        facts: of run.json, empty when there is none.
        epochs: the rows of metrics.csv, empty when there is none.
        alignment: the picture of a validation sentence, where there is one.
        shipped_as: of a shipped model its `name`, `bytes`, `licence` and what `half_precision` cost.
        kept_as: name of the summary that all this was read from, without its ending.
    """

    reports: list[dict[str, Any]]
    facts: dict[str, Any]
    epochs: list[dict[str, str]]
    alignment: Path | None = None
    shipped_as: dict[str, Any] | None = None
    kept_as: str | None = None

    @property
    def name(self) -> str:
        """Of the summary, the shipped model or the run's directory; runs that differ in their seeds share a
        configured name."""
        return ", ".join([self._system_name(), *departures(self.reports[0])])

    @property
    def member_names(self) -> list[str]:
        """The directories of its models, one unless it is an ensemble."""
        # Reports that are older than kept epochs say nothing of them.
        return [
            each["directory"] + (f"@{each['checkpoint']}" if each.get("checkpoint") else "")
            for each in self.reports[0]["system"]["runs"]
        ]

    def _system_name(self) -> str:
        directories = self.member_names
        if self.kept_as is not None:
            many = f" (ensemble of {len(directories)})" if len(directories) > 1 else ""
            return self.kept_as + many
        if self.shipped_as is not None:
            return self.shipped_as["name"]
        if len(directories) > 1:
            return f"ensemble of {len(directories)} ({', '.join(directories)})"
        return directories[0] if directories else self.reports[0]["system"]["name"]

    @property
    def checkpoint(self) -> int | None:
        """The kept epoch whose weights were scored; None for the best model, and for an ensemble."""
        runs = self.reports[0]["system"]["runs"]
        return runs[0].get("checkpoint") if len(runs) == 1 else None

    @property
    def direction(self) -> str:
        system = self.reports[0]["system"]
        return f"{system['source_language'] or '?'}→{system['target_language'] or '?'}"


@dataclass(frozen=True)
class _Column:
    """A column of numbers: heading, digits after the point, and the number in a report (or part of one)."""

    heading: str
    digits: int
    value: Callable[[Mapping[str, Any]], float | None]


def departures(report: Mapping[str, Any]) -> list[str]:
    """What keeps an evaluation from being that of a model as it is, on a set as a whole; empty: nothing."""
    options = report["options"]
    attention, limit = options.get("attention", "learned"), options.get("limit")
    replaced = [] if attention == "learned" else [f"{attention} attention"]
    shortlist = ["shortlist"] if options.get("shortlist") else []
    reranked = [f"reranked by {model}"] if (model := options.get("rerank_with")) else []
    return [*replaced, *shortlist, *reranked, *([f"first {limit:,}"] if limit else [])]


def _score(heading: str, digits: int, *keys: str, percent: bool = False) -> _Column:
    def value(report: Mapping[str, Any]) -> float | None:
        found: Any = report["scores"]
        for key in keys:
            if found is None:
                return None
            found = found.get(key)
        return 100 * found if percent and found is not None else found

    return _Column(heading, digits, value)


def _of(section: str, key: str, heading: str, digits: int = 0) -> _Column:
    return _Column(heading, digits, lambda report: report[section][key])


_TEXT_SCORES = (
    _score("BLEU", 1, "bleu", "score"),
    _score("BLEU, papers' form", 1, "paper_bleu", "score"),
    _score("BLEU, all references", 1, "multi_reference", "bleu", "score"),
    _score("chrF", 1, "chrf", "score"),
    _score("TER ↓", 1, "ter", "score"),
)
_SENTENCES = _of("counts", "sentences", "sentences")
_BEAM = _of("options", "beam_size", "beam")
_MORE_SCORES = (
    _score("ROUGE-1", 1, "rouge", "rouge_1", percent=True),
    _score("ROUGE-2", 1, "rouge", "rouge_2", percent=True),
    _score("ROUGE-L", 1, "rouge", "rouge_l", percent=True),
    _score("exact, %", 1, "exact_match", percent=True),
    _score("perplexity per token ↓", 2, "perplexity", "per_token"),
    _score("per word ↓", 2, "perplexity", "per_word"),
    _score("bits/character ↓", 3, "perplexity", "bits_per_character"),
)
_ALIGNMENT = (
    _score("precision", 3, "alignment", "precision"),
    _score("recall", 3, "alignment", "recall"),
    _score("F1", 3, "alignment", "f1"),
    _score("alignment error rate ↓", 3, "alignment", "aer"),
    _score("attention confidence", 3, "attention_confidence", "total"),
)
_SPEED = (
    _of("speed", "translation_seconds", "seconds", 1),
    _of("speed", "sentences_per_second", "sentences/s"),
    _of("speed", "target_tokens_per_second", "target tokens/s"),
)
_BY_LENGTH = (
    _SENTENCES,
    *_TEXT_SCORES,
    _score("perplexity per token ↓", 2, "perplexity", "per_token"),
    _score("alignment error rate ↓", 3, "alignment", "aer"),
)


def score_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """BLEU, chrF and TER of every set."""
    return _report_table(runs, (_SENTENCES, _BEAM, *_TEXT_SCORES))


def seed_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """Mean and spread of single runs that differ in their seed alone: what chance does to a score."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for run, report in each_report(runs):
        recipe, seed = _recipe_of(report)
        if recipe is not None:
            # Another beam, another attention or a part of the set is no chance.
            options = json.dumps(report["options"], sort_keys=True)
            of_set = (report["set"], report["set_fingerprint"])
            key = (report["system"]["name"], recipe, run.direction, *of_set, options)
            group = groups.setdefault(key, [])
            if seed not in [_recipe_of(each)[1] for each in group]:
                group.append(report)
    columns = [column for column in _TEXT_SCORES if "TER" not in column.heading]
    rows = [
        [
            as_text(name),
            direction,
            as_text(name_of_set),
            str(len(group)),
            *(_spread(column, group) for column in columns),
        ]
        for (name, _, direction, name_of_set, *_), group in groups.items()
        if len(group) > 1
    ]
    return table(["configuration", "direction", "set", "runs", *_headings(columns)], rows, left=3)


def _recipe_of(report: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Recipe and seed of a single run; None where there are several, or an older report does not say."""
    runs = report["system"]["runs"]
    return (runs[0].get("recipe"), runs[0].get("seed")) if len(runs) == 1 else (None, None)


def _spread(column: _Column, reports: Sequence[Mapping[str, Any]]) -> str:
    """Mean and standard deviation (of a sample), such as `38.4 ± 0.3`."""
    values = [value for report in reports if (value := column.value(report)) is not None]
    if len(values) < 2:
        return DASH
    return f"{as_number(mean(values), column.digits)} ± {as_number(stdev(values), column.digits)}"


def shipped_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """The models that ship, and what half precision cost them."""
    header = [
        "model",
        "direction",
        "licence",
        "MB",
        "validation BLEU as trained, beam search",
        "as shipped",
        "same translations",
    ]
    rows = []
    for run in runs:
        if run.shipped_as is None:
            continue
        halves = run.shipped_as["half_precision"]
        rows.append(
            [
                f"`{run.shipped_as['name']}`",
                run.direction,
                as_text(run.shipped_as["licence"]),
                as_number(run.shipped_as["bytes"] / 1e6, 1),
                as_number(halves["float32"]["bleu"], 2),
                as_number(halves["float16"]["bleu"], 2),
                f"{halves['same_translations']:,} of {halves['sentences']:,}",
            ]
        )
    return table(header, rows, left=3)


def more_scores_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """ROUGE, equality and perplexity of every set."""
    return _report_table(runs, _MORE_SCORES)


def alignment_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """Alignment against gold, where there is any, and attention confidence of every set."""
    return _report_table(runs, _ALIGNMENT)


def speed_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """How fast every set was translated."""
    return _report_table(runs, (_BEAM, _of("options", "batch_size", "batch"), *_SPEED))


def length_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """Scores of every set by the number of words of the source."""
    rows = [
        [as_text(run.name), as_text(report["set"]), group["source_words"], *_numbers(_BY_LENGTH, group)]
        for run, report in each_report(runs)
        for group in report["by_source_length"]
    ]
    return table(["system", "set", "source words", *_headings(_BY_LENGTH)], rows, left=3)


def training_table(runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """What it took to train each system."""
    header = ["system", "machine", "parameters", "training pairs", "minutes", "epochs", "weights of epoch"]
    header += ["validation BLEU while training", "validation perplexity ↓"]
    rows = [_training_row(run) for run in runs if run.facts or run.epochs]
    return table(header, rows, left=2)


def _training_row(run: EvaluatedRun) -> list[str]:
    facts = run.facts
    seconds, epoch = facts.get("training_seconds"), run.checkpoint or facts.get("best_epoch")
    chosen = next((row for row in run.epochs if epoch and int(float(row["epoch"])) == epoch), {})
    bleu = _float_or_none(chosen.get("val_bleu"))
    if bleu is None and run.checkpoint is None:
        bleu = _best_bleu(facts)
    machine = [str(facts[key]) for key in ("processor", "machine") if facts.get(key)]
    return [
        as_text(run.name),
        as_text(", ".join(machine)) or DASH,
        as_number(facts.get("parameters"), 0),
        as_number(facts.get("train_pairs"), 0),
        as_number(None if seconds is None else seconds / 60, 1),
        as_number(facts.get("epochs") or len(run.epochs) or None, 0),
        as_number(epoch, 0),
        as_number(bleu, 1),
        as_number(_float_or_none(chosen.get("val_perplexity")), 2),
    ]


def _report_table(runs: Sequence[EvaluatedRun], columns: Sequence[_Column]) -> Iterator[str]:
    rows = [
        [as_text(run.name), run.direction, as_text(report["set"]), *_numbers(columns, report)]
        for run, report in each_report(runs)
    ]
    return table(["system", "direction", "set", *_headings(columns)], rows, left=3)


def _headings(columns: Sequence[_Column]) -> list[str]:
    return [column.heading for column in columns]


def _numbers(columns: Sequence[_Column], report: Mapping[str, Any]) -> list[str]:
    return [as_number(column.value(report), column.digits) for column in columns]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> Iterator[str]:
    """Lines of a table whose first `left` columns are text and the others numbers.

    Columns of numbers without a single one are left out, and so is a table that would have none.
    """
    kept = [
        column for column in range(len(header)) if column < left or any(row[column] != DASH for row in rows)
    ]
    if not rows or len(kept) == left < len(header):
        return
    yield "| " + " | ".join(header[column] for column in kept) + " |"
    yield "|" + "|".join("---" if column < left else "---:" for column in kept) + "|"
    for row in rows:
        yield "| " + " | ".join(row[column] for column in kept) + " |"


def each_report(runs: Sequence[EvaluatedRun]) -> Iterator[tuple[EvaluatedRun, dict[str, Any]]]:
    """Every report with its run, in order."""
    for run in runs:
        for report in run.reports:
            yield run, report


def as_number(value: float | None, digits: int) -> str:
    """A number with so many digits after the point; a dash for None."""
    return DASH if value is None else f"{value:,.{digits}f}"


def as_text(text: str) -> str:
    """A text as Markdown shows it unchanged, inside a table too."""
    return " ".join(text.split()).translate(_MARKDOWN_MARKS)


def _best_bleu(facts: Mapping[str, Any]) -> float | None:
    """Of a shipped model, which has no metrics.csv."""
    return facts.get("best_score") if facts.get("selected_by") == "bleu" else None


def _float_or_none(text: str | None) -> float | None:
    return float(text) if text else None
