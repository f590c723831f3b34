"""What stands before every question: the host it is for, its size, the time it takes."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from seq2seq.inspector.guards import Guards, host_name
from seq2seq.inspector.limits import Limits
from tests.seq2seq.inspector.asking import Asking


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:8000", "localhost"),
        ("[::1]:80", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("A.B", "a.b"),
        ("FD00::1", "fd00::1"),
    ],
)
def test_host_names(header: str, host: str) -> None:
    assert host_name(header) == host


def guarded(receive: Any, body_bytes: int) -> list[Any]:
    """What the guards send of an application that answers with the body that it was sent."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": (await receive())["body"]})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/question",
        "headers": [(b"content-type", b"application/json"), (b"host", b"a")],
    }
    guards = Guards(app, ["/question"], hosts=(), body_bytes=body_bytes, body_seconds=0.05)
    asyncio.run(guards(scope, receive, send))
    return sent


class TestTheLargestQuestions:
    """What the other limits allow is not refused for its size, and what is larger is."""

    @staticmethod
    def status_of(body: bytes, limits: Limits) -> int:
        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        return guarded(receive, limits.body_bytes)[0]["status"]

    @pytest.mark.parametrize(
        "limits", [Limits(), Limits(characters=5000, sentences=100), Limits(characters=1, sentences=1)]
    )
    @pytest.mark.parametrize("letter", ["a", "犬", "🐕", "\n", "\x00"])
    def test_pass_however_they_are_written(self, limits: Limits, letter: str) -> None:
        text = letter * limits.characters
        cut = ["▁" + letter * (limits.characters // limits.pieces)] * limits.pieces
        for pair in ({"source": text, "target": text}, {"source": text, "target_pieces": cut}):
            question = {"pairs": [pair] * limits.sentences, "model": "m" * 100, "checkpoint": 1}
            assert self.status_of(json.dumps(question).encode(), limits) == 200

    def test_pins_on_every_word_pass(self) -> None:
        pins = [{"target_word": word, "source_words": list(range(200))} for word in range(200)]
        question = {"source": "a", "target_pieces": ["▁a"] * 500, "pins": pins}
        limits = Limits(characters=1000, sentences=1)
        assert self.status_of(json.dumps(question).encode(), limits) == 200

    def test_larger_ones_do_not(self) -> None:
        limits = Limits()
        assert self.status_of(b"x" * limits.body_bytes, limits) == 200
        assert self.status_of(b"x" * (limits.body_bytes + 1), limits) == 413

    def test_are_answered(self, api: Asking) -> None:
        question = {"sentences": ["🐕" * 120] * 40, "beam_size": 1}
        response = api.client.post(
            "/api/translate", content=json.dumps(question), headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 200
        assert len(response.json()["translations"]) == 40


class TestSlowAndVanishingClients:
    def guarded(self, receive: Any) -> list[Any]:
        return guarded(receive, body_bytes=10)

    def test_a_body_in_parts_is_put_together(self) -> None:
        parts = [
            {"type": "http.request", "body": b"ab", "more_body": True},
            {"type": "http.request", "body": b"cd"},
        ]

        async def receive() -> Any:
            return parts.pop(0)

        assert self.guarded(receive)[1]["body"] == b"abcd"

    def test_a_body_that_grows_beyond_the_limit_is_refused(self) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"abcd", "more_body": True}

        assert self.guarded(receive)[0]["status"] == 413

    def test_a_body_that_does_not_come_is_not_waited_for(self) -> None:
        async def receive() -> Any:
            await asyncio.sleep(5)

        assert self.guarded(receive)[0]["status"] == 408

    def test_what_arrived_while_the_server_stood_still_is_read(self) -> None:
        """The time is up, but the body is there already: it takes the loop some turns to read it."""

        async def receive() -> Any:
            asyncio.get_running_loop().call_later(0.01, time.sleep, 0.1)  # nothing else runs meanwhile
            await asyncio.sleep(0.02)
            for _ in range(3):
                await asyncio.sleep(0)
            return {"type": "http.request", "body": b"late"}

        assert self.guarded(receive)[1]["body"] == b"late"

    def test_who_went_away_gets_no_answer(self) -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        assert self.guarded(receive) == []
