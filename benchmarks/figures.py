"""What a measurement gives: numbers with their unit, and how far they scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One number of the table.

    Attributes:
        what: what was measured, in words.
        value: the median, where there were several runs.
        unit: of the value.
        lower_quartile: of the runs; None for a single one.
        upper_quartile: of the runs; None for a single one.
        runs: how many there were.
    """

    what: str
    value: float
    unit: str
    lower_quartile: float | None = None
    upper_quartile: float | None = None
    runs: int = 1

    @classmethod
    def of_runs(cls, what: str, values: Sequence[float], unit: str) -> Figure:
        """The median of several runs and their quartiles."""
        if len(values) == 1:
            return cls(what, float(values[0]), unit)
        lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
        return cls(what, median, unit, lower, upper, len(values))

    def to_json(self) -> dict[str, Any]:
        """The attributes, rounded to five significant digits: more would be noise."""
        return {
            name: float(f"{value:.5g}") if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


@dataclass
class Outcome:
    """All figures of one measurement.

    Attributes:
        figures: in the order of the table.
        notes: what a reader has to know about them, such as what could not be measured here.
    """

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str) -> None:
        """Add a number that was measured once."""
        self.figures.append(Figure(what, float(value), unit))

    def add_runs(self, what: str, values: Sequence[float], unit: str) -> None:
        """Add the median and the quartiles of several runs."""
        self.figures.append(Figure.of_runs(what, values, unit))

    def value(self, what: str, unit: str) -> float:
        """The value of the figure of this name and unit.

        Raises:
            KeyError: there is none.
        """
        for figure in self.figures:
            if (figure.what, figure.unit) == (what, unit):
                return figure.value
        raise KeyError((what, unit))
