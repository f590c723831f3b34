"""The picture of a training run: how training and validation went, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.errors import UserError
from seq2seq.heat_map_layout import FAINT_INK, INK, empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINING_COLOR = "#8a97a6"
VALIDATION_COLOR = "#0078c3"
# A run that starts badly or diverges would flatten everything else on an even scale.
_LOGARITHMIC_RANGE = 5.0


class _Panel(NamedTuple):
    title: str
    training: str
    validation: str
    higher_is_better: bool


# The first two with any number are drawn. Perplexity before loss: label smoothing is part of a training
# loss, so that its two lines cannot be compared.
_PANELS = (
    _Panel("Perplexity", "perplexity", "val_perplexity", False),
    _Panel("BLEU", "bleu", "val_bleu", True),
    _Panel("Loss", "loss", "val_loss", False),
)
_WANTED = {name for panel in _PANELS for name in (panel.training, panel.validation)} | {"epoch"}


def learning_curve(
    metrics: Mapping[str, Sequence[float | str | None]], *, title: str | None = None
) -> Figure:
    """Draw perplexity (or loss) in training and validation, beside validation BLEU where it was measured.

    The best epoch of each panel, by its validation line, is marked and named in the panel's heading.

    Args:
        metrics: one sequence for each column of `metrics.csv`, one entry for each epoch: `epoch` (counted
            from 1), `perplexity`, `val_perplexity`, `loss`, `val_loss`, `val_bleu`. Any
            may be left out, an entry may be missing (None, NaN, an empty string), other columns are ignored.
        title: a line above the panels.

    Returns:
        A figure of its own: nothing to close.

    Raises:
        UserError: when there is not a single number to draw, or an entry is not a number.
    """
    series = _series(metrics)
    panels = _panels(series)
    if not panels:
        raise UserError(
            "There is no learning curve to draw: none of the columns "
            f"{', '.join(sorted(_WANTED - {'epoch'}))} has a number yet. Finish an epoch first."
        )
    figure = empty_figure()
    figure.set_size_inches(1.0 + 4.2 * len(panels), 3.6)
    for place, panel in enumerate(panels, start=1):
        _draw_panel(figure.add_subplot(1, len(panels), place, facecolor="white"), panel, series)
    if title:
        figure.suptitle(title, x=0.02, horizontalalignment="left", size=12, color=INK, parse_math=False)
    figure.tight_layout(w_pad=3.0)
    return figure


def has_curve(metrics: Mapping[str, Sequence[float | str | None]]) -> bool:
    """Whether `learning_curve` would find a number to draw.

    Raises:
        UserError: an entry is not a number.
    """
    return bool(_panels(_series(metrics)))


def _series(metrics: Mapping[str, Sequence[float | str | None]]) -> dict[str, np.ndarray]:
    return {name: _numbers(name, column) for name, column in metrics.items() if name in _WANTED}


def _panels(series: Mapping[str, np.ndarray]) -> list[_Panel]:
    def has_numbers(name: str) -> bool:
        return bool(np.isfinite(series.get(name, np.empty(0))).any())

    return [panel for panel in _PANELS if has_numbers(panel.training) or has_numbers(panel.validation)][:2]


def _numbers(name: str, column: Sequence[float | str | None]) -> np.ndarray:
    def number(epoch: int, entry: float | str | None) -> float:
        if entry is None or (isinstance(entry, str) and not entry.strip()):
            return float("nan")
        try:
            return float(entry)
        except (TypeError, ValueError):
            raise UserError(
                f"Entry {epoch + 1} of the metric {name!r} is {entry!r}, which is not a number. Mend or "
                "remove that line of the metrics file."
            ) from None

    return np.array([number(epoch, entry) for epoch, entry in enumerate(column)], dtype=np.float64)


def _draw_panel(axes: Axes, panel: _Panel, series: Mapping[str, np.ndarray]) -> None:
    from matplotlib.ticker import MaxNLocator

    drawn: list[np.ndarray] = []
    for name, label, color in (
        (panel.training, "training", TRAINING_COLOR),
        (panel.validation, "validation", VALIDATION_COLOR),
    ):
        epochs, values = _points(series, name)
        if len(values):
            dot = "o" if len(values) == 1 else ""  # one point alone makes no line
            axes.plot(
                epochs, values, color=color, linewidth=1.8, marker=dot, markersize=4, label=label, zorder=3
            )
            drawn.append(values)
    values = np.concatenate(drawn)
    if not panel.higher_is_better and 0 < values.min() * _LOGARITHMIC_RANGE < values.max():
        _make_logarithmic(axes)
    _mark_best(axes, panel, *_points(series, panel.validation))
    axes.set_title(panel.title, loc="left", size=11, color=INK)
    axes.set_xlabel("epoch", size=9, color=FAINT_INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(True, axis="y", color="#e4e8ec", linewidth=0.7)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=FAINT_INK, which="both")
    axes.margins(x=0.04, y=0.12)
    for side, spine in axes.spines.items():
        spine.set(visible=side == "bottom", edgecolor=TRAINING_COLOR, linewidth=0.7)
    if len(drawn) > 1:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=INK, facecolor="white")


def _points(series: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The epochs, counted from 1, at which a metric is a finite number, and these numbers."""
    values = series.get(name, np.empty(0))
    epochs = np.arange(1, len(values) + 1, dtype=np.float64)
    written = series.get("epoch", np.empty(0))[: len(values)]
    epochs[: len(written)] = np.where(np.isfinite(written), written, epochs[: len(written)])
    finite = np.isfinite(values)
    return epochs[finite], values[finite]


def _make_logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _mark_best(axes: Axes, panel: _Panel, epochs: np.ndarray, values: np.ndarray) -> None:
    if not len(values):
        return
    best = int(values.argmax() if panel.higher_is_better else values.argmin())
    axes.plot(
        epochs[best : best + 1],
        values[best : best + 1],
        marker="o",
        markersize=6.5,
        color=VALIDATION_COLOR,
        markeredgecolor="white",
        markeredgewidth=1.2,
        linestyle="none",
        zorder=4,
    )
    # Three digits, also where the last are zeros: 4.00.
    number = f"{values[best]:#.3g}".rstrip(".")
    # In the heading, where no line can run through it.
    axes.set_title(f"best {number} at epoch {epochs[best]:g}", loc="right", size=9, color=VALIDATION_COLOR)
