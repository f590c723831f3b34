"""Sentences as people type them in a hurry: without capitals, marks or apostrophes, or all in capitals.

A corpus of edited text hardly ever has such sentences, and a model translates badly what it never read. So
training can read some of its sources that way. The targets stay as they are: what is read may be careless,
what is written should not be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data.errors import DataError

# Of Latin and Greek (whose question mark looks like a semicolon), Chinese, Arabic, Hindi, Armenian, Khmer.
_FINAL_MARKS = re.compile(r"[\s.!?…‽\u037e。．！？｡؟۔।॥։។]+$")
_OPENING_MARKS = re.compile(r"[¿¡]\s*")
_APOSTROPHES = re.compile(r"(?<=\w)['’](?=\w)")
_DOTTED_I = {"tr", "az"}  # "I" is the capital of "ı" there, and "İ" that of "i"


Letters = Literal["usual", "lower", "first lower", "capitals"]


@dataclass(frozen=True)
class WayOfTyping:
    """How one sentence is typed.

    Attributes:
        letters: "lower": none is a capital; "first lower": the first is not, names keep theirs; "capitals":
            all are; "usual": as they should be.
        marks: False: without the mark at the end, and without those that open Spanish questions.
        apostrophes: False: `don't` is `dont`.
    """

    letters: Letters = "usual"
    marks: bool = True
    apostrophes: bool = True

    def __call__(self, text: str, language: str = "") -> str:
        """The text, typed this way.

        A text without any capital, because its script or its corpus has none, is not put into capitals; and
        a text of nothing but marks keeps them.

        Args:
            text: a sentence.
            language: its code, such as "tr".
        """
        text = self._with_letters(text, language)
        text = text if self.marks else without_marks(text)
        return text if self.apostrophes else _APOSTROPHES.sub("", text)

    def _with_letters(self, text: str, language: str) -> str:
        if self.letters == "usual":
            return text
        change = _lower_case(language)
        if self.letters == "first lower":
            return change(text[:1]) + text[1:]
        lower = change(text)
        return _upper_case(language)(text) if self.letters == "capitals" and lower != text else lower


@dataclass(frozen=True)
class CarelessTyping:
    """How many sentences are typed carelessly.

    Attributes:
        share: of the sentences, 0 to 1.
        language: in which they are, a code such as "en"; empty: unknown.

    Raises:
        DataError: the share is no share.
    """

    share: float
    language: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise DataError(f"careless typing is a share of the sentences, 0 to 1, not {self.share}.")

    def choose(self, count: int, random: np.random.Generator) -> dict[int, WayOfTyping]:
        """Which of so many sentences are typed carelessly, by their numbers, and how.

        Whatever the sentences are, the same random numbers are drawn.
        """
        is_chosen = random.random(count) < self.share
        letters = random.choice(len(_LETTERS), size=count, p=list(_LETTERS.values()))
        marks, apostrophes = random.random(count) < _WITH_MARKS, random.random(count) < _WITH_APOSTROPHES
        names = list(_LETTERS)
        return {
            # In some way it has to be careless.
            place: WayOfTyping(
                name := names[letters[place]],
                marks=bool(marks[place]) and name != "usual",
                apostrophes=bool(apostrophes[place]),
            )
            for place in np.flatnonzero(is_chosen).tolist()
        }

    def type(self, texts: Sequence[str], random: np.random.Generator) -> dict[int, str]:
        """Type some of the texts; by their numbers, what becomes of them, which may be what they were."""
        ways = self.choose(len(texts), random)
        return {place: way(texts[place], self.language) for place, way in ways.items()}


_LETTERS: dict[Letters, float] = {"lower": 0.4, "first lower": 0.2, "capitals": 0.25, "usual": 0.15}
_WITH_MARKS, _WITH_APOSTROPHES = 0.4, 0.7


def without_marks(text: str) -> str:
    """`¿Qué?` -> `Qué`, `Wait...` -> `Wait`; a text of nothing but such marks stays as it is."""
    return _OPENING_MARKS.sub("", _FINAL_MARKS.sub("", text)) or text


def _lower_case(language: str) -> Callable[[str], str]:
    if language in _DOTTED_I:
        return lambda text: text.replace("İ", "i").replace("I", "ı").lower()
    return str.lower


def _upper_case(language: str) -> Callable[[str], str]:
    if language in _DOTTED_I:
        return lambda text: text.replace("i", "İ").upper()
    return str.upper
