"""What rounding to half precision changed, and when that is too much."""

from __future__ import annotations

from typing import Any

import pytest

from data.errors import UserError
from seq2seq.halving import LARGEST_LOSS, compare_halves


def report(bleu: float, *hypotheses: str) -> dict[str, Any]:
    return {
        "set": "validation",
        "scores": {
            "bleu": {"score": bleu, "signature": "of BLEU"},
            "chrf": {"score": 50.0, "signature": "of chrF"},
            "perplexity": {"per_token": 5.0},
        },
        "options": {"beam_size": 4},
        "sentences": [{"hypothesis": text} for text in hypotheses],
    }


def test_equal_translations_are_counted() -> None:
    compared = compare_halves(report(30.0, "a", "b", "c"), report(29.9, "a", "x", "c"))
    assert (compared["same_translations"], compared["sentences"], compared["beam_size"]) == (2, 3, 4)
    assert (compared["float32"]["bleu"], compared["float16"]["bleu"]) == (30.0, 29.9)
    assert compared["signatures"] == {"bleu": "of BLEU", "chrf": "of chrF"}


def test_a_gain_of_any_size_is_no_loss() -> None:
    assert compare_halves(report(30.0, "a"), report(35.0, "b"))["float16"]["bleu"] == 35.0


def test_more_than_chance_is_refused() -> None:
    assert compare_halves(report(30.0, "a"), report(30.0 - LARGEST_LOSS + 0.01, "b"))
    with pytest.raises(UserError, match=r"loses 0\.25 BLEU on the validation split \(from 30\.00 to 29\.75"):
        compare_halves(report(30.0, "a"), report(29.75, "b"))
