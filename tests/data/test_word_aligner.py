"""The statistical aligner against expectation maximisation that adds up every alignment there is."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest

from data.diagonal_alignment import TENSION
from data.errors import DataError
from data.jump_alignment import ANYWHERE, expectations, transitions
from data.token_rows import TokenRows
from data.word_aligner import Aligner, AlignerSettings, train_aligner

SOURCES = [[0, 1], [0, 2, 1], [2], [1, 0, 3, 2]]
TARGETS = [[5, 4], [5, 6], [6, 6], [4, 5, 7]]
EMPTY = 0.05


def rows(lists: Sequence[Sequence[int]]) -> TokenRows:
    return TokenRows.from_lists(lists, np.int32)


def trained(**settings: object) -> Aligner:
    return train_aligner(rows(SOURCES), rows(TARGETS), AlignerSettings(**settings))  # type: ignore[arg-type]


def enumerated_rounds(given: list[list[int]], observed: list[list[int]], rounds: int) -> dict:
    """t(observed | given) after some rounds of the diagonal model, alignment by alignment.

    An alignment gives each observed word a position, or None: from nowhere.
    """
    words = max(max(row) for row in observed) + 1
    table: dict = defaultdict(lambda: 1 / words)
    empty = dict.fromkeys(range(words), 1 / words)
    for _ in range(rounds):
        counts: dict = defaultdict(float)
        empty_counts: dict = defaultdict(float)
        for givens, observations in zip(given, observed, strict=True):
            n, m = len(givens), len(observations)
            prior = [
                [math.exp(-TENSION * abs((i + 1) / n - (j + 1) / m)) for i in range(n)] for j in range(m)
            ]
            prior = [[each / sum(row) for each in row] for row in prior]
            weighted = []
            for alignment in itertools.product([None, *range(n)], repeat=m):
                probability = 1.0
                for j, i in enumerate(alignment):
                    word = observations[j]
                    if i is None:
                        probability *= EMPTY * empty[word]
                    else:
                        probability *= (1 - EMPTY) * prior[j][i] * table[givens[i], word]
                weighted.append((alignment, probability))
            total = sum(probability for _, probability in weighted)
            for alignment, probability in weighted:
                for j, i in enumerate(alignment):
                    if i is None:
                        empty_counts[observations[j]] += probability / total
                    else:
                        counts[givens[i], observations[j]] += probability / total
        sums: dict = defaultdict(float)
        for (one, _), count in counts.items():
            sums[one] += count
        table = defaultdict(float, {key: count / sums[key[0]] for key, count in counts.items()})
        smoothed = {word: empty_counts[word] + 1e-3 for word in range(words)}
        empty = {word: count / sum(smoothed.values()) for word, count in smoothed.items()}
    return table


@pytest.mark.parametrize("rounds", [1, 4])
def test_diagonal_rounds_are_expectation_maximisation(rounds: int) -> None:
    aligner = trained(diagonal_rounds=rounds, jump_rounds=0, agreement=False)
    expected = enumerated_rounds(SOURCES, TARGETS, rounds)
    table = {(s, t): p for s, t, p in zip(*(each.tolist() for each in aligner.lexical_table()), strict=True)}
    assert table.keys() == expected.keys()
    for key, probability in table.items():
        assert probability == pytest.approx(expected[key], rel=1e-10), key


def test_forward_backward_adds_up_every_alignment() -> None:
    random = np.random.default_rng(2)
    words, positions, share = 4, 3, 0.2
    emission, empty = random.random((2, words, positions)), random.random((2, words))
    jump = transitions(random.random(2 * 5 + 1), positions)
    found = expectations(emission, empty, jump, share)
    links, jumps, log_likelihood = np.zeros(emission.shape), np.zeros(jump.shape), 0.0
    for sentence in range(2):
        weighted = []
        for alignment in itertools.product([None, *range(positions)], repeat=words):
            probability, last, passed = 1.0, 0, []
            for word, position in enumerate(alignment):
                if position is None:
                    probability *= share * empty[sentence, word]
                else:
                    probability *= (1 - share) * jump[last, position] * emission[sentence, word, position]
                    passed.append((last, position))
                    last = position + 1
            weighted.append((alignment, passed, probability))
        total = sum(probability for *_, probability in weighted)
        log_likelihood += math.log(total)
        for alignment, passed, probability in weighted:
            for word, position in enumerate(alignment):
                if position is not None:
                    links[sentence, word, position] += probability / total
            for place in passed:
                jumps[place] += probability / total
    np.testing.assert_allclose(found.links, links, rtol=1e-10)
    np.testing.assert_allclose(found.jumps, jumps, rtol=1e-10)
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)


def test_transitions_depend_on_the_width_alone() -> None:
    by_width = np.arange(1.0, 12.0)
    jump = transitions(by_width, 4)
    np.testing.assert_allclose(jump.sum(axis=1), 1)
    weights = (jump - ANYWHERE / 4) / (1 - ANYWHERE)
    # From position 1 (row 2), forwards by 1 and backwards by 1: widths 1 and -1.
    assert weights[2, 2] / weights[2, 0] == pytest.approx(by_width[5 + 1] / by_width[5 - 1])
    # The start stands before the first position.
    assert weights[0, 1] / weights[0, 0] == pytest.approx(by_width[5 + 2] / by_width[5 + 1])


def test_the_likelihood_never_falls() -> None:
    """What expectation maximisation promises, for the two directions each for itself."""
    likelihoods = []
    for rounds in (1, 2, 3, 6):
        aligner = trained(diagonal_rounds=2, jump_rounds=rounds, agreement=False)
        likelihood = 0.0
        for source, target in zip(SOURCES, TARGETS, strict=True):
            entries = aligner._table.find(np.array([source]), np.array([target]))
            emission = aligner._forward.table[entries]
            likelihood += aligner._forward.links(emission, np.array([target]), EMPTY)[2]
        likelihoods.append(likelihood)
    # The parts that smooth (jumps to anywhere, words from nowhere) are not maximised: a rounding's worth.
    assert all(later >= earlier - 0.02 for earlier, later in itertools.pairwise(likelihoods))
    assert likelihoods[-1] > likelihoods[0] + 0.1


def made_up_corpus(pairs: int, seed: int = 0) -> tuple[list[list[int]], list[list[int]], list[frozenset]]:
    """Word w becomes word w + 100, in another order; now and then a target word comes from nowhere."""
    random = np.random.default_rng(seed)
    sources, targets, links = [], [], []
    for _ in range(pairs):
        source = random.choice(40, size=random.integers(2, 9), replace=False).tolist()
        order = list(range(len(source)))
        place = int(random.integers(0, len(source) - 1))
        order[place], order[place + 1] = order[place + 1], order[place]
        target = [source[i] + 100 for i in order]
        gold = {(i, j) for j, i in enumerate(order)}
        if random.random() < 0.3:
            target.append(99)
        sources.append(source)
        targets.append(target)
        links.append(frozenset(gold))
    return sources, targets, links


def test_it_finds_the_translations_of_a_made_up_language() -> None:
    sources, targets, links = made_up_corpus(400)
    aligner = train_aligner(rows(sources), rows(targets))
    found = aligner.align_rows(rows(sources), rows(targets))
    assert sum(map(len, (a & b for a, b in zip(found, links, strict=True)))) > 0.99 * sum(map(len, links))
    assert sum(map(len, (a - b for a, b in zip(found, links, strict=True)))) < 0.02 * sum(map(len, links))
    source_ids, target_ids, probabilities = aligner.lexical_table()
    true = probabilities[target_ids == source_ids + 100]
    assert len(true) == 40
    assert true.min() > 0.95
    np.testing.assert_allclose(np.bincount(source_ids, probabilities), 1, rtol=1e-9)


def test_pairs_one_by_one_and_many_at_a_time_align_alike() -> None:
    sources, targets, _ = made_up_corpus(60)
    aligner = train_aligner(rows(sources), rows(targets))
    sources.insert(3, [])
    targets.insert(3, [101])
    together = aligner.align_rows(rows(sources), rows(targets))
    assert together == [aligner.align(s, t) for s, t in zip(sources, targets, strict=True)]
    assert together[3] == frozenset()


def test_words_that_training_never_saw_spoil_nothing() -> None:
    sources, targets, _ = made_up_corpus(200)
    aligner = train_aligner(rows(sources), rows(targets))
    posteriors = aligner.posteriors([3, 7777, 5], [103, 105, 8888])
    assert posteriors.forward.shape == (3, 3)
    assert np.isfinite(posteriors.forward).all()
    assert {(0, 0), (2, 1)} <= posteriors.links("union")
    assert aligner.align([], [103]) == frozenset()


def test_the_same_pairs_give_the_same_aligner() -> None:
    tables = [train_aligner(*map(rows, made_up_corpus(80)[:2])).lexical_table()[2] for _ in range(2)]
    assert tables[0].tobytes() == tables[1].tobytes()


def test_agreement_makes_the_two_directions_agree_more() -> None:
    sources, targets, _ = made_up_corpus(50, seed=3)
    disagreements = []
    for agreement in (False, True):
        aligner = train_aligner(rows(sources), rows(targets), AlignerSettings(agreement=agreement))
        both = [aligner.posteriors(s, t).most_probable() for s, t in zip(sources, targets, strict=True)]
        disagreements.append(sum(int((forward ^ backward).sum()) for forward, backward in both))
    assert disagreements[1] < disagreements[0]


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([[1]], [], "1 source and 0 target"),
        ([[1], []], [[], [2]], "words on both sides"),
        ([], [], "both sides"),
    ],
)
def test_corpora_that_are_none(sources: list, targets: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        train_aligner(rows(sources), rows(targets))


@pytest.mark.parametrize("settings", [{"diagonal_rounds": 0}, {"jump_rounds": -1}, {"empty_share": 0.0}])
def test_settings_out_of_range(settings: dict) -> None:
    with pytest.raises(DataError):
        AlignerSettings(**settings)
