"""What one translated line is: the source as it was cut up, and each hypothesis with its attention.

Needs no TensorFlow, so that evaluation, plotting and anything that reads saved translations stay light.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data.errors import UserError
from seq2seq.alignment import (
    AlignmentMethod,
    AttentionConfidence,
    attention_confidence,
    hard_alignment,
    piece_to_word_attention,
    to_pharaoh,
)
from seq2seq.rounding import rounded_probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.tokenizer import Segmentation

EOS_LABEL = "</s>"
"""How the end of a sentence is written wherever rows and columns of attention are labelled."""

Level = Literal["words", "pieces"]

_WEIGHT_DECIMALS = 5


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One candidate translation of a source line.

    Attributes:
        target: the output, cut into pieces and words.
        token_log_probabilities: float, (tokens,): natural logarithms, one per piece of `target` and, when the
            hypothesis is finished, a last one for EOS.
        log_probability: their sum.
        score: what it was ranked by (the log probability, normalised for length; see also
            `seq2seq.reranking`).
        finished: whether the model ended the sentence itself, rather than being cut off.
        attention: float32, (tokens, source pieces + 1). Row i belongs to the token emitted at step i. The
            last column is the source's EOS. Rows sum to 1.

    Raises:
        ValueError: when the shapes contradict each other.
    """

    target: Segmentation
    token_log_probabilities: np.ndarray
    log_probability: float
    score: float
    finished: bool
    attention: np.ndarray

    def __post_init__(self) -> None:
        tokens = len(self.target.pieces) + int(self.finished)
        if np.shape(self.token_log_probabilities) != (tokens,):
            raise ValueError(
                f"{tokens} tokens (EOS counts when finished) need token_log_probabilities of shape "
                f"({tokens},), not {np.shape(self.token_log_probabilities)}"
            )
        if np.ndim(self.attention) != 2 or len(self.attention) != tokens:
            raise ValueError(
                f"{tokens} tokens (EOS counts when finished) need attention of shape "
                f"({tokens}, source pieces + 1), not {np.shape(self.attention)}"
            )

    @property
    def text(self) -> str:
        """The translation as plain text."""
        return self.target.text

    @property
    def token_probabilities(self) -> np.ndarray:
        """float64, (tokens,): the probability of each token given the ones before it."""
        return np.exp(np.asarray(self.token_log_probabilities, dtype=np.float64))

    @property
    def confidence(self) -> AttentionConfidence | None:
        """How attentive the model was (see `attention_confidence`); None when nothing at all was emitted."""
        if not len(self.attention):
            return None
        if not np.isfinite(self.attention).all():
            raise _not_a_number("attention weights")
        return attention_confidence(self.attention)

    def word_attention(self, source: Segmentation) -> np.ndarray:
        """Attention between words instead of pieces.

        Args:
            source: the source line that this hypothesis translates.

        Returns:
            float32, (target words + 1 if finished, source words + 1): source pieces summed, target pieces
            averaged, the EOS row and column last. Rows sum to 1.
        """
        return piece_to_word_attention(self.attention, source.piece_to_word, self.target.piece_to_word)

    def attention_at(self, level: Level, source: Segmentation) -> np.ndarray:
        """The attention matrix whose columns are `source_labels(source, level)` and rows `labels(level)`."""
        return self.word_attention(source) if level == "words" else self.attention

    def labels(self, level: Level = "words") -> tuple[str, ...]:
        """The names of the rows of `attention_at(level, ...)`: words or pieces, then EOS when finished."""
        return _labels(self.target, level) + ((EOS_LABEL,) if self.finished else ())

    def alignment(
        self, source: Segmentation, method: AlignmentMethod = "argmax", threshold: float | None = None
    ) -> frozenset[tuple[int, int]]:
        """Hard word alignment, as pairs (source word, target word) counted from 0. See `hard_alignment`."""
        return hard_alignment(
            self.word_attention(source),
            method,
            threshold,
            source_words=len(source.words),
            target_words=len(self.target.words),
        )

    def to_json(self, source: Segmentation) -> dict[str, Any]:
        """A plain dictionary of everything above. See `Translation.to_json`."""
        return {
            **_segmentation_to_json(self.target),
            "finished": bool(self.finished),
            "token_probabilities": _rounded_probabilities(self.token_probabilities),
            "log_probability": _finite_or_none(self.log_probability, "log_probability"),
            "score": _finite_or_none(self.score, "score"),
            "attention_weights": _rounded(self.attention, "attention weights"),
            "word_attention": _rounded(self.word_attention(source), "word attention"),
            "alignment": to_pharaoh(self.alignment(source)),
            "confidence": self.confidence.to_json() if self.confidence is not None else None,
        }


