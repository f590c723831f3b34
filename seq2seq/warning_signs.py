"""Signs that a translation deserves a second look, read from its attention and its words alone.

No sign proves a mistake, and none is needed for one. Each has a number, the limit from which on it counts (of
`source_not_looked_at`: below which), a sentence in plain words and the words concerned. NumPy only: works on
any `Translation`, saved ones too.

Attention between words, with w[i, j] the weight of target row i on source column j (ends included), I rows:

    received[j]  = sum_i w[i, j]                                    how much source word j was looked at
    spread[i]    = -sum_j w[i, j] log w[i, j] / log J               0: one source word, 1: evenly over all J

The measures of whole sentences are those of Rikters and Fishel 2017 ("Confidence through Attention") between
pieces, as penalties of 0 or more; `seq2seq.alignment.attention_confidence` has the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from data.segmentation import Segmentation
from data.words import UNSPACED_CHARACTER
from seq2seq.kept_words import KeptWord, addresses, missing, names, numbers
from seq2seq.languages import primary_code
from seq2seq.translation import Hypothesis
from seq2seq.unknown_characters import words_with_unknown_characters

SignKind = Literal[
    "unknown_characters",
    "coverage",
    "scattered_source",
    "scattered_target",
    "entropy",
    "source_not_looked_at",
    "repeated_attention",
    "repeated_words",
    "numbers",
    "urls",
    "names",
    "length",
]

# Chosen so that few of the good translations of a well trained model reach them.
GREATEST_COVERAGE_DEVIATION = 0.5
GREATEST_TARGET_ENTROPY = 1.6  # as much as evenly over five words
GREATEST_SOURCE_ENTROPY = 2.1  # eight words
GREATEST_SPREAD = 0.85
LEAST_RECEIVED = 0.05
GREATEST_RECEIVED = 3.5  # as much as three and a half target words give
LONGEST_REPEATED = 4
GREATEST_LENGTH_RATIO = 2.5
SHORTEST_FOR_LENGTH_RATIO = 5
# Languages that write every noun with a capital, and what a run calls languages that it does not know.
NO_NAMES_BY_CAPITALS = frozenset({"de", "lb", "deutsch", "luxembourgish", "source", "target"})


@dataclass(frozen=True)
class AttentionMeasures:
    """Of a whole sentence; 0 is best.

    Attributes:
        coverage_deviation: CDP, mean over source tokens of log(1 + (1 - what it received)^2).
        absent_mindedness_target: APout, the mean entropy of the rows, in nats.
        absent_mindedness_source: APin, the mean entropy of the columns, each divided by its sum.
        entropy: the mean of `spread` over target words, from 0 to 1.
    """

    coverage_deviation: float
    absent_mindedness_target: float
    absent_mindedness_source: float
    entropy: float

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class WarningSign:
    """One reason to look again; words are numbers, the one behind the last is the end of the sentence."""

    kind: SignKind
    value: float
    limit: float
    message: str
    source_words: tuple[int, ...] = ()
    target_words: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        numbers_of_words = {"source_words": list(self.source_words), "target_words": list(self.target_words)}
        return {**asdict(self), **numbers_of_words, "value": round(self.value, 4)}


def attention_measures(hypothesis: Hypothesis, source: Segmentation) -> AttentionMeasures | None:
    """The measures of one translation; None when nothing at all was emitted."""
    confidence = hypothesis.confidence
    if confidence is None:
        return None
    return AttentionMeasures(
        # `confidence` gives each penalty as its exponential.
        coverage_deviation=_penalty(confidence.coverage),
        absent_mindedness_target=_penalty(confidence.target_focus),
        absent_mindedness_source=_penalty(confidence.source_focus),
        entropy=float(spread(hypothesis.word_attention(source)).mean()),
    )


def spread(word_attention: np.ndarray) -> np.ndarray:
    """How evenly each target word looks at the source: (rows, columns) -> (rows,), from 0 to 1."""
    weights = np.asarray(word_attention, np.float64)
    columns = weights.shape[1]
    if columns < 2:
        return np.zeros(len(weights))
    logarithms = np.log(np.where(weights > 0, weights, 1.0))
    return np.clip(-(weights * logarithms).sum(axis=1) / math.log(columns), 0.0, 1.0)


def warning_signs(
    hypothesis: Hypothesis,
    source: Segmentation,
    *,
    source_language: str | None = None,
    target_language: str | None = None,
) -> list[WarningSign]:
    """Everything about one translation that a person should look at.

    Args:
        hypothesis: the translation.
        source: of what.
        source_language: a code or an English name; in languages that write nouns with a capital, and where
            it is not known, a capital is no sign of a name.
        target_language: the same of the other side.

    Returns:
        The signs that reach their limit, in a fixed order; none for a translation of nothing.
    """
    measures = attention_measures(hypothesis, source)
    if measures is None:
        return []
    weights = hypothesis.word_attention(source)
    signs = [
        *_unknown_characters(source),
        *_whole_sentence(measures),
        *_scattered_words(weights, hypothesis),
        *_coverage_of_words(weights, source),
        *_repetitions(hypothesis.target, source),
        *_kept(hypothesis.target, source, "numbers", "The number", numbers),
        *_kept(hypothesis.target, source, "urls", "The address", addresses),
        *_names(hypothesis.target, source, source_language, target_language),
        *_length(hypothesis, source),
    ]
    return [sign for sign in signs if sign.value >= sign.limit or sign.kind == "source_not_looked_at"]


def _unknown_characters(source: Segmentation) -> list[WarningSign]:
    unknown = words_with_unknown_characters(source)
    if not unknown:
        return []
    listed = _quoted_runs(source, unknown)
    message = f"The vocabulary lacks characters of {listed}: the model hardly knows them."
    return [_sign_of("unknown_characters", message, unknown)]


def _penalty(exponential: float) -> float:
    return max(-math.log(exponential), 0.0)


def _whole_sentence(measures: AttentionMeasures) -> list[WarningSign]:
    return [
        WarningSign(
            "coverage",
            measures.coverage_deviation,
            GREATEST_COVERAGE_DEVIATION,
            "The translation covers the source unevenly: parts of it were looked at too little or too much.",
        ),
        WarningSign(
            "scattered_target",
            measures.absent_mindedness_target,
            GREATEST_TARGET_ENTROPY,
            "Words of the translation looked at many source words at once.",
        ),
        WarningSign(
            "scattered_source",
            measures.absent_mindedness_source,
            GREATEST_SOURCE_ENTROPY,
            "Words of the source were looked at by many words of the translation.",
        ),
    ]


def _scattered_words(weights: np.ndarray, hypothesis: Hypothesis) -> list[WarningSign]:
    by_word = spread(weights)[: len(hypothesis.target.words)]
    scattered = np.flatnonzero(by_word >= GREATEST_SPREAD)
    # Of a source of one word and its end nothing can be scattered far.
    if not len(scattered) or weights.shape[1] < 4:
        return []
    listed = _quoted_runs(hypothesis.target, scattered.tolist())
    return [
        WarningSign(
            "entropy",
            float(by_word.max()),
            GREATEST_SPREAD,
            f"Attention was nearly even over the whole source while {listed} was written.",
            target_words=tuple(scattered.tolist()),
        )
    ]


def _coverage_of_words(weights: np.ndarray, source: Segmentation) -> list[WarningSign]:
    received = weights.sum(axis=0)[: len(source.words)]
    is_word = np.array([any(each.isalnum() for each in word) for word in source.words], bool)
    signs = []
    passed_over = np.flatnonzero(is_word & (received < LEAST_RECEIVED))
    if len(passed_over):
        listed = _quoted_runs(source, passed_over.tolist())
        signs.append(
            WarningSign(
                "source_not_looked_at",
                float(received[passed_over].min()),
                LEAST_RECEIVED,
                f"Nothing of the translation looked at {listed}: it may be missing.",
                source_words=tuple(passed_over.tolist()),
            )
        )
    for number in np.flatnonzero(received >= GREATEST_RECEIVED):
        signs.append(
            WarningSign(
                "repeated_attention",
                float(received[number]),
                GREATEST_RECEIVED,
                f"The translation came back to “{source.words[number]}” again and again: it got as much "
                f"attention as {received[number]:.1f} words give.",
                source_words=(int(number),),
                target_words=tuple(np.flatnonzero(weights[:, number] >= 0.5).tolist()),
            )
        )
    return signs


def _repetitions(target: Segmentation, source: Segmentation) -> list[WarningSign]:
    """Words that stand twice in a row, more often than in the source."""
    repeated = immediate_repetitions(target.words)
    excess = len(repeated) - len(immediate_repetitions(source.words))
    if excess <= 0:
        return []
    places = sorted({place for begin, length in repeated for place in range(begin, begin + 2 * length)})
    begin, length = repeated[0]
    text = target.text[target.word_offsets[begin][0] : target.word_offsets[begin + length - 1][1]]
    message = f"The translation repeats itself: “{text}” stands twice in a row."
    return [WarningSign("repeated_words", excess, 1, message, target_words=tuple(places))]


def immediate_repetitions(words: Sequence[str]) -> list[tuple[int, int]]:
    """Runs of one to four words that follow themselves, as (first word, length), left to right.

    Case does not count, runs of nothing but marks do not either, nor does a doubled character of a script
    without spaces, which is often a word (看看, "have a look"); of a threefold run two pairs are found.
    """
    folded = [word.casefold() for word in words]
    found, begin = [], 0
    while begin < len(folded):
        for length in range(1, LONGEST_REPEATED + 1):
            run = folded[begin : begin + length]
            has_letters = any(each.isalnum() for word in run for each in word)
            repeats = has_letters and folded[begin + length : begin + 2 * length] == run
            if repeats and not _is_doubled_character(folded, begin, length):
                found.append((begin, length))
                begin += length - 1
                break
        begin += 1
    return found


def _is_doubled_character(words: Sequence[str], begin: int, length: int) -> bool:
    """Whether a run of one character that follows itself does so only once, in a script without spaces."""
    word = words[begin]
    if length > 1 or not UNSPACED_CHARACTER.fullmatch(word):
        return False
    return word not in words[max(begin - 1, 0) : begin] and word not in words[begin + 2 : begin + 3]


def _kept(
    target: Segmentation,
    source: Segmentation,
    kind: SignKind,
    what: str,
    find: Callable[[Segmentation], list[KeptWord]],
) -> list[WarningSign]:
    in_source, in_target = find(source), find(target)
    return [
        *(
            _sign_of(kind, f"{what} {each.text} of the source does not stand in the translation.", each.words)
            for each in missing(in_source, in_target)
        ),
        *(
            _sign_of(
                kind, f"{what} {each.text} of the translation does not stand in the source.", (), each.words
            )
            for each in missing(in_target, in_source)
        ),
    ]


def _names(
    target: Segmentation, source: Segmentation, source_language: str | None, target_language: str | None
) -> list[WarningSign]:
    """A word that looks like a name, and does not stand on the other side anywhere."""
    signs = []
    for here, there, language, side, other in (
        (source, target, source_language, "source", "translation"),
        (target, source, target_language, "translation", "source"),
    ):
        if primary_code(language or "source") in NO_NAMES_BY_CAPITALS:
            continue
        text = there.text.casefold()
        for each in names(here):
            if each.identity.casefold() not in text:
                message = f"“{each.text}” of the {side} looks like a name and does not stand in the {other}."
                concerned = (each.words, ()) if side == "source" else ((), each.words)
                signs.append(_sign_of("names", message, *concerned))
    return signs


def _sign_of(
    kind: SignKind, message: str, source_words: tuple[int, ...] = (), target_words: tuple[int, ...] = ()
) -> WarningSign:
    return WarningSign(kind, 1, 1, message, source_words, target_words)


def _length(hypothesis: Hypothesis, source: Segmentation) -> list[WarningSign]:
    if not hypothesis.finished:
        return [WarningSign("length", 1, 1, "The translation was cut off: the model had not ended it.")]
    # Pieces: a script without spaces has as many words as characters.
    here, there = len(source.pieces), len(hypothesis.target.pieces)
    if max(here, there) < SHORTEST_FOR_LENGTH_RATIO:
        return []
    ratio = max(here, there) / max(min(here, there), 1)
    comparison = "shorter" if there < here else "longer"
    message = f"The translation is {ratio:.1f} times {comparison} than the source."
    return [WarningSign("length", ratio, GREATEST_LENGTH_RATIO, message)]


def _quoted_runs(text: Segmentation, words: Sequence[int]) -> str:
    """Words by their rising numbers; neighbours share their quotation marks, as they stand in the text."""
    runs: list[tuple[int, int]] = []
    for word in words:
        if runs and runs[-1][1] == word - 1:
            runs[-1] = (runs[-1][0], word)
        else:
            runs.append((word, word))
    offsets = text.word_offsets
    quoted = [f"“{text.text[offsets[first][0] : offsets[last][1]]}”" for first, last in runs]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
