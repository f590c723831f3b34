"""The network once more, from the equations: one sentence and one position at a time, no masks, no Keras.

Written with the functions that numpy and `tensorflow.experimental.numpy` share. The first gives values that
owe nothing to TensorFlow, the second lets TensorFlow differentiate the very same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq.dropout import DropoutMasks
from seq2seq.model import Seq2SeqModel


class RecordedMasks:
    """Notes every dropout mask that the network draws, so that the equations can use the same."""

    def __init__(self, monkeypatch: Any) -> None:
        self.drawn: dict[int, list[np.ndarray]] = {}
        draw = DropoutMasks.draw

        def draw_and_note(layer: DropoutMasks, *arguments: Any, **keywords: Any) -> Any:
            mask = draw(layer, *arguments, **keywords)
            if mask is not None:
                self.drawn.setdefault(id(layer), []).append(mask.numpy())
            return mask

        monkeypatch.setattr(DropoutMasks, "draw", draw_and_note)

    def of(self, layer: DropoutMasks) -> list[np.ndarray]:
        return self.drawn.get(id(layer), [])


class Equations:
    """The formulas on single vectors.

    Args:
        differentiable: compute with TensorFlow on the variables themselves instead of with numpy on copies.
    """

    def __init__(self, differentiable: bool = False) -> None:
        # The numpy of TensorFlow is loaded on access only, and not known to type checkers.
        self.np: ModuleType | Any = tf.experimental.numpy if differentiable else np
        self.value: Callable[[Any], Any] = (
            (lambda variable: tf.convert_to_tensor(variable.value))
            if differentiable
            else keras.ops.convert_to_numpy
        )

    def softmax(self, scores: Any) -> Any:
        exponentials = self.np.exp(scores - self.np.max(scores))
        return exponentials / self.np.sum(exponentials)

    def sigmoid(self, x: Any) -> Any:
        return 1.0 / (1.0 + self.np.exp(-x))

    def attend(self, attention: Any, query: Any, memory: Sequence[Any], kept: Any = 1.0) -> tuple[Any, Any]:
        """Bahdanau et al. 2014, section 3.1: one query (units,), a list of h_j; `kept` multiplies weights."""
        w, u = self.value(attention.query_kernel), self.value(attention.memory_kernel)
        v, b = self.value(attention.score_vector), self.value(attention.bias)
        energies = [
            self.np.sum(v * self.np.tanh(self.np.dot(query, w) + self.np.dot(h, u) + b)) for h in memory
        ]
        weights = self.softmax(self.np.stack(energies))
        context = self.np.sum(self.np.stack(list(memory)) * (weights * kept)[:, None], axis=0)
        return context, weights

    def gru(self, cell: Any, inputs: Sequence[Any], state: Any, kept: Any = 1.0) -> Any:
        """Cho et al. 2014 with the reset gate after the product; `kept` masks what the product sees."""
        units = cell.units
        x = sum(self.np.dot(each, self.value(k)) for each, k in zip(inputs, cell.input_kernels, strict=True))
        h = self.np.dot(state * kept, self.value(cell.recurrent_kernel))
        x_gates, h_gates = self._gates(x, units), self._gates(h, units)
        if cell.layer_normalization:
            x_gates = self._normalized(x_gates, self._gates(self.value(cell.input_gain), units))
            h_gates = self._normalized(h_gates, self._gates(self.value(cell.recurrent_gain), units))
        b_x = self._gates(self.value(cell.input_bias), units)
        b_h = self._gates(self.value(cell.recurrent_bias), units)
        update = self.sigmoid(x_gates[0] + b_x[0] + h_gates[0] + b_h[0])
        reset = self.sigmoid(x_gates[1] + b_x[1] + h_gates[1] + b_h[1])
        candidate = self.np.tanh(x_gates[2] + b_x[2] + reset * (h_gates[2] + b_h[2]))
        return update * state + (1.0 - update) * candidate

    def _gates(self, stacked: Any, units: int) -> list[Any]:
        return [stacked[:units], stacked[units : 2 * units], stacked[2 * units :]]

    def _normalized(self, gates: list[Any], gains: list[Any]) -> list[Any]:
        """Ba et al. 2016, equation 4, on each gate by itself."""
        return [
            gain * (gate - self.np.mean(gate)) / self.np.sqrt(self.np.var(gate) + 1e-5)
            for gate, gain in zip(gates, gains, strict=True)
        ]

    def run(self, cell: Any, inputs: Sequence[Any], kept: Any = 1.0) -> list[Any]:
        """All states of a GRU over a sequence, from a state of zeros."""
        state, states = self.np.zeros(cell.units, np.float64), []
        for each in inputs:
            state = self.gru(cell, [each], state, kept)
            states.append(state)
        return states

    def dense(self, layer: Any, x: Any) -> Any:
        return self.np.dot(x, self.value(layer.kernel)) + self.value(layer.bias)


class NetworkEquations(Equations):
    """`Seq2SeqModel.call`, from the docstrings of the encoder, the decoder and the attention.

    Args:
        model: whose weights to use.
        masks: dropout masks to apply; None: no dropout.
    """

    def __init__(
        self, model: Seq2SeqModel, masks: RecordedMasks | None = None, differentiable: bool = False
    ) -> None:
        super().__init__(differentiable)
        self.model = model
        self.masks = masks

    def __call__(self, source_tokens: np.ndarray, target_input_tokens: np.ndarray) -> tuple[Any, Any]:
        """`(logits, attention_weights)` of a batch; pads of the source are cut off, not masked."""
        all_logits, all_weights = [], []
        for row, (source, target) in enumerate(zip(source_tokens, target_input_tokens, strict=True)):
            length = int(np.sum(source != 0))
            memory, final_state = self.encode(row, source[:length])
            logits, weights = self.decode(row, target, memory, final_state)
            zeros = self.np.zeros((len(target), len(source) - length), np.float64)
            all_logits.append(logits)
            all_weights.append(self.np.concatenate([weights, zeros], axis=1))
        return self.np.stack(all_logits), self.np.stack(all_weights)

    def mask(self, layer: DropoutMasks, number: int = 0) -> Any:
        """The mask that `layer` drew at its call `number`; ones, of any shape, if it drew none."""
        drawn = self.masks.of(layer) if self.masks is not None else []
        return drawn[number] if drawn else _Ones()

    def embed(self, row: int, tokens: np.ndarray, embedding: Any, dropout: Any) -> list[Any]:
        table = self.value(embedding.embeddings)
        if self.model.arguments["scaled_embeddings"]:
            table = table * table.shape[1] ** 0.5
        words, entries = self.mask(dropout.words), self.mask(dropout.entries)
        return [table[token] * words[row, place] * entries[row, place] for place, token in enumerate(tokens)]

    def encode(self, row: int, tokens: np.ndarray) -> tuple[list[Any], Any]:
        """Bahdanau et al. 2014, section 3.2, stacked with residual connections."""
        encoder = self.model.encoder
        states = self.embed(row, tokens, self.model.source_embedding, self.model.source_dropout)
        for number, layer in enumerate(encoder.recurrent_layers):
            below = states
            if number > 0:
                between = self.mask(encoder.layer_dropout, number - 1)
                below = [state * between[row, place] for place, state in enumerate(states)]
            kept = self.mask(layer.recurrent_masks, 0)[row], self.mask(layer.recurrent_masks, 1)[row]
            forward = self.run(layer.forward_cell, below, kept[0])
            backward = self.run(layer.backward_cell, below[::-1], kept[1])[::-1]
            states = [self.np.concatenate(pair) for pair in zip(forward, backward, strict=True)]
            final_state = self.np.concatenate([forward[-1], backward[0]])
            if number > 0:
                states = [state + each for state, each in zip(states, below, strict=True)]
        kept = self.mask(encoder.memory_dropout)
        return [state * kept[row, place] for place, state in enumerate(states)], final_state

    def decode(self, row: int, tokens: np.ndarray, memory: list[Any], final_state: Any) -> tuple[Any, Any]:
        """Bahdanau et al. 2014, but the readout is of s_i; or the conditional GRU of Sennrich et al. 2017."""
        decoder = self.model.decoder
        words = self.embed(row, tokens, self.model.target_embedding, self.model.target_dropout)
        summary = sum(memory) / len(memory) if decoder.bridge == "mean" else final_state
        state = self.np.tanh(self.dense(decoder.bridge_layer, summary))
        recurrent, attention = self.mask(decoder.recurrent_masks)[row], self.mask(decoder.attention_masks)
        readout = self.mask(decoder.readout_dropout)
        all_logits, all_weights = [], []
        for step, word in enumerate(words):
            kept_weights = attention[step, row, : len(memory)]
            if decoder.conditional:
                between = self.gru(decoder.cell, [word], state, recurrent)
                context, weights = self.attend(decoder.attention, between, memory, kept_weights)
                state = self.gru(decoder.context_cell, [context], between, recurrent)
            else:
                context, weights = self.attend(decoder.attention, state, memory, kept_weights)
                state = self.gru(decoder.cell, [word, context], state, recurrent)
            all_logits.append(self.emit(state, word, context, readout[row, step]))
            all_weights.append(weights)
        return self.np.stack(all_logits), self.np.stack(all_weights)

    def emit(self, state: Any, word: Any, context: Any, kept: Any) -> Any:
        """Deep readout and output layer."""
        decoder = self.model.decoder
        hidden = self.dense(decoder.readout_layer, self.np.concatenate([state, word, context]))
        if decoder.readout == "tanh":
            hidden = self.np.tanh(hidden)
        elif decoder.readout == "maxout":
            hidden = self.np.maximum(hidden[: decoder.readout_units], hidden[decoder.readout_units :])
        table = (
            self.np.transpose(self.value(self.model.target_embedding.embeddings))
            if decoder.tied_output
            else self.value(decoder.output_layer.kernel)
        )
        return self.np.dot(hidden * kept, table) + self.value(decoder.output_bias)


class _Ones:
    """A mask that drops nothing, whatever part of it is asked for."""

    def __getitem__(self, _: Any) -> float:
        return 1.0
