"""R-Drop: its loss against its definition, gradients against TensorFlow's, and what a training gains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq import output_loss
from seq2seq.consistency import consistency_loss, pass_by_pass, twice
from seq2seq.losses import Perplexity, TokenCrossEntropy
from tests.seq2seq.gradient_checks import assert_same
from tests.seq2seq.three_updates import assert_same_fit, fitted
from tests.seq2seq.tiny_network import DROPOUT, SIZES, source_batch, target_batch, tiny_model
from tests.seq2seq.tiny_training import (
    EVERYTHING_ON,
    assert_same_training,
    metric_columns,
    tiny_training,
    train_here,
)

SENTENCES, STEPS, UNITS, VOCABULARY = 2, 3, 4, 5
TOKENS = np.array([[3, 1, 0], [4, 4, 2]], np.int32)  # 0 = pad


def random_array(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def expected_consistency(logits: np.ndarray) -> float:
    """Equation 2 of the paper, token by token; logits (2 * sentences, steps, vocabulary)."""
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    values = []
    for sentence, step in np.argwhere(TOKENS != 0):
        one, other = probabilities[2 * sentence, step], probabilities[2 * sentence + 1, step]
        values.append(0.5 * (one @ np.log(one / other) + other @ np.log(other / one)))
    return float(np.mean(values))


def test_the_loss_is_the_mean_of_both_divergences() -> None:
    logits = random_array(2 * SENTENCES, STEPS, VOCABULARY, seed=1)
    real = (np.repeat(TOKENS, 2, axis=0) != 0).astype(float)
    expected = expected_consistency(logits)
    assert expected > 0.1
    assert float(consistency_loss(tf.constant(logits), tf.constant(real))) == pytest.approx(expected)


def test_passes_that_agree_cost_nothing() -> None:
    logits = twice(tf.constant(random_array(SENTENCES, STEPS, VOCABULARY, seed=1)))
    real = tf.ones((2 * SENTENCES, STEPS), tf.float64)
    assert float(consistency_loss(logits, real)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("rows_at_a_time", [1, 2, 5, 100])
@pytest.mark.parametrize("transpose", [False, True])
def test_the_fast_loss_and_its_gradients(
    rows_at_a_time: int, transpose: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_loss, "MAX_LOGITS_BYTES", rows_at_a_time * VOCABULARY * 8)
    readout = tf.constant(random_array(2 * SENTENCES, STEPS, UNITS, seed=1))
    kernel = tf.constant(random_array(*((VOCABULARY, UNITS) if transpose else (UNITS, VOCABULARY)), seed=2))
    bias = tf.constant(random_array(VOCABULARY, seed=3))
    tokens = twice(tf.constant(TOKENS))

    def at_once():
        logits = tf.einsum("stu,vu->stv" if transpose else "stu,uv->stv", readout, kernel) + bias
        real = tf.cast(tokens != 0, tf.float64)
        smoothed = -0.9 * tf.gather(tf.nn.log_softmax(logits), tokens, batch_dims=2)
        smoothed -= 0.1 * tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
        cross_entropy = tf.reduce_sum(smoothed * real) / tf.reduce_sum(real)
        return cross_entropy + 1.5 * consistency_loss(logits, real)

    def in_one():
        losses = output_loss.output_losses(
            [pass_by_pass(readout)],
            kernel,
            bias,
            [tf.reshape(pass_by_pass(tokens[..., None]), (-1,))],
            0.1,
            transpose_kernel=transpose,
            r_drop=1.5,
        )
        return losses.loss

    assert_same(in_one, at_once, [readout, kernel, bias], rtol=1e-8, atol=1e-10)


CONDITIONAL = {"conditional_gru": True, "seed": 1}


def test_training_and_metrics_are_the_same_in_both_implementations() -> None:
    fast, plain = (
        fitted(r_drop=1.5, implementation=each, **CONDITIONAL, **DROPOUT) for each in ("fast", "plain")
    )
    assert_same_fit(fast, plain)


@pytest.mark.slow
def test_without_dropout_it_is_a_training_without() -> None:
    """Both passes are then the same: nothing to agree on, and every token counted twice is every token."""
    assert_same_fit(fitted(r_drop=1.5, **CONDITIONAL), fitted(**CONDITIONAL))


def test_its_loss_is_added_with_its_weight() -> None:
    """One batch, the same masks: what the weight adds is a multiple of the same disagreement."""
    source, target = source_batch(), target_batch()
    losses = []
    for r_drop in (1e-9, 1.0, 3.0):
        model = tiny_model(**DROPOUT, seed=1)
        model.r_drop = r_drop
        model.compile(loss=TokenCrossEntropy(0.1), jit_compile=False)
        outputs = model((source, target), training=True)
        assert outputs["logits"].shape == (2 * len(source), target.shape[1], SIZES["target_vocabulary_size"])
        losses.append(float(model.compute_loss((source, target), tf.constant(target), outputs)))
    assert losses[1] - losses[0] > 1e-3
    assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-3)


def test_inference_and_validation_see_every_sentence_once() -> None:
    source, target = source_batch(), target_batch()
    model = tiny_model(**DROPOUT, seed=1)
    plain = model((source, target))
    model.r_drop = 1.0
    np.testing.assert_array_equal(model((source, target))["logits"], plain["logits"])
    model.compile(loss=TokenCrossEntropy(), metrics=[Perplexity()], jit_compile=False)
    result = model.evaluate((source, target), target, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(np.log(result["perplexity"]), rel=1e-5)


@pytest.mark.slow
def test_before_its_epoch_a_training_is_one_without_it(tmp_path: Path) -> None:
    late = tiny_training(epochs=2, r_drop=1.0, r_drop_from_epoch=2)
    train_here(late, tmp_path / "late")
    train_here(tiny_training(epochs=2), tmp_path / "without")
    late_rows, rows = metric_columns(tmp_path / "late"), metric_columns(tmp_path / "without")
    assert late_rows[0] == rows[0]
    assert late_rows[1]["loss"] != rows[1]["loss"]


@pytest.mark.slow
@pytest.mark.parametrize("first_epoch", [1, 2])
def test_a_training_with_it_resumes_bit_for_bit(tmp_path: Path, first_epoch: int) -> None:
    """With guided attention, whose alignments have to be there twice as well."""
    options = {"r_drop": 1.0, "r_drop_from_epoch": first_epoch, "guided_attention": {"weight": 0.5}}
    config = tiny_training(EVERYTHING_ON, epochs=2, **options)
    train_here(config, tmp_path / "whole")
    train_here(tiny_training(EVERYTHING_ON, epochs=1, **options), tmp_path / "cut")
    train_here(config, tmp_path / "cut", resume=True)
    assert_same_training(tmp_path / "cut", tmp_path / "whole")
    without = tiny_training(EVERYTHING_ON, epochs=1, guided_attention={"weight": 0.5})
    train_here(without, tmp_path / "without")
    with_it = metric_columns(tmp_path / "whole")[0]
    assert (with_it["loss"] != metric_columns(tmp_path / "without")[0]["loss"]) == (first_epoch == 1)
