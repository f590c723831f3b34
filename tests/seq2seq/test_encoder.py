"""The encoder: Keras' bidirectional GRU as the judge, and what padding and dropout must not do."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.dropout import DropoutMasks
from seq2seq.embedding import EmbeddingDropout, TokenEmbedding
from seq2seq.encoder import BidirectionalGRU, Encoder
from tests.seq2seq.gradient_checks import assert_same
from tests.seq2seq.network_equations import RecordedMasks
from tests.seq2seq.tiny_network import randomize

pytestmark = pytest.mark.usefixtures("float64")

UNITS, INPUT_SIZE = 4, 5
MASK = np.array([[True] * 4, [True, True, False, False], [True, False, False, False]])
REAL = tf.constant(MASK[..., None], "float64")


def random_tensor(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def wild(layer):
    layer.build()
    randomize(layer, 1)
    return layer


def keras_twin(layer: BidirectionalGRU) -> keras.layers.Bidirectional:
    twin = keras.layers.Bidirectional(
        keras.layers.GRU(UNITS, return_sequences=True, return_state=True, use_cudnn=False)
    )
    twin.build((None, None, layer.input_size))
    for cell, gru in ((layer.forward_cell, twin.forward_layer), (layer.backward_cell, twin.backward_layer)):
        gru.cell.kernel.assign(cell.input_kernels[0])
        gru.cell.recurrent_kernel.assign(cell.recurrent_kernel)
        gru.cell.bias.assign(tf.stack([cell.input_bias.value, cell.recurrent_bias.value]))
    return twin


def test_both_directions_equal_keras_bidirectional_gru_with_gradients():
    layer, inputs = wild(BidirectionalGRU(UNITS, INPUT_SIZE)), random_tensor(3, 4, INPUT_SIZE)
    twin = keras_twin(layer)

    def ours():
        states, final_states = layer(inputs, MASK)
        return states * REAL, final_states

    def theirs():
        states, last_forward, last_backward = twin(inputs, mask=tf.constant(MASK))
        return states * REAL, tf.concat([last_forward, last_backward], axis=-1)

    assert_same(
        ours,
        theirs,
        [
            *(
                v
                for c in (layer.forward_cell, layer.backward_cell)
                for v in (*c.input_kernels, c.recurrent_kernel)
            ),
            inputs,
        ],
        reference_variables=[
            *(
                v
                for g in (twin.forward_layer, twin.backward_layer)
                for v in (g.cell.kernel, g.cell.recurrent_kernel)
            ),
            inputs,
        ],
    )


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("layer_normalization", [False, True])
def test_padding_has_no_influence_and_no_gradient(layers, layer_normalization):
    encoder = wild(Encoder(UNITS, INPUT_SIZE, layers, layer_normalization))
    embedded = random_tensor(3, 4, INPUT_SIZE)
    wider = tf.concat([embedded, 100 * random_tensor(3, 3, INPUT_SIZE, seed=1)], axis=1)
    with tf.GradientTape() as tape:
        tape.watch(wider)
        memory, final_states = encoder(wider, np.pad(MASK, ((0, 0), (0, 3))))
        loss = tf.reduce_sum(memory[:, :4] * REAL) + tf.reduce_sum(final_states**2)
    gradient = tape.gradient(loss, wider).numpy()
    expected_memory, expected_final = encoder(embedded, MASK)
    np.testing.assert_allclose(memory[:, :4] * REAL, expected_memory * REAL, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(final_states, expected_final, rtol=1e-12, atol=1e-14)
    assert not np.any(gradient[:, 4:])
    assert not np.any(gradient[:, :4][~MASK])
    assert np.all(np.any(gradient[:, :4][MASK], axis=-1))


def test_a_sentence_does_not_depend_on_the_others_in_its_batch():
    encoder, embedded = wild(Encoder(UNITS, INPUT_SIZE, 2, True)), random_tensor(3, 4, INPUT_SIZE)
    memory, final_states = encoder(embedded, MASK)
    for row, length in enumerate(MASK.sum(axis=1)):
        alone, final = encoder(embedded[row : row + 1, :length], np.ones((1, length), bool))
        np.testing.assert_allclose(memory[row, :length], alone[0], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(final_states[row], final[0], rtol=1e-12, atol=1e-14)


def test_each_direction_sees_its_own_side():
    layer, inputs = wild(BidirectionalGRU(UNITS, INPUT_SIZE)), random_tensor(1, 4, INPUT_SIZE)
    mask = np.ones((1, 4), bool)
    changed = inputs + tf.constant([0.0, 0.0, 1.0, 0.0], "float64")[None, :, None]
    difference = np.any(layer(inputs, mask)[0] != layer(changed, mask)[0], axis=0)
    np.testing.assert_array_equal(np.any(difference[:, :UNITS], axis=1), [False, False, True, True])
    np.testing.assert_array_equal(np.any(difference[:, UNITS:], axis=1), [True, True, True, False])


def test_a_second_layer_adds_to_the_first():
    encoder, embedded = wild(Encoder(UNITS, INPUT_SIZE, 2)), random_tensor(3, 4, INPUT_SIZE)
    below, _ = encoder.recurrent_layers[0](embedded, MASK)
    above, final_states = encoder.recurrent_layers[1](below, MASK)
    memory, final = encoder(embedded, MASK)
    np.testing.assert_allclose(memory, below + above, rtol=1e-12)
    np.testing.assert_array_equal(final, final_states)


def test_recurrent_dropout_is_one_mask_per_sentence_and_direction(monkeypatch):
    layer, inputs = (
        wild(BidirectionalGRU(4, INPUT_SIZE, recurrent_dropout=0.5, seed=1)),
        random_tensor(3, 4, INPUT_SIZE),
    )
    masks = RecordedMasks(monkeypatch)
    states, _ = layer(inputs, np.ones((3, 4), bool), training=True)
    forward_mask, backward_mask = masks.of(layer.recurrent_masks)
    assert forward_mask.shape == backward_mask.shape == (3, 4)
    assert np.any(forward_mask != backward_mask)
    for cell, kept, places, columns in (
        (layer.forward_cell, forward_mask, range(4), slice(None, 4)),
        (layer.backward_cell, backward_mask, range(3, -1, -1), slice(4, None)),
    ):
        state = tf.zeros((3, 4), "float64")
        for place in places:
            projection = cell.finish_projection(cell.project_input(inputs[:, place]))
            state = cell.step(projection, state, state * kept)
            np.testing.assert_allclose(states[:, place, columns], state, rtol=1e-12)


def test_memory_dropout_spares_the_final_states():
    encoder, embedded = (
        wild(Encoder(UNITS, INPUT_SIZE, memory_dropout=0.5, seed=1)),
        random_tensor(3, 4, INPUT_SIZE),
    )
    memory, final = encoder(embedded, MASK)
    dropped, final_in_training = encoder(embedded, MASK, training=True)
    kept = dropped.numpy() != 0
    assert 0.2 < np.mean(kept) < 0.8
    np.testing.assert_allclose(dropped.numpy()[kept], 2 * memory.numpy()[kept], rtol=1e-12)
    np.testing.assert_allclose(final_in_training, final, rtol=1e-12)


def test_dropout_masks_keep_the_mean_and_draw_afresh():
    masks = DropoutMasks(0.25, seed=1)
    mask = masks.draw((200, 50), "float64", training=True).numpy()
    np.testing.assert_allclose(np.unique(mask), [0, 1 / 0.75], rtol=1e-12)
    assert np.mean(mask == 0) == pytest.approx(0.25, abs=0.02)
    assert np.any(masks.draw((200, 50), "float64", training=True) != mask)
    assert masks.draw((2, 2), "float64", training=False) is None
    assert DropoutMasks(0.0).draw((2, 2), "float64", training=True) is None
    np.testing.assert_array_equal(DropoutMasks(0.25, seed=1).draw((200, 50), "float64", True), mask)


def test_dropout_draws_every_entry_by_itself():
    mask = DropoutMasks(0.5, seed=1).draw((301, 300), "float64", training=True).numpy().ravel()
    # The two halves of a random number, which are neighbours, agree as often as any two.
    assert np.mean(mask[0::2] == mask[1::2]) == pytest.approx(0.5, abs=0.02)
    assert np.mean(mask[1:-1:2] == mask[2::2]) == pytest.approx(0.5, abs=0.02)


def test_a_dropout_rate_of_nearly_1_leaves_something():
    mask = DropoutMasks(1 - 1e-9, seed=1).draw((1000, 1000), "float64", training=True).numpy()
    assert 0 < np.mean(mask > 0) < 1e-3
    assert np.mean(mask) == pytest.approx(1.0, abs=0.5)


def test_word_dropout_silences_whole_words():
    layer, embedded = EmbeddingDropout(0.0, 0.3, seed=1), 1.0 + random_tensor(50, 20, 4) ** 2
    dropped = layer(embedded, training=True).numpy() / embedded
    gone = np.all(dropped == 0, axis=-1)
    assert np.mean(gone) == pytest.approx(0.3, abs=0.05)
    rounded = round(0.3 * 2**16) / 2**16  # the rate, to 16 bits
    np.testing.assert_allclose(dropped[~gone], 1 / (1 - rounded), rtol=1e-12)
    np.testing.assert_array_equal(layer(embedded), embedded)


def test_entry_dropout_beside_word_dropout():
    layer, embedded = EmbeddingDropout(0.5, 0.5, seed=1), tf.ones((50, 20, 4), "float64")
    dropped = layer(embedded, training=True).numpy()
    np.testing.assert_array_equal(np.unique(dropped), [0.0, 4.0])
    assert np.mean(dropped == 0) == pytest.approx(0.75, abs=0.03)
    words_left = np.any(dropped != 0, axis=-1)
    # A word survives with 1/2, and then some entry of its four with 1 - 1/16.
    assert np.mean(words_left) == pytest.approx(0.5 * 15 / 16, abs=0.05)


def test_an_embedding_is_a_row_of_its_table():
    embedding = wild(TokenEmbedding(6, 4))
    tokens = np.array([[3, 0], [5, 3]], np.int32)
    table = embedding.embeddings.numpy()
    np.testing.assert_array_equal(embedding(tokens), table[tokens])
    embedding.scaled = True
    np.testing.assert_array_equal(embedding(tokens), 2 * table[tokens])  # the root of 4 units
    fresh = TokenEmbedding(2000, 16)
    fresh.build()
    assert np.mean(np.sum(np.square(fresh.embeddings), axis=1)) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize(
    "layer",
    [
        DropoutMasks(0.5, seed=1),
        EmbeddingDropout(0.1, 0.2, seed=3),
        TokenEmbedding(7, 4, scaled=True),
        BidirectionalGRU(UNITS, INPUT_SIZE, True, 0.3, seed=4),
        Encoder(UNITS, INPUT_SIZE, 2, True, 0.1, 0.2, 0.3, seed=5),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_config_round_trip(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    constructed_differently = {k for k, v in layer.get_config().items() if v is None}
    assert constructed_differently <= {"seed"}


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5])
def test_a_rate_that_makes_no_sense_is_named(rate):
    with pytest.raises(ValueError, match=f"rate={rate}"):
        DropoutMasks(rate)
