"""serve.py: a real server in a process of its own, and what keeps it from starting."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from data.errors import UserError
from seq2seq import shipped_models
from seq2seq.run_directory import RunDirectory
from seq2seq.serve_command import _application, address_of, answered_hosts, bound_socket
from seq2seq.serve_options import parse_options

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "serve.py", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def server(tiny_run: RunDirectory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = start("--model", str(tiny_run.path), "--port", "0")
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def ask(line: str, path: str, body: Any = None) -> Any:
    address = re.search(r"http://\S+/", line)
    assert address is not None, line
    request = urllib.request.Request(
        address[0] + path,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_it_says_where_it_is_answers_and_stops_quietly(server: tuple[subprocess.Popen[str], str]) -> None:
    process, line = server
    assert re.fullmatch(r"Attention inspector: http://127\.0\.0\.1:\d+/   \(Ctrl-C stops it\)\n", line)
    assert ask(line, "health")["models"] == ["tiny"]
    (translation,) = ask(line, "api/translate", {"sentences": ["two dogs."]})["translations"]
    assert translation["source"]["words"] == ["two", "dogs", "."]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output.strip() == ""
    assert "Traceback" not in errors
    assert "error" not in errors.lower()


def test_a_port_in_use_is_named_before_any_model_is_loaded(tiny_run: RunDirectory) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("--model", str(tiny_run.path), "--port", str(port))
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert f"Port {port} of 127.0.0.1 is in use" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "nowhere", "--port", "0"], "nowhere does not exist"),
        (["--model", "x", "--port", "70000"], "expected a port from 0 to 65535, got '70000'"),
        (["--model", "x", "--max-sentences", "0"], "expected a whole number of at least 1"),
        (["--model", "x", "--host", "no.such.host.invalid"], "there is no such address"),
        (["--model", "x", "--host", "192.0.2.1"], "Cannot listen at 192.0.2.1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use(arguments: list[str], said: str) -> None:
    process = start(*arguments)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert said in errors
    assert "Traceback" not in errors


def test_without_a_model_it_takes_the_default_one_and_says_how_to_choose_another(
    tiny_run: RunDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shipped_models, "default_run", lambda: tiny_run)
    app = _application(parse_options([]))
    assert [model["name"] for model in app.state.descriptions] == [tiny_run.path.name]
    first = capsys.readouterr().err.splitlines()[0]
    assert first == (
        f"model: {tiny_run.path.name}, English to xx (another one: --model MODEL; those that ship: "
        "python translate.py --list-models)"
    )
    _application(parse_options(["--model", str(tiny_run.path)]))
    assert "model:" not in capsys.readouterr().err


def test_a_default_model_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", tmp_path)
    with pytest.raises(UserError, match=r"No --model was given, and the default one, tatoeba-en-es, is not"):
        _application(parse_options([]))


def test_a_shipped_model_is_served_by_its_name(
    tiny_run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_models, "shipped_names", lambda: ["tiny-en-xx"])
    monkeypatch.setattr(shipped_models, "shipped_run", lambda name: tiny_run)
    app = _application(parse_options(["--model", "tiny-en-xx"]))
    assert [model["name"] for model in app.state.descriptions] == [tiny_run.path.name]


def test_a_run_that_is_given_twice(tiny_run: RunDirectory) -> None:
    from seq2seq.inspector.served_model import load_models

    with pytest.raises(UserError, match="given twice"):
        load_models([tiny_run.path, tiny_run.path / ".." / tiny_run.path.name])


def test_runs_of_one_name_are_numbered(tiny_run: RunDirectory, tmp_path: Path) -> None:
    import shutil

    from seq2seq.inspector.served_model import load_models

    other = shutil.copytree(tiny_run.path, tmp_path / "elsewhere" / tiny_run.path.name)
    names = [model.name for model in load_models([tiny_run.path, other])]
    assert names == [tiny_run.path.name, f"{tiny_run.path.name} (2)"]


def test_only_this_machine_s_names_are_answered_unless_others_are_wanted() -> None:
    assert set(answered_hosts("127.0.0.1", [])) == {"localhost", "127.0.0.1", "::1"}
    assert "lab.example" in answered_hosts("127.0.0.1", ["lab.example"])
    assert answered_hosts("0.0.0.0", []) == ()
    assert set(answered_hosts("0.0.0.0", ["lab.example"])) >= {"lab.example", "localhost"}


@pytest.mark.parametrize(
    ("host", "allowed"), [("127.0.0.1", []), ("127.2", []), ("localhost", []), ("0.0.0.0", ["lab.example"])]
)
def test_the_address_that_is_printed_is_answered(host: str, allowed: list[str]) -> None:
    with bound_socket(host, 0) as listening:
        printed = urlsplit(address_of(listening)).hostname
    hosts = [each.casefold() for each in answered_hosts(host, allowed)]
    assert not hosts or printed in hosts


def test_two_servers_that_start_together_do_not_both_have_the_port() -> None:
    with bound_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} of 127.0.0.1 is in use"):
            bound_socket("127.0.0.1", port)


def test_addresses_can_be_typed_into_a_browser() -> None:
    with bound_socket("127.0.0.1", 0) as local, bound_socket("0.0.0.0", 0) as everywhere:
        assert address_of(local) == f"http://127.0.0.1:{local.getsockname()[1]}/"
        assert address_of(everywhere).startswith(f"http://{socket.gethostname()}:")


def test_the_limits_of_the_command_line_are_those_of_the_library() -> None:
    from seq2seq.inspector.limits import Limits

    options, limits = parse_options(["--model", "x"]), Limits()
    assert options.max_characters == limits.characters
    assert options.max_sentences == limits.sentences
    assert options.max_beam_size == limits.beam_size
    assert options.max_n_best == limits.n_best
