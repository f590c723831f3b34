"""Drawing sentences from the patterns of the starter corpus.

A pattern offers one or several weighted pools for every slot. One way to choose the pools is a frame: its
sentences are enumerated in a pseudo-random order without repetition, and a frame that is used up is passed
over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

from data.starter_clauses import clause_patterns
from data.starter_frames import Permutation, SentenceRule, mix
from data.starter_idioms import idiom_patterns
from data.starter_patterns import Pattern
from data.starter_phrases import Phrase
from data.starter_questions import question_patterns
from data.starter_statements import statement_patterns

_RESOLUTION = 1 << 16  # of the weights of the pools
_GIVE_UP_AFTER = 100_000  # draws in a row that all hit a frame that is used up


class Derivation(NamedTuple):
    """One sentence pair before it is written out."""

    rule: SentenceRule
    phrases: list[Phrase]


class _Frame:
    """One choice of pools, and how far its enumeration has come."""

    __slots__ = ("drawn", "order", "pools", "size")

    def __init__(self, pools: tuple[Sequence[Any], ...], key: int):
        self.pools = pools
        self.size = prod(len(pool) for pool in pools)
        self.order = Permutation(self.size, key)
        self.drawn = 0


class _PatternSampler:
    """Draws sentences of one pattern."""

    def __init__(self, pattern: Pattern, key: int):
        self.rule = SentenceRule(pattern.source, pattern.target)
        self._key = key
        self._pools = []
        self._thresholds = []
        for slot in self.rule.slots:
            weights, pools = zip(*pattern.pools[slot], strict=True)
            self._pools.append(pools)
            cumulative = list(accumulate(weights))
            self._thresholds.append([round(_RESOLUTION * weight / cumulative[-1]) for weight in cumulative])
        self._frames: dict[int, _Frame] = {}

    def draw(self, random_bits: int) -> list[Phrase] | None:
        """The next sentence of a frame chosen by `random_bits`, or None if the frame is used up."""
        number = 0
        chosen = []
        for pools, thresholds in zip(self._pools, self._thresholds, strict=True):
            if len(pools) > 1:
                random_bits, part = divmod(random_bits, _RESOLUTION)
                choice = bisect_right(thresholds, part)
                number = number * len(pools) + choice
                chosen.append(choice)
            else:
                chosen.append(0)
        frame = self._frames.get(number)
        if frame is None:
            pools = tuple(pools[choice] for pools, choice in zip(self._pools, chosen, strict=True))
            frame = self._frames[number] = _Frame(pools, mix(self._key + number))
        if frame.drawn >= frame.size:
            return None
        position = frame.order(frame.drawn)
        frame.drawn += 1
        return self.rule.phrases(frame.pools, position)


@cache
def all_patterns() -> tuple[Pattern, ...]:
    """The whole grammar, in a fixed order."""
    return (*statement_patterns(), *clause_patterns(), *idiom_patterns(), *question_patterns())


def derivations(seed: int) -> Iterator[Derivation]:
    """Sentence pairs in the order of `seed`, until (almost) every sentence of the grammar was drawn."""
    patterns = all_patterns()
    samplers = [_PatternSampler(pattern, mix(mix(seed) + i)) for i, pattern in enumerate(patterns)]
    # Whole numbers, so that the choice does not depend on how a platform rounds.
    cumulative = list(accumulate(max(1, round(pattern.weight * 1_000_000)) for pattern in patterns))
    total = cumulative[-1]
    state = mix(seed ^ 0x5EED)
    misses = 0
    while misses < _GIVE_UP_AFTER:
        state = mix(state)
        sampler = samplers[bisect_right(cumulative, state % total)]
        phrases = sampler.draw(mix(state ^ 0xF0A3E))
        if phrases is None:
            misses += 1
            continue
        misses = 0
        yield Derivation(sampler.rule, phrases)
