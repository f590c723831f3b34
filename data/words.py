"""Cut text into the words a person sees.

Subword models see pieces; an attention picture, a word alignment and a word count need words. The rules are
those of a reader, not of a language: no dictionary, no model, the same answer on every machine.

A text is first rewritten as a string of classes, one letter per character, and the words are then found by
one regular expression over the classes. Python's `re` knows no Unicode properties, and the class string has
the same length as the text, so every match is already a span of the text.
"""

from __future__ import annotations

import re
import unicodedata

WORD_MODES = ("unicode", "whitespace")

# The letters of the class string; the expressions below are written in them. CHARACTER is a letter of a
# script that puts no spaces between words; SEPARATOR may stand inside a number.
SPACE, LETTER, DIGIT, CHARACTER, MARK, FORMAT = " ", "a", "d", "c", "m", "f"
STACKER, JOINER, BREAK, SKIN_TONE, REGIONAL = "k", "j", "z", "t", "r"
HYPHEN, APOSTROPHE, SEPARATOR, SYMBOL = "h", "q", "p", "s"

_SPECIAL_CHARACTERS = {
    "\u200d": JOINER,  # zero width joiner: emoji families, Indic and Arabic letter forms
    "\u200b": BREAK,  # zero width space: an invisible word boundary
    "\u17d2": STACKER,  # Khmer coeng and Myanmar virama: the next consonant is drawn below this one
    "\u1039": STACKER,
    "\u0e33": MARK,  # Thai and Lao AM hang on their consonant although Unicode calls them letters
    "\u0eb3": MARK,
    "\uff9e": MARK,  # half-width voicing marks of Katakana
    "\uff9f": MARK,
    **dict.fromkeys("-\u2010\u2011", HYPHEN),
    **dict.fromkeys("'\u2019\uff07", APOSTROPHE),
    **dict.fromkeys(".,\u066b\u066c", SEPARATOR),  # the last two are the Arabic decimal and thousands signs
}

_UNSPACED_SCRIPTS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # Han iteration mark, closing mark, zero
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3031, 0x3035),  # vertical kana repeat marks
    (0x3038, 0x303C),
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Myanmar extensions
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1AFF0, 0x1B16F),  # kana extensions
    (0x20000, 0x3FFFD),  # Han extensions B and later
)


def _class_of(code_point: int) -> str:
    character = chr(code_point)
    if character.isspace():
        return SPACE
    if character in _SPECIAL_CHARACTERS:
        return _SPECIAL_CHARACTERS[character]
    if 0x1F3FB <= code_point <= 0x1F3FF:
        return SKIN_TONE
    if 0x1F1E6 <= code_point <= 0x1F1FF:
        return REGIONAL
    category = unicodedata.category(character)
    if category == "Nd":
        return DIGIT
    if category[0] == "M":
        return MARK
    if category == "Cf":
        return FORMAT
    if category[0] in "LN":
        unspaced = any(first <= code_point <= last for first, last in _UNSPACED_SCRIPTS)
        return CHARACTER if unspaced else LETTER
    return SYMBOL


class _ClassTable(dict[int, str]):
    """A table for `str.translate` that classifies each code point when it is first met."""

    def __missing__(self, code_point: int) -> str:
        self[code_point] = _class_of(code_point)
        return self[code_point]


_CLASSES = _ClassTable()

