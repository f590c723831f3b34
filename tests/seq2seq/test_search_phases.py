"""Sentences that are done leave the batch: it saves work and changes no result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from seq2seq import beam_search
from seq2seq.search import Search, SearchOptions, SearchResult
from tests.seq2seq.search_reference import EOS, Scoring, TinyModel, TinyReference, TinyWeights
from tests.seq2seq.test_search import assert_row_is, assert_same, options_for, random_sources

AT_ONCE = (0.0, 1)  # whoever is done leaves
NEVER = (1.0, 10**6)
VOCABULARY = 20

Making = Callable[[list[TinyModel], tuple[float, int]], Search]


@pytest.fixture
def search_with() -> Iterator[Making]:
    """Makes a search whose phases end after a given share, and a given number, of hypotheses is done."""
    with pytest.MonkeyPatch.context() as patch:

        def make(models: list[TinyModel], phases: tuple[float, int]) -> Search:
            class Patched(Search):
                def search(self, *arguments, **named) -> SearchResult:  # the first call builds the graph
                    patch.setattr(beam_search, "SHARE_DONE", phases[0])
                    patch.setattr(beam_search, "HYPOTHESES_DONE", phases[1])
                    return super().search(*arguments, **named)

            return Patched(models)

        yield make


OPTIONS = {
    "greedy": SearchOptions(beam_size=1),
    "beam": SearchOptions(beam_size=4, n_best=3, coverage_penalty=0.4),
    "patient beam": SearchOptions(beam_size=3, n_best=3, length_penalty=0.0, early_stopping=False),
    # Tight limits: some sentences are cut while others of the batch go on.
    "tight limits": SearchOptions(
        beam_size=4, n_best=2, max_length_factor=0.6, max_length_extra=1, min_length=1
    ),
    "sampling": SearchOptions(sampling=True, n_best=3),
    "sampling of a few": SearchOptions(sampling=True, n_best=2, top_k=5, temperature=1.3),
}
CASES = [
    pytest.param(
        options,
        prefixes,
        id=f"{'prefixes' if prefixes else 'free'}-{name}",
        marks=pytest.mark.slow if prefixes and name != "beam" else (),
    )
    for prefixes in (False, True)
    for name, options in OPTIONS.items()
]


@pytest.mark.parametrize(("options", "with_prefixes"), CASES)
def test_phases_change_no_result(search_with, options, with_prefixes):
    models = [TinyModel(TinyWeights(VOCABULARY)), TinyModel(TinyWeights(VOCABULARY, units=4))]
    at_once, half, never = (search_with(models, phases) for phases in (AT_ONCE, (0.5, 1), NEVER))
    ends = set()
    for seed in range(6):
        for offset, model in enumerate(models):
            units = model.bias.shape[0] and model.recurrence.shape[0]
            eos_bias = (0.0, 2.0, 4.0)[seed % 3]
            model.load(TinyWeights(VOCABULARY, units=units, seed=seed + 50 * offset, eos_bias=eos_bias))
        for search in (at_once, half, never):
            search.refresh()
        random = np.random.default_rng(seed)
        sources = random_sources(random, (1, 2, 5, 13)[seed % 4])
        prefixes = None
        if with_prefixes:
            prefixes = [random.integers(4, VOCABULARY, random.integers(0, 4)).tolist() for _ in sources]
        expected = never.search(sources, prefixes, options)
        assert_same(at_once.search(sources, prefixes, options), expected)
        assert_same(half.search(sources, prefixes, options), expected)
        ends |= set(expected.lengths[:, 0].tolist())
    assert len(ends) > 3  # of different lengths, or there would be nothing to see


@pytest.mark.parametrize("scoring", [Scoring(), Scoring(0.6, gnmt=True, coverage_penalty=0.2)])
@pytest.mark.parametrize("beam", [1, 4])
def test_whoever_leaves_has_what_a_plain_python_beam_finds(search_with, scoring, beam):
    weights = TinyWeights(30, seed=5, eos_bias=2.0)
    sources = random_sources(np.random.default_rng(3), 9)
    prefixes = [[7, 8, 9], [], [4], [20, 20], [], [], [11], [], []]
    options = options_for(scoring, beam_size=beam, n_best=beam, min_length=1, max_length=9)
    result = search_with([TinyModel(weights)], AT_ONCE).search(sources, prefixes, options)
    for row, (source, prefix) in enumerate(zip(sources, prefixes, strict=True)):
        expected = TinyReference([weights], source).beam_search(beam, beam, 9, 1, scoring, prefix)
        assert_row_is(result, row, expected)


class CountingRows(TinyModel):
    """Notes how many rows each step decodes."""

    def __init__(self, weights: TinyWeights) -> None:
        super().__init__(weights)
        self.rows: list[int] = []

    def decode_step(self, tokens, state, encoded, weights):
        tf.py_function(lambda count: self.rows.append(int(count)), [tf.shape(tokens)[0]], [])
        return super().decode_step(tokens, state, encoded, weights)


# Sentences that end after 2, 2, 2, 3, 5 and 9 tokens, whatever the model says.
LENGTHS = [2, 2, 2, 3, 5, 9]


def rows_decoded(search_with: Making, phases: tuple[float, int], beam: int) -> list[int]:
    model = CountingRows(TinyWeights(12, seed=1, eos_bias=-1e9))
    sources = [[7] * (length - 1) + [EOS] for length in LENGTHS]
    options = SearchOptions(beam_size=beam, max_length_factor=1.0, max_length_extra=0)
    result = search_with([model], phases).search(sources, options=options)
    assert result.lengths[:, 0].tolist() == LENGTHS
    return model.rows


def test_only_sentences_that_are_not_done_are_decoded(search_with):
    # One step more than the greatest length: it is for ending.
    active = [sum(length + 1 > step for length in LENGTHS) for step in range(10)]
    assert active == [6, 6, 6, 3, 2, 2, 1, 1, 1, 1]
    assert rows_decoded(search_with, AT_ONCE, beam=1) == active
    assert rows_decoded(search_with, NEVER, beam=1) == [6] * 10
    # Half of six, then of three: two of them.
    assert rows_decoded(search_with, (0.5, 1), beam=1) == [6, 6, 6, 3, 3, 3, 1, 1, 1, 1]
    # At least two hypotheses less: one sentence of a beam of two.
    assert rows_decoded(search_with, (0.0, 2), beam=1) == [6, 6, 6, 3, 3, 3, 1, 1, 1, 1]
    assert rows_decoded(search_with, (0.0, 2), beam=2)[1:] == [2 * count for count in active[1:]]


def test_the_first_step_decodes_a_sentence_once_and_not_once_for_each_slot(search_with):
    assert rows_decoded(search_with, NEVER, beam=5) == [6] + [30] * 9


def test_a_large_batch_of_real_proportions_has_phases(search_with):
    model = CountingRows(TinyWeights(30, seed=5, eos_bias=2.0))
    sources = random_sources(np.random.default_rng(1), 64)
    search = search_with([model], (beam_search.SHARE_DONE, beam_search.HYPOTHESES_DONE))
    search.search(sources, options=SearchOptions(beam_size=5))
    assert model.rows[0] == 64
    assert model.rows[1] == 5 * 64
    assert 5 <= model.rows[-1] < 5 * 32
    assert sorted(model.rows[1:], reverse=True) == model.rows[1:]


def test_ensembles_and_broken_weights(search_with):
    # A model whose state is NaN once it has read token 5: those hypotheses die, in every phase.
    weights = TinyWeights(12, seed=6, eos_bias=1.0)
    weights.embedding[5] = np.nan
    options = SearchOptions(beam_size=5, n_best=5, max_length=8)
    sources = random_sources(np.random.default_rng(2), 7)
    for members in ([weights], [TinyWeights(12, units=4, seed=3), weights]):
        models = [TinyModel(member) for member in members]
        at_once = search_with(models, AT_ONCE).search(sources, options=options)
        assert_same(at_once, search_with(models, NEVER).search(sources, options=options))
        assert at_once.finished.any()


def test_the_options_of_a_search_apply_in_every_phase(search_with):
    model = TinyModel(TinyWeights(VOCABULARY, seed=2, eos_bias=3.0))
    at_once, never = search_with([model], AT_ONCE), search_with([model], NEVER)
    sources = random_sources(np.random.default_rng(5), 8)
    options = SearchOptions(beam_size=3, n_best=2)
    for changes in ({"min_length": 4}, {"max_length": 3}, {"length_penalty": 0.2}, {"coverage_penalty": 1.0}):
        changed = replace(options, **changes)
        assert_same(at_once.search(sources, options=changed), never.search(sources, options=changed))
