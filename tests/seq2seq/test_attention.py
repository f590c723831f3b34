"""Additive attention: the paper's equations, and the promises of the layer around them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.additive_attention import masked_softmax
from seq2seq.attention import BahdanauAttention
from tests.seq2seq.gradient_checks import assert_same, values_and_gradients
from tests.seq2seq.network_equations import Equations
from tests.seq2seq.tiny_network import dtype_policy, randomize

pytestmark = pytest.mark.usefixtures("float64")

MASK = np.array([[True] * 5, [True, True, True, False, False], [True, False, False, False, False]])
QUERY_UNITS, MEMORY_UNITS, UNITS = 4, 6, 7


def random_tensor(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def built_attention(**arguments) -> BahdanauAttention:
    attention = BahdanauAttention(UNITS, **arguments)
    attention.build((None, QUERY_UNITS), (None, None, MEMORY_UNITS))
    randomize(attention, 1)
    return attention


def query_and_memory() -> tuple[tf.Tensor, tf.Tensor]:
    return random_tensor(3, QUERY_UNITS, seed=1), random_tensor(3, 5, MEMORY_UNITS, seed=2)


def by_the_paper(attention, query, memory, mask, *, differentiable: bool = False):
    """One sentence at a time, on its real positions alone."""
    equations = Equations(differentiable)
    contexts, weights = [], []
    for row in range(len(mask)):
        length = int(mask[row].sum())
        context, real = equations.attend(attention, query[row], [memory[row, j] for j in range(length)])
        contexts.append(context)
        weights.append(equations.np.concatenate([real, np.zeros(mask.shape[1] - length)]))
    return equations.np.stack(contexts), equations.np.stack(weights)


def test_context_and_weights_are_the_papers():
    attention, (query, memory) = built_attention(), query_and_memory()
    context, weights = attention(query, memory, source_mask=MASK)
    expected_context, expected_weights = by_the_paper(attention, query.numpy(), memory.numpy(), MASK)
    np.testing.assert_allclose(context, expected_context, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-12, atol=1e-14)


def test_all_gradients_are_the_papers():
    attention, (query, memory) = built_attention(), query_and_memory()
    assert_same(
        lambda: attention(query, memory, source_mask=MASK),
        lambda: by_the_paper(attention, query, memory, MASK, differentiable=True),
        [*attention.trainable_variables, query, memory],
    )


def test_the_gradient_of_the_query_is_the_slope_of_the_function():
    attention, (query, memory) = built_attention(), query_and_memory()
    compute = lambda query: attention(query, memory, source_mask=MASK)[0]  # noqa: E731
    _, (gradient,) = values_and_gradients(lambda: compute(query), [query])
    form = np.random.default_rng(7).normal(size=(3, MEMORY_UNITS))
    direction = random_tensor(*query.shape, seed=5)
    ahead, behind = (np.sum(form * compute(query + step * direction).numpy()) for step in (1e-5, -1e-5))
    assert np.sum(gradient * direction) == pytest.approx((ahead - behind) / 2e-5, rel=1e-7)


def test_several_queries_are_each_answered_as_if_alone():
    attention, (_, memory) = built_attention(), query_and_memory()
    queries = random_tensor(3, 2, QUERY_UNITS, seed=3)

    def one_by_one():
        answers = [attention(queries[:, i], memory, source_mask=MASK) for i in range(2)]
        return [tf.stack(each, axis=1) for each in zip(*answers, strict=True)]

    variables = [*attention.trainable_variables, queries, memory]
    assert_same(lambda: attention(queries, memory, source_mask=MASK), one_by_one, variables)


def test_with_identity_projections_it_is_keras_additive_attention():
    units = 6
    attention = BahdanauAttention(units)
    queries, memory = random_tensor(3, 2, units, seed=1), random_tensor(3, 5, units, seed=2)
    attention.build(queries.shape, memory.shape)
    scale = random_tensor(units, seed=3)
    attention.query_kernel.assign(np.eye(units))
    attention.memory_kernel.assign(np.eye(units))
    attention.score_vector.assign(scale)
    keras_attention = keras.layers.AdditiveAttention()
    keras_attention.build([queries.shape, memory.shape])
    keras_attention.scale.assign(scale)
    context, weights = attention(queries, memory, source_mask=MASK)
    expected_context, expected_weights = keras_attention(
        [queries, memory], mask=[None, tf.constant(MASK)], return_attention_scores=True
    )
    np.testing.assert_allclose(context, expected_context, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-12, atol=1e-14)


def test_a_projection_computed_beforehand_changes_nothing():
    attention, (query, memory) = built_attention(), query_and_memory()
    assert_same(
        lambda: attention(query, memory, attention.project_memory(memory), MASK),
        lambda: attention(query, memory, source_mask=MASK),
        [*attention.trainable_variables, query, memory],
    )


@pytest.mark.parametrize("shape", [(3, QUERY_UNITS), (3, 2, QUERY_UNITS)], ids=["one query", "two queries"])
def test_a_row_without_a_real_position_is_zero_and_has_gradients(shape):
    attention, memory = built_attention(), query_and_memory()[1]
    query, mask = random_tensor(*shape), MASK.copy()
    mask[1] = False
    values, gradients = values_and_gradients(
        lambda: attention(query, memory, source_mask=mask), [*attention.trainable_variables, query, memory]
    )
    for value in values:
        assert not np.any(value[1])
        assert np.all(np.any(value[[0, 2]], axis=-1))
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients)
    *_, of_query, of_memory = gradients
    assert not np.any(of_query[1])
    assert not np.any(of_memory[1])


def test_rows_sum_to_one_and_masked_positions_get_nothing():
    attention = built_attention()
    queries, memory = 50 * random_tensor(3, 2, QUERY_UNITS), 50 * query_and_memory()[1]
    for mask in (MASK, None):
        _, weights = attention(queries, memory, source_mask=mask)
        assert np.all(weights >= 0)
        np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0, rtol=1e-12)
    _, weights = attention(queries, memory, source_mask=MASK)
    assert not np.any(np.moveaxis(weights.numpy(), 1, -1)[~MASK])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_masked_softmax_of_huge_scores(dtype):
    scores = tf.constant([[3e4, -3e4, 0.0], [-3e4, -3e4, 3e4], [1.0, 2.0, 3.0]], dtype)
    weights = masked_softmax(scores, tf.constant([[True] * 3, [True, True, False], [False] * 3]))
    assert weights.dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(weights, [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 0]], atol=1e-6)


def test_dropout_is_for_training_and_hides_from_the_returned_weights():
    query, positions = random_tensor(3, QUERY_UNITS), 40
    # With the identity as memory the context IS the weights that were used.
    memory = tf.eye(positions, batch_shape=[3], dtype="float64")
    attention = BahdanauAttention(UNITS, dropout=0.5, seed=3)
    context, weights = attention(query, memory)
    np.testing.assert_array_equal(context, weights)
    dropped_context, returned = attention(query, memory, training=True)
    np.testing.assert_array_equal(returned, weights)
    kept = dropped_context.numpy() != 0
    assert 0.3 < np.mean(kept) < 0.7
    np.testing.assert_allclose(dropped_context.numpy()[kept], 2 * weights.numpy()[kept], rtol=1e-12)
    other_context, _ = attention(query, memory, training=True)
    assert np.any(other_context != dropped_context)


@pytest.mark.parametrize("training", [False, True])
def test_a_dropout_mask_from_outside_is_the_only_one(training):
    attention, (query, memory) = built_attention(dropout=0.5), query_and_memory()
    mask = np.random.default_rng(0).integers(0, 2, (3, 5)) * 2.0
    context, weights = attention(query, memory, dropout_mask=mask, training=training)
    expected = np.einsum("bj,bju->bu", weights.numpy() * mask, memory.numpy())
    np.testing.assert_allclose(context, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(weights, attention(query, memory)[1])


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_bfloat16", 2e-2), ("mixed_float16", 3e-3)])
@pytest.mark.parametrize("shape", [(3, QUERY_UNITS), (3, 2, QUERY_UNITS)], ids=["one query", "two queries"])
def test_half_precision(policy, tolerance, shape):
    query, memory = random_tensor(*shape), query_and_memory()[1]
    dropout_mask = 2.0 * np.random.default_rng(0).integers(0, 2, (*shape[:-1], 5))
    arguments = {"source_mask": MASK, "dropout_mask": dropout_mask}
    expected_context, expected_weights = built_attention()(query, memory, **arguments)
    with dtype_policy(policy):
        attention = built_attention(dropout=0.1)
    context, weights = attention(query, memory, **arguments)
    assert (context.dtype.name, weights.dtype) == (policy.removeprefix("mixed_"), "float32")
    np.testing.assert_allclose(weights, expected_weights, atol=tolerance)
    np.testing.assert_allclose(tf.cast(context, "float64"), expected_context, atol=5 * tolerance)
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0, atol=1e-6)
    attention(query, memory, source_mask=MASK, training=True)  # its own dropout, too


def test_config_round_trip():
    attention = BahdanauAttention(UNITS, dropout=0.25, seed=4, name="look")
    again = BahdanauAttention.from_config(attention.get_config())
    assert again.get_config() == attention.get_config()
    assert (again.units, again.dropout, again.seed, again.name) == (UNITS, 0.25, 4, "look")


@pytest.mark.parametrize("query_shape", [(QUERY_UNITS,), (None, QUERY_UNITS)], ids=["one query", "queries"])
def test_inside_a_saved_functional_model(query_shape, tmp_path):
    query = keras.Input(query_shape)
    memory, mask = keras.Input((None, MEMORY_UNITS)), keras.Input((None,), dtype="bool")
    context, weights = BahdanauAttention(UNITS)(query, memory, source_mask=mask)
    assert context.shape == (None, *query_shape[:-1], MEMORY_UNITS)
    assert weights.shape == (None, *query_shape[:-1], None)
    model = keras.Model([query, memory, mask], [context, weights])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    queries = random_tensor(3, *(2,) * (len(query_shape) - 1), QUERY_UNITS)
    inputs = [queries, query_and_memory()[1], tf.constant(MASK)]
    for one, other in zip(model(inputs), loaded(inputs), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_mask_that_a_keras_embedding_attaches_counts():
    embedding = keras.layers.Embedding(9, MEMORY_UNITS, mask_zero=True)
    attention, query = built_attention(), query_and_memory()[0]
    tokens = np.array([[3, 4, 5], [6, 7, 0], [8, 0, 0]])
    attached = attention(query, embedding(tokens))
    given = attention(query, tf.identity(embedding(tokens)), source_mask=tokens != 0)
    for one, other in zip(attached, given, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.any(attached[1].numpy()[tokens == 0])
    explicit = attention(query, embedding(tokens), source_mask=np.ones((3, 3), bool))
    assert np.all(explicit[1].numpy() > 0)


@pytest.mark.parametrize(
    ("query_shape", "memory_shape", "projected_shape", "received"),
    [
        ((3, 1, 1, 4), (3, 5, 6), None, r"query.shape=\(3, 1, 1, 4\), memory.shape=\(3, 5, 6\)"),
        ((4,), (3, 5, 6), None, r"query.shape=\(4,\)"),
        ((3, 4), (5, 6), None, r"memory.shape=\(5, 6\)"),
        ((3, 9), (3, 5, 6), None, r"queries of 4 units.*query.shape=\(3, 9\)"),
        ((3, 4), (3, 5, 9), None, r"memory of 6.*memory.shape=\(3, 5, 9\)"),
        ((3, 4), (3, 5, 6), (3, 5, 6), r"source_length, 7\).*projected_memory.shape=\(3, 5, 6\)"),
        ((3, 4), (1, 5, 6), None, r"one batch size.*query.shape=\(3, 4\), memory.shape=\(1, 5, 6\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(query_shape, memory_shape, projected_shape, received):
    projected = None if projected_shape is None else random_tensor(*projected_shape)
    with pytest.raises(ValueError, match=f"(?s){received}"):
        built_attention()(random_tensor(*query_shape), random_tensor(*memory_shape), projected)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"units": 0}, "units=0"),
        ({"units": 3, "dropout": 1.0}, "dropout=1.0"),
        ({"units": 3, "dropout": -1}, "=-1"),
    ],
)
def test_arguments_out_of_range_are_named(arguments, received):
    with pytest.raises(ValueError, match=received):
        BahdanauAttention(**arguments)


def test_memory_of_unknown_width_is_refused():
    with pytest.raises(ValueError, match=r"memory_shape=\(None, None, None\)"):
        BahdanauAttention(3).build((None, 4), (None, None, None))
