"""Sentence pairs from text files: two line-aligned files, or one with a tab between source and target."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path

from data.corpora import Corpus, Split
from data.errors import DataError
from data.home import with_home
from data.slow_progress import slow_progress
from data.text_lines import TextFile, check_is_readable_file

PathLike = str | os.PathLike[str]
SplitFiles = Mapping[str, PathLike]
# Called with the name of what is being read, the bytes read so far and the bytes of all files together.
ProgressCallback = Callable[[str, int, int], None]

_PAIRS_BETWEEN_REPORTS = 1 << 14


def load_text_corpus(
    *,
    source_language: str,
    target_language: str,
    train: SplitFiles,
    validation: SplitFiles,
    test: Mapping[str, SplitFiles] | None = None,
    name: str | None = None,
    progress: ProgressCallback | None = None,
) -> Corpus:
    """Check every file once, from the first line to the last, and return the corpus they hold.

    A split is given as `{"source": path, "target": path}`, two files whose N-th lines translate each other,
    or as `{"tsv": path}`, one file with source, tab, target on each line; further columns are ignored, and
    quotes are ordinary characters. Files are UTF-8 with or without a byte order mark, plain or compressed
    with gzip. Only a line feed ends a line (a carriage return before it is dropped): U+2028, U+0085, a
    vertical tab, a lone carriage return and NUL are text. A last line without a line feed counts. Relative
    paths start at the current directory; `~` is the home directory.

    The files are streamed, never held in memory, both here and by the splits.

    Args:
        source_language, target_language: language codes such as "en".
        train, validation: the files of these splits.
        test: the files of each test set by its name; may be empty.
        name: of the corpus, for reports; by default made from the languages.
        progress: called now and then with what is read, the bytes read, and the bytes there are. By default a
            bar appears on stderr when the check takes longer than 2 seconds.

    Returns:
        The corpus, the size of each split known.

    Raises:
        DataError: a file is missing, a folder, unreadable, empty, not UTF-8, a broken gzip file, has no tab
            on a line, or two files have different numbers of lines. The message names the file and the line.
    """
    # Every file is looked for before the first is read: a long check must not end at a misspelt test set.
    train_files = _split_files("train", train)
    validation_files = _split_files("validation", validation)
    test_files = {
        test_name: _split_files(f"test {test_name}", files) for test_name, files in (test or {}).items()
    }
    bytes_in_all = sum(
        files.bytes_on_disk() for files in (train_files, validation_files, *test_files.values())
    )
    bytes_before = 0

    with ExitStack() as stack:
        report = progress or stack.enter_context(slow_progress("Checking the corpus"))

        def check(split_name: str, files: _PairFiles) -> Split:
            nonlocal bytes_before

            def report_bytes(bytes_done: int) -> None:
                report(split_name, bytes_before + bytes_done, bytes_in_all)

            size = _count_pairs(files, report_bytes)
            bytes_before += files.bytes_on_disk()
            return Split(split_name, partial(_stream_pairs, files), size)

        return Corpus(
            name=name or f"text files {source_language}-{target_language}",
            source_language=source_language,
            target_language=target_language,
            train=check("train", train_files),
            validation=check("validation", validation_files),
            test={test_name: check(test_name, files) for test_name, files in test_files.items()},
        )


class _PairFiles(ABC):
    """The files of one split and how their lines become pairs."""

    paths: tuple[Path, ...]

    @abstractmethod
    def pairs(self, files: Sequence[TextFile]) -> Iterator[tuple[str, str]]:
        """Read the pairs from the opened `paths`."""

    def bytes_on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.paths)


@dataclass(frozen=True)
class _TwoFiles(_PairFiles):
    paths: tuple[Path, Path]

    def pairs(self, files: Sequence[TextFile]) -> Iterator[tuple[str, str]]:
        source_lines, target_lines = iter(files[0]), iter(files[1])
        count = 0
        for source, target in zip_longest(source_lines, target_lines):
            if source is None or target is None:
                longer = 1 + sum(1 for _ in (target_lines if source is None else source_lines))
                counts = (count, count + longer) if source is None else (count + longer, count)
                raise _different_line_counts(self.paths, counts)
            count += 1
            yield source, target
        if not count:
            raise _no_lines(self.paths[0])


@dataclass(frozen=True)
class _TabSeparatedFile(_PairFiles):
    paths: tuple[Path]

    def pairs(self, files: Sequence[TextFile]) -> Iterator[tuple[str, str]]:
        (path,) = self.paths
        count = 0
        for line in files[0]:
            count += 1
            columns = line.split("\t", 2)
            if len(columns) < 2:
                shown = line if len(line) <= 60 else line[:60] + "..."
                raise DataError(
                    f"{path}, line {count}: no tab between source and target: {shown!r}. "
                    "Expected the source text, a tab and the target text on every line."
                )
            yield columns[0], columns[1]
        if not count:
            raise _no_lines(path)


def _split_files(label: str, split: SplitFiles) -> _PairFiles:
    keys = set(split) if isinstance(split, Mapping) else None
    if keys not in ({"source", "target"}, {"tsv"}):
        given = repr(split) if keys is None else (", ".join(sorted(map(str, keys))) or "nothing")
        raise DataError(
            f"{label}: expected the keys source and target (two line-aligned files) or the key tsv "
            f"(one tab-separated file), got {given}."
        )
    paths = {}
    for key, value in split.items():
        if not isinstance(value, str | os.PathLike) or not os.fspath(value):
            raise DataError(f"{label} {key}: expected the path of a text file, got {value!r}.")
        paths[key] = with_home(value)
        check_is_readable_file(paths[key], what=f"{label} {key}")
    if "tsv" in paths:
        return _TabSeparatedFile((paths["tsv"],))
    return _TwoFiles((paths["source"], paths["target"]))


def _stream_pairs(pair_files: _PairFiles) -> Iterator[tuple[str, str]]:
    with ExitStack() as stack:
        yield from pair_files.pairs([stack.enter_context(TextFile(path)) for path in pair_files.paths])


def _count_pairs(pair_files: _PairFiles, report_bytes: Callable[[int], None]) -> int:
    count = 0
    with ExitStack() as stack:
        files = [stack.enter_context(TextFile(path)) for path in pair_files.paths]
        for count, _ in enumerate(pair_files.pairs(files), start=1):
            if count % _PAIRS_BETWEEN_REPORTS == 0:
                report_bytes(sum(file.position for file in files))
    report_bytes(pair_files.bytes_on_disk())
    return count


def _no_lines(path: Path) -> DataError:
    return DataError(f"{path} is empty. Expected one sentence per line.")


def _different_line_counts(paths: tuple[Path, Path], counts: tuple[int, int]) -> DataError:
    for path, count in zip(paths, counts, strict=True):
        if not count:
            return _no_lines(path)
    message = (
        f"{paths[0]} has {counts[0]:,} lines but {paths[1]} has {counts[1]:,}. "
        "Expected two line-aligned files: line N of one translates line N of the other."
    )
    longer = paths[0] if counts[0] > counts[1] else paths[1]
    larger, smaller = max(counts), min(counts)
    if hint := _interleaving_hint(longer):
        return DataError(f"{message} {hint}")
    times = round(larger / smaller)
    if 2 <= times <= 5 and abs(larger - times * smaller) <= max(1, smaller // 100):
        message += (
            f" {longer} has {times} times as many: does it hold {times} lines for each sentence, "
            "such as both languages in turn?"
        )
    elif larger - smaller == 1:
        message += f" Is the last line of {longer} empty, or was one line lost from the other file?"
    return DataError(message)


def _interleaving_hint(path: Path) -> str:
    """Say what the start of a file with too many lines looks like, when it is not one sentence per line."""
    with TextFile(path) as file:
        head = list(islice(file, 300))
    for period in (2, 3):
        blank_places = {number % period for number, line in enumerate(head) if not line.strip()}
        blanks = sum(1 for line in head if not line.strip())
        if len(head) >= 2 * period and len(blank_places) == 1 and blanks >= len(head) // period:
            every = "second" if period == 2 else "third"
            return f"Every {every} line of {path} is empty: keep only the lines that hold a sentence."
    for separator, shown in ((" ||| ", "' ||| '"), ("\t", "a tab")):
        if head and all(separator in line for line in head if line.strip()):
            return f"Every line of {path} contains {shown}: it seems to hold both languages on each line."
    return ""
