"""Is the p-value that of the definition?"""

from __future__ import annotations

from itertools import product

import pytest
from sacrebleu.metrics import CHRF

from seq2seq.comparison import compare

REFERENCES = ["a dog runs", "the cat sleeps", "two men talk", "a red house", "the sun is up", "she reads"]
REFERENCES += ["a boat", "we eat"]
OLD = ["a dog run", "the cat sleeps", "two man", "a house", "the sun", "he reads", "a boat", "they eat"]
NEW = [
    "a dog runs",
    "a cat sleeps",
    "two men walk",
    "a red house",
    "the sun is",
    "she reads",
    "boat",
    "we eat",
]


def report(hypotheses: list[str]) -> dict[str, object]:
    rows = [{"hypothesis": each, "references": [of]} for each, of in zip(hypotheses, REFERENCES, strict=True)]
    return {"set": "test", "set_fingerprint": "same", "sentences": rows}


def exact_p_value() -> float:
    """Of all the ways in which the two translations of each sentence could have changed places."""

    def difference(swapped: tuple[bool, ...]) -> float:
        first = [new if swap else old for old, new, swap in zip(OLD, NEW, swapped, strict=True)]
        second = [old if swap else new for old, new, swap in zip(OLD, NEW, swapped, strict=True)]
        score = CHRF().corpus_score
        return abs(score(second, [REFERENCES]).score - score(first, [REFERENCES]).score)

    found = difference((False,) * len(OLD))
    ways = list(product((False, True), repeat=len(OLD)))
    # Those that differ as much are the found one itself and its mirror; sacrebleu counts what is larger.
    return sum(difference(way) > found + 1e-9 for way in ways) / len(ways)


def test_the_p_value_is_two_sided_and_that_of_all_permutations() -> None:
    exact = exact_p_value()
    assert 0.02 < exact < 0.5
    chrf = compare(report(NEW), report(OLD), "13a", trials=20_000)["chrf"]
    assert chrf["p_value"] == pytest.approx(exact, abs=0.01)
    back = compare(report(OLD), report(NEW), "13a", trials=20_000)["chrf"]
    assert back["p_value"] == pytest.approx(chrf["p_value"], abs=0.01)  # whichever is called the baseline
    assert chrf["system_interval"] > 0
    assert chrf["baseline_interval"] > 0


def test_equal_translations_do_not_differ() -> None:
    found = compare(report(OLD), report(OLD), "13a")
    assert found["bleu"]["p_value"] == found["chrf"]["p_value"] == 1
