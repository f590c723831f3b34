"""Sampling: each hypothesis draws its next token from the model's distribution.

The random numbers are made outside the graph, one for every (sample, step), by a generator that is seeded
with the seed, the sentence's real source tokens and the sample's place. A sample therefore does not depend on
the batch it was drawn in, on padding, or on how many samples are drawn beside it.
"""

from __future__ import annotations

import hashlib

import numpy as np
import tensorflow as tf

from data.special_ids import PAD_ID
from seq2seq.beam_state import BeamState, Chosen, Selection, Sentences
from seq2seq.best_extensions import token_penalty
from seq2seq.ensemble import Prediction
from seq2seq.wide_rows import wide_top_k


def uniform_numbers(source_tokens: np.ndarray, max_length: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Random numbers for a batch.

    Args:
        source_tokens: (batch, source_length) int32, 0 = pad.
        max_length: (batch,) int32, the end-of-sentence token counted.
        samples: for each sentence.
        seed: any whole number of at least 0.

    Returns:
        (batch, steps, samples) float32 in [0, 1); steps = the greatest `max_length`.
    """
    numbers = np.zeros((len(source_tokens), int(max_length.max(initial=0)), samples), np.float32)
    for sentence, tokens in enumerate(source_tokens):
        content = tokens[tokens != PAD_ID].astype("<i4").tobytes()
        for sample in range(samples):
            key = hashlib.blake2b(f"{seed} {sample} ".encode() + content, digest_size=16).digest()
            generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
            length = max_length[sentence]
            numbers[sentence, :length, sample] = generator.random(length, dtype=np.float32)
    return numbers


def sample_next(temperature: tf.Tensor, top_k: int) -> Selection:
    """The selection that draws, with the random numbers of the sentences.

    A token's chance is its softmax of logits / temperature among the tokens that may be emitted, or the
    `top_k` likeliest of them. The log-probabilities are the model's own (temperature 1, all tokens), so that
    samples can be compared with the hypotheses of a beam.

    Args:
        temperature: () float32 of at least 0.01.
        top_k: 0 for all tokens.
    """

    def select(
        prediction: Prediction, state: BeamState, min_length: tf.Tensor, sentences: Sentences
    ) -> Chosen:
        assert sentences.random_numbers is not None
        logits = prediction.logits + token_penalty(prediction.logits.shape[-1], state.step, min_length)
        columns = None
        if 0 < top_k < logits.shape[-1]:
            logits, columns = wide_top_k(logits, top_k)
        # The number falls into exactly one token's share of the interval from 0 to the total; a token of
        # probability 0 has no share, because the first cumulated value above the number is wanted.
        # The greatest is taken away first: divided by a low temperature, a logit would overflow.
        logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
        shares = tf.cumsum(tf.nn.softmax(logits / temperature), axis=-1)
        wanted = tf.reshape(sentences.random_numbers[:, state.step], [-1, 1]) * shares[:, -1:]
        place = tf.argmax(shares > wanted, axis=-1, output_type=tf.int32)[:, None]
        tokens = place if columns is None else tf.gather(columns, place, batch_dims=1)
        shape = tf.shape(state.log_probability)
        forced = sentences.forced_tokens(state.step)
        if forced is not None:
            row_forced = tf.repeat(forced, shape[1])[:, None]
            tokens = tf.where(row_forced != PAD_ID, row_forced, tokens)
        chosen_logits = tf.gather(prediction.logits, tokens, batch_dims=1)
        token_log_probability = tf.reshape(prediction.log_probability(chosen_logits), shape)
        return Chosen(
            parents=tf.broadcast_to(tf.range(shape[1]), shape),
            tokens=tf.reshape(tokens, shape),
            token_log_probability=token_log_probability,
            log_probability=state.log_probability + token_log_probability,
        )

    return select
