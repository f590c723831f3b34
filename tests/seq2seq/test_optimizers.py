"""The moving average of the weights, against its definition."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.optimizers import AveragingAdam, AveragingAdamW


@pytest.mark.parametrize("optimizer_class", [AveragingAdam, AveragingAdamW])
@pytest.mark.parametrize("decay", [0.999, 0.3])
def test_the_average_is_the_one_of_the_definition(optimizer_class: type, decay: float) -> None:
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    optimizer = optimizer_class(learning_rate=0.1, use_ema=True, ema_momentum=decay)
    optimizer.build([variable])
    expected = np.zeros(2)
    apply = tf.function(lambda gradient: optimizer.apply([gradient]))
    for update in range(131):
        apply(tf.constant([np.sin(update), 1.0], tf.float32))
        # Keras gives the first update no past at all.
        current = 0.0 if update == 0 else min(decay, (1 + update) / (10 + update))
        if update < 100:
            expected = current * expected + (1 - current) * variable.numpy()
        elif update % 8 == 0:  # 104, 112, 120, 128: eight updates at once
            expected = current**8 * expected + (1 - current**8) * variable.numpy()
    optimizer.finalize_variable_values([variable])
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4)


def test_the_average_of_every_eighth_update_is_nearly_that_of_all() -> None:
    """Weights wander, as in training: what is left out is far less than what is averaged away."""
    variable = keras.Variable(np.zeros(4, np.float32))
    optimizer = AveragingAdam(learning_rate=0.01, use_ema=True, ema_momentum=0.99)
    optimizer.build([variable])
    apply = tf.function(lambda gradient: optimizer.apply([gradient]))
    generator = np.random.default_rng(3)
    averages, expected = [], np.zeros(4)
    for update in range(1200):
        gradient = variable.numpy() - 1.0 + generator.normal(size=4)  # a noisy bowl, its lowest point at 1
        apply(tf.constant(gradient, tf.float32))
        current = 0.0 if update == 0 else min(0.99, (1 + update) / (10 + update))
        expected = current * expected + (1 - current) * variable.numpy()
        averages.append(optimizer._model_variables_moving_average[0].numpy() - expected)
    wandering = np.abs(variable.numpy() - expected).mean()
    assert np.abs(averages[-400:]).mean() < 0.05 * wandering


def test_with_accumulation_the_average_forgets_as_fast_for_each_update() -> None:
    """Three batches an update: after the same updates, three steps of decay are one of the definition."""
    optimizer = AveragingAdam(0.1, use_ema=True, ema_momentum=0.999, gradient_accumulation_steps=3)
    optimizer.build([keras.Variable(np.zeros(1, np.float32))])
    for _ in range(30):
        optimizer.apply([keras.ops.ones(1)])
    assert int(optimizer.iterations) == 10
    assert float(optimizer.ema_momentum) ** 3 == pytest.approx((1 + 10) / (10 + 10), rel=1e-5)


def test_the_weights_themselves_are_those_of_keras() -> None:
    values = []
    for optimizer in (AveragingAdam(0.1, use_ema=True), keras.optimizers.Adam(0.1, use_ema=True)):
        variable = keras.Variable(np.array([1.0, -2.0], np.float32))
        optimizer.build([variable])
        for update in range(5):
            optimizer.apply([keras.ops.convert_to_tensor(np.array([np.cos(update), 2.0], np.float32))])
        values.append(variable.numpy())
    # Keras and TensorFlow's operation round in another order.
    np.testing.assert_allclose(*values, rtol=1e-5)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_gradients_are_clipped_by_their_common_norm_as_keras_does(scale: float) -> None:
    values = []
    # A large epsilon: Adam by itself would hardly notice the size of a gradient.
    for optimizer_class in (AveragingAdam, keras.optimizers.Adam):
        variables = [keras.Variable(np.ones(shape, np.float32)) for shape in ((2,), (2, 3))]
        optimizer = optimizer_class(0.1, epsilon=1.0, global_clipnorm=0.5)
        optimizer.build(variables)
        gradients = [keras.ops.convert_to_tensor(scale * each.numpy()) for each in variables]
        optimizer.apply(gradients)
        values.append(np.concatenate([each.numpy().ravel() for each in variables]))
    np.testing.assert_allclose(*values, rtol=1e-5)
    assert np.all(values[0] < 1.0)


def test_a_sparse_gradient_is_that_of_the_rows_it_names() -> None:
    values = []
    for sparse in (True, False):
        variable = keras.Variable(np.ones((4, 2), np.float32))
        optimizer = AveragingAdam(0.1)
        optimizer.build([variable])
        rows = tf.IndexedSlices(
            tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([2, 2]), tf.constant([4, 2])
        )
        optimizer.apply([rows if sparse else tf.constant([[0.0, 0.0], [0.0, 0.0], [4.0, 6.0], [0.0, 0.0]])])
        values.append(variable.numpy())
    np.testing.assert_array_equal(*values)
    assert values[0][2, 0] < 1.0 == values[0][0, 0]


def test_the_decay_survives_the_configuration() -> None:
    optimizer = AveragingAdam(0.1, use_ema=True, ema_momentum=0.75)
    optimizer.build([keras.Variable(np.zeros(1, np.float32))])
    assert AveragingAdam.from_config(optimizer.get_config()).get_config()["ema_momentum"] == 0.75


def test_averages_and_weights_change_places_and_back() -> None:
    variables = [keras.Variable(np.ones(shape, np.float32)) for shape in ((2,), (2, 3))]
    optimizer = AveragingAdam(0.1, use_ema=True)
    optimizer.build(variables)
    for _ in range(3):
        optimizer.apply([keras.ops.ones(each.shape) for each in variables])
    averages = optimizer._model_variables_moving_average
    own, averaged = [[each.numpy() for each in group] for group in (variables, averages)]
    optimizer.swap_averages(variables)
    np.testing.assert_equal([each.numpy() for each in variables], averaged)
    np.testing.assert_equal([each.numpy() for each in averages], own)
    optimizer.swap_averages(variables)
    np.testing.assert_equal([each.numpy() for each in variables], own)
    np.testing.assert_equal([each.numpy() for each in averages], averaged)
