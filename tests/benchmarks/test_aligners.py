"""The comparison of aligners: everybody is asked about the same pairs, and the right ones are scored."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from benchmarks import aligners
from seq2seq.alignment_readings import statistical_links

# Each word has one translation, and they stand in the reverse order.
TRAINING = [
    ("dog runs", "rennt hund"),
    ("cat sleeps here", "hier schlaeft katze"),
    ("a cat runs", "rennt katze ein"),
    ("cat", "katze"),
    ("here", "hier"),
]
PAIRS = [("a dog sleeps", "schlaeft hund ein"), ("cat here", "hier katze")]
GOLD = "0-2 1-1 2-0\n0-1 1-0\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    texts = {
        "train.en": "".join(f"{source}\n" for source, _ in TRAINING * 5),
        "train.de": "".join(f"{target}\n" for _, target in TRAINING * 5),
        "pairs.en": "".join(f"{source}\n" for source, _ in PAIRS),
        "pairs.de": "".join(f"{target}\n" for _, target in PAIRS),
        "gold": GOLD,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in texts}


def command(tmp_path: Path, script: str) -> str:
    path = tmp_path / "eflomal-align"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def arguments(files: dict[str, str], *more: str) -> list[str]:
    pairs = ["--pairs", files["pairs.en"], files["pairs.de"], "--gold", files["gold"]]
    return [*pairs, "--train", files["train.en"], files["train.de"], *more]


def test_eflomals_last_lines_are_the_pairs_and_its_directions_are_combined(tmp_path, files, capsys):
    # For the 25 training pairs it says nothing. The directions agree on 2 + 1 of the 5 gold links.
    forward, reverse = "0-2 1-1\n0-1 1-0\n", "1-1 0-2 2-0\n1-0\n"
    script = (
        f'seq 25 | sed "s/.*//" > "$4"; cp "$4" "$6"; cp "$2" {tmp_path}/asked\n'
        f"printf '{forward}' >> \"$4\"; printf '{reverse}' >> \"$6\""
    )
    assert aligners.main(arguments(files, "--eflomal", command(tmp_path, script))) == 0
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 27
    assert asked[0] == "dog runs ||| rennt hund"
    assert asked[-2:] == ["a dog sleeps ||| schlaeft hund ein", "cat here ||| hier katze"]
    rows = {
        tuple(line[:36].split()): line[36:].split()[:3] for line in capsys.readouterr().out.splitlines()[2:]
    }
    assert rows["eflomal", "intersection"] == ["1.000", "0.600", "0.250"]
    assert rows["eflomal", "union"] == ["1.000", "1.000", "0.000"]
    assert rows[("diagonal",)] == ["0.200", "0.200", "0.800"]  # only the middle of the three words
    assert ("this", "project", "union") in rows


def test_own_links_are_those_of_the_pairs_alone():
    found = statistical_links(TRAINING * 5, PAIRS, "whitespace")
    assert all(len(links) == len(PAIRS) for links in found.values())
    assert found["intersection"][1] == {(0, 1), (1, 0)}


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo no memory >&2; exit 3", "no memory"), (None, "pip install eflomal")],
    ids=["fails", "is not there"],
)
def test_an_eflomal_that_does_not_work_is_an_error(tmp_path, files, capsys, script, said):
    place = command(tmp_path, script) if script else str(tmp_path / "nothing")
    assert aligners.main(arguments(files, "--eflomal", place)) == 2
    assert said in capsys.readouterr().err


def test_files_of_different_length_are_an_error(files, capsys):
    files["train.de"] = files["pairs.de"]
    assert aligners.main(arguments(files)) == 2
    assert "25 lines" in capsys.readouterr().err
