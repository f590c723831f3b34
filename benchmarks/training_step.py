"""One training step at fixed shapes: the plain loop, the fast one, and the matrix products that bound both.

All variants run in turn on the same batch: in one process, those in parts in processes of their own, as they
want other threads. None has metrics, an average of the weights, or dropout; `epoch.py` measures what those
cost.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.figures import Outcome
from benchmarks.matrix_products import product_runner, training_products
from benchmarks.reference import (
    REFERENCE,
    NetworkSizes,
    TokenBatch,
    build_network,
    configuration,
    random_batch,
)
from benchmarks.step_process import step_process
from benchmarks.timing import Timing, alternate
from benchmarks.variants import PLAIN, Variant, available_variants, precisions, traced_with
from data.quiet_tensorflow import load_tensorflow_quietly


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    sizes: NetworkSizes = REFERENCE
    batch_sizes: tuple[int, ...] = (64, 128)
    length: int = 16  # of source and target, EOS included
    rounds: int = 6
    calls_per_turn: int = 2


SHORT = Settings()
LONG = Settings(rounds=25, calls_per_turn=3)


def measure(settings: Settings = SHORT) -> Outcome:
    """Milliseconds and target tokens per second of each variant, and its share of the bound."""
    load_tensorflow_quietly()
    variants, notes = available_variants()
    outcome = Outcome(notes=notes)
    for batch_size in settings.batch_sizes:
        _measure_batch_size(outcome, settings, variants, batch_size)
    return outcome


def _measure_batch_size(
    outcome: Outcome, settings: Settings, variants: list[Variant], batch_size: int
) -> None:
    length = settings.length
    batch = random_batch(settings.sizes, batch_size, length, length)
    products = training_products(settings.sizes, batch_size, length, length)
    with ExitStack() as processes:
        work: dict[str, Callable[[], object]] = {
            each.name: step_runner(settings.sizes, each, batch)
            if each.batch_parts == 1
            else processes.enter_context(step_process(settings.sizes, each, batch_size, length))
            for each in variants
        }
        work |= {_bound(precision): product_runner(products, precision) for precision in precisions()}
        timings = alternate(work, rounds=settings.rounds, calls_per_turn=settings.calls_per_turn)
    for name, timing in timings.items():
        outcome.add_runs(f"{name}, batch {batch_size}", timing.milliseconds, "ms")
        outcome.add_runs(f"{name}, batch {batch_size}", timing.rates(batch_size * length), "target tokens/s")
    for variant in variants:
        _add_comparisons(outcome, timings, variant, batch_size)


def _add_comparisons(outcome: Outcome, timings: dict[str, Timing], variant: Variant, batch_size: int) -> None:
    own = timings[variant.name]
    if variant != PLAIN:
        speed_ups = own.times_as_fast_as(timings[PLAIN.name])
        outcome.add_runs(f"{variant.name}, batch {batch_size}", speed_ups, "× plain loop")
    shares = [100 * share for share in own.times_as_fast_as(timings[_bound(variant.precision)])]
    outcome.add_runs(f"{variant.name}, batch {batch_size}", shares, "% of the bound")


def _bound(precision: str) -> str:
    return f"matrix products alone, {precision}"


def step_runner(sizes: NetworkSizes, variant: Variant, batch: TokenBatch) -> Callable[[], object]:
    """A function that makes one update of a network; the graph is built before it is returned.

    Raises:
        FloatingPointError: a loss that is not finite: what is timed would not be a training.
    """
    import tensorflow as tf

    with traced_with(variant.precision):
        model = build_network(sizes, implementation=variant.implementation)
        _compile(model, sizes, variant)
        data = ((batch.source_tokens, batch.target_input_tokens), batch.target_output_tokens)
        batches = iter(tf.data.Dataset.from_tensors(data).repeat())
        model.make_train_function()

        def step() -> Any:
            # Reading the loss waits for the step to end.
            loss = model.train_function(batches)["loss"].numpy()
            if not np.isfinite(loss):
                raise FloatingPointError(f"{variant.name}: the loss is {loss}")
            return loss

        step()
    return step


def _compile(model: Any, sizes: NetworkSizes, variant: Variant) -> None:
    """The plain loop with Keras' own Adam; the others with the optimiser that a training has."""
    import keras

    from seq2seq.losses import TokenCrossEntropy
    from seq2seq.training import compile_model

    if variant == PLAIN:
        model.compile(optimizer=keras.optimizers.Adam(), loss=TokenCrossEntropy(), jit_compile=False)
        return
    training = {"schedule": "constant", "clip_norm": None, "label_smoothing": 0.0, "average_weights": 0.0}
    training["batch_parts"] = variant.batch_parts
    compile_model(model, configuration(sizes, training=training), None)
    # The same optimiser and loss without the metrics.
    model.compile(optimizer=model.optimizer, loss=model.loss, jit_compile=False)
