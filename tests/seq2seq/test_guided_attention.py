"""The loss that draws attention to given links: its formula, its gradient, and what it does to a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from data.errors import UserError
from seq2seq.batch_counts import attention_guide
from seq2seq.guided_attention import AttentionGuide, guided_attention_loss
from seq2seq.losses import TokenCrossEntropy
from seq2seq.model import Seq2SeqModel
from tests.repetitions import rest_slow
from tests.seq2seq.tiny_network import DROPOUT, dtype_policy, source_batch, target_batch, tiny_model
from tests.seq2seq.tiny_training import (
    EVERYTHING_ON,
    assert_same_training,
    metric_columns,
    tiny_training,
    train_here,
)


def links(*, seed: int = 5) -> np.ndarray:
    """(3, 4, 5): where attention should be in `source_batch` and `target_batch`; some rows say nothing."""
    target = np.random.default_rng(seed).dirichlet(np.ones(5), size=(3, 4))
    target *= (source_batch() != 0)[:, None, :]
    target /= target.sum(axis=2, keepdims=True)
    target[0, 3] = target[1, 1] = target[2, 2:] = 0
    return target.astype(np.float32)


def guided_model(guide: AttentionGuide | None, **options: Any) -> Seq2SeqModel:
    model = tiny_model(**options)
    model.guide = guide
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=TokenCrossEntropy(0.1))
    return model


def gradients_of(compute: Callable[[], Any], variables: list[Any]) -> list[Any]:
    with tf.GradientTape() as tape:
        loss = compute()
    return [tf.convert_to_tensor(each) for each in tape.gradient(loss, variables)]


def in_a_graph(compute: Callable[[], list[Any]]) -> list[np.ndarray]:
    """As a training computes it, and sooner than step by step."""
    return [each.numpy() for each in tf.function(compute)()]


def is_behind_attention(path: str) -> bool:
    """Variables that the attention weights do not depend on."""
    return any(part in path for part in ("readout", "output"))


def loss_of(model: Seq2SeqModel, target_attention: np.ndarray) -> Any:
    target = target_batch()
    outputs = np.concatenate([target[:, 1:], np.zeros((3, 1), np.int32)], axis=1)
    inputs = (source_batch(), target, target_attention)
    y_pred = model(inputs, training=True)
    return model.compute_loss(inputs, tf.constant(outputs), y_pred, training=True)


def test_the_loss_is_the_formula() -> None:
    weights = np.random.default_rng(1).dirichlet(np.ones(5), size=(3, 4))
    target = links().astype(np.float64)
    total, rows = guided_attention_loss(target, tf.constant(weights))
    by_row = [
        -sum(a * np.log(w) for a, w in zip(given, row, strict=True))
        for given, row in zip(target.reshape(-1, 5), weights.reshape(-1, 5), strict=True)
        if given.any()
    ]
    assert float(rows) == pytest.approx(len(by_row))
    assert float(total) == pytest.approx(sum(by_row))


def test_attention_that_has_run_out_of_float32_gives_a_finite_loss() -> None:
    weights = tf.constant([[[1.0, 0.0]]])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        total, _ = guided_attention_loss(np.array([[[0.0, 1.0]]], np.float32), weights)
    assert np.isfinite(float(total))
    assert float(total) > 20
    assert np.isfinite(tape.gradient(total, weights).numpy()).all()


def test_the_weight_falls_in_a_straight_line_to_zero() -> None:
    guide = AttentionGuide(0.8, decay_steps=10)
    assert [float(guide.weight(step)) for step in (0, 5, 10, 25)] == pytest.approx([0.8, 0.4, 0, 0])
    assert float(AttentionGuide(0.8).weight(1000)) == pytest.approx(0.8)


@pytest.mark.parametrize("implementation", rest_slow(["fast", "plain"]))
@pytest.mark.parametrize("conditional", [False, True])
def test_gradient_against_finite_differences(implementation: str, conditional: bool) -> None:
    """In float64, with dropout on the weights, through every variable that attention depends on."""
    with dtype_policy("float64"):
        options = {"conditional_gru": conditional, "implementation": implementation}
        model = guided_model(AttentionGuide(3.0), **options)
        target = links().astype(np.float64)
        # Cross-entropy reaches the readout, too, but is float32 in the plain implementation.
        variables = [each for each in model.trainable_variables if not is_behind_attention(each.path)]

        def guiding_loss() -> Any:
            weights = model((source_batch(), target_batch(), target), training=True)["attention_weights"]
            assert model.guide is not None
            return model.guide.loss([(target, weights)], 0)

        gradients = in_a_graph(lambda: gradients_of(guiding_loss, variables))
        random = np.random.default_rng(3)
        checked = 0
        value = tf.function(guiding_loss)
        for variable, gradient in zip(variables, gradients, strict=True):
            direction = random.normal(size=variable.shape)
            before = variable.numpy()
            sides = []
            for step in (1e-5, -1e-5):
                variable.assign(before + step * direction)
                sides.append(float(value()))
            variable.assign(before)
            slope = float(np.sum(gradient * direction))
            assert slope == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-6, abs=1e-9), variable.path
            assert slope != 0, variable.path
            checked += "attention" in variable.path
        assert checked >= 4


def test_both_implementations_have_the_same_gradient_with_dropout() -> None:
    gradients = []
    with dtype_policy("float64"):
        for implementation in ("fast", "plain"):
            model = guided_model(AttentionGuide(2.0), implementation=implementation, seed=4, **DROPOUT)
            gradients.append(
                in_a_graph(
                    lambda model=model: gradients_of(
                        lambda: loss_of(model, links()), model.trainable_variables
                    )
                )
            )
    for fast, plain in zip(*gradients, strict=True):
        # Cross-entropy is computed in float32 in the plain implementation.
        np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-7)


def test_the_loss_is_added_with_its_weight_and_kept_as_a_metric_of_its_own() -> None:
    without, guided_one = guided_model(None), guided_model(AttentionGuide(0.5))
    plain = float(tf.function(loss_of)(without, links()))
    guide = guided_one.guide
    assert guide is not None
    guided = float(tf.function(loss_of)(guided_one, links()))
    assert guided == pytest.approx(plain + 0.5 * float(guide.metric.result()), rel=1e-5)
    assert float(guide.metric.result()) > 0.1


def test_validation_is_not_guided() -> None:
    model = guided_model(AttentionGuide(5.0))
    target = target_batch()
    inputs = (source_batch(), target)
    loss = model.compute_loss(inputs, tf.constant(target), model(inputs), training=False)
    assert float(loss) == pytest.approx(float(TokenCrossEntropy(0.1)(target, model(inputs)["logits"])))


def test_attention_moves_to_the_given_links() -> None:
    """Links that no translation would ask for: the source backwards, whatever the words are."""
    model = guided_model(AttentionGuide(1.0), weights_seed=None, attention_units=16, decoder_units=16, seed=1)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=TokenCrossEntropy())
    random = np.random.default_rng(0)
    vocabulary = model.arguments["target_vocabulary_size"]
    source = random.integers(4, vocabulary, (256, 5)).astype(np.int32)
    outputs = random.integers(4, vocabulary, (256, 5)).astype(np.int32)
    inputs = np.concatenate([np.full((256, 1), 1, np.int32), outputs[:, :-1]], axis=1)
    backwards = np.tile(np.eye(5, dtype=np.float32)[::-1], (256, 1, 1))
    before = model((source, inputs))["attention_weights"].numpy()
    model.fit((source, inputs, backwards), outputs, epochs=30, batch_size=64, verbose=0)
    after = model((source, inputs))["attention_weights"].numpy()
    looked_right = (after.argmax(axis=2) == [4, 3, 2, 1, 0]).mean()
    assert (before.argmax(axis=2) == [4, 3, 2, 1, 0]).mean() < 0.5
    assert looked_right > 0.9


GUIDED: dict[str, Any] = {"guided_attention": {"weight": 0.7, "decay_epochs": 4, "unaligned": "end"}}


@pytest.mark.slow
def test_a_weight_of_zero_is_the_training_without(tmp_path: Path) -> None:
    off = {"guided_attention": {"weight": 0.0, "unaligned": "end"}}
    train_here(tiny_training(EVERYTHING_ON, epochs=1), tmp_path / "plain")
    train_here(tiny_training(EVERYTHING_ON, epochs=1, **off), tmp_path / "off")
    assert_same_training(tmp_path / "off", tmp_path / "plain")
    assert not (tmp_path / "off" / "data" / "alignments.npz").exists()


@pytest.mark.slow
def test_a_guided_training_resumes_bit_for_bit(tmp_path: Path) -> None:
    """With subword sampling and every dropout: the alignments come from the run's directory again."""
    config = tiny_training(EVERYTHING_ON, epochs=2, **GUIDED)
    train_here(config, tmp_path / "whole")
    train_here(tiny_training(EVERYTHING_ON, epochs=1, **GUIDED), tmp_path / "cut")
    alignments = tmp_path / "cut" / "data" / "alignments.npz"
    first = alignments.stat().st_mtime_ns
    train_here(config, tmp_path / "cut", resume=True)
    assert alignments.stat().st_mtime_ns == first
    assert_same_training(tmp_path / "cut", tmp_path / "whole")
    rows = metric_columns(tmp_path / "whole")
    assert [float(row["guided_attention"]) > 0 for row in rows] == [True, True]


