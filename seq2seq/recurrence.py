"""The loop over time that encoder and decoder share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]], inputs: Any, initial_state: Any, *, reverse: bool = False
) -> tuple[Any, Any]:
    """Run `step` over the first axis of `inputs`, inside one `tf.while_loop`.

    Args:
        step: `(state, inputs_of_one_step) -> (new_state, outputs_of_one_step)`.
        inputs: nest of tensors (time, ...), all with the same `time`.
        initial_state: nest of tensors; `new_state` has the same structure and shapes.
        reverse: from the last step to the first. Outputs keep the order of the inputs all the same.

    Returns:
        `(final_state, outputs)`: outputs is the nest of `step`'s outputs, each stacked to (time, ...).
    """
    flat_inputs = tf.nest.flatten(inputs)
    time = tf.shape(flat_inputs[0])[0]
    unstacked = [
        tf.TensorArray(each.dtype, size=time, element_shape=each.shape[1:]).unstack(each)
        for each in flat_inputs
    ]
    # One trace outside the loop tells the outputs' dtypes; it is pruned from the graph.
    _, example = step(initial_state, tf.nest.pack_sequence_as(inputs, [each[0] for each in flat_inputs]))
    flat_example = tf.nest.flatten(example)
    collected = [tf.TensorArray(each.dtype, size=time, element_shape=each.shape) for each in flat_example]

    def body(count: Any, state: Any, collected: list[Any]) -> tuple[Any, Any, list[Any]]:
        index = time - 1 - count if reverse else count
        now = tf.nest.pack_sequence_as(inputs, [array.read(index) for array in unstacked])
        new_state, outputs = step(state, now)
        written = [
            array.write(index, each) for array, each in zip(collected, tf.nest.flatten(outputs), strict=True)
        ]
        return count + 1, new_state, written

    _, final_state, collected = tf.while_loop(
        lambda count, *_: count < time, body, (0, initial_state, collected), maximum_iterations=time
    )
    outputs = tf.nest.pack_sequence_as(example, [array.stack() for array in collected])
    return final_state, outputs


def time_major(tensor: Any) -> Any:
    """(batch, time, ...) -> (time, batch, ...), and back."""
    return tf.transpose(tensor, (1, 0, *range(2, tensor.shape.rank)))
