"""Probabilities as they are written: 0 and 1 are only said of 0 and 1."""

from __future__ import annotations

import pytest

from seq2seq.rounding import rounded_probability


@pytest.mark.parametrize(
    ("probability", "written"),
    [
        (0.0, 0.0),
        (1.0, 1.0),
        (1.0000001, 1.0),  # a sum of rounded logarithms
        (1 / 3, 0.33333),
        (0.012345678, 0.01235),
        (0.0012345678, 0.001235),
        (4.1234e-6, 4.123e-6),
        (0.9999971234, 0.999997123),
        (3.21987e-30, 3.22e-30),
    ],
)
def test_few_digits_and_never_another_thing(probability: float, written: float) -> None:
    assert rounded_probability(probability) == written


def test_what_is_not_certain_is_not_written_so() -> None:
    nearly = 1 - 2**-53
    assert rounded_probability(5e-324) > 0
    assert rounded_probability(nearly) < 1
    assert rounded_probability(0.99912345678) == 0.9991235
