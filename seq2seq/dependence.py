"""What a translation really depends on: leaving source words out, and the gradient by their embeddings.

Attention says where the decoder looked. Whether a word was needed is another question, because the encoder
has read the whole sentence into every state. Two answers, for target token y_t and source x:

    leave one out       log p(y_t | y_<t, x) - log p(y_t | y_<t, x without the word)   (after Li et al. 2016,
                                                                   who divide it by the first term)
    gradient x input    sum_k e_jk d log p(y_t | y_<t, x) / d e_jk             (Denil et al. 2014)

The first is exact for the question it asks, but the shortened sentence may be none that the model has ever
seen; the second is the slope at the sentence as it is, and small where the model is certain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from data.special_ids import BOS_ID, EOS_ID, PAD_ID
from seq2seq.model import Seq2SeqModel
from seq2seq.search import Search

# What a log-probability of -inf counts as, so that there is a difference at all.
_IMPOSSIBLE = -1000.0
# Rows differentiated at once: the memory of a step is rows * source_length * attention_units floats.
_ROWS_AT_ONCE = 32


def leave_one_out(
    search: Search, source_tokens: Sequence[int], piece_to_word: Sequence[int], target_tokens: Sequence[int]
) -> np.ndarray:
    """By how much each target token's log-probability falls when a source word is left out.

    Args:
        search: of the model, or the ensemble, that is asked.
        source_tokens: of one sentence, its end included.
        piece_to_word: for each source piece the number of its word.
        target_tokens: of the translation, its end included if it is finished; at least one.

    Returns:
        (target tokens, source words) float64, in natural logarithms; negative where it rises.
    """
    words = np.asarray(piece_to_word)
    pieces = np.asarray(source_tokens)[:-1]
    word_count = int(words.max()) + 1 if len(words) else 0
    shortened = [[*pieces[words != word].tolist(), EOS_ID] for word in range(word_count)]
    scored = search.score([list(source_tokens), *shortened], [list(target_tokens)] * (1 + word_count))
    values = scored.token_log_probabilities[:, 0].astype(np.float64)  # (1 + words, target tokens)
    values = np.maximum(values, _IMPOSSIBLE)
    return (values[0] - values[1:]).T


class GradientTimesInput:
    """The slope of each target token's log-probability by the source's embeddings.

    Args:
        model: that is asked; weights that are loaded later are used.
    """

    def __init__(self, model: Seq2SeqModel) -> None:
        self._model = model
        tokens = tf.TensorSpec([None, None], tf.int32)
        self._run = tf.function(
            self._gradients,
            input_signature=[tokens, tokens, tf.TensorSpec([None], tf.int32)],
            autograph=False,
        )

    def of(self, source_tokens: Sequence[int], target_tokens: Sequence[int]) -> np.ndarray:
        """Differentiate one translation.

        Args:
            source_tokens: of one sentence, its end included.
            target_tokens: of the translation, its end included if it is finished; at least one.

        Returns:
            (target tokens, source tokens): for each pair the gradient of the target token's log-probability
            by the source token's embedding, times that embedding, summed over the embedding's entries.
        """
        source = np.array([source_tokens], np.int32)
        parts = []
        for begin in range(0, len(target_tokens), _ROWS_AT_ONCE):
            places = np.arange(begin, min(begin + _ROWS_AT_ONCE, len(target_tokens)), dtype=np.int32)
            # What stands behind the last token of interest has no influence on it.
            target = np.array([target_tokens[: places[-1] + 1]], np.int32)
            rows = (len(places), 1)
            parts.append(self._run(np.tile(source, rows), np.tile(target, rows), places).numpy())
        return np.concatenate(parts)

    def _gradients(self, source: tf.Tensor, target: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        """Row r asks for the token at `places[r]`; rows are independent, so one backward pass serves all.

        Shapes: (rows, source_length), (rows, target_length), (rows,) -> (rows, source_length).
        """
        model = self._model
        fed = tf.concat([tf.fill([tf.shape(target)[0], 1], BOS_ID), target[:, :-1]], axis=1)
        embedded = model.source_embedding(source)
        with tf.GradientTape() as tape:
            tape.watch(embedded)
            source_mask = source != PAD_ID
            memory, final_states = model.encoder(embedded, source_mask, training=False)
            encoded = model.decoder.begin(memory, final_states, source_mask)
            readout, _ = model.decoder(model.target_embedding(fed), encoded, training=False)
            chosen = tf.gather(readout, places, batch_dims=1)  # (rows, readout_units)
            log_probabilities = tf.nn.log_softmax(model.decoder.predict(chosen, model.target_embedding))
            tokens = tf.gather(target, places, batch_dims=1)
            objective = tf.reduce_sum(tf.gather(log_probabilities, tokens, batch_dims=1))
        gradient = tape.gradient(objective, embedded)
        return tf.reduce_sum(gradient * embedded, axis=-1)


def summed_over_words(values: np.ndarray, piece_to_word: Sequence[int], axis: int) -> np.ndarray:
    """Add up what belongs to the pieces of a word; what is behind the last piece (an end) stays by itself.

    Log-probabilities of pieces sum to that of their word, and so do changes and slopes of them.

    Args:
        values: (target tokens, source tokens), or of words on one side already.
        piece_to_word: of the side that `axis` is.
        axis: 0 for the target, 1 for the source.
    """
    words = list(piece_to_word)
    if values.shape[axis] > len(words):
        words.append(max(words, default=-1) + 1)
    starts = np.searchsorted(words, np.arange(words[-1] + 1 if words else 0))
    return np.add.reduceat(values, starts, axis=axis) if len(starts) else values
