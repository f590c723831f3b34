"""Divide sentence pairs into splits so that no sentence of one split occurs in another.

Tatoeba gives many sentences several translations. Cut anywhere, such a list puts the same English sentence
into training and test. Here pairs that share a sentence, on either side, directly or through other pairs,
form one group, and a group goes into one split as a whole.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

SPLITS = ("train", "validation", "test")
_NON_WORD = re.compile(r"\W+")


def normalise(sentence: str) -> str:
    """Reduce a sentence to what makes it the same as another: NFC, case folded, words only."""
    folded = unicodedata.normalize("NFC", sentence).casefold()
    return _NON_WORD.sub(" ", folded).strip()


def assign_splits(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Assign each pair to `train`, `validation` or `test`, about 96, 2 and 2 of each 100 groups.

    The split of a group depends on its smallest normalised first-language sentence alone, so that it stays
    the same whichever direction is translated, and whatever pairs are added that do not join the group. (One
    that joins it may bring a smaller sentence, and with it another split.)

    Args:
        pairs: (sentence in the first language, sentence in the second).

    Returns:
        One name of `SPLITS` for each pair.
    """
    group_of_sentence: dict[tuple[int, str], int] = {}
    parents: list[int] = []
    nodes = []
    for pair in pairs:
        first, second = (
            group_of_sentence.setdefault((side, normalise(sentence)), len(group_of_sentence))
            for side, sentence in enumerate(pair)
        )
        parents.extend(range(len(parents), len(group_of_sentence)))
        _join(parents, first, second)
        nodes.append(first)
    smallest: dict[int, str] = {}
    for (side, sentence), node in group_of_sentence.items():
        if side == 0:
            root = _root(parents, node)
            smallest[root] = min(smallest.get(root, sentence), sentence)
    return [_split_of(smallest[_root(parents, node)]) for node in nodes]


def _root(parents: list[int], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]  # halve the path, so that the next search is short
        node = parents[node]
    return node


def _join(parents: list[int], one: int, other: int) -> None:
    parents[_root(parents, one)] = _root(parents, other)


def _split_of(sentence: str) -> str:
    hundredth = int(hashlib.sha256(sentence.encode("utf-8")).hexdigest()[:8], 16) % 100
    if hundredth < 2:
        return "test"
    return "validation" if hundredth < 4 else "train"
