"""Who is served when: fairness, company, and work that nobody waits for any more."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from concurrent.futures import Future
from typing import Any

import pytest

from seq2seq.inspector.model_thread import ModelThread
from seq2seq.inspector.work_queue import MOST_ROWS, QueueFull, Work, WorkQueue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def work(name: Any, steps: int = 10, group: Hashable | None = None, rows: int = 1) -> Work:
    return Work(group, steps, rows, name, lambda payloads: payloads)


def taken(queue: WorkQueue) -> list[Any]:
    return [each.payload for each in queue.take()]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    return WorkQueue(100, clock)


class TestOrder:
    def test_first_come_first_served_among_equals(self, queue: WorkQueue, clock: Clock) -> None:
        for name in "abc":
            queue.submit([work(name)])
            clock.now += 0.001
        assert [taken(queue) for _ in "abc"] == [["a"], ["b"], ["c"]]

    def test_a_short_one_passes_a_long_one(self, queue: WorkQueue, clock: Clock) -> None:
        queue.submit([work("long", steps=400, rows=5)])
        clock.now += 0.5
        queue.submit([work("short", steps=20)])
        assert taken(queue) == ["short"]

    def test_but_not_for_ever(self, queue: WorkQueue, clock: Clock) -> None:
        """A stream of short ones, each of which alone would go first: the long one's turn comes."""
        queue.submit([work("long", steps=400, rows=5)])
        served = []
        for number in range(100):
            queue.submit([work(number, steps=20)])
            served += taken(queue)
            clock.now += 0.1
        assert 20 < served.index("long") < 60  # 400 steps of 5 rows are due 4 seconds after they came

    def test_the_only_sentence_of_one_passes_the_last_of_another(
        self, queue: WorkQueue, clock: Clock
    ) -> None:
        queue.submit([work(("many", number)) for number in range(40)])
        clock.now += 0.1
        queue.submit([work("single")])
        order = [taken(queue)[0] for _ in range(41)]
        assert 0 < order.index("single") < 10
        assert [each for each in order if each != "single"] == [("many", number) for number in range(40)]


class TestCompany:
    def test_only_a_group_goes_together(self, queue: WorkQueue) -> None:
        queue.submit(
            [work("a", group=1), work("b", group=2), work("c", group=1), work("d"), work("e", group=1)]
        )
        assert taken(queue) == ["a", "c", "e"]
        assert taken(queue) == ["b"]
        assert taken(queue) == ["d"]

    def test_nobody_takes_along_what_is_far_longer(self, queue: WorkQueue) -> None:
        queue.submit([work("short", 10, 1), work("long", 100, 1), work("similar", 28, 1), work("tiny", 2, 1)])
        assert taken(queue) == ["short", "similar", "tiny"]
        assert taken(queue) == ["long"]

    def test_a_call_does_not_grow_without_bound(self, queue: WorkQueue) -> None:
        queue.submit([work(number, group=1, rows=100) for number in range(5)])
        assert len(taken(queue)) == MOST_ROWS // 100
        queue.close()
        long = WorkQueue(100)
        long.submit([work(number, steps=4000, group=1) for number in range(10)])
        assert len(taken(long)) == 5


class TestLimitsAndEnds:
    def test_a_full_queue_says_so_and_keeps_nothing_of_the_request(self, queue: WorkQueue) -> None:
        queue.submit([work(number) for number in range(98)])
        with pytest.raises(QueueFull):
            queue.submit([work("x"), work("y"), work("z")])
        assert len(queue) == 98

    def test_cancelled_work_is_not_done_and_takes_no_room(self, queue: WorkQueue) -> None:
        works = [work(number) for number in range(100)]
        queue.submit(works)
        for each in works[:99]:
            each.result.cancel()
        queue.submit([work("new")])
        assert taken(queue) == ["new"]  # the hundredth of another request is due later
        assert taken(queue) == [99]

    def test_one_large_request_has_its_turn_where_nothing_waits(self, queue: WorkQueue) -> None:
        """It is within the limits of a request, so there has to be a moment at which it is taken."""
        queue.submit([work(number) for number in range(101)])
        with pytest.raises(QueueFull):
            queue.submit([work("later")])
        for _ in range(101):
            taken(queue)
        queue.submit([work("later")])
        assert taken(queue) == ["later"]

    def test_closing_lets_everybody_go(self, queue: WorkQueue) -> None:
        waiting = work("waiting")
        queue.submit([waiting])
        queue.close()
        assert queue.take() == []
        assert waiting.result.cancelled()
        with pytest.raises(QueueFull):
            queue.submit([work("late")])


class TestModelThread:
    @pytest.fixture
    def thread(self, queue: WorkQueue) -> Any:
        thread = ModelThread(queue)
        thread.start()
        yield thread
        thread.stop()

    def result(self, future: Future[Any]) -> Any:
        return future.result(timeout=10)

    def test_results_go_to_who_asked(self, queue: WorkQueue, thread: ModelThread) -> None:
        works = [
            Work("g", 1, 1, n, lambda payloads: [payload * 10 for payload in payloads]) for n in range(50)
        ]
        queue.submit(works)
        assert [self.result(each.result) for each in works] == [n * 10 for n in range(50)]

    def test_one_that_fails_spoils_nothing_for_its_company(
        self, queue: WorkQueue, thread: ModelThread
    ) -> None:
        def run(payloads: list[int]) -> list[int]:
            if 13 in payloads:
                raise ValueError("13")
            return payloads

        works = [Work("g", 1, 1, number, run) for number in (12, 13, 14)]
        queue.submit(works)
        assert self.result(works[0].result) == 12
        assert self.result(works[2].result) == 14
        with pytest.raises(ValueError, match="13"):
            self.result(works[1].result)

    def test_all_work_is_done_by_one_thread(self, queue: WorkQueue, thread: ModelThread) -> None:
        def run(payloads: list[Any]) -> list[str]:
            return [threading.current_thread().name] * len(payloads)

        works = [Work(None, 1, 1, number, run) for number in range(10)]
        queue.submit(works)
        assert {self.result(each.result) for each in works} == {"model"}
