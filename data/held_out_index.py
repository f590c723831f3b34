"""Which texts of the validation and test sets also stand in the training data, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.fingerprints import Fingerprints, pair_fingerprints, text_fingerprints


class PairKeys(NamedTuple):
    """The fingerprints of some sentence pairs, each (count,) uint64."""

    pair: Fingerprints
    source: Fingerprints
    target: Fingerprints


def pair_keys(pairs: list[tuple[str, str]]) -> PairKeys:
    """Return the fingerprints of `pairs`."""
    source = text_fingerprints(source for source, _ in pairs)
    target = text_fingerprints(target for _, target in pairs)
    return PairKeys(pair_fingerprints(source, target), source, target)


class HeldOutIndex:
    """Compares training pairs with the held-out sets, by whole pair, by source and by target.

    Args:
        sets: the fingerprints of every held-out set by its name, in the order of its pairs.
    """

    def __init__(self, sets: Mapping[str, PairKeys]) -> None:
        self._sets = sets
        self._known: dict[str, Fingerprints] = {}  # ascending
        self._met: dict[str, NDArray[np.bool_]] = {}
        for part in PairKeys._fields:
            columns = [getattr(keys, part) for keys in sets.values()]
            self._known[part] = np.unique(np.concatenate(columns)) if columns else np.zeros(0, np.uint64)
        self.forget()

    def forget(self) -> None:
        """Forget which held-out texts were met."""
        self._met = {part: np.zeros(len(known), np.bool_) for part, known in self._known.items()}

    def meet(self, keys: PairKeys, counts: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
        """Look training pairs up, and remember the held-out texts that they met.

        Args:
            keys: fingerprints of the training pairs, (count,) each.
            counts: (count,) bool; only these pairs are looked up.

        Returns:
            For `pair`, `source` and `target`, (count,) bool: that part of the pair is in a held-out set.
        """
        is_shared = {}
        for part, known in self._known.items():
            wanted = getattr(keys, part)
            if known.size:
                places = np.minimum(np.searchsorted(known, wanted), known.size - 1)
                is_shared[part] = (known[places] == wanted) & counts
                self._met[part][places[is_shared[part]]] = True
            else:
                is_shared[part] = np.zeros(len(wanted), np.bool_)
        return is_shared

    def met(self, name: str) -> dict[str, NDArray[np.bool_]]:
        """Return for `pair`, `source` and `target` which pairs of the set `name` were met, (count,) bool."""
        return {
            part: self._met[part][np.searchsorted(known, getattr(self._sets[name], part))]
            for part, known in self._known.items()
        }
