"""The decoder: one step, used by teacher forcing, by search and by forced decoding alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.attention import BahdanauAttention
from seq2seq.dropout import DropoutMasks
from seq2seq.embedding import TokenEmbedding
from seq2seq.gru import GRUCell
from seq2seq.recurrence import scan, time_major

READOUTS = ("tanh", "maxout", "linear")


class EncodedSource(NamedTuple):
    """What the decoder needs to know of a batch of source sentences; computed once."""

    memory: Any  # (batch, source_length, memory_units): h_j
    projected_memory: Any  # (batch, source_length, attention_units): U h_j + b
    source_mask: Any  # (batch, source_length), bool: True = a real token
    initial_state: tuple[Any, ...]  # of (batch, units): s_0


class StepMasks(NamedTuple):
    """Dropout masks of a sentence's recurrence; None where nothing is dropped."""

    recurrent: Any | None  # (batch, units), the same at every step
    attention: Any | None  # (time, batch, source_length)


@keras.saving.register_keras_serializable(package="seq2seq")
class Decoder(keras.layers.Layer):
    """GRU decoder with additive attention (Bahdanau et al. 2014, appendix A.2.2).

    Plain, one cell, the query is the previous state:

        c_i = attention(s_{i-1}, h);  s_i = GRU([y_{i-1}, c_i], s_{i-1})

    Conditional (`conditional=True`), two cells with the attention between them, as in Nematus
    (Sennrich et al. 2017, section 3.2), so that the query knows the previous word:

        s'_i = GRU_1(y_{i-1}, s_{i-1});  c_i = attention(s'_i, h);  s_i = GRU_2(c_i, s'_i)

    Deep readout (Pascanu et al. 2013), then a distribution over the vocabulary:

        t_i = readout(V_s s_i + V_y y_{i-1} + V_c c_i + b);  logits_i = O t_i + b_o

    Args:
        vocabulary_size: of the target.
        units: width of the state.
        embedding_units: width of the embedded target tokens.
        memory_units: width of the encoder's states.
        attention_units: width of the attention's hidden layer.
        readout_units: width of t_i. Tied output embeddings need it equal to `embedding_units`.
        readout: `"tanh"`, `"maxout"` (pairs of 2 * readout_units) or `"linear"`.
        conditional: see above.
        bridge: what s_0 = tanh(B . + b) is made from: `"mean"` of the real memory, or `"last"` final states.
        layer_normalization: in the GRU cells, see `GRUCell`.
        tied_output: the output layer is the transposed target embedding.
        recurrent_dropout: rate of a mask on s_{i-1} in the recurrent product, the same at every step.
        attention_dropout: rate on the attention weights.
        readout_dropout: rate on t_i.
        seed: of all dropout.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        embedding_units: int,
        memory_units: int,
        attention_units: int,
        readout_units: int,
        readout: str = "tanh",
        conditional: bool = False,
        bridge: str = "mean",
        layer_normalization: bool = False,
        tied_output: bool = True,
        recurrent_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        readout_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if readout not in READOUTS:
            raise ValueError(f"`readout` must be one of {READOUTS}. Received: readout={readout!r}")
        if bridge not in ("mean", "last"):
            raise ValueError(f"`bridge` must be 'mean' or 'last'. Received: bridge={bridge!r}")
        if tied_output and readout_units != embedding_units:
            raise ValueError(
                "Tied output embeddings need `readout_units` equal to `embedding_units`. "
                f"Received: readout_units={readout_units}, embedding_units={embedding_units}"
            )
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.embedding_units = embedding_units
        self.memory_units = memory_units
        self.attention_units = attention_units
        self.readout_units = readout_units
        self.readout = readout
        self.conditional = conditional
        self.bridge = bridge
        self.layer_normalization = layer_normalization
        self.tied_output = tied_output
        self.rates = (recurrent_dropout, attention_dropout, readout_dropout)
        self.seed = seed

        self.attention = BahdanauAttention(attention_units, name="attention")
        inputs = (embedding_units,) if conditional else (embedding_units, memory_units)
        self.cell = GRUCell(units, inputs, layer_normalization, name="cell")
        self.context_cell = (
            GRUCell(units, (memory_units,), layer_normalization, name="context_cell") if conditional else None
        )
        self.bridge_layer = keras.layers.Dense(units, activation="tanh", name="bridge")
        width = 2 * readout_units if readout == "maxout" else readout_units
        self.readout_layer = keras.layers.Dense(width, name="readout")
        self.output_layer = (
            None if tied_output else keras.layers.Dense(vocabulary_size, use_bias=False, name="output")
        )
        seeds = [None if seed is None else seed + i for i in range(3)]
        self.recurrent_masks = DropoutMasks(recurrent_dropout, seeds[0])
        self.attention_masks = DropoutMasks(attention_dropout, seeds[1])
        self.readout_dropout = DropoutMasks(readout_dropout, seeds[2])

    def build(self, _: Any = None) -> None:
        self.attention.build((None, self.units), (None, None, self.memory_units))
        self.cell.build()
        if self.context_cell is not None:
            self.context_cell.build()
        self.bridge_layer.build((None, self.memory_units))
        self.readout_layer.build((None, self.units + self.embedding_units + self.memory_units))
        if self.output_layer is not None:
            self.output_layer.build((None, self.readout_units))
        self.output_bias = self.add_weight(
            name="output_bias", shape=(self.vocabulary_size,), initializer="zeros"
        )
        self.built = True

    def begin(self, memory: Any, final_states: Any, source_mask: Any) -> EncodedSource:
        """Compute once per sentence what does not depend on the step.

        Args:
            memory: (batch, source_length, memory_units).
            final_states: (batch, memory_units).
            source_mask: (batch, source_length), bool.
        """
        if self.bridge == "mean":
            real = ops.expand_dims(ops.cast(source_mask, memory.dtype), -1)
            summary = ops.sum(memory * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
        else:
            summary = final_states
        state = self.bridge_layer(summary)
        return EncodedSource(memory, self.attention.project_memory(memory), source_mask, (state,))

    def recurrent_step(
        self,
        embedded_projection: Any,
        state: tuple[Any, ...],
        encoded: EncodedSource,
        recurrent_mask: Any | None = None,
        attention_mask: Any | None = None,
    ) -> tuple[tuple[Any, ...], Any, Any]:
        """The part of a step that depends on the previous state.

        Args:
            embedded_projection: (rows, 3 * units), `project_embedded(y_{i-1})`.
            state: one (rows, units). rows = batch, or batch * beam with the beams of a sentence adjacent.
            encoded: of `batch` sentences; a sentence's beams share its memory.
            recurrent_mask: (rows, units) or None.
            attention_mask: (rows, source_length) or None.

        Returns:
            `(new_state, context, attention_weights)`: context (rows, memory_units), weights
            (rows, source_length).
        """
        (previous,) = state

        def dropped(tensor: Any) -> Any | None:
            return None if recurrent_mask is None else tensor * recurrent_mask

        if self.context_cell is not None:
            finished = self.cell.finish_projection(embedded_projection)
            intermediate = self.cell.step(finished, previous, dropped(previous))
            context, weights = self._attend(intermediate, encoded, attention_mask)
            finished = self.context_cell.finish_projection(self.context_cell.project_input(context))
            new_state = self.context_cell.step(finished, intermediate, dropped(intermediate))
        else:
            context, weights = self._attend(previous, encoded, attention_mask)
            projection = embedded_projection + self.cell.project_input(context, 1)
            new_state = self.cell.step(self.cell.finish_projection(projection), previous, dropped(previous))
        return (new_state,), context, weights

    def _attend(self, query: Any, encoded: EncodedSource, attention_mask: Any | None) -> tuple[Any, Any]:
        memory, projected, source_mask, _ = encoded
        if query.shape[0] is not None and query.shape[0] == memory.shape[0]:
            return self.attention(query, memory, projected, source_mask, attention_mask)
        # (batch * beam, units) -> (batch, beam, units): the beams of a sentence are queries on one memory.
        batch, source_length = ops.shape(memory)[0], ops.shape(memory)[1]
        beams = ops.shape(query)[0] // ops.maximum(batch, 1)
        queries = ops.reshape(query, (batch, beams, self.units))
        if attention_mask is not None:
            attention_mask = ops.reshape(attention_mask, (batch, beams, source_length))
        context, weights = self.attention(queries, memory, projected, source_mask, attention_mask)
        return (
            ops.reshape(context, (batch * beams, self.memory_units)),
            ops.reshape(weights, (batch * beams, source_length)),
        )

    def project_embedded(self, embedded: Any) -> Any:
        """The embedded tokens' share of the first cell's input: (..., embedding) -> (..., 3 * units)."""
        return self.cell.project_input(embedded)

    def predict(
        self, embedded: Any, state: Any, context: Any, embedding: TokenEmbedding, training: bool = False
    ) -> Any:
        """Readout and output layer, for one step or all: (..., units) -> logits (..., vocabulary_size)."""
        hidden = self.readout_layer(ops.concatenate([state, embedded, context], axis=-1))
        if self.readout == "tanh":
            hidden = ops.tanh(hidden)
        elif self.readout == "maxout":
            halves = ops.split(hidden, 2, axis=-1)
            hidden = ops.maximum(halves[0], halves[1])
        hidden = self.readout_dropout(hidden, training=training)
        logits = embedding.project(hidden) if self.output_layer is None else self.output_layer(hidden)
        return logits + ops.cast(self.output_bias, logits.dtype)

    def call(
        self, embedded: Any, encoded: EncodedSource, embedding: TokenEmbedding, training: bool = False
    ) -> tuple[Any, Any]:
        """Teacher forcing: all steps of known target sentences.

        Args:
            embedded: (batch, target_length, embedding_units), the target shifted right.
            encoded: from `begin`.
            embedding: the target's table, for a tied output layer.
            training: whether to apply dropout.

        Returns:
            `(logits, attention_weights)`: (batch, target_length, vocabulary_size) and
            (batch, target_length, source_length).
        """
        masks = self._draw_masks(embedded, encoded, training)

        def step(state: tuple[Any, ...], now: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
            attention_mask = now[1] if len(now) > 1 else None
            state, context, weights = self.recurrent_step(
                now[0], state, encoded, masks.recurrent, attention_mask
            )
            return state, (state[0], context, weights)

        inputs: tuple[Any, ...] = (time_major(self.project_embedded(embedded)),)
        if masks.attention is not None:
            inputs = (*inputs, masks.attention)
        _, collected = scan(step, inputs, encoded.initial_state)
        states, contexts, weights = (time_major(each) for each in collected)
        return self.predict(embedded, states, contexts, embedding, training), weights

    def _draw_masks(self, embedded: Any, encoded: EncodedSource, training: bool) -> StepMasks:
        batch, target_length = ops.shape(embedded)[0], ops.shape(embedded)[1]
        source_length = ops.shape(encoded.memory)[1]
        return StepMasks(
            self.recurrent_masks.draw((batch, self.units), embedded.dtype, training),
            self.attention_masks.draw((target_length, batch, source_length), "float32", training),
        )

    def get_config(self) -> dict[str, Any]:
        recurrent_dropout, attention_dropout, readout_dropout = self.rates
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "embedding_units": self.embedding_units,
            "memory_units": self.memory_units,
            "attention_units": self.attention_units,
            "readout_units": self.readout_units,
            "readout": self.readout,
            "conditional": self.conditional,
            "bridge": self.bridge,
            "layer_normalization": self.layer_normalization,
            "tied_output": self.tied_output,
            "recurrent_dropout": recurrent_dropout,
            "attention_dropout": attention_dropout,
            "readout_dropout": readout_dropout,
            "seed": self.seed,
        }
