"""Batches of neighbours in length, two at once; whoever asked gets the answers in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest

from data.errors import UserError
from seq2seq.decoding_batches import NotEnoughMemory, decode_in_batches, sentences_at_once


class Line(NamedTuple):
    number: int
    length: int


def lines(*lengths: int) -> Iterator[Line]:
    return (Line(number, length) for number, length in enumerate(lengths))


def nothing_without_search(line: Line) -> None:
    return None


def decoded(
    requests: Iterator[Line],
    decode: Callable[[list[Line]], list[Any]],
    batch_size: int = 2,
    window: int | None = None,
) -> Iterator[Any]:
    return decode_in_batches(requests, nothing_without_search, decode, batch_size, window)


def test_neighbours_in_length_go_together_and_answers_keep_their_order():
    batches = []

    def decode(batch: list[Line]) -> list[int]:
        batches.append(sorted(line.length for line in batch))
        return [line.number for line in batch]

    assert list(decoded(lines(5, 1, 9, 2, 8, 4), decode)) == [0, 1, 2, 3, 4, 5]
    assert sorted(batches) == [[1, 2], [4, 5], [8, 9]]


def test_what_needs_no_search_is_not_decoded():
    answers = decode_in_batches(
        lines(3, 0, 4),
        lambda line: "empty" if line.length == 0 else None,
        lambda batch: [line.length for line in batch],
        batch_size=1,
        window=3,
    )
    assert list(answers) == [3, "empty", 4]


def test_two_batches_are_decoded_at_once():
    together = threading.Barrier(2, timeout=20)

    def decode(batch: list[Line]) -> list[int]:
        together.wait()  # for the other one; alone it would break after its time
        return [line.number for line in batch]

    assert list(decoded(lines(*range(1, 9)), decode)) == list(range(8))


def test_a_single_batch_stays_in_the_thread_of_the_caller():
    threads = []

    def decode(batch: list[Line]) -> list[int]:
        threads.append(threading.current_thread())
        return [line.number for line in batch]

    assert list(decoded(lines(2, 1), decode)) == [0, 1]
    assert threads == [threading.current_thread()]


def test_an_error_ends_it_and_the_rest_is_not_decoded():
    begun = []

    def decode(batch: list[Line]) -> list[int]:
        begun.append(batch)
        if batch[0].length == 39:  # the longest are the first
            raise UserError("no finite probability")
        time.sleep(0.01)
        return [line.number for line in batch]

    with pytest.raises(UserError, match="no finite probability"):
        list(decoded(lines(*range(40)), decode, batch_size=1, window=40))
    assert len(begun) < 20


def test_what_came_before_a_bad_line_is_given_out():
    def requests() -> Iterator[Line]:
        yield from lines(4, 3, 2, 1, 5)
        raise UserError("line 6 is not UTF-8")

    answers = decoded(requests(), lambda batch: [line.number for line in batch], window=10)
    assert [next(answers) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(UserError, match="line 6"):
        next(answers)


@pytest.mark.parametrize("asks", ["search", "score"])
def test_a_graph_is_built_once_for_batches_that_come_at_once(asks: str):
    from seq2seq.search import Search
    from tests.seq2seq.search_reference import EOS, TinyModel, TinyWeights

    search = Search([TinyModel(TinyWeights(20))])
    build, built = search.prepared.build, []

    def counting(*arguments: Any) -> Any:
        built.append(arguments)
        return build(*arguments)

    search.prepared.build = counting  # type: ignore[method-assign]
    sources = [[5, 7, EOS], [6, EOS], [9, 4, 8, EOS], [5, EOS]]

    def ask(source: list[int]) -> np.ndarray:
        if asks == "search":
            return search.search([source]).tokens
        return search.score([source], [[4, EOS]]).log_probability

    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(ask, sources))
    assert len(built) == 1
    for source, found in zip(sources, at_once, strict=True):
        np.testing.assert_array_equal(found, ask(source))


@pytest.mark.parametrize(
    ("batch_size", "hypotheses", "sentences"),
    [(64, 1, 64), (64, 40, 64), (64, 41, 62), (64, 500, 5), (64, 10_000, 1), (1, 5, 1), (512, 5, 512)],
)
def test_a_wide_beam_has_fewer_sentences_in_a_batch(batch_size: int, hypotheses: int, sentences: int):
    assert sentences_at_once(batch_size, hypotheses) == sentences


class ResourceExhaustedError(Exception):
    """Of the name of TensorFlow's."""


@pytest.mark.parametrize("error", [MemoryError, ResourceExhaustedError])
def test_a_batch_that_does_not_fit_into_memory_is_named(error: type[Exception]):
    def decode(batch: list[Line]) -> list[int]:
        raise error

    with pytest.raises(NotEnoughMemory, match="decode 2 sentences at once"):
        list(decoded(lines(3, 3), decode))
