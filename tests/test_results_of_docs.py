"""docs/results.md is what `make results` writes from the scores that are in the repository."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seq2seq.results_examples import read_examples
from seq2seq.results_page import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SCORES = sorted((DOCS / "scores").glob("*.json"))
LARGEST = 300_000  # bytes of a file of scores: it is in the repository for good


def test_the_page_is_that_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SCORES
    monkeypatch.chdir(ROOT)
    page = tmp_path / "results.md"
    files = ["--published", "docs/published_results.yaml", "--examples", "docs/results_examples.yaml"]
    assert main(["--page", str(page), *files, *(str(path.relative_to(ROOT)) for path in SCORES)]) == 0
    text = page.read_text(encoding="utf-8")
    # Not a difference to read: `make results` writes the page anew.
    assert text == (DOCS / "results.md").read_text(encoding="utf-8"), "run `make results`"
    pictures = re.findall(r"\]\((images/[^)]+)\)", text)
    assert pictures
    assert all((DOCS / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    curves = {str(path.relative_to(DOCS)) for path in DOCS.glob("images/*_learning_curve.png")}
    assert curves <= set(pictures), "left over from another page: delete them"


def test_ten_translations_five_of_them_failures() -> None:
    kinds = [example.kind for example in read_examples(DOCS / "results_examples.yaml")]
    assert kinds.count("failure") >= 5
    assert len(kinds) >= 10


@pytest.mark.parametrize("path", SCORES, ids=lambda path: path.stem)
def test_scores_are_small_and_say_nothing_of_the_machine_s_folders(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    assert [each for each in strings(json.loads(text)) if each.startswith("/")] == []


def strings(content: Any) -> Iterator[str]:
    """All texts and keys of a JSON value, but for packed attention, whose base64 may begin with a slash."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield key
            if key != "attention":
                yield from strings(value)
    elif isinstance(content, list):
        for value in content:
            yield from strings(value)
    elif isinstance(content, str):
        yield content
