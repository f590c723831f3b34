"""One step of a gated recurrent unit, with its input projection apart from its recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seq2seq.gru_gates import GateBiases
from seq2seq.matmul_precision import multiply, operand
from seq2seq.recurrence import DirectOperations, StepOperations


@keras.saving.register_keras_serializable(package="seq2seq")
class GRUCell(keras.layers.Layer):
    """Gated recurrent unit (Cho et al. 2014) in the variant whose reset gate acts after the product.

    With x the sum of the projected inputs and u = s_{i-1} R + b, the recurrent bias, each cut into three:

        z  = sigmoid(x_z + u_z)            update gate
        r  = sigmoid(x_r + u_r)            reset gate
        s~ = tanh(x_s + r * u_s)           candidate
        s  = z * s_{i-1} + (1 - z) * s~

    Gates are stacked as (z, r, s~) along the last axis, as in `keras.layers.GRU(reset_after=True)`, whose
    weights fit this cell. What depends on the inputs alone is a separate method, so that a sequence
    computes it for all its steps in one matrix product before the loop.

    Args:
        units: width of the state.
        input_sizes: widths of the inputs, each with a kernel of its own: `(embedding,)` in the encoder,
            `(embedding, memory)` in the decoder. Their projections are added.
        layer_normalization: normalise the input projection and the recurrent projection, each gate by
            itself, before they are added (Ba et al. 2016).
    """

    def __init__(
        self, units: int, input_sizes: Sequence[int], layer_normalization: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be a positive integer. Received: units={units}")
        if not input_sizes or min(input_sizes) < 1:
            raise ValueError(
                f"`input_sizes` must be one or more positive integers. Received: input_sizes={input_sizes}"
            )
        self.units = units
        self.input_sizes = tuple(input_sizes)
        self.layer_normalization = layer_normalization

    def build(self, _: Any = None) -> None:
        # One fan-in for all inputs: together they are one glorot-initialised kernel cut in rows.
        limit = (6.0 / (sum(self.input_sizes) + self.units)) ** 0.5
        self.input_kernels = [
            self.add_weight(
                name=f"input_kernel_{i}",
                shape=(size, 3 * self.units),
                initializer=keras.initializers.RandomUniform(-limit, limit),
            )
            for i, size in enumerate(self.input_sizes)
        ]
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(self.units, 3 * self.units), initializer=_orthogonal_per_gate
        )
        self.input_bias = self.add_weight(name="input_bias", shape=(3 * self.units,), initializer="zeros")
        self.recurrent_bias = self.add_weight(
            name="recurrent_bias", shape=(3 * self.units,), initializer="zeros"
        )
        if self.layer_normalization:
            self.input_gain = self.add_weight(name="input_gain", shape=(3 * self.units,), initializer="ones")
            self.recurrent_gain = self.add_weight(
                name="recurrent_gain", shape=(3 * self.units,), initializer="ones"
            )
        self.built = True

    def project_input(self, inputs: Any, which: int = 0) -> Any:
        """Product of one input with its kernel: (..., input_size) -> (..., 3 * units)."""
        return multiply(inputs, self.input_kernel(inputs.dtype, which))

    def input_kernel(self, dtype: Any, which: int = 0) -> Any:
        """Kernel of one input, (input_size, 3 * units)."""
        return ops.cast(self.input_kernels[which], dtype)

    def input_weights(self, dtype: Any) -> dict[str, Any]:
        """What `finish_projection` uses: `bias` and, with layer normalisation, `gain`, (3 * units,) each."""
        weights = {"bias": self.input_bias}
        if self.layer_normalization:
            weights["gain"] = self.input_gain
        return {name: ops.cast(weight, dtype) for name, weight in weights.items()}

    def recurrent_weights(self, dtype: Any) -> dict[str, Any]:
        """What `step` uses: `kernel` (units, 3 * units), `bias` and, with layer normalisation, `gain`."""
        weights = {"kernel": self.recurrent_kernel, "bias": self.recurrent_bias}
        if self.layer_normalization:
            weights["gain"] = self.recurrent_gain
        return {name: ops.cast(weight, dtype) for name, weight in weights.items()}

    def finish_projection(self, projection: Any, weights: dict[str, Any] | None = None) -> Any:
        """Normalise (if configured) the summed input projections and add the bias: (..., 3 * units).

        Args:
            projection: (..., 3 * units).
            weights: from `input_weights`; None: read here.
        """
        weights = self.input_weights(projection.dtype) if weights is None else weights
        if self.layer_normalization:
            projection = self._normalize_gates(projection, weights["gain"])
        return projection + weights["bias"]

    def step(
        self,
        finished_projection: Any,
        state: Any,
        recurrent_input: Any | None = None,
        weights: dict[str, Any] | None = None,
        operations: StepOperations | None = None,
        projection_bias: Any | None = None,
    ) -> Any:
        """One step of the recurrence.

        Args:
            finished_projection: (batch, 3 * units), from `finish_projection`.
            state: (batch, units), s_{i-1}.
            recurrent_input: (batch, units), what the recurrent product sees instead of `state`: the state
                under a dropout mask. None: the state itself.
            weights: from `recurrent_weights`; None: read here.
            operations: what computes the product and the gates; None: computed here.
            projection_bias: (3 * units,), what the projection still lacks, if anything. Only without layer
                normalisation.

        Returns:
            (batch, units), s_i.
        """
        recurrent_input = state if recurrent_input is None else recurrent_input
        weights = self.recurrent_weights(state.dtype) if weights is None else weights
        operations = operations or DirectOperations()
        if self.layer_normalization:
            recurrent = operations.product(recurrent_input, weights["kernel"])
            recurrent = self._normalize_gates(recurrent, weights["gain"]) + weights["bias"]
            return operations.gate(finished_projection, recurrent, state)
        recurrent = operations.product(operand(recurrent_input), weights["kernel"])
        biases = GateBiases(projection_bias, weights["bias"])
        return operations.gate(finished_projection, recurrent, state, biases)

    def call(self, inputs: Any, state: Any) -> Any:
        """One step from the raw input(s): a tensor, or a sequence of them, each (batch, input_size)."""
        if not isinstance(inputs, list | tuple):
            inputs = (inputs,)
        widths = tuple(each.shape[-1] for each in inputs)
        if widths != self.input_sizes:
            raise ValueError(
                f"This cell takes inputs of these widths: {self.input_sizes}. Received widths: {widths}"
            )
        projection = sum(self.project_input(each, i) for i, each in enumerate(inputs))
        return self.step(self.finish_projection(projection), state)

    def _normalize_gates(self, projection: Any, gain: Any) -> Any:
        # (..., 3 * units) -> (..., 3, units): each gate has its own mean and variance.
        shape = ops.shape(projection)
        gates = ops.reshape(projection, (*shape[:-1], 3, self.units))
        mean = ops.mean(gates, axis=-1, keepdims=True)
        centred = gates - mean
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        normal = ops.reshape(centred * ops.rsqrt(variance + 1e-5), shape)
        return normal * gain

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "input_sizes": list(self.input_sizes),
            "layer_normalization": self.layer_normalization,
        }


def _orthogonal_per_gate(shape: tuple[int, int], dtype: Any = None) -> Any:
    """Each gate's square block orthogonal by itself: its state neither grows nor fades at the start."""
    units = shape[0]
    orthogonal = keras.initializers.Orthogonal(seed=None)
    return ops.concatenate([orthogonal.clone()((units, units), dtype=dtype) for _ in range(3)], axis=1)
