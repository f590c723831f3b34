"""Both loops over time, held against a plain Python loop."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.additive_attention import AttentionMemory
from seq2seq.fast_recurrence import fast_scan
from seq2seq.gru_gates import GateBiases
from seq2seq.matmul_precision import operand, set_matmul_precision
from seq2seq.recurrence import DirectOperations, plain_scan, scan_for, time_major
from tests.seq2seq.gradient_checks import assert_same

TIME, BATCH, UNITS, POSITIONS, MEMORY = 5, 2, 3, 4, 6
BOTH = pytest.mark.parametrize("scan", [plain_scan, fast_scan])


def random_tensor(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def step(state, now, weights, operations):
    """Two states and three outputs, whose values depend on the order of the steps; every operation.

    A kernel that serves several times, with and without a bias, a bias of two products, gates of finished
    products and of unfinished ones, a mask that is no float, a weight that no operation takes, and
    products of products.
    """
    first, second = state
    recurrent = operations.product(first * 0.9, weights["gates"], weights["bias"])
    memory = AttentionMemory(weights["memory"], weights["projected"], MASK, weights["vector"])
    context, attention = operations.attend(
        operations.product(second, weights["query"]), memory, now["dropout"]
    )
    projection = now["x"] + operations.product(
        operations.product(context, weights["context"]), weights["gates"]
    )
    new_first = operations.gate(projection, recurrent, first)
    unfinished = (
        operations.product(operand(context), weights["context_gates"]),
        operations.product(operand(second), weights["gates"]),
    )
    biases = GateBiases(weights["context_bias"], weights["bias"])
    gated = operations.gate(*unfinished, second, biases)
    new_second = tf.where(now["is_real"], gated - new_first * weights["gain"], second)
    return (new_first, new_second), {"sum": new_first + new_second, "attention": attention, "old": first}


MASK = tf.constant([[True] * POSITIONS, [True] * (POSITIONS - 1) + [False]])


def python_loop(inputs, state, weights, reverse: bool):
    time = len(tf.nest.flatten(inputs)[0])
    outputs = [None] * time
    for index in reversed(range(time)) if reverse else range(time):
        now = tf.nest.map_structure(lambda each, i=index: each[i], inputs)
        state, outputs[index] = step(state, now, weights, DirectOperations())
    return state, tf.nest.map_structure(lambda *each: tf.stack(each), *outputs)


@pytest.fixture
def inputs():
    return {
        "x": random_tensor(TIME, BATCH, 3 * UNITS),
        "dropout": tf.abs(random_tensor(TIME, BATCH, POSITIONS, seed=1)),
        "is_real": tf.constant(np.random.default_rng(2).uniform(size=(TIME, BATCH, 1)) < 0.7),
    }


@pytest.fixture
def initial_state():
    return random_tensor(BATCH, UNITS, seed=2), random_tensor(BATCH, UNITS, seed=3)


@pytest.fixture
def weights():
    shapes = {
        "gates": (UNITS, 3 * UNITS),
        "bias": (3 * UNITS,),
        "context_gates": (MEMORY, 3 * UNITS),
        "context_bias": (3 * UNITS,),
        "query": (UNITS, 7),
        "context": (MEMORY, UNITS),
        "memory": (BATCH, POSITIONS, MEMORY),
        "projected": (BATCH, POSITIONS, 7),
        "vector": (7,),
        "gain": (UNITS,),
    }
    return {name: random_tensor(*shape, seed=10 + i) for i, (name, shape) in enumerate(shapes.items())}


@BOTH
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("graph", [False, True])
def test_values_and_gradients_of_a_python_loop(scan, inputs, initial_state, weights, reverse, graph):
    def run():
        return scan(step, inputs, initial_state, weights, reverse=reverse)

    if graph:
        shapes = {"x": 3 * UNITS, "dropout": POSITIONS, "is_real": 1}
        unknown = {name: tf.TensorSpec((None, None, n), inputs[name].dtype) for name, n in shapes.items()}

        @tf.function(input_signature=[unknown])
        def any_length(inputs):
            return scan(step, inputs, initial_state, weights, reverse=reverse)

        def run():
            return any_length(inputs)

    # The fast loop gives no gradient to dropout masks, which nothing learns from.
    variables = [inputs["x"], *initial_state, *weights.values()]
    assert_same(run, lambda: python_loop(inputs, initial_state, weights, reverse), variables)


@BOTH
@pytest.mark.parametrize("reverse", [False, True])
def test_outputs_keep_the_order_structure_and_dtypes_of_the_inputs(scan, reverse):
    numbers = tf.range(TIME)

    def count(state, number, weights, operations):
        return state * 10 + number, (number, tf.cast(state, tf.float32))

    final, (seen, before) = scan(count, numbers, tf.constant(0), (), reverse=reverse)
    assert int(final) == (43210 if reverse else 1234)
    assert seen.numpy().tolist() == [0, 1, 2, 3, 4]
    assert before.dtype == tf.float32
    assert before.numpy().tolist() == ([4321, 432, 43, 4, 0] if reverse else [0, 0, 1, 12, 123])


@BOTH
def test_one_step(scan, inputs, initial_state, weights):
    first = tf.nest.map_structure(lambda each: each[:1], inputs)
    variables = [first["x"], *initial_state, *weights.values()]
    assert_same(
        lambda: scan(step, first, initial_state, weights),
        lambda: python_loop(first, initial_state, weights, reverse=False),
        variables,
    )


@BOTH
def test_with_bfloat16_operands_values_and_gradients_are_near(scan, inputs, initial_state, weights):
    def single(nest):
        return tf.nest.map_structure(
            lambda each: tf.cast(each, tf.float32) if each.dtype.is_floating else each, nest
        )

    arguments = single((inputs, initial_state, weights))
    variables = [arguments[0]["x"], *arguments[1], *arguments[2].values()]

    def run():
        return scan(step, *arguments)

    def exactly():
        set_matmul_precision("float32")
        results = run()
        set_matmul_precision("bfloat16")
        return results

    before = tf.concat([tf.reshape(each, [-1]) for each in tf.nest.flatten(exactly())], 0)
    try:
        set_matmul_precision("bfloat16")
        after = tf.concat([tf.reshape(each, [-1]) for each in tf.nest.flatten(run())], 0)
        assert_same(run, exactly, variables, rtol=0.1, atol=0.15)
    finally:
        set_matmul_precision("float32")
    assert not np.allclose(before, after, rtol=1e-5), "bfloat16 changed nothing"


def test_which_loop_runs():
    assert scan_for("fast", training=True) is fast_scan
    assert scan_for("fast", training=False) is plain_scan
    assert scan_for("plain", training=True) is plain_scan
    with pytest.raises(ValueError, match="'quick'"):
        scan_for("quick", training=False)


def test_time_major_swaps_the_first_two_axes_and_back():
    tensor = random_tensor(2, 3, 4, 5)
    swapped = time_major(tensor)
    assert swapped.shape == (3, 2, 4, 5)
    np.testing.assert_array_equal(swapped[2, 1], tensor[1, 2])
    np.testing.assert_array_equal(time_major(swapped), tensor)
