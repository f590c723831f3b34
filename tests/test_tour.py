"""The notebook in examples/ runs from its first cell to its last, on any trained run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "examples" / "tour.ipynb"
RUN_LINE = 'RUN = "runs/demo"'
SECONDS_FOR_A_CELL = 300


@pytest.fixture(scope="module")
def executed(tiny_run: RunDirectory) -> Any:
    """The notebook with its outputs, made in a kernel of its own as Jupyter would."""
    from nbclient import NotebookClient

    notebook = nbformat.read(TOUR, as_version=4)
    with_run = [cell for cell in notebook.cells if RUN_LINE in cell.source]
    assert len(with_run) == 1
    with_run[0].source = with_run[0].source.replace("runs/demo", str(tiny_run.path))
    folder = {"metadata": {"path": str(TOUR.parent)}}
    # A cell that raises an error raises it here.
    return NotebookClient(notebook, timeout=SECONDS_FOR_A_CELL, resources=folder).execute()


def outputs(notebook: Any, kind: str) -> list[str]:
    return [
        output["data"][kind]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if kind in output.get("data", {})
    ]


def printed(notebook: Any) -> str:
    return "".join(
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )


def test_every_translation_shows_its_heat_map(executed) -> None:
    shown = outputs(executed, "text/html")
    assert len(shown) == 5
    assert all("<table" in each and "looked" in each for each in shown)
    assert any("<details" in each for each in shown)  # the n-best list


def test_the_pictures_are_drawn(executed) -> None:
    assert len(outputs(executed, "image/png")) == 2


def test_what_is_printed_is_what_the_model_says(executed, tiny_run) -> None:
    from seq2seq.translator import Translator

    sentence = "The old woman is reading a small red book in the garden."
    (translation,) = Translator.load(tiny_run.path).translate([sentence])
    text = printed(executed)
    assert f"text:           {translation.text}\n" in text
    assert f"log probability {translation.best.log_probability:.3f}" in text
    assert f"{translation.best.attention.shape}" in text


def test_it_is_shipped_valid_and_without_outputs() -> None:
    notebook = nbformat.read(TOUR, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert len(code) > 10
    assert TOUR.stat().st_size < 30_000
