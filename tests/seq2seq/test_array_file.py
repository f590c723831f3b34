"""Arrays in a file: what `numpy.savez` would write, with one array in memory at a time."""

from __future__ import annotations

import weakref
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seq2seq.array_file import write_arrays

ARRAYS = {
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "scalar": np.array(7, np.int64),
    "empty": np.zeros((0, 4), np.uint8),
}


def test_the_file_holds_what_numpy_would_have_written(tmp_path: Path) -> None:
    write_arrays(tmp_path / "ours.npz", ARRAYS.items())
    np.savez(tmp_path / "theirs.npz", **ARRAYS)
    with np.load(tmp_path / "ours.npz") as ours, np.load(tmp_path / "theirs.npz") as theirs:
        assert ours.files == theirs.files
        for name in theirs.files:
            assert ours[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(ours[name], theirs[name])


def test_an_array_is_let_go_before_the_next_but_one_is_made(tmp_path: Path) -> None:
    made: list[weakref.ref[np.ndarray]] = []

    def arrays() -> Iterator[tuple[str, np.ndarray]]:
        for number in range(5):
            assert sum(each() is not None for each in made) <= 1
            array = np.full(1000, number)
            made.append(weakref.ref(array))
            yield str(number), array
            del array

    write_arrays(tmp_path / "file.npz", arrays())
    assert len(made) == 5


def test_equal_arrays_make_equal_files_at_any_time(tmp_path: Path) -> None:
    write_arrays(tmp_path / "file.npz", ARRAYS.items())
    with zipfile.ZipFile(tmp_path / "file.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_an_error_on_the_way_leaves_the_older_file(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[str, np.ndarray]]:
        yield "first", np.ones(3)
        raise KeyboardInterrupt

    path = tmp_path / "file.npz"
    write_arrays(path, ARRAYS.items())
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_arrays(path, failing())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
