"""Reading attention as word alignment: pieces to words, hard links, text formats, error rate, confidence.

Throughout, an attention matrix is `(target rows, source columns)`, a link is the pair
`(source word, target word)`, and both count from 0. NumPy only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from data.errors import DataError
from data.text_lines import TextFile

Link = tuple[int, int]
AlignmentMethod = Literal["argmax", "threshold", "intersection"]

DEFAULT_THRESHOLD = 0.3

_HARD_LINK = re.compile(r"([0-9]{1,9})([-p?])([0-9]{1,9})")
_SOFT_LINK = re.compile(r"([0-9]{1,9})-([0-9]{1,9}):([0-9]+(?:\.[0-9]+)?(?:[eE]-?[0-9]+)?)")


def piece_to_word_attention(
    weights: np.ndarray, source_piece_to_word: Sequence[int], target_piece_to_word: Sequence[int]
) -> np.ndarray:
    """Turn attention between pieces into attention between words.

    A target word attends as its pieces do on average, and to a source word as much as to all its pieces
    together, so rows that sum to 1 still sum to 1.

    Args:
        weights: float, (target rows, source columns). There may be one row more than target pieces and one
            column more than source pieces: EOS, which stays the last row or column.
        source_piece_to_word: for each source piece, the number of its word: 0, 1, ... without a gap.
        target_piece_to_word: the same for the target.

    Returns:
        float32, (target words [+ 1], source words [+ 1]).

    Raises:
        ValueError: when the matrix does not fit the pieces, or a word has no piece.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2:
        raise ValueError(f"attention weights must be (target rows, source columns), not {weights.shape}")
    rows_to_words = _with_eos(target_piece_to_word, weights.shape[0], "target")
    columns_to_words = _with_eos(source_piece_to_word, weights.shape[1], "source")
    pieces_per_word = rows_to_words.sum(axis=0)
    # (words, rows) @ (rows, columns) @ (columns, words)
    summed = rows_to_words.T @ weights @ columns_to_words
    return (summed / pieces_per_word[:, np.newaxis]).astype(np.float32)


def _with_eos(piece_to_word: Sequence[int], size: int, side: str) -> np.ndarray:
    """A 0/1 matrix (size, words): which row or column of the attention belongs to which word."""
    words = np.asarray(piece_to_word, dtype=np.int64)
    if size not in (len(words), len(words) + 1):
        raise ValueError(
            f"{len(words)} {side} pieces (and perhaps EOS) do not fit attention with {size} {side} positions"
        )
    word_count = int(words.max()) + 1 if len(words) else 0
    if not np.array_equal(np.unique(words), np.arange(word_count)):
        raise ValueError(f"every {side} word needs a piece, but the pieces name the words {words.tolist()}")
    if size > len(words):
        words = np.append(words, word_count)
        word_count += 1
    membership = np.zeros((size, word_count))
    membership[np.arange(size), words] = 1.0
    return membership


