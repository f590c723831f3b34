"""Shortlists: what stands on them, and searches that choose from nothing else."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from data.errors import UserError
from seq2seq.search import Search, SearchOptions
from seq2seq.shortlist import Shortlist, build_shortlist
from tests.repetitions import rest_slow
from tests.seq2seq.search_reference import EOS, Scoring, TinyModel, TinyReference, TinyWeights
from tests.seq2seq.test_search import SOURCES, assert_row_is, assert_same
from tests.seq2seq.test_search_with_model import tiny_model

VOCABULARY = 200
SPECIAL = [0, 1, 2, 3]


def random_shortlist(seed: int, vocabulary_size: int = VOCABULARY) -> Shortlist:
    """Six tokens for everybody, and four for each of 50 source tokens."""
    random = np.random.default_rng(seed)
    return Shortlist(
        random.integers(4, vocabulary_size, 6, np.int32),
        random.integers(4, vocabulary_size, (50, 4), np.int32),
        vocabulary_size,
    )


def padded(rows: list[list[int]]) -> np.ndarray:
    width = max(map(len, rows))
    return np.array([row + [0] * (width - len(row)) for row in rows], np.int32)


class TestRestrict:
    shortlist = Shortlist(
        np.array([9, 7], np.int32), np.array([[0, 0]] * 4 + [[30, 5], [7, 0]], np.int32), 40
    )

    def test_has_special_frequent_and_candidate_tokens_of_each_sentence(self):
        restriction = self.shortlist.restrict(padded([[4, EOS], [5, EOS]]), None)
        own = [[*SPECIAL, 5, 7, 9, 30], [*SPECIAL, 7, 9]]
        assert restriction.token_ids[:8].tolist() == [*SPECIAL, 5, 7, 9, 30]
        for penalties, tokens in zip(restriction.penalties, own, strict=True):
            assert restriction.token_ids[penalties == 0].tolist() == tokens
            assert np.all(penalties[penalties != 0] == -np.inf)

    def test_has_whole_blocks(self):
        restriction = self.shortlist.restrict(padded([[4, EOS]]), None)
        assert restriction.token_ids.shape == (64,)
        assert not restriction.token_ids[8:].any()
        assert np.all(restriction.penalties[:, 8:] == -np.inf)

    def test_allows_a_forced_prefix_to_its_own_sentence(self):
        prefix = np.array([[33, 0], [0, 0]], np.int32)
        restriction = self.shortlist.restrict(padded([[5, EOS], [5, EOS]]), prefix)
        (place,) = np.flatnonzero(restriction.token_ids == 33)
        assert restriction.penalties[:, place].tolist() == [0, -np.inf]
        places = restriction.places(prefix)
        assert places.tolist() == [[place, 0], [0, 0]]


def test_build_takes_the_most_probable_translations_and_the_most_frequent_tokens():
    table = (
        np.array([4, 4, 4, 6, 6]),
        np.array([5, 8, 9, 5, 7]),
        np.array([0.2, 0.5, 0.3, 0.5, 0.5]),
    )
    counts = np.array([0, 0, 0, 0, 0, 3, 9, 1, 3, 3])
    shortlist = build_shortlist(table, counts, 7, frequent=2, candidates=2)
    assert shortlist.frequent.tolist() == [6, 5]
    assert shortlist.candidates.tolist() == [[0, 0]] * 4 + [[8, 9], [0, 0], [5, 7]]
    assert shortlist.vocabulary_size == 10


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("prefixes", [None, [[], [150, 11], [], [6]]], ids=["free", "prefixes"])
def test_a_search_finds_what_a_network_without_the_other_tokens_finds(beam, prefixes):
    weights, shortlist = TinyWeights(VOCABULARY, seed=5, eos_bias=2.0), random_shortlist(1)
    search = Search([TinyModel(weights)], shortlist=shortlist)
    options = SearchOptions(beam_size=beam, n_best=beam, max_length=8)
    result = search.search(SOURCES, prefixes, options)
    for row, source in enumerate(SOURCES):
        prefix = prefixes[row] if prefixes else []
        own = {*SPECIAL, *shortlist.frequent, *shortlist.candidates[source].ravel(), *prefix}
        restricted = copy.copy(weights)
        restricted.bias = np.where(np.isin(np.arange(VOCABULARY), list(own)), weights.bias, -np.inf)
        expected = TinyReference([restricted], source).beam_search(beam, beam, 8, 0, Scoring(), prefix)
        assert_row_is(result, row, expected)


def test_a_sentence_is_translated_as_it_would_be_alone():
    search = Search([TinyModel(TinyWeights(VOCABULARY, seed=9))], shortlist=random_shortlist(2))
    options = SearchOptions(beam_size=3, n_best=3, max_length=6)
    together = search.search(SOURCES, options=options)
    for row, source in enumerate(SOURCES):
        alone = search.search([source], options=options)
        length = alone.tokens.shape[2]
        np.testing.assert_array_equal(together.tokens[row, :, :length], alone.tokens[0])
        np.testing.assert_allclose(together.score[row], alone.score[0], rtol=1e-5)


@pytest.mark.parametrize("conditional_gru", rest_slow([True, False]))
def test_a_shortlist_of_everything_changes_nothing(conditional_gru):
    models = [tiny_model(seed, conditional_gru=conditional_gru) for seed in (1, 2)]
    everything = Shortlist(np.arange(25, dtype=np.int32), np.zeros((40, 1), np.int32), 25)
    options = SearchOptions(beam_size=4, n_best=4, max_length=9)
    whole = Search(models, options)
    listed = Search(models, options, shortlist=everything)
    assert_same(listed.search(SOURCES_OF_MODEL), whole.search(SOURCES_OF_MODEL))
    sampling = replace(options, sampling=True)
    assert_same(
        listed.search(SOURCES_OF_MODEL, options=sampling), whole.search(SOURCES_OF_MODEL, options=sampling)
    )
    targets = [[5, 9, EOS]] * 3
    assert_same(listed.score(SOURCES_OF_MODEL, targets), whole.score(SOURCES_OF_MODEL, targets))


SOURCES_OF_MODEL = [[7, 12, 30, 8, EOS], [9, EOS], [22, 11, 5, 33, 18, 6, EOS]]


def test_a_prefix_from_another_vocabulary_is_an_error():
    search = Search([TinyModel(TinyWeights(VOCABULARY))], shortlist=random_shortlist(3))
    with pytest.raises(UserError, match="target vocabulary has 200"):
        search.search([[5, EOS]], [[200]])


class TestFile:
    def test_holds_all(self, tmp_path):
        shortlist = random_shortlist(4)
        shortlist.save(tmp_path / "shortlist.npz")
        loaded = Shortlist.load(tmp_path / "shortlist.npz")
        np.testing.assert_array_equal(loaded.frequent, shortlist.frequent)
        np.testing.assert_array_equal(loaded.candidates, shortlist.candidates)
        assert loaded.vocabulary_size == VOCABULARY

    def test_missing_or_damaged_is_said(self, tmp_path):
        path = tmp_path / "shortlist.npz"
        with pytest.raises(UserError, match="has no shortlist yet"):
            Shortlist.load(path)
        for content in (b"", b"something else", b"PK\x03\x04 cut"):
            path.write_bytes(content)
            with pytest.raises(UserError, match="damaged"):
                Shortlist.load(path)

    def test_of_another_vocabulary_is_refused(self):
        with pytest.raises(ValueError, match="target vocabulary has 8"):
            Shortlist(np.array([9], np.int32), np.zeros((2, 2), np.int32), 8)
