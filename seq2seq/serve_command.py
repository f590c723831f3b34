"""What serve.py does: take the port, load the models, serve until somebody stops it."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import socket
import threading
import webbrowser
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from seq2seq.serve_options import parse_options

if TYPE_CHECKING:
    from fastapi import FastAPI

# For a connection without requests; longer than a person hesitates between two clicks.
KEEP_ALIVE_SECONDS = 30
_SECONDS_TO_FINISH = 3
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def main(arguments: list[str] | None = None) -> int:
    """Run serve.py.

    Args:
        arguments: of the command line, without the program's name; those of the process when None.

    Returns:
        The exit code 0 when it was stopped; anything else that may happen is an exception.

    Raises:
        UserError: for `seq2seq.startup.run_command` to show.
    """
    options = parse_options(arguments)
    # What can be wrong is found before the models are loaded, which takes seconds.
    with bound_socket(options.host, options.port) as listening:
        app = _application(options)
        _serve(app, listening, opens_browser=options.open)
    return 0


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket that has the address; whoever connects waits until somebody answers.

    Raises:
        UserError: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise UserError(f"--host {host}: there is no such address ({error}).") from error
    bound = socket.socket(family, kind, protocol)
    try:
        # Connections of a server that has just stopped do not keep its port busy.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Two that are started together can both have the address: only one of them can listen.
        bound.listen()
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"Port {port} of {host} is in use: another server runs there. Stop it, or choose another "
                f"port (--port {port + 1 if port < 65535 else 8000}; 0 takes one that is free)."
            ) from error
        raise UserError(f"Cannot listen at {host}, port {port}: {error.strerror or error}.") from error
    return bound


def address_of(listening: socket.socket) -> str:
    """What to type into the browser."""
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def answered_hosts(host: str, allowed: Sequence[str]) -> tuple[str, ...]:
    """The names that a server answers to; none: to every name.

    A server for this machine alone must not answer to others' names, or a page of theirs that is open in the
    browser could read what it says. Whoever serves a network is reached under names that nobody here knows.
    """
    address = str(socket.getaddrinfo(host, None)[0][4][0]).partition("%")[0]
    if not ipaddress.ip_address(address).is_loopback and not allowed:
        return ()
    # What `address_of` prints is answered, too.
    printed = socket.gethostname() if ipaddress.ip_address(address).is_unspecified else address
    return (*_LOCAL_NAMES, host, printed, *allowed)


def _application(options: argparse.Namespace) -> FastAPI:
    from data.quiet_tensorflow import load_tensorflow_quietly
    from seq2seq.line_progress import loading_note
    from seq2seq.shipped_models import runs_or_default

    others = "another one: --model MODEL; those that ship: python translate.py --list-models"
    runs = runs_or_default(options.model, others)
    for run in runs:
        _ = run.config
    with loading_note(", ".join(run.label for run in runs)) as loading:
        load_tensorflow_quietly()
        loading()
        from seq2seq.inspector.application import create_application
        from seq2seq.inspector.limits import Limits
        from seq2seq.inspector.served_model import load_models

        limits = Limits(
            characters=options.max_characters,
            sentences=options.max_sentences,
            beam_size=options.max_beam_size,
            n_best=options.max_n_best,
        )
        hosts = answered_hosts(options.host, options.allow_host)
        models = load_models(runs)
        return create_application(models, limits, hosts, warm_up=True)


def _serve(app: FastAPI, listening: socket.socket, *, opens_browser: bool) -> None:
    import uvicorn

    address = address_of(listening)

    class AnnouncedServer(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(f"Attention inspector: {address}   (Ctrl-C stops it)", flush=True)
            if opens_browser:
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    settings: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "ws": "none",
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": _SECONDS_TO_FINISH,
    }
    try:
        AnnouncedServer(uvicorn.Config(app, **settings)).run(sockets=[listening])
    except KeyboardInterrupt:
        # uvicorn hands on the Ctrl-C that has stopped it; here it is the way to stop.
        print()
