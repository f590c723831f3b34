"""The GRU cell, held against Keras' own layer and against the equations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.gru import GRUCell
from tests.seq2seq.gradient_checks import assert_same
from tests.seq2seq.network_equations import Equations
from tests.seq2seq.tiny_network import randomize

pytestmark = pytest.mark.usefixtures("float64")

UNITS = 4  # not 3: the number of gates
MASK = np.array([[True] * 4, [True, True, False, False]])


def random_tensor(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def wild_cell(*input_sizes: int, layer_normalization: bool = False) -> GRUCell:
    cell = GRUCell(UNITS, input_sizes, layer_normalization)
    cell.build()
    randomize(cell, 1)
    return cell


def copy_into_keras(cell: GRUCell, layer: keras.layers.GRU) -> None:
    layer.cell.kernel.assign(tf.concat([kernel.value for kernel in cell.input_kernels], axis=0))
    layer.cell.recurrent_kernel.assign(cell.recurrent_kernel)
    layer.cell.bias.assign(tf.stack([cell.input_bias.value, cell.recurrent_bias.value]))


@pytest.mark.parametrize("backwards", [False, True])
def test_a_masked_sequence_equals_keras_gru_with_all_gradients(backwards):
    cell, inputs = wild_cell(5), random_tensor(2, 4, 5)
    keras_gru = keras.layers.GRU(UNITS, return_sequences=True, go_backwards=backwards, use_cudnn=False)
    keras_gru.build(inputs.shape)
    copy_into_keras(cell, keras_gru)
    real = tf.constant(MASK[..., None], "float64")

    def steps():
        state, states = tf.zeros((2, UNITS), "float64"), [None] * 4
        for place in reversed(range(4)) if backwards else range(4):
            state = tf.where(MASK[:, place, None], cell(inputs[:, place], state), state)
            states[place] = state
        return tf.stack(states, axis=1) * real

    def keras_steps():
        states = keras_gru(inputs, mask=tf.constant(MASK))
        return (tf.reverse(states, [1]) if backwards else states) * real

    assert_same(
        steps,
        keras_steps,
        [cell.input_kernels[0], cell.recurrent_kernel, inputs],
        reference_variables=[keras_gru.cell.kernel, keras_gru.cell.recurrent_kernel, inputs],
    )


def test_the_gradients_of_both_biases_equal_keras():
    cell, inputs, state = wild_cell(5), random_tensor(2, 5), random_tensor(2, UNITS, seed=1)
    keras_cell = keras.layers.GRUCell(UNITS)
    keras_cell.build(inputs.shape)
    keras_cell.kernel.assign(cell.input_kernels[0])
    keras_cell.recurrent_kernel.assign(cell.recurrent_kernel)
    biases = tf.stack([cell.input_bias.value, cell.recurrent_bias.value])
    keras_cell.bias.assign(biases)
    stacked = lambda: cell(inputs, state)  # noqa: E731
    with tf.GradientTape() as tape:
        tape.watch([cell.input_bias.value, cell.recurrent_bias.value])
        loss = tf.reduce_sum(stacked() ** 2)
    gradients = tf.stack(tape.gradient(loss, [cell.input_bias.value, cell.recurrent_bias.value]))
    with tf.GradientTape() as tape:
        keras_loss = tf.reduce_sum(keras_cell(inputs, state)[0] ** 2)
    np.testing.assert_allclose(gradients, tape.gradient(keras_loss, keras_cell.bias.value), rtol=1e-10)


@pytest.mark.parametrize("layer_normalization", [False, True])
@pytest.mark.parametrize("dropped", [False, True])
def test_a_step_equals_the_equations_with_all_gradients(layer_normalization, dropped):
    cell = wild_cell(5, 2, layer_normalization=layer_normalization)
    inputs = random_tensor(2, 5), random_tensor(2, 2, seed=1)
    state = random_tensor(2, UNITS, seed=2)
    kept = np.array([[2.0, 0.0, 2.0, 2.0], [0.0, 2.0, 2.0, 0.0]]) if dropped else np.ones((2, UNITS))

    def step():
        projection = cell.project_input(inputs[0], 0) + cell.project_input(inputs[1], 1)
        return cell.step(cell.finish_projection(projection), state, state * kept if dropped else None)

    def expected(differentiable: bool):
        equations = Equations(differentiable)
        to_numpy = (lambda each: each) if differentiable else np.asarray
        rows = [
            equations.gru(cell, [to_numpy(each[row]) for each in inputs], to_numpy(state[row]), kept[row])
            for row in range(2)
        ]
        return equations.np.stack(rows)

    np.testing.assert_allclose(step(), expected(differentiable=False), rtol=1e-12, atol=1e-14)
    assert_same(
        step, lambda: expected(differentiable=True), [*cell.trainable_variables, *inputs, state], rtol=1e-7
    )


def test_a_call_is_projection_and_step_in_one():
    cell = wild_cell(5, 2, layer_normalization=True)
    first, second, state = random_tensor(2, 5), random_tensor(2, 2, seed=1), random_tensor(2, UNITS, seed=2)
    projection = cell.finish_projection(cell.project_input(first) + cell.project_input(second, 1))
    np.testing.assert_array_equal(cell([first, second], state), cell.step(projection, state))


def test_a_projection_of_all_steps_is_that_of_each():
    cell, inputs = wild_cell(5, layer_normalization=True), random_tensor(2, 4, 5)
    together = cell.finish_projection(cell.project_input(inputs))
    for place in range(4):
        alone = cell.finish_projection(cell.project_input(inputs[:, place]))
        np.testing.assert_allclose(together[:, place], alone, rtol=1e-12, atol=1e-14)


def test_two_inputs_are_one_wide_input():
    cell, wide = wild_cell(5, 2), wild_cell(7)
    first, second, state = random_tensor(2, 5), random_tensor(2, 2, seed=1), random_tensor(2, UNITS, seed=2)
    cell.recurrent_kernel.assign(wide.recurrent_kernel)
    cell.input_bias.assign(wide.input_bias)
    cell.recurrent_bias.assign(wide.recurrent_bias)
    cell.input_kernels[0].assign(wide.input_kernels[0][:5])
    cell.input_kernels[1].assign(wide.input_kernels[0][5:])
    expected = wide(tf.concat([first, second], axis=1), state)
    np.testing.assert_allclose(cell([first, second], state), expected, rtol=1e-12)


def test_fresh_weights():
    cell = GRUCell(16, (10, 20), layer_normalization=True)
    cell.build()
    blocks = np.split(cell.recurrent_kernel.numpy(), 3, axis=1)
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-6)
    assert not np.allclose(blocks[0], blocks[1])
    assert not np.allclose(blocks[1], blocks[2])
    limit = np.sqrt(6 / (10 + 20 + 16))
    for kernel in cell.input_kernels:
        assert 0.9 * limit < np.max(np.abs(kernel)) <= limit
    assert not np.any(cell.input_bias)
    assert not np.any(cell.recurrent_bias)
    assert np.all(cell.input_gain == 1)
    assert np.all(cell.recurrent_gain == 1)


def test_the_names_of_the_variables_are_those_of_saved_files():
    names = [variable.name for variable in wild_cell(5, 2, layer_normalization=True).variables]
    kernels = ["input_kernel_0", "input_kernel_1", "recurrent_kernel"]
    assert names == [*kernels, "input_bias", "recurrent_bias", "input_gain", "recurrent_gain"]


def test_config_round_trip():
    cell = GRUCell(UNITS, (5, 2), layer_normalization=True, name="cell")
    again = GRUCell.from_config(cell.get_config())
    assert again.get_config() == cell.get_config()
    assert (again.units, again.input_sizes, again.layer_normalization) == (UNITS, (5, 2), True)


@pytest.mark.parametrize(
    ("units", "input_sizes", "received"),
    [(0, (3,), "units=0"), (3, (), r"input_sizes=\(\)"), (3, (4, 0), r"input_sizes=\(4, 0\)")],
)
def test_sizes_that_make_no_sense_are_named(units, input_sizes, received):
    with pytest.raises(ValueError, match=received):
        GRUCell(units, input_sizes)


@pytest.mark.parametrize("widths", [(5,), (2, 5), (5, 2, 2)])
def test_inputs_that_do_not_fit_are_named(widths):
    inputs = [random_tensor(2, width) for width in widths]
    with pytest.raises(ValueError, match=r"(?s)\(5, 2\).*Received widths: \(" + ", ".join(map(str, widths))):
        wild_cell(5, 2)(inputs, random_tensor(2, UNITS))
