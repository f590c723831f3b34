"""Text pairs → padded batches: encode, filter, group by length, shuffle reproducibly, read ahead.

An epoch is a permutation of the store's pairs, drawn from (seed, epoch) and cut into windows. Each window is
encoded, sorted into shapes and shuffled batch by batch; pairs that fill no batch wait for the next window.
Nothing here depends on what was iterated before, so an epoch can be entered at any batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from data.batching import Batch, BatchPlanner, EncodedPairs, PlannedBatch
from data.careless_typing import CarelessTyping
from data.errors import DataError
from data.pair_encoder import Losses, PairEncoder, Progress, Variation
from data.pair_store import PairStore
from data.prefetch import prefetched
from data.shape_grid import ShapeGrid
from data.tokenizer import TokenizerPair

# What a random stream is for; the streams of one (seed, epoch) must differ.
_ORDER, _BATCH_ORDER, _VARIATION, _SURVEY = 1, 2, 3, 4
# The order of an epoch is drawn afresh, but the allowed shapes are those of all epochs.
_EVERY_EPOCH = 0
_SURVEYED_PAIRS = 20_000


@dataclass(frozen=True)
class EpochReport:
    """What one epoch's batches hold.

    Attributes:
        pairs: pairs in the batches.
        dropped_too_long: pairs left out because a side has more than `max_length` pieces.
        dropped_empty: pairs left out because a side has no piece at all.
        cut: pairs of which a side was cut to `max_length` pieces.
        batches: number of batches.
        shapes: number of distinct (sentences, source length, target length).
        source_tokens: real source tokens, EOS included.
        target_tokens: real target tokens, EOS included.
        source_padding: share of the source positions that is padding, 0 to 1.
        target_padding: share of the target positions that is padding, 0 to 1.
    """

    pairs: int
    dropped_too_long: int
    dropped_empty: int
    cut: int
    batches: int
    shapes: int
    source_tokens: int
    target_tokens: int
    source_padding: float
    target_padding: float

    def __str__(self) -> str:
        return (
            f"{self.pairs:,} pairs in {self.batches:,} batches of {self.shapes} shapes; "
            f"padding {self.source_padding:.1%} source, {self.target_padding:.1%} target; "
            f"left out {self.dropped_too_long:,} too long, {self.dropped_empty:,} empty; cut {self.cut:,}"
        )


class BatchPipeline:
    """Batches of a `PairStore`, the same ones for the same (seed, epoch) on every machine."""

    def __init__(
        self,
        store: PairStore,
        tokenizers: TokenizerPair,
        *,
        batch_size: int | None = None,
        tokens_per_batch: int | None = None,
        max_length: int = 128,
        too_long: Literal["drop", "cut"] = "drop",
        shuffle: bool = True,
        seed: int = 0,
        sampling_alpha: float = 0.0,
        careless_typing: CarelessTyping | None = None,
        max_shapes: int = 40,
        window_pairs: int = 32_768,
        cached_pairs: int = 300_000,
        prefetched_batches: int = 16,
        progress: Progress | None = None,
        in_turn: Sequence[int] = (),
        turn_epochs: int | None = None,
    ) -> None:
        """
        Args:
            store: the text pairs.
            tokenizers: of the two sides.
            batch_size: sentences per batch; or
            tokens_per_batch: at most this many positions, padding included, on the longer side of a batch.
            max_length: the largest number of pieces of a side, EOS not counted.
            too_long: "drop" leaves out pairs of which a side has more than `max_length` pieces or none (for
                training); "cut" keeps the first `max_length` pieces and loses no pair (for evaluation).
            shuffle: False keeps windows in the store's order; the batches of a window rise in length.
            seed: of order, sampling and typing, not negative.
            sampling_alpha: above 0 draws a new segmentation of every text in every epoch, see
                `Tokenizer.sample_batch`. One that is longer than `max_length` is replaced by the usual one,
                so that every epoch has the same pairs.
            careless_typing: of sources, others in every epoch. One that is longer than `max_length` then
                stays as it is. None: there is none.
            max_shapes: at most this many (source length, target length) rectangles.
            window_pairs: pairs that are in memory and sorted together.
            cached_pairs: a store of at most this many pairs is encoded once and stays in memory as token ids.
            prefetched_batches: how many batches a background thread prepares ahead; 0 for no thread.
            progress: called with (pairs done, all pairs) while a small store is encoded for the first time.
            in_turn: the last pairs of the store are parts of these sizes, of which an epoch has one: the
                first epoch the first part, the next one the second, and so on in a circle. What stands
                before them is in every epoch.
            turn_epochs: later epochs than the first so many have none of the parts; None: all have one.

        Raises:
            DataError: a setting is out of range.
        """
        if (batch_size is None) == (tokens_per_batch is None):
            raise DataError("set either batch_size or tokens_per_batch, not both and not neither.")
        positive = {
            "batch_size": batch_size,
            "tokens_per_batch": tokens_per_batch,
            "max_length": max_length,
            "max_shapes": max_shapes,
            "window_pairs": window_pairs,
        }
        for name, value in positive.items():
            if value is not None and value < 1:
                raise DataError(f"{name} must be at least 1, not {value}.")
        if seed < 0 or sampling_alpha < 0:
            raise DataError(f"seed and sampling_alpha cannot be negative: {seed}, {sampling_alpha}.")
        if min(in_turn, default=0) < 0 or sum(in_turn) >= len(store):
            raise DataError(
                "in_turn cannot be negative, and must leave pairs for every epoch: "
                f"{list(in_turn)} of {len(store)}."
            )
        self.store = store
        self._seed = seed
        self._shuffle = shuffle
        self._alpha = sampling_alpha
        self._typing = careless_typing
        self._is_varied = sampling_alpha > 0 or careless_typing is not None
        self._batch_size = batch_size
        self._tokens_per_batch = tokens_per_batch
        self._max_length = max_length
        self._max_shapes = max_shapes
        self._window_pairs = window_pairs
        self._prefetched_batches = prefetched_batches
        self._encoder = PairEncoder(
            store,
            tokenizers,
            max_length=max_length,
            drop=too_long == "drop",
            cached=len(store) <= cached_pairs,
            progress=progress,
        )
        # Where each part of the store begins and ends: first what is in every epoch, then what is in turn.
        sizes = [len(store) - sum(in_turn), *in_turn]
        ends = np.cumsum(sizes).tolist()
        self._parts = [range(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self._turn_epochs = turn_epochs
        # How many pairs are kept of epochs with these parts: known after one of them.
        self._kept_pairs: dict[tuple[int, ...], int] = {}
        self._kept_of_parts: list[int] | None = None

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from number `start` on; a background thread works ahead.

        Args:
            epoch: from 0.
            start: exactly this many batches are left out; they are planned, but never built.

        Raises:
            DataError: no pair of the store can be used.
        """
        return prefetched(lambda: self._batches(epoch, start), self._prefetched_batches)

    def batch_count(self, epoch: int = 0) -> int | None:
        """How many batches the epoch has; None when that is not known without encoding a large store.

        It is always known with `batch_size` when the store is small enough for the cache, after
        `count_pairs`, or once a whole epoch was iterated.
        """
        if self._batch_size is not None and (kept := self.kept_pairs(epoch)) is not None:
            return -(-kept // self._batch_size)
        if self._encoder.is_cached and not self._is_varied:
            return self.report(epoch).batches
        return None

    def batch_counts(self, epochs: int) -> list[int] | None:
        """How many batches each of the first epochs has; None where that is not known, see `batch_count`.

        Epochs of the same pairs differ by a few batches at most, and only with `tokens_per_batch`: the first
        of them stands for all.
        """
        counts: dict[tuple[int, ...], int | None] = {}
        for epoch in range(epochs):
            if self._parts_of(epoch) not in counts:
                counts[self._parts_of(epoch)] = self.batch_count(epoch)
        if None in counts.values():
            return None
        return [counts[self._parts_of(epoch)] or 0 for epoch in range(epochs)]

    def pair_count(self, epoch: int = 0) -> int:
        """How many pairs an epoch draws from, also those that are too long or empty."""
        return sum(len(self._parts[part]) for part in self._parts_of(epoch))

    def kept_pairs(self, epoch: int = 0) -> int | None:
        """How many pairs an epoch has, those too long or empty left out.

        None when that is not known without encoding a large store.
        """
        if self._encoder.is_cached:
            self.count_pairs()
        return self._kept_pairs.get(self._parts_of(epoch))

    def count_pairs(self, progress: Progress | None = None) -> int:
        """How many pairs of the store are neither too long nor empty.

        Afterwards `kept_pairs` knows its answer. A store that is not cached is encoded for this, once, and
        nothing of it is kept.

        Args:
            progress: called with (pairs done, all pairs) after each window.
        """
        if self._kept_of_parts is None:
            self._kept_of_parts = [self._count_kept(part, progress) for part in self._parts]
            always, *in_turn = self._kept_of_parts
            self._kept_pairs = {(0, part): always + kept for part, kept in enumerate(in_turn, start=1)}
            self._kept_pairs[(0,)] = always
        return sum(self._kept_of_parts)

    def _count_kept(self, places: range, progress: Progress | None) -> int:
        kept = 0
        for begin in range(places.start, places.stop, self._window_pairs):
            end = min(begin + self._window_pairs, places.stop)
            kept += len(self._encoder.encode(np.arange(begin, end, dtype=np.int32))[0])
            if progress is not None:
                progress(end, len(self.store))
        return kept

    def _parts_of(self, epoch: int) -> tuple[int, ...]:
        """The numbers of the parts of the store that an epoch draws from."""
        turns = len(self._parts) - 1
        if not turns or (self._turn_epochs is not None and epoch >= self._turn_epochs):
            return (0,)
        return (0, 1 + epoch % turns)

    def report(self, epoch: int = 0) -> EpochReport:
        """Plan a whole epoch and count it. A store that is not cached is encoded for this."""
        losses = Losses()
        sizes, used = [], []
        for pairs, window_losses, planned in self._windows(epoch):
            losses += window_losses
            for rows, source_length, target_length in planned:
                sizes.append((len(rows), source_length, target_length))
                used.append((pairs.source.lengths[rows].sum(), pairs.target.lengths[rows].sum()))
        shapes = np.array(sizes, dtype=np.int64)  # (batches, [sentences, source length, target length])
        source_tokens, target_tokens = np.array(used, dtype=np.int64).sum(axis=0).tolist()
        return EpochReport(
            pairs=int(shapes[:, 0].sum()),
            dropped_too_long=losses.too_long,
            dropped_empty=losses.empty,
            cut=losses.cut,
            batches=len(shapes),
            shapes=len(np.unique(shapes, axis=0)),
            source_tokens=source_tokens,
            target_tokens=target_tokens,
            source_padding=1 - source_tokens / int((shapes[:, 0] * shapes[:, 1]).sum()),
            target_padding=1 - target_tokens / int((shapes[:, 0] * shapes[:, 2]).sum()),
        )

    def _batches(self, epoch: int, start: int) -> Iterator[Batch]:
        to_skip = start
        for pairs, _, planned in self._windows(epoch):
            for rows, source_length, target_length in planned[to_skip:]:
                yield pairs.batch(rows, source_length, target_length)
            to_skip = max(0, to_skip - len(planned))

    def _windows(self, epoch: int) -> Iterator[tuple[EncodedPairs, Losses, list[PlannedBatch]]]:
        """Each window's pairs (with those left over before), what was lost, and the ordered batches."""
        order = self._order(epoch)
        window_count = -(-len(order) // self._window_pairs)
        waiting: EncodedPairs | None = None
        kept = 0
        for number, indices in enumerate(np.array_split(order, window_count)):
            pairs, losses = self._encoder.encode(indices, self._variation(epoch, _VARIATION, number))
            kept += len(pairs)
            if waiting is not None:
                pairs = EncodedPairs.concatenate([waiting, pairs])
            batches, left_over = self._planner.full_batches(pairs)
            if self._shuffle:
                random = self._random(epoch, _BATCH_ORDER, number)
                batches = [batches[place] for place in random.permutation(len(batches))]
            else:
                batches.sort(key=lambda batch: (batch.target_length, batch.source_length))
            is_last = number == window_count - 1
            if is_last and len(left_over):
                batches.append(self._planner.last_batch(pairs, left_over))
            waiting = pairs.take(left_over)
            yield pairs, losses, batches
        self._kept_pairs[self._parts_of(epoch)] = kept

    def _order(self, epoch: int) -> np.ndarray:
        # int32: a permutation of five million pairs takes 20 MB.
        parts = [self._parts[part] for part in self._parts_of(epoch)]
        order = np.concatenate([np.arange(part.start, part.stop, dtype=np.int32) for part in parts])
        if self._shuffle:
            self._random(epoch, _ORDER, 0).shuffle(order)
        return order

    @cached_property
    def _planner(self) -> BatchPlanner:
        grid = self.shape_grid
        return BatchPlanner(grid, batch_size=self._batch_size, tokens_per_batch=self._tokens_per_batch)

    @cached_property
    def shape_grid(self) -> ShapeGrid:
        """The allowed padded lengths, chosen from a survey of pairs spread over the store.

        Raises:
            DataError: no surveyed pair can be used.
        """
        surveyed = len(self.store) if self._encoder.is_cached and not self._is_varied else _SURVEYED_PAIRS
        places = np.linspace(0, len(self.store) - 1, min(surveyed, len(self.store)))
        variation = self._variation(_EVERY_EPOCH, _SURVEY, 0)
        pairs, losses = self._encoder.encode(places.astype(np.int32), variation)
        if not len(pairs):
            raise DataError(
                f"{self.store.folder}: none of {len(places)} sentence pairs can be used: "
                f"{losses.too_long} have more than {self._max_length} pieces on a side, "
                f"{losses.empty} have an empty side. Raise max_length, or look at the corpus."
            )
        return ShapeGrid.fit(
            pairs.source.lengths,
            pairs.target.lengths,
            longest=self._max_length + 1,
            max_shapes=self._max_shapes,
        )

    def _variation(self, epoch: int, purpose: int, number: int) -> Variation | None:
        if not self._is_varied:
            return None
        return Variation(self._alpha, self._typing, (self._seed, epoch, purpose, number))

    def _random(self, epoch: int, purpose: int, number: int) -> np.random.Generator:
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence((self._seed, epoch, purpose, number)))
        )
