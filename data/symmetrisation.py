"""One alignment from the two directions' (Och and Ney 2003, section 4; Koehn, Och and Marcu 2003).

Everywhere two bool matrices, (target_words, source_words): `forward` has at most one link in a row, for the
source word that a target word was written from; `backward` has at most one in a column.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def intersection(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """The links of both."""
    return forward & backward


def union(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """The links of either."""
    return forward | backward


def grow_diag_final_and(forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """The intersection, grown by links of the union.

    First, as long as there are any: links next to one that is there (diagonally, too) of which one word has
    no link yet. Then those of `forward`, and then those of `backward`, of which both words have none.
    """
    chosen = forward & backward
    either = forward | backward
    free_target, free_source = ~chosen.any(axis=1), ~chosen.any(axis=0)

    def take(target: int, source: int) -> None:
        chosen[target, source] = True
        free_target[target] = free_source[source] = False

    waiting = [(int(target), int(source)) for target, source in np.argwhere(chosen)]
    while waiting:
        grown = []
        for target, source in waiting:
            for down, right in _NEIGHBOURS:
                near = target + down, source + right
                inside = 0 <= near[0] < chosen.shape[0] and 0 <= near[1] < chosen.shape[1]
                if not inside or not either[near] or chosen[near]:
                    continue
                if free_target[near[0]] or free_source[near[1]]:
                    take(*near)
                    grown.append(near)
        # A word only loses its freedom: what could not be taken next to an old link never can be.
        waiting = grown
    for direction in (forward, backward):
        for target, source in np.argwhere(direction & ~chosen):
            if free_target[target] and free_source[source]:
                take(target, source)
    return chosen


SYMMETRISATIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "intersection": intersection,
    "union": union,
    "grow-diag-final-and": grow_diag_final_and,
}
