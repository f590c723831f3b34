"""Where everything in a heat map goes, from the number of its words and the measured widths of their letters.

All lengths are inches from the figure's upper left corner; letters are measured in points.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq.fonts import Typeface

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1f2933"
FAINT_INK = "#6b7785"
POINTS = 72.0  # in an inch

_GRID_BUDGET = 10.0
_LARGEST_CELL, _SMALLEST_CELL, _SMALLEST_CELL_WITH_VALUE = 0.42, 0.106, 0.26
_LARGEST_LETTERS, _SMALLEST_LETTERS = 11.0, 6.0
_LINE = 1.3  # height of a line of text, in letter sizes
_GAP = 0.08  # between labels and grid


@dataclass(frozen=True)
class HeatMapLayout:
    """Sizes of a heat map: inches, points for letters, degrees for the rotation of the source labels."""

    columns: int
    rows: int
    cell: float
    letters: float
    rotation: int
    left: float  # room for the target labels
    top: float  # room for the source labels
    overhang: float  # of slanted source labels, right of the grid

    @classmethod
    def measured(
        cls,
        typeface: Typeface,
        columns: Sequence[str],
        rows: Sequence[str],
        corner: Sequence[str],
        *,
        last_column_may_overhang: bool,
        values: bool,
    ) -> HeatMapLayout:
        """Choose the sizes for these labels.

        Args:
            typeface: what the labels are drawn with.
            columns: the source labels, not empty.
            rows: the target labels, not empty.
            corner: lines in the corner above the target labels.
            last_column_may_overhang: the last source label alone is no reason to slant them all.
            values: numbers must fit into the cells.
        """
        smallest = _SMALLEST_CELL_WITH_VALUE if values else _SMALLEST_CELL
        cell = float(np.clip(_GRID_BUDGET / max(len(columns), len(rows)), smallest, _LARGEST_CELL))
        letters = float(np.clip(0.62 * cell * POINTS, _SMALLEST_LETTERS, _LARGEST_LETTERS))
        line = _LINE * letters / POINTS
        widths = text_widths(typeface, columns, letters)
        deciding = widths[:-1] if last_column_may_overhang and len(widths) > 1 else widths
        overhang = 0.0
        if max(deciding) <= 0.92 * cell:
            rotation, top = 0, line
            overhang = (widths[-1] - cell) / 2
        elif cell >= 1.55 * letters / POINTS:
            # At 45 degrees neighbouring labels are cell * sin 45 apart, which must hold a line of text.
            rotation = 45
            slanted = [width * math.sqrt(0.5) for width in widths]
            top = max(slanted) + 0.7 * line
            overhang = max(reach - (len(columns) - place - 0.5) * cell for place, reach in enumerate(slanted))
        else:
            rotation, top = 90, max(widths)
        return cls(
            columns=len(columns),
            rows=len(rows),
            cell=cell,
            letters=letters,
            rotation=rotation,
            left=max(text_widths(typeface, [*rows, *corner], letters)) + _GAP,
            top=max(top, len(corner) * line) + _GAP,
            overhang=max(overhang, 0.0),
        )

    @property
    def label_step(self) -> int:
        """Label every row, or every second, third...: lines of the smallest letters must not overlap."""
        return math.ceil(round(1.1 * self.letters / POINTS / self.cell - 0.2, 2))


class HeatMapCanvas:
    """Places the texts, the grid and the colour bar of one figure."""

    MARGIN = 0.22
    SMALLEST_WIDTH = 3.6
    TITLE_LETTERS, SUBTITLE_LETTERS, FOOT_LETTERS = 12.5, 8.5, 7.0
    MOST_TITLE_LINES = 3
    BAR_GAP, BAR_WIDTH, BAR_ROOM = 0.16, 0.13, 0.9  # the room includes gap, numbers and name
    SMALLEST_BAR, LARGEST_BAR = 1.1, 2.2

    def __init__(
        self,
        figure: Figure,
        typeface: Typeface,
        layout: HeatMapLayout,
        *,
        title: str,
        subtitle: str,
        foot: str,
    ) -> None:
        self.figure, self.typeface, self.layout = figure, typeface, layout
        self.grid_left = self.MARGIN + layout.left
        self.grid_width = layout.columns * layout.cell
        self.grid_height = layout.rows * layout.cell
        self.bar_height = float(np.clip(self.grid_height, self.SMALLEST_BAR, self.LARGEST_BAR))
        # The bar hangs beside the grid, below the slanted labels' overhang, so the wider of the two counts.
        right = max(self.BAR_ROOM, layout.overhang)
        self.width = max(self.grid_left + self.grid_width + right + self.MARGIN, self.SMALLEST_WIDTH)

        titles = self._wrapped(title, self.TITLE_LETTERS, most_lines=self.MOST_TITLE_LINES)
        subtitles = self._wrapped(subtitle, self.SUBTITLE_LETTERS)
        feet = self._wrapped(foot, self.FOOT_LETTERS)
        head_height = self._height(titles, self.TITLE_LETTERS) + self._height(
            subtitles, self.SUBTITLE_LETTERS
        )
        foot_height = self._height(feet, self.FOOT_LETTERS)
        self.grid_top = self.MARGIN + head_height + (0.14 if head_height else 0) + layout.top
        body_height = max(self.grid_height, self.bar_height)
        self.height = self.grid_top + body_height + foot_height + (0.14 if foot_height else 0) + self.MARGIN

        figure.set_size_inches(self.width, self.height)
        self._write_lines(self.MARGIN, titles, self.TITLE_LETTERS, INK)
        y = self.MARGIN + self._height(titles, self.TITLE_LETTERS)
        self._write_lines(y, subtitles, self.SUBTITLE_LETTERS, FAINT_INK)
        self._write_lines(self.height - self.MARGIN - foot_height, feet, self.FOOT_LETTERS, FAINT_INK)

    def grid_axes(self) -> Axes:
        """Empty axes where the cells go."""
        return self._axes(self.grid_left, self.grid_top, self.grid_width, self.grid_height)

    def bar_axes(self) -> Axes:
        """Empty axes where the colour bar goes."""
        left = self.grid_left + self.grid_width + self.BAR_GAP
        return self._axes(left, self.grid_top, self.BAR_WIDTH, self.bar_height)

    def write_corner(self, lines: Sequence[str]) -> None:
        """Write lines above the target labels, the last one next to the grid."""
        size = self.layout.letters
        for place, text in enumerate(reversed(lines), start=1):
            y = self.grid_top - _GAP / 2 - place * _LINE * size / POINTS
            self._write(self.grid_left - _GAP, y, text, size * 0.9, FAINT_INK, horizontalalignment="right")

    def _axes(self, left: float, top: float, width: float, height: float) -> Axes:
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height),
            facecolor="white",
        )

    def _write_lines(self, y: float, lines: Sequence[str], size: float, color: str) -> None:
        for place, text in enumerate(lines):
            self._write(self.MARGIN, y + self._height(lines[:place], size), text, size, color)

    def _write(self, x: float, y: float, text: str, size: float, color: str, **options: Any) -> None:
        self.figure.text(
            x / self.width,
            1 - y / self.height,
            text,
            size=size,
            color=color,
            verticalalignment="top",
            **text_style(self.typeface),
            **options,
        )

    def _wrapped(self, text: str, size: float, most_lines: int | None = None) -> list[str]:
        wide = any(unicodedata.east_asian_width(character) in "WF" for character in text)
        character_width = (1.05 if wide else 0.6) * size / POINTS
        characters = max(int((self.width - 2 * self.MARGIN) / character_width), 12)
        lines = textwrap.wrap(text, characters)
        if most_lines is not None and len(lines) > most_lines:
            lines = lines[:most_lines]
            lines[-1] = lines[-1][: characters - 1].rstrip() + "…"
        return lines

    @staticmethod
    def _height(lines: Sequence[str], size: float) -> float:
        return len(lines) * 1.4 * size / POINTS


def text_style(typeface: Typeface) -> dict[str, Any]:
    """For every text that comes from a user: the right fonts, and `$` and `_` are no formula."""
    return {"family": typeface.families, "parse_math": False, "usetex": False}


def text_widths(typeface: Typeface, labels: Sequence[str], size: float) -> list[float]:
    """How wide each label is, in inches, with letters of `size` points."""
    figure = empty_figure()
    texts = [figure.text(0, 0, label, size=size, **text_style(typeface)) for label in labels]
    return [text.get_window_extent().width / figure.dpi for text in texts]


def empty_figure() -> Figure:
    """A white figure that can be drawn without a display and without pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    return figure
