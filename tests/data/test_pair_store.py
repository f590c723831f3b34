from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data import pair_store
from data.errors import DataError
from data.pair_store import PairStore

PAIRS = [
    ("the dog", "der Hund"),
    ("", "leer"),
    ("👩‍👩‍👧 我", ""),
    ("tab\tand\nnewline", "nul\x00"),
    ("lone \ud800 surrogate", "ﬁ e\u0301"),
    ("x" * 300_000, "y"),
    ("last", "letzte"),
]


def _many(count: int) -> list[tuple[str, str]]:
    generator = random.Random(count)
    return [("ä" * generator.randrange(40) + str(i), str(-i) * generator.randrange(9)) for i in range(count)]


def test_gives_back_what_was_written(tmp_path: Path) -> None:
    with PairStore.write(tmp_path / "new" / "store", iter(PAIRS)) as store:
        assert len(store) == len(PAIRS)
        assert store.read(range(len(PAIRS))) == PAIRS
        assert store.read([]) == []


@pytest.mark.parametrize("portion", [1, 3, 7, 100])
def test_gives_every_pair_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    monkeypatch.setattr(pair_store, "_PAIRS_PER_READ", portion)
    with PairStore.write(tmp_path, PAIRS) as store:
        assert list(store) == PAIRS
        assert list(store) == PAIRS  # each time anew


def test_reads_in_the_order_asked_for(tmp_path: Path) -> None:
    pairs = _many(10_000)
    store = PairStore.write(tmp_path, pairs)
    generator = np.random.default_rng(1)
    for count in (1, 2, 500, 30_000):
        indices = generator.integers(0, len(pairs), count)
        assert store.read(indices) == [pairs[i] for i in indices]
    assert store.read([5, 5, 2, 9_999]) == [pairs[5], pairs[5], pairs[2], pairs[9_999]]


def test_neighbours_share_a_read_and_distant_pairs_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PairStore.write(tmp_path, [("a" * 5000, "b" * 5000)] * 200)
    sizes: list[int] = []
    pread = os.pread

    def counted(descriptor: int, size: int, begin: int) -> bytes:
        sizes.append(size)
        return pread(descriptor, size, begin)

    monkeypatch.setattr(os, "pread", counted)
    store.read(range(50))
    assert len(sizes) == 2, "one read of the borders, one of the texts"
    sizes.clear()
    store.read([0, 100])
    assert sum(sizes) < 25_000, "what lies between the two is not read"
    sizes.clear()
    store.read(range(200))
    assert max(sizes) <= pair_store._LARGEST_READ


@pytest.mark.parametrize("index", [-1, len(PAIRS)])
def test_index_out_of_range(tmp_path: Path, index: int) -> None:
    store = PairStore.write(tmp_path, PAIRS)
    with pytest.raises(IndexError, match=f"the store has {len(PAIRS)} pairs"):
        store.read([0, index])


def test_fingerprint_knows_every_border(tmp_path: Path) -> None:
    variants = [
        [("ab", "c"), ("d", "e")],
        [("a", "bc"), ("d", "e")],
        [("ab", "cd"), ("", "e")],
        [("d", "e"), ("ab", "c")],
        [("ab", "c")],
    ]
    prints = [PairStore.write(tmp_path / str(i), pairs).fingerprint for i, pairs in enumerate(variants)]
    assert len(set(prints)) == len(variants)
    assert PairStore.write(tmp_path / "again", iter(variants[0])).fingerprint == prints[0]
    assert PairStore(tmp_path / "0").fingerprint == prints[0]


def test_fingerprint_does_not_depend_on_the_size_of_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = _many(100)
    whole = PairStore.write(tmp_path / "whole", pairs)
    monkeypatch.setattr(pair_store, "_PAIRS_PER_WRITE", 7)
    in_parts = PairStore.write(tmp_path / "parts", pairs)
    assert in_parts.read(range(100)) == whole.read(range(100)) == pairs
    assert in_parts.fingerprint == whole.fingerprint


def _broken_after(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from pairs
    raise RuntimeError("the disk of the corpus is gone")


def test_an_error_while_writing_leaves_no_store(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="is gone"):
        PairStore.write(tmp_path, _broken_after(_many(9000)))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="no finished store"):
        PairStore(tmp_path)


def test_an_error_while_replacing_keeps_the_older_store(tmp_path: Path) -> None:
    PairStore.write(tmp_path, PAIRS)
    with pytest.raises(RuntimeError, match="is gone"):
        PairStore.write(tmp_path, _broken_after(_many(9000)))
    assert PairStore(tmp_path).read(range(len(PAIRS))) == PAIRS


def test_a_crash_between_the_files_leaves_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PairStore.write(tmp_path, PAIRS)
    replace = os.replace

    def crash(source: str, destination: Path) -> None:
        if Path(destination).name == "text.bin":
            raise KeyboardInterrupt
        replace(source, destination)

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        PairStore.write(tmp_path, _many(20))
    with pytest.raises(DataError, match="no finished store"):
        PairStore(tmp_path)


def test_an_open_store_outlives_its_replacement(tmp_path: Path) -> None:
    older = PairStore.write(tmp_path, PAIRS)
    PairStore.write(tmp_path, _many(20))
    assert older.read(range(len(PAIRS))) == PAIRS


def test_no_pairs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sentence pairs"):
        PairStore.write(tmp_path, iter([]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["text.bin", "offsets.bin"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    PairStore.write(tmp_path, PAIRS)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-1])
    with pytest.raises(DataError, match=f"{name}: expected {len(content)} bytes, found {len(content) - 1}"):
        PairStore(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=f"{name}: .* found no file"):
        PairStore(tmp_path)


def test_a_manifest_that_is_none(tmp_path: Path) -> None:
    PairStore.write(tmp_path, PAIRS)
    path = tmp_path / "store.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "format": "another"}), encoding="utf-8")
    with pytest.raises(DataError, match="unknown format 'another'"):
        PairStore(tmp_path)
    for content in ("{", "[]", "{}"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match="cannot be read"):
            PairStore(tmp_path)
