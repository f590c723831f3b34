"""Write a file so that a reader, or a crash, never sees half of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def atomic_write(
    path: str | os.PathLike[str],
    mode: str = "w",
    encoding: str | None = "utf-8",
    newline: str | None = "\n",
) -> Iterator[IO[Any]]:
    """Open a temporary file beside `path` and move it there when the block ends without an error.

    Args:
        path: the file to write. Its folder is created when it does not exist.
        mode: `"w"` for text, `"wb"` for bytes.
        encoding: of a text file; ignored for bytes.
        newline: line ending of a text file; ignored for bytes.

    Yields:
        The open temporary file. When the block raises, it is removed and an older `path` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    binary = "b" in mode
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(
            descriptor, mode, encoding=None if binary else encoding, newline=None if binary else newline
        ) as file:
            yield file
        # mkstemp makes private files; a shared run directory expects the ordinary permissions.
        os.chmod(temporary, 0o666 & ~_current_umask())
        replace_durably(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_durably(temporary: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Give a finished file its name so that a power cut leaves either the old file or the whole new one.

    Args:
        temporary: the finished file, in the folder of `path`.
        path: the name it shall have.
    """
    # The bytes must be on the disk before the name points at them, and then the name itself.
    for place in (temporary, None, Path(path).parent):
        if place is None:
            os.replace(temporary, path)
            continue
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
