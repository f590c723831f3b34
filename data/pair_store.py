"""Text pairs on disk: written once as a stream, then read at any place without growing in memory."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from data.atomic import atomic_write
from data.errors import DataError

_TEXT_FILE, _OFFSETS_FILE, _MANIFEST_FILE = "text.bin", "offsets.bin", "store.json"
_FORMAT = "text pairs 1"
_OFFSET = np.dtype("<i8")
_PAIRS_PER_WRITE = _PAIRS_PER_READ = 4096
# Wanted places closer than this are read in one system call: copying a page costs less than another call.
_LARGEST_GAP = 4096
_LARGEST_READ = 1 << 20


class NoPairsError(DataError):
    """There was not a single pair to store."""


class PairStore:
    """Text pairs in a folder, read by index.

    The texts stand one after the other in `text.bin` as UTF-8 (source 0, target 0, source 1, …) and their
    2n + 1 borders in `offsets.bin`. `store.json` is written last: a folder without it was never finished.
    Both files are read with `pread`, so any number of threads may read, and are never mapped or loaded: only
    the operating system's page cache grows.

    Attributes:
        fingerprint: SHA-256 over all texts and where they end, in hexadecimal.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Open a finished store.

        Raises:
            DataError: the folder holds no store, an unfinished one, or files that do not belong together.
        """
        self.folder = Path(folder)
        manifest = _read_manifest(self.folder)
        self._count: int = manifest["pairs"]
        self.fingerprint: str = manifest["fingerprint"]
        self._text: IO[bytes] = open(self.folder / _TEXT_FILE, "rb", buffering=0)  # noqa: SIM115 (close() does)
        self._offsets: IO[bytes] = open(self.folder / _OFFSETS_FILE, "rb", buffering=0)  # noqa: SIM115

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Give back the two file descriptors."""
        self._text.close()
        self._offsets.close()

    def __enter__(self) -> PairStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Every pair, in order, read in portions."""
        for begin in range(0, self._count, _PAIRS_PER_READ):
            yield from self.read(range(begin, min(begin + _PAIRS_PER_READ, self._count)))

    def read(self, indices: Sequence[int] | np.ndarray) -> list[tuple[str, str]]:
        """The pairs at `indices`, in that order; an index may be repeated.

        Raises:
            IndexError: an index is negative or not below `len(store)`.
        """
        wanted = np.asarray(indices, dtype=np.int64)
        if wanted.size == 0:
            return []
        if wanted.min() < 0 or wanted.max() >= self._count:
            raise IndexError(f"pair index out of range: the store has {self._count} pairs")
        order = np.argsort(wanted, kind="stable")
        first_byte = wanted[order] * (2 * _OFFSET.itemsize)
        borders = np.frombuffer(
            b"".join(_read_ranges(self._offsets, first_byte, first_byte + 3 * _OFFSET.itemsize)), _OFFSET
        ).reshape(-1, 3)  # (pair, [source begin, target begin, end])
        pairs: list[tuple[str, str]] = [("", "")] * wanted.size
        source_bytes = (borders[:, 1] - borders[:, 0]).tolist()
        raw_pairs = _read_ranges(self._text, borders[:, 0], borders[:, 2])
        for place, raw, cut in zip(order.tolist(), raw_pairs, source_bytes, strict=True):
            pairs[place] = (_text(raw[:cut]), _text(raw[cut:]))
        return pairs

    @classmethod
    def write(cls, folder: str | os.PathLike[str], pairs: Iterable[tuple[str, str]]) -> PairStore:
        """Write all pairs to `folder`, in one pass, and open the result.

        A store that was there before is replaced at the very end; after an error or a crash there is either
        the older store or none, never a part of one.

        Raises:
            NoPairsError: there is not a single pair.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with (
            atomic_write(folder / _TEXT_FILE, "wb") as text_file,
            atomic_write(folder / _OFFSETS_FILE, "wb") as offsets_file,
        ):
            count, size, fingerprint = _write_pairs(pairs, text_file, offsets_file)
            if count == 0:
                raise NoPairsError(f"{folder}: there are no sentence pairs to store.")
            # The two files are moved into place one by one: until both are, this must not look like a store.
            (folder / _MANIFEST_FILE).unlink(missing_ok=True)
        with atomic_write(folder / _MANIFEST_FILE) as file:
            manifest = {"format": _FORMAT, "pairs": count, "bytes": size, "fingerprint": fingerprint}
            json.dump(manifest, file, indent=1)
        return cls(folder)


def _write_pairs(
    pairs: Iterable[tuple[str, str]], text_file: IO[bytes], offsets_file: IO[bytes]
) -> tuple[int, int, str]:
    """Write texts and borders; returns the number of pairs, the bytes of text, and the fingerprint."""
    text_digest, offsets_digest = hashlib.sha256(), hashlib.sha256()
    count, end = 0, 0
    offsets_file.write(np.zeros(1, _OFFSET).tobytes())
    stream = iter(pairs)
    while block := list(itertools.islice(stream, _PAIRS_PER_WRITE)):
        # surrogatepass: whatever Python can hold comes back as it was.
        texts = [text.encode("utf-8", "surrogatepass") for pair in block for text in pair]
        borders = end + np.cumsum([len(text) for text in texts], dtype=_OFFSET)
        end = int(borders[-1])
        for file, digest, content in (
            (text_file, text_digest, b"".join(texts)),
            (offsets_file, offsets_digest, borders.tobytes()),
        ):
            file.write(content)
            digest.update(content)
        count += len(block)
    return count, end, hashlib.sha256(text_digest.digest() + offsets_digest.digest()).hexdigest()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        expected = {
            _TEXT_FILE: manifest["bytes"],
            _OFFSETS_FILE: (2 * manifest["pairs"] + 1) * _OFFSET.itemsize,
        }
        if manifest["format"] != _FORMAT:
            raise DataError(f"{path}: unknown format {manifest['format']!r}; write the store again.")
    except FileNotFoundError as error:
        raise DataError(
            f"{folder}: no finished store of text pairs here ({_MANIFEST_FILE} is missing)."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: cannot be read ({error!r}); write the store again.") from error
    for name, size in expected.items():
        actual = (folder / name).stat().st_size if (folder / name).exists() else None
        if actual != size:
            raise DataError(
                f"{folder / name}: expected {size} bytes, found {'no file' if actual is None else actual}; "
                "the store is damaged, write it again."
            )
    return manifest


def _read_ranges(file: IO[bytes], begins: np.ndarray, ends: np.ndarray) -> list[bytes]:
    """The bytes between begins[i] and ends[i] for every i; neither array ever decreases."""
    chunks: list[bytes] = []
    starts, stops = begins.tolist(), ends.tolist()
    first = 0
    while first < len(starts):
        begin, end, last = starts[first], stops[first], first + 1
        while (
            last < len(starts) and starts[last] - end <= _LARGEST_GAP and stops[last] - begin <= _LARGEST_READ
        ):
            end = stops[last]
            last += 1
        block = _read_exactly(file, begin, end - begin)
        chunks.extend(block[starts[i] - begin : stops[i] - begin] for i in range(first, last))
        first = last
    return chunks


def _read_exactly(file: IO[bytes], begin: int, size: int) -> bytes:
    block = os.pread(file.fileno(), size, begin)
    # One call may stop short (a signal, or the 2 GiB limit).
    while len(block) < size:
        more = os.pread(file.fileno(), size - len(block), begin + len(block))
        if not more:
            raise DataError(f"{file.name}: ends too early; the store was changed while it was open.")
        block += more
    return block


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
