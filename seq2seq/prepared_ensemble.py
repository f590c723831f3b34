"""An ensemble with its decoding weights: prepared once, then given to every graph that is built with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

from seq2seq.ensemble import Ensemble, StepModel
from seq2seq.matmul_precision import matmul_precision, products_in

# Graphs that one search keeps, the last used: whoever asks an inspector for every beam size there is must not
# fill its memory.
KEPT_GRAPHS = 24

# Batches come from several threads (`decoding_batches.py`), and translators may do so. The precision of
# products is one for the process, so there is one lock for all ensembles, held while weights are prepared
# and graphs traced.
_PRODUCTS = threading.RLock()


class PreparedEnsemble:
    """What search, alternatives and beam tree share of one ensemble.

    The weights are prepared at first use and kept (see `decoding_weights.py`): call `refresh` when they have
    changed since.

    Args:
        models: one or more, as `ensemble.StepModel` describes.
        precision: of the matrix products, see `matmul_precision.PRECISIONS`; None: what is set when the
            weights are prepared and a graph is built.
    """

    def __init__(self, models: Sequence[StepModel], precision: str | None = None) -> None:
        self.ensemble = Ensemble(models)
        self.precision = precision
        self._weights: tuple[Any, ...] | None = None

    @property
    def weights(self) -> tuple[Any, ...]:
        """Of each model, what `Ensemble.step` wants."""
        with _PRODUCTS:
            if self._weights is None:
                with self._products():
                    self._weights = self.ensemble.decoding_weights()
            return self._weights

    def refresh(self) -> None:
        """Read the models' weights anew, at the next use."""
        self._weights = None

    def build(self, run: Callable[..., Any], signature: Sequence[Any]) -> Callable[..., Any]:
        """Make a graph of a function of the weights.

        It is traced at once, so that the ensemble knows its vocabulary before the first run.

        Args:
            run: its first argument is `weights`.
            signature: nests of `tf.TensorSpec`, of the arguments behind that.

        Returns:
            The function of those arguments. Each call takes the weights of that moment.
        """
        specs = tf.nest.map_structure(lambda weight: tf.TensorSpec(weight.shape, weight.dtype), self.weights)
        function = tf.function(run, input_signature=[specs, *signature], autograph=False)
        with _PRODUCTS, self._products():
            function.get_concrete_function()
        return lambda *arguments: function(self.weights, *arguments)

    def _products(self) -> AbstractContextManager[None]:
        return products_in(self.precision or matmul_precision())
