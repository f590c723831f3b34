"""Greedy and beam search against brute force and against an independent plain-Python search."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from data.errors import UserError
from seq2seq.search import Search, SearchOptions, SearchResult
from tests.seq2seq.search_reference import EOS, Found, Scoring, TinyModel, TinyReference, TinyWeights

SOURCES = [[7, 12, 30, EOS], [9, EOS], [22, 41, 5, 33, 18, 6, EOS], [4, 44, EOS]]
SCORINGS = [
    Scoring(length_penalty=0.0),
    Scoring(length_penalty=1.0),
    Scoring(length_penalty=0.6, gnmt=True, coverage_penalty=0.2),
    Scoring(length_penalty=2.0, coverage_penalty=1.5),
]


def options_for(scoring: Scoring, **more) -> SearchOptions:
    return SearchOptions(
        length_penalty=scoring.length_penalty,
        length_normalisation="gnmt" if scoring.gnmt else "power",
        coverage_penalty=scoring.coverage_penalty,
        **more,
    )


def assert_row_is(result: SearchResult, row: int, expected: list[Found]) -> None:
    """The whole n-best list of one sentence: tokens, probabilities, scores, attention, and clean padding."""
    found = int((result.lengths[row] > 0).sum())
    assert found == min(len(expected), result.lengths.shape[1])
    for place, hypothesis in enumerate(expected[:found]):
        length = result.lengths[row, place]
        assert tuple(result.tokens[row, place, :length]) == hypothesis.tokens
        assert not result.tokens[row, place, length:].any()
        assert not result.token_log_probabilities[row, place, length:].any()
        assert not result.attention_weights[row, place, length:].any()
        assert result.finished[row, place] == hypothesis.finished
        np.testing.assert_allclose(
            result.token_log_probabilities[row, place, :length],
            hypothesis.token_log_probabilities,
            rtol=1e-4,
            atol=1e-5,
        )
        np.testing.assert_allclose(result.log_probability[row, place], hypothesis.log_probability, rtol=1e-4)
        np.testing.assert_allclose(result.score[row, place], hypothesis.score, rtol=1e-4, atol=1e-5)
        source_length = hypothesis.attention[0].size
        attention = result.attention_weights[row, place, :length]
        np.testing.assert_allclose(attention[:, :source_length], hypothesis.attention, rtol=1e-3, atol=1e-5)
        assert not attention[:, source_length:].any()
    assert np.all(result.score[row, found:] == -np.inf)
    assert np.all(result.log_probability[row, found:] == -np.inf)
    assert not result.finished[row, found:].any()


def assert_same(result: SearchResult, other: SearchResult) -> None:
    """The same up to the rounding of products whose rows stand in smaller or larger batches."""
    for name, one, two in zip(SearchResult._fields, result, other, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def small() -> TinyWeights:
    """4 special tokens and 3 others: all its translations can be listed."""
    return TinyWeights(vocabulary_size=7, seed=3)


@pytest.fixture(scope="module")
def large() -> TinyWeights:
    return TinyWeights(vocabulary_size=30, seed=5, eos_bias=2.0)


@pytest.fixture(scope="module")
def small_search(small) -> Search:
    return Search([TinyModel(small)])


@pytest.fixture(scope="module")
def stopping_model() -> TinyModel:
    return TinyModel(TinyWeights(vocabulary_size=12))


@pytest.fixture(scope="module")
def stopping_search(stopping_model) -> Search:
    return Search([stopping_model])


@pytest.fixture(scope="module")
def large_search(large) -> Search:
    return Search([TinyModel(large)])


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("min_length", [0, 2])
def test_a_beam_that_holds_everything_finds_what_brute_force_finds(small, small_search, scoring, min_length):
    # 1 + 3 + 9 + 27 + 81 hypotheses end; before the last step 40 have, and 81 have 4 extensions each.
    options = options_for(scoring, beam_size=364, n_best=121, min_length=min_length, max_length=4)
    result = small_search.search(SOURCES, options=options)
    for row, source in enumerate(SOURCES):
        reference = TinyReference([small], source)
        assert_row_is(result, row, reference.enumerate_all(4, min_length, scoring))


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("beam", [1, 2, 4, 9])
def test_a_narrow_beam_finds_what_a_plain_python_beam_finds(large, large_search, scoring, beam):
    result = large_search.search(
        SOURCES, options=options_for(scoring, beam_size=beam, n_best=beam, min_length=1, max_length=9)
    )
    for row, source in enumerate(SOURCES):
        expected = TinyReference([large], source).beam_search(beam, beam, 9, 1, scoring)
        assert_row_is(result, row, expected)


def test_the_reference_cases_cover_ended_and_cut_hypotheses_side_by_side(large_search):
    finished = large_search.search(
        SOURCES, options=SearchOptions(beam_size=4, n_best=4, max_length=9)
    ).finished
    assert finished.any()
    assert not finished.all()
    assert np.any(finished.any(axis=1) & ~finished.all(axis=1))


def test_beam_of_one_is_greedy_search(large, large_search):
    result = large_search.search(SOURCES, options=SearchOptions(beam_size=1, max_length=12))
    for row, source in enumerate(SOURCES):
        reference = TinyReference([large], source)
        states, previous, tokens = reference.start(), 1, []
        while len(tokens) <= 12 and previous != EOS:
            log_probabilities, states, _ = reference.step(previous, states)
            log_probabilities[[0, 1, 3]] = -np.inf
            previous = int(np.argmax(log_probabilities))
            tokens.append(previous)
        kept = tokens if tokens[-1] == EOS else tokens[:12]
        assert_row_is(result, row, [reference.follow(kept, Scoring())])


def test_n_best_is_the_head_of_a_longer_list(large_search):
    options = SearchOptions(beam_size=6, n_best=6, max_length=10, coverage_penalty=0.3)
    whole = large_search.search(SOURCES, options=options)
    for n_best in (1, 3):
        head = large_search.search(SOURCES, options=replace(options, n_best=n_best))
        length = head.tokens.shape[2]
        np.testing.assert_array_equal(head.tokens, whole.tokens[:, :n_best, :length])
        np.testing.assert_allclose(head.score, whole.score[:, :n_best], rtol=1e-5)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_early_stopping_changes_no_result(stopping_model, stopping_search, scoring):
    for seed, (beam, n_best) in itertools.product(range(4), ((3, 1), (8, 2), (8, 8))):
        stopping_model.load(TinyWeights(12, seed=seed, eos_bias=3.0))
        stopping_search.refresh()
        sources = random_sources(np.random.default_rng(seed), 12)
        options = options_for(scoring, beam_size=beam, n_best=n_best, max_length=15)
        stopping = stopping_search.search(sources, options=options)
        patient = stopping_search.search(sources, options=replace(options, early_stopping=False))
        assert_same(stopping, patient)


def test_early_stopping_saves_steps():
    # A model that likes to end: without a bound the beam fills up with ever longer hypotheses.
    model = TinyModel(TinyWeights(12, seed=1, eos_bias=4.0))
    steps = []
    for early_stopping in (True, False):
        options = SearchOptions(
            beam_size=12, max_length=40, length_penalty=0.0, early_stopping=early_stopping
        )
        steps.append(_steps_taken(model, options))
    assert steps[0] < steps[1]


def _steps_taken(model: TinyModel, options: SearchOptions) -> int:
    counter = tf.Variable(0)

    class Counting:
        encode = model.encode
        decoding_weights = model.decoding_weights

        def decode_step(self, tokens, state, encoded, weights):
            counter.assign_add(1)
            return model.decode_step(tokens, state, encoded, weights)

    Search([Counting()], options).search(SOURCES)
    return int(counter.numpy())


def random_sources(random: np.random.Generator, count: int) -> list[list[int]]:
    return [[*random.integers(4, 50, random.integers(0, 9)).tolist(), EOS] for _ in range(count)]


@pytest.mark.parametrize(
    "options",
    [
        SearchOptions(beam_size=1),
        SearchOptions(beam_size=4, n_best=3, coverage_penalty=0.4),
        # Tight limits: some sentences are cut while others of the batch go on.
        SearchOptions(beam_size=4, n_best=3, max_length_factor=0.6, max_length_extra=1),
        SearchOptions(sampling=True, n_best=3, top_k=5, temperature=1.3),
    ],
    ids=["greedy", "beam", "tight limits", "sampling"],
)
def test_a_sentence_does_not_depend_on_its_batch_or_padding(large_search, options):
    sources = random_sources(np.random.default_rng(1), 20)
    prefixes = [[5, 9][: row % 3] for row in range(20)]
    alone = [large_search.search([s], [p], options) for s, p in zip(sources, prefixes, strict=True)]
    for seed in range(3):
        random = np.random.default_rng(seed)
        rows = random.permutation(20)[: 3 + 6 * seed]
        padded = np.zeros((len(rows), 10 + 4 * seed), np.int32)
        for place, row in enumerate(rows):
            padded[place, : len(sources[row])] = sources[row]
        together = large_search.search(padded, [prefixes[row] for row in rows], options)
        for place, row in enumerate(rows):
            single = alone[row]
            length, source_length = single.tokens.shape[2], len(sources[row])
            np.testing.assert_array_equal(together.tokens[place, :, :length], single.tokens[0])
            assert not together.tokens[place, :, length:].any()
            np.testing.assert_array_equal(together.finished[place], single.finished[0])
            np.testing.assert_allclose(together.score[place], single.score[0], rtol=1e-4, atol=1e-5)
            attention = together.attention_weights[place]
            # Rounding differs with the number of rows, and grows from step to step.
            np.testing.assert_allclose(
                attention[:, :length, :source_length], single.attention_weights[0], atol=1e-4
            )
            assert not attention[:, :, source_length:].any()


def test_attention_rows_sum_to_one(large_search):
    result = large_search.search(SOURCES, options=SearchOptions(beam_size=5, n_best=5))
    is_real = np.arange(result.tokens.shape[2]) < result.lengths[..., None]
    np.testing.assert_allclose(result.attention_weights.sum(-1), is_real, atol=1e-5)


def test_limits_on_the_length(large_search):
    for beam, (least, most) in itertools.product((1, 4), ((0, 3), (5, 8))):
        options = SearchOptions(beam_size=beam, n_best=beam, min_length=least, max_length=most)
        result = large_search.search(SOURCES, options=options)
        assert (result.lengths - result.finished).max() <= most
        assert np.all(result.lengths[result.finished] >= least + 1)
        assert np.all(result.lengths[~result.finished] == most)


@pytest.mark.parametrize("beam", [4, 6])
def test_a_translation_as_long_as_the_limit_may_still_end(large, large_search, beam):
    free = large_search.search(SOURCES, options=SearchOptions(beam_size=beam, min_length=2))
    row = int(np.argmax(free.finished[:, 0]))
    assert free.finished[row, 0]
    pieces = int(free.lengths[row, 0]) - 1
    assert pieces >= 2
    options = SearchOptions(beam_size=beam, min_length=2, max_length=pieces)
    exact = large_search.search(SOURCES, options=options)
    assert exact.finished[row, 0]
    assert exact.tokens[row, 0, : pieces + 1].tolist() == free.tokens[row, 0, : pieces + 1].tolist()


def test_the_automatic_limit_follows_each_sentence():
    never_ends = TinyModel(TinyWeights(9, seed=2, eos_bias=-1e9))
    options = SearchOptions(beam_size=2, max_length_factor=1.5, max_length_extra=1)
    result = Search([never_ends], options).search(SOURCES)
    assert result.lengths[:, 0].tolist() == [int(1.5 * len(source)) + 1 for source in SOURCES]
    assert not result.finished.any()
    # A long minimum or a long prefix raises the limit.
    longer = Search([never_ends], replace(options, min_length=6)).search(SOURCES)
    assert longer.lengths[:, 0].tolist() == [7, 6, 11, 6]
    prefixed = Search([never_ends], options).search(SOURCES, [[], [5] * 7, [], []])
    assert prefixed.lengths[:, 0].tolist() == [7, 7, 11, 5]


def test_special_tokens_are_never_emitted():
    weights = TinyWeights(10, seed=4)
    weights.bias[[0, 1, 3]] = 5.0  # the model's favourites
    search = Search([TinyModel(weights)])
    for options in (
        SearchOptions(beam_size=1),
        SearchOptions(beam_size=20, n_best=20),
        SearchOptions(sampling=True, n_best=20),
        SearchOptions(sampling=True, n_best=20, top_k=2),
    ):
        result = search.search(SOURCES, options=options)
        emitted = result.tokens[np.arange(result.tokens.shape[2]) < result.lengths[..., None]]
        assert not np.isin(emitted, [0, 1, 3]).any()


def test_forced_prefixes_of_different_lengths(large, large_search):
    prefixes = [[7, 8, 9], [], [4], [20, 20]]
    scoring = Scoring(coverage_penalty=0.1)
    options = options_for(scoring, beam_size=4, n_best=4, max_length=9, min_length=1)
    result = large_search.search(SOURCES, prefixes, options)
    for row, (source, prefix) in enumerate(zip(SOURCES, prefixes, strict=True)):
        assert np.all(result.tokens[row, :, : len(prefix)] == prefix)
        expected = TinyReference([large], source).beam_search(4, 4, 9, 1, scoring, prefix)
        assert_row_is(result, row, expected)
    unforced = large_search.search(SOURCES, options=options)
    empty = large_search.search(SOURCES, [[]] * 4, options)
    for name, one, other in zip(SearchResult._fields, unforced, empty, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def test_forced_prefix_with_brute_force(small, small_search):
    prefixes = [[5], [4, 6], [], [6]]
    options = SearchOptions(beam_size=364, n_best=121, max_length=4)
    result = small_search.search(SOURCES, prefixes, options)
    for row, (source, prefix) in enumerate(zip(SOURCES, prefixes, strict=True)):
        assert_row_is(result, row, TinyReference([small], source).enumerate_all(4, 0, Scoring(), prefix))


def test_an_ensemble_averages_probabilities_and_attention(large):
    members = [large, TinyWeights(30, units=4, seed=8, eos_bias=1.0), TinyWeights(30, seed=9)]
    scoring = Scoring(coverage_penalty=0.3)
    options = options_for(scoring, beam_size=4, n_best=4, max_length=8)
    search = Search([TinyModel(member) for member in members], options)
    result = search.search(SOURCES, [[], [6, 7], [], [5]])
    for row, (source, prefix) in enumerate(zip(SOURCES, [[], [6, 7], [], [5]], strict=True)):
        expected = TinyReference(members, source).beam_search(4, 4, 8, 0, scoring, prefix)
        assert_row_is(result, row, expected)


def test_an_ensemble_of_one_model_twice_is_that_model(large, large_search):
    model = TinyModel(large)
    options = SearchOptions(beam_size=3, n_best=3)
    twice, once = (
        Search([model, model]).search(SOURCES, options=options),
        large_search.search(SOURCES, None, options),
    )
    np.testing.assert_array_equal(twice.tokens, once.tokens)
    np.testing.assert_allclose(twice.score, once.score, rtol=1e-5)


def test_changing_numbers_or_shapes_builds_no_new_graph(small):
    model = TinyModel(small)
    search = Search([model])
    options = SearchOptions(beam_size=3)
    search.search(SOURCES, options=options)
    traces = model.traces
    search.search(SOURCES[:1], options=options)
    for changed in (
        {"length_penalty": 0.3},
        {"coverage_penalty": 0.5},
        {"length_normalisation": "gnmt"},
        {"min_length": 2},
        {"max_length": 5},
        {"early_stopping": False},
    ):
        search.search(SOURCES * 2, options=replace(options, **changed))
    assert model.traces == traces
    sampling = SearchOptions(sampling=True)
    search.search(SOURCES, options=sampling)
    traces = model.traces
    search.search(SOURCES[1:], options=replace(sampling, temperature=0.5, seed=8))
    assert model.traces == traces


def test_only_the_graphs_used_last_are_kept(small, monkeypatch):
    monkeypatch.setattr("seq2seq.search.KEPT_GRAPHS", 2)
    model = TinyModel(small)
    search = Search([model])

    def traces_for(beam_size: int) -> int:
        before = model.traces
        search.search(SOURCES[:1], options=SearchOptions(beam_size=beam_size))
        return model.traces - before

    built = {beam_size: traces_for(beam_size) for beam_size in (1, 2)}
    assert traces_for(1) == 0
    assert traces_for(3) > 0  # in place of 2, which was asked for longest ago
    assert traces_for(1) == 0
    assert traces_for(2) == built[2] > 0


def test_weights_loaded_later_are_used_once_refreshed(large, large_search):
    model = TinyModel(TinyWeights(30, seed=77))
    search = Search([model], SearchOptions(beam_size=2))
    before = search.search(SOURCES)
    model.load(large)
    search.refresh()
    after = search.search(SOURCES)
    assert not np.array_equal(before.score, after.score)
    expected = large_search.search(SOURCES, options=SearchOptions(beam_size=2))
    np.testing.assert_allclose(after.score, expected.score, rtol=1e-5)


def test_a_beam_wider_than_the_vocabulary_and_than_all_translations(small, small_search):
    # With at most one token there are four translations: the empty one, and three of one token.
    result = small_search.search(SOURCES, options=SearchOptions(beam_size=20, n_best=20, max_length=1))
    assert np.sort(result.lengths[:, :4]).tolist() == [[1, 2, 2, 2]] * 4
    assert result.finished[:, :4].all()
    for row, source in enumerate(SOURCES):
        assert_row_is(result, row, TinyReference([small], source).enumerate_all(1, 0, Scoring()))


def test_a_batch_without_sentences(small_search):
    for empty in ([], np.zeros((0, 5), np.int32)):
        result = small_search.search(empty, options=SearchOptions(beam_size=4, n_best=3))
        assert result.tokens.shape == (0, 3, 0)
        assert result.score.shape == (0, 3)
        assert result.tokens.dtype == np.int32
        assert result.attention_weights.shape[:3] == (0, 3, 0)


def test_minus_infinity_among_the_logits_is_a_token_that_cannot_be(large, large_search):
    weights = TinyWeights(30, seed=5, eos_bias=2.0)
    weights.bias[10:20] = -np.inf
    options = SearchOptions(beam_size=6, n_best=6, max_length=8)
    result = Search([TinyModel(weights)], options).search(SOURCES)
    assert not np.isin(result.tokens, np.arange(10, 20)).any()
    assert np.isfinite(result.score).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "options", [SearchOptions(beam_size=1), SearchOptions(), SearchOptions(sampling=True, n_best=2, top_k=3)]
)
def test_broken_weights_give_an_error_that_says_so(bad, options):
    weights = TinyWeights(30, seed=5)
    weights.output[:] = bad
    with pytest.raises(UserError, match=r"no finite probability.*NaN"):
        Search([TinyModel(weights)], options).search(SOURCES)


class AttentionBreaksToo(TinyModel):
    """As in a conditional GRU, where the token just read has a say in the attention of the same step."""

    def decode_step(self, tokens, state, encoded, weights):
        logits, new_state, attention_weights = super().decode_step(tokens, state, encoded, weights)
        return logits, new_state, attention_weights + 0.0 * tf.reduce_sum(logits, axis=-1, keepdims=True)


@pytest.mark.parametrize("model_class", [TinyModel, AttentionBreaksToo])
def test_one_broken_hypothesis_does_not_harm_the_others(model_class):
    # The state is NaN once token 5 was read: such hypotheses die, the others stay what they were. It is made
    # the likeliest token, so that broken hypotheses are in front in their beams.
    weights = TinyWeights(8, seed=6)
    weights.bias[5] = 3.0
    model = model_class(weights)
    search = Search([model], SearchOptions(beam_size=1400, n_best=400, max_length=4))
    healthy = search.search(SOURCES)
    weights.embedding[5] = np.nan
    model.load(weights)
    search.refresh()
    broken = search.search(SOURCES)
    for row in range(len(SOURCES)):
        wanted = [tokens for tokens in all_hypotheses(healthy, row) if 5 not in tokens]
        ended = int(broken.finished[row].sum())
        assert all_hypotheses(broken, row)[:ended] == wanted
        # Where 5 was the last token that fitted, the state broke in the step that could only end it.
        cut = all_hypotheses(broken, row)[ended:]
        assert len(cut) == 27
        assert all(tokens[-1] == 5 and 5 not in tokens[:-1] for tokens in cut)


def all_hypotheses(result: SearchResult, row: int) -> list[tuple[int, ...]]:
    rows = zip(result.tokens[row], result.lengths[row], strict=True)
    return [tuple(tokens[:length]) for tokens, length in rows if length]
