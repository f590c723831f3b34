"""Matrix products with float32 or with bfloat16 operands.

With bfloat16 operands the processor multiplies numbers of 8 significant bits and adds up in float32; the
result is rounded to bfloat16 once and goes on as float32. Everything else (weights, gradients, optimiser,
gates, softmax, loss) stays float32, but for the gradient of a recurrence's biases, which is a sum, in
float32, of what was rounded for the products. Processors with bfloat16 instructions multiply two to five
times as fast; on all others it would be slower, so that "auto" leaves it off there.

The precision is a setting of the process, like `torch.set_float32_matmul_precision`: it is read when a graph
is traced, is no part of a model, and a model that was trained in one precision can be used in the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from seq2seq.processor import bfloat16_is_fast

PRECISIONS = ("auto", "float32", "bfloat16")

_operand_dtype: list[tf.DType] = [tf.float32]


def set_matmul_precision(precision: str) -> str:
    """Choose the operands of the matrix products in graphs that are traced from now on.

    Args:
        precision: `"float32"`, `"bfloat16"`, or `"auto"`: bfloat16 where the processor has it.

    Returns:
        What was chosen: `"float32"` or `"bfloat16"`.

    Raises:
        ValueError: another word.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"`precision` must be one of {PRECISIONS}. Received: precision={precision!r}")
    if precision == "auto":
        precision = "bfloat16" if bfloat16_is_fast() else "float32"
    _operand_dtype[0] = tf.as_dtype(precision)
    return precision


def matmul_precision() -> str:
    """The present choice: `"float32"` or `"bfloat16"`."""
    return _operand_dtype[0].name


@contextmanager
def products_in(precision: str) -> Iterator[None]:
    """Graphs that are traced inside have products with operands of this precision, see `PRECISIONS`."""
    before = matmul_precision()
    set_matmul_precision(precision)
    try:
        yield
    finally:
        set_matmul_precision(before)


def operand(tensor: Any) -> Any:
    """A float32 tensor in the precision of the products; one of another type (float64) as it is."""
    return tf.cast(tensor, _operand_dtype[0]) if tensor.dtype == tf.float32 else tensor


def multiply(rows: Any, kernel: Any, *, transpose_kernel: bool = False) -> Any:
    """Matrix product in the chosen precision: (..., n) times (n, m) -> (..., m).

    Args:
        rows: (..., n).
        kernel: (n, m), or (m, n) with `transpose_kernel`. It may be an `operand` already, and then its own
            precision is that of the product.

    Returns:
        (..., m), of the dtype of `rows`.
    """
    dtype = rows.dtype
    width = kernel.shape[0] if transpose_kernel else kernel.shape[1]
    # One product of two matrices: the batched product of TensorFlow is several times slower.
    flat = rows if rows.shape.rank == 2 else tf.reshape(rows, (-1, rows.shape[-1]))
    kernel = operand(kernel)
    result = tf.matmul(tf.cast(flat, kernel.dtype), kernel, transpose_b=transpose_kernel)
    if rows.shape.rank != 2:
        result = tf.reshape(result, tf.concat([tf.shape(rows)[:-1], [width]], axis=0))
        result.set_shape((*rows.shape[:-1], width))
    return tf.cast(result, dtype)


def multiply_transposed(left: Any, right: Any) -> Any:
    """Sum over rows of outer products, as one product: (rows, n), (rows, m) -> (n, m), dtype of `left`."""
    return tf.cast(tf.matmul(operand(left), operand(right), transpose_a=True), left.dtype)
