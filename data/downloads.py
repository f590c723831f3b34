"""Get a published file: from its own host, from a mirror, or from a folder, and never a wrong one.

Every file is registered with its size and SHA-256 before it is asked for. Wherever it comes from, it is
compared with them, and reaches its final name only when both are right.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from data.atomic import atomic_write
from data.errors import DataError
from data.home import with_home
from data.slow_progress import slow_progress

WAYS_OUT = (
    "Ways out: take the files from another place with --mirror FOLDER-or-URL (same file names and folders), "
    "or give the sentences as local text files, through a corpus of `kind: text`."
)
TIMEOUT_SECONDS = 15.0  # for the connection, and for each silence during a transfer
RETRY_PAUSE_SECONDS = 1.0
_BLOCK_BYTES = 1 << 16


class FileNotThereError(DataError):
    """The host or the folder is there and answers, but it has no such file.

    Attributes:
        reason: the message without the ways out.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} {WAYS_OUT}")
        self.reason = reason


class _InterruptedTransferError(DataError):
    """The transfer stopped half-way or the host was busy: worth one more attempt."""


@dataclass(frozen=True)
class RemoteFile:
    """One file as its publisher registered it.

    Attributes:
        url: where the publisher serves it.
        path: its place below the publisher's base URL, and so below a mirror (`data/task1/raw/val.en.gz`).
        size: bytes.
        sha256: 64 hexadecimal digits.
    """

    url: str
    path: str
    size: int
    sha256: str


