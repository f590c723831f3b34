"""Dependence: against sentences really edited, and against finite differences of the equations in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seq2seq.dependence import GradientTimesInput, leave_one_out, summed_over_words
from seq2seq.model import Seq2SeqModel
from seq2seq.run_directory import RunDirectory
from seq2seq.search import Search
from seq2seq.translator import Translator
from tests.seq2seq.network_equations import NetworkEquations
from tests.seq2seq.tiny_network import BOS, EOS, TWO_AND_TWO_SLOW, describe, tiny_model

SOURCE = [5, 9, 4, 9, EOS]
TARGET = [6, 4, 8, EOS]


class ScaledEquations(NetworkEquations):
    """The network's equations with the embedding of one source token scaled."""

    def __init__(self, model: Seq2SeqModel, place: int, factor: float) -> None:
        super().__init__(model)
        self.place, self.factor = place, factor

    def embed(self, row: int, tokens: np.ndarray, embedding: Any, dropout: Any) -> list[Any]:
        embedded = super().embed(row, tokens, embedding, dropout)
        if dropout is self.model.source_dropout:
            embedded[self.place] = embedded[self.place] * self.factor
        return embedded


def token_log_probabilities(equations: NetworkEquations) -> np.ndarray:
    logits, _ = equations(np.array([SOURCE]), np.array([[BOS, *TARGET[:-1]]]))
    values = logits[0] - np.log(np.exp(logits[0]).sum(axis=-1, keepdims=True))
    return values[range(len(TARGET)), TARGET]


@pytest.mark.parametrize("options", TWO_AND_TWO_SLOW, ids=describe)
def test_gradient_times_input_is_the_slope_of_scaling_an_embedding(
    float64: None, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """d f(s e) / d s at s = 1 is the gradient by e, times e."""
    monkeypatch.setattr("seq2seq.dependence._ROWS_AT_ONCE", 3)  # so that there are several parts
    model = tiny_model(**options)
    found = GradientTimesInput(model).of(SOURCE, TARGET)
    assert found.shape == (len(TARGET), len(SOURCE))
    step = 1e-5
    for place in range(len(SOURCE)):
        above, below = (
            token_log_probabilities(ScaledEquations(model, place, factor)) for factor in (1 + step, 1 - step)
        )
        np.testing.assert_allclose(found[:, place], (above - below) / (2 * step), rtol=1e-4, atol=1e-9)
    assert np.abs(found).max() > 1e-5


def test_leaving_a_word_out_is_scoring_the_sentence_without_it(tiny_run: RunDirectory) -> None:
    translator = Translator.load(tiny_run)
    source, target = "two dogs run through the snow.", "the old man sleep in a red house."
    segmented = translator.tokenizers.source.segment(source)
    target_tokens = [*translator.tokenizers.target.encode(target), EOS]
    found = leave_one_out(
        Search(translator.models),
        [*segmented.token_ids, EOS],
        segmented.piece_to_word,
        target_tokens,
    )
    assert found.shape == (len(target_tokens), len(segmented.words))
    edited = {
        1: "two run through the snow.",
        4: "two dogs run through snow.",
        2: "two dogs through the snow.",
    }
    (whole,) = translator.score([source], [target])
    for word, text in edited.items():
        without_word = [
            token
            for token, its_word in zip(segmented.token_ids, segmented.piece_to_word, strict=True)
            if its_word != word
        ]
        assert translator.tokenizers.source.encode(text) == without_word  # the edit is the same sentence
        (without,) = translator.score([text], [target])
        expected = whole.best.token_log_probabilities - without.best.token_log_probabilities
        np.testing.assert_allclose(found[:, word], expected, atol=1e-4)
    assert np.abs(found).max() > 1e-2


def test_a_sentence_of_one_word_leaves_its_end_and_an_empty_one_nothing() -> None:
    search = Search([tiny_model()])
    scored = search.score([[5, EOS], [EOS]], [TARGET] * 2).token_log_probabilities[:, 0]
    np.testing.assert_allclose(
        leave_one_out(search, [5, EOS], [0], TARGET)[:, 0], scored[0] - scored[1], atol=1e-6
    )
    assert leave_one_out(search, [EOS], [], TARGET).shape == (len(TARGET), 0)


def test_pieces_are_summed_into_words_and_the_end_stays_apart() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert summed_over_words(values, [0, 0, 1], axis=1).tolist() == [[1, 2, 3], [9, 6, 7], [17, 10, 11]]
    assert summed_over_words(values, [0, 0, 1], axis=0).tolist() == [[4, 6, 8, 10], [8, 9, 10, 11]]
    assert summed_over_words(values[:1], [], axis=0).tolist() == values[:1].tolist()
