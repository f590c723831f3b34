"""Attention put in the place of the model's own: it is what is looked at, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.model import Seq2SeqModel
from seq2seq.replaced_attention import REPLACEMENTS, ReplacedAttentionModel
from seq2seq.search import Search
from seq2seq.search_options import SearchOptions
from tests.repetitions import rest_slow
from tests.seq2seq.network_equations import NetworkEquations
from tests.seq2seq.tiny_network import BOS, EOS, tiny_model

SOURCE = [5, 9, 4, 7, EOS]
SHORT = [6, 8, EOS]
TARGET = [6, 4, 8, 5, 9, 7, EOS]


def expected_weights(replacement: str, own: np.ndarray, step: int) -> np.ndarray:
    """(source_length,), for a sentence without padding."""
    length = len(own)
    if replacement == "uniform":
        return np.full(length, 1 / length)
    place = int(own.argmax()) if replacement == "argmax" else min(step, length - 1)
    return np.eye(length)[place]


class ReplacedEquations(NetworkEquations):
    """The network's equations, looking elsewhere."""

    def __init__(self, model: Seq2SeqModel, replacement: str) -> None:
        super().__init__(model)
        self.replacement, self.steps = replacement, 0

    def attend(self, attention: Any, query: Any, memory: Any, kept: Any = 1.0) -> tuple[Any, Any]:
        own = super().attend(attention, query, memory, kept)[1]
        weights = expected_weights(self.replacement, np.asarray(own), self.steps)
        self.steps += 1
        return weights @ np.stack(memory), weights


@pytest.mark.parametrize("conditional", [False, True], ids=["plain", "conditional"])
@pytest.mark.parametrize("replacement", ["uniform", "argmax", "diagonal"])
def test_scores_are_those_of_the_equations(float64: None, conditional: bool, replacement: Any) -> None:
    model = tiny_model(conditional_gru=conditional)
    result = Search([ReplacedAttentionModel(model, replacement)]).score([SOURCE, SHORT], [TARGET, TARGET])
    equations = ReplacedEquations(model, replacement)
    logits, weights = equations(np.array([SOURCE]), np.array([[BOS, *TARGET[:-1]]]))
    expected = logits[0] - np.log(np.exp(logits[0]).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(
        result.token_log_probabilities[0, 0], expected[range(len(TARGET)), TARGET], atol=1e-5
    )
    np.testing.assert_allclose(result.attention_weights[0, 0], weights[0], atol=1e-6)


@pytest.mark.parametrize("replacement", rest_slow(sorted(REPLACEMENTS, reverse=True), daily=2))
def test_padding_and_other_sentences_change_nothing(replacement: Any) -> None:
    search = Search([ReplacedAttentionModel(tiny_model(), replacement)])
    options = SearchOptions(beam_size=3, n_best=2, max_length=6)
    together, alone = search.search([SHORT, SOURCE], options=options), search.search([SHORT], options=options)
    width = alone.tokens.shape[2]
    assert together.tokens[0][:, :width].tolist() == alone.tokens[0].tolist()
    np.testing.assert_allclose(together.score[0], alone.score[0], atol=1e-5)
    weights = together.attention_weights[0]
    assert not weights[..., len(SHORT) :].any()
    sums = weights.sum(axis=-1)
    np.testing.assert_allclose(sums[sums > 0], 1, atol=1e-5)


def test_shuffling_moves_the_weights_of_a_step_and_keeps_them_all() -> None:
    weights = tf.constant(np.random.default_rng(0).dirichlet(np.ones(9), size=3), tf.float32)
    is_real = tf.sequence_mask([9, 6, 9], 9)
    weights = weights * tf.cast(is_real, tf.float32)
    orders = []
    for step in range(4):
        shuffled = REPLACEMENTS["shuffled"](weights, is_real, tf.fill([3], step)).numpy()
        np.testing.assert_allclose(np.sort(shuffled), np.sort(weights.numpy()))
        assert not shuffled[1, 6:].any()
        orders.append(tuple(np.argsort(shuffled[0]).tolist()))
        padded = REPLACEMENTS["shuffled"](
            tf.pad(weights, [[0, 0], [0, 4]]), tf.pad(is_real, [[0, 0], [0, 4]]), tf.fill([3], step)
        )
        np.testing.assert_array_equal(padded[:, :9], shuffled)
    assert len(set(orders)) == 4
    assert tuple(np.argsort(weights[0]).tolist()) not in orders


def test_a_strong_attention_loses_nothing_by_argmax() -> None:
    """And another reading than the model's own gives other scores: the replacement is really used."""
    model = tiny_model()
    own = float(Search([model]).score([SOURCE], [TARGET]).log_probability[0, 0])
    scores = {
        name: float(
            Search([ReplacedAttentionModel(model, name)]).score([SOURCE], [TARGET]).log_probability[0, 0]
        )  # type: ignore[arg-type]
        for name in REPLACEMENTS
    }
    assert len({round(score, 4) for score in (own, *scores.values())}) == 5
    vector = model.decoder.attention.score_vector
    vector.assign(1000 * vector)  # the softmax becomes a choice
    own = float(Search([model]).score([SOURCE], [TARGET]).log_probability[0, 0])
    argmax = float(
        Search([ReplacedAttentionModel(model, "argmax")]).score([SOURCE], [TARGET]).log_probability[0, 0]
    )
    assert argmax == pytest.approx(own, abs=1e-3)
