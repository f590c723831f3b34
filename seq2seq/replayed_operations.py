"""Stand-ins for the heavy operations of a step, for the loops of `fast_recurrence.py`.

`Plan` runs a step once to see which weights its operations use; `Saving` computes and keeps the results;
`Replaying` gives the kept results back, without computing, to a step that is about to be differentiated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.additive_attention import AttentionMemory, MemoryGradient, attend, attend_gradient
from seq2seq.gru_gates import NO_BIASES, GateBiases, gated_state, gated_state_gradient
from seq2seq.matmul_precision import multiply, operand
from seq2seq.xla import fused


class ProductWeights(NamedTuple):
    """Places, among the flat weights, of what a product uses."""

    kernel: int
    bias: int | None


class MemoryWeights(NamedTuple):
    """Places, among the flat weights, of what an attention uses."""

    memory: int
    projected_memory: int
    score_vector: int


class Saving:
    """Computes, and keeps the results.

    Args:
        operands: the kernels of the products, in their order, in the precision of the products.
    """

    def __init__(self, operands: list[Any]) -> None:
        self._operands = operands
        self.products: list[Any] = []  # each (batch, m)
        self.attended: list[tuple[Any, Any]] = []  # context and weights
        self.gated: list[Any] = []  # each (batch, units)

    def product(self, rows: Any, kernel: Any, bias: Any | None = None) -> Any:
        result = multiply(rows, self._operands[len(self.products)])
        result = result if bias is None else result + bias
        self.products.append(result)
        return result

    def gate(self, projection: Any, recurrent: Any, state: Any, biases: GateBiases = NO_BIASES) -> Any:
        self.gated.append(fused(gated_state)(projection, recurrent, state, biases))
        return self.gated[-1]

    def attend(self, projected_query: Any, memory: AttentionMemory, dropout_mask: Any | None) -> Any:
        result = fused(attend)(projected_query, memory, dropout_mask)
        self.attended.append(result)
        return result

    def kept(self) -> tuple[list[Any], list[Any], list[Any]]:
        """What `Replaying` gives back: products; contexts and weights in turn; states after the gates."""
        return self.products, tf.nest.flatten(self.attended), self.gated


class Plan(Saving):
    """Computes, and notes which weights each operation uses."""

    def __init__(self, flat_weights: list[Any]) -> None:
        super().__init__([])
        self._place = {id(weight): place for place, weight in enumerate(flat_weights)}
        self.product_weights: list[ProductWeights] = []
        self.memory_weights: list[MemoryWeights] = []

    def product(self, rows: Any, kernel: Any, bias: Any | None = None) -> Any:
        bias_place = None if bias is None else self._place[id(bias)]
        self.product_weights.append(ProductWeights(self._place[id(kernel)], bias_place))
        self._operands.append(kernel)
        return super().product(rows, kernel, bias)

    def gate(self, projection: Any, recurrent: Any, state: Any, biases: GateBiases = NO_BIASES) -> Any:
        for product, bias in ((projection, biases.projection), (recurrent, biases.recurrent)):
            if bias is not None:
                # The gradient by a bias is made of that by its product.
                number = next(i for i, each in enumerate(self.products) if each is product)
                self.product_weights[number] = self.product_weights[number]._replace(
                    bias=self._place[id(bias)]
                )
        return super().gate(projection, recurrent, state, biases)

    def attend(self, projected_query: Any, memory: AttentionMemory, dropout_mask: Any | None) -> Any:
        tensors = (memory.memory, memory.projected_memory, memory.score_vector)
        self.memory_weights.append(MemoryWeights(*(self._place[id(each)] for each in tensors)))
        return super().attend(projected_query, memory, dropout_mask)

    def operands(self, flat_weights: list[Any]) -> list[Any]:
        """The kernels of the products, in their order, in the precision of the products."""
        return [operand(flat_weights[each.kernel]) for each in self.product_weights]

    def elementwise_places(self) -> list[int]:
        """Places of the weights that no heavy operation takes, such as the gains of a normalisation."""
        taken = {place for each in (*self.product_weights, *self.memory_weights) for place in each}
        return [place for place in self._place.values() if place not in taken]


class Replaying:
    """Gives back the kept results, and takes down what the gradients of the weights are made from.

    Args:
        operands: as for `Saving`.
        products: kept by `Saving`, of this step.
        attended: likewise.
        gated: likewise.
        summed: for each attention, the gradients summed over the steps that were differentiated before.

    Attributes:
        rows: for each product its input, (batch, n).
        row_gradients: for each product the gradient by its result, (batch, m), once differentiated.
        kept_weights: for each attention its weights after dropout, (batch, source_length).
        context_gradients: for each attention, (batch, memory_units), once differentiated.
        summed: with this step, once differentiated.
    """

    def __init__(
        self,
        operands: list[Any],
        products: list[Any],
        attended: list[tuple[Any, Any]],
        gated: list[Any],
        summed: list[MemoryGradient],
    ) -> None:
        self._operands, self._products, self._attended = operands, products, attended
        self._gated = iter(gated)
        self.rows: list[Any] = []
        self.row_gradients: list[Any] = [None] * len(products)
        self.kept_weights: list[Any] = []
        self.context_gradients: list[Any] = [None] * len(attended)
        self.summed = list(summed)

    def product(self, rows: Any, kernel: Any, bias: Any | None = None) -> Any:
        number = len(self.rows)
        self.rows.append(operand(rows))

        @tf.custom_gradient
        def given(rows: Any) -> Any:
            def gradient(result_gradient: Any) -> Any:
                self.row_gradients[number] = operand(result_gradient)
                by_rows = multiply(self.row_gradients[number], self._operands[number], transpose_kernel=True)
                return tf.cast(by_rows, rows.dtype)

            return self._products[number], gradient

        return given(rows)

    def gate(self, projection: Any, recurrent: Any, state: Any, biases: GateBiases = NO_BIASES) -> Any:
        new_state = next(self._gated)

        @tf.custom_gradient
        def given(projection: Any, recurrent: Any, state: Any) -> Any:
            def gradient(new_state_gradient: Any) -> Any:
                return fused(gated_state_gradient)(projection, recurrent, state, biases, new_state_gradient)

            return new_state, gradient

        return given(projection, recurrent, state)

    def attend(self, projected_query: Any, memory: AttentionMemory, dropout_mask: Any | None) -> Any:
        number = len(self.kept_weights)
        context, weights = self._attended[number]
        kept = weights if dropout_mask is None else weights * tf.cast(dropout_mask, weights.dtype)
        self.kept_weights.append(tf.cast(kept, context.dtype))

        @tf.custom_gradient
        def given(projected_query: Any) -> Any:
            def gradient(context_gradient: Any, weights_gradient: Any) -> Any:
                self.context_gradients[number] = context_gradient
                query_gradient, self.summed[number] = fused(attend_gradient)(
                    projected_query,
                    memory,
                    dropout_mask,
                    weights,
                    context_gradient,
                    weights_gradient,
                    self.summed[number],
                )
                return query_gradient

            return (context, weights), gradient

        return given(projected_query)
