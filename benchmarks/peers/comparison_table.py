"""The comparison as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.peers.architectures import THIS_PROJECT
from benchmarks.peers.measurement import RESULT_KEYS

# Where nobody watches, a line is as long as it has to be.
_WIDTH_OF_FILES = 130
_TITLES = {
    "training": "training, tokens/s",
    "greedy": "greedy, tokens/s",
    "beam5": "beam 5, tokens/s",
    "latency": "one sentence, ms",
}


def print_comparison(report: Mapping[str, Any], console: Console | None = None) -> None:
    """Print medians, their range over the rounds, the ratios, and what differs.

    Args:
        report: as `compare.py` writes it.
        console: standard output when not given.
    """
    if console is None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDTH_OF_FILES)
    machine = report["machine"]
    console.print(
        f"{machine['processor']}; {' '.join(machine['instructions'])}\n"
        f"{report['threads']} threads; tokens of the target; medians of {report['rounds']} round(s) (least – "
        f"greatest); ratio of {THIS_PROJECT.name} to the faster peer, above 1 is faster than it",
        highlight=False,
        soft_wrap=True,
    )
    multiplications = report["million_multiplications_per_target_token"]
    table = Table("", *multiplications, "ratio to the faster")
    for column in table.columns[1:]:
        column.justify = "right"
    for variant in dict.fromkeys(side["variant"] for side in report["sides"]):
        sides = {side["peer"]: side for side in report["sides"] if side["variant"] == variant}
        table.add_section()
        table.add_row(f"[bold]{variant}[/bold]")
        for measure, key in RESULT_KEYS.items():
            if not any(key in side for side in sides.values()):
                continue
            ratio = report["times_as_fast_as_the_faster_peer"].get(variant, {}).get(key)
            cells = [_cell(sides.get(name, {}).get(key)) for name in multiplications]
            table.add_row(
                "  " + _TITLES[measure],
                *cells,
                f"{ratio['ratio']:.2f} × {ratio['faster_peer']}" if ratio else "",
            )
    table.add_section()
    table.add_row("[bold]the networks[/bold]")
    own = multiplications[THIS_PROJECT.name]
    table.add_row(
        "  multiplications/token",
        *(f"{each:.2f} million ({each / own:.2f} ×)" for each in multiplications.values()),
        "",
    )
    console.print(table, highlight=False)
    for line in (*_versions(report), *report["differences"]):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _cell(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "–"
    median, runs = _spoken(figure["median"]), figure["runs"]
    return f"{median} ({_spoken(min(runs))} – {_spoken(max(runs))})" if len(runs) > 1 else median


def _versions(report: Mapping[str, Any]) -> list[str]:
    return [
        f"{side['peer']} {side['version']}, {side['variant']}: {'; '.join(side['notes'])}."
        for side in report["sides"]
    ]


def _spoken(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
