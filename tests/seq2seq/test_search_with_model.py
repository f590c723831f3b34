"""The search with the real network: its protocol, and teacher forcing as the judge of every number."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.model import Seq2SeqModel
from seq2seq.search import Search, SearchOptions

BOS, EOS = 1, 2
SOURCES = [[7, 12, 30, 8, EOS], [9, EOS], [22, 11, 5, 33, 18, 6, EOS]]


def tiny_model(seed: int, **more) -> Seq2SeqModel:
    model = Seq2SeqModel(
        40,
        25,
        embedding_units=8,
        encoder_units=5,
        decoder_units=7,
        attention_units=6,
        readout_units=8,
        seed=seed,
        **more,
    )
    model.build()
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" not in weight.path:  # wilder than a fresh initialisation, so that hypotheses differ
            weight.assign(random.normal(size=weight.shape) * 0.7)
    return model


def teacher_forcing(model: Seq2SeqModel, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-probability of each token and attention of its step, all steps at once; tokens (batch, length)."""
    source = np.zeros((len(SOURCES), max(map(len, SOURCES))), np.int32)
    for row, values in enumerate(SOURCES):
        source[row, : len(values)] = values
    inputs = np.concatenate([np.full((len(tokens), 1), BOS), tokens[:, :-1]], axis=1).astype(np.int32)
    output = model((source, inputs), training=False)
    logits = np.asarray(output["logits"], np.float64)
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    chosen = np.take_along_axis(log_probabilities, tokens[..., None], axis=-1)[..., 0]
    return chosen, np.asarray(output["attention_weights"])


@pytest.mark.parametrize(
    ("conditional_gru", "options"),
    [
        (False, SearchOptions(beam_size=1)),
        (False, SearchOptions(beam_size=4, n_best=4, max_length=9)),
        (True, SearchOptions(beam_size=4, n_best=4, max_length=9)),
        (False, SearchOptions(sampling=True, n_best=3, max_length=9)),
    ],
    ids=["greedy", "beam", "beam, conditional", "sampling"],
)
def test_every_hypothesis_has_the_numbers_of_teacher_forcing(conditional_gru, options):
    model = tiny_model(1, conditional_gru=conditional_gru)
    search = Search([model], options)
    result = search.search(SOURCES, forced_prefix=[[], [6, 9], [7]])
    for place in range(options.n_best):
        tokens = result.tokens[:, place]
        log_probabilities, attention_weights = teacher_forcing(model, tokens)
        is_real = np.arange(tokens.shape[1]) < result.lengths[:, place, None]
        expected = np.where(is_real, log_probabilities, 0.0)
        np.testing.assert_allclose(result.token_log_probabilities[:, place], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result.log_probability[:, place], expected.sum(1), rtol=1e-4)
        expected = np.where(is_real[..., None], attention_weights, 0.0)
        np.testing.assert_allclose(result.attention_weights[:, place], expected, atol=1e-5)
        scored = search.score(SOURCES, tokens)
        np.testing.assert_allclose(scored.score[:, 0], result.score[:, place], rtol=1e-4)


def test_an_ensemble_of_different_networks():
    models = [tiny_model(1), tiny_model(2, conditional_gru=True)]
    result = Search(models, SearchOptions(beam_size=3, n_best=3, max_length=8)).search(SOURCES)
    for place in range(3):
        tokens = result.tokens[:, place]
        (one, one_attention), (other, other_attention) = (teacher_forcing(model, tokens) for model in models)
        is_real = np.arange(tokens.shape[1]) < result.lengths[:, place, None]
        expected = np.where(is_real, np.log((np.exp(one) + np.exp(other)) / 2), 0.0)
        np.testing.assert_allclose(result.token_log_probabilities[:, place], expected, rtol=1e-4, atol=1e-5)
        expected = np.where(is_real[..., None], (one_attention + other_attention) / 2, 0.0)
        np.testing.assert_allclose(result.attention_weights[:, place], expected, atol=1e-5)
