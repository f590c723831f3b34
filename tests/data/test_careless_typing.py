"""Sentences typed in a hurry."""

from __future__ import annotations

import numpy as np
import pytest

from data.careless_typing import type_carelessly, without_final_mark

TEXTS = ["Where is my phone?", "¡Hola!", "Tom can't swim.", "...", "我不知道", "Straße"] * 500


def typed(share: float, seed: int = 1) -> dict[int, str]:
    return type_carelessly(TEXTS, share, np.random.default_rng(seed))


def test_what_may_become_of_a_text() -> None:
    whole = {text: set[str]() for text in TEXTS}
    for place, text in typed(1.0).items():
        whole[TEXTS[place]].add(text)
    assert whole == {
        "Where is my phone?": {
            "where is my phone?",
            "where is my phone",
            "WHERE IS MY PHONE?",
            "WHERE IS MY PHONE",
            "Where is my phone",
        },
        "¡Hola!": {"¡hola!", "hola", "¡HOLA!", "HOLA", "Hola"},
        "Tom can't swim.": {
            "tom can't swim.",
            "tom can't swim",
            "TOM CAN'T SWIM.",
            "TOM CAN'T SWIM",
            "Tom can't swim",
        },
        "...": set(),
        "我不知道": set(),
        "Straße": {"straße", "STRASSE"},
    }


def test_the_share_is_kept_to() -> None:
    changing = sum(text not in ("...", "我不知道", "Straße") for text in TEXTS)
    assert typed(0.0) == {}
    changed = [place for place in typed(0.3) if TEXTS[place] not in ("Straße",)]
    assert len(changed) / changing == pytest.approx(0.3, abs=0.04)


def test_the_same_seed_types_the_same() -> None:
    assert typed(0.3) == typed(0.3)
    assert typed(0.3).keys() != typed(0.3, seed=2).keys()


def test_what_is_chosen_does_not_hang_on_the_texts() -> None:
    random = np.random.default_rng(1)
    type_carelessly(TEXTS, 0.3, random)
    other = np.random.default_rng(1)
    type_carelessly(["我"] * len(TEXTS), 0.3, other)
    assert random.random() == other.random()


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Wait...", "Wait"),
        ("¿Qué?", "Qué"),
        ("Really ?!", "Really"),
        ("我不知道。", "我不知道"),
        ("ماذا؟", "ماذا"),
        ("No mark", "No mark"),
        ("?!", "?!"),
        ("", ""),
    ],
)
def test_final_marks(text: str, without: str) -> None:
    assert without_final_mark(text) == without
