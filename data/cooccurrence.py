"""Which words meet in which sentence pairs: the one table that both directions of an aligner count in.

Pairs of the same two lengths lie together in one rectangle, so that every formula of an aligner is one array
operation over many sentence pairs, without padding and without masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.token_rows import TokenRows

# Entries (sentences * target words * source words) of one rectangle: what a formula takes at a time.
_LARGEST_RECTANGLE = 1 << 20


@dataclass(frozen=True)
class Rectangle:
    """Sentence pairs with the same number of source words and of target words.

    Attributes:
        rows: (pairs,), their numbers in the corpus.
        source: (pairs, source_words), word ids.
        target: (pairs, target_words), word ids.
        entries: (pairs, target_words, source_words) int32, the place of each meeting in the table.
    """

    rows: np.ndarray
    source: np.ndarray
    target: np.ndarray
    entries: np.ndarray


class Cooccurrences:
    """The table of all (source word, target word) that stand in one sentence pair, without repetition.

    Args:
        source: one row of word ids per pair.
        target: the same; pairs with an empty side are left out, and there has to be another.

    Attributes:
        source_words, target_words: how many ids each side has (the largest and one).
        source_of, target_of: (entries,), the two words of each entry; sorted by source, then by target.
        rectangles: all pairs, shortest first.
    """

    def __init__(self, source: TokenRows, target: TokenRows) -> None:
        self.source_words = int(source.tokens.max(initial=-1)) + 1
        self.target_words = int(target.tokens.max(initial=-1)) + 1
        shapes = [*same_shape(source, target)]
        codes = [self._codes(*both_sides(source, target, rows)) for rows in shapes]
        flat = np.concatenate([each.ravel() for each in codes])
        unique, places = np.unique(flat, return_inverse=True)
        self._unique = unique
        self.source_of, self.target_of = np.divmod(unique, self.target_words)
        borders = np.cumsum([each.size for each in codes])
        self.rectangles = [
            Rectangle(rows, *both_sides(source, target, rows), part.reshape(each.shape).astype(np.int32))
            for rows, each, part in zip(shapes, codes, np.split(places, borders[:-1]), strict=True)
        ]

    def __len__(self) -> int:
        return len(self._unique)

    def find(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Places of the meetings of any pairs of one shape.

        Args:
            source: (pairs, source_words) ids.
            target: (pairs, target_words) ids.

        Returns:
            (pairs, target_words, source_words), -1 where two words never met.
        """
        known = (target < self.target_words)[:, :, None] & (source < self.source_words)[:, None]
        codes = self._codes(source, target)
        places = np.minimum(np.searchsorted(self._unique, codes), len(self._unique) - 1)
        return np.where(known & (self._unique[places] == codes), places, -1)

    def _codes(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        # (pairs, target_words, 1) + (pairs, 1, source_words)
        return target[:, :, None] + source[:, None, :].astype(np.int64) * self.target_words


def both_sides(source: TokenRows, target: TokenRows, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ids of pairs of one shape: (pairs, source_words) and (pairs, target_words)."""
    return tuple(side.padded(rows, int(side.lengths[rows[0]])) for side in (source, target))  # type: ignore[return-value]


def same_shape(source: TokenRows, target: TokenRows) -> Iterator[np.ndarray]:
    """Numbers of pairs with equal lengths, (pairs,) each, a rectangle's worth; none with an empty side."""
    order = np.lexsort((target.lengths, source.lengths))
    order = order[(source.lengths[order] > 0) & (target.lengths[order] > 0)]
    shape = np.stack([source.lengths[order], target.lengths[order]])
    borders = np.flatnonzero(np.any(shape[:, 1:] != shape[:, :-1], axis=0)) + 1
    for rows in np.split(order, borders):
        if len(rows):
            cells = int(source.lengths[rows[0]] * target.lengths[rows[0]])
            parts = -(-len(rows) * cells // _LARGEST_RECTANGLE)
            yield from np.array_split(rows, min(parts, len(rows)))
