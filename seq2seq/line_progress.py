"""Progress on stderr: lines translated, and a model that takes its time to load."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS_BEFORE_SHOWING = 2.0
_SECONDS_BETWEEN_LINES = 10.0
_ERASE_LINE = "\r\x1b[2K"


@contextmanager
def line_progress(title: str, total: int | None, *, hidden: bool = False) -> Iterator[Callable[[], None]]:
    """Give a function to call after each line.

    After two seconds it shows a bar when stderr is a terminal; elsewhere a plain line now and then.

    Args:
        title: what is being done.
        total: number of lines, when known.
        hidden: show nothing (the lines themselves appear on the terminal).
    """
    started = last_line = time.monotonic()
    done = 0
    bar: Any = None

    def advance() -> None:
        nonlocal done, bar, last_line
        done += 1
        now = time.monotonic()
        if hidden or now - started < SECONDS_BEFORE_SHOWING:
            return
        if not sys.stderr.isatty():
            if now - last_line >= _SECONDS_BETWEEN_LINES:
                last_line = now
                of_total = "" if total is None else f" of {total:,}"
                rate = done / (now - started)
                print(f"{title}: {done:,}{of_total} lines, {rate:.0f} a second", file=sys.stderr, flush=True)
            return
        if bar is None:
            bar = _start_bar(title, total)
        bar.update(bar.task_ids[0], completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _start_bar(title: str, total: int | None) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("lines"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, emoji=False),
        transient=True,
        # stdout may be a pipe into another program: rich must not take it over.
        redirect_stdout=False,
    )
    bar.start()
    bar.add_task(title, total=total)
    return bar


@contextmanager
def loading_note(what: str) -> Iterator[Callable[[], None]]:
    """Say that something is being loaded: on a terminal at once, and no more when it is done.

    Elsewhere only when it turns out to be slow.

    Yields:
        A function to call between the stages of loading.
    """
    is_terminal = sys.stderr.isatty()
    started = time.monotonic()
    shown = False

    def between_stages() -> None:
        nonlocal shown
        if not is_terminal and not shown and time.monotonic() - started > SECONDS_BEFORE_SHOWING:
            shown = True
            print(f"Loading {what} ...", file=sys.stderr, flush=True)

    if is_terminal:
        print(f"Loading {what} …", end="", file=sys.stderr, flush=True)
    try:
        yield between_stages
    finally:
        if is_terminal:
            print(_ERASE_LINE, end="", file=sys.stderr, flush=True)
