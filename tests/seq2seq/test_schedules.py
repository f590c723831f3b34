"""Learning rates at chosen updates, worked out by hand."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.config import TrainingConfig
from seq2seq.schedules import Cosine, Plateau, make_schedule, warmup_note


def schedule(name: str, *, warmup_steps: int = 4):
    return make_schedule(name, peak=0.8, warmup_steps=warmup_steps, total_steps=14, final=0.2)


@pytest.mark.parametrize("name", ["constant", "inverse_sqrt", "cosine", "plateau"])
def test_warm_up_climbs_in_equal_steps_to_the_peak(name):
    rates = [float(schedule(name)(step)) for step in range(5)]
    np.testing.assert_allclose(rates, [0.2, 0.4, 0.6, 0.8, 0.8], rtol=1e-6)
    assert float(schedule(name, warmup_steps=0)(0)) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("name", "warmup_steps", "rates"),
    [
        ("constant", 4, {5: 0.8, 10**6: 0.8}),
        # sqrt(4 / (4 + s)) with s counted from the end of the warm-up
        ("inverse_sqrt", 4, {4: 0.8, 16: 0.4, 64: 0.2}),
        ("inverse_sqrt", 0, {0: 0.8, 3: 0.4, 15: 0.2}),
        # 10 updates of descent: a third of the way is cos(60°), half is the middle of peak and final
        ("cosine", 4, {4: 0.8, 9: 0.5, 14: 0.2, 15: 0.2, 10**6: 0.2}),
        ("cosine", 2, {2: 0.8, 6: 0.65, 8: 0.5, 10: 0.35, 14: 0.2}),
    ],
)
def test_rates_after_the_warm_up(name, warmup_steps, rates):
    found = {step: float(schedule(name, warmup_steps=warmup_steps)(step)) for step in rates}
    assert found == pytest.approx(rates, rel=1e-5)


def test_the_plateau_factor_acts_at_once_and_inside_a_graph():
    plateau = schedule("plateau")
    rate = tf.function(lambda step: plateau(step))
    assert float(rate(tf.constant(10))) == pytest.approx(0.8)
    plateau.factor.assign(0.25)
    assert float(rate(tf.constant(10))) == pytest.approx(0.2)
    assert float(rate(tf.constant(0))) == pytest.approx(0.05)


@pytest.mark.parametrize("name", ["constant", "inverse_sqrt", "cosine", "plateau"])
def test_a_keras_optimizer_asks_for_it_at_each_update(name):
    optimizer = keras.optimizers.SGD(schedule(name))
    variable = keras.Variable(0.0)
    steps = []
    for _ in range(3):
        before = float(variable)
        optimizer.apply([tf.constant(-1.0)], [variable])
        steps.append(float(variable) - before)
    np.testing.assert_allclose(steps, [0.2, 0.4, 0.6], rtol=1e-6)


@pytest.mark.parametrize("name", ["constant", "inverse_sqrt", "cosine", "plateau"])
def test_config_round_trip(name):
    first = schedule(name)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(first))
    assert type(again) is type(first)
    for step in (0, 3, 9, 30):
        assert float(again(step)) == float(first(step))


def test_each_name_is_its_own_schedule():
    assert isinstance(schedule("cosine"), Cosine)
    assert isinstance(schedule("plateau"), Plateau)
    with pytest.raises(ValueError, match=r"cosine.*constant.*inverse_sqrt.*plateau.*'linear'"):
        schedule("linear")


@pytest.mark.parametrize(
    ("warmup_steps", "batches", "accumulation", "said"),
    [
        (500, 47, 1, r"rises for 500 updates .* this training has 470\. .*warmup_steps=47$"),
        (235, 47, 1, None),
        (236, 47, 1, "has 470"),
        (120, 47, 2, r"has 235\. .*warmup_steps=23$"),
        (5, 1, 10, "warmup_steps=1$"),
        (0, 1, 1, None),
        (500, None, 1, None),
    ],
)
def test_a_warm_up_that_is_most_of_the_training_is_told(warmup_steps, batches, accumulation, said):
    training = TrainingConfig(epochs=10, warmup_steps=warmup_steps, gradient_accumulation=accumulation)
    note = warmup_note(training, batches and 10 * batches)
    assert note is None if said is None else re.search(said, note)
