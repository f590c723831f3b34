"""What is said where there is no browser: by the tests, and by `make browser` before them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import CHROMIUM_NAMES, NO_BROWSER

ROOT = Path(__file__).parents[1]
WARNING = "the browser tests will be skipped"


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "a worker"])
def test_skipped_tests_say_why_at_the_end(workers: tuple[str, ...]) -> None:
    """Of all folders, as in `make test`: named alone, tests/browser/ has its conftest.py read everywhere."""
    left_out = ("--ignore=tests/seq2seq", "--ignore=tests/data", "--ignore=tests/benchmarks")
    options = ("-p", "no:cacheprovider", *left_out, "--ignore-glob=tests/test_*.py", *workers)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CHROMIUM"))}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-k", "test_inspector_page", "tests"],
        cwd=ROOT,
        env={**own, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert NO_BROWSER in result.stdout.splitlines()
    assert " passed" not in result.stdout


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with all the programs there are; the user is nobody special."""
    folder = tmp_path / "programs"
    folder.mkdir()
    add_program(folder, "id", "echo 1000")
    return folder


def add_program(folder: Path, name: str, does: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


def make_browser(programs: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    make = shutil.which("make")
    assert make is not None
    result = subprocess.run(
        [make, "browser"],
        cwd=ROOT,
        env={"PATH": str(programs), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize(
    ("user", "installing"),
    [("1000", "exit 0"), ("0", None), ("0", "exit 100")],
    ids=["not allowed", "not Debian", "no network"],
)
def test_make_warns_wherever_there_is_no_browser_in_the_end(
    programs: Path, user: str, installing: str | None
) -> None:
    add_program(programs, "id", f"echo {user}")
    if installing is not None:
        add_program(programs, "apt-get", installing)
    assert WARNING in make_browser(programs).stderr


def test_make_installs_one_where_it_can(programs: Path) -> None:
    add_program(programs, "id", "echo 0")
    add_program(programs, "apt-get", f'echo "$@" >> {programs / "asked"}')
    result = make_browser(programs)
    assert (programs / "asked").read_text() == "update -qq\ninstall -y -qq chromium\n"
    assert "Installing Chromium" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("name", CHROMIUM_NAMES)
def test_make_finds_what_the_tests_find(programs: Path, name: str) -> None:
    add_program(programs, name, "exit 1")
    result = make_browser(programs)
    assert (result.stdout, result.stderr) == ("", "")


def test_make_takes_the_browser_that_was_named(programs: Path) -> None:
    result = make_browser(programs, CHROMIUM="somewhere/else")
    assert (result.stdout, result.stderr) == ("", "")
