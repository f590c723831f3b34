"""What a model has seen, in numbers: how long its training sentences are, and of whom and what they speak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from data.words import word_spans

_COMMONEST = 12
_SHORTEST_TELLING_WORD = 4  # letters: shorter ones are mostly articles, pronouns and prepositions
# English words that say whether a person is male or female.
_MALE = frozenset(
    [
        *("he", "him", "his", "himself", "man", "men", "boy", "boys", "guy", "guys", "male", "mr"),
        *("father", "son", "brother", "husband"),
    ]
)
_FEMALE = frozenset(
    [
        *("she", "her", "hers", "herself", "woman", "women", "girl", "girls", "lady", "ladies", "female"),
        *("mrs", "ms", "mother", "daughter", "sister", "wife"),
    ]
)


@dataclass(frozen=True)
class CorpusPortrait:
    """Counts over the sentences of one language.

    Attributes:
        sentences: how many there are.
        mean_words: of a sentence; marks are not counted.
        longest_of_95_percent: 95 % of the sentences have at most so many words.
        longest: words of the longest sentence.
        distinct_words: regardless of case.
        words_seen_once: how many of them occur a single time.
        commonest: words of at least four letters, most frequent first.
        speaks_of_men: share of the sentences with an English word for a male person; None for other
        languages.
        speaks_of_women: the same for women.
    """

    sentences: int
    mean_words: float
    longest_of_95_percent: int
    longest: int
    distinct_words: int
    words_seen_once: int
    commonest: tuple[str, ...]
    speaks_of_men: float | None
    speaks_of_women: float | None

    def as_facts(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "commonest": list(self.commonest)}


def portray(sentences: Iterable[str], language: str) -> CorpusPortrait:
    """Count the sentences of a corpus, at least one.

    Args:
        sentences: read once.
        language: their code; men and women are counted in English alone.
    """
    frequencies: Counter[str] = Counter()
    lengths: list[int] = []
    men = women = 0
    for sentence in sentences:
        words = [word for word in _words(sentence) if any(map(str.isalnum, word))]
        lengths.append(len(words))
        frequencies.update(words)
        men += not _MALE.isdisjoint(words)
        women += not _FEMALE.isdisjoint(words)
    if not lengths:
        raise ValueError("there is no sentence to count")
    is_english = language == "en"
    return CorpusPortrait(
        sentences=len(lengths),
        mean_words=sum(lengths) / len(lengths),
        longest_of_95_percent=sorted(lengths)[(95 * len(lengths) + 99) // 100 - 1],
        longest=max(lengths),
        distinct_words=len(frequencies),
        words_seen_once=sum(count == 1 for count in frequencies.values()),
        commonest=tuple(_telling_words(frequencies)),
        speaks_of_men=men / len(lengths) if is_english else None,
        speaks_of_women=women / len(lengths) if is_english else None,
    )


def _words(sentence: str) -> list[str]:
    lowered = sentence.lower()
    return [lowered[start:end] for start, end in word_spans(lowered)]


def _telling_words(frequencies: Counter[str]) -> list[str]:
    # Equally frequent ones in alphabetical order: the same corpus gives the same list.
    ranked = sorted(frequencies.items(), key=lambda item: (-item[1], item[0]))
    return [word for word, _ in ranked if len(word) >= _SHORTEST_TELLING_WORD][:_COMMONEST]
