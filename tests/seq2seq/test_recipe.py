"""Which options make a recipe."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq.recipe import recipe_changes, recipe_fingerprint
from tests.seq2seq.tiny_training import CONTENT, tiny_training


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"name": "other"},
        {"training": {**CONTENT["training"], "plot_sentences": 3}},
        {"evaluation": {"paper_convention": True}},
    ],
)
def test_the_same_recipe(change: dict[str, Any]) -> None:
    assert recipe_changes(tiny_training(), tiny_training(change)) == []
    assert recipe_fingerprint(tiny_training(change)) == recipe_fingerprint(tiny_training())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": {**CONTENT["model"], "embedding_dropout": 0.4}}, "model.embedding_dropout: 0.3 -> 0.4"),
        ({"training": {**CONTENT["training"], "epochs": 9}}, "training.epochs: 1 -> 9"),
        (
            {"data": {**CONTENT["data"], "back_translation": {"model": "other"}}},
            "data.back_translation.model: not set -> other",
        ),
    ],
)
def test_another_recipe(change: dict[str, Any], said: str) -> None:
    assert said in recipe_changes(tiny_training(), tiny_training(change))
    assert recipe_fingerprint(tiny_training(change)) != recipe_fingerprint(tiny_training())
