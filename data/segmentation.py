"""One text cut into pieces (what the model sees) and words (what a person sees), with character offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.words import word_spans

Span = tuple[int, int]


@dataclass(frozen=True)
class Segmentation:
    """A text, its pieces and its words; every offset is a Python string index into `text`.

    Attributes:
        text: the text exactly as it was given, before any normalisation.
        token_ids: the pieces' ids, without BOS and EOS.
        pieces: as SentencePiece writes them (`"▁dogs"`, `"<0xF0>"`).
        piece_offsets: where each piece stands in `text`, white space trimmed. Empty for a piece that shares
            its character with the piece after it: all but the last byte of an emoji, the `f` of the
            ligature `ﬁ`.
        words: the words' text. Words that one piece reaches over are joined, so a word is never smaller
            than a piece, and every word has at least one piece.
        word_offsets: where each word stands in `text`.
        piece_to_word: for each piece the index of its word; never decreases.
    """

    text: str
    token_ids: tuple[int, ...]
    pieces: tuple[str, ...]
    piece_offsets: tuple[Span, ...]
    words: tuple[str, ...]
    word_offsets: tuple[Span, ...]
    piece_to_word: tuple[int, ...]


def segmentation_of(
    text: str,
    token_ids: Sequence[int],
    pieces: Sequence[str],
    byte_spans: Sequence[Span],
    word_mode: str,
) -> Segmentation:
    """Build a `Segmentation` from what SentencePiece reports.

    Args:
        text: a text without lone surrogates.
        token_ids: one id per piece.
        pieces: the piece strings.
        byte_spans: per piece, begin and end in the UTF-8 encoding of `text`; neither ever decreases.
        word_mode: `"unicode"` or `"whitespace"`, see `data.words.word_spans`.
    """
    character_spans = _character_spans(text, byte_spans)
    piece_offsets = tuple(_trimmed(text, span) for span in character_spans)
    words, piece_to_word = _words_over_pieces(text, piece_offsets, character_spans, word_mode)
    return Segmentation(
        text=text,
        token_ids=tuple(token_ids),
        pieces=tuple(pieces),
        piece_offsets=piece_offsets,
        words=tuple(text[begin:end] for begin, end in words),
        word_offsets=tuple(words),
        piece_to_word=tuple(piece_to_word),
    )


def _character_spans(text: str, byte_spans: Sequence[Span]) -> list[Span]:
    if text.isascii():
        return list(byte_spans)
    character_at_byte: list[int] = []
    for index, character in enumerate(text):
        character_at_byte.extend([index] * len(character.encode("utf-8")))
    character_at_byte.append(len(text))
    return [(character_at_byte[begin], character_at_byte[end]) for begin, end in byte_spans]


def _trimmed(text: str, span: Span) -> Span:
    """Drop white space at both ends. A span of nothing but white space becomes empty, at its end."""
    begin, end = span
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    return begin, end


def _words_over_pieces(
    text: str, piece_offsets: Sequence[Span], untrimmed: Sequence[Span], word_mode: str
) -> tuple[list[Span], list[int]]:
    """Give each piece a word; join words until no piece crosses a border and no word lacks a piece."""
    if not piece_offsets:
        return [], []
    words = word_spans(text, word_mode)
    if not words:
        # Only white space that the normaliser kept: the pieces still need a word to belong to.
        return [(untrimmed[0][0], untrimmed[-1][1])], [0] * len(piece_offsets)

    first_and_last = _words_touched(words, piece_offsets)
    # joined[i] is True when word i must be one with word i - 1.
    joined = [False] * len(words)
    with_pieces = [False] * len(words)
    for first, last in first_and_last:
        with_pieces[first] = True
        joined[first + 1 : last + 1] = [True] * (last - first)
    # A word that the normaliser removed (a zero-width mark) has no piece: it goes with its left neighbour,
    # and what stands before the first word with a piece goes with that word.
    earliest = min(first for first, _ in first_and_last)
    for index in range(1, len(words)):
        if index <= earliest or not with_pieces[index]:
            joined[index] = True

    merged: list[Span] = []
    merged_index: list[int] = []
    for index, (begin, end) in enumerate(words):
        if joined[index]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
        merged_index.append(len(merged) - 1)
    return merged, [merged_index[first] for first, _ in first_and_last]


def _words_touched(words: Sequence[Span], piece_offsets: Sequence[Span]) -> list[Span]:
    """First and last word that each piece touches; an empty piece takes the word at or after its place."""
    touched: list[Span] = []
    first = 0
    for begin, end in piece_offsets:
        while first < len(words) - 1 and words[first][1] <= begin:
            first += 1
        last = first
        while last < len(words) - 1 and words[last + 1][0] < end:
            last += 1
        touched.append((first, last))
    return touched
