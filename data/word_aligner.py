"""A statistical word aligner: which target word translates which source word, learnt from pairs alone.

Two models, one that writes the target from the source and one the other way round, are trained together by
expectation maximisation: first by words and relative position (`diagonal_alignment.py`), then as hidden
Markov models (`jump_alignment.py`). From the second round on they have to agree: a link counts with the
product of the probabilities that the two give it (Liang, Taskar and Klein 2006, "Alignment by Agreement",
section 4.2). One direction alone links rare words to everything; what both believe is mostly right.

The same pairs and settings give the same aligner, in every process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.cooccurrence import Cooccurrences, Rectangle, both_sides, same_shape
from data.diagonal_alignment import diagonal_links
from data.errors import DataError
from data.jump_alignment import expectations, jump_widths, transitions
from data.symmetrisation import SYMMETRISATIONS
from data.token_rows import TokenRows

# Probability of words that never met in training; small beside that of any that did.
NEVER_MET = 1e-9


@dataclass(frozen=True)
class AlignerSettings:
    """How an aligner is trained.

    Attributes:
        diagonal_rounds: of the first model, at least 1.
        jump_rounds: of the hidden Markov model; 0: there is none.
        empty_share: probability that a word translates nothing, in (0, 1).
        agreement: train the two directions together; False: each for itself.
    """

    diagonal_rounds: int = 5
    jump_rounds: int = 5
    empty_share: float = 0.05
    agreement: bool = True

    def __post_init__(self) -> None:
        if self.diagonal_rounds < 1 or self.jump_rounds < 0:
            raise DataError(
                "an aligner needs at least one round of the first model and none or more of the second, not "
                f"{self.diagonal_rounds}, {self.jump_rounds}."
            )
        if not 0 < self.empty_share < 1:
            raise DataError(f"the share of empty words must be between 0 and 1, not {self.empty_share}.")


@dataclass
class _Direction:
    """What one of the two models has learnt; `table` is indexed by the entries of the co-occurrences."""

    table: np.ndarray  # (entries,): probability of the observed word, given the other
    empty: np.ndarray  # (observed vocabulary,): probability of an observed word from nowhere
    jumps: np.ndarray | None  # (2 * reach + 1,): weights of jump widths; None: by relative position

    def links(
        self, emission: np.ndarray, observed: np.ndarray, empty_share: float
    ) -> tuple[np.ndarray, np.ndarray | None, float]:
        """Link probabilities (pairs, observed words, positions), expected jumps, and log-likelihood."""
        empty = self.empty[observed]
        if self.jumps is None:
            return diagonal_links(emission, empty, empty_share), None, float("nan")
        jump = transitions(self.jumps, emission.shape[2])
        return tuple(expectations(emission, empty, jump, empty_share))  # type: ignore[return-value]


class LinkPosteriors:
    """How probable each link of one pair is, in the two directions.

    Attributes:
        forward: (target_words, source_words), rows sum to at most 1: where a target word comes from.
        backward: the same shape, columns sum to at most 1: where a source word comes from.
    """

    def __init__(self, forward: np.ndarray, backward: np.ndarray) -> None:
        self.forward = forward
        self.backward = backward

    def most_probable(self) -> tuple[np.ndarray, np.ndarray]:
        """Links of each direction, bool: a word to its most probable position, unless nowhere is more so."""
        return _strongest(self.forward), _strongest(self.backward.T).T

    def symmetrised(self, method: str = "grow-diag-final-and") -> np.ndarray:
        """(target_words, source_words) bool; `method` is one of `data.symmetrisation.SYMMETRISATIONS`."""
        return SYMMETRISATIONS[method](*self.most_probable())

    def links(self, method: str = "grow-diag-final-and") -> frozenset[tuple[int, int]]:
        """The same as pairs (source word, target word), counted from 0."""
        return frozenset(
            (source, target) for target, source in np.argwhere(self.symmetrised(method)).tolist()
        )


class Aligner:
    """A trained aligner; see `train_aligner`."""

    def __init__(
        self, table: Cooccurrences, forward: _Direction, backward: _Direction, settings: AlignerSettings
    ) -> None:
        self._table = table
        self._forward = forward
        self._backward = backward
        self.settings = settings

    def posteriors(self, source: Sequence[int], target: Sequence[int]) -> LinkPosteriors:
        """Link probabilities of any pair of word ids, seen in training or not."""
        if not len(source) or not len(target):
            nothing = np.zeros((len(target), len(source)))
            return LinkPosteriors(nothing, nothing)
        forward, backward = self._links(np.array([source], np.int64), np.array([target], np.int64))
        return LinkPosteriors(forward[0], backward[0])

    def align(
        self, source: Sequence[int], target: Sequence[int], method: str = "grow-diag-final-and"
    ) -> frozenset[tuple[int, int]]:
        """Links (source word, target word) of one pair, counted from 0.

        Args:
            source, target: word ids.
            method: one of `data.symmetrisation.SYMMETRISATIONS`.
        """
        return self.posteriors(source, target).links(method)

    def align_rows(
        self,
        source_rows: TokenRows,
        target_rows: TokenRows,
        method: str = "grow-diag-final-and",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[frozenset[tuple[int, int]]]:
        """`align` for many pairs, many at a time; `progress` is called with the pairs done and all pairs."""
        aligned: list[frozenset[tuple[int, int]]] = [frozenset()] * len(source_rows)
        done = 0
        for rows in same_shape(source_rows, target_rows):
            progress(done, len(aligned))
            directions = self._links(*both_sides(source_rows, target_rows, rows))
            for row, forward, backward in zip(rows.tolist(), *directions, strict=True):
                aligned[row] = LinkPosteriors(forward, backward).links(method)
            done += len(rows)
        return aligned

    def _links(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(pairs, source_words), (pairs, target_words) -> both (pairs, target_words, source_words)."""
        entries = self._table.find(source, target)
        forward, backward = (
            np.where(entries < 0, NEVER_MET, each.table[entries]) for each in (self._forward, self._backward)
        )
        share = self.settings.empty_share
        # A word that training never saw comes from nowhere as little as from any word.
        known_target = np.where(target < self._table.target_words, target, -1)
        known_source = np.where(source < self._table.source_words, source, -1)
        by_target = self._forward.links(forward, known_target, share)[0]
        by_source = self._backward.links(backward.swapaxes(1, 2), known_source, share)[0]
        return by_target, by_source.swapaxes(1, 2)

    def lexical_table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """t(target | source) of all words that met in a pair.

        Returns:
            `(source_ids, target_ids, probabilities)`, (entries,) each, sorted by source and then by target;
            the probabilities of one source word sum to 1.
        """
        return self._table.source_of, self._table.target_of, self._forward.table


