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
            file.flush()
            # The bytes must be on the disk before the name points at them: a power cut would leave nothing.
            os.fsync(file.fileno())
        # mkstemp makes private files; a shared run directory expects the ordinary permissions.
        os.chmod(temporary, 0o666 & ~_current_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
