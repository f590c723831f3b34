"""The products whose time bounds a training step: the right number of operations, all of them computed."""

import numpy as np
import pytest

from benchmarks.matrix_products import Product, forward_products, product_runner, training_products
from benchmarks.reference import REFERENCE, build_network
from tests.benchmarks.tiny_sizes import TINY

BATCH, LENGTH = 64, 16


def test_a_training_step_takes_34_million_operations_per_target_token() -> None:
    operations = sum(product.operations for product in training_products(REFERENCE, BATCH, LENGTH, LENGTH))
    assert operations / (BATCH * LENGTH) == pytest.approx(34e6, rel=0.01)


def test_the_backward_pass_takes_twice_the_operations_of_the_forward_pass() -> None:
    forward = forward_products(REFERENCE, BATCH, 12, 20)
    for product in forward:
        assert product.input_gradient().operations == product.operations
        assert product.weight_gradient().operations == product.operations
    assert len(training_products(REFERENCE, BATCH, 12, 20)) == 3 * len(forward)


def test_every_kernel_of_the_network_is_multiplied_once() -> None:
    """All matrices of the network but the embeddings are the right operand of one product of the list."""
    kernels = [
        tuple(weight.shape)
        for weight in build_network(TINY).trainable_weights
        if len(weight.shape) == 2 and "embedding" not in weight.path
    ]
    products = forward_products(TINY, 2, 3, 4)
    assert sorted(kernels) == sorted((each.inner, each.columns) for each in products if each.matrices == 1)


def test_gradients_have_the_shapes_of_their_operands() -> None:
    product = Product("state", rows=3, inner=4, columns=5, steps=6)
    to_input, to_weights = product.input_gradient(), product.weight_gradient()
    assert (to_input.rows, to_input.inner, to_input.columns, to_input.steps) == (3, 5, 4, 6)
    assert (to_weights.rows, to_weights.inner, to_weights.columns, to_weights.steps) == (4, 18, 5, 1)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_step_of_every_product_is_computed(dtype: str) -> None:
    products = training_products(TINY, batch_size=2, source_length=3, target_length=4)
    corners = np.asarray(product_runner(products, dtype)(), np.float32)
    assert corners.shape == (sum(product.steps for product in products),)
    assert np.isfinite(corners).all()
    assert (corners != 0).all()
