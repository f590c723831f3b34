"""The lines of a UTF-8 text file, plain or gzip-compressed, with errors that name the file and the line."""

from __future__ import annotations

import difflib
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from data.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# No sentence is this long; a file that is not text at all may have no line feed in all its gigabytes.
LONGEST_LINE_BYTES = 1 << 20
_BUFFER_BYTES = 1 << 18


def decode_lines(file: BinaryIO, name: str, *, compressed: bool = False) -> Iterator[str]:
    """Read the lines of an open binary stream, strictly.

    Only a line feed ends a line, and a carriage return before it is dropped with it: U+2028, U+0085, a
    vertical tab, a lone carriage return and NUL are text. A byte order mark at the start is dropped. A last
    line without a line feed counts; a line feed at the end of the stream starts no further line.

    Args:
        file: a binary stream such as `open(path, "rb")` or `sys.stdin.buffer`.
        name: how errors call it.
        compressed: whether `file` decompresses as it is read, so that errors say which bytes they count.

    Yields:
        The lines without their endings.

    Raises:
        DataError: a line is not UTF-8 or is longer than 1 MiB, or the compressed data is damaged.
    """
    number = offset = 0
    try:
        while line := file.readline(LONGEST_LINE_BYTES + 1):
            number += 1
            if len(line) > LONGEST_LINE_BYTES and not line.endswith(b"\n"):
                raise DataError(
                    f"{name}, line {number}: longer than {LONGEST_LINE_BYTES:,} bytes. Expected one sentence "
                    "per line, each ended by a line feed. Is it a text file?"
                )
            text = line
            if text.endswith(b"\n"):
                text = text[:-2] if text.endswith(b"\r\n") else text[:-1]
            if number == 1:
                text = text.removeprefix(_UTF8_BOM)
                if not text and line == _UTF8_BOM:
                    return  # a byte order mark alone is an empty file
            try:
                decoded = text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(name, number, offset, line, error, compressed) from None
            yield decoded
            offset += len(line)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{name}: the gzip data is damaged or cut short after line {number} ({error}). "
            "Copy or download the file again; `gzip --test` checks it."
        ) from None
    except OSError as error:
        raise DataError(f"{name}: cannot be read after line {number}: {error.strerror or error}.") from None


def _not_utf8(
    name: str,
    number: int,
    offset: int,
    line: bytes,
    error: UnicodeDecodeError,
    compressed: bool,
) -> DataError:
    # A byte order mark taken from the first line counts as bytes of the file all the same.
    column = error.start + (len(_UTF8_BOM) if number == 1 and line.startswith(_UTF8_BOM) else 0)
    place = "the decompressed text" if compressed else "the file"
    if number == 1 and line.startswith(_UTF16_BOMS):
        advice = "It looks like UTF-16; convert it with: iconv -f UTF-16 -t UTF-8"
    elif number == 1 and line.startswith((b"PK\x03\x04", b"\xfd7zXZ", b"BZh", b"(\xb5/\xfd")):
        advice = "It looks like a compressed file; only plain text and gzip are read: decompress it first."
    else:
        advice = "Convert the file, for example with: iconv -f WINDOWS-1252 -t UTF-8"
    return DataError(
        f"{name}, line {number}, byte {column + 1} of the line (byte offset {offset + column} of {place}): "
        f"not valid UTF-8: 0x{line[column]:02x} ({error.reason}). Expected UTF-8 text. {advice}"
    )


class TextFile:
    """One open text file: iterate over its lines; use as a context manager.

    Args:
        path: a regular file, plain or gzip-compressed (told by its first bytes).

    Attributes:
        path: as given.
        size: bytes on disk.

    Raises:
        DataError: the file does not exist, is not a regular file, cannot be opened, or is named `.gz` and is
            not gzip-compressed; while iterating, what `decode_lines` raises.
    """

    def __init__(self, path: Path) -> None:
        check_is_readable_file(path)
        self.path = path
        self._raw = io.BufferedReader(io.FileIO(path), _BUFFER_BYTES)
        self.size = os.fstat(self._raw.fileno()).st_size
        self._compressed = self._raw.peek(2)[:2] == _GZIP_MAGIC
        if path.suffix == ".gz" and not self._compressed and self.size:
            self._raw.close()
            raise DataError(
                f"{path}: named .gz but the content is not gzip-compressed. Rename it or compress it."
            )
        # A Python-level GzipFile answers each readline slowly; a buffered reader over it does so in C.
        self._text = (
            io.BufferedReader(gzip.GzipFile(fileobj=self._raw), _BUFFER_BYTES)
            if self._compressed
            else self._raw
        )

    @property
    def position(self) -> int:
        """Bytes taken from the disk so far, compressed ones for a compressed file."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[str]:
        return decode_lines(self._text, str(self.path), compressed=self._compressed)

    def __enter__(self) -> TextFile:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._text.close()
        self._raw.close()


def check_is_readable_file(path: Path, what: str = "") -> None:
    """Raise a `DataError` that says what is wrong when `path` is not a regular file that can be opened.

    Args:
        path: the file.
        what: its part in the configuration ("train source"), put before the message.
    """
    label = f"{what}: " if what else ""
    try:
        if path.is_dir():
            raise DataError(f"{label}{path} is a folder. Expected a text file, plain or gzip-compressed.")
        if not path.exists():
            raise DataError(f"{label}{path} does not exist{_where_it_was_sought(path)}")
        if not path.is_file():
            raise DataError(
                f"{label}{path} is not a regular file. It is read several times: write what the pipe or "
                "device gives to a file first."
            )
        with open(path, "rb"):
            pass
    except OSError as error:
        raise DataError(f"{label}{path} cannot be opened: {error.strerror or error}.") from None


def _where_it_was_sought(path: Path) -> str:
    sought = "" if path.is_absolute() else f" (relative paths start at the current directory, {Path.cwd()})"
    if not path.parent.is_dir():
        return f"{sought}; nor does the folder {path.parent}."
    near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=1)
    return f"{sought}; did you mean {path.parent / near[0]}?" if near else f"{sought}."
