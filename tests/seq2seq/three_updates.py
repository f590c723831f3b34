"""A tiny model after three updates through Keras' own `fit`, all of it on, and two of them compared."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq.losses import Perplexity, TokenAccuracy, TokenCrossEntropy
from tests.seq2seq.tiny_network import source_batch, target_batch, tiny_model

Fitted = tuple[dict[str, list[float]], list[np.ndarray]]


def fitted(*, r_drop: float = 0.0, batch_parts: int = 1, **options: Any) -> Fitted:
    """History and weights of a model with these options."""
    source, target = source_batch(), target_batch()
    target_output = np.roll(np.asarray(target), -1, axis=1)
    target_output[:, -1] = 0
    model = tiny_model(**options)
    model.r_drop = r_drop
    model.batch_parts = batch_parts
    model.compile(
        optimizer=keras.optimizers.SGD(0.5),
        loss=TokenCrossEntropy(0.1),
        metrics=[Perplexity(), TokenAccuracy()],
        jit_compile=False,
    )
    data = tf.data.Dataset.from_tensors(((source, target), target_output)).repeat(3)
    return model.fit(data, verbose=0, epochs=1).history, model.get_weights()


def assert_same_fit(found: Fitted, expected: Fitted) -> None:
    """The same losses, metrics and weights, as far as the plain loss, which is float32, can tell."""
    (history, weights), (expected_history, expected_weights) = found, expected
    assert history.keys() == expected_history.keys() >= {"loss", "perplexity", "token_accuracy"}
    for name, values in history.items():
        np.testing.assert_allclose(values, expected_history[name], rtol=1e-5, err_msg=name)
    for one, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
