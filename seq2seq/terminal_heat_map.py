"""Attention in the terminal: a heat map of characters, in colour or in shades.

The source words hang above their columns, each from a line of its own where it needs one:

            a
            │ dog
            │ │  runs
    ein     ██░░
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from rich.cells import cell_len, set_cell_size

from seq2seq.labels import is_right_to_left, visible_label

SMALLEST_WEIGHT = 0.05
"""What is shown as a dot only: a reader looks for the few large weights."""

_COLUMN = 3  # terminal cells for one source word
_WIDEST_LABEL = 20
_EMPTY = "·"
_SHADES = ((0.75, "█"), (0.5, "▓"), (0.25, "▒"), (SMALLEST_WEIGHT, "░"))
# Numbers of the 256-colour palette, which also terminals without "true colour" have. The lightness runs away
# from the background's, so that a small weight stays quiet.
_RAMPS = {
    "dark": (17, 18, 24, 25, 31, 38, 45, 87, 159),
    "light": (195, 153, 117, 75, 33, 27, 25, 18, 17),
}
_DARK_COLORS = frozenset({17, 18, 24, 25, 27, 31, 33})
_LEFT_TO_RIGHT_MARK = "\u200e"


def render(
    weights: np.ndarray,
    source_labels: Sequence[str],
    target_labels: Sequence[str],
    *,
    width: int = 80,
    color: bool = False,
    background: Literal["dark", "light"] = "dark",
) -> str:
    """Draw attention weights as lines of text: a row for each target word, a column for each source word.

    Source columns that do not fit beside each other continue in further panels below, all about as wide.

    Args:
        weights: float from 0 to 1, (target rows, source columns).
        source_labels: the names of the columns.
        target_labels: the names of the rows.
        width: terminal cells in a line; no line is wider, unless it is too narrow for a single column.
        color: coloured cells that hold the weight in per cent, with ANSI escapes (256 colours); without it,
            shades (`░▒▓█`) that any log file can keep.
        background: what the terminal's own background is, for the colours.

    Returns:
        Lines joined by newlines, without one at the end; an empty string when there is nothing to draw.

    Raises:
        ValueError: when weights and labels do not fit, or a weight is not a number.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (len(target_labels), len(source_labels)):
        raise ValueError(
            f"weights {weights.shape} do not fit {len(target_labels)} target labels and "
            f"{len(source_labels)} source labels"
        )
    if weights.size == 0:
        return ""
    if not np.isfinite(weights).all():
        raise ValueError("attention weights must be finite numbers")
    columns = [_fitted(label, _WIDEST_LABEL) for label in source_labels]
    room_for_rows = max(min(_WIDEST_LABEL, width // 3), 2)
    rows = [_fitted(label, room_for_rows) for label in target_labels]
    margin = max(cell_len(row) for row in rows)
    most = max((width - margin - 1) // _COLUMN, 1)
    # Panels of about the same width: a last one of a single column would be hard to read.
    per_panel = math.ceil(len(columns) / math.ceil(len(columns) / most))
    panels = [
        _panel(
            weights[:, start : start + per_panel],
            columns[start : start + per_panel],
            rows,
            width,
            color,
            background,
        )
        for start in range(0, len(columns), per_panel)
    ]
    if not color:
        panels.append(_legend(width))
    return "\n\n".join(panels)


def _panel(
    weights: np.ndarray, columns: list[str], rows: list[str], width: int, color: bool, background: str
) -> str:
    margin = max(cell_len(row) for row in rows)
    lines = [" " * (margin + 1) + line for line in _hanging_labels(columns, width - margin - 1)]
    for row, row_weights in zip(rows, weights, strict=True):
        cells = (_colored(weight, background) if color else _shaded(weight) for weight in row_weights)
        lines.append(f"{' ' * (margin - cell_len(row))}{_isolated(row)} {''.join(cells)}".rstrip())
    return "\n".join(lines)


def _hanging_labels(labels: list[str], width: int) -> list[str]:
    """Lines, top to bottom, with each label above its column and a thread from it down to the column.

    A label may run over the columns to its right only where their threads have not begun, so it hangs one
    line above the highest of them; a label that fits its own column can hang right above the cells.
    """
    starts = [_COLUMN * place for place in range(len(labels))]
    labels = [_fitted(label, max(width - start, 1)) for label, start in zip(labels, starts, strict=True)]
    heights = [0] * len(labels)
    for place in reversed(range(len(labels))):
        end = starts[place] + cell_len(labels[place]) + 1  # and a space before what follows
        covered = [heights[other] for other in range(place + 1, len(labels)) if starts[other] < end]
        heights[place] = 1 + max(covered, default=-1)
    lines = []
    for height in reversed(range(max(heights) + 1)):
        line = ""
        for start, label, own_height in zip(starts, labels, heights, strict=True):
            if own_height >= height:
                line += " " * (start - cell_len(line)) + (_isolated(label) if own_height == height else "│")
        lines.append(line)
    return lines


def _fitted(label: str, widest: int) -> str:
    """The label without anything invisible, cut to `widest` terminal cells (a Chinese letter takes two)."""
    label = visible_label(label)
    if cell_len(label) > widest:
        label = set_cell_size(label, widest - 1).rstrip() + "…"
    return label


def _isolated(label: str) -> str:
    # Without the mark, a terminal that orders Arabic and Hebrew would draw what follows as part of the label.
    return label + _LEFT_TO_RIGHT_MARK if is_right_to_left(label) else label


def _shaded(weight: float) -> str:
    shade = next((shade for least, shade in _SHADES if weight >= least), None)
    return f"{_EMPTY} " + " " * (_COLUMN - 2) if shade is None else shade * 2 + " " * (_COLUMN - 2)


def _colored(weight: float, background: str) -> str:
    percent = round(100 * weight)
    if weight < SMALLEST_WEIGHT:
        return f"\x1b[2m{_EMPTY:^{_COLUMN}}\x1b[0m"
    ramp = _RAMPS[background]
    shade = ramp[min(int(weight * len(ramp)), len(ramp) - 1)]
    ink = 231 if shade in _DARK_COLORS else 16
    return f"\x1b[48;5;{shade}m\x1b[38;5;{ink}m{percent:^{_COLUMN}}\x1b[0m"


def _legend(width: int) -> str:
    steps = ("5", "25", "50", "75", "100")
    parts = [
        f"{shade} {low} to {high} %"
        for (_, shade), low, high in zip(reversed(_SHADES), steps, steps[1:], strict=False)
    ]
    one_line = "   ".join(parts)
    return one_line if len(one_line) <= width else "\n".join(parts)
