"""How long one who waits for one sentence waits: text in, translation with its word alignment out.

The weights are random, so the length of the output is fixed to what a trained network would write.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Outcome
from benchmarks.reference import REFERENCE, NetworkSizes
from benchmarks.reference_run import sentences_of, write_reference_run
from benchmarks.timing import Timing, repeat
from benchmarks.variants import precisions
from seq2seq.decoding_batches import jobs_at_once
from seq2seq.startup import share_cores

if TYPE_CHECKING:
    from seq2seq.translator import Translator

_DIFFERENT_SENTENCES = 20


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    sizes: NetworkSizes = REFERENCE
    words: int = 12
    output_pieces: int = 15  # without EOS
    beam_size: int = 5
    calls: int = 200


SHORT = Settings()
LONG = Settings(calls=1000)


def measure(settings: Settings = SHORT) -> Outcome:
    """Milliseconds of a call that translates one sentence: median, 99th percentile."""
    share_cores(jobs_at_once(one_by_one=True))  # as translate.py does it for whoever waits
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        run = write_reference_run(Path(folder) / "run", settings.sizes)
        for precision in precisions():
            from seq2seq.translator import Translator

            call = sentence_runner(Translator.load(run, precision=precision), settings)
            timing = repeat(call, runs=settings.calls, warm_up=5)
            _add(outcome, settings, precision, timing)
    return outcome


def _add(outcome: Outcome, settings: Settings, precision: str, timing: Timing) -> None:
    name = (
        f"{settings.words} words to {settings.output_pieces} pieces, beam {settings.beam_size}, "
        f"alignment, {precision}"
    )
    outcome.add_runs(name, timing.milliseconds, "ms")
    outcome.add(f"{name}, p99", 1000 * timing.percentile(99), "ms")


def sentence_runner(translator: Translator, settings: Settings) -> Callable[[], object]:
    """A function that translates the next of several sentences, and aligns its words."""
    from seq2seq.search_options import SearchOptions

    options = SearchOptions(
        beam_size=settings.beam_size, min_length=settings.output_pieces, max_length=settings.output_pieces
    )
    sentences = itertools.cycle(sentences_of(settings.words, _DIFFERENT_SENTENCES))

    def call() -> object:
        (translation,) = translator.translate([next(sentences)], options)
        return translation.hypotheses[0].alignment(translation.source)

    return call
