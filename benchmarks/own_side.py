"""This project's side of the comparison with other programs (`make bench-peers`).

    python -m benchmarks.own_side --measure training --seconds 20 --output FILE

It reads the sentences that every side reads, with the reference architecture, and writes the same JSON.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.decoding import network_search, text_runner
from benchmarks.machine import project_version
from benchmarks.peers.corpus import (
    BATCH_SIZE,
    LATENCY_LENGTH,
    SENTENCE_LENGTH,
    latency_sentence,
    peer_corpus,
)
from benchmarks.peers.measurement import RESULT_KEYS, THREADS, SideResult, milliseconds, token_rates
from benchmarks.reference import REFERENCE, NetworkSizes, build_network, configuration
from benchmarks.variants import traced_with
from data.quiet_tensorflow import load_tensorflow_quietly
from data.special_ids import BOS_ID
from seq2seq.config import TrainingConfig
from seq2seq.decoding_batches import jobs_at_once
from seq2seq.startup import prepare_environment, run_command

if TYPE_CHECKING:
    import tensorflow as tf

_DECODED_BATCHES = 8


@dataclass(frozen=True)
class Settings:
    """What is measured; a test makes it small."""

    sizes: NetworkSizes = REFERENCE
    batch_size: int = BATCH_SIZE
    batches: int = 200
    length: int = SENTENCE_LENGTH
    latency_length: int = LATENCY_LENGTH
    steps_per_run: int = 4
    with_shortlist: bool = False
    batch_parts: int = 1


def main(arguments: list[str] | None = None, settings: Settings | None = None) -> int:
    """Measure, and write the result file; returns the exit code."""
    options = _parse_arguments(arguments)
    load_tensorflow_quietly()
    import tensorflow as tf

    from seq2seq.matmul_precision import matmul_precision

    result = SideResult("this project", f"{project_version()} (TensorFlow {tf.__version__})")
    settings = settings or Settings(batch_parts=_batch_parts(options.measure))
    settings = replace(settings, with_shortlist=options.shortlist)
    with traced_with(options.precision):
        result.notes.append(f"matrix products with {matmul_precision()} operands")
        if options.shortlist:
            result.notes.append("translates with a shortlist of the vocabulary")
        for measure in list(RESULT_KEYS) if options.measure == "all" else [options.measure]:
            result.runs[measure] = runs_of(measure, options.seconds, settings)
    result.write(options.output)
    return 0


def _batch_parts(measure: str) -> int:
    """As `train.py` does it unless told otherwise. With all measures in one process there is one setting of
    threads for all."""
    return TrainingConfig().batch_parts if measure == "training" else 1


def _jobs_at_once(measure: str) -> int:
    """That share the threads, as in the programs; with all measures in one process none does."""
    if measure in ("training", "all"):
        return _batch_parts(measure)
    return jobs_at_once(one_by_one=measure == "latency")


def _limit_threads(measure: str) -> None:
    """As many threads as every side has; TensorFlow must not have begun to work."""
    load_tensorflow_quietly()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(max(1, THREADS // _jobs_at_once(measure)))
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)


def runs_of(measure: str, seconds: float, settings: Settings) -> list[float]:
    """The figure of each run: target tokens per second, or milliseconds for `latency`."""
    if measure == "training":
        return token_rates(_training(settings), seconds)
    if measure == "latency":
        source = latency_sentence() % settings.sizes.vocabulary
        return milliseconds(_translation(settings, source, 5, settings.latency_length), seconds)
    corpus = peer_corpus(
        _DECODED_BATCHES * settings.batch_size,
        length=settings.length,
        vocabulary_size=settings.sizes.vocabulary,
        seed=3,
    )
    beam_size = {"greedy": 1, "beam5": 5}[measure]
    return token_rates(_translation(settings, corpus.source, beam_size, settings.length), seconds)


def _training(settings: Settings) -> Callable[[], int]:
    """Some updates as train.py makes them, metrics and clipping included; returns how many target tokens."""
    from seq2seq.training import compile_model

    training = {"schedule": "constant", "label_smoothing": 0.0, "average_weights": 0.0, "clip_norm": 1.0}
    training["batch_parts"] = settings.batch_parts
    model = build_network(settings.sizes)
    compile_model(model, configuration(settings.sizes, training=training), None)
    model.make_train_function()
    batches = iter(_training_batches(settings))

    def steps() -> int:
        for _ in range(settings.steps_per_run):
            logs = model.train_function(batches)
        logs["loss"].numpy()  # waits for the last step to end
        return settings.steps_per_run * settings.batch_size * settings.length

    return steps


def _training_batches(settings: Settings) -> tf.data.Dataset:
    import tensorflow as tf

    count = settings.batches * settings.batch_size
    source, target = peer_corpus(count, length=settings.length, vocabulary_size=settings.sizes.vocabulary)
    target_input = np.concatenate([np.full((count, 1), BOS_ID, np.int32), target[:, :-1]], axis=1)
    pairs = tf.data.Dataset.from_tensor_slices(((source, target_input), target))
    return pairs.batch(settings.batch_size, drop_remainder=True).repeat().prefetch(2)


def _translation(
    settings: Settings, source_tokens: np.ndarray, beam_size: int, length: int
) -> Callable[[], int]:
    """A search over all the sentences, with attention; returns how many target tokens it wrote."""
    from seq2seq.matmul_precision import matmul_precision
    from seq2seq.search_options import SearchOptions

    search = network_search(settings.sizes, matmul_precision(), with_shortlist=settings.with_shortlist)
    options = SearchOptions(beam_size=beam_size)
    run = text_runner(search, source_tokens, options, length, settings.batch_size)

    def translate() -> int:
        run()
        return len(source_tokens) * length

    return translate


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.own_side", description=__doc__)
    parser.add_argument(
        "--measure", choices=[*RESULT_KEYS, "all"], default="all", help="default: all, one after the other"
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="timed part of each measure (%(default)s)"
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--precision",
        choices=["auto", "float32", "bfloat16"],
        default="auto",
        help="operands of matrix products (default: bfloat16 where the processor has instructions for it)",
    )
    parser.add_argument("--shortlist", action="store_true", help="translate with a shortlist")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    prepare_environment()
    _limit_threads(_parse_arguments(None).measure)
    run_command(lambda _: main())
