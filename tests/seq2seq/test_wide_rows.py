"""The blocked top-k against NumPy's sort."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.wide_rows import wide_top_k


@pytest.mark.parametrize("columns", [5, 1023, 1024, 2003, 8000, 8191])
@pytest.mark.parametrize("k", [1, 2, 5, 60])
def test_equals_sorting(columns, k):
    k = min(k, columns)
    values = np.random.default_rng(columns + k).normal(size=(11, columns)).astype(np.float32)
    values[0, :] = -np.inf
    values[1, columns // 2 :] = -np.inf
    values[2, -k:] += 10  # all the largest side by side, at the very end
    top_values, top_columns = wide_top_k(tf.constant(values), k)
    np.testing.assert_array_equal(top_values, -np.sort(-values, axis=1)[:, :k])
    np.testing.assert_array_equal(np.take_along_axis(values, np.asarray(top_columns), 1), top_values)
    for row in np.asarray(top_columns):
        assert len(set(row)) == k


def test_no_rows():
    values, columns = wide_top_k(tf.zeros([0, 3000]), 4)
    assert values.shape == (0, 4)
    assert columns.shape == (0, 4)
