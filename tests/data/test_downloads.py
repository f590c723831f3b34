from __future__ import annotations

import hashlib
import re
import socket
import time
from pathlib import Path

import pytest

from data import downloads
from data.downloads import FileNotThereError, RemoteFile, fetch, fetch_splits, mirror_location
from data.errors import DataError
from tests.data.file_server import FileServer, dead_url, serve_files

CONTENT = b"one\ntwo\nthree\n"
PATH = "data/some lines.txt"  # the space must be quoted in a URL and not on the disk


@pytest.fixture(autouse=True)
def _no_proxy_and_no_pause(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloads, "RETRY_PAUSE_SECONDS", 0.0)


@pytest.fixture
def server():
    with serve_files() as server:
        server.files["data/some%20lines.txt"] = CONTENT
        yield server


def remote_file(base_url: str, content: bytes = CONTENT, path: str = PATH) -> RemoteFile:
    url = base_url + path.replace(" ", "%20")
    return RemoteFile(url=url, path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_registered_files_are_read_by_their_path_below_the_base_url(tmp_path):
    checksums = tmp_path / "checksums.tsv"
    checksums.write_text(f"http://host/base/a/b.gz\t12\t{'0' * 64}\tb.gz\n")
    files = downloads.read_registered_files(checksums, "http://host/base/")
    assert files == {"a/b.gz": RemoteFile("http://host/base/a/b.gz", "a/b.gz", 12, "0" * 64)}


@pytest.mark.parametrize(
    "line", ["http://host/a\t12\tabc", "http://host/a\tbig\tabc\ta", "http://else/a\t1\tb\ta"]
)
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    checksums = tmp_path / "checksums.tsv"
    checksums.write_text(f"http://host/ok\t12\t{'0' * 64}\tok\n{line}\n")
    with pytest.raises(DataError, match=re.escape(f"{checksums}:2")):
        downloads.read_registered_files(checksums, "http://host/")


def test_a_relative_mirror_folder_is_below_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "copies").mkdir()
    monkeypatch.chdir(tmp_path)
    assert mirror_location("copies") == tmp_path / "copies"
    assert mirror_location((tmp_path / "copies").as_uri()) == tmp_path / "copies"


def test_a_base_url_ends_in_one_slash():
    assert mirror_location("http://host/base") == mirror_location("http://host/base//") == "http://host/base/"
    assert mirror_location(None) is None


@pytest.mark.parametrize("mirror", ["", "no/such/folder", "ftp://host/base", "s3://bucket"])
def test_what_cannot_be_a_mirror_is_an_error(mirror):
    with pytest.raises(DataError, match="mirror"):
        mirror_location(mirror)


def test_a_download_is_kept_and_not_asked_for_again(tmp_path, server):
    file = remote_file(server.url)
    first = fetch(file, tmp_path)
    assert first.read_bytes() == CONTENT
    assert first == tmp_path / PATH
    assert fetch(file, tmp_path) == first
    assert len(server.requests) == 1


def test_a_kept_file_that_was_damaged_is_downloaded_again(tmp_path, server):
    file = remote_file(server.url)
    fetch(file, tmp_path).write_bytes(CONTENT.replace(b"two", b"TWO"))
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_a_base_url_replaces_the_publisher(tmp_path, server):
    file = remote_file(dead_url())
    assert fetch(file, tmp_path, server.url.rstrip("/")).read_bytes() == CONTENT


def test_a_file_of_a_mirror_folder_is_used_where_it_is(tmp_path):
    mirror = tmp_path / "mirror"
    (mirror / "data").mkdir(parents=True)
    (mirror / PATH).write_bytes(CONTENT)
    path = fetch(remote_file(dead_url()), tmp_path / "downloads", mirror)
    assert path == mirror / PATH
    assert not (tmp_path / "downloads").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT.replace(b"two", b"TWO"), "checksum"),
        (CONTENT + b"four\n", "checksum"),
        (CONTENT[:5], "cut short: it has 5 of 14 bytes"),
    ],
)
def test_a_wrong_file_in_a_mirror_folder_is_an_error(tmp_path, content, message):
    (tmp_path / "data").mkdir()
    (tmp_path / PATH).write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        fetch(remote_file(dead_url()), tmp_path / "downloads", tmp_path)
    assert not isinstance(error.value, FileNotThereError)
    assert "--mirror FOLDER-or-URL" in str(error.value)


def test_a_mirror_folder_without_the_file_says_where_it_looked(tmp_path):
    with pytest.raises(FileNotThereError, match=re.escape(str(tmp_path / PATH))):
        fetch(remote_file(dead_url()), tmp_path / "downloads", tmp_path)


