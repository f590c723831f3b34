"""Output layer and loss in one, against the logits and the loss one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq import output_loss
from seq2seq.losses import Perplexity, TokenAccuracy, TokenCrossEntropy
from tests.seq2seq.gradient_checks import assert_same
from tests.seq2seq.three_updates import assert_same_fit, fitted
from tests.seq2seq.tiny_network import TWO_AND_TWO_SLOW

ROWS, UNITS, VOCABULARY = 7, 3, 5
TOKENS = tf.constant([3, 0, 1, 4, 4, 0, 2])


def random_tensor(*shape: int, seed: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


@pytest.fixture(params=[1, 2, 3, 7, 100], ids=lambda rows: f"{rows} rows at a time")
def rows_at_a_time(request, monkeypatch):
    monkeypatch.setattr(output_loss, "MAX_LOGITS_BYTES", request.param * VOCABULARY * 8)


@pytest.mark.usefixtures("rows_at_a_time")
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@pytest.mark.parametrize("transpose", [False, True])
def test_loss_and_gradients_are_those_of_logits(label_smoothing, transpose):
    hidden, bias = random_tensor(ROWS, UNITS, seed=1), random_tensor(VOCABULARY, seed=2)
    kernel = random_tensor(*((VOCABULARY, UNITS) if transpose else (UNITS, VOCABULARY)), seed=3)
    split = ROWS // 3  # two parts of a batch

    def at_once():
        logits = tf.matmul(hidden, kernel, transpose_b=transpose) + bias
        return TokenCrossEntropy(label_smoothing)(TOKENS, logits)

    def in_one():
        return output_loss.output_losses(
            [hidden[:split], hidden[split:]],
            kernel,
            bias,
            [TOKENS[:split], TOKENS[split:]],
            label_smoothing,
            transpose_kernel=transpose,
        ).loss

    # The first checks are of a form with random factors, so that the gradient that arrives is not 1.
    assert_same(in_one, at_once, [hidden, kernel, bias], rtol=1e-4, atol=1e-6)
    gradients = []
    for compute in (in_one, at_once):
        with tf.GradientTape() as tape:
            tape.watch([hidden, kernel, bias])
            loss = compute()
        gradients.append(tape.gradient(loss, [hidden, kernel, bias]))
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)  # the reference is float32


@pytest.mark.usefixtures("rows_at_a_time")
def test_what_metrics_are_made_from():
    hidden, kernel = random_tensor(ROWS, UNITS, seed=1), random_tensor(UNITS, VOCABULARY, seed=3)
    bias = random_tensor(VOCABULARY, seed=2)
    logits = hidden @ kernel + bias
    losses = output_loss.output_losses([hidden], kernel, bias, [TOKENS], 0.3, transpose_kernel=False)
    for metric_class in (Perplexity, TokenAccuracy):
        from_logits, from_losses = metric_class(), metric_class()
        from_logits.update_state(TOKENS, logits)
        from_losses.update_from(TOKENS, losses)
        assert float(from_losses.result()) == pytest.approx(float(from_logits.result()), rel=1e-6)
    correct = np.where(TOKENS != 0, np.argmax(logits, -1) == TOKENS, False)
    assert 0 < correct.sum() < ROWS
    np.testing.assert_array_equal(losses.is_correct, correct)


def test_a_batch_of_pads_costs_nothing():
    hidden, kernel = random_tensor(ROWS, UNITS, seed=1), random_tensor(UNITS, VOCABULARY, seed=3)
    with tf.GradientTape() as tape:
        tape.watch([hidden, kernel])
        losses = output_loss.output_losses(
            [hidden],
            kernel,
            random_tensor(VOCABULARY, seed=2),
            [tf.zeros_like(TOKENS)],
            0.1,
            transpose_kernel=False,
        )
    assert float(losses.loss) == 0
    for gradient in tape.gradient(losses.loss, [hidden, kernel]):
        np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))


@pytest.mark.parametrize("options", TWO_AND_TWO_SLOW)
def test_training_and_metrics_are_the_same_in_both_implementations(options):
    fast, plain = (fitted(**options, implementation=each) for each in ("fast", "plain"))
    assert_same_fit(fast, plain)
