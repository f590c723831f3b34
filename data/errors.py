"""Mistakes that a user can mend: shown as a message, never as a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike


class UserError(Exception):
    """Something the user gave is wrong. The message says what, where, what was expected, and what to do.

    The command-line programs print the message and end with exit code 2.
    """


class DataError(UserError):
    """A corpus, a text file or a tokenizer is not what it should be."""


@contextmanager
def file_errors(action: str, path: str | PathLike[str]) -> Iterator[None]:
    """What the operating system refuses within is the user's to mend.

    Args:
        action: what is being done with the file or folder: "read", "write", "write into".
        path: of the file or folder.

    Raises:
        UserError: in place of an `OSError`: "Cannot write FILE: No space left on device".
        BrokenPipeError: whoever read a pipe has read enough, which is no mistake.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"Cannot {action} {path}: {error.strerror or error}") from error
