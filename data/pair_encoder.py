"""Read pairs from their store and turn them into token ids, keeping to a largest length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from data.batching import EncodedPairs
from data.careless_typing import CarelessTyping
from data.pair_store import PairStore
from data.special_ids import EOS_ID
from data.token_rows import TokenRows
from data.tokenizer import Tokenizer, TokenizerPair

# Python lists of ids are some ten times larger than the arrays they end in: never make many at once.
_PAIRS_PER_CHUNK = 4096

Progress = Callable[[int, int], None]


class Variation(NamedTuple):
    """How pairs are to differ from what the store has, at random.

    Attributes:
        sampling_alpha: of random segmentations, see `Tokenizer.sample_batch`; 0 for the usual ones.
        typing: of sources; None: as the store has them.
        seed: of this call; the two sides and the typing draw from it separately.
    """

    sampling_alpha: float
    typing: CarelessTyping | None
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Losses:
    """Pairs that are not what they were in the corpus.

    Attributes:
        too_long: left out because a side has more than `max_length` pieces.
        empty: left out because a side has no piece.
        cut: a side was cut to `max_length` pieces.
    """

    too_long: int = 0
    empty: int = 0
    cut: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(self.too_long + other.too_long, self.empty + other.empty, self.cut + other.cut)


class PairEncoder:
    """Encode pairs of a store by index; a small store only once."""

    def __init__(
        self,
        store: PairStore,
        tokenizers: TokenizerPair,
        *,
        max_length: int,
        drop: bool,
        cached: bool,
        progress: Progress | None = None,
    ) -> None:
        """
        Args:
            store: the text pairs.
            tokenizers: of the two sides.
            max_length: most pieces of a side, EOS not counted.
            drop: leave out pairs with a side that is longer, or empty; False cuts the longer side instead.
            cached: encode the whole store now and keep the token ids.
            progress: called with (pairs done, all pairs) while the store is encoded.
        """
        self._store = store
        self._tokenizers = tokenizers
        self._max_length = max_length
        self._drop = drop
        self._cache: EncodedPairs | None = None
        if cached:
            everything = np.arange(len(store), dtype=np.int32)
            parts = []
            for begin in range(0, len(store), _PAIRS_PER_CHUNK):
                parts.append(self._plain(everything[begin : begin + _PAIRS_PER_CHUNK]))
                if progress is not None:
                    progress(min(begin + _PAIRS_PER_CHUNK, len(store)), len(store))
            self._cache = EncodedPairs.concatenate(parts)

    @property
    def is_cached(self) -> bool:
        """True when the token ids of the whole store are in memory."""
        return self._cache is not None

    def encode(self, indices: np.ndarray, variation: Variation | None = None) -> tuple[EncodedPairs, Losses]:
        """The pairs at `indices` (n,), in order, those that are left out missing.

        Whether a pair is left out or cut depends on its usual form alone: a variation changes no count.
        """
        parts = [
            self._chunk(indices[begin : begin + _PAIRS_PER_CHUNK], begin, variation)
            for begin in range(0, len(indices), _PAIRS_PER_CHUNK)
        ]
        pairs = EncodedPairs.concatenate([part for part, _ in parts])
        return pairs, sum((losses for _, losses in parts), Losses())

    def _chunk(
        self, indices: np.ndarray, begin: int, variation: Variation | None
    ) -> tuple[EncodedPairs, Losses]:
        texts = None if self._cache is not None and variation is None else self._store.read(indices)
        pairs = self._cache.take(indices) if self._cache is not None else self._plain(indices, texts)
        limit = self._max_length + 1  # EOS
        longest = np.maximum(pairs.source.lengths, pairs.target.lengths)
        shortest = np.minimum(pairs.source.lengths, pairs.target.lengths)
        too_long, empty = longest > limit, shortest == 1
        if variation is not None and texts is not None:
            pairs = self._varied(pairs, texts, variation, begin)
        if not self._drop:
            return _cut(pairs, limit), Losses(cut=int(too_long.sum()))
        keep = ~(too_long | empty)
        losses = Losses(too_long=int(too_long.sum()), empty=int((empty & ~too_long).sum()))
        return (pairs if keep.all() else pairs.take(np.flatnonzero(keep))), losses

    def _plain(self, indices: np.ndarray, texts: list[tuple[str, str]] | None = None) -> EncodedPairs:
        texts = self._store.read(indices) if texts is None else texts
        return EncodedPairs(
            indices,
            self._rows(self._tokenizers.source.encode_batch([source for source, _ in texts])),
            self._rows(self._tokenizers.target.encode_batch([target for _, target in texts])),
        )

    def _varied(
        self, usual: EncodedPairs, texts: list[tuple[str, str]], variation: Variation, begin: int
    ) -> EncodedPairs:
        seeds = np.random.SeedSequence((*variation.seed, begin)).generate_state(3).tolist()
        sources, targets = [pair[0] for pair in texts], [pair[1] for pair in texts]
        typed: dict[int, str] = {}
        if variation.typing is not None:
            typed = variation.typing.type(sources, np.random.default_rng(seeds[2]))
        if variation.sampling_alpha == 0:
            tokens = self._tokenizers.source.encode_batch(list(typed.values()))
            return replace(usual, source=self._replaced(usual.source, list(typed), tokens))
        sources = [typed.get(place, text) for place, text in enumerate(sources)]

        def sampled(tokenizer: Tokenizer, side: list[str], rows: TokenRows, seed: int) -> TokenRows:
            tokens = tokenizer.sample_batch(side, alpha=variation.sampling_alpha, seed=seed)
            return self._replaced(rows, range(len(side)), tokens)

        return EncodedPairs(
            usual.indices,
            sampled(self._tokenizers.source, sources, usual.source, seeds[0]),
            sampled(self._tokenizers.target, targets, usual.target, seeds[1]),
        )

    def _replaced(self, usual: TokenRows, places: Sequence[int], tokens: list[list[int]]) -> TokenRows:
        """Rows of which those at `places` are others, but for what would be too long."""
        others = self._rows(tokens)
        fits = others.lengths <= self._max_length + 1  # EOS
        row_of = np.arange(len(usual))
        row_of[np.asarray(places, np.int64)[fits]] = len(usual) + np.flatnonzero(fits)
        return TokenRows.concatenate([usual, others]).take(row_of)

    def _rows(self, token_lists: list[list[int]]) -> TokenRows:
        for tokens in token_lists:
            tokens.append(EOS_ID)
        largest = max(self._tokenizers.source.vocabulary_size, self._tokenizers.target.vocabulary_size)
        return TokenRows.from_lists(token_lists, np.uint16 if largest <= 2**16 else np.int32)


def _cut(pairs: EncodedPairs, limit: int) -> EncodedPairs:
    return EncodedPairs(pairs.indices, pairs.source.cut(limit, EOS_ID), pairs.target.cut(limit, EOS_ID))
