"""Alignment of one sentence as a hidden Markov model (Vogel, Ney and Tillmann 1996, "HMM-Based Word Alignment
in Statistical Translation"; empty words as in Och and Ney 2003, section 2.2.1).

Word by word of the observed side, the model jumps from the position that it was last at to another, with a
probability that depends on the width of the jump, and writes the word from there; or, with a fixed
probability, it writes the word from nowhere and stays. For all sentences of a rectangle at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# What share of every jump goes anywhere in the sentence alike.
ANYWHERE = 0.2


class Expectations(NamedTuple):
    """What the model thinks of some sentences.

    Attributes:
        links: (sentences, observed_words, positions): probability that a word comes from a position. What
            is missing to 1 is the probability that it comes from nowhere.
        jumps: (positions + 1, positions): expected number of jumps, from the start (row 0) or a position.
        log_likelihood: of the observed words, summed, in nats.
    """

    links: np.ndarray
    jumps: np.ndarray
    log_likelihood: float


def jump_widths(positions: int) -> np.ndarray:
    """(positions + 1, positions): how far each jump goes; the start stands one before the first position."""
    return np.arange(positions)[None] - np.arange(-1, positions)[:, None]


def transitions(by_width: np.ndarray, positions: int) -> np.ndarray:
    """Probabilities of jumping.

    Args:
        by_width: (2 * reach + 1,), weights of the widths -reach to reach, all positive.
        positions: of the sentence, at most `reach`.

    Returns:
        (positions + 1, positions), rows that sum to 1, row 0 for the start.
    """
    weights = by_width[jump_widths(positions) + len(by_width) // 2]
    weights = weights / weights.sum(axis=1, keepdims=True)
    return (1 - ANYWHERE) * weights + ANYWHERE / positions


def expectations(
    emission: np.ndarray, empty_emission: np.ndarray, jump: np.ndarray, empty_share: float
) -> Expectations:
    """The forward-backward algorithm.

    Args:
        emission: (sentences, observed_words, positions): probability of each word from each position.
        empty_emission: (sentences, observed_words): the same from nowhere.
        jump: (positions + 1, positions), see `transitions`.
        empty_share: probability that a word comes from nowhere, in (0, 1).
    """
    sentences, observed_words, positions = emission.shape
    # Where the model was last, the start included, given the words so far: (sentences, positions + 1).
    last = np.zeros((sentences, positions + 1))
    last[:, 0] = 1.0
    befores = np.empty((observed_words, sentences, positions + 1))
    arrivals = np.empty((observed_words, sentences, positions))
    scales = np.empty((observed_words, sentences, 1))
    empty_emission = empty_share * empty_emission[:, :, None]
    for word in range(observed_words):
        befores[word] = last
        arrivals[word] = (1 - empty_share) * (last @ jump)
        last = empty_emission[:, word] * last
        last[:, 1:] += arrivals[word] * emission[:, word]
        scales[word] = last.sum(axis=1, keepdims=True)
        last = last / scales[word]

    # The probability of the words to come, given where the model was last, in the same units.
    future = np.ones((sentences, positions + 1))
    links = np.empty(emission.shape)
    jumps = np.zeros(jump.shape)
    for word in reversed(range(observed_words)):
        written = emission[:, word] * future[:, 1:] / scales[word]
        links[:, word] = arrivals[word] * written
        jumps += befores[word].T @ written
        future = (1 - empty_share) * (written @ jump.T) + empty_emission[:, word] / scales[word] * future
    return Expectations(links, (1 - empty_share) * jumps * jump, float(np.log(scales).sum()))
