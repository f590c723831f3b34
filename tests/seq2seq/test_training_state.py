"""The state of an interrupted training: what is in it, and what happens when it is not as it should be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from data.errors import UserError
from seq2seq.training import build_model, compile_model
from seq2seq.training_state import (
    Interrupted,
    ResumableState,
    TrainingProgress,
    averaged_weights,
    read_progress,
    restore_state,
    save_state,
)
from tests.seq2seq.tiny_training import EVERYTHING_ON, tiny_training


@pytest.fixture(scope="module")
def tokenizers(tiny_tokenizers: Any) -> Any:
    return tiny_tokenizers


def make_model(tokenizers: Any, seed: int = 1, *changes: dict[str, Any]) -> keras.Model:
    config = tiny_training(EVERYTHING_ON, {"seed": seed}, *changes)
    keras.utils.set_random_seed(seed)
    model = build_model(config, tokenizers)
    compile_model(model, config, batches_of_training=5)
    return model


def everything(model: keras.Model) -> list[np.ndarray]:
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def shaken(model: keras.Model) -> keras.Model:
    """Every variable has a value that no fresh model has."""
    random = np.random.default_rng(5)
    for variable in [*model.variables, *model.optimizer.variables, *model.metrics_variables]:
        values = random.integers(1, 1000, variable.shape)
        variable.assign(values.astype(keras.backend.standardize_dtype(variable.dtype)))
    return model


PROGRESS = TrainingProgress(
    epoch=3,
    batch=7,
    seconds=12.5,
    best_score=31.25,
    best_epoch=2,
    validations_without_gain=1,
    plateau_factor=0.25,
    plateau_wait=1,
    first_loss=5.9,
    finished=False,
    history=[{"epoch": 1.0, "loss": 5.0}, {"epoch": 2.0, "loss": 0.1 + 0.2}],
)


def test_everything_comes_back_bit_for_bit(tokenizers: Any, tmp_path: Path) -> None:
    model = shaken(make_model(tokenizers))
    save_state(tmp_path / "state.npz", model, PROGRESS)
    other = make_model(tokenizers, seed=2)
    assert restore_state(tmp_path / "state.npz", other) == PROGRESS
    saved, restored = everything(model), everything(other)
    assert len(saved) == len(restored) > 100
    for before, after in zip(saved, restored, strict=True):
        assert before.dtype == after.dtype
        assert before.tobytes() == after.tobytes()


def test_nothing_that_changes_while_training_is_missing(tokenizers: Any, tmp_path: Path) -> None:
    """Weights, dropout generators, Adam's moments, accumulated gradients, the average, metrics, the count."""
    model = make_model(tokenizers)
    save_state(tmp_path / "state.npz", model, PROGRESS)
    with np.load(tmp_path / "state.npz") as state:
        arrays = [state[name] for name in state.files if name != "progress"]
    weights = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    optimiser = 4 * weights  # two moments, the accumulated gradients, the average
    generators = len([v for v in model.non_trainable_variables if "seed_generator_state" in v.path])
    assert generators >= 8
    metrics = 2 + 2 + 2  # the mean loss, perplexity, accuracy: a sum and a count each
    optimiser_scalars = 2  # iterations, and the learning rate where it is a variable
    found = sum(array.size for array in arrays)
    expected = weights + optimiser + 2 * generators + metrics
    assert expected <= found <= expected + optimiser_scalars


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"not a zip file at all",
        # One flipped bit, far from the directory at the end of the file.
        lambda raw: raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :],
    ],
    ids=["cut off", "empty", "text", "flipped bit"],
)
def test_a_damaged_state_is_refused_and_changes_nothing(tokenizers: Any, tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "state.npz"
    model = make_model(tokenizers)
    save_state(path, shaken(make_model(tokenizers)), PROGRESS)
    path.write_bytes(damage(path.read_bytes()))
    before = everything(model)
    with pytest.raises(UserError, match=r"state\.npz: cannot be read as a state .* --resume"):
        restore_state(path, model)
    assert all(np.array_equal(a, b) for a, b in zip(before, everything(model), strict=True))


def test_an_npz_of_somebody_else_is_refused(tokenizers: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "state.npz", x=np.zeros(3))
    with pytest.raises(UserError, match="cannot be read as a state"):
        read_progress(tmp_path / "state.npz")


def test_the_state_of_another_model_is_refused(tokenizers: Any, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    save_state(path, make_model(tokenizers), PROGRESS)
    with pytest.raises(UserError, match=r"holds \d+ variables, but this configuration's model has \d+"):
        restore_state(path, make_model(tokenizers, 1, {"model": {"layer_normalization": True}}))
    with pytest.raises(UserError, match=r"has shape \(8, 24\) there, \(8, 27\) in this model"):
        restore_state(path, make_model(tokenizers, 1, {"model": {"encoder_units": 9}}))


class TestAveragedWeights:
    def test_are_in_place_inside_and_gone_outside(self, tokenizers: Any) -> None:
        model = make_model(tokenizers)
        gradients = [keras.ops.ones(variable.shape) for variable in model.trainable_variables]
        for _ in range(6):
            model.optimizer.apply(gradients)
        own = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
        averages = [keras.ops.convert_to_numpy(v) for v in model.optimizer._model_variables_moving_average]
        with averaged_weights(model):
            inside = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
        after = [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]
        assert all(np.array_equal(a, b) for a, b in zip(inside, averages, strict=True))
        assert all(np.array_equal(a, b) for a, b in zip(after, own, strict=True))
        assert not all(np.array_equal(a, b) for a, b in zip(inside, own, strict=True))

    def test_are_taken_out_also_after_an_error(self, tokenizers: Any) -> None:
        model = make_model(tokenizers)
        for _ in range(4):
            model.optimizer.apply([keras.ops.ones(variable.shape) for variable in model.trainable_variables])
        own = everything(model)

        def fail() -> None:
            with averaged_weights(model):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert all(np.array_equal(a, b) for a, b in zip(own, everything(model), strict=True))

    def test_there_are_none_before_the_first_update(self, tokenizers: Any) -> None:
        model = make_model(tokenizers)
        before = everything(model)
        with averaged_weights(model):
            assert all(np.array_equal(a, b) for a, b in zip(before, everything(model), strict=True))

    def test_there_are_none_without_averaging(self, tokenizers: Any) -> None:
        model = make_model(tokenizers, 1, {"training": {"average_weights": 0.0}})
        for _ in range(4):
            model.optimizer.apply([keras.ops.ones(variable.shape) for variable in model.trainable_variables])
        before = everything(model)
        with averaged_weights(model):
            assert all(np.array_equal(a, b) for a, b in zip(before, everything(model), strict=True))


class TestWhenItIsSaved:
    @pytest.fixture
    def times(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """What the clock says; the last entry is now."""
        from seq2seq import training_state

        clock = [100.0]
        monkeypatch.setattr(training_state.time, "monotonic", lambda: clock[-1])
        return clock

    def callback(self, tokenizers: Any, tmp_path: Path, progress: TrainingProgress) -> ResumableState:
        state = ResumableState(tmp_path / "state.npz", progress, every_seconds=60)
        state.set_model(make_model(tokenizers))
        state.set_params({"epochs": 2})
        return state

    def test_at_the_start_from_time_to_time_and_after_each_epoch(
        self, tokenizers: Any, tmp_path: Path, times: list[float]
    ) -> None:
        progress = TrainingProgress()
        state = self.callback(tokenizers, tmp_path, progress)
        state.on_train_begin()
        assert read_progress(state.path) == TrainingProgress()
        for batch, now in enumerate([130.0, 159.0, 161.0, 200.0, 220.0, 221.0]):
            times.append(now)
            state.on_train_batch_end(batch, {})
        saved = read_progress(state.path)
        assert (saved.batch, saved.seconds) == (6, 121.0)
        times.append(225.0)
        state.on_epoch_end(0, {})
        saved = read_progress(state.path)
        assert (saved.epoch, saved.batch, saved.seconds, saved.finished) == (1, 0, 125.0, False)
        state.on_epoch_end(1, {})
        assert read_progress(state.path).finished

    def test_a_resumed_state_is_not_written_again_at_the_start(
        self, tokenizers: Any, tmp_path: Path, times: list[float]
    ) -> None:
        progress = TrainingProgress(epoch=1)
        state = self.callback(tokenizers, tmp_path, progress)
        state.path.write_bytes(b"the old one")
        state.on_train_begin()
        assert state.path.read_bytes() == b"the old one"

    def test_a_signal_ends_it_after_the_batch(
        self, tokenizers: Any, tmp_path: Path, times: list[float]
    ) -> None:
        state = self.callback(tokenizers, tmp_path, TrainingProgress())
        state.on_train_begin()
        state.stop_signal = 15
        with pytest.raises(Interrupted):
            state.on_train_batch_end(0, {})
        assert read_progress(state.path).batch == 1

    def test_metrics_of_a_half_finished_epoch_come_back(self, tokenizers: Any, tmp_path: Path) -> None:
        state = self.callback(tokenizers, tmp_path, TrainingProgress(batch=3))
        shaken(state.model)
        before = [keras.ops.convert_to_numpy(variable) for variable in state.model.metrics_variables]
        state.keep_metrics()
        for expected in (before, [np.zeros_like(value) for value in before]):
            state.model.reset_metrics()  # as `fit` does at the start of every epoch
            state.on_epoch_begin(0)
            found = [keras.ops.convert_to_numpy(variable) for variable in state.model.metrics_variables]
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
        assert all(math.isfinite(float(value)) for value in before)
