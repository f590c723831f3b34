"""Which options make a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq.recipe import recipe_changes, recipe_fingerprint
from seq2seq.run_directory import RunDirectory
from tests.seq2seq.tiny_training import CONTENT, tiny_training


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"name": "other"},
        {"training": {**CONTENT["training"], "plot_sentences": 3}},
        {"training": {**CONTENT["training"], "batch_parts": 3}},
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
        ({"tokenizer": {**CONTENT["tokenizer"], "folder": "8k"}}, "tokenizer.folder: None -> 8k"),
        ({"evaluation": {"tokenized": True}}, "evaluation.tokenized: False -> True"),
        (
            {"training": {**CONTENT["training"], "guided_attention": {"weight": 0.5, "alignments": "links"}}},
            "training.guided_attention.alignments: None -> links",
        ),
    ],
)
def test_another_recipe(change: dict[str, Any], said: str) -> None:
    assert said in recipe_changes(tiny_training(), tiny_training(change))
    assert recipe_fingerprint(tiny_training(change)) != recipe_fingerprint(tiny_training())


def test_options_that_came_later_do_not_part_what_was_evaluated_before() -> None:
    """These scores were computed when there was no `data.careless_typing`."""
    root = Path(__file__).parents[2]
    name = "multi30k-en-fr"
    scores = json.loads((root / "docs" / "scores" / f"{name}.json").read_text(encoding="utf-8"))
    (run,) = scores["evaluations"][0]["system"]["runs"]
    assert recipe_fingerprint(RunDirectory(root / "models" / name).config) == run["recipe"]
