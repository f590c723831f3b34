"""Loss and metrics: Keras' and numpy's values on real tokens, and nothing from pads."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.losses import Perplexity, TokenAccuracy, TokenCrossEntropy, token_cross_entropy
from tests.seq2seq.tiny_network import sentences

VOCABULARY = 9
smoothings = pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])


def batch(*lengths: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    tokens = sentences(*lengths, vocabulary_size=VOCABULARY, seed=seed)
    logits = 2 * np.random.default_rng(seed).normal(size=(*tokens.shape, VOCABULARY))
    return tokens, logits.astype(np.float32)


def reference(tokens: np.ndarray, logits: np.ndarray, smoothing: float) -> np.ndarray:
    """-sum_v q_v log p_v at each real token, in float64."""
    logits = logits.astype(np.float64)
    log_p = logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
    q = (1 - smoothing) * np.eye(VOCABULARY)[tokens] + smoothing / VOCABULARY
    return -np.sum(q * log_p, axis=-1) * (tokens != 0)


@smoothings
def test_each_token_costs_what_the_definition_says(smoothing):
    tokens, logits = batch(5, 3, 1)
    losses = token_cross_entropy(tokens, logits, smoothing)
    assert losses.dtype == tf.float32
    np.testing.assert_allclose(losses, reference(tokens, logits, smoothing), rtol=1e-5, atol=1e-6)
    assert not np.any(losses.numpy()[tokens == 0])


@smoothings
def test_the_loss_of_real_tokens_is_keras_categorical_cross_entropy(smoothing):
    tokens, logits = batch(5, 3, 1)
    real = tokens != 0
    keras_loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    expected = keras_loss(np.eye(VOCABULARY, dtype=np.float32)[tokens[real]], logits[real])
    assert float(TokenCrossEntropy(smoothing)(tokens, logits)) == pytest.approx(float(expected), rel=1e-5)


@smoothings
def test_gradients_are_those_of_the_real_tokens_alone(smoothing):
    tokens, logits = batch(5, 3, 1)
    watched = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        loss = TokenCrossEntropy(smoothing)(tokens, watched)
    probabilities = np.exp(logits) / np.sum(np.exp(logits), axis=-1, keepdims=True)
    q = (1 - smoothing) * np.eye(VOCABULARY)[tokens] + smoothing / VOCABULARY
    real = (tokens != 0)[..., None]
    expected = (probabilities - q) * real / np.sum(real)
    np.testing.assert_allclose(tape.gradient(loss, watched), expected, atol=1e-6)


def test_pads_change_neither_loss_nor_metrics():
    tokens, logits = batch(4, 2)
    wider = np.pad(tokens, ((0, 1), (0, 3)))
    wider_logits = np.full((*wider.shape, VOCABULARY), 50.0, np.float32)
    wider_logits[:2, :4] = logits
    wider_logits[..., 0] += 7.0  # an argmax of 0 at a pad is no hit
    wider_logits[:2, :4, 0] -= 7.0
    for measure in (TokenCrossEntropy(0.1), Perplexity(), TokenAccuracy()):
        value = float(measure(tokens, logits))
        assert float(type(measure)(**_smoothing(measure))(wider, wider_logits)) == pytest.approx(
            value, rel=1e-6
        )


def _smoothing(measure) -> dict:
    return {"label_smoothing": 0.1} if isinstance(measure, TokenCrossEntropy) else {}


def test_a_batch_of_pads_costs_nothing():
    tokens, logits = np.zeros((2, 3), np.int32), np.ones((2, 3, VOCABULARY), np.float32)
    assert float(TokenCrossEntropy(0.1)(tokens, logits)) == 0.0
    assert float(TokenAccuracy()(tokens, logits)) == 0.0


def test_perplexity_and_accuracy_weigh_tokens_not_batches():
    batches = [batch(6, 5, 6, seed=1), batch(1, seed=2), batch(2, 3, seed=3)]
    perplexity, accuracy = Perplexity(), TokenAccuracy()
    for tokens, logits in batches:
        logits[..., 4] += 2.0  # right about some tokens
        perplexity.update_state(tokens, logits)
        accuracy.update_state(tokens, logits)
    losses = np.concatenate([reference(t, x, 0.0)[t != 0] for t, x in batches])
    hits = np.concatenate([(np.argmax(x, axis=-1) == t)[t != 0] for t, x in batches])
    assert 0 < np.mean(hits) < 1
    assert float(perplexity.result()) == pytest.approx(np.exp(np.mean(losses)), rel=1e-5)
    assert float(accuracy.result()) == pytest.approx(np.mean(hits), rel=1e-6)
    of_batches = np.exp(np.mean([np.mean(reference(t, x, 0.0)[t != 0]) for t, x in batches]))
    assert float(perplexity.result()) != pytest.approx(of_batches, rel=1e-2)
    perplexity.reset_state()
    perplexity.update_state(*batches[1])
    assert float(perplexity.result()) == pytest.approx(np.exp(np.mean(reference(*batches[1], 0.0))), rel=1e-5)


def test_perplexity_knows_no_smoothing_and_a_guess_has_that_of_the_vocabulary():
    tokens, logits = batch(5, 3)
    assert float(Perplexity()(tokens, np.zeros_like(logits))) == pytest.approx(VOCABULARY, rel=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_logits_of_half_precision_are_summed_in_float32(dtype):
    tokens, logits = batch(5, 3)
    half = tf.cast(logits, dtype)
    expected = TokenCrossEntropy(0.1)(tokens, tf.cast(half, "float32"))
    loss = TokenCrossEntropy(0.1)(tokens, half)
    assert loss.dtype == tf.float32
    assert float(loss) == float(expected)


def test_huge_logits_do_not_overflow():
    tokens = np.array([[3, 2]], np.int32)
    logits = np.zeros((1, 2, VOCABULARY), np.float32)
    logits[0, 0, 3], logits[0, 1, 3] = 1e4, 1e4
    np.testing.assert_allclose(token_cross_entropy(tokens, logits), [[0.0, 1e4]], rtol=1e-6)


@pytest.mark.parametrize(
    "measure", [TokenCrossEntropy(0.3), Perplexity(), TokenAccuracy()], ids=lambda m: m.name
)
def test_config_round_trip(measure):
    again = type(measure).from_config(measure.get_config())
    assert again.get_config() == measure.get_config()
    tokens, logits = batch(3, 2)
    assert float(again(tokens, logits)) == float(measure(tokens, logits))


@pytest.mark.parametrize(
    "measure", [TokenCrossEntropy(), Perplexity(), TokenAccuracy()], ids=lambda m: m.name
)
def test_sample_weights_are_refused_not_ignored(measure):
    with pytest.raises(ValueError, match="sample_weight"):
        measure(*batch(3, 2), sample_weight=np.ones(2))
