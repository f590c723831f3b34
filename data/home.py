"""Paths as people write them: `~` is the home directory."""

from __future__ import annotations

import os
from pathlib import Path

from data.errors import UserError


def with_home(path: str | os.PathLike[str]) -> Path:
    """The path with `~` or `~user` at its beginning replaced.

    Raises:
        UserError: nobody knows the home directory, or no file has such a name.
    """
    if "\0" in os.fspath(path):
        raise UserError(f"{os.fspath(path)!r}: the name of a file has no NUL character.")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"{os.fspath(path)}: the home directory that `~` stands for is not known.") from error
