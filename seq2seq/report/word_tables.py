"""Tables of the words that a translator left out or wrote twice, over a whole set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seq2seq.report.word_lists import WordList, has_letters


class WordTable:
    """Counts how often each word occurs, and how often something is wrong with it.

    Words without letters or digits do not count.
    """

    def __init__(self) -> None:
        self._all = WordList()
        self._concerned = WordList()

    def add(self, words: Sequence[str], concerned: Iterable[int], sentence: int) -> None:
        """Count the words of one sentence.

        Args:
            words: all of them.
            concerned: the numbers of those with which something is wrong, each at most once.
            sentence: its number, from 0.
        """
        for word in filter(has_letters, words):
            self._all.add(word, sentence)
        for number in sorted(set(concerned)):
            if has_letters(words[number]):
                self._concerned.add(words[number], sentence)

    def entries(self) -> list[dict[str, Any]]:
        """One entry for each word that something was wrong with, the most frequent first.

        Returns:
            `word`, `count` (of all its occurrences), and `sentences`, the number of the sentence for each
            occurrence with which something was wrong.
        """
        return [
            {
                "word": self._concerned.spelling(word),
                "count": self._all.count(word),
                "sentences": self._concerned.sentences(word),
            }
            for word in self._concerned
        ]
