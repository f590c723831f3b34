"""What is written for a line: never a line feed too many, and what other programs can read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from data.errors import UserError
from data.tokenizer import Segmentation
from seq2seq.output_formats import AlignmentStyle, json_line, line_format, one_line
from seq2seq.translation import Hypothesis, Translation

NOTHING = Segmentation("", (), (), (), (), (), ())
EMPTY_LINE = Translation(NOTHING, ())
EVERY_LINE_END = "a\nb\rc\x0bd\x0ce\x1cf\x1dg\x1eh\x85i\u2028j\u2029k\x00l\x7fm"


def segmentation(text: str) -> Segmentation:
    """Words that are pieces."""
    words = tuple(text.split(" "))
    ends = [len(" ".join(words[: place + 1])) for place in range(len(words))]
    offsets = tuple((end - len(word), end) for word, end in zip(words, ends, strict=True))
    places = tuple(range(len(words)))
    return Segmentation(text, tuple(place + 4 for place in places), words, offsets, words, offsets, places)


def hypothesis(text: str, attention: list[list[float]], score: float = -0.5) -> Hypothesis:
    target = segmentation(text)
    tokens = len(target.pieces) + 1
    return Hypothesis(
        target, np.full(tokens, -0.25), -0.25 * tokens, score, True, np.array(attention, np.float32)
    )


@pytest.fixture
def translation():
    crossed = [[0.1, 0.8, 0.1], [0.55, 0.35, 0.1], [0.0, 0.0, 1.0]]
    straight = [[0.9, 0.1, 0.0], [0.2, 0.2, 0.6], [0.0, 0.0, 1.0]]
    return Translation(
        segmentation("white house"),
        (hypothesis("maison blanche", crossed), hypothesis("une maison", straight, -0.75)),
    )


def formatted(translation, name="text", n_best=1, scoring=False, alignment=None, index=7) -> str:
    return line_format(name, n_best=n_best, scoring=scoring, alignment=alignment)(index, translation)


def test_text_is_the_best_hypothesis(translation):
    assert formatted(translation) == "maison blanche\n"
    assert formatted(EMPTY_LINE) == "\n"


def test_a_line_stays_a_line_for_every_reader():
    assert one_line(EVERY_LINE_END) == "a b c d e f g h i j k l m"
    assert len(one_line(EVERY_LINE_END).splitlines()) == 1
    assert one_line("\n") == ""
    assert one_line("e\u0301 \u200d 犬😀\u00a0!") == "e\u0301 \u200d 犬😀\u00a0!"


def test_n_best_lists_are_those_of_moses(translation):
    assert formatted(translation, n_best=2) == (
        "7 ||| maison blanche ||| LogProbability= -0.7500 ||| -0.5000\n"
        "7 ||| une maison ||| LogProbability= -0.7500 ||| -0.7500\n"
    )
    assert formatted(EMPTY_LINE, n_best=2).split(" ||| ")[:2] == ["7", ""]


def test_scores_are_log_probability_and_score(translation):
    assert formatted(translation, scoring=True) == "-0.7500\t-0.5000\n"
    assert formatted(EMPTY_LINE, scoring=True) == "\n"


def test_json_is_one_object_on_one_line_for_every_reader():
    text = EVERY_LINE_END + " 犬"
    one_word = Segmentation(text, (5,), (text,), ((0, len(text)),), (text,), ((0, len(text)),), (0,))
    translation = Translation(
        one_word, (Hypothesis(one_word, np.zeros(2), 0.0, 0.0, True, np.eye(2, dtype=np.float32)),)
    )
    line = json_line(0, translation)
    assert line.endswith("}\n")
    assert len(line.splitlines()) == 1
    assert "犬" in line
    assert json.loads(line) == translation.to_json()


def test_pharaoh_lines_follow_the_attention(translation):
    assert formatted(translation, "pharaoh") == "0-1 1-0\n"
    assert formatted(translation, "pharaoh", alignment="threshold:0.3") == "0-1 1-0 1-1\n"
    assert formatted(translation, "pharaoh", alignment="threshold:0.6") == "1-0\n"
    assert formatted(translation, "pharaoh", alignment="intersection") == "0-1 1-0\n"
    assert formatted(translation, "pharaoh", alignment="soft") == "0-0:0.1 1-0:0.8 0-1:0.55 1-1:0.35\n"
    assert formatted(EMPTY_LINE, "pharaoh") == "\n"
    assert formatted(EMPTY_LINE, "pharaoh", alignment="soft") == "\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arg",
        "threshold:",
        "threshold:x",
        "threshold:1",
        "threshold:-0.1",
        "soft:0.1",
        "argmax:1",
        "threshold:nan",
    ],
)
def test_an_unknown_alignment_is_an_error_that_lists_the_known(text):
    with pytest.raises(UserError, match=r"expected argmax, intersection, threshold.* or soft"):
        AlignmentStyle.parse(text)


def test_wishes_that_contradict_each_other(translation):
    with pytest.raises(UserError, match="--n-best must be 1"):
        formatted(translation, "pharaoh", n_best=2)
    with pytest.raises(UserError, match="--format json has none"):
        formatted(translation, "json", alignment="argmax")
