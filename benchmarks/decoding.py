"""Search with attention: its speed by beam, batch and length.

The weights are random, so the length of the output is fixed: the least length is the greatest, and the
network ends where it may. The cost is that of a trained network that writes as many tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.figures import Outcome
from benchmarks.reference import REFERENCE, NetworkSizes, build_network, end_when_allowed, random_batch
from benchmarks.timing import alternate, repeat
from benchmarks.variants import precisions
from data.quiet_tensorflow import load_tensorflow_quietly

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
    batches: int = 8  # of a text that is translated as a whole
    rounds: int = 10
    runs: int = 4


SHORT = Settings()
LONG = Settings(rounds=30, runs=15)


def measure(settings: Settings = SHORT) -> Outcome:
    """Target tokens and sentences per second."""
    load_tensorflow_quietly()
    outcome = Outcome()
    _measure_kinds(outcome, settings)
    _measure_costs(outcome, settings)
    _measure_whole_texts(outcome, settings)
    return outcome


def _measure_kinds(outcome: Outcome, settings: Settings) -> None:
    """Greedy, beam and n-best search, with each precision of the products, in turn."""
    from seq2seq.search_options import SearchOptions

    batch_size, length, beam = settings.batch_size, settings.length, settings.beam_size
    kinds = {
        "greedy": SearchOptions(beam_size=1),
        f"beam {beam}": SearchOptions(beam_size=beam),
        f"beam {beam}, all {beam} best": SearchOptions(beam_size=beam, n_best=beam),
    }
    work = {}
    for precision in precisions():
        for with_shortlist in (False, True):
            search = network_search(settings.sizes, precision, with_shortlist=with_shortlist)
            for kind, options in kinds.items():
                run = search_runner(search, settings.sizes, options, batch_size, length)
                run()  # builds the graph
                work[f"{kind}, {precision}{', shortlist' if with_shortlist else ''}"] = run
    for name, timing in alternate(work, rounds=settings.rounds).items():
        outcome.add_runs(name, timing.rates(batch_size * length), "target tokens/s")
        outcome.add_runs(name, timing.rates(batch_size), "sentences/s")


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
        outcome.add_runs(f"float32, {name}", timing.rates(batch_size * tokens), "target tokens/s")


def _measure_whole_texts(outcome: Outcome, settings: Settings) -> None:
    """Several batches, one after the other and as a `Translator` has them decoded, in turn."""
    from seq2seq.search_options import SearchOptions

    search = network_search(settings.sizes, "float32")
    sentences = settings.batches * settings.batch_size
    source_tokens = random_batch(settings.sizes, sentences, settings.length, 1).source_tokens
    one, side_by_side = "one batch after the other", "as the translator decodes them"
    for beam_size in (1, settings.beam_size):
        options = _of_fixed_length(SearchOptions(beam_size=beam_size), settings.length)
        arguments = (search, source_tokens, options, settings.batch_size)
        work = {one: partial(_in_turn, *arguments), side_by_side: partial(_as_translated, *arguments)}
        timings = alternate(work, rounds=settings.rounds)
        name = f"float32, beam {beam_size}, {settings.batches} batches"
        for way, timing in timings.items():
            rates = timing.rates(sentences * settings.length)
            outcome.add_runs(f"{name} {way}", rates, "target tokens/s")
        gain = timings[side_by_side].times_as_fast_as(timings[one])
        outcome.add_runs(f"{name} {side_by_side}", gain, f"× {one}")


def _in_turn(search: Search, source_tokens: np.ndarray, options: SearchOptions, batch_size: int) -> None:
    for begin in range(0, len(source_tokens), batch_size):
        search.search(source_tokens[begin : begin + batch_size], options=options)


def _as_translated(
    search: Search, source_tokens: np.ndarray, options: SearchOptions, batch_size: int
) -> None:
    from seq2seq.decoding_batches import decode_in_batches

    def decode(batch: list[_Row]) -> list[float]:
        result = search.search(np.stack([row.tokens for row in batch]), options=options)
        return result.score[:, 0].tolist()

    rows = map(_Row, source_tokens)
    for _ in decode_in_batches(rows, lambda row: None, decode, batch_size, window=None):
        pass


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
    from seq2seq.shortlist import CANDIDATES, FREQUENT, Shortlist

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
    return fixed_length_runner(
        search, random_batch(sizes, batch_size, length, 1).source_tokens, options, length
    )


def fixed_length_runner(
    search: Search, source_tokens: np.ndarray, options: SearchOptions, length: int
) -> Callable[[], object]:
    """A function that translates these sentences into `length` tokens each, EOS included."""
    options = _of_fixed_length(options, length)
    return lambda: search.search(source_tokens, options=options)


def _of_fixed_length(options: SearchOptions, length: int) -> SearchOptions:
    # EOS is not counted among the tokens that a search is limited to.
    return replace(options, min_length=length - 1, max_length=length - 1)
