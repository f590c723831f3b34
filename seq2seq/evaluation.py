"""Translate a test set, make the model write the references too, and score both.

The result is a plain dictionary, ready for JSON: scores of the whole set, the same by source length, and one
row per sentence. Everything that is printed or published elsewhere is read from it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Protocol

from data.errors import DataError
from data.words import word_spans
from seq2seq.alignment import AlignmentMethod, PharaohLine
from seq2seq.evaluation_rows import (
    Decoded,
    ForcedReference,
    SentenceRow,
    count_rows,
    row_report,
    score_rows,
)
from seq2seq.gold_alignment import check_gold_links
from seq2seq.length_buckets import by_source_length
from seq2seq.search_options import SearchOptions
from seq2seq.text_metrics import TextScorer
from seq2seq.translation import Translation

REPORT_FORMAT = 1
_WORST_SENTENCES = 20

ProgressCallback = Callable[[str, int, int], None]
"""Called with what is being done, the sentences done and the sentences there are."""

TranslationObserver = Callable[[Translation], None]


class SentenceTranslator(Protocol):
    """What evaluation needs of `seq2seq.translator.Translator`."""

    def translate_stream(
        self, texts: Iterable[str], options: SearchOptions, *, word_mode: str, batch_size: int, window: int
    ) -> Iterator[Translation]: ...

    def score_stream(
        self,
        pairs: Iterable[tuple[str, str]],
        options: SearchOptions,
        *,
        word_mode: str,
        batch_size: int,
        window: int,
    ) -> Iterator[Translation]: ...


@dataclass(frozen=True)
class EvaluationSet:
    """Sentences to translate and what they should become.

    Attributes:
        name: what the scores are listed under.
        sources: the texts to translate, at least one.
        references: for each source its references, as many for each; the first is the one that perplexity and
            alignment are measured on.
        gold: for each pair (source, first reference) its word alignment; None: there is none.
        gold_origin: where `gold` is from, for messages.

    Raises:
        DataError: there is no sentence, or the parts do not fit each other.
    """

    name: str
    sources: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    gold: tuple[PharaohLine, ...] | None = None
    gold_origin: str = "the gold alignment"

    def __post_init__(self) -> None:
        if not self.sources:
            raise DataError(f"{self.name}: there is no sentence to translate.")
        if len(self.references) != len(self.sources):
            raise DataError(
                f"{self.name}: {len(self.sources):,} sources have references for {len(self.references):,}."
            )
        if len({len(each) for each in self.references}) != 1 or not self.references[0]:
            raise DataError(f"{self.name}: expected as many references for each sentence, and at least one.")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of sources and references, in hexadecimal: equal for equal sets of whatever origin."""
        return sha256(json.dumps([self.sources, self.references]).encode()).hexdigest()

    @property
    def first_references(self) -> list[str]:
        return [each[0] for each in self.references]

    def check_gold(self, word_mode: str) -> None:
        """Check that the words that gold links name exist; a set without gold is in order.

        Raises:
            DataError: see `seq2seq.gold_alignment.check_gold_links`.
        """
        if self.gold is not None:
            check_gold_links(
                self.gold, self.sources, self.first_references, word_mode=word_mode, origin=self.gold_origin
            )


@dataclass(frozen=True)
class EvaluationOptions:
    """How to translate and score.

    Attributes:
        search: of the translation.
        word_mode: how words are told apart, in alignments too; see `data.words.word_spans`.
        alignment_method: how attention is read as alignment; see `seq2seq.alignment.hard_alignment`.
        batch_size: sentences decoded at once.
    """

    search: SearchOptions
    word_mode: str = "unicode"
    alignment_method: AlignmentMethod = "argmax"
    batch_size: int = 64


