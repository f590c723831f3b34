"""Readings of one forced decoding, and what they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seq2seq.alignment import PharaohLine
from seq2seq.alignment_readings import alignment_readings, statistical_readings
from seq2seq.evaluation import EvaluationOptions, EvaluationSet
from seq2seq.search_options import SearchOptions
from seq2seq.translation import Translation
from tests.seq2seq.evaluation_examples import DictionaryTranslator

SOURCES = ("a dog runs", "the black cat", "")
TARGETS = ("ein Hund rennt", "die schwarze Katze", "")
OPTIONS = EvaluationOptions(search=SearchOptions())
STRAIGHT = frozenset({(0, 0), (1, 1), (2, 2)})


def evaluation_set(*gold: frozenset) -> EvaluationSet:
    lines = tuple(PharaohLine(each, each) for each in gold)
    return EvaluationSet("animals", SOURCES, tuple((each,) for each in TARGETS), lines)


def readings(gold: list[frozenset], links: dict[int, int] | None = None, **more: Any) -> dict[str, Any]:
    rows = alignment_readings(DictionaryTranslator({}, links=links), evaluation_set(*gold), OPTIONS, **more)
    return {row["reading"]: row for row in rows}


def test_each_reading_has_a_score() -> None:
    found = readings([STRAIGHT, STRAIGHT, frozenset()])
    assert [*found] == [
        "argmax",
        "threshold",
        "intersection",
        "argmax, one step earlier",
        "argmax, one step later",
        "diagonal",
    ]
    assert found["argmax"]["aer"] == found["threshold"]["aer"] == found["diagonal"]["aer"] == 0
    assert found["argmax"]["predicted_links"] == 6
    # A row too late or too early links each word to its neighbour's source word.
    assert found["argmax, one step earlier"]["aer"] == found["argmax, one step later"]["aer"] == 1
    assert found["argmax, one step later"]["predicted_links"] == 4


def test_a_step_too_late_is_told_from_one_too_early() -> None:
    """Row i looks where word i + 1 comes from: read one step earlier it is right."""
    late = {0: 1, 1: 2}
    found = readings([STRAIGHT, STRAIGHT, frozenset()], links=late)
    assert found["argmax, one step earlier"]["precision"] == 1
    assert found["argmax, one step earlier"]["recall"] == pytest.approx(2 / 3)
    assert found["argmax"]["aer"] > 0.5
    assert found["argmax, one step later"]["precision"] == 0


def test_two_directions() -> None:
    """The model back looks, from source word 0, at target word 1, and straight otherwise."""
    back = DictionaryTranslator({}, links={0: 1})
    found = readings([STRAIGHT, STRAIGHT, frozenset()], backward=back)
    assert found["argmax of the model back"]["predicted_links"] == 6
    assert found["argmax of the model back"]["precision"] == pytest.approx(4 / 6)
    assert found["both models, intersection"]["predicted_links"] == 4
    assert found["both models, intersection"]["precision"] == 1
    assert found["both models, union"]["predicted_links"] == 8
    assert found["both models, union"]["recall"] == 1
    # Both links that only one model has are beside (1, 1), and each still finds a free word.
    assert found["both models, grow-diag-final-and"]["aer"] == pytest.approx(1 / 7)


def test_posterior_readings_are_made_from_what_the_posterior_gives() -> None:
    """A posterior that looks one source word too late: its readings are wrong, those of attention are not."""

    def late(translations: Sequence[Translation]) -> list[Translation]:
        return [
            replace(
                each,
                hypotheses=(replace(each.best, attention=np.roll(each.best.attention, 1, axis=1)),)
                if each.best
                else (),
            )
            for each in translations
        ]

    gold = [STRAIGHT, STRAIGHT, frozenset()]
    found = readings(gold, posterior=late)
    assert found["argmax"]["aer"] == 0
    assert found["posterior, argmax"]["precision"] == 0
    assert {name for name in found if name.startswith("posterior")} == {
        "posterior, argmax",
        "posterior, threshold",
        "posterior, intersection",
    }
    both = readings(gold, posterior=late, backward=DictionaryTranslator({}), posterior_backward=late)
    assert both["both models, union"]["aer"] == 0
    assert both["posterior, both models, union"]["precision"] == 0


def test_statistical_aligner_as_baseline() -> None:
    training = [
        ("a dog", "ein Hund"),
        ("a cat", "eine Katze"),
        ("the dog", "der Hund"),
        ("black cat", "schwarze Katze"),
        ("the cat runs", "die Katze rennt"),
        ("a black dog", "ein schwarzer Hund"),
    ] * 3
    found = readings([STRAIGHT, STRAIGHT, frozenset()], aligner_pairs=training)
    assert found["statistical aligner, grow-diag-final-and"]["aer"] < 0.2
    assert {name for name in found if name.startswith("statistical")} == {
        "statistical aligner, intersection",
        "statistical aligner, union",
        "statistical aligner, grow-diag-final-and",
    }
    links = statistical_readings(training, [("the dog", "der Hund"), ("", "nichts")], "unicode")
    assert links["statistical aligner, grow-diag-final-and"] == [frozenset({(0, 0), (1, 1)}), frozenset()]


def test_without_gold_there_is_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="no gold alignment"):
        alignment_readings(
            DictionaryTranslator({}),
            EvaluationSet("animals", SOURCES, tuple((each,) for each in TARGETS), None),
            OPTIONS,
        )