def serve_other_content(server: FileServer) -> None:
    server.files["data/some%20lines.txt"] = CONTENT.replace(b"two", b"TWO")


def serve_too_much(server: FileServer) -> None:
    server.files["data/some%20lines.txt"] = CONTENT * 2


def serve_nothing(server: FileServer) -> None:
    server.files.clear()


def serve_half(server: FileServer) -> None:
    server.cut_to["data/some%20lines.txt"] = 6


def serve_short_file(server: FileServer) -> None:
    server.files["data/some%20lines.txt"] = CONTENT[:6]


def refuse(server: FileServer) -> None:
    server.failures["data/some%20lines.txt"] = [403]


def be_busy(server: FileServer) -> None:
    server.failures["data/some%20lines.txt"] = [503, 503]


@pytest.mark.parametrize(
    ("misbehave", "message"),
    [
        (serve_other_content, "checksum differs"),
        (serve_too_much, "checksum differs"),
        (serve_nothing, r"does not exist \(HTTP 404\)"),
        (serve_half, "broke off"),
        (serve_short_file, "broke off: 6 of 14 bytes"),
        (refuse, "refused: HTTP 403"),
        (be_busy, "refused: HTTP 503"),
    ],
)
def test_a_host_that_misbehaves_is_an_error_that_names_the_ways_out(tmp_path, server, misbehave, message):
    misbehave(server)
    with pytest.raises(DataError, match=message) as error:
        fetch(remote_file(server.url), tmp_path)
    assert server.url in str(error.value)
    assert "--mirror FOLDER-or-URL" in str(error.value)
    assert "kind: text" in str(error.value)
    assert isinstance(error.value, FileNotThereError) == (misbehave is serve_nothing)
    assert files_below(tmp_path) == []


def test_a_busy_host_is_asked_once_more(tmp_path, server):
    server.failures["data/some%20lines.txt"] = [503]
    assert fetch(remote_file(server.url), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "base_url",
    [dead_url(), "http://no-such-host.invalid/", "http://127.0.0.1:port/"],
    ids=["nobody listens", "no such host", "no such port"],
)
def test_a_dead_host_is_found_out_in_seconds(tmp_path, base_url):
    started = time.monotonic()
    with pytest.raises(DataError, match="--mirror FOLDER-or-URL") as error:
        fetch(remote_file(base_url), tmp_path)
    assert base_url in str(error.value)
    assert time.monotonic() - started < 5


def test_a_host_that_says_nothing_is_given_up(tmp_path):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        file = remote_file(f"http://127.0.0.1:{mute.getsockname()[1]}/")
        with pytest.raises(DataError, match=r"did not answer within 0\.2 seconds"):
            fetch(file, tmp_path, timeout=0.2)


def test_a_transfer_that_stalls_is_tried_once_more(tmp_path, server):
    server.stalls["data/some%20lines.txt"] = [0.5]
    counted = []
    fetched = fetch(remote_file(server.url), tmp_path, timeout=0.2, on_bytes=counted.append)
    assert fetched.read_bytes() == CONTENT
    assert sum(counted) == len(CONTENT)


def test_a_transfer_that_stalls_again_is_an_error(tmp_path, server):
    server.stalls["data/some%20lines.txt"] = [0.5, 0.5]
    with pytest.raises(DataError, match=r"broke off: nothing more came for 0\.2 seconds"):
        fetch(remote_file(server.url), tmp_path, timeout=0.2)
    assert files_below(tmp_path) == []


def test_a_split_without_its_file_leaves_the_others(tmp_path, server):
    there = remote_file(server.url)
    absent = remote_file(server.url, path="data/absent.txt")
    available, unavailable = fetch_splits(
        {"train": {"en": there, "de": there}, "test": {"en": there, "de": absent}}, tmp_path
    )
    assert available == {"train": {"en": tmp_path / PATH, "de": tmp_path / PATH}}
    assert list(unavailable) == ["test"]
    assert "absent.txt does not exist" in unavailable["test"]
    assert server.requests.count("data/some%20lines.txt") == 1


def test_a_wrong_checksum_is_never_left_out(tmp_path, server):
    server.files["data/wrong.txt"] = b"x" * len(CONTENT)
    splits = {
        "train": {"en": remote_file(server.url)},
        "test": {"en": remote_file(server.url, path="data/wrong.txt")},
    }
    with pytest.raises(DataError, match=r"wrong\.txt is not the registered file"):
        fetch_splits(splits, tmp_path)
