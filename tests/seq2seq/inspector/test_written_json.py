"""Answers are the JSON of the standard library, written in small portions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seq2seq.inspector import written_json as module
from seq2seq.inspector.written_json import written_json

MATRIX = [[0.25, 1.0], [0.0, 1e-05]]
HYPOTHESIS = {"text": 'Ein "Hund" \\ 😀 \u2028', "weights": MATRIX, "finished": True, "score": None}
ANSWER = {"model": "tiny", "empty": [{}, [], ""], "translations": [{"hypotheses": [HYPOTHESIS] * 3}] * 4}


@pytest.mark.parametrize("content", [ANSWER, [], {}, "ü", None, [[[[[[[1.5]]]]]]], {"a": {"b": {"c": {}}}}])
def test_is_what_json_dumps_writes(content: Any) -> None:
    assert written_json(content) == json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def test_no_portion_is_longer_than_the_weights_of_a_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    dumped, portions = module._dumped, []

    def noted(value: Any) -> str:
        portions.append(dumped(value))
        return portions[-1]

    monkeypatch.setattr(module, "_dumped", noted)
    written_json(ANSWER)
    assert max(map(len, portions)) == len(dumped(MATRIX))


def test_what_is_no_number_is_no_json() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        written_json({"translations": [{"score": float("nan")}]})
