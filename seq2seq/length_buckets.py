"""Groups of sentences by the number of words of their source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import TypeVar

# Of the first words of each group: short enough to see where quality falls, wide enough to hold sentences.
_STARTS = (0, 1, 5, 10, 15, 20, 30, 50)

_Item = TypeVar("_Item")


def bucket_label(words: int) -> str:
    """The name of the group that a source of so many words belongs to: `10-14`, `50+`, `0`."""
    place = bisect_right(_STARTS, words) - 1
    start = _STARTS[place]
    if place == len(_STARTS) - 1:
        return f"{start}+"
    last = _STARTS[place + 1] - 1
    return str(start) if last == start else f"{start}-{last}"


def by_source_length(items: Iterable[_Item], source_words: Callable[[_Item], int]) -> dict[str, list[_Item]]:
    """Put each item into its group; shortest first, groups without an item left out."""
    groups: dict[str, list[_Item]] = {bucket_label(start): [] for start in _STARTS}
    for item in items:
        groups[bucket_label(source_words(item))].append(item)
    return {label: group for label, group in groups.items() if group}
