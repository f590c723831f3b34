"""The score of a given target is the score of the search that finds it, and of a plain reference."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.search import Search, SearchOptions
from tests.seq2seq.search_reference import EOS, Scoring, TinyModel, TinyReference, TinyWeights

SOURCES = [[7, 12, 30, EOS], [9, EOS], [22, 41, 5, 33, 18, 6, EOS]]
TARGETS = [[5, 8, EOS], [EOS], [9, 9, 10, 4]]  # the last one was cut
MEMBERS = [TinyWeights(12, seed=1), TinyWeights(12, units=3, seed=4)]


@pytest.mark.parametrize("members", [MEMBERS[:1], MEMBERS], ids=["one model", "ensemble"])
def test_scores_equal_the_reference(members):
    options = SearchOptions(length_penalty=0.7, length_normalisation="gnmt", coverage_penalty=0.4)
    result = Search([TinyModel(member) for member in members], options).score(SOURCES, TARGETS)
    assert result.tokens.shape == (3, 1, 4)
    assert result.lengths[:, 0].tolist() == [3, 1, 4]
    assert result.finished[:, 0].tolist() == [True, True, False]
    for row, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        expected = TinyReference(members, source).follow(target, Scoring(0.7, True, 0.4))
        length = len(target)
        np.testing.assert_allclose(
            result.token_log_probabilities[row, 0, :length], expected.token_log_probabilities, rtol=1e-4
        )
        assert not result.token_log_probabilities[row, 0, length:].any()
        np.testing.assert_allclose(result.log_probability[row, 0], expected.log_probability, rtol=1e-4)
        np.testing.assert_allclose(result.score[row, 0], expected.score, rtol=1e-4)
        attention = result.attention_weights[row, 0]
        np.testing.assert_allclose(attention[:length, : len(source)], expected.attention, atol=1e-5)
        assert not attention[length:].any()
        assert not attention[:, len(source) :].any()


@pytest.mark.parametrize("members", [MEMBERS[:1], MEMBERS], ids=["one model", "ensemble"])
@pytest.mark.parametrize("prefix", [None, [[5], [], [6, 6]]], ids=["free", "prefix"])
def test_a_search_and_the_score_of_what_it_found_agree(members, prefix):
    search = Search([TinyModel(member) for member in members])
    options = SearchOptions(beam_size=4, n_best=4, max_length=7, coverage_penalty=0.2)
    found = search.search(SOURCES, prefix, options)
    for place in range(4):
        scored = search.score(SOURCES, found.tokens[:, place], options)
        for name in ("lengths", "finished"):
            np.testing.assert_array_equal(getattr(scored, name)[:, 0], getattr(found, name)[:, place])
        for name in ("token_log_probabilities", "log_probability", "score", "attention_weights"):
            np.testing.assert_allclose(
                getattr(scored, name)[:, 0],
                getattr(found, name)[:, place],
                rtol=1e-4,
                atol=1e-5,
                err_msg=name,
            )


def test_no_sentences():
    result = Search([TinyModel(MEMBERS[0])]).score([], [])
    assert result.tokens.shape == (0, 1, 0)