@dataclass(frozen=True, eq=False)
class Translation:
    """One source line and its hypotheses, best first; an empty line has none.

    Attributes:
        source: the source line, cut into pieces and words.
        hypotheses: best first.
        note: something the reader should know about this line (it was cut, its characters are unknown), or
            None.

    Raises:
        ValueError: when a hypothesis attends to another number of columns than the source has.
    """

    source: Segmentation
    hypotheses: tuple[Hypothesis, ...]
    note: str | None = None

    def __post_init__(self) -> None:
        columns = len(self.source.pieces) + 1
        for rank, hypothesis in enumerate(self.hypotheses):
            if hypothesis.attention.shape[1] != columns:
                raise ValueError(
                    f"hypothesis {rank} attends to {hypothesis.attention.shape[1]} source positions; the "
                    f"source has {columns} (its pieces and EOS)"
                )

    @property
    def best(self) -> Hypothesis | None:
        """The first hypothesis, or None for an empty line."""
        return self.hypotheses[0] if self.hypotheses else None

    @property
    def text(self) -> str:
        """The text of the best hypothesis, or an empty string."""
        return self.hypotheses[0].text if self.hypotheses else ""

    def to_json(self) -> dict[str, Any]:
        """A dictionary of lists, strings and finite numbers, ready for `json.dumps(..., ensure_ascii=False)`.

        Offsets are half-open character spans into `text`, counted in Unicode code points. `attention_weights`
        is (tokens, source pieces + 1), `word_attention` (target words + 1, source words + 1): the last column
        is the source's EOS; when `finished`, the last row and the last token probability are the target's.
        Weights are rounded to 5 decimals. An infinite log probability (an impossible forced target) is null.

        Raises:
            UserError: when the model produced numbers that are not numbers.
        """
        return {
            "source": _segmentation_to_json(self.source),
            "hypotheses": [hypothesis.to_json(self.source) for hypothesis in self.hypotheses],
            "note": self.note,
        }

    def __str__(self) -> str:
        """How a terminal shows a translation: with its heat map, in colour if standard output has any."""
        from seq2seq.attention_pictures import heat_map_text

        return "\n\n".join(part for part in (self.text, heat_map_text(self, "words", sys.stdout)) if part)

    def _repr_html_(self) -> str:
        """How a notebook shows a translation: with its heat map; other hypotheses are behind a click."""
        from seq2seq.notebook_view import translation_html

        return translation_html(self)


def source_labels(source: Segmentation, level: Level = "words") -> tuple[str, ...]:
    """The names of the columns of `Hypothesis.attention_at(level, source)`: words or pieces, then EOS."""
    return (*_labels(source, level), EOS_LABEL)


def _labels(segmentation: Segmentation, level: Level) -> tuple[str, ...]:
    return tuple(segmentation.words if level == "words" else segmentation.pieces)


def _segmentation_to_json(segmentation: Segmentation) -> dict[str, Any]:
    return {
        "text": segmentation.text,
        "pieces": list(segmentation.pieces),
        "piece_offsets": _spans(segmentation.piece_offsets),
        "words": list(segmentation.words),
        "word_offsets": _spans(segmentation.word_offsets),
        "piece_to_word": [int(word) for word in segmentation.piece_to_word],
    }


def _spans(offsets: Sequence[tuple[int, int]]) -> list[list[int]]:
    return [[int(start), int(end)] for start, end in offsets]


def _rounded(numbers: np.ndarray, name: str) -> list[Any]:
    if not np.isfinite(numbers).all():
        raise _not_a_number(name)
    # float64 first: a rounded float32 would be written with all the digits of its nearest double.
    return np.round(np.asarray(numbers, dtype=np.float64), _WEIGHT_DECIMALS).tolist()


def _rounded_probabilities(probabilities: np.ndarray) -> list[float]:
    if not np.isfinite(probabilities).all():
        raise _not_a_number("token probabilities")
    return [rounded_probability(each) for each in probabilities.tolist()]


def _finite_or_none(number: float, name: str) -> float | None:
    if math.isnan(number):
        raise _not_a_number(name)
    return float(number) if math.isfinite(number) else None


def _not_a_number(name: str) -> UserError:
    return UserError(
        f"The model's {name} are not finite numbers. Its weights are damaged or its training diverged: "
        "translate with an earlier checkpoint, or train again with a lower learning rate."
    )
