"""Sentences in capitals, which most models know next to nothing about.

A vocabulary that was learnt from edited text has hardly a piece of two capitals, so that SentencePiece spells
such words letter by letter. The model has hardly ever read any of it, and often ends in a loop of nonsense.
"""

from __future__ import annotations

from data.segmentation import Segmentation
from data.tokenizer import Tokenizer

# Shorter words are capitals anyway: I, US, TV.
_LETTERS_OF_A_WORD = 3
# Captions of Multi30k, in the models that ship: at most 1.4 as they are written, from 1.7 on in capitals.
_TIMES_THE_PIECES = 1.5


def note_of_capitals(source: Segmentation, tokenizer: Tokenizer) -> str | None:
    """What a reader of the translation should know; None where most words are in lower case, or well known.

    Args:
        source: the sentence.
        tokenizer: that it was segmented with.
    """
    words = [word for word in source.words if sum(map(str.isalpha, word)) >= _LETTERS_OF_A_WORD]
    in_capitals = sum(word.isupper() for word in words)
    if 2 * in_capitals <= len(words):
        return None
    # The same words in lower case say what the vocabulary has for them, whatever its size and kind.
    if len(source.pieces) < _TIMES_THE_PIECES * len(tokenizer.encode(source.text.lower())):
        return None
    words_are = "word is" if len(source.words) == 1 else "words are"
    return (
        f"{in_capitals} of {len(source.words)} {words_are} in capitals, which the model's vocabulary spells "
        "letter by letter; write them as usual, or do not trust the translation"
    )
