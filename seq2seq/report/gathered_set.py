"""What a report shows of one set, gathered while its sentences are translated.

A translation is packed as it comes, so that its attention as floats need not stay in memory until the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seq2seq.report.lexicon import Lexicon
from seq2seq.report.packed_sentence import packed_scores, packed_translation
from seq2seq.report.word_tables import WordTable
from seq2seq.warning_signs import immediate_repetitions, warning_signs

if TYPE_CHECKING:
    from seq2seq.alignment import AlignmentMethod
    from seq2seq.translation import Hypothesis, Translation
    from seq2seq.warning_signs import WarningSign


class GatheredSet:
    """One set of an evaluation.

    Args:
        method: how attention is read as links between words, for the lexicon.
        source_language: a code or an English name, where it is known; see `warning_signs`.
        target_language: the same of the other side.
    """

    def __init__(
        self,
        method: AlignmentMethod = "argmax",
        *,
        source_language: str | None = None,
        target_language: str | None = None,
    ) -> None:
        self._method = method
        self._languages = {"source_language": source_language, "target_language": target_language}
        self._sentences: list[dict[str, Any]] = []
        self._lexicon = Lexicon()
        self._dropped = WordTable()
        self._repeated = WordTable()

    def observe(self, translation: Translation) -> None:
        """Take the next translation of the set."""
        sentence = packed_translation(translation)
        best = translation.best
        sentence["signs"] = [] if best is None else self._signs(translation, best)
        if best is not None:
            links = best.alignment(translation.source, self._method)
            self._lexicon.add(translation.source.words, best.target.words, links, len(self._sentences))
        self._sentences.append(sentence)

    def _signs(self, translation: Translation, best: Hypothesis) -> list[dict[str, Any]]:
        """The warning signs of a translation, ready for JSON; the words of two kinds go into the tables."""
        signs = warning_signs(best, translation.source, **self._languages)
        number = len(self._sentences)
        dropped = [
            word for sign in signs if sign.kind == "source_not_looked_at" for word in sign.source_words
        ]
        self._dropped.add(translation.source.words, dropped, number)
        has_repetition = any(sign.kind == "repeated_words" for sign in signs)
        repeated = _second_times(best.target.words) if has_repetition else []
        self._repeated.add(best.target.words, repeated, number)
        return [_shown(sign) for sign in signs]

    def finished(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that the page reads of this set, ready for JSON.

        Args:
            report: of the same set, as `seq2seq.evaluation.evaluate` returns it.

        Raises:
            ValueError: it has another number of sentences.
        """
        rows = report["sentences"]
        return {
            "name": report["set"],
            "sentences": [
                {**sentence, **packed_scores(row)}
                for sentence, row in zip(self._sentences, rows, strict=True)
            ],
            "lexicon": self._lexicon.entries(),
            "dropped": self._dropped.entries(),
            "repeated": self._repeated.entries(),
        }


def _second_times(words: Sequence[str]) -> list[int]:
    """The numbers of the words that only repeat what stands right before them."""
    return [
        place
        for begin, length in immediate_repetitions(words)
        for place in range(begin + length, begin + 2 * length)
    ]


def _shown(sign: WarningSign) -> dict[str, Any]:
    return {
        "kind": sign.kind,
        "message": sign.message,
        "source_words": list(sign.source_words),
        "target_words": list(sign.target_words),
    }
