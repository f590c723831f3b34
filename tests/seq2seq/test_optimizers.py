"""The moving average of the weights, against its definition."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.optimizers import AveragingAdam, AveragingAdamW


@pytest.mark.parametrize("optimizer_class", [AveragingAdam, AveragingAdamW])
@pytest.mark.parametrize("decay", [0.999, 0.3])
def test_the_average_is_the_one_of_the_definition(optimizer_class: type, decay: float) -> None:
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    optimizer = optimizer_class(learning_rate=0.1, use_ema=True, ema_momentum=decay)
    optimizer.build([variable])
    expected = np.zeros(2)
    for update in range(30):
        gradient = np.array([np.sin(update), 1.0], np.float32)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
        # Keras gives the first update no past at all.
        current = 0.0 if update == 0 else min(decay, (1 + update) / (10 + update))
        expected = current * expected + (1 - current) * variable.numpy()
    optimizer.finalize_variable_values([variable])
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4)


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
    np.testing.assert_array_equal(*values)


def test_the_decay_survives_the_configuration() -> None:
    optimizer = AveragingAdam(0.1, use_ema=True, ema_momentum=0.75)
    optimizer.build([keras.Variable(np.zeros(1, np.float32))])
    assert AveragingAdam.from_config(optimizer.get_config()).get_config()["ema_momentum"] == 0.75
