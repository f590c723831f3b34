"""Values and gradients of one computation held against those of another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def values_and_gradients(
    compute: Callable[[], Any], variables: Sequence[Any]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Outputs of `compute`, and the gradients of a random linear form of all of them.

    The form depends on every entry of every output with a weight of its own, the same at each call: two
    computations with the same outputs have the same gradients, and no error cancels another.

    Args:
        compute: returns a nest of float tensors.
        variables: Keras variables, or tensors that `compute` uses.

    Raises:
        AssertionError: a variable has no influence on the outputs.
    """
    sources = [getattr(variable, "value", variable) for variable in variables]
    random = np.random.default_rng(7)
    with tf.GradientTape() as tape:
        tape.watch([source for source in sources if not isinstance(source, tf.Variable)])
        outputs = tf.nest.flatten(compute())
        forms = [tf.reduce_sum(tf.cast(each, "float64") * random.normal(size=each.shape)) for each in outputs]
        form = tf.add_n(forms)
    gradients = tape.gradient(form, sources)
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, f"no gradient for {getattr(variable, 'path', variable)}"
    return [each.numpy() for each in outputs], [tf.convert_to_tensor(each).numpy() for each in gradients]


def assert_same(
    compute: Callable[[], Any],
    reference: Callable[[], Any],
    variables: Sequence[Any],
    *,
    reference_variables: Sequence[Any] | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
) -> None:
    """Both give the same outputs, and the same gradients for every variable (compared pairwise)."""
    values, gradients = values_and_gradients(compute, variables)
    reference_variables = variables if reference_variables is None else reference_variables
    expected_values, expected_gradients = values_and_gradients(reference, reference_variables)
    assert len(values) == len(expected_values)
    for number, (value, expected) in enumerate(zip(values, expected_values, strict=True)):
        np.testing.assert_allclose(value, expected, rtol=rtol, atol=atol, err_msg=f"output {number}")
    for variable, gradient, expected in zip(variables, gradients, expected_gradients, strict=True):
        name = getattr(variable, "path", "tensor")
        np.testing.assert_allclose(gradient, expected, rtol=rtol, atol=atol, err_msg=f"gradient of {name}")
        assert np.any(expected), f"the gradient of {name} is zero: nothing was tested"
