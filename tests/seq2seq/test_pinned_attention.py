"""Prescribed attention: it is what the step really uses, it is the same model, and the rest stays free."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.model import Seq2SeqModel
from seq2seq.pinned_attention import PinnedModel, pins_of_words
from seq2seq.search import Search
from seq2seq.search_options import SearchOptions
from tests.seq2seq.network_equations import NetworkEquations
from tests.seq2seq.tiny_network import BOS, EOS, tiny_model

SOURCE = [5, 9, 4, 7, EOS]
TARGET = [6, 4, 8, 5, EOS]
NOWHERE = np.zeros((1, len(TARGET), len(SOURCE)), np.float32)
OPTIONS = SearchOptions(beam_size=3, n_best=3, max_length=6)


class PinnedEquations(NetworkEquations):
    """The network's equations, with the attention of some steps written in by hand."""

    def __init__(self, model: Seq2SeqModel, pins: np.ndarray) -> None:
        super().__init__(model)
        self.pins = iter(pins)

    def attend(self, attention: Any, query: Any, memory: Any, kept: Any = 1.0) -> tuple[Any, Any]:
        own = super().attend(attention, query, memory, kept)
        pinned = next(self.pins)
        return (pinned @ np.stack(memory), pinned) if pinned.any() else own


def pinned_rows(*rows: int) -> np.ndarray:
    pins = NOWHERE.copy()
    for row in rows:
        pins[0, row] = np.roll([0.75, 0.25, 0, 0, 0], row)
    return pins


@pytest.mark.parametrize("conditional", [False, True], ids=["plain", "conditional"])
@pytest.mark.parametrize("rows", [(), (0,), (1, 3), (0, 1, 2, 3, 4)], ids=str)
def test_scores_are_those_of_the_equations_with_these_weights(
    float64: None, conditional: bool, rows: tuple[int, ...]
) -> None:
    model = tiny_model(conditional_gru=conditional)
    pinned, pins = PinnedModel(model), pinned_rows(*rows)
    pinned.pin(pins)
    result = Search([pinned]).score([SOURCE], [TARGET])
    logits, weights = PinnedEquations(model, pins[0])(np.array([SOURCE]), np.array([[BOS, *TARGET[:-1]]]))
    expected = logits[0] - np.log(np.exp(logits[0]).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(
        result.token_log_probabilities[0, 0], expected[range(len(TARGET)), TARGET], atol=1e-5
    )
    np.testing.assert_allclose(result.attention_weights[0, 0], weights[0], atol=1e-6)


def test_without_pins_it_is_the_model_itself() -> None:
    model = tiny_model()
    pinned = PinnedModel(model)
    pinned.pin(NOWHERE)
    for name in ("tokens", "log_probability", "attention_weights"):
        found = getattr(Search([pinned], OPTIONS).search([SOURCE]), name)
        np.testing.assert_allclose(found, getattr(Search([model], OPTIONS).search([SOURCE]), name), atol=1e-6)


def test_every_hypothesis_of_a_beam_looks_where_it_is_told_and_scores_agree() -> None:
    pinned = PinnedModel(tiny_model())
    search = Search([pinned], OPTIONS)
    free = search.search([SOURCE])
    pins = pinned_rows(0, 2)
    pinned.pin(pins)  # the graph that was built before is used
    found = search.search([SOURCE])
    assert (found.log_probability != free.log_probability).any()
    for rank in range(OPTIONS.n_best):
        length = found.lengths[0, rank]
        for step in (0, 2):
            if step < length:
                np.testing.assert_allclose(found.attention_weights[0, rank, step], pins[0, step], atol=1e-6)
        scored = search.score([SOURCE], [found.tokens[0, rank, :length]])
        np.testing.assert_allclose(
            scored.token_log_probabilities[0, 0], found.token_log_probabilities[0, rank, :length], atol=1e-5
        )


def test_each_sentence_of_a_batch_has_pins_of_its_own() -> None:
    pinned = PinnedModel(tiny_model())
    search = Search([pinned])
    both = np.concatenate([pinned_rows(1), pinned_rows(0, 3)])
    alone = []
    for pins in both:
        pinned.pin(pins[None])
        alone.append(search.score([SOURCE], [TARGET]).token_log_probabilities[0, 0])
    pinned.pin(both)
    together = search.score([SOURCE, SOURCE], [TARGET, TARGET]).token_log_probabilities[:, 0]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_pins_of_words_spread_evenly_over_pieces() -> None:
    # source words: 0 = pieces 0 and 1, 1 = piece 2, 2 = the end; target words: 0 = piece 0, 1 = pieces 1, 2
    pins = pins_of_words([(1, [0, 1]), (2, [2])], (0, 0, 1), (0, 1, 1))
    third = pytest.approx(1 / 3)
    assert pins.shape == (1, 4, 4)
    assert pins[0].tolist() == [[0, 0, 0, 0], [third] * 3 + [0], [third] * 3 + [0], [0, 0, 0, 1]]
    taken_together = pins_of_words([(0, [0]), (0, [1])], (0, 0, 1), (0,))
    assert taken_together[0].tolist() == [[third] * 3 + [0], [0] * 4]


@pytest.mark.parametrize("pin", [(3, [0]), (0, [3]), (-1, [0])], ids=str)
def test_words_that_do_not_exist_are_refused(pin: tuple[int, list[int]]) -> None:
    with pytest.raises(ValueError, match=r"there is no (source|target) word"):
        pins_of_words([pin], (0, 1), (0, 1))


def test_where_every_row_is_pinned_nothing_else_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size would be that of all rows times the hidden layer of attention."""
    from seq2seq import additive_attention

    generator = np.random.default_rng(3)
    memory = additive_attention.AttentionMemory(
        tf.constant(generator.normal(size=(2, 3, 4)), tf.float32),
        tf.constant(generator.normal(size=(2, 3, 5)), tf.float32),
        None,
        tf.constant(generator.normal(size=5), tf.float32),
    )
    queries = tf.constant(generator.normal(size=(2, 2, 5)), tf.float32)
    pinned = np.array([[[0, 1, 0], [0.5, 0, 0.5]], [[1, 0, 0], [0, 0, 1]]], np.float32)
    learned_context, learned = additive_attention.attend(queries, memory)
    partly = pinned.copy()
    partly[1, 0] = 0
    context, weights = additive_attention.attend_or_pinned(queries, memory, tf.constant(partly))
    expected = partly.copy()
    expected[1, 0] = learned[1, 0]
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    np.testing.assert_allclose(context[1, 0], learned_context[1, 0], atol=1e-6)
    monkeypatch.setattr(additive_attention, "attend", lambda *_: pytest.fail("attention was computed"))
    context, weights = additive_attention.attend_or_pinned(queries, memory, tf.constant(pinned))
    np.testing.assert_array_equal(weights, pinned)
    np.testing.assert_allclose(context, pinned @ memory.memory.numpy(), atol=1e-6)
