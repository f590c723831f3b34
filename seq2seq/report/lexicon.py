"""A dictionary that nobody wrote: which words the translator used for a word, read from its attention.

Each word of a translation is linked to the source word that it attended to (`Hypothesis.alignment`), and the
links of a whole set are counted, which is how phrase tables were estimated from word alignments (Koehn, Och &
Marcu 2003, "Statistical Phrase-Based Translation", section 3), here for single words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from seq2seq.alignment import Link
from seq2seq.report.word_lists import WordList, folded, has_letters


class Lexicon:
    """Counts linked words over a set."""

    def __init__(self) -> None:
        self._sources = WordList()
        self._targets: dict[str, WordList] = defaultdict(WordList)

    def add(
        self, source_words: Iterable[str], target_words: Iterable[str], links: Iterable[Link], sentence: int
    ) -> None:
        """Count the links of one sentence. Links of punctuation are left out.

        Args:
            source_words: of the sentence.
            target_words: of its translation.
            links: pairs (source word, target word), from 0.
            sentence: its number, from 0.
        """
        sources, targets = list(source_words), list(target_words)
        for source, target in sorted(links):
            if has_letters(sources[source]) and has_letters(targets[target]):
                self._sources.add(sources[source], sentence)
                self._targets[folded(sources[source])].add(targets[target], sentence)

    def entries(self) -> list[dict[str, Any]]:
        """One entry for each source word, the most linked first.

        Returns:
            `word`, `count` (of its links) and `translations`, the most frequent first: `word`, and
            `sentences`, the number of the sentence for each time that it was used.
        """
        return [
            {
                "word": self._sources.spelling(source),
                "count": self._sources.count(source),
                "translations": [
                    {"word": targets.spelling(target), "sentences": targets.sentences(target)}
                    for target in targets
                ],
            }
            for source in self._sources
            if (targets := self._targets[source])
        ]
