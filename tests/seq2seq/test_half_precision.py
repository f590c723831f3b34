"""Weights in half precision: what is kept, what is refused, and that the file is always the same."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from seq2seq.half_precision import (
    read_half_precision,
    set_weights_by_name,
    weights_by_name,
    write_half_precision,
)
from seq2seq.model import Seq2SeqModel
from tests.seq2seq.tiny_network import OPTION_SETS, SIZES

WEIGHTS = {
    "encoder/kernel": np.random.default_rng(1).normal(0, 0.1, (300, 40)).astype(np.float32),
    "scale": np.float32(0.75),
    "bias": np.array([0.0, -0.0, 1e-7, -65504.0, 1 / 3], np.float32),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_half_precision(tmp_path / "weights.zip", WEIGHTS)
    return tmp_path / "weights.zip"


def built(seed: int = 1, **options: object) -> Seq2SeqModel:
    sizes = {**SIZES, **options}
    if sizes.get("tied_embeddings") == "three-way":
        sizes["source_vocabulary_size"] = sizes["target_vocabulary_size"]
    if sizes.get("tied_embeddings", "none") != "none":
        sizes["readout_units"] = sizes["embedding_units"]
    model = Seq2SeqModel(**sizes, seed=seed)
    model.build()
    return model


def test_what_is_read_is_what_was_written_rounded_to_half(file: Path) -> None:
    read = read_half_precision(file)
    assert list(read) == list(WEIGHTS)
    for name, weight in WEIGHTS.items():
        assert read[name].dtype == np.float32
        assert read[name].shape == np.shape(weight)
        np.testing.assert_array_equal(read[name], np.asarray(weight).astype(np.float16).astype(np.float32))
    kernel = WEIGHTS["encoder/kernel"]
    assert np.abs(read["encoder/kernel"] - kernel).max() <= np.abs(kernel).max() * 2**-11


def test_it_takes_less_than_two_bytes_for_a_weight(tmp_path: Path) -> None:
    weights = {"kernel": np.random.default_rng(2).normal(0, 0.1, (1000, 100))}
    write_half_precision(tmp_path / "weights.zip", weights)
    assert (tmp_path / "weights.zip").stat().st_size < 0.9 * 2 * 100_000


def test_the_same_weights_give_the_same_bytes_at_any_time(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + 1e6
    monkeypatch.setattr(time, "time", lambda: later)
    write_half_precision(tmp_path / "again.zip", WEIGHTS)
    assert (tmp_path / "again.zip").read_bytes() == file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


@pytest.mark.parametrize("value", [np.inf, np.nan, 65520.0], ids=str)
def test_what_half_precision_cannot_hold_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(UserError, match=r"decoder/bias has values that half precision cannot hold"):
        write_half_precision(tmp_path / "weights.zip", {"decoder/bias": np.array([0.0, value])})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_every_network_is_the_same_after_a_round_trip(tmp_path: Path, options: dict[str, object]) -> None:
    # Two models of one process: Keras gives the second another name.
    model, other = built(1, **options), built(2, **options)
    write_half_precision(tmp_path / "weights.zip", weights_by_name(model))
    set_weights_by_name(other, read_half_precision(tmp_path / "weights.zip"))
    assert len(model.weights) == len(weights_by_name(model)) > 15
    for one, another in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one.astype(np.float16).astype(np.float32), another)


def test_weights_of_another_network_are_refused_and_nothing_is_set() -> None:
    weights = weights_by_name(built(1))
    model = built(2, attention_units=9)
    before = model.get_weights()
    del weights["decoder/bridge/bias"]
    weights["decoder/extra"] = np.zeros(3)
    with pytest.raises(UserError, match="not those of the configured network") as refused:
        set_weights_by_name(model, weights)
    for line in (
        r"  decoder/attention/bias: (7), expected (9)",
        r"  decoder/bridge/bias: missing, expected (5)",
        r"  decoder/extra: (3), expected nothing of this name",
    ):
        assert line in str(refused.value).splitlines()
    for one, another in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, another)


def rewritten(file: Path, **members: bytes | None) -> Path:
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for name, value in members.items():
        content[name.replace("_", ".")] = value  # type: ignore[assignment]
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in content.items():
            if value is not None:
                archive.writestr(name, value)
    return file


@pytest.mark.parametrize(
    "members",
    [
        {"weights_json": b"{"},
        {"weights_json": b'{"format": "other", "weights": []}'},
        {"weights_json": b'{"format": "half-precision weights 1", "weights": [["a", [2, 2]]]}'},
        {"low_bin": b"too short"},
        {"high_bin": None},
    ],
    ids=["no JSON", "another format", "another size", "unequal columns", "no member"],
)
def test_a_damaged_file_is_named(file: Path, members: dict[str, bytes | None]) -> None:
    with pytest.raises(UserError, match=r"weights\.zip is damaged or no file of weights"):
        read_half_precision(rewritten(file, **members))


def test_a_changed_or_cut_or_missing_file_is_named(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 0x55
    for content in (whole[:-100], bytes(changed), b""):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"weights\.zip is damaged"):
            read_half_precision(file)
    with pytest.raises(UserError, match=r"none\.zip is missing"):
        read_half_precision(tmp_path / "none.zip")
