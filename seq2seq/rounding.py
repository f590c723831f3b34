"""Numbers as they are written into JSON: short, and never another thing than they were."""

from __future__ import annotations

import math

_DECIMALS = 5
_ENOUGH_FROM = 0.01  # of a probability, and of what it lacks to 1
_MOST_DECIMALS = 15


def rounded_probability(probability: float) -> float:
    """A probability with 5 decimals, and with more where 0 or 1 are near: only those two are written so.

    Args:
        probability: from 0 to 1.
    """
    probability = float(probability)
    nearness = min(probability, 1 - probability)
    if nearness >= _ENOUGH_FROM or nearness <= 0:
        return round(probability, _DECIMALS)
    decimals = math.ceil(-math.log10(nearness)) + _DECIMALS - 2
    if decimals <= _MOST_DECIMALS:
        return round(probability, decimals)
    # The smallest numbers have too many zeros to count in decimals; nearer to 1 there is nothing to round.
    return float(f"{probability:.4g}") if probability < _ENOUGH_FROM else probability
