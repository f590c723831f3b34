"""A batch cut in parts that are computed side by side.

One operation on a small batch keeps two cores badly busy: its threads wait for each other at its end, and the
many small operations between the large ones use one core. Parts of a batch depend on each other nowhere
before their gradients are added up, so each can have a core of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def cut(tensor: Any, parts: int) -> list[Any]:
    """(rows, ...) -> `parts` tensors with all rows in order, of like size; the last may be larger."""
    if parts == 1:
        return [tensor]
    rows = tf.shape(tensor)[0]
    borders = [rows * part // parts for part in range(parts + 1)]
    return [tensor[begin:end] for begin, end in itertools.pairwise(borders)]


def joined(parts: Sequence[Any]) -> Any:
    """The tensor that was cut."""
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)
