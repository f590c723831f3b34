"""Many people at the inspector at once: python -m benchmarks.inspector_load --model RUN

Starts serve.py on a free port of this machine, asks it to translate sentences with the run's default beam,
and stops it. They are those of the run's validation split; a shipped model comes without its data, and is
asked for those of the built-in corpus. The clients run on the same machine and take their share of its
cores. Ends by itself: when a phase takes longer than its limit that is an error.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Outcome
from benchmarks.machine import ROOT
from data.errors import UserError
from seq2seq.command_options import at_least
from seq2seq.serve_command import KEEP_ALIVE_SECONDS

if TYPE_CHECKING:
    import httpx

RESULTS = ROOT / "benchmarks" / "results" / "inspector.json"
_SECONDS_TO_START = 180.0
_SECONDS_OF_A_PHASE = 300.0
_BULK_SENTENCES = 64


@dataclass(frozen=True)
class Settings:
    """What is asked for.

    Attributes:
        clients: that wait for an answer each before they ask again.
        requests: of all of them together, one sentence each.
        requests_alone: of one client by itself, before.
        bulk_clients: that send 64 sentences at a time besides, in a third phase.
    """

    clients: int = 50
    requests: int = 1000
    requests_alone: int = 50
    bulk_clients: int = 2


def measure(run: Path, settings: Settings) -> Outcome:
    """Latencies of a server under load.

    Raises:
        UserError: the server does not start, fails to answer, or takes too long.
    """
    sentences, where = sentences_for(run)
    with running_server(run) as address:
        outcome = asyncio.run(_phases(address, sentences, settings))
    words = sum(len(each.split()) for each in sentences) / len(sentences)
    outcome.notes.append(f"{len(sentences)} sentences of {where}, {words:.1f} words on average")
    return outcome


def sentences_for(run: Path) -> tuple[list[str], str]:
    """What to ask a model, and where it is from.

    Raises:
        UserError: the run, which is no shipped model, does not hold its validation split.
    """
    from data.starter import load_starter_corpus
    from seq2seq.run_directory import RunDirectory

    if not RunDirectory(run).is_shipped:
        return validation_sentences(run), "the run's validation split"
    pairs = load_starter_corpus().validation.open_pairs()
    return [source for source, _ in pairs], "the built-in corpus"


def validation_sentences(run: Path) -> list[str]:
    """The source sides of a run's validation split, those that one request may hold.

    Raises:
        UserError: the run does not hold it.
    """
    from data.pair_store import PairStore
    from seq2seq.run_directory import RunDirectory

    store = PairStore(RunDirectory(run).data_folder / "validation")
    sentences = [source for source, _ in store.read(range(len(store))) if 0 < len(source) <= 1000]
    if not sentences:
        raise UserError(f"{run} has no validation sentences to translate.")
    return sentences


@contextmanager
def running_server(run: Path) -> Iterator[str]:
    """serve.py in a process of its own; gives its address.

    Raises:
        UserError: it does not come up.
    """
    command = [sys.executable, "serve.py", "--model", str(run.resolve()), "--port", "0"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    # A server that hangs while it starts shall not hang this, too.
    watch = threading.Timer(_SECONDS_TO_START, server.kill)
    watch.start()
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        watch.cancel()
        address = re.search(r"http://\S+", line)
        if address is None:
            raise UserError(f"serve.py did not start; it wrote {line!r}.")
        yield address[0].rstrip("/")
    finally:
        watch.cancel()
        server.send_signal(signal.SIGINT)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


async def _phases(address: str, sentences: list[str], settings: Settings) -> Outcome:
    import httpx

    outcome = Outcome()
    await asyncio.wait_for(_idle(address), _SECONDS_TO_START)
    many = f"{settings.clients} clients"
    beside = f"{many} beside {settings.bulk_clients} with {_BULK_SENTENCES} sentences"
    for name, clients, requests, bulk_clients in (
        ("1 client", 1, settings.requests_alone, 0),
        (many, settings.clients, settings.requests, 0),
        (beside, settings.clients, settings.requests // 2, settings.bulk_clients),
    ):
        phase = _phase(address, sentences, clients, requests, bulk_clients)
        try:
            seconds, latencies, bulk = await asyncio.wait_for(phase, _SECONDS_OF_A_PHASE)
        except asyncio.TimeoutError as error:
            raise UserError(f"{name}: no end within {_SECONDS_OF_A_PHASE:.0f} seconds.") from error
        except httpx.HTTPError as error:
            raise UserError(f"{name}: a request was not answered ({error!r}).") from error
        _add(outcome, name, seconds, latencies, bulk)
    return outcome


def _client(address: str) -> httpx.AsyncClient:
    """One person's, with a connection of their own.

    Connections that all share have a queue of their own, in which a request may wait many times as long as
    the server takes to answer it.
    """
    import httpx

    # Given up long before the server does: it may close a connection in the moment in which it is used again.
    limits = httpx.Limits(max_connections=1, keepalive_expiry=KEEP_ALIVE_SECONDS / 2)
    return httpx.AsyncClient(base_url=address, timeout=120, limits=limits, verify=False)


async def _idle(address: str) -> None:
    """Until the server has built its graphs."""
    async with _client(address) as client:
        while (await client.get("/health")).json()["waiting"] > 0:
            await asyncio.sleep(0.5)
        # The last of them may still be under way: an answer comes behind it.
        await _ask(client, ["."])


async def _phase(
    address: str, sentences: list[str], clients: int, requests: int, bulk_clients: int
) -> tuple[float, list[float], list[float]]:
    """Seconds of all, of each request, and of each bulk request."""
    numbers = iter(range(requests))
    latencies: list[float] = []
    bulk: list[float] = []
    done = asyncio.Event()

    async def one() -> None:
        async with _client(address) as client:
            for number in numbers:
                latencies.append(await _ask(client, [sentences[number % len(sentences)]]))

    async def many(first: int) -> None:
        endless = itertools.cycle(sentences)
        async with _client(address) as client:
            while not done.is_set():
                chosen = list(itertools.islice(endless, first, first + _BULK_SENTENCES))
                bulk.append(await _ask(client, chosen))

    begin = time.perf_counter()
    others = [asyncio.create_task(many(100 * number)) for number in range(bulk_clients)]
    await asyncio.gather(*(one() for _ in range(clients)))
    seconds = time.perf_counter() - begin
    done.set()
    await asyncio.gather(*others)
    return seconds, latencies, bulk


async def _ask(client: httpx.AsyncClient, sentences: list[str]) -> float:
    begin = time.perf_counter()
    response = await client.post("/api/translate", json={"sentences": sentences})
    seconds = time.perf_counter() - begin
    if response.status_code != 200 or len(response.json()["translations"]) != len(sentences):
        raise UserError(f"the server answered {response.status_code}: {response.text[:300]}")
    return seconds


def _add(outcome: Outcome, name: str, seconds: float, latencies: list[float], bulk: list[float]) -> None:
    import numpy as np

    outcome.add(f"{name}: answered", len(latencies), "requests")
    outcome.add(f"{name}: together", len(latencies) / seconds, "requests/s")
    for percentile in (50, 99):
        outcome.add(f"{name}: p{percentile}", 1000 * float(np.percentile(latencies, percentile)), "ms")
    outcome.add(f"{name}: longest", 1000 * max(latencies), "ms")
    if bulk:
        outcome.add(f"{name}: median of the {_BULK_SENTENCES}", 1000 * float(np.median(bulk)), "ms")


def main(arguments: list[str] | None = None) -> int:
    """Run the load test, print a table and write the figures."""
    options = _parser().parse_args(arguments)
    from benchmarks.machine import describe_machine, project_version
    from benchmarks.report import print_table, write_report
    from seq2seq.shipped_models import find_run

    settings = Settings(clients=options.clients, requests=options.requests)
    machine = describe_machine()
    run = find_run(options.model).path
    outcome = measure(run, settings)
    outcome.notes.append(f"model {run.name}, its default beam; server and clients share the cores")
    title = "The inspector's server under load, /api/translate, one sentence a request"
    report: dict[str, Any] = {
        "project_version": project_version(),
        "measured_on": time.strftime("%Y-%m-%d"),
        "machine": machine,
        "measurements": {
            "inspector": {
                "title": title,
                "figures": [figure.to_json() for figure in outcome.figures],
                "notes": outcome.notes,
            }
        },
    }
    print_table(report)
    write_report(options.output, report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.inspector_load", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--model", metavar="RUN", required=True, help="directory of a trained run, or name of a shipped model"
    )
    parser.add_argument("--clients", type=at_least(1), default=50, metavar="N", help="at once (default 50)")
    parser.add_argument(
        "--requests", type=at_least(2), default=1000, metavar="N", help="of all (default 1000)"
    )
    parser.add_argument(
        "--output", default=RESULTS, metavar="FILE", help="JSON (default: benchmarks/results/inspector.json)"
    )
    return parser


if __name__ == "__main__":
    from seq2seq.startup import prepare_environment, run_command

    prepare_environment()
    run_command(main)
