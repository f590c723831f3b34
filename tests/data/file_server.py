"""A web server on 127.0.0.1 for the tests: it serves what a test tells it to, as badly as it is told to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves `files` by path, counts requests, and can answer with errors first.

    Attributes:
        url: the base URL, ending in "/".
        files: {path without a leading "/": content}.
        requests: every path that was asked for, in order.
        cut_to: {path: number of bytes after which the connection closes, though all were promised}.
        failures: {path: HTTP status codes to answer with first, one per request}.
        stalls: {path: seconds to wait after the first bytes, once for each request}.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.cut_to: dict[str, int] = {}
        self.failures: dict[str, list[int]] = {}
        self.stalls: dict[str, list[float]] = {}


@contextmanager
def serve_files() -> Iterator[FileServer]:
    """Run a `FileServer` in a thread until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            served.requests.append(path)
            if served.failures.get(path):
                self.send_error(served.failures[path].pop(0))
            elif path not in served.files:
                self.send_error(404)
            else:
                content = served.files[path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if served.stalls.get(path):
                    self.wfile.write(content[:3])
                    time.sleep(served.stalls[path].pop(0))
                    return
                self.wfile.write(content[: served.cut_to.get(path, len(content))])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = FileServer(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def dead_url() -> str:
    """Give a base URL on a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"