def evaluate(
    translator: SentenceTranslator,
    evaluation_set: EvaluationSet,
    scorer: TextScorer,
    options: EvaluationOptions,
    progress: ProgressCallback = lambda what, done, total: None,
    observe: TranslationObserver = lambda translation: None,
) -> dict[str, Any]:
    """Translate and score one set.

    Args:
        translator: of the model.
        evaluation_set: what to translate.
        scorer: of the texts.
        options: see `EvaluationOptions`.
        progress: told how far it is.
        observe: given each translation, in the order of the set, before its attention is dropped.

    Returns:
        `set`, `set_fingerprint`, `options`, `counts`, `scores`, `by_source_length`, `speed`,
        `worst_sentences` (indices, lowest chrF first) and `sentences`, in the order of the set.
        docs/evaluate.md describes every number.

    Raises:
        DataError: gold links name words that are not there.
    """
    evaluation_set.check_gold(options.word_mode)
    observer = _TimedObserver(observe)
    started = time.perf_counter()
    decoded = _translate(translator, evaluation_set, options, progress, observer)
    translated = time.perf_counter()
    forced = _force_references(translator, evaluation_set, options, progress)
    scored_by_model = time.perf_counter()
    rows = _sentence_rows(evaluation_set, scorer, decoded, forced, progress)
    by_length = by_source_length(rows, lambda row: row.source_words)
    return {
        "format": REPORT_FORMAT,
        "set": evaluation_set.name,
        "set_fingerprint": evaluation_set.fingerprint,
        "options": {
            **asdict(options.search),
            "word_mode": options.word_mode,
            "alignment_method": options.alignment_method,
            "batch_size": options.batch_size,
        },
        "counts": count_rows(rows),
        "scores": score_rows(rows, scorer),
        "by_source_length": [
            {"source_words": label, "counts": count_rows(group), "scores": score_rows(group, scorer)}
            for label, group in by_length.items()
        ],
        "speed": _speed(decoded, translated - started - observer.seconds, scored_by_model - translated),
        "worst_sentences": [
            row.index for row in sorted(rows, key=lambda row: (row.scores.chrf, row.index))[:_WORST_SENTENCES]
        ],
        "sentences": [row_report(row) for row in rows],
    }


class _TimedObserver:
    """Knows how long somebody looked at translations: that is no time of the translator's."""

    def __init__(self, observe: TranslationObserver) -> None:
        self._observe = observe
        self.seconds = 0.0

    def __call__(self, translation: Translation) -> None:
        begin = time.perf_counter()
        self._observe(translation)
        self.seconds += time.perf_counter() - begin


def _translate(
    translator: SentenceTranslator,
    evaluation_set: EvaluationSet,
    options: EvaluationOptions,
    progress: ProgressCallback,
    observe: TranslationObserver,
) -> list[Decoded]:
    translations = translator.translate_stream(
        evaluation_set.sources,
        options.search,
        word_mode=options.word_mode,
        batch_size=options.batch_size,
        window=_window(options),
    )
    what = f"translating {evaluation_set.name}"
    decoded = []
    for translation in _reported(translations, len(evaluation_set.sources), what, progress):
        decoded.append(Decoded.of(translation, options.alignment_method))
        observe(translation)
    return decoded


def _force_references(
    translator: SentenceTranslator,
    evaluation_set: EvaluationSet,
    options: EvaluationOptions,
    progress: ProgressCallback,
) -> list[ForcedReference]:
    pairs = zip(evaluation_set.sources, evaluation_set.first_references, strict=True)
    forced = translator.score_stream(
        pairs,
        options.search,
        word_mode=options.word_mode,
        batch_size=options.batch_size,
        window=_window(options),
    )
    what = f"reading the references of {evaluation_set.name}"
    return [
        ForcedReference.of(each, options.alignment_method, options.word_mode)
        for each in _reported(forced, len(evaluation_set.sources), what, progress)
    ]


def _window(options: EvaluationOptions) -> int:
    """Enough sentences to sort into batches of similar lengths, few enough that a progress bar moves."""
    return 8 * options.batch_size


def _reported(
    translations: Iterable[Translation], total: int, what: str, progress: ProgressCallback
) -> Iterator[Translation]:
    done = 0
    progress(what, done, total)
    for translation in translations:
        yield translation
        done += 1
        progress(what, done, total)
    if done != total:
        raise ValueError(f"{total} sentences were given and {done} came back")


def _sentence_rows(
    evaluation_set: EvaluationSet,
    scorer: TextScorer,
    decoded: Sequence[Decoded],
    forced: Sequence[ForcedReference],
    progress: ProgressCallback,
) -> list[SentenceRow]:
    rows = []
    gold = evaluation_set.gold or [None] * len(decoded)
    pairs = zip(evaluation_set.sources, evaluation_set.references, decoded, forced, gold, strict=True)
    for index, (source, references, translation, reading, links) in enumerate(pairs):
        paper_references = [scorer.in_paper_form(reference) for reference in references]
        rows.append(
            SentenceRow(
                index=index,
                source=source,
                source_words=len(word_spans(source)),
                references=references,
                decoded=translation,
                forced=reading,
                gold=links,
                scores=scorer.sentence(translation.hypothesis, references),
                paper_hypothesis=scorer.in_paper_form(translation.hypothesis),
                paper_references=tuple(each for each in paper_references if each is not None),
            )
        )
        progress(f"scoring {evaluation_set.name}", index + 1, len(decoded))
    return rows


def _speed(decoded: Sequence[Decoded], seconds: float, reference_seconds: float) -> dict[str, float]:
    tokens = sum(each.tokens for each in decoded)
    return {
        "translation_seconds": seconds,
        "reference_seconds": reference_seconds,
        "sentences_per_second": len(decoded) / seconds,
        "target_tokens_per_second": tokens / seconds,
    }
