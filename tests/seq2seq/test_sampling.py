"""Sampling draws what the model's distribution says, and the same again from the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seq2seq.sampling import uniform_numbers
from seq2seq.search import Search, SearchOptions
from tests.seq2seq.search_reference import BOS, EOS, Scoring, TinyModel, TinyReference, TinyWeights

SOURCES = [[7, 12, 30, EOS], [9, EOS], [22, 41, 5, 33, 18, 6, EOS]]


@pytest.fixture(scope="module")
def weights() -> TinyWeights:
    return TinyWeights(vocabulary_size=12, seed=2)


@pytest.fixture(scope="module")
def search(weights) -> Search:
    return Search([TinyModel(weights)])


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 0), (0.5, 0), (2.0, 3), (1.0, 1)])
def test_first_tokens_are_drawn_with_the_models_probabilities(weights, search, temperature, top_k):
    samples = 4000
    options = SearchOptions(sampling=True, n_best=samples, temperature=temperature, top_k=top_k, max_length=1)
    result = search.search(SOURCES[:1], options=options)
    reference = TinyReference([weights], SOURCES[0])
    log_probabilities, _, _ = reference.step(BOS, reference.start())
    logits = log_probabilities / temperature
    logits[[0, 1, 3]] = -np.inf
    if top_k:
        logits[logits < np.sort(logits)[-top_k]] = -np.inf
    wanted = np.exp(logits) / np.exp(logits).sum()
    drawn = np.bincount(result.tokens[0, :, 0], minlength=12) / samples
    assert not drawn[wanted == 0].any()
    # 4.5 standard deviations: one false alarm in some 10,000 seeds, and this seed is fixed.
    np.testing.assert_array_less(
        np.abs(drawn - wanted), 4.5 * np.sqrt(wanted * (1 - wanted) / samples) + 1e-9
    )


@pytest.mark.parametrize("top_k", [0, 4])
@pytest.mark.parametrize(("number", "token"), [(0.0, 4), (1 - 2.0**-24, 6)])
def test_the_extreme_numbers_draw_no_impossible_token(monkeypatch, number, token, top_k):
    # Tokens 4, 5, 6 are equally likely; 7 has probability 0 and so have the special ones before them.
    weights = TinyWeights(8, seed=0)
    weights.output[:] = 0.0
    weights.bias[:] = [9, 9, -np.inf, 9, 0, 0, 0, -np.inf]
    monkeypatch.setattr(
        "seq2seq.search.uniform_numbers",
        lambda source, max_length, samples, seed: np.full(
            (len(source), max_length.max(), samples), number, np.float32
        ),
    )
    options = SearchOptions(sampling=True, max_length=3, top_k=top_k)
    result = Search([TinyModel(weights)], options).search(SOURCES[:1])
    assert result.tokens[0, 0].tolist() == [token] * 3


@pytest.mark.parametrize("scale", [1.0, 1e36])
@pytest.mark.parametrize("top_k", [0, 4])
def test_the_lowest_temperature_draws_the_likeliest_token(scale, top_k):
    # Divided by 0.01, logits of this scale are infinite in float32.
    weights = TinyWeights(8, seed=0)
    weights.output[:] = 0.0
    weights.bias[:] = np.array([3, 3, -1, 3, 1, 2, 1, 0]) * scale
    options = SearchOptions(sampling=True, n_best=3, temperature=0.01, max_length=3, top_k=top_k)
    result = Search([TinyModel(weights)], options).search(SOURCES[:1])
    assert result.tokens[0].tolist() == [[5] * 3] * 3


def test_second_tokens_follow_from_the_first(weights, search):
    result = search.search(SOURCES[:1], options=SearchOptions(sampling=True, n_best=4000, max_length=2))
    reference = TinyReference([weights], SOURCES[0])
    first = int(np.bincount(result.tokens[0, :, 0])[4:].argmax()) + 4
    followers = result.tokens[0, result.tokens[0, :, 0] == first, 1]
    _, states, _ = reference.step(BOS, reference.start())
    log_probabilities, _, _ = reference.step(first, states)
    log_probabilities[[0, 1, 3]] = -np.inf
    wanted = np.exp(log_probabilities) / np.exp(log_probabilities).sum()
    drawn = np.bincount(followers, minlength=12) / len(followers)
    limit = 4.5 * np.sqrt(wanted * (1 - wanted) / len(followers)) + 1e-9
    np.testing.assert_array_less(np.abs(drawn - wanted), limit)


def test_samples_carry_the_models_own_probabilities_and_attention(weights, search):
    options = SearchOptions(sampling=True, n_best=6, temperature=1.7, top_k=6, max_length=9)
    result = search.search(SOURCES, options=options)
    for row, source in enumerate(SOURCES):
        reference = TinyReference([weights], source)
        for place in range(6):
            length = result.lengths[row, place]
            expected = reference.follow(result.tokens[row, place, :length].tolist(), Scoring())
            np.testing.assert_allclose(
                result.token_log_probabilities[row, place, :length],
                expected.token_log_probabilities,
                rtol=1e-4,
            )
            np.testing.assert_allclose(result.score[row, place], expected.score, rtol=1e-4)
            attention = result.attention_weights[row, place, :length, : len(source)]
            np.testing.assert_allclose(attention, expected.attention, atol=1e-5)


def test_samples_are_ranked_ended_first_then_by_score(search):
    options = SearchOptions(sampling=True, n_best=50, max_length=5)
    result = search.search(SOURCES, options=options)
    assert result.finished.any()
    assert not result.finished.all()
    for finished, score in zip(result.finished, result.score, strict=True):
        keys = list(zip(~finished, -score, strict=True))
        assert keys == sorted(keys)


def test_the_seed_decides(search):
    options = SearchOptions(sampling=True, n_best=5)
    first, again = search.search(SOURCES, options=options), search.search(SOURCES, options=options)
    np.testing.assert_array_equal(first.tokens, again.tokens)
    other = search.search(SOURCES, options=replace(options, seed=2))
    assert not np.array_equal(first.tokens[:, :, :2], other.tokens[:, :, :2])


def test_more_samples_leave_the_first_ones_as_they_are(search):
    few = search.search(SOURCES, options=SearchOptions(sampling=True, n_best=3, max_length=7))
    many = search.search(SOURCES, options=SearchOptions(sampling=True, n_best=9, max_length=7))
    for row in range(len(SOURCES)):
        few_rows = {tuple(tokens[tokens > 0]) for tokens in few.tokens[row]}
        assert few_rows <= {tuple(tokens[tokens > 0]) for tokens in many.tokens[row]}


def test_forced_prefixes(search):
    options = SearchOptions(sampling=True, n_best=8)
    result = search.search(SOURCES, [[5, 6], [], [11]], options)
    assert np.all(result.tokens[0, :, :2] == [5, 6])
    assert np.all(result.tokens[2, :, 0] == 11)
    free = search.search(SOURCES[1:2], options=options)
    np.testing.assert_array_equal(result.tokens[1, :, : free.tokens.shape[2]], free.tokens[0])


def test_numbers_belong_to_the_sentence_and_not_to_its_place():
    one = uniform_numbers(np.array([[5, 2, 0], [6, 7, 2]], np.int32), np.array([4, 6], np.int32), 2, seed=1)
    other = uniform_numbers(np.array([[6, 7, 2, 0, 0]], np.int32), np.array([9], np.int32), 3, seed=1)
    assert one.shape == (2, 6, 2)
    np.testing.assert_array_equal(one[1], other[0, :6, :2])
    assert len(np.unique(other)) == other.size  # every sample and step has its own
    assert ((other >= 0) & (other < 1)).all()
