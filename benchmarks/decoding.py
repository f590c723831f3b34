"""Search with attention: its speed with a text, and how that of a batch depends on beam, size and length.

A text is decoded as `translate.py --input` and `evaluate.py` do it: two batches at once, with half of the
cores each. A batch by itself has its half alone. The weights are random, so the length of the output is
fixed: the least length is the greatest, and the network ends where it may. The cost is that of a trained
network that writes as many tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.figures import Outcome
from benchmarks.reference import REFERENCE, NetworkSizes, build_network, end_when_allowed, random_batch
from benchmarks.timing import alternate, repeat
from benchmarks.variants import precisions
from data.quiet_tensorflow import load_tensorflow_quietly
from seq2seq.decoding_batches import decode_in_batches, jobs_at_once
from seq2seq.startup import share_cores

if TYPE_CHECKING:
    from seq2seq.search import Search
    from seq2seq.search_options import SearchOptions
    from seq2seq.shortlist import Shortlist


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    sizes: NetworkSizes = REFERENCE
    batch_size: int = 64
    length: int = 16  # of source and output, EOS included
    beam_size: int = 5
    lengths: tuple[int, ...] = (8, 16, 32, 64)
    batch_sizes: tuple[int, ...] = (1, 8, 64, 256)
    beam_sizes: tuple[int, ...] = (1, 2, 5, 10)
    batches: int = 8  # of a text
    rounds: int = 5
    runs: int = 4


SHORT = Settings()
LONG = Settings(rounds=20, runs=15)


def measure(settings: Settings = SHORT) -> Outcome:
    """Target tokens and sentences per second."""
    share_cores(jobs_at_once(one_by_one=False))
    load_tensorflow_quietly()
    outcome = Outcome()
    _measure_texts(outcome, settings)
    _measure_costs(outcome, settings)
    return outcome


def _measure_texts(outcome: Outcome, settings: Settings) -> None:
    """Greedy, beam and n-best search over a text, with each precision of the products, in turn."""
    from seq2seq.search_options import SearchOptions

    beam, sentences = settings.beam_size, settings.batches * settings.batch_size
    kinds = {
        "greedy": SearchOptions(beam_size=1),
        f"beam {beam}": SearchOptions(beam_size=beam),
        f"beam {beam}, all {beam} best": SearchOptions(beam_size=beam, n_best=beam),
    }
    source_tokens = random_batch(settings.sizes, sentences, settings.length, 1).source_tokens
    work = {}
    for precision in precisions():
        for with_shortlist in (False, True):
            search = network_search(settings.sizes, precision, with_shortlist=with_shortlist)
            for kind, options in kinds.items():
                run = text_runner(search, source_tokens, options, settings.length, settings.batch_size)
                run()  # builds the graph
                work[f"{kind}, {precision}{', shortlist' if with_shortlist else ''}"] = run
    for name, timing in alternate(work, rounds=settings.rounds).items():
        outcome.add_runs(name, timing.rates(sentences * settings.length), "target tokens/s")
        outcome.add_runs(name, timing.rates(sentences), "sentences/s")


def _measure_costs(outcome: Outcome, settings: Settings) -> None:
    """One of beam, batch and length changes, the others stay."""
    batch, length, beam = settings.batch_size, settings.length, settings.beam_size
    shapes = (
        *((f"beam {each}", each, batch, length) for each in settings.beam_sizes),
        *((f"beam {beam}, batch {each}", beam, each, length) for each in settings.batch_sizes),
        *((f"beam {beam}, length {each}", beam, batch, each) for each in settings.lengths),
    )
    from seq2seq.search_options import SearchOptions

    search = network_search(settings.sizes, "float32")
    for name, beam_size, batch_size, tokens in shapes:
        options = SearchOptions(beam_size=beam_size)
        run = search_runner(search, settings.sizes, options, batch_size, tokens)
        timing = repeat(run, runs=settings.runs)
        outcome.add_runs(f"one batch, float32, {name}", timing.rates(batch_size * tokens), "target tokens/s")


class _Row(NamedTuple):
    """A source, as `decode_in_batches` wants it."""

    tokens: np.ndarray

    @property
    def length(self) -> int:
        return len(self.tokens)


def network_search(sizes: NetworkSizes, precision: str, *, with_shortlist: bool = False) -> Search:
    """Search with a random network, with products of this precision."""
    from seq2seq.search import Search

    shortlist = made_up_shortlist(sizes) if with_shortlist else None
    return Search([end_when_allowed(build_network(sizes))], precision=precision, shortlist=shortlist)


def made_up_shortlist(sizes: NetworkSizes) -> Shortlist:
    """A shortlist of the usual size, whose candidates are as unevenly frequent as words are."""
    from benchmarks.peers.corpus import FIRST_WORD_ID, peer_corpus
    from seq2seq.make_shortlist import CANDIDATES, FREQUENT
    from seq2seq.shortlist import Shortlist

    words = peer_corpus(1000, vocabulary_size=sizes.vocabulary, seed=4).target[:, :-1].ravel()
    generator = np.random.default_rng(1)
    return Shortlist(
        np.arange(FIRST_WORD_ID, min(FIRST_WORD_ID + FREQUENT, sizes.vocabulary), dtype=np.int32),
        generator.choice(words, (sizes.vocabulary, CANDIDATES)),
        sizes.vocabulary,
    )


def search_runner(
    search: Search, sizes: NetworkSizes, options: SearchOptions, batch_size: int, length: int
) -> Callable[[], object]:
    """A function that translates a batch of random sentences, source and output of `length` tokens."""
    source_tokens = random_batch(sizes, batch_size, length, 1).source_tokens
    options = _of_fixed_length(options, length)
    return lambda: search.search(source_tokens, options=options)


def text_runner(
    search: Search, source_tokens: np.ndarray, options: SearchOptions, length: int, batch_size: int
) -> Callable[[], None]:
    """A function that translates these sentences as a text, into `length` tokens each, EOS included."""
    options = _of_fixed_length(options, length)

    def decode(rows: list[_Row]) -> list[float]:
        result = search.search(np.stack([row.tokens for row in rows]), options=options)
        assert (result.lengths == length).all(), result.lengths
        return result.score[:, 0].tolist()

    def run() -> None:
        for _ in decode_in_batches(map(_Row, source_tokens), lambda _: None, decode, batch_size, None):
            pass

    return run


def _of_fixed_length(options: SearchOptions, length: int) -> SearchOptions:
    # EOS is not counted among the tokens that a search is limited to.
    return replace(options, min_length=length - 1, max_length=length - 1)
