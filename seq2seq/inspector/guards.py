"""What every request passes before anything is made of it, and what every answer carries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seq2seq.inspector.problems import ApiError, failed

_SECONDS_OF_GRACE = 0.1

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guards:
    """ASGI middleware: hosts, size and kind of the body, time to send it, and security headers.

    Args:
        app: behind the guards.
        questions: paths that take a body, by POST. Of all others the application knows what to say.
        hosts: names that the server answers to; empty: to all. Other pages in the user's browser could
            otherwise reach a server on this machine under a name of theirs (DNS rebinding).
        body_bytes: the largest body.
        body_seconds: the longest that a body may take to arrive.
    """

    def __init__(
        self,
        app: ASGIApp,
        questions: Collection[str],
        hosts: Collection[str],
        body_bytes: int,
        body_seconds: float,
    ) -> None:
        self.app = app
        self.questions = frozenset(questions)
        self.hosts = frozenset(map(host_name, hosts))
        self.body_bytes = body_bytes
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        try:
            self._check_host(scope)
            body = await self._read_body(scope, receive)
        except ApiError as error:
            await error.response()(scope, receive, send_with_headers)
            return
        except _Disconnected:
            return
        try:
            await self.app(scope, _replay(body, receive), send_with_headers)
        except Exception:
            # A mistake of the program: the client learns that there was one; the server logs which.
            if not has_begun:
                await failed().response()(scope, receive, send_with_headers)
            raise

    def _check_host(self, scope: Scope) -> None:
        host = host_name(_header(scope, b"host"))
        if self.hosts and host not in self.hosts:
            known = ", ".join(sorted(self.hosts))
            message = (
                f"This server answers to {known} only, not to {host[:100]!r} (--allow-host adds a name)."
            )
            raise ApiError(421, "wrong_host", message)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        if scope["method"] != "POST" or scope["path"] not in self.questions:
            return b""
        announced = _header(scope, b"content-length")
        if announced.isdigit() and int(announced) > self.body_bytes:
            raise self._too_large()
        if _header(scope, b"content-type").partition(";")[0].strip().casefold() != "application/json":
            message = "Send JSON, and say so with the header Content-Type: application/json."
            raise ApiError(415, "invalid_json", message)
        reading = asyncio.ensure_future(self._whole_body(receive))
        try:
            await asyncio.wait({reading}, timeout=self.body_seconds)
            # If it was this process that stood still, what has arrived meanwhile only has to be looked at.
            await asyncio.wait({reading}, timeout=_SECONDS_OF_GRACE)
            if reading.done():
                return reading.result()
        finally:
            reading.cancel()
        message = f"The request's body did not arrive within {self.body_seconds:g} seconds."
        raise ApiError(408, "invalid_request", message)

    async def _whole_body(self, receive: Receive) -> bytes:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Disconnected
            body += message.get("body", b"")
            if len(body) > self.body_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return body

    def _too_large(self) -> ApiError:
        message = f"The request's body is too large; at most {self.body_bytes:,} bytes are allowed."
        return ApiError(413, "too_large", message)


class _Disconnected(Exception):
    """The client went away before its request was complete."""


def host_name(header: str) -> str:
    """The host of a Host header, or of a user, without its port: `[::1]:8000` -> `::1`."""
    host = header.strip().casefold()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    if host.count(":") > 1:  # IPv6 without brackets, which has no port
        return host
    return host.partition(":")[0]


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _replay(body: bytes, receive: Receive) -> Any:
    """A `receive` that first gives the body that was read already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
