"""Words of a text whose characters a model's vocabulary lacks.

SentencePiece writes such a character byte by byte (`<0xE5> <0xBD> <0xBC>`), or as its unknown piece. The
model has hardly ever seen either, yet it translates them into something that reads well.
"""

from __future__ import annotations

import re

from data.segmentation import Segmentation
from data.special_ids import UNK_ID

# Ordinary text never becomes such a piece: SentencePiece keeps these names for bytes.
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


def words_with_unknown_characters(text: Segmentation) -> tuple[int, ...]:
    """Their numbers, in order."""
    pieces = zip(text.piece_to_word, text.token_ids, text.pieces, strict=True)
    return tuple(sorted({word for word, token, piece in pieces if token == UNK_ID or _BYTE.fullmatch(piece)}))


def note_of_unknown_characters(source: Segmentation) -> str | None:
    """What a reader of the translation should know; None where most words are made of known characters."""
    unknown, all_words = len(words_with_unknown_characters(source)), len(source.words)
    if 2 * unknown <= all_words:
        return None
    return (
        f"{unknown} of {all_words} {'word has' if all_words == 1 else 'words have'} characters that the "
        "model's vocabulary lacks; do not trust the translation"
    )
