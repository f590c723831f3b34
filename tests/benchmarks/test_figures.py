"""Medians, quartiles, and what is written of them."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.figures import Figure, Outcome
from benchmarks.report import print_table, spoken, write_report
from data.errors import UserError


def test_median_and_quartiles_of_runs() -> None:
    figure = Figure.of_runs("step", [5.0, 1.0, 2.0, 3.0, 4.0], "ms")
    assert (figure.lower_quartile, figure.value, figure.upper_quartile, figure.runs) == (2.0, 3.0, 4.0, 5)


def test_one_run_has_no_quartiles() -> None:
    figure = Figure.of_runs("step", [5.0], "ms")
    assert (figure.value, figure.lower_quartile, figure.upper_quartile, figure.runs) == (5.0, None, None, 1)


def test_json_has_five_digits_that_count() -> None:
    written = Figure("step", 1234.5678, "ms", 0.000123456, None, 3).to_json()
    assert (written["value"], written["lower_quartile"]) == (1234.6, 0.00012346)
    assert (written["upper_quartile"], written["runs"], written["unit"]) == (None, 3, "ms")


def test_a_figure_is_found_by_name_and_unit() -> None:
    outcome = Outcome()
    outcome.add("step", 5.0, "ms")
    outcome.add_runs("step", [200.0, 202.0], "tokens/s")
    assert outcome.value("step", "tokens/s") == 201.0
    with pytest.raises(KeyError):
        outcome.value("step", "s")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (123.45, "123"),
        (12345.6, "12,346"),
        (0, "0.000"),
    ],
)
def test_numbers_of_the_table(value: float, text: str) -> None:
    assert spoken(value) == text


def example_report() -> dict:
    outcome = Outcome(notes=["only half of it was measured"])
    outcome.add_runs("fast step", [90.0, 100.0, 110.0, 120.0], "ms")
    outcome.add("memory", 1234.0, "MB")
    figures = [figure.to_json() for figure in outcome.figures]
    measured = {"title": "Training step", "seconds": 1.0, "figures": figures, "notes": outcome.notes}
    return {
        "machine": {"processor": "Example 9000, 2 cores", "instructions": ["avx512f"]},
        "measurements": {"training": measured},
    }


def test_the_table_shows_everything() -> None:
    printed = io.StringIO()
    print_table(example_report(), Console(file=printed, width=100))
    lines = printed.getvalue().splitlines()
    assert lines[0] == "Example 9000, 2 cores; avx512f"
    (fast,) = (line for line in lines if "fast step" in line)
    assert [cell.strip() for cell in fast.split("│")[1:-1]] == ["fast step", "105", "ms", "97.5 – 112", "4"]
    assert any("memory" in line and "1,234" in line and "MB" in line for line in lines)
    assert lines[-1] == "Training step: only half of it was measured"


def test_the_report_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "own.json"
    write_report(path, example_report())
    assert json.loads(path.read_text(encoding="utf-8")) == example_report()


def test_a_place_that_cannot_be_written_is_a_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        write_report(tmp_path / "file" / "own.json", example_report())
