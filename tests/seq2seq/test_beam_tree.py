"""The tree of a beam search against the search itself and against plain Python over the whole vocabulary."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.beam_tree import MOST_PRUNED, BeamTracer, BeamTree
from seq2seq.prepared_ensemble import PreparedEnsemble
from seq2seq.search import Search
from seq2seq.search_options import SearchOptions
from tests.seq2seq.search_reference import BOS, EOS, UNKNOWN, Scoring, TinyModel, TinyReference, TinyWeights

WEIGHTS = TinyWeights(12, seed=3)
MEMBERS = [WEIGHTS, TinyWeights(12, units=3, seed=4)]
SOURCE = [22, 41, 5, 33, 18, 6, EOS]
MAX_LENGTH = 8


@pytest.fixture(scope="module")
def tracer() -> BeamTracer:
    return BeamTracer(PreparedEnsemble([TinyModel(WEIGHTS)]))


@pytest.fixture(scope="module")
def search() -> Search:
    return Search([TinyModel(WEIGHTS)])


def options(beam_size: int = 3, **more) -> SearchOptions:
    return SearchOptions(**{"beam_size": beam_size, "n_best": beam_size, "max_length": MAX_LENGTH, **more})


def plain_beam(
    beam_size: int, prefix: tuple[int, ...] = ()
) -> list[list[tuple[tuple[int, ...], float, bool]]]:
    """All extensions of each step's growing hypotheses, best first: (tokens, value, in the beam)."""
    reference = TinyReference([WEIGHTS], SOURCE)
    growing = [((), 0.0, reference.start())]
    free, steps = beam_size, []
    while growing and free and len(steps) <= MAX_LENGTH:
        extensions = []
        for tokens, value, states in growing:
            probabilities, new_states, _ = reference.step(tokens[-1] if tokens else BOS, states)
            for token in (EOS, *range(UNKNOWN + 1, reference.vocabulary_size)):
                if len(tokens) < len(prefix) and token != prefix[len(tokens)]:
                    continue
                extensions.append(((*tokens, token), value + probabilities[token], new_states))
        extensions.sort(key=lambda each: -each[1])
        steps.append([(tokens, value, place < free) for place, (tokens, value, _) in enumerate(extensions)])
        kept = extensions[:free]
        growing = [each for each in kept if each[0][-1] != EOS]
        free -= len(kept) - len(growing)
    return steps


def by_step(tree: BeamTree) -> list[list[int]]:
    steps = max(node.step for node in tree.nodes) + 1
    return [[place for place, node in enumerate(tree.nodes) if node.step == step] for step in range(steps)]


@pytest.mark.parametrize("beam_size", [1, 3, 5])
@pytest.mark.parametrize("prefix", [(), (9, 5)], ids=["free", "prefix"])
def test_every_step_holds_what_a_plain_python_beam_considers(tracer, beam_size, prefix):
    # Without early stopping the plain loop needs no bound to stop at the same step.
    tree = tracer.trace(SOURCE, options(beam_size, early_stopping=False), prefix, pruned=4)
    expected_steps = plain_beam(beam_size, prefix)
    for step, places in enumerate(by_step(tree)):
        expected = expected_steps[step]
        if step == MAX_LENGTH:
            expected = [each for each in expected if each[0][-1] == EOS]
        in_beam = [each for each in expected if each[2]]
        passed_over = [] if step < len(prefix) else [each for each in expected if not each[2]][:4]
        if step == MAX_LENGTH:
            passed_over = passed_over[: sum(tree.nodes[place].rank is None for place in places)]
        found = [(tree.tokens(place), tree.nodes[place].rank is not None) for place in places]
        assert found == [(tokens, kept) for tokens, _, kept in in_beam + passed_over]
        for place, (_, value, _) in zip(places, in_beam + passed_over, strict=True):
            assert tree.nodes[place].log_probability == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    "search_options",
    [options(1), options(3), options(4, length_penalty=0.0, coverage_penalty=0.3), options(3, min_length=4)],
    ids=["greedy", "beam", "other scores", "least length"],
)
def test_its_leaves_are_what_the_search_returns(tracer, search, search_options):
    tree = tracer.trace(SOURCE, search_options)
    result = search.search([SOURCE], options=search_options)
    assert len(tree.leaves) == np.count_nonzero(result.lengths[0])
    for rank, leaf in enumerate(tree.leaves):
        length = result.lengths[0, rank]
        assert list(tree.tokens(leaf.node)) == result.tokens[0, rank, :length].tolist()
        assert leaf.finished == result.finished[0, rank]
        assert leaf.score == pytest.approx(result.score[0, rank], abs=1e-5)
        node = tree.nodes[leaf.node]
        assert node.log_probability == pytest.approx(result.log_probability[0, rank], abs=1e-4)
        assert node.status == ("ended" if leaf.finished else "cut")


