"""Alignment of one sentence by words and relative position alone (Dyer, Chahuneau and Smith 2013, "A Simple,
Fast, and Effective Reparameterization of IBM Model 2", section 2). For all sentences of a rectangle at once.
"""

from __future__ import annotations

import numpy as np

# How strongly links keep to the diagonal: λ of the paper, where its training starts.
TENSION = 4.0


def diagonal_prior(observed_words: int, positions: int, tension: float = TENSION) -> np.ndarray:
    """Probability of each position before any word is looked at: (observed_words, positions).

    The paper's equation: δ(j | i) ∝ exp(-λ |i/m - j/n|), for the observed word i of m and position j of n.
    """
    word = (np.arange(observed_words)[:, None] + 1) / observed_words
    position = (np.arange(positions)[None] + 1) / positions
    weights = np.exp(-tension * np.abs(position - word))
    return weights / weights.sum(axis=1, keepdims=True)


def diagonal_links(emission: np.ndarray, empty_emission: np.ndarray, empty_share: float) -> np.ndarray:
    """Probability that a word comes from a position; what is missing to 1: from nowhere.

    Args:
        emission: (sentences, observed_words, positions): probability of each word from each position.
        empty_emission: (sentences, observed_words): the same from nowhere.
        empty_share: probability, before the word is looked at, that it comes from nowhere.

    Returns:
        Of the shape of `emission`.
    """
    joint = (1 - empty_share) * diagonal_prior(*emission.shape[1:]) * emission
    total = joint.sum(axis=2) + empty_share * empty_emission
    return joint / total[:, :, None]
