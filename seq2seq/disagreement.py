"""Where attention and dependence tell different stories: cells to distrust a heat map at. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

LOOKED_AT = 0.4
NOT_LOOKED_AT = 0.05
NEEDED = math.log(4)
NOT_NEEDED = math.log(1.25)


def _percent(share: float) -> str:
    """As the page writes it, with a space that does not break."""
    return f"{100 * share:.0f}\u00a0%"


RULE = (
    "A cell is marked when a target word looked at a source word (attention of at least "
    f"{_percent(LOOKED_AT)}), but without that source word would be less than "
    f"{_percent(1 - math.exp(-NOT_NEEDED))} less probable; or when it hardly looked at it "
    f"(attention of at most {_percent(NOT_LOOKED_AT)}), but without it would be at least "
    f"{math.exp(NEEDED):.0f} times less probable."
)
EXPLANATION = (
    "Attention shows where the decoder looked, and the encoder has put something of the whole sentence into "
    "every place that it can look at. So a high weight does not prove that a word was needed, and a low one "
    "does not prove that it was not. Leaving a word out shows what really changes, but the shorter sentence "
    "may be unlike any that the model has learnt from. The gradient shows the pull of each word on the "
    "sentence as it is, and fades where the model is certain. Trust what all three agree on."
)


@dataclass(frozen=True)
class Disagreement:
    """One cell; words are numbers, the target's one behind the last is the end of the sentence."""

    target_word: int
    source_word: int
    kind: Literal["looked_at_not_needed", "needed_not_looked_at"]
    attention: float
    leave_one_out: float
    message: str

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "attention": round(self.attention, 4),
            "leave_one_out": round(self.leave_one_out, 4),
        }


def disagreements(
    attention: np.ndarray, dependence: np.ndarray, target_labels: Sequence[str], source_words: Sequence[str]
) -> list[Disagreement]:
    """The cells that `RULE` speaks of, row by row.

    Args:
        attention: (target words [+ 1 for the end], source words + 1), rows that sum to 1.
        dependence: (the same rows, source words): by how much the target word's log-probability falls when
            the source word is left out.
        target_labels: names of the rows.
        source_words: names of the columns of `dependence`.
    """
    found = []
    for row, column in np.ndindex(*dependence.shape):
        weight, change = float(attention[row, column]), float(dependence[row, column])
        target, source = target_labels[row], source_words[column]
        if weight >= LOOKED_AT and change < NOT_NEEDED:
            effect = "more probable" if change < -NOT_NEEDED else "about as probable"
            looked = f"“{target}” looked at “{source}” ({_percent(weight)})"
            message = f"{looked}, yet would be {effect} without it."
            found.append(Disagreement(row, column, "looked_at_not_needed", weight, change, message))
        elif weight <= NOT_LOOKED_AT and change >= NEEDED:
            message = (
                f"“{target}” hardly looked at “{source}” ({_percent(weight)}), yet without it would be "
                f"{_times(change)} less probable."
            )
            found.append(Disagreement(row, column, "needed_not_looked_at", weight, change, message))
    return found


def _times(change: float) -> str:
    """Such as `12 times`; e^change, of two significant digits."""
    if change > math.log(1e6):
        return "more than a million times"
    factor = math.exp(change)
    digits = max(0, int(math.log10(factor)) - 1)
    return f"{round(factor, -digits):,.0f} times"
