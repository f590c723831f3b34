"""Write a file so that a reader, or a crash, never sees half of it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from data.errors import UserError

_CHARACTERS_OF_NAME = 40
_MOST_LINKS = 40  # as the kernel: there may be a circle


@contextmanager
def atomic_write(
    path: str | os.PathLike[str],
    mode: str = "w",
    encoding: str | None = "utf-8",
    newline: str | None = "\n",
) -> Iterator[IO[Any]]:
    """Open a temporary file beside `path` and move it there when the block ends without an error.

    A symbolic link stays one: the file that it points at is written. A file that is there keeps its
    permissions. What is there and no file (a device such as /dev/null, a pipe) cannot be replaced; it is
    written into, and so is what this process has open already, such as /dev/stdout or /dev/fd/3: the file
    behind a redirection keeps what stands in it.

    Args:
        path: the file to write. Its folder is created when it does not exist.
        mode: `"w"` for text, `"wb"` for bytes.
        encoding: of a text file; ignored for bytes.
        newline: line ending of a text file; ignored for bytes.

    Yields:
        The open temporary file. When the block raises, it is removed and an older `path` stays as it was.
    """
    path = Path(path)
    form: dict[str, Any] = {} if "b" in mode else {"encoding": encoding, "newline": newline}
    descriptor = _own_descriptor(path)
    # Before a link is followed: where /dev/fd/63 points to has no name that could be opened.
    if descriptor is not None or _is_special(path):
        with open(path if descriptor is None else os.dup(descriptor), mode, **form) as file:
            yield file
        return
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Only the beginning of the name: with what is added, a long one would be longer than a name may be.
    beginning = path.name[:_CHARACTERS_OF_NAME]
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{beginning}.", suffix=".partial")
    try:
        with os.fdopen(descriptor, mode, **form) as file:
            _lock(descriptor)
            yield file
            file.flush()
            os.chmod(temporary, _permissions(path))
            replace_durably(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_abandoned(path: Path) -> None:
    """Remove a temporary file that its process did not live to finish; one that is being written stays."""
    with contextlib.suppress(FileNotFoundError, PermissionError), path.open("rb") as file:
        if _lock(file.fileno()):
            path.unlink()


def _lock(descriptor: int) -> bool:
    """Say that a file is in use until it is closed or its process ends; False where somebody else says so."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # a system, or a file system, without locks
        pass
    return True


def check_can_write(path: Path) -> None:
    """Find out before any work whether a file can be written; makes nothing.

    Raises:
        UserError: it cannot.
    """
    if path.is_dir():
        raise UserError(f"{path} is a directory. Expected the name of a file.")
    if _own_descriptor(path) is not None or _is_special(path):
        if not os.access(path, os.W_OK):
            raise UserError(f"Cannot write {path}: no permission.")
        return
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"Cannot write {path}: {nearest} is no directory that one may write into.")


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


def _own_descriptor(path: Path) -> int | None:
    """The number in `/dev/fd/1`, or in what a link such as /dev/stdout leads to; None for any other path."""
    place = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(place)
        if name.isdecimal() and os.path.realpath(folder) in (f"/proc/{os.getpid()}/fd", "/dev/fd"):
            return int(name)
        if not os.path.islink(place):
            return None
        place = os.path.normpath(os.path.join(folder, os.readlink(place)))
    return None


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _permissions(path: Path) -> int:
    """Those of the file that is there, or the ordinary ones: mkstemp makes private files."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_current_umask()


def _current_umask() -> int:
    try:
        with open("/proc/self/status", encoding="utf-8") as status:
            return next(int(line.split()[1], 8) for line in status if line.startswith("Umask:"))
    except (OSError, StopIteration, ValueError):
        # Elsewhere it can only be read by changing it, for a moment in which another thread may make a file.
        mask = os.umask(0)
        os.umask(mask)
        return mask
