"""Heat maps made of characters."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from rich.cells import cell_len

from seq2seq.attention_pictures import PictureStyle, print_heat_map, terminal_background
from seq2seq.terminal_heat_map import render

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
WEIGHTS = np.array([[0.9, 0.06, 0.04], [0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
SOURCE, TARGET = ["ein", "Hund", "</s>"], ["a", "dog", "</s>"]


def test_rows_columns_and_shades_stand_where_they_should():
    assert render(WEIGHTS, SOURCE, TARGET, width=40).split("\n") == [
        "     ein",
        "     │  Hund",
        "     │  │  </s>",
        "   a ██ ░░ ·",
        " dog ░░ ▒▒ ▓▓",
        "</s> ·  ·  ██",
        "",
        "░ 5 to 25 %",
        "▒ 25 to 50 %",
        "▓ 50 to 75 %",
        "█ 75 to 100 %",
    ]


def test_a_short_word_hangs_right_above_its_column():
    lines = render(np.eye(3), ["in", "der", "."], ["x", "y", "z"], width=80).split("\n")
    assert lines[:2] == ["     der", "  in │  ."]


def test_colours_hold_the_weight_in_per_cent():
    text = render(WEIGHTS, SOURCE, TARGET, width=40, color=True)
    first_row = text.split("\n")[3]
    assert ESCAPE.sub("", first_row) == "   a 90  6  · "
    assert "\x1b[48;5;159m\x1b[38;5;16m90 \x1b[0m" in first_row  # the brightest step, dark letters
    assert "\x1b[48;5;17m\x1b[38;5;231m 6 \x1b[0m" in first_row  # the darkest step, white letters
    assert text.count("\x1b[48;5;") == 6  # one for each weight of at least 5 %
    assert "░" not in text


def test_a_light_terminal_turns_the_colours_round():
    text = render(WEIGHTS, SOURCE, TARGET, width=40, color=True, background="light")
    assert "\x1b[48;5;17m\x1b[38;5;231m90 " in text
    assert "\x1b[48;5;195m\x1b[38;5;16m 6 " in text


@pytest.mark.parametrize(
    ("said", "background"),
    [
        *((None, "dark"), ("", "dark"), ("15;0", "dark"), ("7;8", "dark"), ("0;default", "dark")),
        *(("0;15", "light"), ("0;7", "light"), ("0;default;9", "light"), ("0;16", "dark")),
    ],
)
def test_the_terminal_says_what_its_background_is(monkeypatch, said, background):
    if said is None:
        monkeypatch.delenv("COLORFGBG", raising=False)
    else:
        monkeypatch.setenv("COLORFGBG", said)
    assert terminal_background() == background


def test_a_light_background_reaches_the_drawing(monkeypatch):
    hypothesis = SimpleNamespace(attention_at=lambda *_: WEIGHTS, labels=lambda _: TARGET)
    translation = SimpleNamespace(best=hypothesis, source=None)
    monkeypatch.setattr("seq2seq.attention_pictures.source_labels", lambda *_: SOURCE)
    monkeypatch.setattr("seq2seq.attention_pictures.has_colors", lambda _: True)
    drawn = {}
    for said in ("15;0", "0;15"):
        monkeypatch.setenv("COLORFGBG", said)
        print_heat_map(translation, PictureStyle(), out := io.StringIO())
        drawn[said] = out.getvalue()
    assert "\x1b[48;5;195m" in drawn["0;15"]
    assert "\x1b[48;5;195m" not in drawn["15;0"]


def test_without_colour_there_is_no_escape():
    assert "\x1b" not in render(WEIGHTS, ["\x1b[31mred", "b", "c"], TARGET, width=60)


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("width", [20, 40, 60])
def test_no_line_is_wider_than_the_terminal_and_no_weight_is_lost(width, color):
    generator = np.random.default_rng(1)
    weights = np.eye(25)[generator.permutation(25)]
    source = [f"Wort{place}" * (1 + place % 3) for place in range(25)]
    target = ["犬" * (1 + place % 12) for place in range(25)]
    text = ESCAPE.sub("", render(weights, source, target, width=width, color=color))
    assert max(cell_len(line) for line in text.split("\n")) <= width
    assert text.count("100" if color else "██") == 25


def test_panels_repeat_the_rows():
    text = render(np.full((2, 20), 0.05), [f"w{place:02}" for place in range(20)], ["rowA", "rowB"], width=35)
    assert text.count("rowA") == text.count("rowB") == 2  # 10 columns of 3 beside a margin of 5
    assert text.index("w09") < text.index("rowA") < text.index("w10")


def test_wide_characters_take_two_cells():
    lines = render(np.eye(2), ["犬", "猫"], ["狗", "ab!"], width=40).split("\n")
    assert lines[:3] == ["    犬 猫", " 狗 ██ ·", "ab! ·  ██"]
    # Two of them are wider than a column of three cells.
    assert render(np.eye(2), ["犬猫", "b"], ["x", "y"]).split("\n")[:2] == ["  犬猫", "  │  b"]


def test_long_labels_end_in_an_ellipsis():
    text = render(np.ones((1, 1)), ["S" * 60], ["T" * 60], width=60)
    assert "S" * 19 + "…\n" in text
    assert "T" * 19 + "… ██" in text


def test_right_to_left_words_cannot_turn_the_cells_round():
    text = render(np.eye(2), ["رجل", "شيء"], ["a", "שלום"], width=40)
    assert "شيء\u200e" in text
    assert "שלום\u200e ·  ██" in text


def test_nothing_invisible_gets_into_a_line():
    text = render(np.eye(3), ["\n", "\u202eevil", " "], ["\t", "b", ""], width=60)
    assert "\\n" in text
    assert "<U+202E>evil" in text
    assert "\\t" in text
    assert "␣" in text
    assert len(text.split("\n")) == 2 + 3 + 2  # labels, rows, legend with the empty line before it


def test_degenerate_sizes():
    assert render(np.zeros((0, 3)), ["a", "b", "c"], []) == ""
    assert render(np.ones((1, 1)), ["a"], ["b"], width=1).split("\n")[:2] == ["  a", "b ██"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        render(np.eye(3), SOURCE, TARGET[:2])
    with pytest.raises(ValueError, match="finite"):
        render(np.full((3, 3), np.nan), SOURCE, TARGET)


def test_panels_are_about_equally_wide():
    labels = [f"w{place:02}" for place in range(18)]
    text = render(np.full((1, 18), 0.9), labels, ["row"], width=3 + 1 + 3 * 16)
    assert [line.count("██") for line in text.split("\n") if "row" in line] == [9, 9]
