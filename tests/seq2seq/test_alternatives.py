"""Alternatives: their probabilities are those of forced scoring, and none is passed over."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.alternatives import Alternatives
from seq2seq.prepared_ensemble import PreparedEnsemble
from seq2seq.search import Search
from tests.seq2seq.search_reference import BOS, EOS, UNKNOWN, TinyModel, TinyReference, TinyWeights
from tests.seq2seq.tiny_network import tiny_model

WEIGHTS = [TinyWeights(12, seed=3), TinyWeights(12, units=3, seed=4)]
SOURCE = [22, 41, 5, 33, EOS]


@pytest.mark.parametrize("members", [WEIGHTS[:1], WEIGHTS], ids=["one model", "ensemble"])
@pytest.mark.parametrize("prefix", [(), (5,), (5, 9, 9)], ids=str)
def test_all_of_them_are_those_of_the_reference(members, prefix):
    found = Alternatives(PreparedEnsemble([TinyModel(member) for member in members])).after(SOURCE, prefix)
    reference = TinyReference(members, SOURCE)
    states, attention = reference.start(), None
    for token in (BOS, *prefix):
        log_probabilities, states, attention = reference.step(token, states)
    allowed = [EOS, *range(UNKNOWN + 1, 12)]
    expected = sorted(allowed, key=lambda token: -log_probabilities[token])
    assert found.tokens.tolist() == expected
    np.testing.assert_allclose(found.log_probabilities, log_probabilities[expected], atol=1e-5)
    np.testing.assert_allclose(found.attention_weights, attention, atol=1e-5)


def test_they_are_what_forced_scoring_says_of_the_real_network():
    model = tiny_model(conditional_gru=True)
    source, prefix = [5, 9, 4, EOS], [6, 4]
    found = Alternatives(PreparedEnsemble([model]), most=4).after(source, prefix)
    assert len(found.tokens) == 4
    scored = Search([model]).score([source] * 4, [[*prefix, token] for token in found.tokens.tolist()])
    np.testing.assert_allclose(found.log_probabilities, scored.token_log_probabilities[:, 0, -1], atol=1e-5)
    np.testing.assert_allclose(found.attention_weights, scored.attention_weights[0, 0, -1], atol=1e-6)


def test_a_vocabulary_that_is_searched_in_blocks():
    """From 1,024 tokens on the search for the best goes by blocks (see `wide_rows`)."""
    weights = TinyWeights(1500, seed=7)
    found = Alternatives(PreparedEnsemble([TinyModel(weights)])).after(SOURCE, ())
    reference = TinyReference([weights], SOURCE)
    log_probabilities = reference.step(BOS, reference.start())[0]
    log_probabilities[[0, 1, 3]] = -np.inf
    assert found.tokens.tolist() == np.argsort(-log_probabilities)[:50].tolist()