def test_a_beam_that_holds_everything_finds_the_best_of_all_translations(search):
    """On four ordinary tokens and two steps the best leaf is the best of every translation there is."""
    weights = TinyWeights(8, seed=5)
    wide = options(90, max_length=2)  # 16 hypotheses of two tokens have 80 extensions
    tree = BeamTracer(PreparedEnsemble([TinyModel(weights)])).trace(SOURCE, wide)
    everything = TinyReference([weights], SOURCE).enumerate_all(2, 0, Scoring())
    assert len(everything) == 1 + 4 + 16
    assert [tree.tokens(leaf.node) for leaf in tree.leaves if leaf.finished] == [
        each.tokens for each in everything
    ]
    assert not [node for node in tree.nodes if node.status == "pruned"]


def test_statuses_say_what_became_of_a_node(tracer):
    tree = tracer.trace(SOURCE, options(3), pruned=2)
    extended = {node.parent for node in tree.nodes if node.rank is not None}
    last = max(node.step for node in tree.nodes)
    assert {node.status for node in tree.nodes} >= {"kept", "ended", "dropped", "pruned"}
    for place, node in enumerate(tree.nodes):
        assert (node.status == "kept") == (place in extended)
        assert (node.status == "pruned") == (node.rank is None)
        assert (node.status == "ended") == (node.token == EOS and node.rank is not None)
        assert node.status != "cut" or node.step >= last - 1
        assert node.parent is None or tree.nodes[node.parent].status == "kept" or node.status == "pruned"
        assert node.token_log_probability <= 0
    for step in by_step(tree):
        assert sum(tree.nodes[place].status == "pruned" for place in step) <= 2


def test_no_pruned_nodes_unless_wanted(tracer):
    assert all(node.rank is not None for node in tracer.trace(SOURCE, options(2), pruned=0).nodes)


def test_an_ensemble_has_a_tree_too():
    models = [TinyModel(member) for member in MEMBERS]
    tree = BeamTracer(PreparedEnsemble(models)).trace(SOURCE, options(3))
    result = Search(models).search([SOURCE], options=options(3))
    best = tree.leaves[0]
    assert list(tree.tokens(best.node)) == result.tokens[0, 0, : result.lengths[0, 0]].tolist()


def test_few_tokens_leave_no_doubles():
    """With fewer tokens than slots the empty slots repeat others, and nothing of that may show."""
    weights = TinyWeights(6, seed=2)  # two ordinary tokens
    tree = BeamTracer(PreparedEnsemble([TinyModel(weights)])).trace(
        SOURCE, options(2, max_length=3), pruned=MOST_PRUNED
    )
    identities = [(node.parent, node.token) for node in tree.nodes]
    assert len(set(identities)) == len(identities)
    assert {node.token for node in tree.nodes} <= {EOS, 4, 5}
    reference = TinyReference([weights], SOURCE)
    probabilities, _, _ = reference.step(BOS, reference.start())
    first = {node.token: node.log_probability for node in tree.nodes if node.parent is None}
    assert first == pytest.approx({token: probabilities[token] for token in (EOS, 4, 5)}, abs=1e-5)
