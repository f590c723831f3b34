"""docs/architecture.md, the README and the other pages speak of what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_module_is_named_once_under_who_owns_what() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.split("## Who owns what")[1].split("\n## ")[0]
    named = re.findall(r"`((?:seq2seq|data)/\w+(?:\.py|/))`", section)
    modules = [
        str(path.relative_to(ROOT))
        for folder in ("seq2seq", "data")
        for path in (ROOT / folder).glob("*.py")
        if path.name != "__init__.py"
    ]
    packages = [
        f"{path.parent.relative_to(ROOT)}/"
        for folder in ("seq2seq", "data")
        for path in (ROOT / folder).glob("*/__init__.py")
    ]
    assert sorted(named) == sorted([*modules, *packages])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [*re.findall(r"\]\(([^)#:]+)\)", text), *re.findall(r'src="([^":]+)"', text)]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_this_project_that_are_spoken_of_exist(page: Path) -> None:
    paths = re.findall(
        r"\b((?:seq2seq|data|tests|configs|examples)/[\w/]+\.\w+)", page.read_text(encoding="utf-8")
    )
    # A page may speak of files that a user makes: data/ of a run holds no .py, .yaml or .md.
    missing = [
        path for path in paths if path.endswith((".py", ".yaml", ".md")) and not (ROOT / path).exists()
    ]
    assert not missing
