"""Parallel text files: what is a line, what is a pair, and errors that name the place of anything else."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from data import text_files
from data.corpora import Corpus
from data.errors import DataError
from data.slow_progress import slow_progress
from data.text_files import load_text_corpus
from data.text_lines import LONGEST_LINE_BYTES, decode_lines


@pytest.fixture
def good(tmp_path: Path) -> dict[str, Path]:
    return {
        "source": _write(tmp_path / "good.en", "one\ntwo\n"),
        "target": _write(tmp_path / "good.de", "eins\nzwei\n"),
    }


def _write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def _load(train: dict[str, Path], good: dict[str, Path], **more: object) -> Corpus:
    return load_text_corpus(source_language="en", target_language="de", train=train, validation=good, **more)


def _two_files(folder: Path, source: str | bytes, target: str | bytes, suffix: str = "") -> dict[str, Path]:
    return {
        "source": _write(folder / f"train.en{suffix}", source),
        "target": _write(folder / f"train.de{suffix}", target),
    }


def _message(train: dict[str, Path], good: dict[str, Path]) -> str:
    with pytest.raises(DataError) as caught:
        _load(train, good)
    return str(caught.value)


def test_a_corpus_has_its_splits_languages_and_sizes(tmp_path: Path, good: dict[str, Path]) -> None:
    train = _two_files(tmp_path, "a\nb\nc\n", "A\nB\nC\n")
    corpus = _load(train, good, test={"news": good, "talks": {"tsv": _write(tmp_path / "t.tsv", "x\ty\n")}})

    assert (corpus.source_language, corpus.target_language) == ("en", "de")
    assert list(corpus.train) == [("a", "A"), ("b", "B"), ("c", "C")]
    assert list(corpus.validation) == [("one", "eins"), ("two", "zwei")]
    assert list(corpus.test) == ["news", "talks"]
    assert list(corpus.test["talks"]) == [("x", "y")]
    assert [split.size for split in (corpus.train, corpus.validation, *corpus.test.values())] == [3, 2, 2, 1]
    assert [split.name for split in (corpus.train, *corpus.test.values())] == ["train", "news", "talks"]


def test_a_split_is_read_afresh_each_time_and_two_readers_do_not_disturb_each_other(
    tmp_path: Path, good: dict[str, Path]
) -> None:
    corpus = _load(_two_files(tmp_path, "a\nb\n", "A\nB\n"), good)
    first, second = corpus.train.open_pairs(), corpus.train.open_pairs()
    assert next(first) == ("a", "A")
    assert list(second) == [("a", "A"), ("b", "B")]
    assert list(first) == [("b", "B")]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\nb", ["a", "b"]),
        ("a\n\n", ["a", ""]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\r\nb", ["a", "b"]),
        ("a\rb\n", ["a\rb"]),
        ("a\r\r\n", ["a\r"]),
        ("a\nb\r", ["a", "b\r"]),
        ("\ufeffa\n\ufeffb\n", ["a", "\ufeffb"]),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x00h\n", ["a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x00h"]),
        (" a \t\n", [" a \t"]),
    ],
)
def test_only_a_line_feed_ends_a_line(
    tmp_path: Path, good: dict[str, Path], suffix: str, content: str, lines: list[str]
) -> None:
    corpus = _load(_two_files(tmp_path, content, content, suffix), good)
    assert list(corpus.train) == [(line, line) for line in lines]
    assert corpus.train.size == len(lines)


def test_lines_can_be_read_from_standard_input() -> None:
    assert list(decode_lines(io.BytesIO("ä\r\n\nb".encode()), "standard input")) == ["ä", "", "b"]


def test_a_gzip_file_is_known_by_its_content_and_may_have_several_members(
    tmp_path: Path, good: dict[str, Path]
) -> None:
    unnamed = tmp_path / "train.en"
    unnamed.write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    corpus = _load({"source": unnamed, "target": _write(tmp_path / "train.de", "A\nB\n")}, good)
    assert list(corpus.train) == [("a", "A"), ("b", "B")]


def test_tab_separated_files_use_the_first_two_columns_and_no_quoting(
    tmp_path: Path, good: dict[str, Path]
) -> None:
    tsv = _write(tmp_path / "train.tsv.gz", '\ufeff"a"\t"A\tCC-BY\tmore\r\nb\t\r\n')
    assert list(_load({"tsv": tsv}, good).train) == [('"a"', '"A'), ("b", "")]


def test_a_line_without_a_tab_is_named(tmp_path: Path, good: dict[str, Path]) -> None:
    tsv = _write(tmp_path / "train.tsv", "a\tA\nb\tB\nc C\n")
    message = _message({"tsv": tsv}, good)
    assert f"{tsv}, line 3: no tab" in message
    assert "'c C'" in message


def test_different_line_counts_are_both_named(tmp_path: Path, good: dict[str, Path]) -> None:
    lines = "".join(f"{number}\n" for number in range(1234))
    train = _two_files(tmp_path, lines, lines + "more\nand more\n")
    message = _message(train, good)
    assert f"{train['source']} has 1,234 lines" in message
    assert f"{train['target']} has 1,236" in message
    assert "times as many" not in message
    train = _two_files(tmp_path, lines + "x\n\n", lines)
    assert "has 1,236 lines but" in _message(train, good)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("a\nb\nc\n" * 40, "has 3 times as many"),
        ("a ||| A\n\na\n" * 40, "Every third line of"),
        ("A\n\n" * 40, "Every second line of"),
        ("a ||| A\n" * 41, "contains ' ||| '"),
        ("a\tA\n" * 50, "contains a tab"),
        ("A\n" * 40 + "\n", "Is the last line of"),
    ],
)
def test_files_that_hold_more_than_one_sentence_per_line_are_recognised(
    tmp_path: Path, good: dict[str, Path], target: str, hint: str
) -> None:
    assert hint in _message(_two_files(tmp_path, "a\n" * 40, target), good)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_invalid_utf8_is_located(tmp_path: Path, good: dict[str, Path], suffix: str) -> None:
    broken = "\ufeffaé\r\nok\n".encode() + b"caf\xe9 au\n"
    train = _two_files(tmp_path, "a\nb\nc\n", broken, suffix)
    message = _message(train, good)
    offset = broken.index(b"\xe9 ")
    assert f"{train['target']}, line 3, byte 4 of the line (byte offset {offset} of" in message
    assert "0xe9" in message
    assert ("decompressed" in message) == bool(suffix)


def test_invalid_utf8_after_a_byte_order_mark_counts_its_bytes(tmp_path: Path, good: dict[str, Path]) -> None:
    message = _message(_two_files(tmp_path, b"\xef\xbb\xbfa\xff\n", "A\n"), good)
    assert "line 1, byte 5 of the line (byte offset 4 of the file)" in message
    assert "0xff" in message


def test_utf16_is_recognised(tmp_path: Path, good: dict[str, Path]) -> None:
    assert "UTF-16" in _message(_two_files(tmp_path, "a\n".encode("utf-16"), "A\n"), good)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_an_empty_file_is_named(tmp_path: Path, good: dict[str, Path], side: str, content: bytes) -> None:
    train = _two_files(tmp_path, "a\n", "A\n")
    train[side].write_bytes(content)
    assert _message(train, good).startswith(f"{train[side]} is empty")
    train["source"].write_bytes(b"")
    train["target"].write_bytes(b"")
    assert "is empty" in _message(train, good)
    assert "is empty" in _message({"tsv": train["source"]}, good)


def test_a_missing_file_is_named_with_where_it_was_sought(
    tmp_path: Path, good: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train = _two_files(tmp_path, "a\n", "A\n")
    message = _message({**train, "target": Path("train.dee")}, good)
    assert message.startswith("train target: train.dee does not exist")
    assert str(tmp_path) in message
    assert message.endswith("; did you mean train.de?")
    assert "nor does the folder nowhere" in _message({**train, "source": Path("nowhere/train.en")}, good)
    assert list(_load({"source": Path("train.en"), "target": Path("train.de")}, good).train) == [("a", "A")]


def test_every_file_is_looked_for_before_any_is_read(tmp_path: Path, good: dict[str, Path]) -> None:
    train = _two_files(tmp_path, b"\xff\n", "A\n")
    with pytest.raises(DataError, match="test news source"):
        _load(train, good, test={"news": {"source": tmp_path / "no", "target": good["target"]}})


def test_a_folder_and_a_pipe_are_refused(tmp_path: Path, good: dict[str, Path]) -> None:
    assert f"{tmp_path} is a folder" in _message({**good, "source": tmp_path}, good)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "not a regular file" in _message({**good, "source": pipe}, good)


def test_a_damaged_gzip_file_is_named_with_the_last_good_line(tmp_path: Path, good: dict[str, Path]) -> None:
    train = _two_files(tmp_path, "a\n" * 5000, "A\n" * 5000, ".gz")
    whole = train["source"].read_bytes()
    train["source"].write_bytes(whole[:-12])
    assert f"{train['source']}: the gzip data is damaged or cut short after line" in _message(train, good)
    train["source"].write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    assert "damaged" in _message(train, good)
    train["source"].write_bytes(whole + b"rubbish")
    assert "damaged" in _message(train, good)
    train["source"].write_bytes(b"a\n")
    assert "named .gz" in _message(train, good)


def test_a_file_without_line_feeds_is_refused_before_it_fills_the_memory(
    tmp_path: Path, good: dict[str, Path]
) -> None:
    longest = "x" * LONGEST_LINE_BYTES
    assert _load(_two_files(tmp_path, longest + "\n", longest), good).train.size == 1
    train = _two_files(tmp_path, f"a\n{longest}x\n", "A\nB\n")
    assert f"{train['source']}, line 2: longer than 1,048,576 bytes" in _message(train, good)


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ({}, "got nothing"),
        ({"source": "x"}, "got source"),
        ({"source": "x", "target": "y", "tsv": "z"}, "got source, target, tsv"),
        ({"src": "x", "tgt": "y"}, "got src, tgt"),
        ({"tsv": ""}, "expected the path of a text file, got ''"),
        ({"tsv": None}, "expected the path of a text file, got None"),
        ("train.tsv", "got 'train.tsv'"),
    ],
)
def test_a_split_is_given_as_two_files_or_one(good: dict[str, Path], split: object, expected: str) -> None:
    message = _message(split, good)  # type: ignore[arg-type]
    assert message.startswith("train")
    assert expected in message


def test_a_file_that_changes_after_the_check_is_an_error_when_it_is_read(
    tmp_path: Path, good: dict[str, Path]
) -> None:
    train = _two_files(tmp_path, "a\nb\n", "A\nB\n")
    corpus = _load(train, good)
    train["target"].write_text("A\n")
    with pytest.raises(DataError, match="has 2 lines but"):
        list(corpus.train)


def test_progress_counts_the_bytes_of_all_files(
    tmp_path: Path, good: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "_PAIRS_BETWEEN_REPORTS", 100)
    train = _two_files(tmp_path, "a\n" * 1000, "A\n" * 1000, ".gz")
    in_all = sum(path.stat().st_size for path in [*train.values(), *good.values()])
    reports: list[tuple[str, int, int]] = []
    _load(train, good, progress=lambda *report: reports.append(report))
    assert [name for name, _, _ in reports] == ["train"] * 11 + ["validation"]
    done = [bytes_done for _, bytes_done, _ in reports]
    assert done[0] > 0
    assert done == sorted(done)
    assert done[-1] == in_all
    assert {total for _, _, total in reports} == {in_all}


def test_progress_is_shown_on_stderr_only_when_the_work_is_slow(capsys: pytest.CaptureFixture[str]) -> None:
    with slow_progress("Checking") as report:
        report("train", 1, 2)
    assert capsys.readouterr() == ("", "")
    with slow_progress("Checking", seconds_before_showing=0) as report:
        for what in ("train", "train", "news"):
            report(what, 1, 2)
    assert capsys.readouterr() == ("", "Checking: train\nChecking: news\n")


def test_progress_on_a_terminal_is_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with slow_progress("Checking", seconds_before_showing=0) as report:
        report("train", 500_000, 1_000_000)
        report("train", 1_000_000, 1_000_000)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Checking: train" in printed.err
    assert "1.0 MB" in printed.err
    with slow_progress("Cleaning", unit="pairs", seconds_before_showing=0) as report:
        report("train", 1_234_567, None)
    assert "1,234,567 pairs" in capsys.readouterr().err


def test_memory_stays_flat(tmp_path: Path, good: dict[str, Path]) -> None:
    line = "x" * 999 + "\n"
    train = _two_files(tmp_path, line * 20_000, line * 20_000)
    tracemalloc.start()
    try:
        corpus = _load(train, good)
        assert sum(1 for _ in corpus.train) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000  # the files hold 40 MB


def test_reading_a_small_corpus_loads_no_heavy_library(tmp_path: Path, good: dict[str, Path]) -> None:
    program = (
        "import sys\n"
        "from data.text_files import load_text_corpus\n"
        f"split = {{'source': {str(good['source'])!r}, 'target': {str(good['target'])!r}}}\n"
        "load_text_corpus(source_language='en', target_language='de', train=split, validation=split)\n"
        "assert not {'rich', 'tensorflow', 'numpy'} & set(sys.modules), 'a heavy library was loaded'\n"
    )
    root = Path(text_files.__file__).parents[1]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)
