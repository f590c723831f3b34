"""Write an `.npz` file one array after the other, so that they need not all be in memory at once."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from data.atomic import atomic_write


def write_arrays(path: Path, arrays: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write what `numpy.savez` would, atomically.

    `numpy.savez` wants all arrays beforehand. The state of a training has four numbers for each weight:
    copied all together they are as much memory again as the training itself keeps.

    Args:
        path: the file. Its folder is created when it does not exist.
        arrays: names and values, taken one at a time.
    """
    with atomic_write(path, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays:
            # A ZipInfo of its own has no time in it: equal arrays make equal files. An array may have more
            # than the two gigabytes from which on a zip file needs wider fields.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
