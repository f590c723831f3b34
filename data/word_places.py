"""Where the words of many texts stand, and which pieces of any segmentation belong to which word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from data.token_rows import TokenRows
from data.tokenizer import SPACE_MARK, PieceBytes, Tokenizer
from data.words import word_spans

_TEXTS_PER_CALL = 4096


@dataclass(frozen=True)
class WordPlaces:
    """Words of texts, in bytes of the normalised text (see `Tokenizer.normalised_batch`).

    Attributes:
        begins, ends: one row a text, one number a word, int32.
        sizes: (texts,) int64, bytes of each text.
    """

    begins: TokenRows
    ends: TokenRows
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def membership(self, rows: np.ndarray, tokens: np.ndarray, pieces: PieceBytes) -> np.ndarray:
        """Which piece spells a part of which word.

        Args:
            rows: (batch,) numbers of texts.
            tokens: (batch, length) int, a segmentation of each; special tokens belong to no word.
            pieces: of the tokenizer.

        Returns:
            (batch, length, words) bool, padded to the most words. A row whose tokens do not spell its text
            (an unknown character, a text that was cut) belongs to nothing.
        """
        spelt = pieces.spelt[tokens]
        ends = np.cumsum(spelt, axis=1)
        begins = ends - spelt + pieces.spaces[tokens]
        # A piece that is nothing but a space goes with the word behind it.
        reaches = np.where(spelt > 0, np.maximum(ends, begins + 1), begins)
        words = int(self.begins.lengths[rows].max(initial=0))
        # PAD, 0, as the end of a word that is not there: no piece begins before it.
        word_begins, word_ends = self.begins.padded(rows, words), self.ends.padded(rows, words)
        # (batch, length, 1) against (batch, 1, words)
        touches = begins[:, :, None] < word_ends[:, None]
        touches &= reaches[:, :, None] > word_begins[:, None]
        touches &= (spelt > 0)[:, :, None]
        return touches & (ends[:, -1] == self.sizes[rows])[:, None, None]


def words_of(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[WordPlaces, list[list[str]]]:
    """Find the words of texts, as `data.words.word_spans` tells them apart in the normalised text.

    Returns:
        Their places, and the words themselves.
    """
    begins: list[list[int]] = []
    ends: list[list[int]] = []
    sizes: list[int] = []
    words: list[list[str]] = []
    for start in range(0, len(texts), _TEXTS_PER_CALL):
        for marked in tokenizer.normalised_batch(texts[start : start + _TEXTS_PER_CALL]):
            text = marked.replace(SPACE_MARK, " ")
            spans = word_spans(text)
            words.append([text[begin:end] for begin, end in spans])
            # "surrogatepass" is not needed: the tokenizer has replaced what is not UTF-8.
            byte_at = _byte_offsets(text)
            begins.append([byte_at[begin] for begin, _ in spans])
            ends.append([byte_at[end] for _, end in spans])
            sizes.append(byte_at[len(text)])
    places = WordPlaces(
        TokenRows.from_lists(begins, np.int32),
        TokenRows.from_lists(ends, np.int32),
        np.array(sizes, np.int64),
    )
    return places, words


def _byte_offsets(text: str) -> Sequence[int]:
    if text.isascii():
        return range(len(text) + 1)
    sizes = [len(character.encode("utf-8")) for character in text]
    return [0, *np.cumsum(sizes).tolist()]


def word_ids(sentences: Iterable[Sequence[str]]) -> TokenRows:
    """Number words, capital or small, in the order in which they come up; one row a sentence."""
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(word.casefold(), len(numbers)) for word in words] for words in sentences]
    return TokenRows.from_lists(rows, np.int32)
