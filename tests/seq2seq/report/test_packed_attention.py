"""Attention in few characters."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.report.packed_attention import WHOLE, packed, quantised, unpacked


def random_attention(rows: int, columns: int, sharpness: float, seed: int = 3) -> np.ndarray:
    scores = sharpness * np.random.default_rng(seed).normal(size=(rows, columns))
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("sharpness", [0.0, 0.5, 3.0, 40.0])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (17, 31), (60, 257), (3, 900)])
def test_rows_still_sum_to_one_and_no_weight_is_far_off(shape, sharpness):
    weights = random_attention(*shape, sharpness)
    read = unpacked(packed(weights), *shape)
    np.testing.assert_allclose(read.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert np.abs(read - weights).max() < 1.01 / WHOLE


def test_what_rounding_down_loses_goes_to_the_weights_that_lost_most():
    # 255 times these: 84.15, 84.915, 85.935. Two whole numbers are missing after rounding down.
    assert quantised(np.array([[0.33, 0.333, 0.337]])).tolist() == [[84, 85, 86]]


def test_a_row_of_zeros_stays_one_and_a_whole_weight_is_exact():
    weights = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(unpacked(packed(weights), 2, 3), weights)


def test_zeros_take_no_room_however_many_they_are():
    weights = np.eye(1000)
    assert len(packed(weights)) < 20_000  # a byte for each weight would be 1.3 million characters
    np.testing.assert_array_equal(unpacked(packed(weights), 1000, 1000), weights)


def test_nothing_is_packed_into_nothing():
    assert packed(np.zeros((0, 4))) == ""
    assert unpacked("", 0, 4).shape == (0, 4)


def test_what_is_no_attention_is_refused():
    with pytest.raises(ValueError, match="finite"):
        packed(np.array([[np.nan, 1.0]]))
    with pytest.raises(ValueError, match="not negative"):
        packed(np.array([[-0.5, 1.0]]))
    with pytest.raises(ValueError, match="target rows, source columns"):
        packed(np.zeros(3))
    with pytest.raises(ValueError, match="not 2 x 3"):
        unpacked(packed(np.eye(2)), 2, 3)
    with pytest.raises(ValueError, match="not base64"):
        unpacked("é!", 1, 1)