def read_registered_files(checksums: str | os.PathLike[str], base_url: str) -> dict[str, RemoteFile]:
    """Read a TFDS `checksums.tsv`: URL, bytes, SHA-256, file name, separated by tabs.

    Args:
        checksums: the file.
        base_url: what the URLs begin with, ending in "/"; the rest of each URL is the path on a mirror.

    Returns:
        The registered files by path.

    Raises:
        DataError: a line that is not such a record, or a URL elsewhere.
    """
    files = {}
    for number, line in enumerate(Path(checksums).read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        fields = line.split("\t")
        if len(fields) != 4 or not fields[1].isdecimal() or not fields[0].startswith(base_url):
            raise DataError(
                f"{checksums}:{number}: expected `URL below {base_url}`, bytes, SHA-256 and file name "
                f"with tabs between them, found: {line!r}"
            )
        path = fields[0][len(base_url) :]
        files[path] = RemoteFile(url=fields[0], path=path, size=int(fields[1]), sha256=fields[2])
    return files


def mirror_location(mirror: str | os.PathLike[str] | None) -> Path | str | None:
    """Tell a folder from a base URL.

    Args:
        mirror: what the user gave: a folder (relative to the current directory, `~` allowed), a `file:`
            URL, or an `http:` or `https:` base URL.

    Returns:
        An absolute `Path`, a URL that ends in "/", or None for None.

    Raises:
        DataError: an empty name, another kind of URL, or a folder that does not exist.
    """
    if mirror is None:
        return None
    text = os.fspath(mirror)
    scheme, _, rest = text.partition("://")
    if rest and scheme.lower() in ("http", "https"):
        return text.rstrip("/") + "/"
    if rest and scheme.lower() == "file":
        text = urllib.request.url2pathname(urllib.parse.urlsplit(text).path)
    elif rest:
        raise DataError(f"The mirror {text!r} is neither a folder nor an http: or https: address.")
    folder = with_home(text).absolute()
    if not text or not folder.is_dir():
        raise DataError(
            f"The mirror folder {text!r} does not exist (looked for {folder}). "
            "Give an existing folder or an http: or https: address."
        )
    return folder


def fetch(
    file: RemoteFile,
    download_folder: str | os.PathLike[str],
    mirror: str | os.PathLike[str] | None = None,
    *,
    timeout: float | None = None,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Path:
    """Give the local path of a registered file, downloading it when needed.

    A file in a mirror folder is used where it is. A downloaded one is kept below `download_folder` and is
    not asked for again while it still has the registered checksum.

    Args:
        file: what to get.
        download_folder: where downloads are kept, in the layout of the publisher.
        mirror: a folder or a base URL that replaces the publisher's.
        timeout: seconds to wait for the connection and for each block; None: `TIMEOUT_SECONDS`.
        on_bytes: told the size of each block as it arrives.

    Raises:
        FileNotThereError: the place has no such file.
        DataError: the host cannot be reached, the transfer breaks off, or size or checksum are wrong.
    """
    place = mirror_location(mirror)
    if isinstance(place, Path):
        return _check_local(file, place / file.path)
    target = Path(download_folder) / file.path
    if target.is_file() and target.stat().st_size == file.size and _sha256(target) == file.sha256:
        on_bytes(file.size)
        return target
    url = file.url if place is None else place + urllib.parse.quote(file.path)
    timeout = TIMEOUT_SECONDS if timeout is None else timeout
    try:
        _download(file, url, target, timeout, on_bytes)
    except _InterruptedTransferError:
        time.sleep(RETRY_PAUSE_SECONDS)
        _download(file, url, target, timeout, on_bytes)
    return target


def fetch_splits(
    splits: Mapping[str, Mapping[str, RemoteFile]],
    download_folder: str | os.PathLike[str],
    mirror: str | os.PathLike[str] | None = None,
) -> tuple[dict[str, dict[str, Path]], dict[str, str]]:
    """Fetch the files of every split, and leave out the splits whose files are nowhere to be had.

    Only a file that its place does not have makes a split unavailable. A dead host, a broken transfer or a
    wrong checksum is an error: nobody should train on a corpus that lost a part by accident.

    Args:
        splits: the files of each split, under the names its reader wants them by.
        download_folder: where downloads are kept.
        mirror: a folder or a base URL that replaces the publisher's.

    Returns:
        The local paths of the available splits, and why each of the others is not available.

    Raises:
        DataError: as `fetch`, except for a file that is not there.
    """
    paths, missing = _fetch_each(
        {file for files in splits.values() for file in files.values()}, download_folder, mirror
    )
    available: dict[str, dict[str, Path]] = {}
    unavailable: dict[str, str] = {}
    for split, files in splits.items():
        reasons = [missing[file] for file in files.values() if file in missing]
        if reasons:
            unavailable[split] = reasons[0]
        else:
            available[split] = {role: paths[file] for role, file in files.items()}
    return available, unavailable


def _fetch_each(
    files: Collection[RemoteFile],
    download_folder: str | os.PathLike[str],
    mirror: str | os.PathLike[str] | None,
) -> tuple[dict[RemoteFile, Path], dict[RemoteFile, str]]:
    """Fetch one file after the other; give the paths, and the reasons of those that are not there."""
    paths: dict[RemoteFile, Path] = {}
    missing: dict[RemoteFile, str] = {}
    bytes_in_all = sum(file.size for file in files)
    bytes_done = 0

    def on_bytes(count: int) -> None:
        nonlocal bytes_done
        bytes_done += count
        report(f"{len(paths) + len(missing)} of {len(files)} files", bytes_done, bytes_in_all)

    with slow_progress("Downloading") as report:
        for file in sorted(files, key=lambda file: file.path):
            try:
                paths[file] = fetch(file, download_folder, mirror, on_bytes=on_bytes)
            except FileNotThereError as error:
                missing[file] = error.reason
                bytes_in_all -= file.size
    return paths, missing


def _check_local(file: RemoteFile, path: Path) -> Path:
    if not path.is_file():
        raise FileNotThereError(f"There is no file {path}.")
    size = path.stat().st_size
    if size < file.size:
        raise DataError(f"{path} is cut short: it has {size} of {file.size} bytes. {WAYS_OUT}")
    if size > file.size or _sha256(path) != file.sha256:
        raise _wrong_content(file, str(path))
    return path


def _download(
    file: RemoteFile, url: str, target: Path, timeout: float, on_bytes: Callable[[int], None]
) -> None:
    """Write what `url` serves to `target`; nothing is left behind unless size and checksum are right."""
    received = 0
    digest = hashlib.sha256()
    try:
        with atomic_write(target, "wb") as out:
            for block in _blocks(url, timeout):
                received += len(block)
                if received > file.size:
                    raise _wrong_content(file, url)
                digest.update(block)
                out.write(block)
                on_bytes(len(block))
            if received < file.size:
                raise _InterruptedTransferError(
                    f"The download of {url} broke off: {received} of {file.size} bytes arrived. "
                    f"Try again later. {WAYS_OUT}"
                )
            if digest.hexdigest() != file.sha256:
                raise _wrong_content(file, url)
    except _InterruptedTransferError:
        on_bytes(-received)  # they will come again
        raise


def _blocks(url: str, timeout: float) -> Iterator[bytes]:
    """Stream the body of `url`; every way a network can fail becomes a message for people."""
    request = urllib.request.Request(url, headers={"User-Agent": "seq2seq-translator"})
    has_answered = False
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            has_answered = True
            while block := response.read(_BLOCK_BYTES):
                yield block
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (404, 410):
            raise FileNotThereError(f"{url} does not exist (HTTP {error.code}).") from None
        kind = _InterruptedTransferError if error.code == 429 or error.code >= 500 else DataError
        raise kind(f"{url} was refused: HTTP {error.code} {error.reason}. {WAYS_OUT}") from None
    except TimeoutError:
        if not has_answered:
            raise _silent(url, timeout) from None
        stalled = f"The download of {url} broke off: nothing more came for {timeout:g} seconds. {WAYS_OUT}"
        raise _InterruptedTransferError(stalled) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _silent(url, timeout) from None
        host = urllib.parse.urlsplit(url).netloc
        raise DataError(f"Cannot reach {host} for {url}: {error.reason}. {WAYS_OUT}") from None
    except (ValueError, http.client.InvalidURL) as error:  # http://[::1, or a port that is no number
        raise DataError(f"{url} is not an address: {error}. {WAYS_OUT}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise _InterruptedTransferError(f"The download of {url} broke off: {reason}. {WAYS_OUT}") from None


def _silent(url: str, timeout: float) -> DataError:
    return DataError(f"{url} did not answer within {timeout:g} seconds. {WAYS_OUT}")


def _wrong_content(file: RemoteFile, place: str) -> DataError:
    return DataError(
        f"{place} is not the registered file: its checksum differs. Expected {file.size} bytes with SHA-256 "
        f"{file.sha256}. It was not used. {WAYS_OUT}"
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
