"""Many lines, translated in several attempts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seq2seq.translated_lines import translated_lines

TEXTS = ["a dog", "", "two\u2028lines", "ein Haus 🏠", "the end"]
EXPECTED = [([text.upper() + "\n", text], text) for text in TEXTS]
ORIGIN = {"model": "x", "text": "y"}


class Interruption(Exception):
    """The machine stops."""


def capitals(asked: list[str], most: int | None = None) -> Callable[[Iterator[str]], Iterator[list[str]]]:
    """Reads two texts ahead, notes them, and stops after `most` translations."""

    def translate(texts: Iterator[str]) -> Iterator[list[str]]:
        done = 0
        while chunk := list(itertools.islice(texts, 2)):
            asked.extend(chunk)
            for text in chunk:
                if done == most:
                    raise Interruption
                done += 1
                yield [text.upper() + "\n", text]

    return translate


def attempt(file: Path, most: int | None = None, origin: dict[str, str] = ORIGIN) -> tuple[list, list[str]]:
    asked: list[str] = []
    return list(translated_lines(file, origin, TEXTS, capitals(asked, most))), asked


def interrupted(file: Path, most: int) -> None:
    with pytest.raises(Interruption):
        attempt(file, most)


@pytest.mark.parametrize("most", range(5))
def test_a_second_attempt_translates_the_rest_alone(tmp_path: Path, most: int) -> None:
    interrupted(tmp_path / "lines", most)
    assert attempt(tmp_path / "lines") == (EXPECTED, TEXTS[most:])
    assert attempt(tmp_path / "lines") == (EXPECTED, [])


@pytest.mark.parametrize(
    "torn",
    [
        b'[3, ["E',
        b"\0\0\0\n\0",
        b"17\n",
        b'[3, ["\xff"]]\n',
        b"[3, 17]\n",
        b"[3, [17]]\n",
        b'[3, ["EIN"], "HAUS"]\n',
        b'{"model": "z"}\n[3, ["OLD"]]\n',
        b'[4, ["THE END"]]\n',  # torn off: the line before it
    ],
)
def test_what_cannot_be_read_is_translated_again(tmp_path: Path, torn: bytes) -> None:
    file = tmp_path / "lines"
    interrupted(file, 3)
    with open(file, "ab") as end:
        end.write(torn)
    assert attempt(file) == (EXPECTED, TEXTS[3:])
    assert attempt(file) == (EXPECTED, [])


@pytest.mark.parametrize("length", [0, 5])
def test_a_file_that_was_hardly_begun(tmp_path: Path, length: int) -> None:
    file = tmp_path / "lines"
    interrupted(file, 1)
    file.write_bytes(file.read_bytes()[:length])
    assert attempt(file) == (EXPECTED, TEXTS)


def test_other_texts_or_another_model_start_anew(tmp_path: Path) -> None:
    interrupted(tmp_path / "lines", 3)
    other = {**ORIGIN, "model": "xx"}
    assert attempt(tmp_path / "lines", origin=other) == (EXPECTED, TEXTS)
    assert attempt(tmp_path / "lines", origin=other) == (EXPECTED, [])


def test_a_folder_is_made(tmp_path: Path) -> None:
    assert attempt(tmp_path / "a" / "b" / "lines") == (EXPECTED, TEXTS)


def test_lines_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    interrupted(file, 0)
    with open(file, "ab") as end:
        end.write(b'[0, "A DOG"]\n')
    translations, asked = attempt(file)
    assert translations == [(["A DOG"], "a dog"), *EXPECTED[1:]]
    assert asked == TEXTS[1:]
