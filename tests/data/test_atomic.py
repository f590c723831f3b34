"""A file is either the old one or the new one, whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data.atomic import atomic_write, check_can_write, remove_abandoned
from data.errors import UserError

ROOT = Path(__file__).parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_is_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.txt") as file:
        file.write("näïve\nß\n")
    assert (tmp_path / "a.txt").read_bytes() == "näïve\nß\n".encode()
    assert names(tmp_path) == ["a.txt"]


def test_bytes(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.bin", "wb") as file:
        file.write(b"\r\n\x00")
    assert (tmp_path / "a.bin").read_bytes() == b"\r\n\x00"


def test_the_folder_is_made(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "x" / "y" / "a.txt") as file:
        file.write("1")
    assert (tmp_path / "x" / "y" / "a.txt").read_text() == "1"


def test_until_the_end_a_reader_sees_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_write(path) as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_keeps_the_old_file_and_leaves_nothing_behind(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic_write(path) as file:
            file.write("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"), atomic_write(path) as file:
        file.write("new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    program = (
        "import os, signal\nfrom data.atomic import atomic_write\n"
        f"with atomic_write({str(path)!r}) as file:\n"
        "    file.write('half')\n    file.flush()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_the_bytes_are_on_the_disk_before_the_name_points_at_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a power cut can leave an empty file under the right name."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (steps.append("replace"), replace(a, b)))
    with atomic_write(tmp_path / "a.txt") as file:
        file.write("x")
    assert steps == ["fsync", "replace", "fsync"]  # the file, then the folder that holds its name


def test_permissions_are_the_ordinary_ones(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "a.txt") as file:
            file.write("x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_what_a_link_points_at_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    with atomic_write(tmp_path / "link") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_what_is_no_file_is_written_into(tmp_path: Path) -> None:
    """Root could replace /dev/null by a file, and everything that writes there afterwards would fill it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_can_write(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with atomic_write(pipe) as file:
        file.write("näïve")
    assert os.read(reader, 100) == "näïve".encode()
    os.close(reader)
    assert pipe.is_fifo()
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="there is no /dev/fd here")
def test_a_pipe_is_written_into_by_the_number_of_its_descriptor(tmp_path: Path) -> None:
    """A shell's `--output >(gzip > a.gz)`: a link to something that has no name."""
    reader, writer = os.pipe()
    check_can_write(Path(f"/dev/fd/{writer}"))
    with atomic_write(f"/dev/fd/{writer}") as file:
        file.write("new")
    assert os.read(reader, 100) == b"new"
    os.close(reader)
    os.close(writer)


def test_whether_a_file_can_be_written_is_found_out_without_making_anything(tmp_path: Path) -> None:
    check_can_write(tmp_path / "new" / "deep" / "report.html")
    with pytest.raises(UserError, match="is a directory"):
        check_can_write(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="Cannot write"):
        check_can_write(tmp_path / "file" / "report.html")
    assert names(tmp_path) == ["file"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "private.txt"
    path.touch(mode=0o600)
    with atomic_write(path) as file:
        file.write("secret")
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_longest_name_that_there_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("ß" * 125 + ".txt")  # 254 bytes of 255
    with atomic_write(path) as file:
        file.write("new")
    assert path.read_text() == "new"


def test_only_what_nobody_writes_any_more_is_removed(tmp_path: Path) -> None:
    abandoned = tmp_path / ".a.txt.x.partial"
    abandoned.touch()
    with atomic_write(tmp_path / "b.txt") as file:
        for path in tmp_path.iterdir():
            remove_abandoned(path)
        assert len(names(tmp_path)) == 1
        file.write("whole")
    assert names(tmp_path) == ["b.txt"]
    assert (tmp_path / "b.txt").read_text() == "whole"
    remove_abandoned(abandoned)  # gone already


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_the_file_behind_a_redirection_keeps_what_stands_in_it(tmp_path: Path, path: str) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    log = tmp_path / "log"
    log.write_text("before\n")
    program = (
        "import sys; from pathlib import Path; from data.atomic import atomic_write, check_can_write\n"
        "check_can_write(Path(sys.argv[1]))\n"
        "with atomic_write(sys.argv[1]) as file: file.write('written\\n')\n"
        "print('after')\n"
    )
    with log.open("a") as file:
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / path)],  # an absolute path stays what it is
            stdout=file,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
        )
    assert log.read_text() == "before\nwritten\nafter\n"


def test_links_in_a_circle_have_an_end(tmp_path: Path) -> None:
    (tmp_path / "1").symlink_to("2")
    (tmp_path / "2").symlink_to("1")
    with atomic_write(tmp_path / "1") as file:
        file.write("a file")
    assert (tmp_path / "1").read_text() == "a file"