def hard_alignment(
    word_weights: np.ndarray,
    method: AlignmentMethod = "argmax",
    threshold: float | None = None,
    *,
    source_words: int | None = None,
    target_words: int | None = None,
) -> frozenset[Link]:
    """Choose the links that attention speaks for. EOS is never linked, but it takes part in the choice.

    - `argmax`: each target word to the source position that it attends to most. A target word whose
      strongest position is EOS is left unaligned, and so is one whose row is all zeros.
    - `threshold`: every pair whose weight is above `threshold`.
    - `intersection`: the `argmax` links whose source word, in turn, finds its strongest weight in that
      target word: fewer links, more of them right.

    Args:
        word_weights: float, (target rows, source columns), such as `piece_to_word_attention` gives.
        method: see above.
        threshold: for method `threshold` only; `DEFAULT_THRESHOLD` when not given.
        source_words: how many leading columns are words; all but the last (EOS) when not given.
        target_words: how many leading rows are words; all but the last (EOS) when not given. A hypothesis
            that did not finish has no EOS row, so say it.

    Raises:
        ValueError: for an unknown method, a threshold with another method, or counts outside the matrix.
    """
    weights = np.asarray(word_weights, dtype=np.float64)
    if weights.ndim != 2:
        raise ValueError(f"word weights must be (target rows, source columns), not {weights.shape}")
    if method not in get_args(AlignmentMethod):
        raise ValueError(
            f"unknown alignment method {method!r}; known: {', '.join(get_args(AlignmentMethod))}"
        )
    if threshold is not None and method != "threshold":
        raise ValueError(f"a threshold means nothing to the method {method!r}")
    target_words = max(weights.shape[0] - 1, 0) if target_words is None else target_words
    source_words = max(weights.shape[1] - 1, 0) if source_words is None else source_words
    if not (0 <= target_words <= weights.shape[0] and 0 <= source_words <= weights.shape[1]):
        raise ValueError(
            f"{target_words} target and {source_words} source words do not fit weights {weights.shape}"
        )
    if weights.size == 0:
        return frozenset()
    if method == "threshold":
        chosen = weights > (DEFAULT_THRESHOLD if threshold is None else threshold)
    else:
        chosen = _is_strongest(weights, axis=1)
        if method == "intersection":
            chosen &= _is_strongest(weights, axis=0)
    targets, sources = np.nonzero(chosen[:target_words, :source_words])
    return frozenset(zip(sources.tolist(), targets.tolist(), strict=True))


def _is_strongest(weights: np.ndarray, axis: int) -> np.ndarray:
    """bool, same shape: the first largest positive weight along `axis`."""
    strongest = np.expand_dims(weights.argmax(axis=axis), axis)
    chosen = np.zeros(weights.shape, dtype=bool)
    np.put_along_axis(chosen, strongest, True, axis=axis)
    return chosen & (weights > 0)


class PharaohLine(NamedTuple):
    """The links of one sentence pair. `possible` contains `sure`, as the alignment error rate needs it."""

    sure: frozenset[Link]
    possible: frozenset[Link]


def to_pharaoh(links: Iterable[Link], possible: Iterable[Link] = ()) -> str:
    """Write links as one line, `0-0 1-2`, in source order; links that are possible only as `1p2`."""
    sure = frozenset(links)
    marked = [(*link, "-") for link in sure] + [(*link, "p") for link in frozenset(possible) - sure]
    return " ".join(f"{source}{mark}{target}" for source, target, mark in sorted(marked))


def parse_pharaoh(
    line: str,
    *,
    one_based: bool = False,
    path: str | os.PathLike[str] | None = None,
    line_number: int | None = None,
) -> PharaohLine:
    """Read one line of links: `i-j` is sure, `ipj` or `i?j` possible only (i source, j target).

    Args:
        line: links separated by white space; an empty line has none.
        one_based: the line counts words from 1; the result counts from 0 all the same.
        path: named in an error.
        line_number: named in an error, counted from 1.

    Raises:
        DataError: naming the file, the line and the link that is malformed.
    """
    sure: set[Link] = set()
    possible: set[Link] = set()
    base = int(one_based)
    for item in line.split():
        match = _HARD_LINK.fullmatch(item)
        if match is None:
            raise DataError(
                f"{_place(path, line_number)}{item!r} is not an alignment link. Expected SOURCE-TARGET word "
                f"numbers such as 0-0 1-2, with 1p2 or 1?2 for a link that is only possible."
            )
        link = (int(match[1]) - base, int(match[3]) - base)
        if min(link) < 0:
            raise DataError(
                f"{_place(path, line_number)}{item!r} has the word number 0, but this file is said to count "
                "from 1. Read it as counting from 0."
            )
        (sure if match[2] == "-" else possible).add(link)
    return PharaohLine(frozenset(sure), frozenset(sure | possible))


