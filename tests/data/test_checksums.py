"""SHA256SUMS: what it says of changed, missing and unlisted files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from data.checksums import verify_checksums, write_checksums
from data.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_bytes(b"alpha\n")
    (tmp_path / "sub" / "b.bin").write_bytes(bytes(range(256)) * 8192)  # more than is read at once
    write_checksums(tmp_path, ["sub/b.bin", "a.txt"])
    return tmp_path


def test_what_was_written_is_right(folder: Path) -> None:
    verify_checksums(folder, required=("a.txt",))
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert [line[66:] for line in lines] == ["a.txt", "sub/b.bin"]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_sha256sum_reads_it(folder: Path) -> None:
    command = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0
    (folder / "a.txt").write_bytes(b"alpha")
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 1


def test_one_changed_bit_names_the_file(folder: Path) -> None:
    content = bytearray((folder / "sub" / "b.bin").read_bytes())
    content[1_500_000] ^= 1
    (folder / "sub" / "b.bin").write_bytes(content)
    with pytest.raises(DataError, match=r"sub/b\.bin is damaged or was changed.*expected [0-9a-f]{12}…"):
        verify_checksums(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "a.txt").unlink()
    with pytest.raises(DataError, match=r"a\.txt is missing; SHA256SUMS"):
        verify_checksums(folder)


def test_a_required_file_has_to_be_listed(folder: Path) -> None:
    (folder / "c.txt").write_bytes(b"here, but not listed")
    verify_checksums(folder)
    with pytest.raises(DataError, match=r"SHA256SUMS has no line for c\.txt"):
        verify_checksums(folder, required=("c.txt",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "SHA256SUMS is missing"),
        (b"", "SHA256SUMS is empty"),
        (b"\xff\xfe", "cannot be read"),
        (b"0123  a.txt\n", r"SHA256SUMS:1: expected a SHA-256, two spaces.*found '0123  a\.txt'"),
        (b"0" * 64 + b"  ../outside\n", "SHA256SUMS:1: .*below this folder"),
        (b"0" * 64 + b"  /etc/hostname\n", "SHA256SUMS:1: .*below this folder"),
    ],
    ids=["missing", "empty", "binary", "short", "outside", "absolute"],
)
def test_a_list_that_is_none(folder: Path, content: bytes | None, said: str) -> None:
    (folder / "SHA256SUMS").unlink()
    if content is not None:
        (folder / "SHA256SUMS").write_bytes(content)
    with pytest.raises(DataError, match=said):
        verify_checksums(folder)
