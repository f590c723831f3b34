"""Asks the API, and holds every answer to its description."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from seq2seq.inspector import schemas

ANSWERS: dict[str, type[BaseModel]] = {
    "/health": schemas.HealthAnswer,
    "/api/models": schemas.ModelsAnswer,
    "/api/translate": schemas.TranslateAnswer,
    "/api/score": schemas.ScoreAnswer,
    "/api/alternatives": schemas.AlternativesAnswer,
    "/api/pin": schemas.PinAnswer,
    "/api/why": schemas.WhyAnswer,
    "/api/beam": schemas.BeamAnswer,
}


class Asking:
    """A client for tests.

    Args:
        client: of the application, such as `fastapi.testclient.TestClient`.
    """

    def __init__(self, client: Any) -> None:
        self.client = client

    def get(self, path: str) -> Any:
        return _checked(path, self.client.get(path), 200)

    def post(self, path: str, *, status: int = 200, **body: Any) -> Any:
        return _checked(path, self.client.post(path, json=body), status)


async def stays() -> bool:
    """A client that does not go away; what `Questions` asks while it waits."""
    return False


def assert_close(found: Any, expected: Any) -> None:
    """Equal, but for the last digits of numbers: sums come out differently in batches of other shapes."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for name in found:
            assert_close(found[name], expected[name])
    elif isinstance(found, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_close(*pair)
    elif isinstance(found, float):
        assert found == pytest.approx(expected, abs=1e-4)
    else:
        assert found == expected


def _checked(path: str, response: Any, status: int) -> Any:
    assert response.status_code == status, response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    content = json.loads(response.text, parse_constant=_no_such_number)
    model = ANSWERS[path] if status == 200 else schemas.ErrorAnswer
    # Nothing missing, nothing of another type, and nothing that is not described.
    described = model.model_validate(content, strict=True).model_dump()
    assert _names(content) <= _names(described)
    return content


def _no_such_number(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def _names(content: Any, path: str = "") -> set[str]:
    """The paths of all fields, list places left out."""
    if isinstance(content, dict):
        return {path}.union(*(_names(value, f"{path}.{name}") for name, value in content.items()))
    if isinstance(content, list):
        return {path}.union(*(_names(value, path) for value in content))
    return {path}
