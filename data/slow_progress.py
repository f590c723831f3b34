"""A progress bar on stderr that appears only when the work turns out to be slow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS_BEFORE_SHOWING = 2.0


@contextmanager
def slow_progress(
    title: str, *, unit: str = "bytes", seconds_before_showing: float = SECONDS_BEFORE_SHOWING
) -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function that reports progress; after two seconds of work it shows a bar on stderr.

    Where stderr is not a terminal, a line names each thing as it is reached instead.

    Args:
        title: what is being done, shown before the bar.
        unit: what `report` counts: `"bytes"` are shown as kB, MB and GB, anything else ("pairs") by its name.
        seconds_before_showing: work that ends sooner shows nothing and does not load `rich`.

    Yields:
        `report(what, done, in_all)`; `in_all` is None where it is not known.
    """
    started = time.monotonic()
    bar: Any = None
    task: Any = None
    shown = ""

    def report(what: str, done: int, in_all: int | None) -> None:
        nonlocal bar, task, shown
        if bar is None:
            if time.monotonic() - started < seconds_before_showing:
                return
            bar = _bar(unit)
            task = bar.add_task(title, total=in_all)
        description = f"{title}: {what}"
        if bar.console.is_terminal:
            bar.start()
            bar.update(task, completed=done, total=in_all, description=description)
        elif description != shown:
            bar.console.print(description, highlight=False, markup=False, soft_wrap=True)
        shown = description

    try:
        yield report
    finally:
        if bar is not None and bar.console.is_terminal:
            bar.stop()


def _bar(unit: str) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if unit == "bytes" else TextColumn(f"{{task.completed:,}} {unit}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
