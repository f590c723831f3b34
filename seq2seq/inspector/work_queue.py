"""Who is served next, and together with whom: a fair queue in front of a single model.

Each piece of work is due at a time: when it arrived, plus `PATIENCE` times the work that its own request has
asked for up to and including it. So a short sentence passes a long one, and the only sentence of one request
passes the fortieth of another, but nothing is passed for ever: with time everything becomes the first.

Work of one group is done in one call. Whoever is first takes along what waits in its group and is not much
longer: shorter ones end no later than they would by themselves, a few steps more cost less than another call,
and what is far longer would keep everybody waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 4.0
SECONDS_PER_STEP = 0.0005  # of one hypothesis, in company: how much work there is, not when it will be done
MOST_ROWS = 320  # of one call: hypotheses of all its sentences
MOST_POSITIONS = 320 * 64  # of one call: rows times steps, so that memory stays bounded
# A companion may be that much longer than the first.
LONGER_FACTOR, LONGER_STEPS = 1.25, 16


class QueueFull(Exception):
    """So much is waiting that it is better to say so than to wait."""


@dataclass(eq=False)
class Work:
    """One sentence to be done, or something else that cannot be divided.

    Attributes:
        group: what may be done in one call with it has an equal one; None: nothing may.
        steps: about how long it takes, in decoder steps.
        rows: how many hypotheses these steps are for.
        payload: what `run` is given of it.
        run: does several: a list of payloads of one group to a list of results. Called on the model's thread.
        result: set when it is done.
        due: see above; set by the queue.
    """

    group: Hashable | None
    steps: int
    rows: int
    payload: Any
    run: Callable[[list[Any]], list[Any]]
    result: Future[Any] = field(default_factory=Future)
    due: float = 0.0


class WorkQueue:
    """Safe to use from several threads.

    Args:
        most_waiting: pieces of work.
        clock: in seconds.
    """

    def __init__(self, most_waiting: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_waiting = most_waiting
        self._clock = clock
        self._waiting: list[Work] = []
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting)

    def submit(self, works: Sequence[Work]) -> None:
        """Enter all the work of one request, in the order in which it is wanted.

        Raises:
            QueueFull: there is no room for it, or the queue is closed. Nothing of it was entered.
        """
        with self._changed:
            self._forget_cancelled()
            # A request of more than that is none of too many: where nothing waits, it has its turn.
            is_full = self._waiting and len(self._waiting) + len(works) > self._most_waiting
            if self._closed or is_full:
                raise QueueFull
            due = self._clock()
            for work in works:
                due += PATIENCE * SECONDS_PER_STEP * work.steps * work.rows
                work.due = due
            self._waiting.extend(works)
            self._changed.notify_all()

    def take(self) -> list[Work]:
        """Wait for work; returns the first and its companions, or nothing when the queue is closed."""
        with self._changed:
            while True:
                self._forget_cancelled()
                if self._closed:
                    return []
                if self._waiting:
                    break
                self._changed.wait()
            taken = self._first_and_companions()
            chosen = set(map(id, taken))
            self._waiting = [work for work in self._waiting if id(work) not in chosen]
            return taken

    def close(self) -> None:
        """Refuse new work, cancel what waits, and let `take` return."""
        with self._changed:
            self._closed = True
            for work in self._waiting:
                work.result.cancel()
            self._waiting.clear()
            self._changed.notify_all()

    def _forget_cancelled(self) -> None:
        self._waiting = [work for work in self._waiting if not work.result.cancelled()]

    def _first_and_companions(self) -> list[Work]:
        in_order = sorted(self._waiting, key=lambda work: work.due)
        first = in_order[0]
        taken, rows = [first], first.rows
        if first.group is None:
            return taken
        longest = first.steps * LONGER_FACTOR + LONGER_STEPS
        for work in in_order[1:]:
            if work.group != first.group or work.steps > longest:
                continue
            if rows + work.rows > min(MOST_ROWS, MOST_POSITIONS // max(first.steps, 1)):
                break
            taken.append(work)
            rows += work.rows
        return taken
