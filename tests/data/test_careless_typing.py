"""Sentences typed in a hurry."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from data.careless_typing import CarelessTyping, WayOfTyping, without_marks
from data.errors import DataError


@pytest.mark.parametrize(
    ("way", "text", "typed"),
    [
        (WayOfTyping("lower"), "Where does Tom's wife live?", "where does tom's wife live?"),
        (WayOfTyping("first lower"), "Where does Tom's wife live?", "where does Tom's wife live?"),
        (WayOfTyping("capitals"), "Where does Tom's wife live?", "WHERE DOES TOM'S WIFE LIVE?"),
        (WayOfTyping(marks=False), "Where does Tom's wife live?", "Where does Tom's wife live"),
        (WayOfTyping(apostrophes=False), "She doesn’t say 'hi'.", "She doesnt say 'hi'."),
        (WayOfTyping("lower", marks=False, apostrophes=False), "It's Tom.", "its tom"),
        (WayOfTyping("capitals"), "Straße", "STRASSE"),
        (WayOfTyping("lower"), "ΟΔΟΣ", "οδος"),
        (WayOfTyping("capitals", marks=False), "我不知道。", "我不知道"),
        # A corpus in lower case has no sentence in capitals, and Georgian has no capitals to speak of.
        (WayOfTyping("capitals"), "two dogs .", "two dogs ."),
        (WayOfTyping("capitals"), "ქართული", "ქართული"),
        (WayOfTyping("lower", marks=False, apostrophes=False), "", ""),
    ],
)
def test_ways_of_typing(way: WayOfTyping, text: str, typed: str) -> None:
    assert way(text) == typed


@pytest.mark.parametrize("language", ["tr", "az"])
def test_capitals_of_turkish_are_its_own(language: str) -> None:
    assert WayOfTyping("lower")("İyi misin Irmak", language) == "iyi misin ırmak"
    assert WayOfTyping("capitals")("İyi misin Irmak", language) == "İYİ MİSİN IRMAK"


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Wait...", "Wait"),
        ("Really ?!", "Really"),
        ("Où est-il\u00a0?", "Où est-il"),
        ("¿Qué? No sé.", "Qué? No sé"),
        ("Hola, ¿ qué tal?", "Hola, qué tal"),
        ("我不知道。", "我不知道"),
        ("ماذا؟", "ماذا"),
        ("No mark", "No mark"),
        ("¿?!", "¿?!"),
        ("", ""),
    ],
)
def test_marks(text: str, without: str) -> None:
    assert without_marks(text) == without


def chosen(share: float, seed: int = 1) -> dict[int, WayOfTyping]:
    return CarelessTyping(share).choose(10_000, np.random.default_rng(seed))


def test_the_share_is_kept_to_and_every_way_occurs() -> None:
    assert chosen(0.0) == {}
    assert len(chosen(1.0)) == 10_000
    ways = chosen(0.3)
    assert len(ways) / 10_000 == pytest.approx(0.3, abs=0.02)
    letters = Counter(way.letters for way in ways.values())
    assert {name: round(count / len(ways), 1) for name, count in letters.items()} == {
        "lower": 0.4,
        "first lower": 0.2,
        "capitals": pytest.approx(0.2, abs=0.11),
        "usual": pytest.approx(0.2, abs=0.11),
    }
    assert all(way != WayOfTyping() for way in ways.values())
    for attribute in ("marks", "apostrophes"):
        assert {getattr(way, attribute) for way in ways.values()} == {True, False}


def test_the_same_seed_chooses_the_same() -> None:
    assert chosen(0.3) == chosen(0.3)
    assert chosen(0.3).keys() != chosen(0.3, seed=2).keys()


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(DataError, match="a share of the sentences, 0 to 1"):
        CarelessTyping(share)
