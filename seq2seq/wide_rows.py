"""Reductions of rows of very many columns, such as a vocabulary, several times as fast as the plain ones.

The columns are cut into blocks, and the maximum of each block is found first: a plain reduction, one pass
over the memory. The k largest values lie in the k blocks with the largest maxima (were one in another block,
k blocks would each hold something at least as large), so only those are looked through.
"""

from __future__ import annotations

import tensorflow as tf

# Below this width the plain operation is as fast: every column is a block of its own.
NARROWEST = 1024
# Where the number of columns is known only when the graph runs, it has to be a multiple of this.
BLOCK_OF_UNKNOWN_COLUMNS = 64


def block_width(columns: int) -> int:
    """Columns of a block: 1 for few columns, else from 32 to 127: what leaves the fewest columns over.

    Among equals it is the one nearest to 64.
    """
    if columns < NARROWEST:
        return 1
    return min(range(32, 128), key=lambda width: (-columns % width, abs(width - 64)))


def in_blocks(values: tf.Tensor) -> tf.Tensor:
    """Cut every row: (rows, columns) float32 -> (rows, blocks, width), filled up with -inf at the end.

    The number of columns must be static, or a multiple of `BLOCK_OF_UNKNOWN_COLUMNS`. Column c stands in
    block c // width at place c % width.
    """
    columns = values.shape[-1]
    if columns is None:
        blocks = tf.shape(values)[-1] // BLOCK_OF_UNKNOWN_COLUMNS
        return tf.reshape(values, [-1, blocks, BLOCK_OF_UNKNOWN_COLUMNS])
    width = block_width(columns)
    missing = -columns % width
    if missing:
        values = tf.pad(values, [[0, 0], [0, missing]], constant_values=-float("inf"))
    return tf.reshape(values, [-1, (columns + missing) // width, width])


def wide_top_k(values: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The k largest values of every row, largest first.

    Args:
        values: (rows, columns) float32 without NaN; the number of columns must be static.
        k: from 1 to the number of columns.

    Returns:
        The values (rows, k) float32 and their columns (rows, k) int32. Which of several equal values comes
        first is settled by the row alone, but not always in favour of the lower column.
    """
    blocks = in_blocks(values)
    _, count, width = blocks.shape
    if width == 1 or count <= 2 * k:
        top_values, top_columns = tf.math.top_k(values, k)
        return top_values, top_columns
    _, best_blocks = tf.math.top_k(tf.reduce_max(blocks, axis=-1), k, sorted=False)
    # (rows, k, width) -> (rows, k * width)
    candidates = tf.reshape(tf.gather(blocks, best_blocks, batch_dims=1), [-1, k * width])
    top_values, places = tf.math.top_k(candidates, k)
    return top_values, tf.gather(best_blocks, places // width, batch_dims=1) * width + places % width


def wide_log_sum_exp(blocks: tf.Tensor, maxima: tf.Tensor) -> tf.Tensor:
    """The logarithm of the sum of the exponentials of every row.

    It is the greatest value less the logarithm of its softmax. That leaves the work to the softmax, which
    goes over the memory once, where `tf.reduce_logsumexp` does it four times.

    Args:
        blocks: (rows, blocks, width) float32, from `in_blocks`.
        maxima: (rows, blocks) float32, of the blocks.

    Returns:
        (rows, 1) float32; not finite where a value is NaN or inf, or where all are -inf.
    """
    shape = tf.shape(blocks)
    softmax = tf.nn.softmax(tf.reshape(blocks, [shape[0], shape[1] * shape[2]]))
    softmax = tf.reshape(softmax, shape)
    best_block = tf.argmax(maxima, axis=-1, output_type=tf.int32)
    greatest_share = tf.reduce_max(tf.gather(softmax, best_block, batch_dims=1), axis=-1, keepdims=True)
    return tf.reduce_max(maxima, axis=-1, keepdims=True) - tf.math.log(greatest_share)
