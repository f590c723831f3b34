"""Additive attention: where the decoder looks before it writes a word."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.additive_attention import AttentionMemory, attend
from seq2seq.matmul_precision import multiply


@keras.saving.register_keras_serializable(package="seq2seq")
class BahdanauAttention(keras.layers.Layer):
    """Additive attention of Bahdanau, Cho and Bengio (2014), "Neural Machine Translation by Jointly
    Learning to Align and Translate", section 3.1 and appendix A.1.2.

    With the previous decoder state s_{i-1} as query and the encoder's states h_j as memory:

        e_ij     = v^T tanh(W s_{i-1} + U h_j + b)
        alpha_ij = softmax_j(e_ij)                     `attention_weights`
        c_i      = sum_j alpha_ij h_j                  `context`

    U h_j does not depend on the step, so it can be computed once per sentence with
    `project_memory` and handed to every call.

    A layer for any Keras model. This project's `Decoder` takes only its weights (`step_weights`,
    `project_memory`): it runs `additive_attention.attend` in its own loop over time, and draws the masks of
    dropout itself.

    Args:
        units: width of the hidden layer that compares query and memory (n' in the paper).
        dropout: share of attention weights set to zero while training. The weights that are returned
            are those before dropout: what the model meant, not the noise.
        seed: of the dropout.

    Call arguments:
        query: (batch, query_units), or (batch, queries, query_units) for several queries over the same
            memory: the hypotheses of a beam, or all steps of a sentence.
        memory: (batch, source_length, memory_units).
        projected_memory: (batch, source_length, units), from `project_memory(memory)`. None: computed here.
        source_mask: (batch, source_length), bool, True = a real token. None: all are real.
        dropout_mask: of the shape of the returned weights, to multiply them with. A recurrence draws the
            masks of all its steps beforehand and passes them here; None: drawn here if `training`.
        training: whether to apply dropout.
        memory_mask: what `memory` carries from a layer such as `keras.layers.Embedding(mask_zero=True)`;
            Keras fills it in. Used where `source_mask` is None.

    Returns:
        `(context, attention_weights)`: (batch, [queries,] memory_units) and
        (batch, [queries,] source_length). Weights have at least float32 precision and every row sums to 1;
        a row with no real source position is all zeros, and so is its context.

    Raises:
        ValueError: when the ranks, the widths or the batch sizes of query and memory do not fit.
    """

    def __init__(self, units: int, dropout: float = 0.0, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be a positive integer. Received: units={units}")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"`dropout` must be in [0, 1). Received: dropout={dropout}")
        self.units = units
        self.dropout = dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed) if dropout > 0 else None
        self.supports_masking = True

    def build(
        self, query_shape: tuple[int | None, ...], memory_shape: tuple[int | None, ...], **_: Any
    ) -> None:
        query_units, memory_units = query_shape[-1], memory_shape[-1]
        if query_units is None or memory_units is None:
            raise ValueError(
                "The last axis of `query` and of `memory` must be known. "
                f"Received: query_shape={query_shape}, memory_shape={memory_shape}"
            )
        self.query_kernel = self.add_weight(
            name="query_kernel", shape=(query_units, self.units), initializer="glorot_uniform"
        )
        self.memory_kernel = self.add_weight(
            name="memory_kernel", shape=(memory_units, self.units), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        # v is a (units, 1) matrix in all but shape; glorot's fans need both axes to give it that scale.
        self.score_vector = self.add_weight(
            name="score_vector",
            shape=(self.units,),
            initializer=keras.initializers.RandomUniform(
                -((6 / (self.units + 1)) ** 0.5), (6 / (self.units + 1)) ** 0.5
            ),
        )
        self.built = True

    def project_memory(self, memory: Any) -> Any:
        """U h_j + b for every source position: (batch, source_length, units).

        The bias belongs to neither side; adding it here keeps it out of the decoder's loop.
        """
        projected = multiply(memory, ops.cast(self.memory_kernel, memory.dtype))
        return projected + ops.cast(self.bias, memory.dtype)

    def call(
        self,
        query: Any,
        memory: Any,
        projected_memory: Any | None = None,
        source_mask: Any | None = None,
        dropout_mask: Any | None = None,
        training: bool = False,
        memory_mask: Any | None = None,
    ) -> tuple[Any, Any]:
        self._check_shapes(query, memory, projected_memory)
        if projected_memory is None:
            projected_memory = self.project_memory(memory)
        if dropout_mask is None and training and self.seed_generator is not None:
            # Weights have the queries' axes, and one for the source positions.
            shape = (*ops.shape(query)[:-1], ops.shape(memory)[1])
            kept = keras.random.uniform(shape, seed=self.seed_generator) >= self.dropout
            dropout_mask = ops.cast(kept, "float32") / (1.0 - self.dropout)
        mask = memory_mask if source_mask is None else source_mask
        weights = self.step_weights(query.dtype)
        return attend(
            multiply(query, weights["query_kernel"]),
            AttentionMemory(memory, projected_memory, mask, weights["score_vector"]),
            dropout_mask,
        )

    def step_weights(self, dtype: Any) -> dict[str, Any]:
        """What a step uses beside memory: `query_kernel` (query_units, units), `score_vector` (units,)."""
        return {
            "query_kernel": ops.cast(self.query_kernel, dtype),
            "score_vector": ops.cast(self.score_vector, dtype),
        }

    def _check_shapes(self, query: Any, memory: Any, projected_memory: Any | None) -> None:
        if len(query.shape) not in (2, 3) or len(memory.shape) != 3:
            raise ValueError(
                "`query` must be (batch, units) or (batch, queries, units) and `memory` "
                f"(batch, source_length, units). Received: query.shape={query.shape}, "
                f"memory.shape={memory.shape}"
            )
        query_units, memory_units = self.query_kernel.shape[0], self.memory_kernel.shape[0]
        if query.shape[-1] != query_units or memory.shape[-1] != memory_units:
            raise ValueError(
                f"This layer was built for queries of {query_units} units and memory of {memory_units}. "
                f"Received: query.shape={query.shape}, memory.shape={memory.shape}"
            )
        if projected_memory is not None and projected_memory.shape[-1] != self.units:
            raise ValueError(
                f"`projected_memory` must be (batch, source_length, {self.units}), from `project_memory`. "
                f"Received: projected_memory.shape={projected_memory.shape}"
            )
        # A batch of 1 would be broadcast: every query would read the first sentence.
        if None not in (query.shape[0], memory.shape[0]) and query.shape[0] != memory.shape[0]:
            raise ValueError(
                "`query` and `memory` must have one batch size; several queries of a sentence belong on a "
                f"second axis. Received: query.shape={query.shape}, memory.shape={memory.shape}"
            )

    def compute_output_shape(
        self, query_shape: tuple[int | None, ...], memory_shape: tuple[int | None, ...], **_: Any
    ) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        leading = tuple(query_shape[:-1])
        return (*leading, memory_shape[-1]), (*leading, memory_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "dropout": self.dropout, "seed": self.seed}
