"""The decoder: one step, used by teacher forcing, by search and by forced decoding alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from seq2seq.additive_attention import AttentionMemory, attend, attend_or_pinned
from seq2seq.attention import BahdanauAttention
from seq2seq.dropout import DropoutMasks
from seq2seq.embedding import TokenEmbedding
from seq2seq.gru import GRUCell
from seq2seq.matmul_precision import multiply, operand
from seq2seq.recurrence import DirectOperations, StepOperations, scan_for, time_major

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
    """GRU decoder with additive attention (Bahdanau et al. 2014; docs/attention.md lists the differences).

    Plain, one cell, the query is the previous state:

        c_i = attention(s_{i-1}, h);  s_i = GRU([y_{i-1}, c_i], s_{i-1})

    Conditional (`conditional=True`), two cells with the attention between them, as in Nematus
    (Sennrich et al. 2017, section 2), so that the query knows the previous word:

        s'_i = GRU_1(y_{i-1}, s_{i-1});  c_i = attention(s'_i, h);  s_i = GRU_2(c_i, s'_i)

    Deep readout (Pascanu et al. 2013) of the new state, where the paper has s_{i-1}; then a distribution over
    the vocabulary:

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
        implementation: how training runs over time, see `recurrence.scan_for`.
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
        implementation: str = "fast",
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
        self.implementation = implementation
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

    def step_weights(self, dtype: Any) -> dict[str, Any]:
        """The weights that a step depends on."""
        weights = {
            "attention": self.attention.step_weights(dtype),
            "cell": self.cell.recurrent_weights(dtype),
        }
        if self.context_cell is not None:
            weights["context_kernel"] = self.context_cell.input_kernel(dtype)
            weights["context_input"] = self.context_cell.input_weights(dtype)
            weights["context_cell"] = self.context_cell.recurrent_weights(dtype)
        else:
            weights["context_kernel"] = self.cell.input_kernel(dtype, 1)
            weights["context_input"] = self.cell.input_weights(dtype)
        return weights

    @staticmethod
    def with_memory(weights: dict[str, Any], encoded: EncodedSource) -> dict[str, Any]:
        """All that a step depends on beside its state and its token: `step_weights` and the memory."""
        return {**weights, "memory": encoded.memory, "projected_memory": encoded.projected_memory}

    def recurrent_step(
        self,
        embedded_projection: Any,
        state: tuple[Any, ...],
        source_mask: Any,
        weights: dict[str, Any],
        operations: StepOperations | None = None,
        recurrent_mask: Any | None = None,
        attention_mask: Any | None = None,
        several_per_sentence: bool = False,
        pinned_attention: Any | None = None,
    ) -> tuple[tuple[Any, ...], Any, Any]:
        """The part of a step that depends on the previous state.

        Args:
            embedded_projection: (rows, 3 * units), `project_embedded(y_{i-1})`.
            state: one (rows, units). rows = batch, or batch * beam with the beams of a sentence adjacent if
                `several_per_sentence`.
            source_mask: (batch, source_length), bool.
            weights: from `with_memory`, of `batch` sentences; a sentence's beams share its memory.
            operations: what computes products and attention; None: computed here.
            recurrent_mask: (rows, units) or None.
            attention_mask: (rows, source_length) or None.
            several_per_sentence: whether rows may be more than the sentences.
            pinned_attention: (rows, source_length), used in place of the attention's own weights in every row
                that is not all zeros; or None. Only with `several_per_sentence`, as in a search.

        Returns:
            `(new_state, context, attention_weights)`: context (rows, memory_units), weights
            (rows, source_length).
        """
        (previous,) = state
        operations = operations or DirectOperations()
        cell, context_cell = self.cell, self.context_cell

        def dropped(tensor: Any) -> Any | None:
            return None if recurrent_mask is None else tensor * recurrent_mask

        def look(query: Any) -> tuple[Any, Any]:
            attention = weights["attention"]
            memory = AttentionMemory(
                weights["memory"], weights["projected_memory"], source_mask, attention["score_vector"]
            )
            projected_query = operations.product(query, attention["query_kernel"])
            if several_per_sentence:
                return self._attend_by_sentence(projected_query, memory, pinned_attention)
            return operations.attend(projected_query, memory, attention_mask)

        if context_cell is not None:
            intermediate = cell.step(
                embedded_projection, previous, dropped(previous), weights["cell"], operations
            )
            context, attention_weights = look(intermediate)
            projection, bias = self._context_projection(context, context_cell, weights, operations)
            new_state = context_cell.step(
                projection, intermediate, dropped(intermediate), weights["context_cell"], operations, bias
            )
        else:
            context, attention_weights = look(previous)
            projection = self._joint_projection(context, embedded_projection, weights, operations)
            new_state = cell.step(projection, previous, dropped(previous), weights["cell"], operations)
        return (new_state,), context, attention_weights

    def _attend_by_sentence(
        self, projected_query: Any, memory: AttentionMemory, pinned_attention: Any | None
    ) -> tuple[Any, Any]:
        # (batch * beam, units) -> (batch, beam, units): the beams of a sentence are queries on one memory.
        batch, source_length = tf.unstack(tf.shape(memory.memory)[:2])
        beams = tf.shape(projected_query)[0] // tf.maximum(batch, 1)
        queries = tf.reshape(projected_query, (batch, beams, self.attention_units))
        if pinned_attention is None:
            context, attention_weights = attend(queries, memory)
        else:
            pinned = tf.reshape(pinned_attention, (batch, beams, source_length))
            context, attention_weights = attend_or_pinned(queries, memory, pinned)
        return (
            tf.reshape(context, (batch * beams, self.memory_units)),
            tf.reshape(attention_weights, (batch * beams, source_length)),
        )

    def _context_projection(
        self, context: Any, cell: GRUCell, weights: dict[str, Any], operations: StepOperations
    ) -> tuple[Any, Any | None]:
        """Input projection of the cell that takes the context alone, and the bias that it still lacks."""
        kernel, finishing = weights["context_kernel"], weights["context_input"]
        if not self.layer_normalization:
            return operations.product(operand(context), kernel), finishing["bias"]
        return cell.finish_projection(operations.product(context, kernel), finishing), None

    def _joint_projection(
        self, context: Any, embedded_projection: Any, weights: dict[str, Any], operations: StepOperations
    ) -> Any:
        """Finished input projection of the cell that takes token and context: (rows, 3 * units)."""
        kernel, finishing = weights["context_kernel"], weights["context_input"]
        # Without normalisation the bias belongs to the product, which has a cheaper gradient for it.
        bias = None if self.layer_normalization else finishing["bias"]
        projection = embedded_projection + operations.product(context, kernel, bias)
        return self.cell.finish_projection(projection, finishing) if self.layer_normalization else projection

    def project_embedded(self, embedded: Any) -> Any:
        """The embedded tokens' share of the first cell's input: (..., embedding) -> (..., 3 * units)."""
        projection = self.cell.project_input(embedded)
        # The conditional decoder's first cell has no other input.
        return self.cell.finish_projection(projection) if self.conditional else projection

    def read_out(self, embedded: Any, state: Any, context: Any) -> Any:
        """t_i before its dropout, for one step or all: (..., units) -> (..., readout_units)."""
        everything = ops.concatenate([state, embedded, context], axis=-1)
        hidden = multiply(everything, ops.cast(self.readout_layer.kernel, everything.dtype))
        return self.activate_readout(hidden + ops.cast(self.readout_layer.bias, hidden.dtype))

    def activate_readout(self, hidden: Any) -> Any:
        """t_i from the sum of the readout's products and bias: (..., width) -> (..., readout_units)."""
        if self.readout == "tanh":
            hidden = ops.tanh(hidden)
        elif self.readout == "maxout":
            halves = ops.split(hidden, 2, axis=-1)
            hidden = ops.maximum(halves[0], halves[1])
        return hidden

    def output_kernel(self, embedding: TokenEmbedding) -> tuple[Any, bool]:
        """The output layer's kernel, (readout_units, vocabulary_size), and whether it lies transposed."""
        if self.output_layer is None:
            return embedding.embeddings, True
        return self.output_layer.kernel, False

    def predict(self, readout: Any, embedding: TokenEmbedding) -> Any:
        """Output layer, for one step or all: (..., readout_units) -> logits (..., vocabulary_size)."""
        kernel, is_transposed = self.output_kernel(embedding)
        logits = multiply(readout, ops.cast(kernel, readout.dtype), transpose_kernel=is_transposed)
        return logits + ops.cast(self.output_bias, logits.dtype)

    def call(self, embedded: Any, encoded: EncodedSource, training: bool = False) -> tuple[Any, Any]:
        """Teacher forcing: all steps of known target sentences.

        Args:
            embedded: (batch, target_length, embedding_units), the target shifted right.
            encoded: from `begin`.
            training: whether to apply dropout.

        Returns:
            `(readout, attention_weights)`: (batch, target_length, readout_units) and
            (batch, target_length, source_length).
        """
        masks = self._draw_masks(embedded, encoded, training)

        def step(state: Any, now: Any, weights: Any, operations: StepOperations) -> tuple[Any, Any]:
            state, context, attention_weights = self.recurrent_step(
                now["projection"],
                state,
                encoded.source_mask,
                weights,
                operations,
                masks.recurrent,
                now.get("attention_mask"),
            )
            return state, (state[0], context, attention_weights)

        embedded = time_major(embedded)  # here it is narrower than after its projection
        inputs = {"projection": self.project_embedded(embedded)}
        if masks.attention is not None:
            inputs["attention_mask"] = masks.attention
        scan = scan_for(self.implementation, training)
        _, collected = scan(
            step, inputs, encoded.initial_state, self.with_memory(self.step_weights(embedded.dtype), encoded)
        )
        states, contexts, weights = collected
        readout = time_major(self.read_out(embedded, states, contexts))
        return self.readout_dropout(readout, training=training), time_major(weights)

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
            "implementation": self.implementation,
            "seed": self.seed,
        }
