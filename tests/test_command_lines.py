"""What every command-line program owes to who types it: help at once, and errors in one line."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted(path.stem for path in ROOT.glob("*.py") if path.name != "conftest.py")
DOCUMENTS = {
    "train": ["training.md"],
    "translate": ["translate.md"],
    "evaluate": ["evaluate.md"],
    "serve": ["inspector.md", "inspector_api.md"],
}
HEAVY = {
    *("tensorflow", "keras", "matplotlib", "numpy"),
    *("sentencepiece", "sacrebleu", "pydantic", "yaml", "rich"),
}

_REPORT_MODULES = """
import atexit, runpy, sys
script = sys.argv[1]
sys.argv = sys.argv[1:]
top_levels = lambda: sorted({name.split(".")[0] for name in sys.modules})
atexit.register(lambda: print("LOADED", *top_levels(), file=sys.stderr))
runpy.run_path(script, run_name="__main__")
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def parser_of(script: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    """The parser that a script's command makes, taken from it as it is about to parse."""
    found: list[argparse.ArgumentParser] = []

    def keep(self: argparse.ArgumentParser, *_: object, **__: object) -> None:
        found.append(self)
        raise KeyboardInterrupt

    for method in ("parse_args", "parse_known_args", "parse_intermixed_args"):
        monkeypatch.setattr(argparse.ArgumentParser, method, keep)
    with pytest.raises(KeyboardInterrupt):
        importlib.import_module(f"seq2seq.{script}_command").main([])
    return found[0]


def test_the_scripts_are_there() -> None:
    assert {"train", "translate"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_loads_nothing_heavy(script: str) -> None:
    result = run("-c", _REPORT_MODULES, f"{script}.py", "--help")
    assert result.returncode == 0, result.stderr
    loaded = result.stderr.partition("LOADED")[2].split()
    assert "argparse" in loaded  # the list is a list
    assert sorted(set(loaded) & HEAVY) == []


@pytest.mark.parametrize("module", ["seq2seq.ship", "seq2seq.make_shortlist"])
def test_help_of_a_module_loads_nothing_heavy(module: str) -> None:
    result = run("-X", "importtime", "-m", module, "--help")
    assert (result.returncode, result.stdout[:6]) == (0, "usage:"), result.stderr
    loaded = {line.split("|")[-1].strip().split(".")[0] for line in result.stderr.splitlines()}
    assert "argparse" in loaded  # the list is a list
    assert sorted(loaded & HEAVY) == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_goes_to_stdout_and_explains_every_option(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(f"{script}.py", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    parser = parser_of(script, monkeypatch)
    assert parser.prog == f"{script}.py"
    assert parser.description
    for action in parser._actions:
        names = action.option_strings or [str(action.metavar or action.dest)]
        assert action.help is not argparse.SUPPRESS, names
        assert action.help, f"{names} has no help"
        for name in names:
            assert name in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 110


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_option_is_in_the_user_documentation(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in DOCUMENTS[script])
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text))
    options = {name for action in parser_of(script, monkeypatch)._actions for name in action.option_strings}
    undocumented = {name for name in options if name.startswith("--")} - documented
    assert undocumented <= {"--help"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_option_is_refused_in_one_line(script: str) -> None:
    result = run(f"{script}.py", "--no-such-option")
    assert result.returncode == 2
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert lines[-1].startswith(f"{script}.py: error: ")
    assert "--no-such-option" in lines[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train.py"], "error: say what to train (--config FILE; see configs/)"),
        (["train.py", "--resume"], "error: say what to train"),
        (["train.py", "--run", "nowhere"], "error: say what to train"),
        (["train.py", "--config", "configs/starter.yaml", "--mirror", ""], "--mirror: expected a value"),
        (["evaluate.py", "--compare", ""], "--compare: expected a value, got an empty one"),
        (["translate.py", "--output", "", "a dog"], "--output: expected a value, got an empty one"),
        (["train.py", "--config"], "argument --config: expected one argument"),
        (
            ["train.py", "--config", "none.yaml"],
            "error: none.yaml: cannot read the configuration",
        ),
        (
            ["train.py", "--config", "configs/starter.yaml", "--set", "seed"],
            "--set seed: expected key=value",
        ),
        (["train.py", "--config", "configs/starter.yaml", "--set", "sed=1"], "did you mean `seed`?"),
        (["train.py", "--run", "nowhere", "--resume"], "error: nowhere holds no run to go on with"),
        (["train.py", "--run", "tests", "--resume"], "error: tests holds no run to go on with"),
        (["translate.py", "--model", "nowhere", "a dog"], "nowhere does not exist"),
        (["translate.py", "--model", "README.md", "a dog"], "README.md is not a directory"),
        (["evaluate.py", "--model", "nowhere"], "nowhere does not exist"),
        (
            ["translate.py", "--model", "tatoeba-en-es@3", "a dog"],
            "a shipped model has its best weights alone",
        ),
        (["evaluate.py", "--model", "tests@3"], "tests is not the directory of a run"),
        (["serve.py", "--port", "0", "--model", "nowhere@3"], "nowhere@3 does not exist"),
        (["evaluate.py"], "--model"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_ends_with_code_2_and_says_what_is_wrong(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (ROOT / "nowhere").exists()
