"""One sentence of an evaluation, and what sentences add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from data.words import word_spans
from seq2seq.alignment import AlignmentMethod, Link, PharaohLine, alignment_error_rate, to_pharaoh
from seq2seq.gold_alignment import predicted_gold_words
from seq2seq.output_formats import one_line
from seq2seq.perplexity import ReferenceProbability, perplexity
from seq2seq.text_metrics import SentenceScores, TextScorer
from seq2seq.translation import Translation

_CONFIDENCE_PARTS = ("total", "coverage", "target_focus", "source_focus")


@dataclass(frozen=True)
class Decoded:
    """What is kept of a translation once its attention has been read."""

    hypothesis: str
    log_probability: float | None
    score: float | None
    tokens: int
    finished: bool
    alignment: str
    confidence: dict[str, float] | None
    note: str | None

    @classmethod
    def of(cls, translation: Translation, method: AlignmentMethod) -> Decoded:
        """From a translation; an empty line has the empty hypothesis."""
        best = translation.best
        if best is None:
            return cls("", None, None, 0, True, "", None, translation.note)
        confidence = best.confidence
        return cls(
            # A model can spell a line feed byte by byte; it would move all later lines of a hypothesis file.
            hypothesis=one_line(best.text),
            log_probability=_finite(best.log_probability),
            score=_finite(best.score),
            tokens=len(best.token_log_probabilities),
            finished=best.finished,
            alignment=to_pharaoh(best.alignment(translation.source, method)),
            confidence=None if confidence is None else asdict(confidence),
            note=translation.note,
        )


@dataclass(frozen=True)
class ForcedReference:
    """The same for a reference that the model was made to write."""

    probability: ReferenceProbability | None
    links: frozenset[Link]

    @classmethod
    def of(cls, translation: Translation, method: AlignmentMethod, word_mode: str) -> ForcedReference:
        """From a forced decoding; an empty pair has no probability and no links."""
        best = translation.best
        return cls(
            probability=None if best is None else ReferenceProbability.of(best),
            links=predicted_gold_words(translation, method, word_mode) or frozenset(),
        )


@dataclass(frozen=True)
class SentenceRow:
    """Everything about one sentence."""

    index: int
    source: str
    source_words: int
    references: tuple[str, ...]
    decoded: Decoded
    forced: ForcedReference
    gold: PharaohLine | None
    scores: SentenceScores
    paper_hypothesis: str | None
    paper_references: tuple[str, ...]


def count_rows(rows: Sequence[SentenceRow]) -> dict[str, int]:
    """Sentences, words and tokens of a set, at least one row."""
    return {
        "sentences": len(rows),
        "references_each": len(rows[0].references),
        "source_words": sum(row.source_words for row in rows),
        "reference_words": sum(len(word_spans(row.references[0])) for row in rows),
        "hypothesis_words": sum(len(word_spans(row.decoded.hypothesis)) for row in rows),
        "hypothesis_tokens": sum(row.decoded.tokens for row in rows),
        "empty_hypotheses": sum(not row.decoded.hypothesis for row in rows),
        "unfinished_hypotheses": sum(not row.decoded.finished for row in rows),
    }


def score_rows(rows: Sequence[SentenceRow], scorer: TextScorer) -> dict[str, Any]:
    """Every score of a set, at least one row; None where nothing in it can be measured."""
    hypotheses = [row.decoded.hypothesis for row in rows]
    references = [row.references for row in rows]
    scores = scorer.corpus(hypotheses, references, [row.scores for row in rows])
    paper = [row.paper_hypothesis for row in rows if row.paper_hypothesis is not None]
    return {
        **scores,
        "paper_bleu": scorer.paper_corpus(paper, [row.paper_references for row in rows]) if paper else None,
        "perplexity": perplexity([row.forced.probability for row in rows if row.forced.probability]),
        "multi_reference": score_all_references([row.source for row in rows], references, hypotheses, scorer),
        "alignment": _alignment(rows),
        "attention_confidence": _confidence(rows),
    }


def score_all_references(
    sources: Sequence[str],
    references: Sequence[Sequence[str]],
    hypotheses: Sequence[str],
    scorer: TextScorer,
) -> dict[str, Any] | None:
    """Each different source once, against all its references; None where every source is there once.

    A corpus of everyday sentences has several translations of many a sentence, each as a pair of its own.
    Pair by pair, all but one of them count as wrong.

    Args:
        sources: one per sentence.
        references: for each sentence at least one.
        hypotheses: one per sentence.
        scorer: of the texts.
    """
    places: dict[str, list[int]] = {}
    for place, source in enumerate(sources):
        places.setdefault(source, []).append(place)
    if len(places) == len(sources):
        return None
    together = [
        list(dict.fromkeys(text for place in group for text in references[place]))
        for group in places.values()
    ]
    return scorer.all_references([hypotheses[group[0]] for group in places.values()], together)


def _alignment(rows: Sequence[SentenceRow]) -> dict[str, Any] | None:
    gold = [row.gold for row in rows if row.gold is not None]
    if not gold:
        return None
    score = alignment_error_rate(
        [row.forced.links for row in rows], [line.sure for line in gold], [line.possible for line in gold]
    )
    return asdict(score)


def _confidence(rows: Sequence[SentenceRow]) -> dict[str, Any] | None:
    known = [row.decoded.confidence for row in rows if row.decoded.confidence is not None]
    if not known:
        return None
    means = {part: math.fsum(each[part] for each in known) / len(known) for part in _CONFIDENCE_PARTS}
    return {**means, "sentences": len(known)}


def row_report(row: SentenceRow) -> dict[str, Any]:
    """One sentence, ready for JSON."""
    probability = row.forced.probability
    return {
        "index": row.index,
        "source": row.source,
        "references": list(row.references),
        "hypothesis": row.decoded.hypothesis,
        "paper_hypothesis": row.paper_hypothesis,
        "source_words": row.source_words,
        "bleu": row.scores.bleu,
        "chrf": row.scores.chrf,
        "ter_edits": row.scores.ter_edits,
        "exact_match": row.scores.exact,
        "log_probability": row.decoded.log_probability,
        "score": row.decoded.score,
        "tokens": row.decoded.tokens,
        "finished": row.decoded.finished,
        "confidence": None if row.decoded.confidence is None else row.decoded.confidence["total"],
        "alignment": row.decoded.alignment,
        "reference_log_probability": None if probability is None else _finite(probability.log_probability),
        "reference_tokens": 0 if probability is None else probability.tokens,
        "reference_alignment": to_pharaoh(row.forced.links),
        "gold_alignment": None if row.gold is None else to_pharaoh(row.gold.sure, row.gold.possible),
        "note": row.decoded.note,
    }


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
