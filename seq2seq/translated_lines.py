"""Translations of many lines that are kept while they come, so that an interruption costs none of them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any


def translated_lines(
    file: Path,
    origin: Mapping[str, Any],
    texts: Iterable[str],
    translate: Callable[[Iterator[str]], Iterator[str]],
) -> Iterator[tuple[str, str]]:
    """Translate texts; what an earlier, interrupted attempt left in a file is not translated again.

    Args:
        file: where each translation goes as soon as it is there. To be deleted when all are safe elsewhere.
        origin: what the translations are made of: texts, model, search. A file of another origin is replaced.
        texts: the same ones, in the same order, whenever the origin is the same.
        translate: gives a translation for each text, in order. It may read ahead.

    Yields:
        A translation and its text, for each text.
    """
    rest = iter(texts)
    with _opened(file, origin) as kept:
        for translation in _whole_lines(kept):
            yield translation, next(rest)
        waiting: deque[str] = deque()

        def remembered() -> Iterator[str]:
            for text in rest:
                waiting.append(text)
                yield text

        for translation in translate(remembered()):
            kept.write(_line(translation))
            yield translation, waiting.popleft()


def _line(content: Any) -> bytes:
    # As JSON: a translation may hold a line feed.
    return json.dumps(content, sort_keys=True).encode() + b"\n"


def _opened(file: Path, origin: Mapping[str, Any]) -> IO[bytes]:
    """The file, read up to its first translation."""
    head = _line(origin)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Unbuffered: what is written is in the file, even if the process is killed.
    kept = open(file, "a+b", buffering=0)  # noqa: SIM115 (the caller closes it)
    kept.seek(0)
    if kept.read(len(head)) != head:
        kept.truncate(0)
        kept.write(head)
    return kept


def _whole_lines(kept: IO[bytes]) -> Iterator[str]:
    """What can be read; the file is cut behind it, where the process or the machine stopped."""
    end = kept.tell()
    with open(kept.fileno(), "rb", closefd=False) as reader:
        reader.seek(end)
        for line in reader:
            try:
                translation = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                break
            if not isinstance(translation, str):
                break
            end += len(line)
            yield translation
    kept.truncate(end)
