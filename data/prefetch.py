"""Let a background thread run ahead of the loop that uses its results."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_END = object()


class _Failure(Generic[_Item]):
    def __init__(self, error: BaseException) -> None:
        self.error = error


def prefetched(make_iterator: Callable[[], Iterator[_Item]], depth: int) -> Iterator[_Item]:
    """Yield what `make_iterator()` yields, computed up to `depth` items ahead in a thread of its own.

    An exception of the iterator is raised here, after the items before it. The thread starts with the first
    item asked for, and has ended when this generator ends: by exhaustion, by an exception, by `close()`, or
    when the last reference to it goes away.

    Args:
        make_iterator: called in the thread.
        depth: how many finished items may wait; 0 computes them in the calling thread.
    """
    if depth == 0:
        yield from make_iterator()
        return
    finished: queue.Queue[object] = queue.Queue(maxsize=depth)
    stop = threading.Event()
    thread = threading.Thread(
        target=_produce, args=(make_iterator, finished, stop), name="prefetch", daemon=True
    )
    thread.start()
    try:
        while (item := finished.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        # The producer may be waiting for a free place: make room until it has seen the signal.
        while thread.is_alive():
            try:
                finished.get(timeout=0.01)
            except queue.Empty:
                continue
        thread.join()


def _produce(
    make_iterator: Callable[[], Iterator[_Item]], finished: queue.Queue[object], stop: threading.Event
) -> None:
    last: object = _END
    try:
        for item in make_iterator():
            if stop.is_set():
                return
            finished.put(item)
            if stop.is_set():
                return
    except BaseException as error:
        last = _Failure(error)
    finished.put(last)
