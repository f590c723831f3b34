"""Token embeddings with dropout of entries and of whole words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.dropout import DropoutMasks


@keras.saving.register_keras_serializable(package="seq2seq")
class TokenEmbedding(keras.layers.Layer):
    """A table of vectors, which can also serve as the output layer (tied embeddings, Press and Wolf 2017).

    Args:
        vocabulary_size: number of rows.
        units: width of a vector.
        scaled: multiply embedded tokens by the root of `units` (Vaswani et al. 2017, section 3.4). The table
            itself, and with it a tied output layer, stays small; without the factor so do the products of the
            embedded tokens with every kernel, and training starts slowly.
    """

    def __init__(self, vocabulary_size: int, units: int, scaled: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.scaled = scaled

    def build(self, _: Any = None) -> None:
        # With units**-0.5 the logits of an output layer begin near 0.
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.vocabulary_size, self.units),
            initializer=keras.initializers.RandomNormal(stddev=self.units**-0.5),
        )
        self.built = True

    def call(self, tokens: Any) -> Any:
        """(...) int32 -> (..., units)."""
        embedded = ops.cast(ops.take(self.embeddings, tokens, axis=0), self.compute_dtype)
        return embedded * self.units**0.5 if self.scaled else embedded

    def get_config(self) -> dict[str, Any]:
        arguments = {
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "scaled": self.scaled,
        }
        return {**super().get_config(), **arguments}


@keras.saving.register_keras_serializable(package="seq2seq")
class EmbeddingDropout(keras.layers.Layer):
    """Dropout on embedded tokens: single entries, and whole tokens.

    Each place of a sentence is dropped by itself; Gal and Ghahramani (2016, section 4.2) drop a word wherever
    it stands in the sentence.

    Args:
        entry_rate: share of entries set to zero.
        word_rate: share of tokens whose whole vector is set to zero.
        seed: of both.
    """

    def __init__(self, entry_rate: float, word_rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entry_rate = entry_rate
        self.word_rate = word_rate
        self.seed = seed
        self.entries = DropoutMasks(entry_rate, seed)
        self.words = DropoutMasks(word_rate, None if seed is None else seed + 1)
        self.built = True

    def call(self, embedded: Any, training: bool = False) -> Any:
        """(batch, length, units) -> the same shape."""
        shape = ops.shape(embedded)
        word_mask = self.words.draw((shape[0], shape[1], 1), embedded.dtype, training)
        if word_mask is not None:
            embedded = embedded * word_mask
        return self.entries(embedded, training=training)

    def get_config(self) -> dict[str, Any]:
        rates = {"entry_rate": self.entry_rate, "word_rate": self.word_rate, "seed": self.seed}
        return {**super().get_config(), **rates}
