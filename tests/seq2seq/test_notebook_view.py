"""Translations in a notebook."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from seq2seq.notebook_view import translation_html
from seq2seq.translation import Hypothesis, Translation
from tests.seq2seq.evaluation_examples import hypothesis, segmented

HOSTILE = '</td></table><script>alert("x")</script> & <b>fett</b>'


class Elements(HTMLParser):
    """The elements of some HTML, the text in them, and whether each one that was opened was closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def translated(source: str, *targets: str, finished: bool = True, note: str | None = None) -> Translation:
    cut = segmented(source)
    return Translation(cut, tuple(hypothesis(cut, target, finished=finished) for target in targets), note)


def test_a_row_for_each_target_word_and_a_column_for_each_source_word():
    parsed = Elements(translated("zwei Hunde", "two dogs run")._repr_html_())
    assert parsed.open == []
    assert parsed.tags.count("tr") == 1 + 4  # three words and the end
    assert parsed.tags.count("td") == 4 * 3
    assert parsed.texts["bdi"] == ["zwei", "Hunde", "</s>", "two", "dogs", "run", "</s>"]


def test_cells_hold_the_weights():
    source, target = segmented("ein Hund"), segmented("dog")
    attention = np.array([[0.254, 0.746, 0.0], [0.04, 0.003, 0.957]])
    best = Hypothesis(target, np.log([0.5, 0.5]), -1.4, -0.7, True, attention)
    parsed = Elements(translation_html(Translation(source, (best,))))
    assert parsed.texts["td"] == ["25", "75", "96"]
    titles = [attributes.get("title") for tag, attributes in parsed.attributes if tag == "td"]
    assert titles == [
        *("dog looked 25 % at ein", "dog looked 75 % at Hund", None),
        *("</s> looked 4 % at ein", None, "</s> looked 96 % at </s>"),
    ]


def test_it_needs_nothing_from_anywhere_and_runs_nothing():
    html = translated("a", "b")._repr_html_()
    assert not re.search(r"https?:|<script|<link|<img|url\(|@import|\bon\w+=", html)


@pytest.mark.parametrize("level", ["words", "pieces"])
def test_hostile_text_stays_text(level):
    translation = translated(HOSTILE, HOSTILE, HOSTILE, note=HOSTILE)
    parsed = Elements(translation_html(translation, level))
    assert parsed.open == []
    assert not {"script", "img"} & set(parsed.tags)
    assert parsed.texts["span"][0] == HOSTILE
    assert HOSTILE in parsed.texts["p"][0]


def test_other_hypotheses_are_folded():
    parsed = Elements(translated("ein Hund", "a dog", "one dog", "dogs")._repr_html_())
    details = [attributes for tag, attributes in parsed.attributes if tag == "details"]
    assert ["open" in attributes for attributes in details] == [True, False, False]
    assert parsed.tags.count("table") == 3
    assert parsed.texts["b"] == ["a dog", "one dog", "dogs"]


def test_what_was_cut_and_what_is_empty_say_so():
    cut = Elements(translated("ein Hund", "a", finished=False, note="it was cut")._repr_html_())
    assert "Note: it was cut" in cut.texts["p"]
    assert any("cut off" in text for text in cut.texts["p"])
    assert cut.tags.count("tr") == 1 + 1
    empty = Elements(Translation(segmented(""), ())._repr_html_())
    assert "table" not in empty.tags
    assert "No translation." in empty.texts["p"]


def test_a_source_from_right_to_left_has_its_first_word_at_the_right():
    cases = {"الرجل العجوز": "rtl", "😀 1 الرجل": "rtl", "老人": "ltr", "The word שלום means peace": "ltr"}
    for source, direction in cases.items():
        parsed = Elements(translated(source, "man")._repr_html_())
        assert [each["dir"] for tag, each in parsed.attributes if tag == "table"] == [direction]


def test_short_labels_and_pictures_stand_upright():
    parsed = Elements(translated("in 👩‍👩‍👧‍👦 Häusern 犬", "x")._repr_html_())
    turned = [each.get("class") == "s2s-turned" for tag, each in parsed.attributes if tag == "span"]
    # The source line, a line of facts, then the columns.
    assert turned[-5:] == [False, False, True, False, True]


def test_letters_stay_legible_on_the_darkest_cell():
    """Black on white paper, light grey on a dark one: a contrast of at least 4.5 (WCAG 2.2, 1.4.3)."""

    def luminance(color: np.ndarray) -> float:
        share = color / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    html = translated("a", "b")._repr_html_()
    red, green, blue, strength = max(
        (tuple(map(float, found)) for found in re.findall(r"rgba\((\d+), (\d+), (\d+), ([\d.]+)\)\"", html)),
        key=lambda color: color[3],
    )
    for paper, ink in ((255, 33), (17, 222)):
        cell = strength * np.array([red, green, blue]) + (1 - strength) * paper
        one, other = sorted([luminance(cell), luminance(np.full(3, float(ink)))])
        assert (other + 0.05) / (one + 0.05) >= 4.5


def test_a_long_sentence_stays_small():
    words = " ".join(f"w{number}" for number in range(60))
    assert len(translated(words, words)._repr_html_()) < 60_000
