"""Words of a whole set, each with the sentences that it stands in: the ground of every table of words."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator


class WordList:
    """Counts words, upper and lower case as one, and remembers in which sentences they stood."""

    def __init__(self) -> None:
        self._sentences: dict[str, list[int]] = defaultdict(list)
        self._spellings: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, word: str, sentence: int) -> None:
        """Count one occurrence.

        Args:
            word: as it is written there.
            sentence: number of the sentence, from 0. They must not decrease.
        """
        key = folded(word)
        self._sentences[key].append(sentence)
        self._spellings[key][word] += 1

    def count(self, word: str) -> int:
        """How often the word occurred, however it was written."""
        return len(self._sentences.get(folded(word), ()))

    def spelling(self, word: str) -> str:
        """The commonest way of writing the word; the first one met among equals."""
        return self._spellings[folded(word)].most_common(1)[0][0]

    def sentences(self, word: str) -> list[int]:
        """The numbers of the sentences, one for each occurrence."""
        return list(self._sentences.get(folded(word), ()))

    def __iter__(self) -> Iterator[str]:
        """The words, folded; the most frequent first, and by their letters among equals."""
        return iter(sorted(self._sentences, key=lambda key: (-len(self._sentences[key]), key)))

    def __len__(self) -> int:
        return len(self._sentences)


def folded(word: str) -> str:
    """The word without the difference between upper and lower case, or between ways of encoding accents."""
    return unicodedata.normalize("NFC", word.casefold())


def has_letters(word: str) -> bool:
    """Whether the word has a letter or a digit, in any script: punctuation is no vocabulary."""
    return any(character.isalnum() for character in word)
