"""A translation as HTML for a notebook: text, numbers and heat map, without any script.

A notebook has a theme of its own, light or dark, which a cell's output cannot ask for. So nothing here has a
colour of its own but the weights: they are a blue laid over whatever is behind it, thin enough that letters
in the notebook's own colour stay legible on it, dark ones on white and white ones on black.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import numpy as np

from seq2seq.html_elements import element, html_text
from seq2seq.labels import begins_right_to_left, shortened, visible_label
from seq2seq.translation import EOS_LABEL, source_labels

if TYPE_CHECKING:
    from seq2seq.translation import Hypothesis, Level, Translation

SMALLEST_WEIGHT_WITH_NUMBER = 0.05
_SMALLEST_WEIGHT_SHOWN = 0.005
_STRONGEST_INK = 0.7  # how much of what is behind a weight of 1 is covered
_LONGEST_LABEL = 24
_LONGEST_FLAT_LABEL = 2

# A notebook's own style sheet has rules for tables that are more specific than a class.
_STYLE = """
.s2s { font-variant-numeric: tabular-nums; line-height: 1.45; overflow-x: auto; }
.s2s p { margin: 0 0 .2em !important; }
.s2s .s2s-faint, .s2s .s2s-end { opacity: .7; }
.s2s summary { cursor: pointer; margin: .2em 0; }
.s2s table { border-collapse: separate !important; border-spacing: 1px !important; border: 0 !important;
  margin: .4em 0 .8em !important; width: auto !important; table-layout: auto; }
.s2s tr { background: none !important; }
.s2s th { background: none !important; border: 0 !important; font-weight: 400 !important;
  padding: 1px 5px !important; text-align: end !important; white-space: nowrap; max-width: none !important; }
.s2s thead th { padding: 2px 0 !important; text-align: center !important; vertical-align: bottom !important; }
.s2s thead span.s2s-turned { writing-mode: vertical-rl; transform: rotate(180deg); display: inline-block; }
.s2s td { border: 0 !important; box-shadow: inset 0 0 0 1px rgba(128, 128, 128, .22);
  font-size: 10px !important; height: 25px; line-height: 1; min-width: 25px; padding: 0 !important;
  text-align: center !important; vertical-align: middle !important; }
"""


def translation_html(translation: Translation, level: Level = "words") -> str:
    """The translation as HTML that needs nothing from anywhere.

    Args:
        translation: with any number of hypotheses; those behind the first are folded.
        level: rows and columns are words or pieces.
    """
    parts = [element("style", _STYLE), _line(translation.source.text)]
    if translation.note:
        parts.append(element("p", f"Note: {translation.note}", class_="s2s-faint"))
    if not translation.hypotheses:
        parts.append(element("p", "No translation.", class_="s2s-faint"))
    for rank, hypothesis in enumerate(translation.hypotheses):
        if len(translation.hypotheses) == 1:
            parts += [_line(hypothesis.text, strong=True), _facts(hypothesis)]
            parts += _heat_map(translation, hypothesis, level)
        else:
            parts.append(_folded(translation, rank, level))
    return html_text(element("div", *parts, class_="s2s"))


def _line(text: str, *, strong: bool = False) -> Element:
    return element("p", element("b" if strong else "span", text or "(nothing)"), dir="auto")


def _facts(hypothesis: Hypothesis) -> Element:
    return element("p", " · ".join(_numbers(hypothesis)), class_="s2s-faint")


def _numbers(hypothesis: Hypothesis) -> Iterator[str]:
    yield f"log probability {hypothesis.log_probability:.2f}".replace("-", "\u2212")
    yield f"score {hypothesis.score:.2f}".replace("-", "\u2212")
    if hypothesis.confidence is not None:
        yield f"confidence {hypothesis.confidence.total:.2f}"
    if not hypothesis.finished:
        yield "cut off"


def _folded(translation: Translation, rank: int, level: Level) -> Element:
    hypothesis = translation.hypotheses[rank]
    summary = element(
        "summary",
        f"{rank + 1}. ",
        element("bdi", element("b", hypothesis.text or "(nothing)")),
        " ",
        element("span", " · ".join(_numbers(hypothesis)), class_="s2s-faint"),
    )
    opened = {"open": "open"} if rank == 0 else {}
    return element("details", summary, *_heat_map(translation, hypothesis, level), **opened)


def _heat_map(translation: Translation, hypothesis: Hypothesis, level: Level) -> Iterator[Element]:
    weights = hypothesis.attention_at(level, translation.source)  # (target rows, source columns)
    if not weights.size:
        return
    columns, rows = source_labels(translation.source, level), hypothesis.labels(level)
    head = [element("th", _heading(label), scope="col", **_end(label)) for label in columns]
    lines = [
        element(
            "tr",
            element("th", element("bdi", _shown(label)), scope="row", **_end(label)),
            *(_cell(weight, label, column) for weight, column in zip(weight_row, columns, strict=True)),
        )
        for label, weight_row in zip(rows, weights, strict=True)
    ]
    # A source that is read from the right has its first word at the right.
    direction = "rtl" if begins_right_to_left(translation.source.text) else "ltr"
    yield element(
        "table",
        element("thead", element("tr", element("th"), *head)),
        element("tbody", *lines),
        dir=direction,
    )


def _heading(label: str) -> Element:
    # An emoji may be many characters, but it is one picture, which should stand upright.
    upright = len(label) <= _LONGEST_FLAT_LABEL or not any(character.isalnum() for character in label)
    turned = label == EOS_LABEL or not upright
    return element("span", element("bdi", _shown(label)), **({"class_": "s2s-turned"} if turned else {}))


def _shown(label: str) -> str:
    return shortened(visible_label(label), _LONGEST_LABEL)


def _end(label: str) -> dict[str, str]:
    return {"class_": "s2s-end"} if label == EOS_LABEL else {}


def _cell(weight: np.floating, row: str, column: str) -> Element:
    if weight < _SMALLEST_WEIGHT_SHOWN:
        return element("td")
    percent = round(100 * float(weight))
    return element(
        "td",
        str(percent) if weight >= SMALLEST_WEIGHT_WITH_NUMBER else "",
        style=f"background: rgba(38, 132, 214, {_STRONGEST_INK * float(weight):.3f})",
        title=f"{visible_label(row)} looked {percent} % at {visible_label(column)}",
    )
