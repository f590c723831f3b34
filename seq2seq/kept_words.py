"""What a translation usually keeps as it is: numbers, addresses, names. What of it is missing or new?

Everything is found by its form alone, so it works for any pair of languages, and says "look here", not "this
is wrong": "2" may have become "two", and "Monday" is no name.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data.segmentation import Segmentation, Span
from data.words import ENGLISH_ENDINGS, UNSPACED

# Where no spaces stand between words, an address ends at the first character of the script or at its marks.
_OUTSIDE = UNSPACED + "\u3000-\u303f\uff00-\uffef"
_LETTER = rf"(?![{_OUTSIDE}])[\w-]"
# A mail address begins where its characters begin: tried at each of them, a long text would take for ever.
_BEFORE_LETTERS = rf"(?<!(?![{_OUTSIDE}])[\w.+-])"
_ADDRESS = re.compile(
    rf"(?:https?://|www\.)[^\s<>\"{_OUTSIDE}]+"
    rf"|{_BEFORE_LETTERS}(?:{_LETTER}|[.+])+@(?:{_LETTER})+(?:\.(?:{_LETTER})+)+",
    re.IGNORECASE,
)
# A separator belongs to a number between two digits only; some languages group digits with thin spaces.
_NUMBER = re.compile(r"\d+(?:[.,:\u066b\u066c'\u2019\u202f\u00a0]\d+)*")
_CLOSING = ".,;:!?)]}'\"»”’،؟"
# Of "Peter's" the name is "Peter", and "I'm" has none.
_ENGLISH_ENDING = re.compile(rf"['’](?:{'|'.join(ENGLISH_ENDINGS)})$", re.IGNORECASE)


@dataclass(frozen=True)
class KeptWord:
    """Something to be kept, and where it stands.

    Attributes:
        text: as it is written.
        identity: what has to be the same on the other side.
        words: numbers of the words that it touches.
    """

    text: str
    identity: str
    words: tuple[int, ...]


def numbers(segmentation: Segmentation) -> list[KeptWord]:
    """Numbers in digits; equal ones have the same digits, of whatever script and however grouped."""
    addresses = [match.span() for match in _ADDRESS.finditer(segmentation.text)]
    found = []
    for match in _NUMBER.finditer(segmentation.text):
        if not any(begin <= match.start() < end for begin, end in addresses):
            digits = "".join(str(unicodedata.digit(each)) for each in match[0] if each.isdigit())
            found.append(KeptWord(match[0], digits, _touched(segmentation, match.span())))
    return found


def addresses(segmentation: Segmentation) -> list[KeptWord]:
    """URLs and e-mail addresses; equal ones are the same character for character."""
    found = []
    for match in _ADDRESS.finditer(segmentation.text):
        text = match[0].rstrip(_CLOSING)
        span = (match.start(), match.start() + len(text))
        found.append(KeptWord(text, text, _touched(segmentation, span)))
    return found


def names(segmentation: Segmentation) -> list[KeptWord]:
    """Words of two letters or more with a capital that does not come from the sentence's beginning.

    None in a text that is all capitals, or in which most words have one (a title), nor within an address.
    """
    text = segmentation.text
    spans = [match.span() for match in _ADDRESS.finditer(text)]
    inner, found = 0, []
    for number, (begin, end) in enumerate(segmentation.word_offsets):
        word = segmentation.words[number]
        in_address = any(first < end and begin < last for first, last in spans)
        # A word boundary with nothing behind it, which a model may write, is a word without letters.
        if in_address or not word[:1].isalpha() or _begins_sentence(text, begin):
            continue
        inner += 1
        name = _ENGLISH_ENDING.sub("", word)
        if len(name) > 1 and name[0].isupper():
            found.append(KeptWord(word, name, (number,)))
    return [] if len(found) > 1 and 2 * len(found) > inner else found


def missing(here: Sequence[KeptWord], there: Iterable[KeptWord]) -> list[KeptWord]:
    """Those of `here` for which there is none `there`; of several equal ones the last are missing."""
    left = Counter(each.identity for each in there)
    found = []
    for each in here:
        if left[each.identity]:
            left[each.identity] -= 1
        else:
            found.append(each)
    return found


def _begins_sentence(text: str, place: int) -> bool:
    before = text[:place].rstrip(" \t\u00a0\u2009\u202f\"'“”„«»‘’‚([{—–-¿¡")
    return not before or before[-1] in ".!?:…"


def _touched(segmentation: Segmentation, span: Span) -> tuple[int, ...]:
    begin, end = span
    return tuple(
        number
        for number, (first, last) in enumerate(segmentation.word_offsets)
        if first < end and begin < last
    )
