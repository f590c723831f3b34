"""The whole network, held against its equations; and what training, resuming and saving rely on."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.losses import Perplexity, TokenAccuracy, TokenCrossEntropy
from seq2seq.model import Seq2SeqModel
from tests.repetitions import rest_slow
from tests.seq2seq.gradient_checks import assert_same, values_and_gradients
from tests.seq2seq.network_equations import NetworkEquations, RecordedMasks
from tests.seq2seq.tiny_network import (
    BOS,
    DROPOUT,
    OPTION_SETS,
    OPTION_VALUES,
    SIZES,
    describe,
    dtype_policy,
    sentences,
    sizes,
    source_batch,
    target_batch,
    tiny_model,
)

pytestmark = pytest.mark.usefixtures("float64")
every_option = pytest.mark.parametrize("options", OPTION_SETS, ids=describe)
two_options = pytest.mark.parametrize("options", rest_slow([OPTION_SETS[3], OPTION_SETS[0]]), ids=describe)
plain_and_conditional = pytest.mark.parametrize("conditional_gru", [False, True])


def outputs(model: Seq2SeqModel, source: np.ndarray, target: np.ndarray, training: bool = False) -> list:
    result = model((source, target), training=training)
    return [result["logits"], result["attention_weights"]]


def test_any_two_option_values_meet_in_the_option_sets():
    for (one, values), (other, other_values) in itertools.combinations(OPTION_VALUES.items(), 2):
        for pair in itertools.product(values, other_values):
            assert any((options[one], options[other]) == pair for options in OPTION_SETS), (one, other, pair)


@plain_and_conditional
def test_logits_and_attention_are_those_of_the_equations_in_numpy(conditional_gru):
    model = tiny_model(conditional_gru=conditional_gru)
    logits, weights = outputs(model, source_batch(), target_batch())
    expected_logits, expected_weights = NetworkEquations(model)(source_batch(), target_batch())
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-10, atol=1e-12)


@every_option
def test_values_and_all_gradients_are_those_of_the_equations(options):
    model = tiny_model(**options)
    source, target = source_batch(), target_batch()
    equations = NetworkEquations(model, differentiable=True)
    assert_same(
        lambda: outputs(model, source, target), lambda: equations(source, target), model.trainable_variables
    )


@two_options
def test_values_and_all_gradients_under_every_dropout_are_those_of_the_equations(options, monkeypatch):
    model = tiny_model(**options, **DROPOUT, seed=1)
    source, target = source_batch(), target_batch()
    masks = RecordedMasks(monkeypatch)
    equations = NetworkEquations(model, masks, differentiable=True)
    assert_same(
        lambda: outputs(model, source, target, training=True),
        lambda: equations(source, target),
        model.trainable_variables,
    )
    drawn = {len(mask.shape) for masks_of_one in masks.drawn.values() for mask in masks_of_one}
    assert len(masks.drawn) == (9 if options["encoder_layers"] == 1 else 11)
    assert drawn == {2, 3}


@pytest.mark.parametrize("options", rest_slow([OPTION_SETS[6], OPTION_SETS[0]]), ids=describe)
def test_a_graph_of_unknown_shapes_has_the_gradients_of_eager_execution(options):
    model = tiny_model(**options)
    source, target = source_batch(), target_batch()
    of_any_shape = tf.TensorSpec((None, None), tf.int32)
    compiled = tf.function(
        lambda source, target: outputs(model, source, target), input_signature=[of_any_shape, of_any_shape]
    )
    assert_same(
        lambda: compiled(source, target),
        lambda: outputs(model, source, target),
        model.trainable_variables,
        rtol=1e-10,
    )


@every_option
def test_padding_changes_nothing(options):
    model = tiny_model(**options)
    source, target = source_batch(), target_batch()
    logits, weights = outputs(model, source, target)
    wider = outputs(model, np.pad(source, ((0, 0), (0, 3))), np.pad(target, ((0, 0), (0, 2))))
    steps, positions = target.shape[1], source.shape[1]
    np.testing.assert_allclose(wider[0][:, :steps], logits, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(wider[1][:, :steps, :positions], weights, rtol=1e-12, atol=1e-13)
    assert not np.any(wider[1][:, :, positions:])


@two_options
def test_a_sentence_does_not_depend_on_the_others_in_its_batch(options):
    model = tiny_model(**options)
    source, target = source_batch(), target_batch()
    together = outputs(model, source, target)
    for row in range(len(source)):
        alone = outputs(model, source[row : row + 1], target[row : row + 1])
        for one, all_rows in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_rows[row], rtol=1e-12, atol=1e-13)


@pytest.mark.filterwarnings("ignore:You are using a softmax")
def test_the_gradient_of_a_padded_batch_is_that_of_its_sentences():
    model = tiny_model(conditional_gru=True, encoder_layers=2)
    source, target = source_batch(), target_batch()

    def cut() -> list:
        rows = []
        for source_row, target_row in zip(source, target, strict=True):
            length = int(np.sum(source_row != 0))
            logits, weights = outputs(model, source_row[None, :length], target_row[None])
            rows.append((logits, tf.pad(weights, ((0, 0), (0, 0), (0, source.shape[1] - length)))))
        return [tf.concat(each, axis=0) for each in zip(*rows, strict=True)]

    assert_same(lambda: outputs(model, source, target), cut, model.trainable_variables)


def test_a_later_target_token_does_not_change_an_earlier_step():
    model = tiny_model(conditional_gru=True)
    source, target = source_batch(), target_batch()
    changed = target.copy()
    changed[:, 2] = (changed[:, 2] + 1) % SIZES["target_vocabulary_size"]
    before, after = outputs(model, source, target), outputs(model, source, changed)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one[:, :2], other[:, :2])
    assert np.all(np.any(np.abs(before[0][:, 2] - after[0][:, 2]) > 1e-6, axis=-1))


def test_inference_is_deterministic_in_spite_of_dropout():
    model = tiny_model(**DROPOUT, encoder_layers=2, seed=1)
    first, second = (outputs(model, source_batch(), target_batch()) for _ in range(2))
    without = outputs(tiny_model(encoder_layers=2), source_batch(), target_batch())
    for one, other, bare in zip(first, second, without, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, bare)


def test_training_without_dropout_equals_inference():
    model = tiny_model(encoder_layers=2, conditional_gru=True)
    pairs = zip(
        *(outputs(model, source_batch(), target_batch(), each) for each in (True, False)), strict=True
    )
    for training, inference in pairs:
        # Not equal to the last bit: training runs another loop, whose attention XLA compiles.
        np.testing.assert_allclose(training, inference, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rate", DROPOUT)
def test_each_dropout_acts_in_training(rate):
    model = tiny_model(encoder_layers=2, **{rate: 0.5}, seed=1)
    source, target = source_batch(), target_batch()
    inference, training = (outputs(model, source, target, each)[0] for each in (False, True))
    assert np.max(np.abs(training - inference)) > 1e-3


def test_the_state_of_the_generators_decides_the_dropout():
    model = tiny_model(**DROPOUT, encoder_layers=2, seed=1)
    run = lambda each: outputs(each, source_batch(), target_batch(), training=True)[0].numpy()  # noqa: E731
    states = [variable.numpy() for variable in model.variables]
    first, second = run(model), run(model)
    assert np.max(np.abs(first - second)) > 1e-3
    for variable, state in zip(model.variables, states, strict=True):
        variable.assign(state)
    np.testing.assert_array_equal(run(model), first)
    np.testing.assert_array_equal(run(tiny_model(**DROPOUT, encoder_layers=2, seed=1)), first)
    assert np.max(np.abs(run(tiny_model(**DROPOUT, encoder_layers=2, seed=2)) - first)) > 1e-3


def test_the_models_variables_hold_the_state_of_every_generator():
    model = tiny_model(**DROPOUT, encoder_layers=2, conditional_gru=True, seed=1)
    states = {id(variable): variable for variable in model.variables if "seed_generator" in variable.path}
    # 2 per side's embeddings, 2 encoder layers, between them, memory, and 3 of the decoder.
    assert len(states) == 2 + 2 + 2 + 1 + 1 + 3
    before = {key: variable.numpy() for key, variable in states.items()}
    assert len({tuple(each) for each in before.values()}) == len(states), "two generators of one seed"
    outputs(model, source_batch(), target_batch(), training=True)
    for key, variable in states.items():
        assert np.any(variable.numpy() != before[key]), f"{variable.path} was not used"
    assert not [v for v in tiny_model().variables if "seed_generator" in v.path]


def expected_parameters(options: dict) -> int:
    """Counted by hand from the equations."""
    size = sizes(options)
    words, units, encoder = size["embedding_units"], size["decoder_units"], size["encoder_units"]
    memory, attention, readout = 2 * encoder, size["attention_units"], size["readout_units"]
    normalised, conditional = options["layer_normalization"], options["conditional_gru"]

    def gru(inputs: int, width: int) -> int:
        return 3 * width * (inputs + width + 2 + 2 * normalised)

    tables = {"none": 3, "two-way": 2, "three-way": 1}[options["tied_embeddings"]]
    total = size["target_vocabulary_size"] * words
    total += size["source_vocabulary_size"] * words if tables > 1 else 0
    total += size["target_vocabulary_size"] * readout if tables > 2 else 0
    total += 2 * gru(words, encoder) + (options["encoder_layers"] - 1) * 2 * gru(memory, encoder)
    total += gru(words, units) + gru(memory, units) if conditional else gru(words + memory, units)
    total += units * attention + memory * attention + 2 * attention
    total += (memory + 1) * units
    total += (units + words + memory + 1) * readout * (2 if options["readout"] == "maxout" else 1)
    return total + size["target_vocabulary_size"]


@every_option
def test_the_number_of_parameters(options):
    model = tiny_model(weights_seed=None, **options)
    assert model.count_params() == expected_parameters(options)
    assert len({id(variable) for variable in model.variables}) == len(model.variables)


def test_tied_embeddings_are_one_variable():
    model = tiny_model(tied_embeddings="three-way")
    assert model.source_embedding is model.target_embedding
    assert len([v for v in model.variables if v.path.endswith("embeddings")]) == 1
    before = outputs(model, source_batch(), target_batch())
    table = model.target_embedding.embeddings
    # A token that occurs nowhere: only its own logit moves, through the output layer.
    unused = (set(range(3, 11)) - set(source_batch().flat) - set(target_batch().flat)).pop()
    table.assign(
        tf.tensor_scatter_nd_add(table.value, [[unused]], tf.ones((1, SIZES["embedding_units"]), "float64"))
    )
    logits, weights = outputs(model, source_batch(), target_batch())
    difference = np.abs(logits - before[0])
    assert np.all(difference[..., unused] > 0)
    assert not np.any(np.delete(difference, unused, axis=-1))
    np.testing.assert_array_equal(weights, before[1])


def test_untied_embeddings_are_three_variables():
    model = tiny_model(tied_embeddings="none")
    tables = [
        model.source_embedding.embeddings,
        model.target_embedding.embeddings,
        model.decoder.output_layer.kernel,
    ]
    assert len({id(table) for table in tables}) == 3
    _, gradients = values_and_gradients(lambda: outputs(model, source_batch(), target_batch()), tables)
    assert all(np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tied_embeddings": "three-way"}, "source_vocabulary_size=13.*target_vocabulary_size=11"),
        ({"tied_embeddings": "two-way"}, "readout_units=8, embedding_units=4"),
        ({"tied_embeddings": "both"}, "three-way.*Received: 'both'"),
        ({"readout": "relu"}, "maxout.*readout='relu'"),
        ({"bridge": "first"}, "'mean' or 'last'.*bridge='first'"),
        ({"memory_dropout": 1.0}, r"\[0, 1\).*rate=1.0"),
        ({"attention_units": 0}, "positive.*units=0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(options, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Seq2SeqModel(**{**SIZES, **options})


@every_option
def test_a_saved_model_comes_back_identical(options, tmp_path):
    model = tiny_model(**options, **DROPOUT, seed=3)
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    assert isinstance(loaded, Seq2SeqModel)
    assert loaded.get_config() == model.get_config()
    assert [v.shape for v in loaded.weights] == [v.shape for v in model.weights]
    for one, other in zip(
        outputs(model, source_batch(), target_batch()),
        outputs(loaded, source_batch(), target_batch()),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    if options["tied_embeddings"] == "three-way":
        assert loaded.source_embedding is loaded.target_embedding


@pytest.mark.parametrize("tied_embeddings", OPTION_VALUES["tied_embeddings"])
def test_the_first_loss_is_that_of_a_guess(tied_embeddings):
    words, width = 500, 32  # wide enough for averages to hold
    keras.utils.set_random_seed(1)
    model = Seq2SeqModel(words, words, width, width, 1, width, width, width, tied_embeddings=tied_embeddings)
    model.build()
    source, output = (sentences(9, 8, 7, 6, vocabulary_size=words, seed=seed) for seed in (1, 2))
    target = sentences(9, 8, 7, 6, vocabulary_size=words, seed=2, starts_with=BOS)
    loss = TokenCrossEntropy()(output, outputs(model, source, target)[0])
    assert float(loss) == pytest.approx(np.log(words), rel=0.05)


def test_the_loss_and_the_metrics_that_fit_reports_are_those_of_the_logits():
    source, target = source_batch(), target_batch()
    output = sentences(3, 4, 2, vocabulary_size=11, seed=4)
    model = tiny_model()
    model.compile(loss=TokenCrossEntropy(0.1), metrics=[Perplexity(), TokenAccuracy()])
    report = model.evaluate(
        tf.data.Dataset.from_tensors(((source, target), output)), verbose=0, return_dict=True
    )
    logits, _ = outputs(model, source, target)
    assert report["loss"] == pytest.approx(float(TokenCrossEntropy(0.1)(output, logits)), rel=1e-5)
    for metric in (Perplexity(), TokenAccuracy()):
        metric.update_state(output, logits)
        assert report[metric.name] == pytest.approx(float(metric.result()), rel=1e-5)


def test_fit_lowers_the_loss_and_moves_every_weight():
    keras.utils.set_random_seed(1)
    with dtype_policy("float32"):
        model = tiny_model(weights_seed=None)
    source, target = source_batch(), target_batch()
    output = sentences(3, 4, 2, vocabulary_size=11, seed=4)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=TokenCrossEntropy())
    batches = tf.data.Dataset.from_tensors(((source, target), output)).repeat(15)
    history = model.fit(batches, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert np.any(variable.numpy() != value), variable.path


@pytest.mark.parametrize("policy", rest_slow(["mixed_bfloat16", "mixed_float16"]))
@plain_and_conditional
def test_half_precision_stays_near_the_full_one(policy, conditional_gru):
    options = {
        "conditional_gru": conditional_gru,
        "layer_normalization": conditional_gru,
        "encoder_layers": 2,
    }
    source, target = source_batch(), target_batch()
    full = tiny_model(**options)
    expected, full_gradients = values_and_gradients(
        lambda: outputs(full, source, target), full.trainable_variables
    )
    with dtype_policy(policy):
        model = tiny_model(**options, **DROPOUT, seed=1)
        weights_dtype = outputs(model, source, target)[1].dtype
        (logits, weights), gradients = values_and_gradients(
            lambda: outputs(model, source, target), model.trainable_variables
        )
        dropped, gradients_in_training = values_and_gradients(
            lambda: outputs(model, source, target, training=True), model.trainable_variables
        )
    assert weights_dtype == "float32"
    tolerance = 0.12 if policy == "mixed_bfloat16" else 0.015
    np.testing.assert_allclose(logits.astype("float64"), expected[0], atol=tolerance)
    np.testing.assert_allclose(weights, expected[1], atol=tolerance)
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1.0, atol=1e-6)
    flat, full_flat = (np.concatenate([each.ravel() for each in g]) for g in (gradients, full_gradients))
    assert flat @ full_flat > 0.995 * np.linalg.norm(flat) * np.linalg.norm(full_flat)
    for each in (*dropped, *gradients_in_training):
        assert np.all(np.isfinite(each.astype("float32")))
