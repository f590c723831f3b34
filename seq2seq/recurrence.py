"""The loop over time that encoder and decoder share: the plain one, and the choice between it and the fast.

A step of a recurrence is written once, as a function of its previous state, of what comes in at this step and
of weights. Its operations, matrix products, gates and attention, go through a `StepOperations` object. That
lets `fast_recurrence.py` run the very same step with a backward pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import tensorflow as tf

from seq2seq.additive_attention import AttentionMemory, attend
from seq2seq.gru_gates import NO_BIASES, GateBiases, gated_state
from seq2seq.matmul_precision import multiply, operand

IMPLEMENTATIONS = ("fast", "plain")


class StepOperations(Protocol):
    """The operations of a step."""

    def product(self, rows: Any, kernel: Any, bias: Any | None = None) -> Any:
        """(batch, n) times a kernel (n, m), plus a bias (m,) -> (batch, m), of the dtype of `rows`.

        Of an `operand`, without a bias, it is ready for `gate`, and nothing is converted in between.
        """

    def gate(self, projection: Any, recurrent: Any, state: Any, biases: GateBiases = NO_BIASES) -> Any:
        """See `gru_gates.gated_state`."""

    def attend(
        self, projected_query: Any, memory: AttentionMemory, dropout_mask: Any | None
    ) -> tuple[Any, Any]:
        """See `additive_attention.attend`."""


class DirectOperations:
    """Just computes.

    Args:
        operands: for kernels that were converted to the precision of the products already, the result
            by `id` of the kernel: a loop converts them once, not at every step.
    """

    def __init__(self, operands: dict[int, Any] | None = None) -> None:
        self._operands = operands or {}

    def product(self, rows: Any, kernel: Any, bias: Any | None = None) -> Any:
        result = multiply(rows, self._operands.get(id(kernel), kernel))
        return result if bias is None else result + bias

    def gate(self, projection: Any, recurrent: Any, state: Any, biases: GateBiases = NO_BIASES) -> Any:
        return gated_state(projection, recurrent, state, biases)

    def attend(
        self, projected_query: Any, memory: AttentionMemory, dropout_mask: Any | None
    ) -> tuple[Any, Any]:
        return attend(projected_query, memory, dropout_mask)


# (state, inputs of this step, weights, operations) -> (new state, outputs of this step)
Step = Callable[[Any, Any, Any, StepOperations], tuple[Any, Any]]


class KernelCollector(DirectOperations):
    """Notes which weights serve as kernels of products, during one trial step."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: dict[int, Any] = {}

    def product(self, rows: Any, kernel: Any, bias: Any | None = None) -> Any:
        self.kernels[id(kernel)] = kernel
        return super().product(rows, kernel, bias)

    def operands(self) -> dict[int, Any]:
        """The kernels in the precision of the products."""
        return {key: operand(kernel) for key, kernel in self.kernels.items()}


def plain_scan(
    step: Step, inputs: Any, initial_state: Any, weights: Any, *, reverse: bool = False
) -> tuple[Any, Any]:
    """Run `step` over the first axis of `inputs` in one `tf.while_loop`, which TensorFlow differentiates.

    Args:
        step: see `Step`.
        inputs: nest of tensors (time, ...), all with the same `time`.
        initial_state: nest of tensors; the new state has the same structure and shapes.
        weights: nest of tensors, the same at every step.
        reverse: from the last step to the first. Outputs keep the order of the inputs all the same.

    Returns:
        `(final_state, outputs)`: outputs is the nest of `step`'s outputs, each stacked to (time, ...).
    """
    flat_inputs = tf.nest.flatten(inputs)
    time = tf.shape(flat_inputs[0])[0]
    unstacked = [unstack(each) for each in flat_inputs]
    # One trace outside the loop tells the outputs' dtypes; it is pruned from the graph.
    trial = KernelCollector()
    first = tf.nest.pack_sequence_as(inputs, [each[0] for each in flat_inputs])
    _, example = step(initial_state, first, weights, trial)
    operations = DirectOperations(trial.operands())
    collected = [empty_array(each, time) for each in tf.nest.flatten(example)]

    def body(count: Any, state: Any, collected: list[Any]) -> tuple[Any, Any, list[Any]]:
        index = time - 1 - count if reverse else count
        now = tf.nest.pack_sequence_as(inputs, [array.read(index) for array in unstacked])
        new_state, outputs = step(state, now, weights, operations)
        written = [
            array.write(index, each) for array, each in zip(collected, tf.nest.flatten(outputs), strict=True)
        ]
        return count + 1, new_state, written

    _, final_state, collected = tf.while_loop(
        lambda count, *_: count < time, body, (0, initial_state, collected), maximum_iterations=time
    )
    outputs = tf.nest.pack_sequence_as(example, [array.stack() for array in collected])
    return final_state, outputs


def scan_for(implementation: str, training: bool) -> Callable[..., tuple[Any, Any]]:
    """The loop to run: `fast_scan` if a gradient will be wanted and unless `implementation` is "plain".

    Raises:
        ValueError: `implementation` is none of `IMPLEMENTATIONS`.
    """
    if implementation not in IMPLEMENTATIONS:
        raise ValueError(
            f"`implementation` must be one of {IMPLEMENTATIONS}. Received: implementation={implementation!r}"
        )
    if implementation == "plain" or not training:
        return plain_scan
    from seq2seq.fast_recurrence import fast_scan  # it builds on this file

    return fast_scan


def unstack(tensor: Any) -> tf.TensorArray:
    """(time, ...) -> an array with one entry per step."""
    return _array(tensor.dtype, tf.shape(tensor)[0], tensor.shape[1:]).unstack(tensor)


def empty_array(example: Any, time: Any) -> tf.TensorArray:
    """An array for `time` tensors like `example`."""
    return _array(example.dtype, time, example.shape)


def _array(dtype: tf.DType, time: Any, shape: tf.TensorShape) -> tf.TensorArray:
    # Outside a graph an entry could otherwise be read only once.
    return tf.TensorArray(dtype, size=time, element_shape=shape, clear_after_read=False)


def time_major(tensor: Any) -> Any:
    """(batch, time, ...) -> (time, batch, ...), and back."""
    return tf.transpose(tensor, (1, 0, *range(2, tensor.shape.rank)))