def train_aligner(
    source_rows: TokenRows,
    target_rows: TokenRows,
    settings: AlignerSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Aligner:
    """Train on sentence pairs.

    Takes about 40 bytes for every (source word, target word) of every pair.

    Args:
        source_rows: ids of the source words (or pieces), one row a pair.
        target_rows: the same for the target, as many rows. Pairs with an empty side teach nothing.
        settings: see `AlignerSettings`.
        progress: called with the rounds done and all rounds.

    Raises:
        DataError: the sides do not have equally many rows, or every pair has an empty side.
    """
    settings = settings or AlignerSettings()
    if len(source_rows) != len(target_rows):
        raise DataError(
            f"an aligner needs pairs: {len(source_rows):,} source and {len(target_rows):,} target sentences."
        )
    if not np.any((source_rows.lengths > 0) & (target_rows.lengths > 0)):
        raise DataError("an aligner needs at least one sentence pair with words on both sides.")
    table = Cooccurrences(source_rows, target_rows)
    forward = _untrained(len(table), table.target_words)
    backward = _untrained(len(table), table.source_words)
    rounds = settings.diagonal_rounds + settings.jump_rounds
    for number in range(rounds):
        progress(number, rounds)
        if number == settings.diagonal_rounds:
            forward.jumps = backward.jumps = np.ones(2 * _reach(table) + 1)
        agreement = settings.agreement and number > 0
        _one_round(table, forward, backward, settings.empty_share, agreement)
    progress(rounds, rounds)
    return Aligner(table, forward, backward, settings)


def _untrained(entries: int, observed_words: int) -> _Direction:
    # One number more than words: an id of -1, unknown, finds it.
    empty = np.full(observed_words + 1, 1 / observed_words)
    empty[-1] = NEVER_MET
    return _Direction(np.full(entries, 1 / observed_words), empty, None)


def _reach(table: Cooccurrences) -> int:
    return max(max(each.source.shape[1], each.target.shape[1]) for each in table.rectangles)


class _Counts:
    """What a direction's words and jumps were expected to do, summed over the rectangles of a round."""

    def __init__(self, direction: _Direction) -> None:
        self.links = np.zeros(len(direction.table))
        self.empty = np.zeros(len(direction.empty))
        self.jumps = None if direction.jumps is None else np.zeros(len(direction.jumps))

    def add(
        self,
        entries: np.ndarray,
        links: np.ndarray,
        observed: np.ndarray,
        from_nowhere: np.ndarray,
        jumps: np.ndarray | None,
    ) -> None:
        # `entries` and `links` in one order of axes, whichever.
        self.links += np.bincount(entries.ravel(), links.ravel(), len(self.links))
        self.empty += np.bincount(observed.ravel(), from_nowhere.ravel(), len(self.empty))
        if self.jumps is not None and jumps is not None:
            widths = jump_widths(jumps.shape[1]) + len(self.jumps) // 2
            self.jumps += np.bincount(widths.ravel(), jumps.ravel(), len(self.jumps))


def _one_round(
    table: Cooccurrences, forward: _Direction, backward: _Direction, empty_share: float, agreement: bool
) -> None:
    """Expectation and maximisation of both directions, in place."""
    forward_counts, backward_counts = _Counts(forward), _Counts(backward)
    for rectangle in table.rectangles:
        _count(rectangle, forward, backward, forward_counts, backward_counts, empty_share, agreement)
    _learn(forward, forward_counts, table.source_of, table.source_words)
    _learn(backward, backward_counts, table.target_of, table.target_words)


def _count(
    rectangle: Rectangle,
    forward: _Direction,
    backward: _Direction,
    forward_counts: _Counts,
    backward_counts: _Counts,
    empty_share: float,
    agreement: bool,
) -> None:
    entries, source, target = rectangle.entries, rectangle.source, rectangle.target
    by_target, target_jumps, _ = forward.links(forward.table[entries], target, empty_share)
    by_source, source_jumps, _ = backward.links(backward.table[entries].swapaxes(1, 2), source, empty_share)
    by_source = by_source.swapaxes(1, 2)  # (pairs, target_words, source_words), as the entries
    both = by_target * by_source
    forward_counts.add(
        entries, both if agreement else by_target, target, 1 - by_target.sum(axis=2), target_jumps
    )
    backward_counts.add(
        entries, both if agreement else by_source, source, 1 - by_source.sum(axis=1), source_jumps
    )


def _learn(direction: _Direction, counts: _Counts, given: np.ndarray, given_words: int) -> None:
    """Maximisation. `given` (entries,): the word on the other side of each entry."""
    totals = np.bincount(given, counts.links, given_words)
    # A word that neither direction links to anything keeps what it had: it has taught nothing.
    taught = totals[given] > 0
    divided = counts.links / np.where(taught, totals[given], 1)
    direction.table = np.where(taught, divided, direction.table)
    # Added, so that no word becomes impossible: every observed word has to come from somewhere.
    empty = np.maximum(counts.empty[:-1], 0) + 1e-3
    direction.empty[:-1] = empty / empty.sum()
    if direction.jumps is not None and counts.jumps is not None:
        direction.jumps = counts.jumps + 1e-3 * counts.jumps.sum() / len(counts.jumps)


def _strongest(links: np.ndarray) -> np.ndarray:
    """bool, same shape: the most probable position of each row, unless nowhere is more probable."""
    chosen = np.zeros(links.shape, np.bool_)
    if links.size:
        chosen[np.arange(len(links)), links.argmax(axis=1)] = True
    return chosen & (links > 1 - links.sum(axis=1, keepdims=True))
