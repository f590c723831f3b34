"""The figures as a table for people and as a JSON file for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from data.atomic import atomic_write
from data.errors import UserError

# Where nobody watches, a line is as long as it has to be.
_WIDTH_OF_FILES = 130


def print_table(report: Mapping[str, Any], console: Console | None = None) -> None:
    """Print every figure with its quartiles, and the notes below.

    Args:
        report: as `python -m benchmarks` writes it.
        console: standard output when not given.
    """
    if console is None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDTH_OF_FILES)
    machine = report["machine"]
    console.print(
        f"{machine['processor']}; {' '.join(machine['instructions'])}", highlight=False, soft_wrap=True
    )
    table = Table("", "median", "unit", "quartiles", "runs")
    for column in ("median", "quartiles", "runs"):
        table.columns[["", "median", "unit", "quartiles", "runs"].index(column)].justify = "right"
    for measured in report["measurements"].values():
        table.add_section()
        table.add_row(f"[bold]{measured['title']}[/bold]")
        for figure in measured["figures"]:
            quartiles = ""
            if figure["lower_quartile"] is not None:
                quartiles = f"{spoken(figure['lower_quartile'])} – {spoken(figure['upper_quartile'])}"
            table.add_row(
                "  " + figure["what"], spoken(figure["value"]), figure["unit"], quartiles, str(figure["runs"])
            )
    console.print(table, highlight=False)
    for measured in report["measurements"].values():
        for note in measured["notes"]:
            console.print(f"{measured['title']}: {note}", highlight=False, markup=False, soft_wrap=True)


def spoken(value: float) -> str:
    """Three digits that count: 0.123, 4.56, 78.9, 1,235, 12,346."""
    magnitude = abs(value)
    if magnitude >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}" if magnitude >= 1 else f"{value:.3f}"


def write_report(path: str | Path, report: Mapping[str, Any]) -> None:
    """Write the JSON file.

    Raises:
        UserError: it cannot be written.
    """
    try:
        with atomic_write(path) as file:
            json.dump(report, file, indent=1, ensure_ascii=False)
            file.write("\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
