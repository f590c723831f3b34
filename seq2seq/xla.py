"""Functions that XLA compiles.

XLA makes one pass of a chain of elementwise operations and sums; what lies between is never in memory.
It compiles for each shape anew, a tenth of a second and more: worth it for the few functions that do most
of the elementwise work of a training, at shapes that come again.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import tensorflow as tf

# TensorFlow's packages for Windows come without XLA; there the same operations run one by one.
_HAS_XLA = sys.platform != "win32"
_YNNPACK = "--xla_cpu_experimental_ynn_fusion_type"


@functools.cache
def fused(function: Any) -> Any:
    """`function` compiled by XLA, once for each shape that occurs."""
    return tf.function(function, jit_compile=True, autograph=False) if _HAS_XLA else function


def keep_ynnpack_out(environment: MutableMapping[str, str], version: str) -> None:
    """Have XLA compile sums over long rows itself; YNNPACK, which it hands them to, is not safe here.

    In TensorFlow 2.21 the first call of a compiled function builds a YNNPACK graph for each such sum, and all
    callers add the graph's constants to one list without a lock. Two first calls at once (of parts of a
    batch, or of slices of its logits) now and then end the process with a segmentation fault.

    Args:
        environment: of the process. XLA reads its flags from it when it first compiles. Flags of the user
            that name YNNPACK are left alone, and so is a file of flags.
        version: of TensorFlow. 2.20 has neither YNNPACK nor the flag, and XLA does not start with a flag
            that it does not know.
    """
    flags = environment.get("XLA_FLAGS", "").strip()
    is_a_file = bool(flags) and not flags.startswith("--")
    if version.startswith("2.21.") and not is_a_file and _YNNPACK not in flags:
        environment["XLA_FLAGS"] = f"{flags} {_YNNPACK}=".strip()


# Not in `startup.py`: who uses the layers without this project's commands needs it, too.
keep_ynnpack_out(os.environ, tf.__version__)