@pytest.mark.slow
def test_other_alignments_end_a_resumption(tmp_path: Path) -> None:
    train_here(tiny_training(epochs=1, **GUIDED), tmp_path / "run")
    path = tmp_path / "run" / "data" / "alignments.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["link_sources"][:] = 0
    np.savez(path, **arrays)
    with pytest.raises(UserError, match="alignments that guide its attention"):
        train_here(tiny_training(epochs=2, **GUIDED), tmp_path / "run", resume=True)


def test_alignments_from_a_file(tmp_path: Path) -> None:
    """A line for each pair of the corpus, also for those that cleaning leaves out."""
    corpus = {"kind": "text", "train": {}, "validation": {}}
    sides = {"source": ["a b c", "", "d e", "f g h"], "target": ["A B C", "X", "D E", "F G H"]}
    for name, lines in sides.items():
        lines = lines[:1] + lines[1:2] + lines[2:] + [f"{'ghijk'[i % 5]} lmn {i}" for i in range(40)]
        path = tmp_path / f"{name}.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        corpus["train"][name] = corpus["validation"][name] = str(path)  # type: ignore[index]
    pharaoh = tmp_path / "train.align"
    pharaoh.write_text("0-0 1-1 2-2\n\n0-1 1-0\n0-2\n" + "0-0\n" * 40, encoding="utf-8")
    data = {
        "data": {
            **{"source_language": "en", "target_language": "xx", "corpus": corpus},
            "cleaning": {"drop_identical": False},
        }
    }
    settings = {"guided_attention": {"weight": 1.0, "alignments": str(pharaoh), "word_mode": "whitespace"}}
    train_here(tiny_training(data, **settings), tmp_path / "run")
    with np.load(tmp_path / "run" / "data" / "alignments.npz") as file:
        assert file["link_sources_lengths"][:3].tolist() == [3, 2, 1]
        assert file["link_sources"][:6].tolist() == [0, 1, 2, 0, 1, 0]
        assert file["link_targets"][:6].tolist() == [0, 1, 2, 1, 0, 2]
        assert len(file["is_known"]) == 43
    pharaoh.write_text("0-0\n" * 43, encoding="utf-8")
    with pytest.raises(UserError, match="43 lines, but the training split has 44 pairs"):
        train_here(tiny_training(data, **settings), tmp_path / "short")
    pharaoh.write_text("0-7\n" * 44, encoding="utf-8")
    with pytest.raises(UserError, match="names a word that is not there"):
        train_here(tiny_training(data, **settings), tmp_path / "outside")


def test_decay_needs_a_known_number_of_batches() -> None:
    config = tiny_training(**GUIDED)
    assert attention_guide(tiny_training(), [10]) is None
    with pytest.raises(UserError, match="decay_epochs needs to know the number of batches"):
        attention_guide(config, None)
    guide = attention_guide(config, [10] * 4)
    assert guide is not None
    assert float(guide.weight(20)) == pytest.approx(0.35)
    # Keras counts updates, and two batches make one.
    guide = attention_guide(tiny_training(gradient_accumulation=2, **GUIDED), [10] * 4)
    assert guide is not None
    assert float(guide.weight(10)) == pytest.approx(0.35)


@pytest.mark.parametrize(("counts", "updates"), [([10, 10, 4, 4, 4], 28), ([10, 4], 22)])
def test_the_weight_falls_to_zero_over_epochs_of_whatever_size(counts: list[int], updates: int) -> None:
    guide = attention_guide(tiny_training(**GUIDED), counts)
    assert guide is not None
    assert float(guide.weight(updates / 2)) == pytest.approx(0.35)
    assert float(guide.weight(updates)) == 0
