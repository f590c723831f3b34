"""A batch in parts is the same batch."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.batch_parts import cut, joined
from seq2seq.guided_attention import AttentionGuide
from seq2seq.losses import TokenCrossEntropy
from tests.repetitions import rest_slow
from tests.seq2seq.gradient_checks import assert_same
from tests.seq2seq.three_updates import assert_same_fit, fitted
from tests.seq2seq.tiny_network import dtype_policy, source_batch, target_batch, tiny_model


@pytest.mark.parametrize(
    ("rows", "parts", "sizes"),
    [(8, 2, [4, 4]), (7, 2, [3, 4]), (7, 3, [2, 2, 3]), (1, 2, [0, 1]), (5, 1, [5])],
)
def test_parts_are_of_like_size_and_in_order(rows, parts, sizes):
    tensor = tf.reshape(tf.range(rows * 3), (rows, 3))
    pieces = cut(tensor, parts)
    assert [len(piece) for piece in pieces] == sizes
    np.testing.assert_array_equal(joined(pieces), tensor)


@pytest.mark.parametrize("r_drop", rest_slow([0.0, 1.5]))
def test_training_and_metrics_are_those_of_the_whole(r_drop):
    with dtype_policy("float64"):
        whole, in_parts = (fitted(r_drop=r_drop, batch_parts=parts) for parts in (1, 2))
    assert_same_fit(in_parts, whole)


def test_a_batch_smaller_than_its_parts():
    """The last batch of an epoch may hold a single sentence."""
    source, target = source_batch()[:1], target_batch()[:1]
    links = np.full((1, target.shape[1], source.shape[1]), 1 / source.shape[1], np.float32)
    inputs = (source, target, links)
    model = tiny_model()
    model.guide = AttentionGuide(0.5)
    model.compile(keras.optimizers.SGD(), TokenCrossEntropy(0.1), jit_compile=False)

    def loss_in(parts):
        model.batch_parts = parts
        return model.compute_loss(inputs, tf.constant(target), model(inputs, training=True))

    assert_same(lambda: loss_in(2), lambda: loss_in(1), model.trainable_variables, rtol=1e-5, atol=1e-6)


def test_each_part_has_masks_of_its_own():
    """Not the same ones again, and the next batch others."""
    source, target = np.repeat(source_batch()[:1], 4, axis=0), np.repeat(target_batch()[:1], 4, axis=0)
    model = tiny_model(readout_dropout=0.5, memory_dropout=0.5, seed=1)
    model.batch_parts = 2
    first, second = (model((source, target), training=True)["readout"].numpy() for _ in range(2))
    rows = [*first, *second]
    for place, row in enumerate(rows):
        assert all(np.any(row != other) for other in rows[:place])
