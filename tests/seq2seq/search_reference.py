"""A tiny recurrent language model with attention, and plain-Python searches over it to compare with.

The TensorFlow side (`TinyModel`) speaks the protocol that the search expects; the reference (`TinyReference`)
is NumPy in float64, one sentence and one hypothesis at a time, and shares nothing with it but the weights.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

PAD, BOS, EOS, UNKNOWN = 0, 1, 2, 3


class TinyWeights:
    def __init__(self, vocabulary_size: int, units: int = 6, seed: int = 0, eos_bias: float = 0.5) -> None:
        random = np.random.default_rng(seed)
        self.embedding = random.normal(size=(vocabulary_size, units))
        self.source_embedding = random.normal(size=(50, units))
        self.recurrence = random.normal(size=(units, units))
        self.context = random.normal(size=(units, units))
        self.output = random.normal(size=(units, vocabulary_size)) * 1.5
        self.bias = np.zeros(vocabulary_size)
        self.bias[EOS] = eos_bias


class TinyEncoded(NamedTuple):
    memory: tf.Tensor
    source_mask: tf.Tensor
    initial_state: tuple[tf.Tensor, ...]


class TinyModel:
    def __init__(self, weights: TinyWeights) -> None:
        for name, array in vars(weights).items():
            setattr(self, name, tf.Variable(array, dtype=tf.float32))
        self.traces = 0

    def load(self, weights: TinyWeights) -> None:
        """Other weights of the same shapes, in the same variables."""
        for name, array in vars(weights).items():
            getattr(self, name).assign(array)

    def encode(self, source_tokens: tf.Tensor) -> TinyEncoded:
        mask = source_tokens != PAD
        memory = tf.gather(self.source_embedding, source_tokens)
        real = tf.cast(mask, tf.float32)[..., None]
        mean = tf.reduce_sum(memory * real, 1) / tf.reduce_sum(real, 1)
        return TinyEncoded(memory, mask, (tf.tanh(mean),))

    def decoding_weights(self) -> dict[str, tf.Tensor]:
        names = ("recurrence", "embedding", "context", "output", "bias")
        return {name: tf.convert_to_tensor(getattr(self, name)) for name in names}

    def restricted_weights(self, weights: dict[str, tf.Tensor], token_ids: tf.Tensor) -> dict[str, tf.Tensor]:
        by_column = {name: tf.gather(weights[name], token_ids, axis=-1) for name in ("output", "bias")}
        return {**weights, **by_column, "embedding": tf.gather(weights["embedding"], token_ids)}

    def decode_step(self, tokens, state, encoded, weights):
        self.traces += 1  # runs once for each time that a graph is built
        (previous,) = state
        batch = tf.shape(encoded.memory)[0]
        queries = tf.reshape(previous, [batch, -1, previous.shape[-1]])
        scores = tf.einsum("bku,bsu->bks", queries, encoded.memory)
        scores = tf.where(encoded.source_mask[:, None], scores, -1e9)
        attention = tf.nn.softmax(scores)
        context = tf.reshape(tf.einsum("bks,bsu->bku", attention, encoded.memory), tf.shape(previous))
        new = tf.tanh(
            previous @ weights["recurrence"]
            + tf.gather(weights["embedding"], tokens)
            + context @ weights["context"]
        )
        logits = new @ weights["output"] + weights["bias"]
        return logits, (new,), tf.reshape(attention, [tf.shape(tokens)[0], tf.shape(encoded.memory)[1]])


@dataclass(frozen=True)
class Found:
    tokens: tuple[int, ...]
    token_log_probabilities: tuple[float, ...]
    attention: tuple[np.ndarray, ...]
    score: float

    @property
    def finished(self) -> bool:
        return self.tokens[-1] == EOS

    @property
    def log_probability(self) -> float:
        return sum(self.token_log_probabilities)


@dataclass(frozen=True)
class Scoring:
    length_penalty: float = 1.0
    gnmt: bool = False
    coverage_penalty: float = 0.0

    def score(self, log_probabilities, attention) -> float:
        length = len(log_probabilities)
        norm = ((5 + length) / 6 if self.gnmt else length) ** self.length_penalty
        coverage = sum(math.log(max(min(total, 1.0), 1e-6)) for total in np.sum(attention, axis=0))
        return sum(log_probabilities) / norm + self.coverage_penalty * coverage


class TinyReference:
    """One sentence, any number of models."""

    def __init__(self, all_weights: list[TinyWeights], source: list[int]) -> None:
        self.all_weights = all_weights
        self.source = source
        self.vocabulary_size = len(all_weights[0].bias)

    def start(self):
        return [np.tanh(weights.source_embedding[self.source].mean(0)) for weights in self.all_weights]

    def step(self, token, states):
        """-> log-probabilities (vocabulary,), new states, attention (source_length,)"""
        probabilities, new_states, attentions = [], [], []
        for weights, state in zip(self.all_weights, states, strict=True):
            memory = weights.source_embedding[self.source]
            attention = np.exp(memory @ state)
            attention /= attention.sum()
            new = np.tanh(
                state @ weights.recurrence + weights.embedding[token] + attention @ memory @ weights.context
            )
            logits = new @ weights.output + weights.bias
            probabilities.append(np.exp(logits) / np.exp(logits).sum())
            new_states.append(new)
            attentions.append(attention)
        with np.errstate(divide="ignore"):  # a bias of -inf forbids a token
            return np.log(np.mean(probabilities, 0)), new_states, np.mean(attentions, 0)

    def follow(self, tokens, scoring: Scoring) -> Found:
        """Score given tokens."""
        states, previous, log_probabilities, attentions = self.start(), BOS, [], []
        for token in tokens:
            all_log_probabilities, states, attention = self.step(previous, states)
            log_probabilities.append(float(all_log_probabilities[token]))
            attentions.append(attention)
            previous = token
        score = scoring.score(log_probabilities, attentions)
        return Found(tuple(tokens), tuple(log_probabilities), tuple(attentions), score)

    def enumerate_all(self, max_length: int, min_length: int, scoring: Scoring, prefix=()) -> list[Found]:
        """Every hypothesis that ends within `max_length` ordinary tokens, best first."""
        ordinary = range(UNKNOWN + 1, self.vocabulary_size)
        found = []
        for length in range(max_length + 1):
            for body in itertools.product(ordinary, repeat=length):
                if body[: len(prefix)] != tuple(prefix):
                    continue
                if length >= min_length:
                    found.append(self.follow((*body, EOS), scoring))
        return sorted(found, key=lambda each: -each.score)

    def beam_search(
        self, beam: int, n_best: int, max_length: int, min_length: int, scoring: Scoring, prefix=()
    ) -> list[Found]:
        """Plain beam search, never stopping early."""
        growing = [((), 0.0, BOS, self.start())]
        ended: list[Found] = []
        for step in range(max_length + 1):
            candidates = []
            for tokens, total, previous, states in growing:
                log_probabilities, new_states, _ = self.step(previous, states)
                for token in range(self.vocabulary_size):
                    if step < len(prefix):
                        if token != prefix[step]:
                            continue
                    elif token in (PAD, BOS, UNKNOWN) or (token == EOS and step < min_length):
                        continue
                    candidates.append(((*tokens, token), total + log_probabilities[token], token, new_states))
            candidates.sort(key=lambda each: -each[1])
            kept = candidates[: beam - len(ended)]
            ended += [self.follow(each[0], scoring) for each in kept if each[2] == EOS]
            if step < max_length:
                growing = [each for each in kept if each[2] != EOS]
            else:  # the last step is for ending only
                have_ended = {each[0][:-1] for each in kept if each[2] == EOS}
                growing = [each for each in growing if each[0] not in have_ended]
        cut = [self.follow(each[0], scoring) for each in growing]
        ranked = sorted(ended, key=lambda each: -each.score) + sorted(cut, key=lambda each: -each.score)
        return ranked[:n_best]
