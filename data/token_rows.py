"""Many token sequences of different lengths in two flat arrays, and their padded rectangle."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data.special_ids import PAD_ID


@dataclass(frozen=True)
class TokenRows:
    """Ragged rows of token ids.

    Attributes:
        tokens: all rows one after the other, (sum of lengths,), an unsigned or signed integer type.
        lengths: (rows,) int64.
    """

    tokens: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def from_lists(cls, rows: Sequence[Sequence[int]], dtype: np.typing.DTypeLike) -> TokenRows:
        """Copy Python lists into flat arrays."""
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        tokens = np.fromiter(itertools.chain.from_iterable(rows), dtype=dtype, count=int(lengths.sum()))
        return cls(tokens, lengths)

    @classmethod
    def concatenate(cls, parts: Sequence[TokenRows]) -> TokenRows:
        """The rows of all parts, in order."""
        return cls(
            np.concatenate([part.tokens for part in parts]), np.concatenate([part.lengths for part in parts])
        )

    def take(self, rows: np.ndarray) -> TokenRows:
        """The rows at `rows` (n,), in that order."""
        lengths = self.lengths[rows]
        return TokenRows(self.tokens[self._positions(rows, lengths)], lengths)

    def cut(self, longest: int, last_token: int) -> TokenRows:
        """Rows of at most `longest` tokens; a row that was longer ends with `last_token`."""
        if not len(self) or self.lengths.max() <= longest:
            return self
        lengths = np.minimum(self.lengths, longest)
        ends = np.cumsum(lengths)
        tokens = self.tokens[self._positions(np.arange(len(self)), lengths)]
        tokens[ends[self.lengths > longest] - 1] = last_token
        return TokenRows(tokens, lengths)

    def padded(self, rows: np.ndarray, width: int) -> np.ndarray:
        """The rows at `rows` (n,) as (n, width) int32, PAD after each row's end."""
        lengths = self.lengths[rows]
        rectangle = np.full((len(rows), width), PAD_ID, dtype=np.int32)
        rectangle[np.arange(width) < lengths[:, None]] = self.tokens[self._positions(rows, lengths)]
        return rectangle

    def _positions(self, rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Where the tokens of these rows stand in the flat array, (sum of lengths,)."""
        ends = np.cumsum(lengths)
        return np.arange(ends[-1] if len(ends) else 0) + np.repeat(
            self._starts[rows] - (ends - lengths), lengths
        )

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.cumsum(self.lengths) - self.lengths
