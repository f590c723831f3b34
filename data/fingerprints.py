"""Which texts were seen before, remembered in 64 bits each instead of as strings.

A set of Python strings takes some 200 bytes for a sentence pair, a gigabyte for 5 million of them. Here a
text is a 64-bit fingerprint. Two different texts share one with probability 2^-64, so among n texts some two
do with probability about n^2 / 2^65: 7e-7 for 5 million, 3e-4 for 100 million. What is at stake is one
sentence pair wrongly taken for a duplicate. Fingerprints depend on the text alone, not on the process or the
machine, so that cleaning always keeps the same pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Fingerprints = NDArray[np.uint64]

_EMPTY_SLOT = np.uint64(0)
_FULLEST_LOAD = 0.75
_GROWTH = 1.5


def text_fingerprints(texts: Iterable[str]) -> Fingerprints:
    """Return the fingerprint of each text, (count,) uint64."""
    digests = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64, copy=False)


def pair_fingerprints(source: Fingerprints, target: Fingerprints) -> Fingerprints:
    """Return the fingerprint of each (source, target), (count,) uint64; (a, b) and (b, a) differ."""
    return _mix(source ^ _mix(target + np.uint64(0x9E3779B97F4A7C15)))


def _mix(values: Fingerprints) -> Fingerprints:
    """Spread every input bit over all output bits, one to one (the last step of SplitMix64, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class FingerprintSet:
    """A set of fingerprints in one array: open addressing with linear probing, filled in batches.

    It takes 11 to 16 bytes per fingerprint, and as much again for the moment in which it grows.
    """

    def __init__(self) -> None:
        self._slots: Fingerprints = np.zeros(1 << 12, np.uint64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes held by the table."""
        return self._slots.nbytes

    def add(self, fingerprints: Fingerprints) -> NDArray[np.bool_]:
        """Add fingerprints and tell which of them are new.

        Args:
            fingerprints: (count,) uint64.

        Returns:
            (count,) bool: True where the value was not in the set and is not earlier in `fingerprints`.
        """
        # 0 marks an empty slot, so the text with fingerprint 0 shares that of the text with fingerprint 1.
        values, first_places = np.unique(np.maximum(fingerprints, np.uint64(1)), return_index=True)
        self._grow_to_hold(self._size + len(values))
        is_new = np.zeros(len(fingerprints), np.bool_)
        is_new[first_places[self._insert(values)]] = True
        self._size += int(np.count_nonzero(is_new))
        return is_new

    def _insert(self, values: Fingerprints) -> NDArray[np.bool_]:
        """Insert distinct values, all of them probing in step; tell which were absent."""
        is_new = np.zeros(len(values), np.bool_)
        waiting = np.arange(len(values))
        slots = values % np.uint64(len(self._slots))
        while waiting.size:
            wanted = values[waiting]
            found = self._slots[slots]
            empty = found == _EMPTY_SLOT
            # Several values may want one empty slot: the last write stays; reading back shows whose it was.
            self._slots[slots[empty]] = wanted[empty]
            placed = empty & (self._slots[slots] == wanted)
            is_new[waiting[placed]] = True
            unsettled = ~(placed | (found == wanted))
            waiting = waiting[unsettled]
            slots = (slots[unsettled] + np.uint64(1)) % np.uint64(len(self._slots))
        return is_new

    def _grow_to_hold(self, size: int) -> None:
        if size <= _FULLEST_LOAD * len(self._slots):
            return
        held = self._slots[self._slots != _EMPTY_SLOT]
        needed = int(size / _FULLEST_LOAD) + 1
        self._slots = np.zeros(max(needed, int(len(self._slots) * _GROWTH)), np.uint64)
        # In portions, so that the arrays of `_insert` stay small beside the table.
        for start in range(0, len(held), 1 << 16):
            self._insert(held[start : start + (1 << 16)])
