"""Reading lines from a terminal, with editing, completion and a history that outlives the program."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_HISTORY_LINES = 1000


def history_file() -> Path:
    """Where the history is kept (XDG base directory specification: state)."""
    state = os.environ.get("XDG_STATE_HOME")
    base = Path(state) if state and os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "seq2seq-translator" / "history"


def read_line_with_history(completions: Sequence[str] = ()) -> Callable[[str], str]:
    """Give a function `(prompt) -> line` that edits with readline where Python has it.

    A history that cannot be read or written is none, and never an error.

    Args:
        completions: what the tab key completes at the start of a line.
    """
    try:
        import readline
    except ImportError:  # Windows, and Pythons built without it
        return _read_line
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
    readline.set_completer_delims(" ")
    readline.set_completer(_completer(completions))
    readline.set_history_length(_HISTORY_LINES)
    try:
        path = history_file()
        readline.read_history_file(path)
    except (OSError, RuntimeError):  # no file yet, no permission, no home
        pass
    atexit.register(_save_history, readline.get_current_history_length())
    return _read_line


def _save_history(known: int) -> None:
    """Add this session's lines, all but the first `known`, to those that other sessions may have added."""
    import readline

    try:
        path = history_file()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        if hasattr(readline, "append_history_file"):
            readline.append_history_file(readline.get_current_history_length() - known, path)
        else:  # libedit
            readline.write_history_file(path)
    except (OSError, RuntimeError):
        pass


def _completer(completions: Sequence[str]) -> Callable[[str, int], str | None]:
    def complete(text: str, state: int) -> str | None:
        matching = [each for each in completions if text and each.startswith(text)]
        return matching[state] if state < len(matching) else None

    return complete


def _read_line(prompt: str) -> str:
    if sys.stdout.isatty():
        return input(prompt)
    # `input` would write the prompt to stdout, which carries data.
    print(prompt, end="", file=sys.stderr, flush=True)
    return input()
