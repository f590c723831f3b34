"""The part of the report that needs no script: what was evaluated, every score, and how it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from seq2seq.evaluation_table import length_columns, number, part, score_lines, signatures
from seq2seq.html_elements import element, html_text

Report = Mapping[str, Any]

# What stands large at the top, in this order, where it is known.
_LEADING_SCORES = ("BLEU", "BLEU, papers' form", "chrF", "TER (lower is better)", "perplexity per token")
_LEADING_SCORES_OF_ATTENTION = ("alignment error rate", "attention confidence")


def headline(reports: Sequence[Report]) -> str:
    """HTML of the page's head: the system, its languages and what it translated."""
    system = reports[0]["system"]
    languages = [system["source_language"], system["target_language"]]
    sentences = sum(report["counts"]["sentences"] for report in reports)
    facts = [
        " → ".join(languages) if all(languages) else None,
        f"corpus {reports[0]['corpus']}",
        ", ".join(report["set"] for report in reports),
        f"{number(sentences, 0)} {'sentence' if sentences == 1 else 'sentences'}",
    ]
    shown = [element("li", element("bdi", fact)) for fact in facts if fact]
    button = element("button", type="button", id="color-scheme", hidden="hidden")
    return html_text(
        element(
            "header",
            element("div", element("h1", system["name"]), button, class_="title"),
            element("ul", *shown, class_="facts"),
            class_="headline",
        )
    )


def overview(reports: Sequence[Report]) -> str:
    """HTML of every score of the sets.

    Args:
        reports: as evaluate.py writes them, at least one, all of one system.
    """
    scores = element("div", element("h2", "All scores"), _scrolling(_score_table(reports)))
    beside = element(
        "div",
        *(part for report in reports for part in _by_length(report)),
        element("h2", "How it was measured"),
        _signature_list(reports),
        *_settings(reports),
    )
    parts = [*_tiles(reports), element("div", scores, beside, class_="columns")]
    return "\n".join(html_text(each) for each in parts)


def _tiles(reports: Sequence[Report]) -> Iterator[Element]:
    """The scores that one looks at first. With several sets they would be too many; the table has them."""
    if len(reports) > 1:
        return
    known = {label: number(value(reports[0]), digits) for label, digits, value in score_lines()}
    tiles = [
        element("div", element("dt", label), element("dd", known[label]))
        for label in (*_LEADING_SCORES, *_LEADING_SCORES_OF_ATTENTION)
        if known[label] != number(None)
    ]
    yield element("dl", *tiles, class_="tiles")


def _score_table(reports: Sequence[Report]) -> Element:
    names = [element("th", element("bdi", report["set"]), scope="col") for report in reports]
    rows = []
    for label, digits, value in score_lines():
        values = [value(report) for report in reports]
        if any(each is not None for each in values):
            cells = [element("td", number(each, digits)) for each in values]
            rows.append(element("tr", element("th", label, scope="row"), *cells))
    return element(
        "table",
        element("thead", element("tr", element("td"), *names)),
        element("tbody", *rows),
        class_="scores",
    )


def _by_length(report: Report) -> Iterator[Element]:
    """A row for each group of lengths; the bar shows how many sentences are in it."""
    columns = length_columns(report)
    groups = report["by_source_length"]
    most = max(group["counts"]["sentences"] for group in groups)
    heads = [
        element("th", label, scope="col")
        for label in ("words", "sentences", *(label for label, _, _ in columns))
    ]
    rows = []
    for group in groups:
        count = group["counts"]["sentences"]
        bar = element(
            "span",
            element("span", style=f"width: {100 * count / most:.1f}%"),
            class_="bar",
            aria_hidden="true",
        )
        cells = [element("td", number(part(group["scores"], *keys), digits)) for _, digits, keys in columns]
        label = element("th", group["source_words"].replace("-", "–"), scope="row")
        figure = element("span", number(count, 0), class_="figure")
        rows.append(element("tr", label, element("td", bar, figure), *cells))
    yield element("h2", "By length of the source", element("small", report["set"]))
    yield _scrolling(
        element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="scores")
    )


def _signature_list(reports: Sequence[Report]) -> Element:
    entries = [
        element("div", element("dt", name), element("dd", element("code", signature)))
        for name, signature in signatures(reports)
    ]
    return element("dl", *entries, class_="signatures")


def _settings(reports: Sequence[Report]) -> Iterator[Element]:
    """Search options, fingerprints of the models, and versions of the software, each behind a click."""
    first = reports[0]
    several = len(first["system"]["runs"]) > 1
    runs = {
        (f"run {number}: " if several else "run ") + _name_of_run(run): f"SHA-256 {run['fingerprint']}"
        for number, run in enumerate(first["system"]["runs"], start=1)
    }
    sets = {f"set {report['set']}": f"SHA-256 {report['set_fingerprint']}" for report in reports}
    yield _folded("Options", first["options"])
    yield _folded("What was evaluated", {**runs, **sets})
    yield _folded("Versions", first["versions"])


def _name_of_run(run: Mapping[str, Any]) -> str:
    epoch = "" if run.get("checkpoint") is None else f"@{run['checkpoint']}"
    return f"{run['name']} ({run['directory']}{epoch})"


def _folded(title: str, facts: Mapping[str, Any]) -> Element:
    entries = [
        element(
            "div",
            element("dt", str(name).replace("_", " ")),
            element("dd", "–" if value is None else str(value)),
        )
        for name, value in facts.items()
    ]
    return element("details", element("summary", title), element("dl", *entries, class_="signatures"))


def _scrolling(table: Element) -> Element:
    """A table that is wider than the window scrolls by itself, not the page with it."""
    return element(
        "div", table, class_="scrolling", tabindex="0", role="region", aria_label="Table of scores"
    )
