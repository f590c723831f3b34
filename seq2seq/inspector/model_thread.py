"""The one thread that TensorFlow works on."""

from __future__ import annotations

import threading

from seq2seq.inspector.work_queue import Work, WorkQueue


class ModelThread:
    """Takes work from a queue and does it, until the queue is closed.

    One thread is enough: TensorFlow itself uses all cores for a call, and a call does many sentences.

    Args:
        queue: to take from.
    """

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._thread = threading.Thread(target=self._serve, name="model", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the queue and wait for the call under way."""
        self._queue.close()
        self._thread.join()

    def _serve(self) -> None:
        while works := self._queue.take():
            # From here on they cannot be cancelled; what was cancelled already is left out.
            running = [work for work in works if work.result.set_running_or_notify_cancel()]
            if running:
                _do(running)


def _do(works: list[Work]) -> None:
    try:
        results = works[0].run([work.payload for work in works])
    except Exception as error:
        if len(works) == 1:
            works[0].result.set_exception(error)
            return
        # One of them may have spoilt it for the others.
        for work in works:
            _do([work])
        return
    for work, result in zip(works, results, strict=True):
        work.result.set_result(result)
