"""The loss, and the metrics that are summed over tokens rather than averaged over batches."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.output_loss import OutputLosses

PAD_ID = 0


def token_cross_entropy(target_output_tokens: Any, logits: Any, label_smoothing: float = 0.0) -> Any:
    """Cross-entropy of each token, 0 at pads.

    With smoothing ε and V tokens, the target distribution is (1 - ε) on the true token plus ε / V on
    every token (Szegedy et al. 2016, equation 8).

    Args:
        target_output_tokens: (batch, target_length), int; 0 = pad.
        logits: (batch, target_length, vocabulary_size).
        label_smoothing: ε in [0, 1).

    Returns:
        (batch, target_length), float32, in nats.
    """
    logits = ops.cast(logits, "float32")
    cross_entropy = ops.sparse_categorical_crossentropy(target_output_tokens, logits, from_logits=True)
    if label_smoothing > 0:
        # -log p averaged over V needs only the mean logit, no copy of the logits for the log probabilities.
        uniform = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)
        cross_entropy = (1.0 - label_smoothing) * cross_entropy + label_smoothing * uniform
    return cross_entropy * real_tokens(target_output_tokens)


def real_tokens(target_output_tokens: Any) -> Any:
    """1.0 where a token is real, 0.0 at pads: same shape, float32."""
    return ops.cast(ops.not_equal(target_output_tokens, PAD_ID), "float32")


def refuse_sample_weight(sample_weight: Any | None) -> None:
    """Keras hands weights to losses and metrics; these count every real token alike."""
    if sample_weight is not None:
        raise ValueError(
            "Sample weights are not supported: every real token counts alike. "
            f"Received: sample_weight={sample_weight}"
        )


@keras.saving.register_keras_serializable(package="seq2seq")
class TokenCrossEntropy(keras.losses.Loss):
    """Mean label-smoothed cross-entropy over the real tokens of a batch.

    Args:
        label_smoothing: share of the probability spread over the whole vocabulary.
    """

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "token_cross_entropy", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any | None = None) -> Any:
        refuse_sample_weight(sample_weight)
        # Keras would average over pads as well; the division has to be by the number of real tokens.
        losses = token_cross_entropy(y_true, y_pred, self.label_smoothing)
        return ops.sum(losses) / ops.maximum(ops.sum(real_tokens(y_true)), 1.0)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return token_cross_entropy(y_true, y_pred, self.label_smoothing)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


class TokenMetric(keras.metrics.Metric):
    """Base of metrics that are a function of a sum over real tokens and their number.

    They are computed from logits, as Keras does it, or from an `OutputLosses` that a loss left behind.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.tokens = self.add_variable(shape=(), initializer="zeros", name="tokens")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any | None = None) -> None:
        """Take in a batch: tokens (batch, target_length), logits (batch, target_length, vocabulary_size)."""
        refuse_sample_weight(sample_weight)
        self._add(y_true, self.of_logits(y_true, y_pred))

    def update_from(self, y_true: Any, losses: OutputLosses) -> None:
        """Take in a batch whose loss was computed by `output_losses`."""
        self._add(y_true, self.of_losses(losses))

    def _add(self, y_true: Any, by_token: Any) -> None:
        self.total.assign_add(ops.sum(ops.cast(by_token, "float32")))
        self.tokens.assign_add(ops.sum(real_tokens(y_true)))

    def of_logits(self, y_true: Any, logits: Any) -> Any:
        """What is summed: any shape, 0 at pads."""
        raise NotImplementedError

    def of_losses(self, losses: OutputLosses) -> Any:
        """The same, from losses."""
        raise NotImplementedError

    def _mean(self) -> Any:
        return self.total / ops.maximum(self.tokens, 1.0)


@keras.saving.register_keras_serializable(package="seq2seq")
class Perplexity(TokenMetric):
    """exp of the mean cross-entropy (no smoothing) per real token, over everything seen since the reset."""

    def __init__(self, name: str = "perplexity", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def of_logits(self, y_true: Any, logits: Any) -> Any:
        return token_cross_entropy(y_true, logits)

    def of_losses(self, losses: OutputLosses) -> Any:
        return losses.cross_entropy

    def result(self) -> Any:
        return ops.exp(self._mean())


@keras.saving.register_keras_serializable(package="seq2seq")
class TokenAccuracy(TokenMetric):
    """Share of real tokens to which the model gives the highest probability, under teacher forcing."""

    def __init__(self, name: str = "token_accuracy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def of_logits(self, y_true: Any, logits: Any) -> Any:
        right = ops.equal(ops.cast(ops.argmax(logits, axis=-1), y_true.dtype), y_true)
        return ops.cast(right, "float32") * real_tokens(y_true)

    def of_losses(self, losses: OutputLosses) -> Any:
        return losses.is_correct

    def result(self) -> Any:
        return self._mean()
