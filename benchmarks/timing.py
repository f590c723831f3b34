"""How long something takes: warm-up, repeated runs, variants in turn within one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Work = Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """The seconds of each timed call, in the order in which they were made."""

    seconds: tuple[float, ...]

    @property
    def milliseconds(self) -> list[float]:
        """Of each call."""
        return [1000 * each for each in self.seconds]

    def rates(self, count: float) -> list[float]:
        """What each call did in a second when it did `count` of something."""
        return [count / each for each in self.seconds]

    def times_as_fast_as(self, other: Timing) -> list[float]:
        """How many times shorter each call is than the other's at the same place of the same run."""
        return [theirs / own for own, theirs in zip(self.seconds, other.seconds, strict=True)]

    def percentile(self, percent: float) -> float:
        """Seconds within which this share of the calls ended."""
        return float(np.percentile(self.seconds, percent))


def timed(work: Work) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def repeat(work: Work, *, runs: int, warm_up: int = 1) -> Timing:
    """Call `work` `warm_up` times untimed (graphs are built then), and `runs` times timed."""
    for _ in range(warm_up):
        work()
    return Timing(tuple(timed(work) for _ in range(runs)))


def alternate(
    variants: Mapping[str, Work], *, rounds: int, calls_per_turn: int = 1, warm_up: int = 1
) -> dict[str, Timing]:
    """Time variants in turn, so that a busy moment of the machine meets all of them.

    Each round begins with another variant. A turn starts with one untimed call, which brings the variant's
    own data back into the caches when there is more than one variant.

    Args:
        variants: what to time, by name.
        rounds: how many turns each variant gets.
        calls_per_turn: timed calls of a turn.
        warm_up: untimed calls of each variant before the first round.

    Returns:
        For each variant the timing of its `rounds * calls_per_turn` calls. Calls at the same place belong to
        the same round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for work in variants.values():
        for _ in range(warm_up):
            work()
    names = list(variants)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if len(names) > 1:
                variants[name]()
            seconds[name] += [timed(variants[name]) for _ in range(calls_per_turn)]
    return {name: Timing(tuple(each)) for name, each in seconds.items()}
