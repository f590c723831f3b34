"""Sentence rules and the enumeration of their sentences.

A rule whose slots have pools of sizes n1, n2, ... has n1 * n2 * ... sentences. They are numbered in mixed
radix and visited in the order of a keyed permutation, so that no sentence comes twice and nothing has to be
remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from data.starter_phrases import Phrase, Token, join_words, parse_rule

_MASK = (1 << 64) - 1
# Odd, so that multiplication is invertible on any number of low bits.
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def mix(value: int) -> int:
    """Scramble an integer into 64 bits (the finaliser of SplitMix64; Steele, Lea & Flood, 2014)."""
    value = (value + _MULTIPLIERS[0]) & _MASK
    value = ((value ^ (value >> 30)) * _MULTIPLIERS[1]) & _MASK
    value = ((value ^ (value >> 27)) * _MULTIPLIERS[2]) & _MASK
    return value ^ (value >> 31)


class Permutation:
    """A keyed permutation of range(size): a bijection of whole bits, walked until it is in the range."""

    __slots__ = ("_mask", "_offset", "_shift", "_size")

    def __init__(self, size: int, key: int):
        bits = max(2, (size - 1).bit_length())
        self._size = size
        self._mask = (1 << bits) - 1
        self._shift = (bits + 1) // 2
        self._offset = mix(key)

    def __call__(self, position: int) -> int:
        mask, shift, offset, size = self._mask, self._shift, self._offset, self._size
        first, second, third = _MULTIPLIERS
        while True:
            position = ((position + offset) * first) & mask
            position ^= position >> shift
            position = ((position ^ (offset >> 32)) * second) & mask
            position ^= position >> shift
            position = (position * third) & mask
            position ^= position >> shift
            if position < size:
                return position


class SentenceRule:
    """A pair of rules, in the notation of `data.starter_phrases`, made ready to be filled quickly.

    A slot `{verb:subject}` takes from its pool a table and from the table the phrase for the agreement of the
    subject; with two controllers the pool holds tables of tables.
    """

    def __init__(self, source: str, target: str):
        source_tokens, target_tokens = parse_rule(source), parse_rule(target)
        controllers: dict[str, tuple[str, ...]] = {}
        for token in (*source_tokens, *target_tokens):
            if token.slot:
                controllers[token.slot] = token.controllers or controllers.get(token.slot, ())
        # A phrase can only agree with one that is chosen already.
        self.slots = tuple(sorted(controllers, key=lambda slot: len(controllers[slot])))
        index = {slot: i for i, slot in enumerate(self.slots)}
        self._controllers = tuple(tuple(index[name] for name in controllers[slot]) for slot in self.slots)
        self._source_items = [index.get(token.slot, -1) for token in source_tokens]
        self._target_items = [index.get(token.slot, -1) for token in target_tokens]
        self._source_format = _format(source_tokens, index, "source")
        self._target_format = _format(target_tokens, index, "target")
        self._word_links = []
        self._slot_links = []
        for (i, a), (j, b) in product(enumerate(source_tokens), enumerate(target_tokens)):
            if a.slot and a.slot == b.slot:
                self._slot_links.append((index[a.slot], i, j))
            elif not a.marks.isdisjoint(b.marks):
                self._word_links.append((i, j))

    def phrases(self, pools: Sequence[Sequence[Any]], number: int) -> list[Phrase]:
        """The phrases of sentence `number`, from one pool for each of `slots`."""
        chosen: list[Phrase] = []
        for pool, controllers in zip(pools, self._controllers, strict=True):
            number, digit = divmod(number, len(pool))
            choice = pool[digit]
            for controller in controllers:
                choice = choice[chosen[controller].agreement]
            chosen.append(choice)
        return chosen

    def texts(self, phrases: Sequence[Phrase]) -> tuple[str, str]:
        """Both sentences, before capitals and elision between phrases."""
        return (
            self._source_format.format(*[phrase.source for phrase in phrases]),
            self._target_format.format(*[phrase.target for phrase in phrases]),
        )

    def alignment(self, phrases: Sequence[Phrase]) -> frozenset[tuple[int, int]]:
        """The gold links (source word, target word) of the sentence made of these phrases."""
        source_starts = _starts(self._source_items, [len(phrase.source_words) for phrase in phrases])
        target_starts = _starts(self._target_items, [len(phrase.target_words) for phrase in phrases])
        links = [(source_starts[i], target_starts[j]) for i, j in self._word_links]
        for slot, i, j in self._slot_links:
            source_start, target_start = source_starts[i], target_starts[j]
            links += [(source_start + k, target_start + m) for k, m in phrases[slot].links]
        return frozenset(links)


def _starts(items: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """Word position at which every item of a rule starts; -1 is a single word."""
    position = 0
    starts = []
    for slot in items:
        starts.append(position)
        position += 1 if slot < 0 else lengths[slot]
    return starts


def _format(tokens: Sequence[Token], index: dict[str, int], side: str) -> str:
    return join_words([f"{{{index[token.slot]}}}" if token.slot else token.word for token in tokens], side)
