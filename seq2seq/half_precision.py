"""The weights of a network in half precision, in one small file that is always the same for the same weights.

IEEE half precision (float16) keeps 11 significant bits: a weight is stored with a relative error of at most
2^-11 (below 6e-5 with an absolute one of at most 2^-25), and computed with in float32 like any other. The
file is a zip with three members:

    weights.json    name and shape of each weight, in the order of the bytes
    low.bin         the lower byte of every number
    high.bin        the upper byte: sign, exponent and the first two bits of the mantissa

Trained weights have few different exponents, so the upper bytes shrink by a third when they stand together;
the lower ones are noise that no compression makes smaller, and are stored as they are.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.atomic import atomic_write
from data.errors import UserError

if TYPE_CHECKING:
    from seq2seq.model import Seq2SeqModel

_INDEX, _LOW, _HIGH = "weights.json", "low.bin", "high.bin"
_FORMAT = "half-precision weights 1"
_HALF = np.dtype("<f2")
# Zip cannot leave the time out, and a time of writing would make each file differ from the last one.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def weights_by_name(model: Seq2SeqModel) -> dict[str, np.ndarray]:
    """The trained weights of a built model, without the states of its random generators.

    Returns:
        Arrays by names such as `encoder/layer_0/forward/input_bias`, whatever the model itself is called.
    """
    return {_name(weight.path): np.asarray(weight.value) for weight in model.weights}


def set_weights_by_name(model: Seq2SeqModel, weights: Mapping[str, np.ndarray]) -> None:
    """Give a built model other weights.

    Raises:
        UserError: names or shapes are not those of the model; says which.
    """
    shapes = {_name(weight.path): tuple(weight.shape) for weight in model.weights}
    differing = [
        f"  {name}: {_shape(weights[name].shape) if name in weights else 'missing'}, expected "
        f"{_shape(shapes[name]) if name in shapes else 'nothing of this name'}"
        for name in sorted({*shapes, *weights})
        if name not in shapes or name not in weights or weights[name].shape != shapes[name]
    ]
    if differing:
        raise UserError("the weights are not those of the configured network:\n" + "\n".join(differing))
    for weight in model.weights:
        weight.assign(weights[_name(weight.path)])


def write_half_precision(path: Path, weights: Mapping[str, np.ndarray]) -> None:
    """Write weights, rounded to half precision.

    Args:
        path: the file; replaced atomically.
        weights: arrays of any float type by name.

    Raises:
        UserError: a weight is infinite or no number, or too large for half precision (above 65,504).
    """
    halves = []
    for name, weight in weights.items():
        with np.errstate(over="ignore"):
            half = np.asarray(weight).astype(_HALF)
        if not np.isfinite(half).all():
            largest = np.abs(weight).max()
            raise UserError(
                f"{name} has values that half precision cannot hold (largest magnitude: {largest:g}, "
                "expected at most 65504). A training that came to such weights has failed; lower its "
                "learning rate."
            )
        halves.append(half.ravel())
    pairs = np.concatenate(halves).view(np.uint8).reshape(-1, 2)  # (weights, low and high byte)
    index = {"format": _FORMAT, "weights": [[name, list(each.shape)] for name, each in weights.items()]}
    with atomic_write(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        _add(archive, _INDEX, json.dumps(index, indent=1).encode(), zipfile.ZIP_DEFLATED)
        _add(archive, _LOW, pairs[:, 0].tobytes(), zipfile.ZIP_STORED)
        _add(archive, _HIGH, pairs[:, 1].tobytes(), zipfile.ZIP_DEFLATED)


def read_half_precision(path: Path) -> dict[str, np.ndarray]:
    """Read what `write_half_precision` wrote.

    Returns:
        Arrays by name, float32.

    Raises:
        UserError: there is no such file, or it is damaged or of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            index = json.loads(archive.read(_INDEX))
            columns = [np.frombuffer(archive.read(name), np.uint8) for name in (_LOW, _HIGH)]
        if index["format"] != _FORMAT:
            raise ValueError(f"its format is {index['format']!r}, expected {_FORMAT!r}")
        shapes = {str(name): tuple(map(int, shape)) for name, shape in index["weights"]}
        numbers = np.stack(columns, axis=1).reshape(-1).view(_HALF).astype(np.float32)
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        if len(numbers) != ends[-1]:
            raise ValueError(f"it holds {len(numbers):,} numbers, expected {ends[-1]:,}")
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing.") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} is damaged or no file of weights: {error}") from error
    parts = np.split(numbers, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def _add(archive: zipfile.ZipFile, name: str, content: bytes, compression: int) -> None:
    member = zipfile.ZipInfo(name, _NO_TIME)
    member.compress_type = compression
    member.create_system = 3  # Unix, wherever it is written
    archive.writestr(member, content, compresslevel=9)


def _name(path: str) -> str:
    """Keras puts the name of the whole model first, and numbers the models of a process."""
    return path.partition("/")[2]


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
