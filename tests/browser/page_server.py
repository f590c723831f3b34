"""The inspector's page with a server whose answers the test decides: no model, no waiting, no surprises."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.browser.answers import LIMITS, MODEL

PAGE = Path(__file__).parents[2] / "seq2seq" / "inspector" / "page"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# As the real server sends it: docs/inspector_api.md.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Answer = Callable[[dict[str, Any]], Any]


class PageServer:
    """Serves the page; `answers["/api/translate"]` gets a request's JSON and returns the answer's.

    An answer that is a pair is (status, JSON). `asked` holds what was asked: path and JSON.
    `unforeseen` holds the paths that were asked for and have no answer: the page was told "not found".
    `before_models` is called before the page learns which models there are.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.models: list[dict[str, Any]] = [MODEL]
        self.before_models: Callable[[], Any] = lambda: None
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.unforeseen: list[str] = []
        page_server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                page_server._get(self)

            def do_POST(self) -> None:
                page_server._post(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def last(self, path: str) -> dict[str, Any]:
        """The JSON of the last request to `path`."""
        return [body for asked, body in self.asked if asked == path][-1]

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/api/models":
            self.before_models()
            _send_json(request, 200, {"models": self.models, "limits": LIMITS})
            return
        name = "index.html" if request.path == "/" else request.path.removeprefix("/page/")
        file = PAGE / name
        if "/" in name or not file.is_file():
            _send_json(request, 404, {"error": {"code": "not_found", "message": "no such file"}})
        else:
            _send(request, 200, file.read_bytes(), CONTENT_TYPES[file.suffix])

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.asked.append((request.path, body))
        if request.path not in self.answers:
            self.unforeseen.append(request.path)
            _send_json(request, 404, {"error": {"code": "not_found", "message": "no answer was prepared"}})
            return
        answer = self.answers[request.path](body)
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        _send_json(request, status, content)


def _send_json(request: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    _send(request, status, json.dumps(content).encode(), "application/json")


def _send(request: BaseHTTPRequestHandler, status: int, content: bytes, content_type: str) -> None:
    try:
        request.send_response(status)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Content-Security-Policy", POLICY)
        request.end_headers()
        request.wfile.write(content)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the page gave up waiting, as it does when a newer question was asked
