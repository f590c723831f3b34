"""JSON in small portions: the encoder keeps the whole process waiting for as long as it writes one value."""

from __future__ import annotations

import json
from typing import Any

# Down to the matrices of a hypothesis: answer, translations, translation, hypotheses, hypothesis.
_LEVELS = 5


def written_json(content: Any) -> bytes:
    """The same JSON as `json.dumps` writes without spaces, of dictionaries whose keys are text.

    A long answer is written in a thread of its own, which lets others go on between two values.

    Raises:
        ValueError: there is a number that JSON has not (NaN, infinity).
    """
    return _portion(content, _LEVELS).encode("utf-8")


def _portion(content: Any, levels: int) -> str:
    if levels and isinstance(content, dict):
        return "{" + ",".join(f"{_dumped(k)}:{_portion(v, levels - 1)}" for k, v in content.items()) + "}"
    if levels and isinstance(content, list):
        return "[" + ",".join(_portion(value, levels - 1) for value in content) + "]"
    return _dumped(content)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
