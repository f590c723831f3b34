"""Drop training pairs that would teach the wrong thing, and say which and how many.

Everything streams: beside a few thousand pairs in hand, the memory holds at most 16 bytes for each training
pair (to know duplicates) and 51 for each validation and test pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import compress, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.cleaning_report import CleaningReport, Hits, SplitReport
from data.errors import UserError
from data.fingerprints import FingerprintSet
from data.held_out_index import HeldOutIndex, PairKeys, pair_keys
from data.words import count_words, has_unspaced

Pair = tuple[str, str]

EMPTY, TOO_LONG, LENGTH_RATIO, IDENTICAL, DUPLICATE, HELD_OUT = RULES = (
    "empty",
    "too_long",
    "length_ratio",
    "identical",
    "duplicate",
    "held_out",
)
_WHITE_SPACE = ("collapse", "strip", "keep")
_HELD_OUT_OVERLAP = ("report", "remove")
_PAIRS_IN_HAND = 4096


@dataclass(frozen=True)
class CleaningRules:
    """Which training pairs are dropped. Validation and test pairs never are: they are only reported.

    Words are counted as `data.words.count_words` does: a character of a script without spaces is a word.

    Attributes:
        white_space: `"collapse"`: every run of Unicode white space, line and paragraph separators included,
            becomes one space, and none stays at the ends; `"strip"`: only the ends; `"keep"`: as it is.
        drop_empty: drop pairs with an empty side, or one of nothing but white space.
        max_words: drop pairs with a longer side; None for no limit.
        max_length_ratio: drop pairs with one side more than this many times as long as the other, in words;
            None for no limit.
        length_ratio_from_words: the ratio says nothing about short sentences: it applies only where the
            longer side has at least this many words.
        drop_identical: drop pairs whose target is the source, which teach copying.
        drop_duplicate_pairs: keep only the first of equal pairs.
        held_out_overlap: `"report"` counts the training pairs whose source or target occurs in a validation
            or test set; `"remove"` also drops those whose source does.

    Raises:
        UserError: a value is not one of these.
    """

    white_space: str = "collapse"
    drop_empty: bool = True
    max_words: int | None = 250
    max_length_ratio: float | None = 9.0
    length_ratio_from_words: int = 10
    drop_identical: bool = True
    drop_duplicate_pairs: bool = True
    held_out_overlap: str = "report"

    def __post_init__(self) -> None:
        _check_choice("white_space", self.white_space, _WHITE_SPACE)
        _check_choice("held_out_overlap", self.held_out_overlap, _HELD_OUT_OVERLAP)
        if self.max_words is not None and self.max_words < 1:
            raise UserError(
                f"max_words: expected a number from 1 on, or null for no limit, got {self.max_words}."
            )
        if self.max_length_ratio is not None and not self.max_length_ratio >= 1:
            raise UserError(
                f"max_length_ratio: expected a number from 1 on, or null for no limit, "
                f"got {self.max_length_ratio}."
            )
        if self.length_ratio_from_words < 1:
            raise UserError(
                f"length_ratio_from_words: expected a number from 1 on, got {self.length_ratio_from_words}."
            )

    def normalise(self, text: str) -> str:
        """Return `text` with its white space as these rules want it."""
        if self.white_space == "collapse":
            return " ".join(text.split())
        return text.strip() if self.white_space == "strip" else text

    def labels(self) -> dict[str, str]:
        """What each rule is called in a table."""
        return {
            EMPTY: "one side is empty",
            TOO_LONG: f"more than {self.max_words} words",
            LENGTH_RATIO: f"lengths differ more than {self.max_length_ratio} times",
            IDENTICAL: "target is the source",
            DUPLICATE: "same pair as an earlier one",
            HELD_OUT: "source is in a held-out set",
        }

    def first_broken(self, source: str, target: str) -> str | None:
        """Return the first rule that this pair breaks by itself, in the order of `RULES`, or None."""
        if self.drop_empty and not (source.strip() and target.strip()):
            return EMPTY
        if self.max_words is not None or self.max_length_ratio is not None:
            longer, shorter = count_words(source), count_words(target)
            if longer < shorter:
                longer, shorter = shorter, longer
            if self.max_words is not None and longer > self.max_words:
                return TOO_LONG
            # An empty side has no length to compare; whether it may stay is for `drop_empty` to say.
            if (
                self.max_length_ratio is not None
                and longer >= self.length_ratio_from_words
                and 0 < shorter * self.max_length_ratio < longer
                # Words of one side and characters of the other do not compare.
                and has_unspaced(source) == has_unspaced(target)
            ):
                return LENGTH_RATIO
        return IDENTICAL if self.drop_identical and source == target else None


class Cleaner:
    """Applies `CleaningRules` to a stream of training pairs, and compares it with the held-out sets.

    Args:
        rules: what to drop.
        held_out: the validation and test pairs by the name of their set; each is read once, here.

    Attributes:
        report: what was found; complete when the iterator that `clean` returns has ended.
    """

    def __init__(self, rules: CleaningRules, held_out: Mapping[str, Iterable[Pair]] | None = None) -> None:
        self.rules = rules
        self.report = CleaningReport(rules=asdict(rules), rule_labels=rules.labels())
        keys = {}
        for name, pairs in (held_out or {}).items():
            self.report.held_out[name], keys[name] = self._read_held_out(pairs)
        self._held_out = HeldOutIndex(keys)

    def clean(
        self, pairs: Iterable[Pair], on_judged: Callable[[NDArray[np.bool_]], None] = lambda is_kept: None
    ) -> Iterator[Pair]:
        """Yield the training pairs to keep, their white space normalised, in their order.

        Each call starts anew, and so does the training part of the report.

        Args:
            pairs: the training pairs.
            on_judged: told of portions of the pairs, in order, which of them are kept.

        Yields:
            (source, target).
        """
        train = self.report.train = SplitReport(
            by_rule={rule: Hits() for rule in RULES}, shared={part: Hits() for part in PairKeys._fields}
        )
        self._held_out.forget()
        try:
            for examined in self._examine(pairs, train):
                is_shared = self._held_out.meet(examined.keys, examined.is_sound)
                for part, is_met in is_shared.items():
                    train.shared[part].add(examined.lines[is_met].tolist())
                is_kept = examined.is_sound
                if self.rules.held_out_overlap == "remove":
                    train.by_rule[HELD_OUT].add(examined.lines[is_shared["source"]].tolist())
                    is_kept = is_kept & ~is_shared["source"]
                train.kept += int(np.count_nonzero(is_kept))
                on_judged(is_kept)
                yield from compress(examined.pairs, is_kept.tolist())
        finally:
            for name, split in self.report.held_out.items():
                for part, is_met in self._held_out.met(name).items():
                    split.shared[part] = Hits()
                    split.shared[part].add((np.flatnonzero(is_met) + 1).tolist())

    def _read_held_out(self, pairs: Iterable[Pair]) -> tuple[SplitReport, PairKeys]:
        report = SplitReport(by_rule={rule: Hits() for rule in RULES if rule != HELD_OUT})
        portions = [examined.keys for examined in self._examine(pairs, report)]
        report.kept = report.total
        if not portions:
            return report, pair_keys([])
        return report, PairKeys(*(np.concatenate(columns) for columns in zip(*portions, strict=True)))

    def _examine(self, pairs: Iterable[Pair], report: SplitReport) -> Iterator[_Examined]:
        """Normalise pairs in portions, find those that break a rule and count them in `report`."""
        remaining = iter(pairs)
        earlier_pairs = FingerprintSet()
        while raw := list(islice(remaining, _PAIRS_IN_HAND)):
            normalise = self.rules.normalise
            portion = [(normalise(source), normalise(target)) for source, target in raw]
            keys = pair_keys(portion)
            lines = np.arange(report.total + 1, report.total + 1 + len(portion))
            report.total += len(portion)

            first_broken = self.rules.first_broken
            broken = [first_broken(source, target) for source, target in portion]
            for line, rule in zip(lines.tolist(), broken, strict=True):
                if rule is not None:
                    report.by_rule[rule].add((line,))
            is_sound = np.array([rule is None for rule in broken])
            if self.rules.drop_duplicate_pairs:
                # Only sound pairs are remembered; equal pairs break the same rules, so none is missed.
                is_new = np.zeros(len(portion), np.bool_)
                is_new[is_sound] = earlier_pairs.add(keys.pair[is_sound])
                report.by_rule[DUPLICATE].add(lines[is_sound & ~is_new].tolist())
                is_sound = is_new
            yield _Examined(portion, lines, keys, is_sound)


class _Examined(NamedTuple):
    """A portion of a split: all its pairs, normalised, with what was found about them, (count,) each."""

    pairs: list[Pair]
    lines: NDArray[np.int64]
    keys: PairKeys
    is_sound: NDArray[np.bool_]  # breaks no rule


def _check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"{key}: expected one of {', '.join(choices)}, got {value!r}.")
