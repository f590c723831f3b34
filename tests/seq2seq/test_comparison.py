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


def exact_p_value(old: list[str], new: list[str]) -> float:
    """Of all the ways in which the two translations of each sentence could have changed places."""

    def difference(swapped: tuple[bool, ...]) -> float:
        pairs = [(b, a) if swap else (a, b) for a, b, swap in zip(old, new, swapped, strict=True)]
        first, second = ([pair[side] for pair in pairs] for side in (0, 1))
        score = CHRF().corpus_score
        return abs(score(second, [REFERENCES]).score - score(first, [REFERENCES]).score)

    found = difference((False,) * len(old))
    ways = list(product((False, True), repeat=len(old)))
    return sum(difference(way) > found - 1e-9 for way in ways) / len(ways)


def test_the_p_value_is_two_sided_and_that_of_all_permutations() -> None:
    exact = exact_p_value(OLD, NEW)
    assert 0.02 < exact < 0.5
    chrf = compare(report(NEW), report(OLD), "13a", trials=20_000)["chrf"]
    assert chrf["p_value"] == pytest.approx(exact, abs=0.01)
    back = compare(report(OLD), report(NEW), "13a", trials=20_000)["chrf"]
    assert back["p_value"] == pytest.approx(chrf["p_value"], abs=0.01)  # whichever is called the baseline
    assert chrf["system_interval"] > 0
    assert chrf["baseline_interval"] > 0


@pytest.mark.parametrize(("differing", "p_value"), [(1, 1.0), (2, 0.5), (3, 0.25)])
def test_few_translations_that_differ_prove_nothing(differing: int, p_value: float) -> None:
    """Each of them is better, so no trial has a larger difference; but many have the same."""
    worse = [f"{text.split()[0]} x" for text in REFERENCES]
    old = [*worse[:differing], *REFERENCES[differing:]]
    assert exact_p_value(old, REFERENCES) == p_value
    chrf = compare(report(REFERENCES), report(old), "13a")["chrf"]
    assert chrf["p_value"] == pytest.approx(p_value, abs=0.01)


def test_equal_translations_do_not_differ() -> None:
    found = compare(report(OLD), report(OLD), "13a")
    assert found["bleu"]["p_value"] == found["chrf"]["p_value"] == 1
