"""Which repetitions of a test run every day: parameters that show the same property once more are slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def rest_slow(values: Sequence[Any], daily: int = 1) -> list[Any]:
    """Parameters of a test: the first `daily` of `values` as they are, the others for `make test-slow`.

    A tuple among the values is several parameters.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if place < daily else pytest.mark.slow,
        )
        for place, value in enumerate(values)
    ]
