"""The matrix products of a training step, alone: no program that computes them can be faster.

Each product of the forward pass has two of the same size in the backward pass: the gradient of its input and
that of its weights. Those of the recurrence are counted at the shapes at which they have to be computed, one
step after the other; only their weights' gradients can be one large product over all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.reference import NetworkSizes


@dataclass(frozen=True)
class Product:
    """(rows, inner) times (inner, columns), computed `steps` times, one after the other.

    Attributes:
        name: what it is for.
        rows: of the left matrix.
        inner: columns of the left matrix, rows of the right one.
        columns: of the right matrix.
        steps: how often it is computed in one training step.
        matrices: how many pairs of matrices each computation multiplies (a batched product).
        transposed: which operand lies transposed in memory: `"left"`, `"right"` or none.
    """

    name: str
    rows: int
    inner: int
    columns: int
    steps: int = 1
    matrices: int = 1
    transposed: str = ""

    @property
    def operations(self) -> int:
        """Multiplications and additions of all its steps."""
        return 2 * self.rows * self.inner * self.columns * self.steps * self.matrices

    def input_gradient(self) -> Product:
        """Output gradient times transposed weights: needed step by step where the product is."""
        name = f"{self.name}, input gradient"
        return replace(self, name=name, inner=self.columns, columns=self.inner, transposed="right")

    def weight_gradient(self) -> Product:
        """Transposed input times output gradient: one product over all steps."""
        name = f"{self.name}, weight gradient"
        rows, inner = self.inner, self.rows * self.steps
        return replace(self, name=name, rows=rows, inner=inner, steps=1, transposed="left")


def forward_products(
    sizes: NetworkSizes, batch_size: int, source_length: int, target_length: int
) -> list[Product]:
    """The products of the forward pass, with the decoder whose query is its previous state."""
    batch, source, target = batch_size, source_length, target_length
    memory, decoder = sizes.memory, sizes.decoder
    gates, decoder_gates = 3 * sizes.encoder, 3 * decoder
    encoder = [
        product
        for direction in ("left to right", "right to left")
        for product in (
            Product(f"encoder input, {direction}", batch * source, sizes.embedding, gates),
            Product(f"encoder state, {direction}", batch, sizes.encoder, gates, steps=source),
        )
    ]
    readout_input = decoder + sizes.embedding + memory
    return [
        *encoder,
        Product("bridge", batch, memory, decoder),
        Product("projected memory", batch * source, memory, sizes.attention),
        Product("decoder input", batch * target, sizes.embedding, decoder_gates),
        Product("query", batch, decoder, sizes.attention, steps=target),
        Product("context", 1, source, memory, steps=target, matrices=batch),
        Product("decoder context", batch, memory, decoder_gates, steps=target),
        Product("decoder state", batch, decoder, decoder_gates, steps=target),
        Product("readout", batch * target, readout_input, sizes.readout),
        Product("output", batch * target, sizes.readout, sizes.vocabulary),
    ]


def training_products(
    sizes: NetworkSizes, batch_size: int, source_length: int, target_length: int
) -> list[Product]:
    """The products of a training step: forward, input gradients, weight gradients."""
    forward = forward_products(sizes, batch_size, source_length, target_length)
    return [
        *forward,
        *(product.input_gradient() for product in reversed(forward)),
        *(product.weight_gradient() for product in forward),
    ]


def product_runner(products: Sequence[Product], dtype: str) -> Callable[[], object]:
    """A function that computes all the products, one after the other, in one graph.

    Args:
        products: what to compute.
        dtype: of operands and results, `"float32"` or `"bfloat16"`.
    """
    import tensorflow as tf

    def operand(product: Product, rows: int, columns: int, is_transposed: bool) -> Any:
        shape = [columns, rows] if is_transposed else [rows, columns]
        shape = shape if product.matrices == 1 else [product.matrices, *shape]
        return tf.cast(tf.random.stateless_normal(shape, (1, 1)), dtype)

    lefts = [operand(each, each.rows, each.inner, each.transposed == "left") for each in products]
    rights = [operand(each, each.inner, each.columns, each.transposed == "right") for each in products]

    @tf.function(autograph=False)
    def run(lefts: list[Any], rights: list[Any]) -> Any:
        corners: list[Any] = []
        for product, left, right in zip(products, lefts, rights, strict=True):
            for _ in range(product.steps):
                # Waiting for the one before is what makes the steps follow each other, and differ: equal
                # nodes would be computed once. A result of which nothing is used would not be computed.
                with tf.control_dependencies(corners[-1:]):
                    result = tf.linalg.matmul(
                        left,
                        right,
                        transpose_a=product.transposed == "left",
                        transpose_b=product.transposed == "right",
                    )
                corners.append(tf.reshape(result, [-1])[:1])
        return tf.concat(corners, axis=0)

    return lambda: run(lefts, rights).numpy()