def read_pharaoh(path: str | os.PathLike[str], *, one_based: bool = False) -> list[PharaohLine]:
    """Read a file of links, plain or gzip-compressed, one sentence pair a line (see `parse_pharaoh`).

    Raises:
        DataError: when the file cannot be read or a line is malformed, naming the line.
    """
    with TextFile(Path(path)) as file:
        return [
            parse_pharaoh(line, one_based=one_based, path=path, line_number=number)
            for number, line in enumerate(file, start=1)
        ]


def to_soft_alignment(
    word_weights: np.ndarray,
    *,
    minimum: float = 0.005,
    source_words: int | None = None,
    target_words: int | None = None,
) -> str:
    """Write weights as one line, `0-0:0.83 2-1:0.41`: source, target and weight, in target order.

    Args:
        word_weights: float, (target rows, source columns).
        minimum: smaller weights are left out.
        source_words: as in `hard_alignment`.
        target_words: as in `hard_alignment`.

    Raises:
        ValueError: when the counts do not fit the matrix.
    """
    kept = hard_alignment(
        word_weights,
        "threshold",
        float(np.nextafter(minimum, -np.inf)),
        source_words=source_words,
        target_words=target_words,
    )
    in_target_order = sorted((target, source) for source, target in kept)
    return " ".join(
        f"{source}-{target}:{float(word_weights[target][source]):.4g}" for target, source in in_target_order
    )


def parse_soft_alignment(
    line: str, *, path: str | os.PathLike[str] | None = None, line_number: int | None = None
) -> dict[Link, float]:
    """Read one line of `to_soft_alignment`: link to weight.

    Raises:
        DataError: naming the file, the line and what is malformed, out of 0 to 1, or said twice.
    """
    weights: dict[Link, float] = {}
    for item in line.split():
        match = _SOFT_LINK.fullmatch(item)
        if match is None or not 0 <= float(match[3]) <= 1:
            raise DataError(
                f"{_place(path, line_number)}{item!r} is not a weighted alignment link. Expected "
                "SOURCE-TARGET:WEIGHT such as 0-0:0.83, with a weight from 0 to 1."
            )
        link = (int(match[1]), int(match[2]))
        if link in weights:
            raise DataError(f"{_place(path, line_number)}the link {link[0]}-{link[1]} is there twice.")
        weights[link] = float(match[3])
    return weights


def _place(path: str | os.PathLike[str] | None, line_number: int | None) -> str:
    name = None if path is None else os.fspath(path)
    line = None if line_number is None else f"line {line_number}"
    place = ", ".join(part for part in (name, line) if part)
    return f"{place}: " if place else ""


@dataclass(frozen=True)
class AlignmentScore:
    """How predicted links agree with a gold standard, over a whole corpus. All four go from 0 to 1.

    Attributes:
        precision: the share of predicted links that are at least possible; 1 when none was predicted.
        recall: the share of sure links that were predicted; 1 when there are none.
        f1: the harmonic mean of the two.
        aer: the alignment error rate; lower is better.
        predicted_links: how many links were predicted.
        sure_links: how many sure links the gold standard has.
    """

    precision: float
    recall: float
    f1: float
    aer: float
    predicted_links: int
    sure_links: int


