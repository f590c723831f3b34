"""What a sentence pattern of the starter corpus is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from data.starter_pools import Weighted


class Pattern(NamedTuple):
    """A weighted sentence rule in the notation of `data.starter_phrases`, with pools for its slots."""

    weight: float
    source: str
    target: str
    pools: Mapping[str, Weighted]


def only(pool: Sequence[Any]) -> Weighted:
    """One pool, without a choice."""
    return ((1.0, pool),)


def scaled(patterns: Sequence[Pattern], weight: float) -> list[Pattern]:
    """The patterns with their weights scaled so that they add up to `weight`."""
    total = sum(pattern.weight for pattern in patterns)
    return [pattern._replace(weight=pattern.weight * weight / total) for pattern in patterns]
