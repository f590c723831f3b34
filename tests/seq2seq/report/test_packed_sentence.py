"""A packed sentence: what is rounded for the page, and what it must not be rounded to."""

from __future__ import annotations

import numpy as np

from seq2seq.report.packed_sentence import packed_translation
from seq2seq.translation import Hypothesis, Translation
from tests.browser.answers import segmented, soft_diagonal


def test_no_probability_is_rounded_to_certain_or_impossible():
    probabilities = np.array([0.99997, 0.00004, 1.0, 0.123456])
    target = segmented("a b c")
    with np.errstate(divide="ignore"):
        logs = np.log(probabilities)
    hypothesis = Hypothesis(target, logs, float(logs.sum()), -1.0, True, soft_diagonal(4, 3))
    packed = packed_translation(Translation(segmented("x y"), (hypothesis,)))
    assert packed["target"]["token_probabilities"] == [0.9999, 0.0001, 1.0, 0.1235]
