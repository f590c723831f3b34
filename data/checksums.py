"""A list of SHA-256 sums beside the files that they belong to, as `sha256sum` writes and checks it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from data.atomic import atomic_write
from data.errors import DataError

CHECKSUMS_NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def write_checksums(folder: Path, names: Iterable[str] | None = None) -> Path:
    """Write the sums of files into `folder/SHA256SUMS`.

    Args:
        folder: where the files are.
        names: of the files, below the folder, with forward slashes; None: all that there are.

    Returns:
        The path of the list. `sha256sum -c SHA256SUMS` checks it, too.
    """
    path = folder / CHECKSUMS_NAME
    if names is None:
        files = [each for each in folder.rglob("*") if each.is_file() and each != path]
        names = [each.relative_to(folder).as_posix() for each in files]
    with atomic_write(path) as file:
        file.writelines(f"{_sha256(folder / name)}  {name}\n" for name in sorted(names))
    return path


def verify_checksums(folder: Path, required: Iterable[str] = ()) -> None:
    """Check that the files of a folder are those that `folder/SHA256SUMS` lists.

    Args:
        folder: where the list and the files are.
        required: names that the list has to contain.

    Raises:
        DataError: the list is missing or no such list, or a file is missing or was changed. Names the file.
    """
    sums = _read_checksums(folder / CHECKSUMS_NAME)
    for name in required:
        if name not in sums:
            raise DataError(f"{folder / CHECKSUMS_NAME} has no line for {name}. {_MEND}")
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            raise DataError(f"{path} is missing; {CHECKSUMS_NAME} beside it lists it. {_MEND}")
        found = _sha256(path)
        if found != expected:
            raise DataError(
                f"{path} is damaged or was changed: its SHA-256 is {found[:12]}…, expected {expected[:12]}… "
                f"({CHECKSUMS_NAME}). {_MEND}"
            )


_MEND = "Bring back the files as they were published (in a git checkout: git restore)."


def _read_checksums(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: the files beside it cannot be checked. {_MEND}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}. {_MEND}") from error
    sums = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None or ".." in Path(match[2]).parts or Path(match[2]).is_absolute():
            raise DataError(
                f"{path}:{number}: expected a SHA-256, two spaces and the name of a file below this folder, "
                f"found {line!r}. {_MEND}"
            )
        sums[match[2]] = match[1]
    if not sums:
        raise DataError(f"{path} is empty: the files beside it cannot be checked. {_MEND}")
    return sums


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
