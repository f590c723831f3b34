"""The elementwise part of a gated recurrent unit, and its backward pass written out.

With x the finished input projection and u the recurrent one, each stacked as (z, r, s~):

    z = sigmoid(x_z + u_z);   r = sigmoid(x_r + u_r);   s~ = tanh(x_s + r u_s)
    s = s~ + z (s_{i-1} - s~)

and backwards, with g for the gradient of the loss by s, and a for that by what goes into each nonlinearity:

    a_s = g (1 - z) (1 - s~^2);   a_z = g (s_{i-1} - s~) z (1 - z);   a_r = a_s u_s r (1 - r)
    by x: (a_z, a_r, a_s);   by u: (a_z, a_r, a_s r);   by s_{i-1}: g z

TensorFlow's own gradient of the same takes about twice as long: it pads and adds where gates were cut out.
While training, XLA makes one function of either direction (see `replayed_operations.py`): x and u may then be
products as they come, in another precision and without their biases.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf


class Gates(NamedTuple):
    """Of one step, each (batch, units)."""

    update: Any  # z
    reset: Any  # r
    candidate: Any  # s~
    recurrent_candidate: Any  # u_s


class GateBiases(NamedTuple):
    """What is still to be added to the two products, (3 * units,) each; None: nothing."""

    projection: Any | None = None
    recurrent: Any | None = None


NO_BIASES = GateBiases()


def compute_gates(projection: Any, recurrent: Any, biases: GateBiases, dtype: Any) -> Gates:
    """Args: projection: (batch, 3 * units), x. recurrent: (batch, 3 * units), u. dtype: of the gates."""
    projection = _finished(projection, biases.projection, dtype)
    recurrent = _finished(recurrent, biases.recurrent, dtype)
    units = projection.shape[-1] // 3
    recurrent_candidate = recurrent[:, 2 * units :]
    update = tf.sigmoid(projection[:, :units] + recurrent[:, :units])
    reset = tf.sigmoid(projection[:, units : 2 * units] + recurrent[:, units : 2 * units])
    candidate = tf.tanh(projection[:, 2 * units :] + reset * recurrent_candidate)
    return Gates(update, reset, candidate, recurrent_candidate)


def _finished(product: Any, bias: Any | None, dtype: Any) -> Any:
    product = tf.cast(product, dtype)
    return product if bias is None else product + bias


def gated_state(projection: Any, recurrent: Any, state: Any, biases: GateBiases = NO_BIASES) -> Any:
    """s from x, u and s_{i-1}: (batch, units), in the precision of the state.

    Args:
        projection: (batch, 3 * units), x, or a product in another precision, its bias among `biases`.
        recurrent: (batch, 3 * units), u, likewise.
        state: (batch, units), s_{i-1}.
        biases: see `GateBiases`.
    """
    gates = compute_gates(projection, recurrent, biases, state.dtype)
    return gates.candidate + gates.update * (state - gates.candidate)


def gated_state_gradient(
    projection: Any, recurrent: Any, state: Any, biases: GateBiases, new_state_gradient: Any
) -> tuple[Any, Any, Any]:
    """The gradients of `gated_state` by its first three arguments, in their precision.

    Made from that by its result, (batch, units). That by a bias is the sum of that by its product over the
    batch.
    """
    update, reset, candidate, recurrent_candidate = compute_gates(projection, recurrent, biases, state.dtype)
    by_state = new_state_gradient * update
    by_candidate = (new_state_gradient - by_state) * (1.0 - candidate * candidate)
    by_update = by_state * (1.0 - update) * (state - candidate)
    by_reset = by_candidate * recurrent_candidate * (reset - reset * reset)
    by_projection = tf.concat([by_update, by_reset, by_candidate], axis=-1)
    by_recurrent = tf.concat([by_update, by_reset, by_candidate * reset], axis=-1)
    return tf.cast(by_projection, projection.dtype), tf.cast(by_recurrent, recurrent.dtype), by_state
