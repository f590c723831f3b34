"""Dropout masks drawn before a recurrence, not inside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

_VALUES = 2**16


@keras.saving.register_keras_serializable(package="seq2seq")
class DropoutMasks(keras.layers.Layer):
    """Draws inverted-dropout masks: 0 with probability `rate`, else 1 / (1 - rate).

    A loop over time must not draw random numbers of its own: its masks are drawn before it, either one
    for all steps (variational dropout, Gal and Ghahramani 2016) or one per step.
    It is a layer so that the state of its generator is part of the model's: a resumed training draws
    the masks that the uninterrupted one would have drawn.

    An entry is drawn with 16 random bits, which takes a third of the time of a random float32. So rates are
    rounded to a multiple of 2^-16, and what is kept is scaled by the rounded one.

    Args:
        rate: share of entries set to zero, in [0, 1).
        seed: of the generator; None: from Keras' global one.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"A dropout rate must be in [0, 1). Received: rate={rate}")
        self.rate = rate
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed) if rate > 0 else None
        self.built = True

    def draw(self, shape: Sequence[Any], dtype: str, training: bool) -> Any | None:
        """A mask of `shape`, or None where nothing is to be dropped."""
        if not training or self.generator is None:
            return None
        dropped = min(round(self.rate * _VALUES), _VALUES - 1)  # of the values that 16 bits may have
        kept = _sixteen_bits(tuple(shape), self.generator) >= tf.constant(dropped, tf.uint16)
        return ops.cast(kept, dtype) * (_VALUES / (_VALUES - dropped))

    def call(self, tensor: Any, training: bool = False) -> Any:
        """`tensor` under a fresh mask of its own shape."""
        mask = self.draw(ops.shape(tensor), tensor.dtype, training)
        return tensor if mask is None else tensor * mask

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def _sixteen_bits(shape: tuple[Any, ...], generator: keras.random.SeedGenerator) -> Any:
    """Random uint16 of this shape, two from each random number of 32 bits."""
    count = tf.reduce_prod(tf.stack(shape))
    seed = tf.cast(generator.next(), tf.int32)
    drawn = tf.random.stateless_uniform(((count + 1) // 2,), seed, minval=None, maxval=None, dtype=tf.uint32)
    halves = tf.reshape(tf.bitcast(drawn, tf.uint16), (-1,))
    return tf.reshape(halves[:count], shape)
