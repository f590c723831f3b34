"""Every measurement by its name. A module is imported when it is measured, so that --help answers at once."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.figures import Outcome


@dataclass(frozen=True)
class Measurement:
    """One measurement.

    Attributes:
        name: on the command line and in the JSON file.
        title: what it measures.
        module: has `measure(settings) -> Outcome` and the settings `SHORT` and `LONG`.
    """

    name: str
    title: str
    module: str

    def measure(self, *, long: bool) -> Outcome:
        """Measure now, in this process."""
        module = importlib.import_module(self.module)
        return module.measure(module.LONG if long else module.SHORT)


_ALL = (
    Measurement("training", "Training step, reference architecture", "benchmarks.training_step"),
    Measurement("epoch", "train.py, reference architecture, made-up text", "benchmarks.epoch"),
    Measurement("decoding", "Search with attention, fixed output length", "benchmarks.decoding"),
    Measurement("latency", "One sentence, warm", "benchmarks.latency"),
    Measurement("startup", "From the shell to the first translation", "benchmarks.process_startup"),
    Measurement("corpus", "Preparing a corpus, by its size", "benchmarks.corpus_size"),
    Measurement("report", "The report of an evaluation: size, and opening it", "benchmarks.report_opening"),
    Measurement("stream", "Growth of memory while a large corpus is streamed", "benchmarks.stream_memory"),
)

MEASUREMENTS = {measurement.name: measurement for measurement in _ALL}
