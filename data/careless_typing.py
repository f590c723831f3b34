"""Sentences as people type them in a hurry: in lower case, in capitals, without the mark at the end.

A corpus of well edited text hardly ever has such sentences, and a model that never read "where is my phone"
has no idea of it, though it knows "Where is my phone?" by heart. So training can read some of its sources
that way. The targets stay as they are: what is read may be careless, what is written should not be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_FINAL_MARKS = ".!?…‽。．！？｡؟۔।॥"
_OPENING_MARKS = "¿¡"  # left out by those who leave out what closes them
# What may happen to letters and to the marks, and how often of the sentences to which something happens.
_WAYS = (
    (str.lower, False, 0.25),
    (str.lower, True, 0.3),
    (str.upper, False, 0.1),
    (str.upper, True, 0.1),
    (str, True, 0.25),
)
_SHARES = np.array([share for _, _, share in _WAYS])


def type_carelessly(texts: Sequence[str], share: float, random: np.random.Generator) -> dict[int, str]:
    """Choose some of the texts and type them again.

    Args:
        texts: as they should be.
        share: of the texts to choose, 0 to 1.
        random: decides which ones and how; it is asked for the same number of numbers whatever the texts are.

    Returns:
        By place in `texts`, those that have become different. Nothing may happen to a chosen one: Chinese has
        no capitals, and a text of nothing but marks keeps them.
    """
    is_chosen = random.random(len(texts)) < share
    ways = random.choice(len(_WAYS), size=len(texts), p=_SHARES)
    typed = {}
    for place in np.flatnonzero(is_chosen).tolist():
        change_case, leave_out_marks, _ = _WAYS[ways[place]]
        text = change_case(texts[place])
        text = without_final_mark(text) if leave_out_marks else text
        if text != texts[place]:
            typed[place] = text
    return typed


def without_final_mark(text: str) -> str:
    """`¿Qué?` -> `Qué`, `Wait...` -> `Wait`; a text of nothing but such marks stays as it is."""
    return text.rstrip(_FINAL_MARKS + " ").lstrip(_OPENING_MARKS) or text
