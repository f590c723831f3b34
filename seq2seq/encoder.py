"""The encoder: source tokens to one state per position, read in both directions."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from seq2seq.dropout import DropoutMasks
from seq2seq.gru import GRUCell
from seq2seq.recurrence import StepOperations, scan_for, time_major


@keras.saving.register_keras_serializable(package="seq2seq")
class BidirectionalGRU(keras.layers.Layer):
    """One bidirectional layer: a GRU from left to right beside one from right to left.

    A padded position leaves the state as it is, in either direction, so that padding changes nothing.

    Args:
        units: width of each direction; the output is twice as wide.
        input_size: width of the input.
        layer_normalization: see `GRUCell`.
        recurrent_dropout: rate of a mask on the state in the recurrent product, the same at every step.
        implementation: how training runs over time, see `recurrence.scan_for`.
        seed: of the dropout.
    """

    def __init__(
        self,
        units: int,
        input_size: int,
        layer_normalization: bool = False,
        recurrent_dropout: float = 0.0,
        implementation: str = "fast",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.input_size = input_size
        self.layer_normalization = layer_normalization
        self.recurrent_dropout = recurrent_dropout
        self.implementation = implementation
        self.seed = seed
        self.forward_cell = GRUCell(units, (input_size,), layer_normalization, name="forward")
        self.backward_cell = GRUCell(units, (input_size,), layer_normalization, name="backward")
        self.recurrent_masks = DropoutMasks(recurrent_dropout, seed)

    def build(self, _: Any = None) -> None:
        self.forward_cell.build()
        self.backward_cell.build()
        self.built = True

    def call(self, inputs: Any, source_mask: Any, training: bool = False) -> tuple[Any, Any]:
        """Run both directions.

        Args:
            inputs: (batch, source_length, input_size).
            source_mask: (batch, source_length), bool.
            training: whether to apply dropout.

        Returns:
            `(states, final_states)`: (batch, source_length, 2 * units), and (batch, 2 * units): the state
            after the last real token from left to right beside that after the first from right to left.
        """
        mask = ops.expand_dims(ops.transpose(source_mask), -1)  # (time, batch, 1)
        inputs = time_major(inputs)  # here it is narrower than after its projection
        forward, last_forward = self._run(self.forward_cell, inputs, mask, training, reverse=False)
        backward, last_backward = self._run(self.backward_cell, inputs, mask, training, reverse=True)
        states = time_major(ops.concatenate([forward, backward], axis=-1))
        return states, ops.concatenate([last_forward, last_backward], axis=-1)

    def _run(self, cell: GRUCell, inputs: Any, mask: Any, training: bool, reverse: bool) -> tuple[Any, Any]:
        batch = ops.shape(inputs)[1]
        projection = cell.finish_projection(cell.project_input(inputs))  # (time, batch, 3 * units)
        dropped = self.recurrent_masks.draw((batch, self.units), inputs.dtype, training)

        def step(state: Any, now: Any, weights: Any, operations: StepOperations) -> tuple[Any, Any]:
            step_projection, is_real = now
            recurrent_input = None if dropped is None else state * dropped
            new_state = cell.step(step_projection, state, recurrent_input, weights, operations)
            state = tf.where(is_real, new_state, state)
            return state, state

        scan = scan_for(self.implementation, training)
        final_state, states = scan(
            step,
            (projection, mask),
            tf.zeros((batch, self.units), inputs.dtype),
            cell.recurrent_weights(inputs.dtype),
            reverse=reverse,
        )
        return states, final_state

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "input_size": self.input_size,
            "layer_normalization": self.layer_normalization,
            "recurrent_dropout": self.recurrent_dropout,
            "implementation": self.implementation,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="seq2seq")
class Encoder(keras.layers.Layer):
    """A stack of bidirectional GRU layers (Bahdanau et al. 2014, section 3.2).

    Args:
        units: width of each direction.
        embedding_units: width of the embedded tokens.
        layers: how many layers; from the second on, a layer's input is added to its output.
        layer_normalization: see `GRUCell`.
        layer_dropout: rate between layers.
        recurrent_dropout: see `BidirectionalGRU`.
        memory_dropout: rate on the states that the decoder sees.
        implementation: see `BidirectionalGRU`.
        seed: of all dropout.
    """

    def __init__(
        self,
        units: int,
        embedding_units: int,
        layers: int = 1,
        layer_normalization: bool = False,
        layer_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        memory_dropout: float = 0.0,
        implementation: str = "fast",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.config = {
            "units": units,
            "embedding_units": embedding_units,
            "layers": layers,
            "layer_normalization": layer_normalization,
            "layer_dropout": layer_dropout,
            "recurrent_dropout": recurrent_dropout,
            "memory_dropout": memory_dropout,
            "implementation": implementation,
            "seed": seed,
        }
        self.recurrent_layers = [
            BidirectionalGRU(
                units,
                embedding_units if i == 0 else 2 * units,
                layer_normalization,
                recurrent_dropout,
                implementation,
                seed=None if seed is None else seed + 10 * i,
                name=f"layer_{i}",
            )
            for i in range(layers)
        ]
        self.layer_dropout = DropoutMasks(layer_dropout, None if seed is None else seed + 1)
        self.memory_dropout = DropoutMasks(memory_dropout, None if seed is None else seed + 2)

    def build(self, _: Any = None) -> None:
        for layer in self.recurrent_layers:
            layer.build()
        self.built = True

    def call(self, embedded: Any, source_mask: Any, training: bool = False) -> tuple[Any, Any]:
        """Encode.

        Args:
            embedded: (batch, source_length, embedding_units).
            source_mask: (batch, source_length), bool, True = a real token.
            training: whether to apply dropout.

        Returns:
            `(memory, final_states)` of the top layer: (batch, source_length, 2 * units) and
            (batch, 2 * units).
        """
        states, final_states = self.recurrent_layers[0](embedded, source_mask, training=training)
        for layer in self.recurrent_layers[1:]:
            below = self.layer_dropout(states, training=training)
            states, final_states = layer(below, source_mask, training=training)
            states = states + below
        return self.memory_dropout(states, training=training), final_states

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.config}
