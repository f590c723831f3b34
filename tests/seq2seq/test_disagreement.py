"""Cells in which attention and dependence disagree: the stated rule, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seq2seq.disagreement import LOOKED_AT, NEEDED, NOT_LOOKED_AT, NOT_NEEDED, RULE, disagreements

TARGET, SOURCE = ("chat", "noir", "</s>"), ("black", "cat")


def found(attention: list[list[float]], dependence: list[list[float]]) -> list[tuple[int, int, str]]:
    cells = disagreements(np.array(attention), np.array(dependence), TARGET, SOURCE)
    return [(each.target_word, each.source_word, each.kind) for each in cells]


def test_agreement_is_not_mentioned() -> None:
    attention = [[0.02, 0.95, 0.03], [0.9, 0.05, 0.05], [0, 0, 1]]
    assert found(attention, [[0.1, 6.0], [5.0, 0.2], [0.0, 0.1]]) == []


def test_both_kinds_are_found_row_by_row() -> None:
    attention = [[0.01, 0.97, 0.02], [0.5, 0.45, 0.05], [0.0, 0.0, 1.0]]
    dependence = [[3.0, 0.1], [5.0, -2.0], [0.0, 1.0]]
    assert found(attention, dependence) == [
        (0, 0, "needed_not_looked_at"),
        (0, 1, "looked_at_not_needed"),
        (1, 1, "looked_at_not_needed"),
    ]


@pytest.mark.parametrize(
    ("weight", "change", "kind"),
    [
        (LOOKED_AT, NOT_NEEDED - 1e-6, "looked_at_not_needed"),
        (LOOKED_AT - 1e-6, NOT_NEEDED - 1e-6, None),
        (LOOKED_AT, NOT_NEEDED, None),
        (NOT_LOOKED_AT, NEEDED, "needed_not_looked_at"),
        (NOT_LOOKED_AT + 1e-6, NEEDED, None),
        (NOT_LOOKED_AT, NEEDED - 1e-6, None),
    ],
)
def test_the_limits_are_those_of_the_rule(weight: float, change: float, kind: str | None) -> None:
    cells = disagreements(np.array([[weight, 1 - weight]]), np.array([[change]]), ("x",), ("y",))
    assert [each.kind for each in cells] == ([] if kind is None else [kind])
    for number in ("40\u00a0%", "20\u00a0%", "5\u00a0%", "4 times"):
        assert number in RULE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (math.log(4), "4 times"),
        (math.log(123), "120 times"),
        (math.log(5678), "5,700 times"),
        (50.0, "million"),
    ],
)
def test_messages_name_the_words_and_the_factor(change: float, said: str) -> None:
    (cell,) = disagreements(np.array([[0.0, 1.0]]), np.array([[change]]), ("noir",), ("black",))
    assert said in cell.message
    assert "“noir”" in cell.message
    assert "“black”" in cell.message
