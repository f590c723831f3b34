"""Group encoded pairs into batches of an allowed shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.shape_grid import ShapeGrid
from data.special_ids import BOS_ID, PAD_ID
from data.token_rows import TokenRows


class Batch(NamedTuple):
    """One padded batch; everything is int32, PAD (0) follows the last token of a row.

    Attributes:
        source_tokens: (batch, source_length), x + EOS.
        target_input_tokens: (batch, target_length), BOS + y.
        target_output_tokens: (batch, target_length), y + EOS.
        indices: (batch,), each pair's index in its store.
    """

    source_tokens: np.ndarray
    target_input_tokens: np.ndarray
    target_output_tokens: np.ndarray
    indices: np.ndarray


@dataclass(frozen=True)
class EncodedPairs:
    """Pairs as token ids; every row of both sides ends with EOS.

    Attributes:
        indices: (pairs,) int32, each pair's index in its store.
        source: one row per pair.
        target: one row per pair.
    """

    indices: np.ndarray
    source: TokenRows
    target: TokenRows

    def __len__(self) -> int:
        return len(self.indices)

    @classmethod
    def concatenate(cls, parts: Sequence[EncodedPairs]) -> EncodedPairs:
        """The pairs of all parts, in order."""
        return cls(
            np.concatenate([part.indices for part in parts]),
            TokenRows.concatenate([part.source for part in parts]),
            TokenRows.concatenate([part.target for part in parts]),
        )

    def take(self, rows: np.ndarray) -> EncodedPairs:
        """The pairs at `rows` (n,), in that order."""
        return EncodedPairs(self.indices[rows], self.source.take(rows), self.target.take(rows))

    def batch(self, rows: np.ndarray, source_length: int, target_length: int) -> Batch:
        """The pairs at `rows` (n,), padded to the given lengths."""
        target_output = self.target.padded(rows, target_length)
        target_input = np.empty_like(target_output)
        target_input[:, 0] = BOS_ID
        # Shifted by one; a column that is PAD in the output would otherwise receive the row's EOS.
        target_input[:, 1:] = np.where(target_output[:, 1:] == PAD_ID, PAD_ID, target_output[:, :-1])
        return Batch(self.source.padded(rows, source_length), target_input, target_output, self.indices[rows])


class PlannedBatch(NamedTuple):
    """Which pairs make a batch, and how long its sides are.

    Attributes:
        rows: (batch,) places in an `EncodedPairs`.
        source_length: padded length of the source side.
        target_length: padded length of the target side.
    """

    rows: np.ndarray
    source_length: int
    target_length: int


class BatchPlanner:
    """Cut a window of pairs into full batches, each of one of the grid's shapes.

    Pairs of the same shape are batched together. What does not fill a batch is sorted by length and batched
    across shapes; what does not fill a batch of those either is left over for the next window.
    """

    def __init__(self, grid: ShapeGrid, *, batch_size: int | None, tokens_per_batch: int | None) -> None:
        """
        Args:
            grid: the allowed shapes.
            batch_size: sentences per batch; or
            tokens_per_batch: at most this many positions, padding included, on the longer side of a batch
                (but never less than one pair). The sentences are rounded down to a multiple of 8.
        """
        self._grid = grid
        if batch_size is not None:
            self._sizes = np.full(len(grid.shapes), batch_size)
        elif tokens_per_batch is not None:
            sizes = tokens_per_batch // grid.shapes.max(axis=1)
            self._sizes = np.where(sizes >= 8, sizes // 8 * 8, np.maximum(sizes, 1))
        else:
            raise ValueError("give batch_size or tokens_per_batch")
        slab_ends = np.unique(grid.shapes[:, 1])
        self._slab_of_shape = np.searchsorted(slab_ends, grid.shapes[:, 1])

    def full_batches(self, pairs: EncodedPairs) -> tuple[list[PlannedBatch], np.ndarray]:
        """All full batches, short shapes first, and the rows left over (fewer than one batch)."""
        shape_of_pair = self._grid.smallest[pairs.source.lengths, pairs.target.lengths]
        by_shape = np.argsort(shape_of_pair, kind="stable")
        borders = np.searchsorted(shape_of_pair[by_shape], np.arange(len(self._sizes) + 1))
        batches: list[PlannedBatch] = []
        unfilled: list[np.ndarray] = []
        for shape, size in enumerate(self._sizes.tolist()):
            members = by_shape[borders[shape] : borders[shape + 1]]
            full = len(members) // size * size
            batches += [self._planned(rows, shape) for rows in members[:full].reshape(-1, size)]
            unfilled.append(members[full:])
        mixed, left_over = self._mixed_batches(pairs, np.concatenate(unfilled), shape_of_pair)
        return batches + mixed, left_over

    def last_batch(self, pairs: EncodedPairs, rows: np.ndarray) -> PlannedBatch:
        """One partial batch of `rows`, which `full_batches` left over."""
        return self._planned(rows, self._shape_holding(pairs, rows))

    def _mixed_batches(
        self, pairs: EncodedPairs, rows: np.ndarray, shape_of_pair: np.ndarray
    ) -> tuple[list[PlannedBatch], np.ndarray]:
        # Slab by slab, the source length rising in one slab and falling in the next, so that neighbours in
        # this order are near in both lengths. The longest come first: the pairs left over are short ones.
        slab = self._slab_of_shape[shape_of_pair[rows]]
        source_lengths = pairs.source.lengths[rows]
        rows = rows[np.lexsort((np.where(slab % 2 == 0, source_lengths, -source_lengths), slab))[::-1]]
        batches: list[PlannedBatch] = []
        begin = 0
        while begin < len(rows):
            shape, size = self._fitting_shape(pairs, rows[begin:])
            if size > len(rows) - begin:
                break
            batches.append(self._planned(rows[begin : begin + size], shape))
            begin += size
        return batches, rows[begin:]

    def _fitting_shape(self, pairs: EncodedPairs, rows: np.ndarray) -> tuple[int, int]:
        """A shape that holds as many of the first rows as a batch of that shape has; and that number."""
        shape = self._shape_holding(pairs, rows[:1])
        size = int(self._sizes[shape])
        while True:
            shape = self._shape_holding(pairs, rows[:size])
            if self._sizes[shape] >= size:
                return shape, size
            size = int(self._sizes[shape])

    def _shape_holding(self, pairs: EncodedPairs, rows: np.ndarray) -> int:
        return int(self._grid.smallest[pairs.source.lengths[rows].max(), pairs.target.lengths[rows].max()])

    def _planned(self, rows: np.ndarray, shape: int) -> PlannedBatch:
        source_length, target_length = self._grid.shapes[shape].tolist()
        return PlannedBatch(rows, source_length, target_length)
