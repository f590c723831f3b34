"""The worked example of docs/attention.md, put through the layer."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "attention.md").read_text(encoding="utf-8")


@pytest.fixture
def weights_and_context():
    from seq2seq.attention import BahdanauAttention

    layer = BahdanauAttention(units=1)
    layer.build((None, 1), (None, None, 1))
    layer.set_weights([np.ones((1, 1)), np.ones((1, 1)), np.zeros(1), np.ones(1)])
    memory = np.array([[[0.0], [1.0], [2.0]]], np.float32)

    def attend(mask=None):
        context, weights = layer(np.array([[-1.0]], np.float32), memory, source_mask=mask)
        return np.array(weights)[0], float(np.array(context)[0, 0])

    return attend


def test_the_table_holds_the_weights_of_the_layer(weights_and_context) -> None:
    rows = re.findall(r"^\| \d \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", PAGE, re.MULTILINE)
    table = np.array([[float(cell.replace("−", "-")) for cell in row] for row in rows])
    assert table.shape == (3, 4)
    weights, context = weights_and_context()
    np.testing.assert_allclose(table[:, 1], np.tanh(table[:, 0]), atol=5e-5)
    np.testing.assert_allclose(table[:, 2], np.exp(np.tanh(table[:, 0])), atol=5e-5)
    np.testing.assert_allclose(table[:, 3], weights, atol=5e-5)
    assert f"= {context:.4f}*" in PAGE


def test_the_masked_example_holds(weights_and_context) -> None:
    weights, _ = weights_and_context(np.array([[True, True, False]]))
    assert f"= {weights[0]:.4f}*" in PAGE
    assert f"*{weights[1]:.4f}*" in PAGE
    assert weights[2] == 0
