"""The sentences that every side of the comparison reads: made-up words, all sentences equally long.

Equal lengths leave no padding and no sorting to do: a token costs the same everywhere, and rates compare.
Needs nothing but numpy: the peers' environment and the project's own both import it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.atomic import atomic_write
from data.special_ids import EOS_ID, SPECIAL_IDS

VOCABULARY_SIZE = 8000  # specials included
BATCH_SIZE = 64
SENTENCE_LENGTH = 16  # tokens, EOS included, on both sides
LATENCY_LENGTH = 13  # twelve words and EOS
SENTENCES = 200 * BATCH_SIZE

FIRST_WORD_ID = max(SPECIAL_IDS.values()) + 1
_SYLLABLES = [
    consonant + vowel for consonant in "bcdfghjklmnpqrstvwxz" for vowel in "aeiou"
]  # 100, so that two make 10,000 words


class PeerCorpus(NamedTuple):
    """Sentence pairs as ids of this project's vocabulary; EOS is the last token of each row."""

    source: np.ndarray  # (sentences, length) int32
    target: np.ndarray  # (sentences, length) int32


def peer_corpus(
    sentences: int = SENTENCES,
    *,
    length: int = SENTENCE_LENGTH,
    vocabulary_size: int = VOCABULARY_SIZE,
    seed: int = 1,
) -> PeerCorpus:
    """Sentence pairs whose words are as unevenly frequent as those of a language (Zipf's law).

    Args:
        sentences: how many pairs.
        length: tokens of each sentence, EOS included.
        vocabulary_size: of either side, the four special tokens included; at most 10,004.
        seed: the same seed gives the same pairs everywhere.

    Returns:
        Source and target ids, `(sentences, length)` int32 each. The two sides are drawn independently: how
        fast a step is does not depend on whether there is anything to learn.

    Raises:
        ValueError: there are not as many words as the vocabulary should have, or no room for a word.
    """
    words = vocabulary_size - FIRST_WORD_ID
    if not 0 < words <= len(_SYLLABLES) ** 2 or length < 2:
        raise ValueError(f"no corpus with {vocabulary_size} tokens and sentences of {length}")
    frequencies = 1.0 / np.arange(1, words + 1)
    cumulative = np.cumsum(frequencies / frequencies.sum())
    # Uniform numbers of PCG64 are the same in every version of numpy; `choice` does not promise to be.
    uniform = np.random.Generator(np.random.PCG64(seed)).random((2, sentences, length))
    ranks = np.minimum(np.searchsorted(cumulative, uniform), words - 1)
    tokens = (FIRST_WORD_ID + ranks).astype(np.int32)
    tokens[:, :, -1] = EOS_ID
    return PeerCorpus(tokens[0], tokens[1])


def latency_sentence() -> np.ndarray:
    """The one sentence whose translation is timed by itself: `(1, LATENCY_LENGTH)` int32, EOS last."""
    return peer_corpus(1, length=LATENCY_LENGTH, seed=2).source


def word(token: int) -> str:
    """The made-up word of an ordinary id: four letters, different for every id."""
    first, second = divmod(token - FIRST_WORD_ID, len(_SYLLABLES))
    return _SYLLABLES[first] + _SYLLABLES[second]


def vocabulary(words: int = VOCABULARY_SIZE - FIRST_WORD_ID) -> list[str]:
    """The first `words` made-up words, most frequent first."""
    return [word(FIRST_WORD_ID + number) for number in range(words)]


def lines_of(tokens: np.ndarray) -> list[str]:
    """Text with words separated by spaces, for programs that read text; they add EOS themselves.

    Args:
        tokens: `(sentences, length)` int, EOS last.
    """
    return [" ".join(word(int(token)) for token in row[:-1]) for row in tokens]


def write_text(corpus: PeerCorpus, prefix: Path) -> tuple[Path, Path]:
    """Write `prefix.source` and `prefix.target`, a sentence a line; returns the two paths."""
    paths = (Path(f"{prefix}.source"), Path(f"{prefix}.target"))
    for path, tokens in zip(paths, corpus, strict=True):
        with atomic_write(path) as file:
            file.writelines(f"{line}\n" for line in lines_of(tokens))
    return paths
