"""The decoder's weights as a search wants them: prepared once, then used at every step of many sentences.

A trained network's weights stay as they are while it translates, so a search need not do at each step what
depends on them alone:

- what a token adds to the first cell and to the readout is looked up in a table over the vocabulary instead
  of multiplied: V_y y + b and E y W for all y, a tenth of a step's products;
- the kernels are converted to the precision of the products. With bfloat16 operands that also halves what a
  step reads from memory;
- the output layer, the largest product, is cut in two by its columns. TensorFlow computes both at once where
  an operation has one thread (`startup.share_cores`), and a single sentence waits half as long for them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.decoder import Decoder
from seq2seq.embedding import TokenEmbedding
from seq2seq.matmul_precision import multiply, operand

_OUTPUT_PARTS = 2


class DecodingWeights(NamedTuple):
    """Kernels are operands of products (see `matmul_precision.operand`), all else has the network's dtype."""

    step: dict[str, Any]  # see `Decoder.step_weights`
    token_projections: Any  # (vocabulary_size, 3 * units): `Decoder.project_embedded` of every token
    token_readouts: Any  # (vocabulary_size, readout width): V_y y + b
    readout_kernel: Any  # (units + memory_units, readout width): V_s above V_c
    output_kernel: Any  # (vocabulary_size, readout_units): as it lies in memory, a row is a token
    output_bias: Any  # (vocabulary_size,)


def decoding_weights(decoder: Decoder, embedding: TokenEmbedding) -> DecodingWeights:
    """Prepare the weights of a decoder, for products of the precision that is set now.

    Args:
        decoder: built.
        embedding: of its target tokens, built.
    """
    embeddings = embedding(tf.range(embedding.vocabulary_size))
    dtype = embeddings.dtype
    kernel = tf.cast(decoder.readout_layer.kernel, dtype)
    # rows of the kernel: state, embedded token, context; see `Decoder.read_out`
    of_state, of_token, of_context = tf.split(
        kernel, [decoder.units, decoder.embedding_units, decoder.memory_units]
    )
    output_kernel, is_transposed = decoder.output_kernel(embedding)
    output_kernel = tf.cast(output_kernel, dtype)
    return DecodingWeights(
        step=_with_operands(decoder.step_weights(dtype)),
        token_projections=decoder.project_embedded(embeddings),
        token_readouts=multiply(embeddings, of_token) + tf.cast(decoder.readout_layer.bias, dtype),
        readout_kernel=operand(tf.concat([of_state, of_context], axis=0)),
        output_kernel=operand(output_kernel if is_transposed else tf.transpose(output_kernel)),
        output_bias=tf.cast(decoder.output_bias, dtype),
    )


def restricted(weights: DecodingWeights, token_ids: Any) -> DecodingWeights:
    """The weights of a decoder whose whole vocabulary is some of the tokens.

    Args:
        weights: from `decoding_weights`.
        token_ids: (size,) int32. A step with the returned weights reads and predicts places in it.
    """
    return weights._replace(
        token_projections=tf.gather(weights.token_projections, token_ids),
        token_readouts=tf.gather(weights.token_readouts, token_ids),
        output_kernel=tf.gather(weights.output_kernel, token_ids),
        output_bias=tf.gather(weights.output_bias, token_ids),
    )


def read_out(decoder: Decoder, tokens: Any, state: Any, context: Any, weights: DecodingWeights) -> Any:
    """`Decoder.read_out` of one step: (rows,), (rows, units), (rows, memory_units) -> (rows, readout)."""
    product = multiply(tf.concat([state, context], axis=-1), weights.readout_kernel)
    return decoder.activate_readout(product + tf.gather(weights.token_readouts, tokens))


def predict(readout: Any, weights: DecodingWeights) -> Any:
    """`Decoder.predict` of one step: (rows, readout_units) -> logits (rows, vocabulary_size)."""
    parts = [multiply(readout, kernel, transpose_kernel=True) for kernel in _parts(weights.output_kernel)]
    logits = parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)
    return logits + weights.output_bias


def _parts(kernel: Any) -> list[Any]:
    """A kernel cut by its rows in parts as equal as can be, where that takes no copy.

    TensorFlow shares the memory of parts whose rows are aligned to 64 bytes. A shortlist, the size of which
    is not known when the graph is built, is so small that to cut it would bring nothing.
    """
    rows, columns = kernel.shape
    if rows is None or columns * kernel.dtype.size % 64:
        return [kernel]
    return tf.split(kernel, [(rows + part) // _OUTPUT_PARTS for part in range(_OUTPUT_PARTS)])


def _with_operands(weights: dict[str, Any]) -> dict[str, Any]:
    """Step weights whose matrices, which serve in products only, are operands."""
    return tf.nest.map_structure(
        lambda weight: operand(weight) if weight.shape.rank == 2 else tf.convert_to_tensor(weight), weights
    )
