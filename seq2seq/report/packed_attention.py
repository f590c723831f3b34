"""Attention in few characters: a byte for a weight, rows that still sum to 1, runs of zeros as their length.

`seq2seq/report/page/packed_attention.js` reads what is written here.
"""

from __future__ import annotations

import base64
import re

import numpy as np

WHOLE = 255
"""The number that stands for a weight of 1."""

_ZEROS = re.compile(rb"\x00{1,255}")


def quantised(weights: np.ndarray) -> np.ndarray:
    """Whole numbers that each stand for their 255th part of a weight.

    The weights are rounded down, and what is then missing in a row goes to the weights that lost most (the
    method of largest remainders). So a row that sums to 1 sums to 255, and no weight is off by more than
    1/255.

    Args:
        weights: float from 0 to 1, (target rows, source columns); no row sums to more than 1, rounding aside.

    Returns:
        uint8, the same shape.

    Raises:
        ValueError: for another shape, or a weight that is negative or not a number.
    """
    exact = WHOLE * np.asarray(weights, dtype=np.float64)
    if exact.ndim != 2:
        raise ValueError(f"attention weights must be (target rows, source columns), not {exact.shape}")
    if not np.isfinite(exact).all() or (exact < 0).any():
        raise ValueError("attention weights must be finite and not negative")
    whole = np.floor(exact)
    missing = np.rint(exact.sum(axis=1)) - whole.sum(axis=1)  # (target rows,)
    # rank 0 is the weight of the row that lost most.
    rank = np.argsort(np.argsort(-(exact - whole), axis=1, kind="stable"), axis=1)
    whole += rank < missing[:, np.newaxis]
    return np.minimum(whole, WHOLE).astype(np.uint8)


def packed(weights: np.ndarray) -> str:
    """Base64 of the quantised weights, row after row, each run of zeros being a zero and its length.

    Args:
        weights: see `quantised`.
    """
    raw = quantised(weights).tobytes()
    shortened = _ZEROS.sub(lambda run: bytes((0, len(run[0]))), raw)
    return base64.b64encode(shortened).decode("ascii")


def unpacked(text: str, rows: int, columns: int) -> np.ndarray:
    """Read what `packed` wrote.

    Args:
        text: see `packed`.
        rows: target rows.
        columns: source columns.

    Returns:
        float64, (rows, columns).

    Raises:
        ValueError: the text is not of so many weights.
    """
    try:
        shortened = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"packed attention is not base64: {error}") from error
    raw = re.sub(rb"\x00(.)", lambda run: bytes(run[1][0]), shortened, flags=re.DOTALL)
    if len(raw) != rows * columns:
        raise ValueError(f"packed attention has {len(raw)} weights, not {rows} x {columns}")
    return np.frombuffer(raw, dtype=np.uint8).reshape(rows, columns) / WHOLE
