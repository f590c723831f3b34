"""Pictures of attention and of training, drawn without a display and without pyplot's global state."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.atomic import atomic_write
from data.errors import UserError
from seq2seq.fonts import Typeface, missing_glyphs, typeface_for
from seq2seq.heat_map_layout import FAINT_INK, INK, HeatMapCanvas, HeatMapLayout, empty_figure, text_style
from seq2seq.labels import shortened, visible_label
from seq2seq.learning_curve import learning_curve
from seq2seq.translation import EOS_LABEL, source_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from seq2seq.translation import Level, Translation

__all__ = [
    "attention_heat_map",
    "check_picture_path",
    "learning_curve",
    "save_figure",
    "translation_heat_map",
    "weight_colormap",
]

# One hue, lightness L* falling in even steps from 100 to 18: equal differences of weight look equal, with any
# kind of colour vision and on a grey printer, and a weight of nothing is the paper itself.
WEIGHT_COLORS = (
    *("#ffffff", "#c4e6ff", "#8ecbff", "#5baff6", "#2c94e1"),
    *("#0078c3", "#065d9e", "#184474", "#1c2c49"),
)
SMALLEST_VALUE = 0.01  # that is worth a number in its cell

_GRID_COLOR = "#e4e8ec"
_LONGEST_LABEL = 26  # characters
_MOST_VECTOR_CELLS = 10_000
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {"format": "png", "dpi": 160},
    # The date would make each file differ from the last one of the same figure.
    ".svg": {"format": "svg", "metadata": {"Date": None}},
    ".pdf": {"format": "pdf", "metadata": {"CreationDate": None}},
}


def attention_heat_map(
    weights: np.ndarray,
    source_labels: Sequence[str],
    target_labels: Sequence[str],
    *,
    title: str | None = None,
    subtitle: str | None = None,
    values: bool = False,
    source_name: str = "source",
    target_name: str = "target",
    weight_name: str = "attention weight",
) -> Figure:
    """Draw attention weights: source words along the top, target words down the side, dark where they meet.

    The figure grows with the number of words while its letters shrink, but never below 6 points. Characters
    that no installed font has are named at the foot.

    Args:
        weights: float from 0 to 1, (target rows, source columns).
        source_labels: the names of the columns.
        target_labels: the names of the rows, first row at the top.
        title: a line above the picture.
        subtitle: a quieter line under it, for scores.
        values: also write each weight of 0.01 and above into its cell.
        source_name: what the columns are, such as the language.
        target_name: what the rows are.
        weight_name: what the colours mean.

    Returns:
        A figure of its own: nothing to close, it is gone when it is no longer used.

    Raises:
        UserError: when there is nothing to draw.
        ValueError: when weights and labels do not fit or a weight is not from 0 to 1.
    """
    weights = _checked_weights(weights, source_labels, target_labels)
    given = {
        "columns": [shortened(visible_label(label), _LONGEST_LABEL) for label in source_labels],
        "rows": [shortened(visible_label(label), _LONGEST_LABEL) for label in target_labels],
        "corner": [f"{visible_label(source_name)} →", f"{visible_label(target_name)} ↓"],
        "head": [visible_label(title or ""), visible_label(subtitle or "")],
    }
    texts = [text for group in given.values() for text in group]
    typeface = typeface_for(texts)
    drawn = {name: [typeface.drawable(text) for text in group] for name, group in given.items()}
    columns, rows, corner, (title, subtitle) = drawn.values()

    layout = HeatMapLayout.measured(
        typeface, columns, rows, corner, last_column_may_overhang=columns[-1] == EOS_LABEL, values=values
    )
    figure = empty_figure()
    canvas = HeatMapCanvas(
        figure, typeface, layout, title=title, subtitle=subtitle, foot=missing_glyphs(texts) or ""
    )
    canvas.write_corner(corner)
    axes = canvas.grid_axes()
    _draw_cells(axes, weights, line_width=min(0.6, 2.5 * layout.cell))
    _label_cells(axes, columns, rows, layout, typeface)
    if values:
        _write_values(axes, weights, layout, typeface)
    _draw_color_bar(figure, canvas.bar_axes(), typeface, weight_name)
    return figure


def translation_heat_map(
    translation: Translation,
    rank: int = 0,
    *,
    level: Level = "words",
    values: bool = False,
    title: str | None = None,
    source_name: str = "source",
    target_name: str = "target",
    weight_name: str = "attention weight",
) -> Figure:
    """Draw one hypothesis of a translation, with its scores under the title.

    Args:
        translation: what to draw.
        rank: which hypothesis, 0 for the best.
        level: draw `"words"` or `"pieces"`.
        values: as in `attention_heat_map`.
        title: as in `attention_heat_map`.
        source_name: as in `attention_heat_map`.
        target_name: as in `attention_heat_map`.
        weight_name: as in `attention_heat_map`.

    Raises:
        UserError: when there is no such hypothesis; an empty line has none.
    """
    if not 0 <= rank < len(translation.hypotheses):
        raise UserError(
            f"There is no attention to draw: hypothesis {rank + 1} was asked for, and this line has "
            f"{len(translation.hypotheses)}. An empty line has none."
        )
    hypothesis = translation.hypotheses[rank]
    facts = [f"log probability {hypothesis.log_probability:.2f}", f"score {hypothesis.score:.3f}"]
    if hypothesis.confidence is not None:
        facts.append(f"attention confidence {hypothesis.confidence.total:.2f}")
    if len(translation.hypotheses) > 1:
        facts.insert(0, f"hypothesis {rank + 1} of {len(translation.hypotheses)}")
    return attention_heat_map(
        hypothesis.attention_at(level, translation.source),
        source_labels(translation.source, level),
        hypothesis.labels(level),
        title=title,
        subtitle=" · ".join(facts).replace("-", "−"),
        values=values,
        source_name=source_name,
        target_name=target_name,
        weight_name=weight_name,
    )


def weight_colormap() -> Colormap:
    """The colours of weights: 0 is white, 1 a dark blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("attention", WEIGHT_COLORS)


