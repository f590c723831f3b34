"""Waiting for the model: clients that go away, a server that has too much to do, models that fail."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from seq2seq.inspector import questions, schemas
from seq2seq.inspector.limits import Limits
from seq2seq.inspector.model_thread import ModelThread
from seq2seq.inspector.problems import ApiError, ClientGone
from seq2seq.inspector.questions import Questions
from seq2seq.inspector.served_model import ServedModel
from seq2seq.inspector.work_queue import Work, WorkQueue
from tests.seq2seq.inspector.asking import stays

ASKED = schemas.TranslateRequest(sentences=["two dogs.", "a child."])


async def leaves() -> bool:
    return True


def test_nobody_works_for_a_client_that_went_away(
    served: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "SECONDS_BETWEEN_LOOKS", 0.01)
    queue = WorkQueue(100)  # with no thread behind it: the work waits
    with pytest.raises(ClientGone):
        asyncio.run(Questions([served], queue, Limits()).translate(ASKED, leaves))
    queue.submit([Work(None, 1, 1, "next", lambda payloads: payloads)])
    assert [work.payload for work in queue.take()] == ["next"]


def test_the_error_of_the_document_is_what_is_answered(served: ServedModel) -> None:
    text = (Path(__file__).parents[3] / "docs" / "inspector_api.md").read_text(encoding="utf-8")
    documented = re.search(r"```json\n(.*?)```", text.split("## Errors")[1], re.DOTALL)
    assert documented is not None
    asked = schemas.TranslateRequest(sentences=["x" * 1312])
    with pytest.raises(ApiError) as caught:
        asyncio.run(Questions([served], WorkQueue(1), Limits()).translate(asked, stays))
    assert caught.value.status == 422
    assert json.loads(caught.value.response().body) == json.loads(documented[1])


def test_too_much_to_do_is_said_at_once(served: ServedModel) -> None:
    queue = WorkQueue(1)
    queue.submit([Work(None, 1, 1, "waits", lambda payloads: payloads)])
    with pytest.raises(ApiError) as caught:
        asyncio.run(Questions([served], queue, Limits()).translate(ASKED, stays))
    assert (caught.value.status, caught.value.code) == (503, "busy")
    assert caught.value.response().headers["retry-after"] == "5"


def test_other_requests_are_heard_while_the_model_works(served: ServedModel) -> None:
    """The event loop is free while the model's thread is not."""
    queue, release = WorkQueue(100), threading.Event()
    thread = ModelThread(queue)
    thread.start()
    queue.submit([Work(None, 1, 1, None, lambda payloads: [release.wait(20)])])

    async def both() -> Any:
        waiting = asyncio.create_task(Questions([served], queue, Limits()).translate(ASKED, stays))
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert not waiting.done()
        release.set()
        return await waiting

    answer = asyncio.run(both())
    thread.stop()
    assert len(answer["translations"]) == 2


def answered(asked: Callable[[Questions], Awaitable[Any]], served: ServedModel, limits: Limits) -> Any:
    """What a server with these limits answers."""
    queue = WorkQueue(100)
    thread = ModelThread(queue)
    thread.start()
    try:
        return asyncio.run(asked(Questions([served], queue, limits)))  # type: ignore[arg-type]
    finally:
        thread.stop()


def test_an_answer_of_too_many_weights_is_refused(served: ServedModel) -> None:
    (one,) = served.translator.translate(["two dogs."], served.translator.default_options())
    weights = one.hypotheses[0].attention.size
    asked = schemas.TranslateRequest(sentences=["two dogs."] * 3)

    def translate(questions: Questions) -> Awaitable[Any]:
        return questions.translate(asked, stays)

    assert len(answered(translate, served, Limits(weights=3 * weights))["translations"]) == 3
    with pytest.raises(ApiError, match=f"would hold {3 * weights:,} attention weights") as caught:
        answered(translate, served, Limits(weights=3 * weights - 1))
    assert (caught.value.status, caught.value.code, caught.value.field) == (422, "too_many", "sentences")


def test_a_run_s_beam_is_cut_to_what_the_server_allows(served: ServedModel) -> None:
    own = served.translator.default_options().beam_size
    assert own > 1
    asked = schemas.TranslateRequest(sentences=["two dogs."])
    answer = answered(lambda questions: questions.translate(asked, stays), served, Limits(beam_size=own - 1))
    assert answer["search"]["beam_size"] == own - 1
    assert served.describe(own - 1)["search"]["beam_size"] == own - 1
    assert served.describe(own + 1)["search"]["beam_size"] == own


def test_what_a_question_asks_for_is_what_it_waits_for(served: ServedModel) -> None:
    """A whole beam is more work than one hypothesis, and comes later than a short sentence."""
    queue = WorkQueue(100)  # with no thread behind it
    questions = Questions([served], queue, Limits())

    async def asked() -> list[int]:
        beam = schemas.BeamRequest(source="two dogs run.", beam_size=6, pruned=3)
        translation = schemas.TranslateRequest(sentences=["two dogs run."], beam_size=1)
        waiting = [
            asyncio.create_task(questions.beam(beam, stays)),
            asyncio.create_task(questions.translate(translation, stays)),
        ]
        await asyncio.sleep(0.05)
        rows = [queue.take()[0].rows for _ in range(2)]
        for each in waiting:
            each.cancel()
        return rows

    assert asyncio.run(asked()) == [1, 9]


def test_who_waits_when_the_server_stops_is_told(served: ServedModel) -> None:
    queue = WorkQueue(100)

    async def both() -> None:
        waiting = asyncio.create_task(Questions([served], queue, Limits()).translate(ASKED, stays))
        await asyncio.sleep(0.05)
        queue.close()
        with pytest.raises(ApiError, match="stopping"):
            await waiting

    asyncio.run(both())


def test_what_the_model_cannot_do_reaches_who_asked(served: ServedModel) -> None:
    queue = WorkQueue(100)
    thread = ModelThread(queue)
    thread.start()

    def fail(payloads: list[Any]) -> list[Any]:
        raise UserError("its weights hold NaN")

    asked = Questions([served], queue, Limits())
    with pytest.raises(UserError, match="NaN"):
        asyncio.run(asked._done([Work(None, 1, 1, None, fail)], stays))
    thread.stop()
