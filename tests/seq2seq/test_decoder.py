"""One step at a time against all steps at once; beams; and which token a row of attention belongs to."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.decoder import Decoder, EncodedSource
from seq2seq.losses import TokenCrossEntropy
from seq2seq.model import Seq2SeqModel
from tests.repetitions import rest_slow
from tests.seq2seq.network_equations import RecordedMasks
from tests.seq2seq.tiny_network import (
    BOS,
    EOS,
    OPTION_SETS,
    SIZES,
    describe,
    dtype_policy,
    source_batch,
    target_batch,
    tiny_model,
)

every_option = pytest.mark.parametrize("options", OPTION_SETS, ids=describe)
plain_and_conditional = pytest.mark.parametrize("conditional_gru", [False, True])


def decode_all(model: Seq2SeqModel, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of `target` fed to `decode_step` one after the other."""
    encoded, prepared = model.encode(source), model.decoding_weights()
    state, logits, weights = encoded.initial_state, [], []
    for step in range(target.shape[1]):
        step_logits, state, step_weights = model.decode_step(target[:, step], state, encoded, prepared)
        logits.append(step_logits)
        weights.append(step_weights)
    return np.stack(logits, axis=1), np.stack(weights, axis=1)


@every_option
@pytest.mark.usefixtures("float64")
def test_steps_in_a_row_are_teacher_forcing(options):
    model = tiny_model(**options)
    source, target = source_batch(), target_batch()
    together = model((source, target))
    logits, weights = decode_all(model, source, target)
    np.testing.assert_allclose(logits, together["logits"], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(weights, together["attention_weights"], rtol=1e-12, atol=1e-13)


def test_steps_in_a_row_are_teacher_forcing_in_half_precision():
    with dtype_policy("mixed_bfloat16"):
        model = tiny_model(conditional_gru=True, encoder_layers=2)
    together = model((source_batch(), target_batch()))
    logits, weights = decode_all(model, source_batch(), target_batch())
    np.testing.assert_allclose(logits.astype("float32"), tf.cast(together["logits"], "float32"), atol=0.1)
    np.testing.assert_allclose(weights, together["attention_weights"], atol=0.02)


def repeated(encoded: EncodedSource, beam: int) -> EncodedSource:
    return EncodedSource(*(tf.nest.map_structure(lambda each: tf.repeat(each, beam, axis=0), encoded)))


@every_option
@pytest.mark.usefixtures("float64")
def test_beams_that_share_a_memory_equal_beams_with_one_each(options):
    beam, model = 4, tiny_model(**options)
    encoded = model.encode(source_batch())
    random = np.random.default_rng(3)
    state = (tf.constant(random.normal(size=(3 * beam, SIZES["decoder_units"]))),)
    tokens = random.integers(1, SIZES["target_vocabulary_size"], 3 * beam)
    prepared = model.decoding_weights()
    shared = model.decode_step(tokens, state, encoded, prepared)
    own = model.decode_step(tokens, state, repeated(encoded, beam), prepared)
    for one, other in zip(tf.nest.flatten(shared), tf.nest.flatten(own), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@plain_and_conditional
@pytest.mark.usefixtures("float64")
def test_a_step_in_a_graph_that_knows_no_shape(conditional_gru):
    model = tiny_model(conditional_gru=conditional_gru)
    spec = lambda *shape: tf.TensorSpec(shape, tf.float64)  # noqa: E731
    memory_units = 2 * SIZES["encoder_units"]
    state_spec = (spec(None, SIZES["decoder_units"]),)
    prepared = model.decoding_weights()
    step = tf.function(
        lambda tokens, state, encoded: model.decode_step(tokens, state, encoded, prepared),
        input_signature=[
            tf.TensorSpec((None,), tf.int32),
            state_spec,
            EncodedSource(
                spec(None, None, memory_units),
                spec(None, None, SIZES["attention_units"]),
                tf.TensorSpec((None, None), tf.bool),
                state_spec,
            ),
        ],
    )
    encoded = model.encode(source_batch())
    for beam in (1, 2):
        tokens = tf.range(3, 3 + 3 * beam)
        states = tuple(tf.repeat(each, beam, axis=0) for each in encoded.initial_state)
        compiled, eager = step(tokens, states, encoded), model.decode_step(tokens, states, encoded, prepared)
        for one, other in zip(tf.nest.flatten(compiled), tf.nest.flatten(eager), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.usefixtures("float64")
def test_a_step_does_not_drop_anything_out():
    model = tiny_model(
        recurrent_dropout=0.5, attention_dropout=0.5, readout_dropout=0.5, target_word_dropout=0.5, seed=1
    )
    first, second = (decode_all(model, source_batch(), target_batch()) for _ in range(2))
    for one, other, bare in zip(
        first, second, decode_all(tiny_model(), source_batch(), target_batch()), strict=True
    ):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, bare)


@pytest.mark.usefixtures("float64")
def test_the_recurrent_mask_is_one_for_all_steps_the_others_are_drawn_per_step(monkeypatch):
    model = tiny_model(recurrent_dropout=0.5, attention_dropout=0.5, readout_dropout=0.5, seed=1)
    masks = RecordedMasks(monkeypatch)
    source, target = source_batch(), target_batch()
    batch, steps, positions = len(source), target.shape[1], source.shape[1]
    weights = model((source, target), training=True)["attention_weights"]
    decoder = model.decoder
    shapes = [
        [mask.shape for mask in masks.of(layer)]
        for layer in (decoder.recurrent_masks, decoder.attention_masks, decoder.readout_dropout)
    ]
    readout = SIZES["readout_units"]
    assert shapes == [
        [(batch, SIZES["decoder_units"])],
        [(steps, batch, positions)],
        [(batch, steps, readout)],
    ]
    assert np.any(np.diff(masks.of(decoder.attention_masks)[0], axis=0))
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0, rtol=1e-12)


@pytest.mark.usefixtures("float64")
def test_the_bridge_starts_from_the_real_memory_only():
    for bridge in ("mean", "last"):
        model = tiny_model(bridge=bridge)
        memory, final_states = model.encoder(
            model.source_embedding(source_batch()), tf.constant(source_batch() != 0)
        )
        wrecked = tf.where(source_batch()[..., None] != 0, memory, 1e6)
        mask = tf.constant(source_batch() != 0)
        (state,) = model.decoder.begin(wrecked, final_states, mask).initial_state
        lengths = np.sum(source_batch() != 0, axis=1)
        means = [np.mean(memory[row, :length], axis=0) for row, length in enumerate(lengths)]
        summary = np.stack(means) if bridge == "mean" else final_states
        layer = model.decoder.bridge_layer
        expected = np.tanh(summary @ layer.kernel.numpy() + layer.bias.numpy())
        np.testing.assert_allclose(state, expected, rtol=1e-12)


def test_config_round_trip():
    decoder = Decoder(
        11, 5, 4, 6, 7, 4, "maxout", True, "last", True, True, 0.1, 0.2, 0.3, seed=5, name="decoder"
    )
    again = Decoder.from_config(decoder.get_config())
    assert again.get_config() == decoder.get_config()
    assert again.rates == (0.1, 0.2, 0.3)
    assert None not in decoder.get_config().values()


# Source words are pairs of a place in the target and a letter, in random order; the target is the letters in
# their places. The encoder is made to see single words, so that nothing but the position of the word itself
# tells its letter: where the decoder looks when it writes a letter leaves no room for interpretation.
PLACES, LETTERS, FIRST = 4, 6, 3


def shuffled_words(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`(source_tokens, target_output_tokens, positions)`: positions[row, i] holds the word of letter i."""
    random = np.random.default_rng(seed)
    letters = random.integers(0, LETTERS, (rows, PLACES))
    order = random.permuted(np.tile(np.arange(PLACES), (rows, 1)), axis=1)
    words = FIRST + order * LETTERS + np.take_along_axis(letters, order, axis=1)
    end = np.full((rows, 1), EOS)
    return (
        np.concatenate([words, end], axis=1).astype(np.int32),
        np.concatenate([FIRST + letters, end], axis=1).astype(np.int32),
        np.argsort(order, axis=1),
    )


def model_that_puts_words_in_order(conditional_gru: bool) -> Seq2SeqModel:
    model = Seq2SeqModel(
        FIRST + PLACES * LETTERS,
        FIRST + LETTERS,
        embedding_units=24,
        encoder_units=16,
        decoder_units=24,
        attention_units=24,
        readout_units=24,
        conditional_gru=conditional_gru,
        seed=1,
    )
    model.build()
    for layer in model.encoder.recurrent_layers:
        for cell in (layer.forward_cell, layer.backward_cell):
            cell.recurrent_kernel.assign(tf.zeros_like(cell.recurrent_kernel))
            closed = np.zeros(3 * cell.units)
            closed[: cell.units] = -50.0  # the update gate lets nothing of the previous state through
            cell.input_bias.assign(closed)
    model.encoder.trainable = False
    source, target, _ = shuffled_words(64 * 120, seed=1)
    inputs = np.concatenate([np.full((len(target), 1), BOS, np.int32), target[:, :-1]], axis=1)
    model.compile(keras.optimizers.Adam(0.01), TokenCrossEntropy())
    batches = tf.data.Dataset.from_tensor_slices(((source, inputs), target)).batch(64, drop_remainder=True)
    model.fit(batches, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("conditional_gru", rest_slow([True, False]))
def test_row_i_of_the_attention_belongs_to_the_token_that_step_i_emits(conditional_gru):
    keras.utils.set_random_seed(1)
    model = model_that_puts_words_in_order(conditional_gru)
    source, target, positions = shuffled_words(50, seed=2)
    encoded, prepared = model.encode(source), model.decoding_weights()
    state, tokens, emitted, rows = encoded.initial_state, np.full(50, BOS), [], []
    for _ in range(PLACES + 1):
        logits, state, weights = model.decode_step(tokens, state, encoded, prepared)
        tokens = np.argmax(logits, axis=-1)
        emitted.append(tokens)
        rows.append(np.argmax(weights, axis=-1))
    looked_at = np.stack(rows, axis=1)  # (batch, steps)
    assert np.mean(np.stack(emitted, axis=1) == target) > 0.95
    assert np.mean(looked_at[:, :PLACES] == positions) > 0.95
    one_step_later = looked_at[:, 1:PLACES] == positions[:, : PLACES - 1]
    one_step_earlier = looked_at[:, : PLACES - 1] == positions[:, 1:]
    assert np.mean(one_step_later) < 0.05
    assert np.mean(one_step_earlier) < 0.05