def alignment_error_rate(
    predicted: Iterable[Set[Link]],
    sure: Iterable[Set[Link]],
    possible: Iterable[Set[Link]] | None = None,
) -> AlignmentScore:
    """Score predicted links A against sure links S and possible links P (Och & Ney, 2003, section 5.2).

    With S counted as part of P and every size summed over the corpus before dividing:

        precision = |A n P| / |A|,  recall = |A n S| / |S|,  AER = 1 - (|A n S| + |A n P|) / (|A| + |S|)

    Args:
        predicted: one set of links for each sentence pair.
        sure: the same, in the same order.
        possible: the same; only the sure links when not given.

    Raises:
        DataError: when there are not as many sentence pairs in each.
        TypeError: when a sentence pair's links are not a set.
    """
    predicted, sure = list(predicted), list(sure)
    possible = sure if possible is None else list(possible)
    if not len(predicted) == len(sure) == len(possible):
        raise DataError(
            f"Predicted alignments of {len(predicted)} sentence pairs cannot be scored against sure links of "
            f"{len(sure)} and possible links of {len(possible)}. Give one line of links for each pair."
        )
    links = sure_links = in_sure = in_possible = 0
    for predicted_set, sure_set, possible_set in zip(predicted, sure, possible, strict=True):
        for each in (predicted_set, sure_set, possible_set):
            if not isinstance(each, Set):
                raise TypeError(f"the links of a sentence pair must be a set of pairs, not {each!r}")
        links += len(predicted_set)
        sure_links += len(sure_set)
        in_sure += len(predicted_set & sure_set)
        in_possible += len(predicted_set & (sure_set | possible_set))
    precision = in_possible / links if links else 1.0
    recall = in_sure / sure_links if sure_links else 1.0
    return AlignmentScore(
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        aer=1 - (in_sure + in_possible) / (links + sure_links) if links + sure_links else 0.0,
        predicted_links=links,
        sure_links=sure_links,
    )


@dataclass(frozen=True)
class AttentionConfidence:
    """How attentive the model was, each from 0 (not at all) to 1. See `attention_confidence`.

    Attributes:
        coverage: every source token got about as much attention as one target token gives.
        target_focus: each target token looked at few source tokens.
        source_focus: each source token was looked at by few target tokens.
        total: the geometric mean of the three.
    """

    coverage: float
    target_focus: float
    source_focus: float
    total: float

    def to_json(self) -> dict[str, float]:
        """The four numbers, rounded to 4 decimals."""
        return {name: round(number, 4) for name, number in asdict(self).items()}


def attention_confidence(weights: np.ndarray) -> AttentionConfidence:
    """Judge a translation by its attention alone (Rikters & Fishel, 2017, "Confidence through Attention").

    With a[i, j] the weight of target token i (of I) on source token j (of J), and b[i, j] the same divided
    by the sum of its column:

        coverage deviation penalty      CDP    = -1/J * sum_j log(1 + (1 - sum_i a[i, j])^2)
        absentmindedness, target side   AP_out = -1/I * sum_i H(a[i, :])
        absentmindedness, source side   AP_in  = -1/J * sum_j H(b[:, j])

    where H is the entropy in nats. The paper's confidence is the sum of the three penalties, at most 0. Here
    each is given as its exponential, from 0 to 1 (so a target focus of 0.5 is a row spread over two tokens),
    and the total as the exponential of a third of the sum: the same order, on a readable scale.

    Args:
        weights: float, (target tokens, source tokens), rows that sum to 1: the attention between pieces, EOS
            with them, as in the paper. A column without any weight has no entropy; coverage punishes it.

    Raises:
        ValueError: when the matrix is empty, negative or not finite.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.size == 0:
        raise ValueError(f"confidence needs attention weights (target, source), not shape {weights.shape}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("confidence needs attention weights that are finite and not negative")
    received = weights.sum(axis=0)
    coverage_penalty = -np.log1p((1 - received) ** 2).mean()
    target_penalty = -_entropy(weights, axis=1).mean()
    source_penalty = -_entropy(weights / np.where(received > 0, received, 1), axis=0).mean()
    return AttentionConfidence(
        coverage=float(np.exp(coverage_penalty)),
        target_focus=float(np.exp(target_penalty)),
        source_focus=float(np.exp(source_penalty)),
        total=float(np.exp((coverage_penalty + target_penalty + source_penalty) / 3)),
    )


def _entropy(distribution: np.ndarray, axis: int) -> np.ndarray:
    # p log p tends to 0 where p does; rounding (a weight of 1 + 1e-7) must not give an entropy below 0.
    terms = distribution * np.log(np.where(distribution > 0, distribution, 1))
    return np.maximum(-terms.sum(axis=axis), 0)
