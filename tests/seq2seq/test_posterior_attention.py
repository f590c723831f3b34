"""Posterior attention, against the definition: every step forced to look at every place, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.alignment_readings import attention_readings
from seq2seq.model import Seq2SeqModel
from seq2seq.pinned_attention import PinnedModel
from seq2seq.posterior_attention import PosteriorReader, posterior_weights
from seq2seq.posterior_translator import PosteriorTranslator
from seq2seq.prepared_ensemble import PreparedEnsemble
from seq2seq.search import Search
from seq2seq.search_options import SearchOptions
from seq2seq.translator import Translator
from tests.repetitions import rest_slow
from tests.seq2seq.tiny_network import EOS, tiny_model

SOURCE = [5, 9, 4, 7, EOS]
TARGET = [6, 4, 8, 5, EOS]
SHORT_SOURCE, SHORT_TARGET = [8, 6, EOS], [4, 7, EOS]


def by_definition(model: Seq2SeqModel, source: list[int], target: list[int]) -> np.ndarray:
    """Through the search's own scoring, with one step pinned to one place at a time."""
    own = Search([model]).score([source], [target]).attention_weights[0, 0]
    pinned = PinnedModel(model)
    search = Search([pinned])
    posterior = np.zeros((len(target), len(source)))
    for step in range(len(target)):
        for place in range(len(source)):
            pins = np.zeros((1, len(target), len(source)), np.float32)
            pins[0, step, place] = 1.0
            pinned.pin(pins)
            said = search.score([source], [target]).token_log_probabilities[0, 0, step]
            posterior[step, place] = own[step, place] * np.exp(said)
    return posterior / posterior.sum(axis=-1, keepdims=True)


def posterior_of(model: Seq2SeqModel, sources: list[list[int]], targets: list[list[int]]) -> np.ndarray:
    def padded(rows: list[list[int]]) -> tf.Tensor:
        return tf.constant([row + [0] * (max(map(len, rows)) - len(row)) for row in rows], tf.int32)

    return posterior_weights(model, padded(sources), padded(targets), model.decoding_weights()).numpy()


@pytest.mark.parametrize("conditional", rest_slow([True, False]), ids=["conditional", "plain"])
def test_it_is_the_definition(conditional: bool) -> None:
    model = tiny_model(conditional_gru=conditional)
    expected = by_definition(model, SOURCE, TARGET)
    own = Search([model]).score([SOURCE], [TARGET]).attention_weights[0, 0]
    assert np.abs(expected - own).max() > 0.01  # knowing the word makes a difference
    np.testing.assert_allclose(posterior_of(model, [SOURCE], [TARGET])[0], expected, atol=1e-5)


def test_padding_and_other_sentences_change_nothing() -> None:
    model = tiny_model(conditional_gru=True)
    together = posterior_of(model, [SOURCE, SHORT_SOURCE], [TARGET, SHORT_TARGET])
    alone = posterior_of(model, [SHORT_SOURCE], [SHORT_TARGET])[0]
    np.testing.assert_allclose(together[1, :3, :3], alone, atol=1e-6)
    assert not together[1, :, 3:].any()
    np.testing.assert_allclose(together.sum(axis=-1), 1.0, atol=1e-6)


def test_translations_keep_all_but_their_attention(tiny_run: Path) -> None:
    translator = Translator.load(tiny_run)
    pairs = [("A dog runs.", "Un chien court."), ("", ""), ("The cat sleeps now.", "Le chat dort.")]
    forced = translator.score([source for source, _ in pairs], [target for _, target in pairs])
    found = PosteriorReader(translator.search.prepared, batch_size=2)(forced)
    one_by_one = PosteriorReader(translator.search.prepared, batch_size=1)(forced)
    assert found[1] == forced[1]
    assert forced[1].best is None
    for before, after, alone in zip(forced, found, one_by_one, strict=True):
        if before.best is None:
            continue
        assert after.best.text == before.best.text
        assert after.best.score == before.best.score
        assert after.best.attention.shape == before.best.attention.shape
        np.testing.assert_allclose(after.best.attention.sum(axis=-1), 1.0, atol=1e-5)
        np.testing.assert_allclose(after.best.attention, alone.best.attention, atol=1e-5)
        tokens = [*before.best.target.token_ids, EOS]
        expected = by_definition(translator.models[0], [*before.source.token_ids, EOS], tokens)
        np.testing.assert_allclose(after.best.attention, expected, atol=1e-4)


def test_of_several_models_it_is_the_mean(tiny_run: Path) -> None:
    translator = Translator.load(tiny_run)
    other = Translator.load(tiny_run).models[0]
    for variable in other.trainable_variables:
        variable.assign(variable * 0.5)
    forced = translator.score(["A dog runs."], ["Un chien court."])
    models = (translator.models[0], other)
    one, two = (PosteriorReader(PreparedEnsemble([model]))(forced)[0].best.attention for model in models)
    both = PosteriorReader(PreparedEnsemble(models))(forced)[0].best.attention
    assert np.abs(one - two).max() > 1e-3
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-6)


def test_readings_of_both_directions_have_the_names_of_their_kind(tiny_run: Path) -> None:
    translator = Translator.load(tiny_run)
    forced = translator.score(["A dog runs."], ["Un chien court."])
    back = translator.score(["Un chien court."], ["A dog runs."])
    read = attention_readings(PosteriorReader(translator.search.prepared)(forced), back, [(4, 4)], "unicode")
    assert list(read) == [
        *("argmax", "threshold", "intersection", "argmax of the model back"),
        *("both models, intersection", "both models, union", "both models, grow-diag-final-and"),
    ]


def test_a_posterior_translator_writes_the_same_and_says_where_it_came_from(tiny_run: Path) -> None:
    plain, posterior = Translator.load(tiny_run), PosteriorTranslator.load(tiny_run)
    options = SearchOptions(beam_size=3, n_best=2, max_length=12)
    texts = ["A dog runs.", "", "The cat sleeps now."]
    pairs = [("A dog runs.", "Un chien court.")]
    for before, after in (
        (plain.translate(texts, options), posterior.translate(texts, options)),
        (plain.score(*zip(*pairs, strict=True)), posterior.score(*zip(*pairs, strict=True))),
    ):
        reread = PosteriorReader(plain.search.prepared)(before)
        for one, other, expected in zip(before, after, reread, strict=True):
            assert [each.text for each in one.hypotheses] == [each.text for each in other.hypotheses]
            assert [each.score for each in one.hypotheses] == [each.score for each in other.hypotheses]
            for written, read in zip(other.hypotheses, expected.hypotheses, strict=True):
                np.testing.assert_allclose(written.attention, read.attention, atol=1e-5)
    ranks = [hypothesis.attention for hypothesis in after[0].hypotheses]
    assert np.abs(ranks[0] - before[0].hypotheses[0].attention).max() > 1e-3


def test_a_stream_gives_out_what_it_has(tiny_run: Path) -> None:
    asked: list[str] = []

    def lines() -> Iterator[str]:
        for text in ("A dog runs.", "A cat runs.", "A dog sleeps."):
            asked.append(text)
            yield text

    stream = PosteriorTranslator.load(tiny_run).translate_stream(
        lines(), SearchOptions(beam_size=1, max_length=8), batch_size=1
    )
    next(stream)
    assert len(asked) == 1
