"""Paths as people write them: `~` is the home directory."""

from __future__ import annotations

import os
from pathlib import Path

from data.errors import UserError


def with_home(path: str | os.PathLike[str]) -> Path:
    """The path with `~` or `~user` at its beginning replaced.

    Raises:
        UserError: nobody knows the home directory.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"{os.fspath(path)}: the home directory that `~` stands for is not known.") from error
