"""The command line: what is chosen, what is refused, what is written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import command
from benchmarks.catalogue import MEASUREMENTS, Measurement
from benchmarks.machine import ROOT
from data.errors import UserError


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unknown_name_is_refused() -> None:
    ended = run("training", "latensy")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: there is no measurement called latensy. Did you mean latency?")
    assert all(name in ended.stderr for name in MEASUREMENTS)


def test_help_names_every_measurement_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; from benchmarks.command import parse_arguments\n"
        "try: parse_arguments(['--help'])\n"
        "finally: print(sorted({'tensorflow', 'keras', 'numpy', 'rich'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(f"  {name} " in ended.stdout for name in MEASUREMENTS)
    assert ended.stdout.splitlines()[-1] == "[]"


FAKE = """
from benchmarks.figures import Outcome
SHORT, LONG = 5.0, 50.0
def measure(value):
    print("something that a library prints")
    outcome = Outcome(notes=["a note"])
    outcome.add("fake", value, "ms")
    return outcome
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measurement:
    """A measurement that takes no time, beside the real ones."""
    (tmp_path / "fake_measurement.py").write_text(FAKE)
    monkeypatch.syspath_prepend(str(tmp_path))
    measurement = Measurement("fake", "Something fake", "fake_measurement")
    monkeypatch.setitem(command.MEASUREMENTS, "fake", measurement)
    return measurement


@pytest.mark.parametrize(("options", "value"), [([], 5.0), (["--long"], 50.0)])
def test_one_measurement_in_this_process(
    fake: Measurement, capsys: pytest.CaptureFixture[str], options: list[str], value: float
) -> None:
    assert command.main(["fake", "--in-this-process", *options]) == 0
    written = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert written["title"] == "Something fake"
    assert [(figure["what"], figure["value"]) for figure in written["figures"]] == [("fake", value)]
    assert written["notes"] == ["a note"]


@pytest.fixture
def here(fake: Measurement, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake is measured in this process: a new one would not know it."""
    monkeypatch.setattr(command, "_measured_apart", command._measured_here)


@pytest.mark.usefixtures("here")
def test_figures_go_to_the_file_that_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["fake", "--output", str(tmp_path / "figures.json")]) == 0
    report = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert report["measurements"]["fake"]["figures"][0]["value"] == 5.0
    assert report["form"] == "short"
    assert report["machine"]["versions"]["tensorflow"]
    assert "Something fake" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_single_measurements_leave_the_committed_results_alone(
    fake: Measurement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "OWN_RESULTS", tmp_path / "own.json")
    command.main(["fake"])
    assert not (tmp_path / "own.json").exists()
    monkeypatch.setattr(command, "MEASUREMENTS", {"fake": fake})
    command.main([])
    assert json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))["measurements"].keys() == {"fake"}


def test_everything_is_measured_unless_names_are_given_and_nothing_twice() -> None:
    assert [each.name for each in command._chosen([])] == list(MEASUREMENTS)
    assert [each.name for each in command._chosen(["stream", "latency", "stream"])] == ["stream", "latency"]


def test_a_measurement_that_fails_ends_everything() -> None:
    broken = Measurement("broken", "Nothing", "no_such_module")
    with pytest.raises(UserError, match="the measurement broken failed"):
        command._measured_apart(broken, long=False)
