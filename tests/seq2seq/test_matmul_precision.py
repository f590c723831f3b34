"""Products in float32 and with bfloat16 operands."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import tensorflow as tf

from seq2seq import matmul_precision
from seq2seq.matmul_precision import multiply, multiply_transposed, set_matmul_precision
from seq2seq.prepared_ensemble import PreparedEnsemble


@pytest.fixture(autouse=True)
def float32_again():
    yield
    set_matmul_precision("float32")


def test_products_of_any_rank_are_those_of_numpy():
    random = np.random.default_rng(0)
    kernel = random.normal(size=(4, 5))
    for shape in ((3, 4), (2, 3, 4), (2, 1, 3, 4)):
        rows = random.normal(size=shape)
        np.testing.assert_allclose(
            multiply(tf.constant(rows), tf.constant(kernel)), rows @ kernel, rtol=1e-12
        )
        transposed = multiply(tf.constant(rows), tf.constant(kernel.T), transpose_kernel=True)
        np.testing.assert_allclose(transposed, rows @ kernel, rtol=1e-12)
    left, right = random.normal(size=(6, 2)), random.normal(size=(6, 3))
    product = multiply_transposed(tf.constant(left), tf.constant(right))
    np.testing.assert_allclose(product, left.T @ right, rtol=1e-12)


def test_bfloat16_rounds_the_operands_and_nothing_else():
    set_matmul_precision("bfloat16")
    # 257 needs nine significant bits and bfloat16 has eight; 256 + 1 is summed in float32 and rounded after.
    rows, kernel = tf.constant([[257.0, 1.0]]), tf.constant([[1.0], [4.0]])
    result = multiply(rows, kernel)
    assert result.dtype == tf.float32
    assert float(result[0, 0]) == 260.0  # (256 + 4), which bfloat16 has
    assert multiply(tf.cast(rows, tf.float64), tf.cast(kernel, tf.float64)).numpy()[0, 0] == 261.0
    set_matmul_precision("float32")
    assert float(multiply(rows, kernel)[0, 0]) == 261.0


def test_auto_follows_the_processor(monkeypatch):
    for fast, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(matmul_precision, "bfloat16_is_fast", lambda fast=fast: fast)
        assert set_matmul_precision("auto") == expected == matmul_precision.matmul_precision()
    with pytest.raises(ValueError, match="'half'"):
        set_matmul_precision("half")


def test_ensembles_of_two_threads_keep_their_precisions():
    """The setting is one of the process: without a lock each would prepare with what the other has set."""
    seen: dict[str, list[str]] = {"float32": [], "bfloat16": []}

    class Member:
        def __init__(self, precision: str) -> None:
            self.precision = precision

        def decoding_weights(self) -> None:
            for _ in range(20):
                time.sleep(0.001)
                seen[self.precision].append(matmul_precision.matmul_precision())

    def prepare(precision: str) -> None:
        assert PreparedEnsemble([Member(precision)], precision).weights == (None,)

    threads = [threading.Thread(target=prepare, args=(precision,)) for precision in seen]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert seen == {precision: [precision] * 20 for precision in seen}
