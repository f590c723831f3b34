"""Choose the few padded shapes of a corpus so that little of a batch is padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ShapeGrid:
    """The allowed (source length, target length) rectangles, and which one a pair goes to.

    Attributes:
        shapes: (shapes, 2) int64, source and target length, EOS included. One of them holds every pair.
        smallest: (longest + 1, longest + 1) int32: for each source and target length the index of the shape
            with the fewest positions (source plus target) that holds both.
    """

    shapes: np.ndarray
    smallest: np.ndarray

    @classmethod
    def fit(
        cls,
        source_lengths: np.ndarray,
        target_lengths: np.ndarray,
        *,
        longest: int,
        max_shapes: int,
    ) -> ShapeGrid:
        """Choose shapes for these lengths.

        The target lengths are cut into slabs, and the source lengths of each slab into steps of its own. Both
        cuts are optimal for their number of parts (dynamic programming over the histogram); how many slabs to
        make is decided by trying, comparing the padding that is left, source share plus target share.

        Args:
            source_lengths: (pairs,) tokens with EOS, between 1 and `longest`; at least one pair.
            target_lengths: (pairs,) the same for the target side.
            longest: the largest length that can occur. One shape is always (longest, longest),
                and one is made of the longest source and the longest target given.
            max_shapes: at most this many shapes.
        """
        shapes = {(longest, longest)}
        if max_shapes > 1:
            # For batches of mixed shapes, which would otherwise all take the largest.
            shapes.add((int(source_lengths.max()), int(target_lengths.max())))
        if max_shapes > len(shapes):
            shapes |= _best_division(source_lengths, target_lengths, max_shapes - len(shapes))
        ordered = np.array(sorted(shapes, key=lambda shape: (shape[1], shape[0])), dtype=np.int64)
        smallest = np.zeros((longest + 1, longest + 1), dtype=np.int32)
        # The largest first, so that what is left in each place is the smallest that reaches it.
        for index in np.argsort(-ordered.sum(axis=1), kind="stable"):
            source_length, target_length = ordered[index]
            smallest[: source_length + 1, : target_length + 1] = index
        return cls(ordered, smallest)


def _best_division(sources: np.ndarray, targets: np.ndarray, shape_count: int) -> set[tuple[int, int]]:
    # A square division would have the root of shape_count slabs; far more or fewer never won in a trial.
    most_slabs = min(shape_count, 2 + round(2 * shape_count**0.5))
    slabs_by_count = _all_optimal_steps(targets, most_slabs)
    best_cost, best = np.inf, set[tuple[int, int]]()
    for borders in slabs_by_count:
        slab_of_pair = np.searchsorted(borders, targets)
        members = [sources[slab_of_pair == slab] for slab in range(len(borders))]
        steps = _share_steps(members, shape_count)
        padded_targets = sum(len(member) * border for member, border in zip(members, borders, strict=True))
        padded_sources = sum(_padded_size(member, step) for member, step in zip(members, steps, strict=True))
        cost = padded_targets / targets.sum() + padded_sources / sources.sum()
        if cost < best_cost:
            best_cost = cost
            best = {(int(s), int(t)) for t, step in zip(borders, steps, strict=True) for s in step}
    return best


def _share_steps(members: list[np.ndarray], shape_count: int) -> list[np.ndarray]:
    """Source steps for each slab: one each, and the rest where one more saves the most padding."""
    most = min(shape_count - len(members) + 1, 2 + 2 * shape_count // len(members))
    options = [_all_optimal_steps(member, most) for member in members]
    sizes = [[_padded_size(m, step) for step in option] for m, option in zip(members, options, strict=True)]
    chosen = [0] * len(members)
    for _ in range(shape_count - len(members)):
        gains = [
            size[taken] - size[taken + 1] if taken + 1 < len(size) else 0
            for size, taken in zip(sizes, chosen, strict=True)
        ]
        if max(gains) <= 0:
            break
        chosen[int(np.argmax(gains))] += 1
    return [option[taken] for option, taken in zip(options, chosen, strict=True)]


def _padded_size(lengths: np.ndarray, steps: np.ndarray) -> int:
    return int(steps[np.searchsorted(steps, lengths)].sum())


def _all_optimal_steps(lengths: np.ndarray, most: int) -> list[np.ndarray]:
    """For 1, 2, … `most` steps: the steps (the last is the longest length) that leave the least padding."""
    values, counts = np.unique(lengths, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])
    # size[i, j]: positions when the lengths values[i] … values[j] are all padded to values[j].
    size = np.where(
        np.arange(len(values))[:, None] <= np.arange(len(values)),
        (below[1:] - below[:-1, None]) * values,
        np.inf,
    )
    cost = size[0]
    cuts: list[np.ndarray] = []  # cuts[k][j]: where the last of k + 2 parts that end at j begins
    solutions = [values[-1:]]
    for parts in range(2, min(most, len(values)) + 1):
        # total[i, j]: the best for the values before i in parts - 1 parts, and one part from i to j.
        total = np.concatenate([[np.inf], cost[:-1]])[:, None] + size
        cuts.append(np.argmin(total, axis=0))
        cost = np.min(total, axis=0)
        ends, end = [], len(values) - 1
        for part in range(parts - 2, -1, -1):
            ends.append(end)
            end = int(cuts[part][end]) - 1
        ends.append(end)
        solutions.append(values[ends[::-1]])
    return solutions