def check_picture_path(path: str | os.PathLike[str]) -> None:
    """Check, before any work is done, that `save_figure` can write this kind of picture.

    Raises:
        UserError: naming the endings that are known.
    """
    if Path(path).suffix.lower() not in _SAVE_OPTIONS:
        raise UserError(
            f"Cannot tell what kind of picture {os.fspath(path)} should be. Give it one of the endings "
            f"{', '.join(_SAVE_OPTIONS)}."
        )


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, SVG or PDF, as the ending of `path` says; a reader never sees half of it.

    Raises:
        UserError: for any other ending, a path that cannot be written, or a picture too large for the memory.
    """
    check_picture_path(path)
    try:
        with atomic_write(path, "wb") as file:
            figure.savefig(file, **_SAVE_OPTIONS[Path(path).suffix.lower()])
    except OSError as error:
        raise UserError(
            f"Cannot write the picture {os.fspath(path)}: {error.strerror or error}. Give another path."
        ) from error
    except MemoryError as error:
        raise UserError(f"There is not enough memory to draw {os.fspath(path)}.") from error


def _checked_weights(
    weights: np.ndarray, source_labels: Sequence[str], target_labels: Sequence[str]
) -> np.ndarray:
    weights = np.asarray(weights, dtype=np.float64)
    if weights.size == 0:
        raise UserError("There is no attention to draw: the source or the translation is empty.")
    if weights.shape != (len(target_labels), len(source_labels)):
        raise ValueError(
            f"weights {weights.shape} do not fit {len(target_labels)} target labels and "
            f"{len(source_labels)} source labels"
        )
    # Float32 sums of pieces may pass 1 by a rounding error. `not` also catches NaN.
    if not (weights.min() >= -1e-4 and weights.max() <= 1 + 1e-4):
        raise ValueError(f"attention weights go from 0 to 1, not {weights.min()} to {weights.max()}")
    return np.clip(weights, 0, 1)


def _draw_cells(axes: Axes, weights: np.ndarray, line_width: float) -> None:
    rows, columns = weights.shape
    axes.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        weights,
        cmap=weight_colormap(),
        vmin=0,
        vmax=1,
        edgecolors=_GRID_COLOR,
        linewidth=line_width,
        # Beyond this, a vector file of single cells would be many megabytes and slow to open.
        rasterized=weights.size > _MOST_VECTOR_CELLS,
    )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)  # the first target word at the top
    for spine in axes.spines.values():
        spine.set(edgecolor=_GRID_COLOR, linewidth=0.6)


def _label_cells(
    axes: Axes, columns: list[str], rows: list[str], layout: HeatMapLayout, typeface: Typeface
) -> None:
    step = layout.label_step
    style: dict[str, Any] = {"size": layout.letters, "color": INK, **text_style(typeface)}
    turned: dict[str, Any] = {"rotation": layout.rotation}
    if layout.rotation:
        turned |= {"horizontalalignment": "left", "rotation_mode": "anchor"}
    if layout.rotation == 90:
        turned |= {"verticalalignment": "center"}
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=4)
    axes.set_yticks(np.arange(0, len(rows), step), rows[::step], **style)
    axes.set_xticks(np.arange(0, len(columns), step), columns[::step], **turned, **style)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        if label.get_text() == EOS_LABEL:
            label.set_color(FAINT_INK)


def _write_values(axes: Axes, weights: np.ndarray, layout: HeatMapLayout, typeface: Typeface) -> None:
    size = float(np.clip(0.36 * layout.cell * 72, 3.0, 8.5))
    for row, column in np.argwhere(weights >= SMALLEST_VALUE):
        weight = weights[row, column]
        axes.text(
            column,
            row,
            f"{weight:.2f}".removeprefix("0"),
            size=size,
            # White and dark letters have about the same contrast with the cell here.
            color="white" if weight > 0.52 else INK,
            horizontalalignment="center",
            verticalalignment="center_baseline",
            **text_style(typeface),
        )


def _draw_color_bar(figure: Figure, axes: Axes, typeface: Typeface, label: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), weight_colormap()), cax=axes)
    style = {"size": 7.5, "color": FAINT_INK, **text_style(typeface)}
    bar.ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"], **style)
    bar.ax.tick_params(length=0, pad=3)
    bar.outline.set(edgecolor=_GRID_COLOR, linewidth=0.6)
    bar.set_label(label, labelpad=4, **style)
