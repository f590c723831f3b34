"""One translated sentence as the report's page reads it: `Translation.to_json` without what can be derived.

`seq2seq/report/page/packed_sentence.js` derives it again. Offsets are flat (start, end, start, end, ...) and
count Unicode code points; words are the text between theirs; the attention between words is computed from
that between pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from seq2seq.report.packed_attention import packed

if TYPE_CHECKING:
    from data.segmentation import Segmentation, Span
    from seq2seq.translation import Hypothesis, Translation

_PROBABILITY_DECIMALS = 4
_SCORE_DECIMALS = 2


def packed_translation(translation: Translation) -> dict[str, Any]:
    """The source and the best hypothesis, ready for JSON; `target` is None for an empty line."""
    best = translation.best
    return {
        "source": _segmentation(translation.source),
        "target": None if best is None else _hypothesis(best),
        "note": translation.note,
    }


def _hypothesis(hypothesis: Hypothesis) -> dict[str, Any]:
    confidence = hypothesis.confidence
    return {
        **_segmentation(hypothesis.target),
        "finished": bool(hypothesis.finished),
        "token_probabilities": [_probability(float(each)) for each in hypothesis.token_probabilities],
        "attention": packed(hypothesis.attention),
        "coverage": None if confidence is None else round(confidence.coverage, _PROBABILITY_DECIMALS),
    }


def _probability(value: float) -> float:
    """Rounded, but neither 0 nor 1 unless it is: the page would write 0 % and 100 %."""
    rounded = round(value, _PROBABILITY_DECIMALS)
    least = 10**-_PROBABILITY_DECIMALS
    return min(max(rounded, least), 1 - least) if 0 < value < 1 else rounded


def _segmentation(segmentation: Segmentation) -> dict[str, Any]:
    return {
        "text": segmentation.text,
        "pieces": list(segmentation.pieces),
        "piece_offsets": _flat(segmentation.piece_offsets),
        "word_offsets": _flat(segmentation.word_offsets),
        "piece_to_word": [int(word) for word in segmentation.piece_to_word],
    }


def _flat(spans: Iterable[Span]) -> list[int]:
    return [int(place) for span in spans for place in span]


def packed_scores(row: dict[str, Any]) -> dict[str, Any]:
    """What the page sorts and filters by, from one row of `evaluate(...)["sentences"]`."""
    references: Sequence[str] = row["references"]
    return {
        "references": list(references),
        "bleu": round(row["bleu"], _SCORE_DECIMALS),
        "chrf": round(row["chrf"], _SCORE_DECIMALS),
        "ter_edits": row["ter_edits"],
        "confidence": _rounded(row["confidence"]),
        "log_probability": _rounded(row["log_probability"]),
        "source_words": row["source_words"],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, _PROBABILITY_DECIMALS)
