"""How sentences are decoded: neighbours in length together, two batches at once, answers in order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from data.errors import UserError
from seq2seq.length_sorting import length_sorted_batches
from seq2seq.processor import bfloat16_is_fast, core_count

BATCH_SIZE = 64
# A stream is sorted by length within this many batches: enough for batches of almost equal lengths.
_BATCHES_PER_WINDOW = 8
# Of a batch; up to a beam of 40 the default batch size is kept. Each takes about 0.13 MB: some copies of a
# row of 8,000 logits.
_MOST_HYPOTHESES = 2560
# A search is a row of products with small operations between them that keep one core busy at most.
_SIDE_BY_SIDE = 2


def jobs_at_once(*, one_by_one: bool) -> int:
    """Among how many jobs whoever translates should share the cores (`startup.share_cores`).

    Measured in docs/performance.md, "Threads".

    Args:
        one_by_one: whether sentences are translated by themselves, not in batches.
    """
    if not one_by_one:
        return _SIDE_BY_SIDE
    # The products of one sentence are small. Where the processor makes short work of them, they are done
    # before a second thread has woken up.
    return core_count() if bfloat16_is_fast() else 1


class NotEnoughMemory(UserError):
    """A batch does not fit into memory."""


def sentences_at_once(batch_size: int, hypotheses: int) -> int:
    """How many sentences to decode together: fewer than wanted where each has very many hypotheses.

    Args:
        batch_size: that is wanted.
        hypotheses: that a search follows for each sentence.
    """
    return max(1, min(batch_size, _MOST_HYPOTHESES // hypotheses))


class Request(Protocol):
    """Something to decode; `length` in pieces says what to decode it together with."""

    @property
    def length(self) -> int: ...


AnyRequest = TypeVar("AnyRequest", bound=Request)
Answer = TypeVar("Answer")
Item = TypeVar("Item")


def decode_in_batches(
    requests: Iterable[AnyRequest],
    without_search: Callable[[AnyRequest], Answer | None],
    decode: Callable[[list[AnyRequest]], list[Answer]],
    batch_size: int,
    window: int | None,
) -> Iterator[Answer]:
    """Decode window by window, in batches of similar lengths; give out in the order of `requests`.

    Args:
        requests: may come slowly, or raise a `UserError`: what came before it is given out first.
        without_search: the answer to a request that needs no search, else None.
        decode: does a batch. It is called from several threads at once.
        batch_size: at most this many requests are given to `decode`.
        window: this many requests are read before the first answer is given out. By default 8 batches; one
            when `batch_size` is 1, as whoever waits for each answer before sending the next line wants it.

    Raises:
        ValueError: `batch_size` or `window` is below 1.
        NotEnoughMemory: for a batch.
    """
    if batch_size < 1 or (window is not None and window < 1):
        raise ValueError(f"batch size and window must be at least 1, not {batch_size} and {window}")
    decode = explaining_memory(decode)
    window = window or (1 if batch_size == 1 else batch_size * _BATCHES_PER_WINDOW)
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="decoding") as threads:
        for in_window in read_in_chunks(requests, window):
            answers = [without_search(request) for request in in_window]
            waiting = [place for place, answer in enumerate(answers) if answer is None]
            batches = [
                [waiting[member] for member in batch]
                for batch in length_sorted_batches([in_window[place].length for place in waiting], batch_size)
            ]
            contents = [[in_window[place] for place in places] for places in batches]
            # A single batch stays in the caller's thread.
            decoded = threads.map(decode, contents) if len(batches) > 1 else map(decode, contents)
            for places, found in zip(batches, decoded, strict=True):
                for place, answer in zip(places, found, strict=True):
                    answers[place] = answer
            yield from (answer for answer in answers if answer is not None)


def explaining_memory(
    decode: Callable[[list[Item]], list[Answer]],
) -> Callable[[list[Item]], list[Answer]]:
    """The same function, with a `UserError` for a batch that there is not enough memory for."""

    def decode_or_explain(batch: list[Item]) -> list[Answer]:
        try:
            return decode(batch)
        except Exception as error:
            # By its name: this module does without TensorFlow.
            if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
                raise
            many = "a sentence" if len(batch) == 1 else f"{len(batch)} sentences at once"
            raise NotEnoughMemory(
                f"There is not enough memory to decode {many}. A smaller batch size or beam, fewer samples "
                "or a lower maximum length need less."
            ) from error

    return decode_or_explain


def read_in_chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of at most `size` items; an error of `items` comes after the last of them.

    A bad line must not lose the good ones before it.

    Raises:
        UserError: `items` raised it.
    """
    rest = iter(items)
    problem: UserError | None = None
    while problem is None:
        chunk: list[Item] = []
        try:
            for item in itertools.islice(rest, size):
                chunk.append(item)
        except UserError as error:
            problem = error
        if chunk:
            yield chunk
        elif problem is None:
            return
    raise problem
