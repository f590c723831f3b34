"""The loop over time, held against a plain Python loop."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.recurrence import scan, time_major
from tests.seq2seq.gradient_checks import assert_same

TIME, BATCH, UNITS = 5, 2, 3


def random_tensor(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def step(state, now):
    """Two states and three outputs whose values depend on the order of the steps."""
    first, second = state
    new_first = tf.tanh(0.9 * first + now["x"] * second)
    new_second = second * now["gate"] - 0.5 * first
    return (new_first, new_second), {"sum": new_first + new_second, "gate": now["gate"], "old": first}


def plain_loop(step, inputs, state, reverse: bool):
    time = len(tf.nest.flatten(inputs)[0])
    outputs = [None] * time
    for index in reversed(range(time)) if reverse else range(time):
        state, outputs[index] = step(state, tf.nest.map_structure(lambda each, i=index: each[i], inputs))
    return state, tf.nest.map_structure(lambda *each: tf.stack(each), *outputs)


@pytest.fixture
def inputs():
    return {"x": random_tensor(TIME, BATCH, UNITS), "gate": random_tensor(TIME, BATCH, 1, seed=1)}


@pytest.fixture
def initial_state():
    return random_tensor(BATCH, UNITS, seed=2), random_tensor(BATCH, UNITS, seed=3)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("graph", [False, True])
def test_values_and_gradients_of_a_plain_loop(inputs, initial_state, reverse, graph):
    def run():
        return scan(step, inputs, initial_state, reverse=reverse)

    if graph:

        @tf.function(input_signature=[tf.TensorSpec((None, None, n), tf.float64) for n in (UNITS, 1)])
        def any_length(x, gate):
            return scan(step, {"x": x, "gate": gate}, initial_state, reverse=reverse)

        def run():
            return any_length(inputs["x"], inputs["gate"])

    assert_same(
        run, lambda: plain_loop(step, inputs, initial_state, reverse), [*inputs.values(), *initial_state]
    )


@pytest.mark.parametrize("reverse", [False, True])
def test_outputs_keep_the_order_structure_and_dtypes_of_the_inputs(reverse):
    numbers = tf.range(TIME)

    def count(state, number):
        return state * 10 + number, (number, tf.cast(state, tf.float32))

    final, (seen, before) = scan(count, numbers, tf.constant(0), reverse=reverse)
    assert int(final) == (43210 if reverse else 1234)
    assert seen.numpy().tolist() == [0, 1, 2, 3, 4]
    assert before.dtype == tf.float32
    assert before.numpy().tolist() == ([4321, 432, 43, 4, 0] if reverse else [0, 0, 1, 12, 123])


def test_one_step(inputs, initial_state):
    first = tf.nest.map_structure(lambda each: each[:1], inputs)
    final, outputs = scan(step, first, initial_state)
    expected_final, expected = plain_loop(step, first, initial_state, reverse=False)
    for one, other in zip(
        tf.nest.flatten([final, outputs]), tf.nest.flatten([expected_final, expected]), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_time_major_swaps_the_first_two_axes_and_back():
    tensor = random_tensor(2, 3, 4, 5)
    swapped = time_major(tensor)
    assert swapped.shape == (3, 2, 4, 5)
    np.testing.assert_array_equal(swapped[2, 1], tensor[1, 2])
    np.testing.assert_array_equal(time_major(swapped), tensor)