# What clings to the character before it, and what may stand unattached at the start of a run.
_CLINGING = "[mfjk]*"
_LEADING = "[mfjkz]*"
# One letter or digit with its marks; a point or comma belongs to a number only between two digits.
_ELEMENT = f"(?:a{_CLINGING}|d{_CLINGING}(?:p(?=d))?)"
_WORD = re.compile(
    f"{_LEADING}(?:"
    f"(?P<spaced>{_ELEMENT}(?:[hq]?{_ELEMENT})*)"
    f"|c[mfj]*(?:kc?[mfj]*)*"  # a character of an unspaced script with its marks and stacked consonants
    f"|(?P<symbol>r[mfj]*r[mfj]*"  # a flag
    f"|[shqptr][mfkt]*(?:j+s?[mfkt]*)*)"  # a mark, or an emoji with its modifiers and joined emoji
    f")z*"
    f"|[mfjkz]+"  # nothing to cling to
)
_ELISION = re.compile(f"{_LEADING}(?:a{_CLINGING}){{1,3}}q(?=[ad])")
_LETTERS_AND_DIGITS = re.compile("[admfjk]+")
ENGLISH_ENDINGS = frozenset({"s", "t", "d", "m", "ll", "re", "ve"})  # behind an apostrophe
_NON_SPACE = re.compile(r"\S+")
# Within the brackets of a regular expression: the characters of scripts that put no spaces between words.
UNSPACED = "".join(f"{chr(first)}-{chr(last)}" for first, last in _UNSPACED_SCRIPTS)
UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")
_SPACED_WORD_BESIDE_UNSPACED = re.compile("[ad][^c ]*")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # no text; bytes of a command line that are not UTF-8


def word_spans(text: str, mode: str = "unicode") -> list[tuple[int, int]]:
    """Find the words of `text`.

    Args:
        text: any string.
        mode: `"whitespace"`: the maximal runs of non-space characters, as `str.split()` finds them.
            `"unicode"`: inside such a run,

            - letters, marks and digits form a word, with hyphens and apostrophes between them and with
              points and commas between digits ("well-known", "don't", "1,000.5");
            - an elided word of up to three letters ends after its apostrophe ("l'|homme", "qu'|il"), unless
              what follows is an English ending ("I'll", "it's");
            - each character of a script written without spaces (Han, Hiragana, Katakana, Thai, Lao, Khmer,
              Myanmar) is a word, together with its combining marks;
            - every other mark or symbol is a word; a run of the same one ("...", "!!") is one word, and so
              is an emoji with its modifiers and joined emoji.

            Invisible format characters belong to the word they follow.

    Returns:
        `(start, end)` character offsets, `text[start:end]` being the word: ascending, not overlapping, never
        empty, and together covering every character that is not white space.

    Raises:
        ValueError: `mode` is neither of the two.
    """
    if mode == "whitespace":
        return [match.span() for match in _NON_SPACE.finditer(text)]
    if mode != "unicode":
        raise ValueError(f"word mode must be one of {', '.join(WORD_MODES)}, not {mode!r}")

    classes = text.translate(_CLASSES)
    spans: list[tuple[int, int]] = []
    previous_symbol = ""  # the text of one symbol, so that "..." is seen as three of the same
    for match in _WORD.finditer(classes):
        start, end = match.span()
        symbol = text[start:end] if match["symbol"] is not None else ""
        if symbol and symbol == previous_symbol and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        elif match["spaced"] is not None and APOSTROPHE in match["spaced"]:
            spans.extend(_split_elisions(text, classes, start, end))
        else:
            spans.append((start, end))
        previous_symbol = symbol
    return spans


def _split_elisions(text: str, classes: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    while elision := _ELISION.match(classes, start, end):
        right_part = _LETTERS_AND_DIGITS.match(classes, elision.end(), end)
        if right_part is None or text[slice(*right_part.span())].casefold() in ENGLISH_ENDINGS:
            break
        spans.append((start, elision.end()))
        start = elision.end()
    spans.append((start, end))
    return spans


def has_unspaced(text: str) -> bool:
    """Whether there are characters of a script that is written without spaces: Thai, Khmer, Han, Kana, ….

    `count_words` counts each of them.
    """
    return not text.isascii() and UNSPACED_CHARACTER.search(text) is not None


def count_words(text: str) -> int:
    """Count words quickly, for rules about length: about a microsecond for a sentence.

    Args:
        text: any string.

    Returns:
        The number of whitespace-separated words, where each character of a script written without spaces
        counts as one. Marks do not count apart, unlike in `word_spans`. 0 only for a text of white space.
    """
    if not has_unspaced(text):
        return len(text.split())
    classes = text.translate(_CLASSES)
    return classes.count(CHARACTER) + len(_SPACED_WORD_BESIDE_UNSPACED.findall(classes))
