"""Translations of many lines that are kept while they come, so that an interruption costs none of them."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def translated_lines(
    file: Path,
    origin: Mapping[str, Any],
    texts: Iterable[str],
    translate: Callable[[Iterator[str]], Iterator[list[str]]],
) -> Iterator[tuple[list[str], str]]:
    """Translate texts; what an earlier, interrupted attempt left in a file is not translated again.

    Args:
        file: where each translation goes as soon as it is there. To be deleted when all are safe elsewhere.
        origin: what the translations are made of: texts, model, search. A file of another origin is replaced.
        texts: the same ones, in the same order, whenever the origin is the same.
        translate: gives the translations of each text, in order. It may read ahead, and is not called when
            nothing is left to translate.

    Yields:
        The translations of a text, and the text, for each text.
    """
    rest, done = iter(texts), 0
    _begin(file, _line(origin))
    for done, translations in enumerate(_whole_lines(file), start=1):  # noqa: B007 (used below)
        yield translations, next(rest)
    waiting: deque[str] = deque(itertools.islice(rest, 1))
    if not waiting:
        return

    def remembered() -> Iterator[str]:
        yield waiting[0]
        for text in rest:
            waiting.append(text)
            yield text

    with open(file, "ab") as kept:
        for number, translations in enumerate(translate(remembered()), start=done):
            kept.write(_line([number, translations]))
            # Now they are in the file, even if the process is killed.
            kept.flush()
            yield translations, waiting.popleft()


def _line(content: Any) -> bytes:
    # As JSON: a translation may hold a line feed.
    return json.dumps(content, sort_keys=True).encode() + b"\n"


def _begin(file: Path, head: bytes) -> None:
    """Leave a file that begins with this head, and behind it what it may hold already."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_file():
        with open(file, "rb") as kept:
            if kept.readline() == head:
                return
    file.write_bytes(head)


def _whole_lines(file: Path) -> Iterator[list[str]]:
    """What can be read; the file is cut behind it, where the process or the machine stopped."""
    with open(file, "rb") as kept:
        end = len(kept.readline())
        for number, line in enumerate(kept):
            translations = _translations(line, number)
            if translations is None:
                break
            end += len(line)
            yield translations
    with open(file, "r+b") as kept:
        kept.truncate(end)


def _translations(line: bytes, number: int) -> list[str] | None:
    """What stands in the line of this number; None if it is damaged."""
    try:
        content = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    # With its number, two torn lines that happen to make one are not taken for it.
    if not isinstance(content, list) or len(content) != 2 or content[0] != number:
        return None
    # An earlier version kept one translation of each text, as it is.
    translations = [content[1]] if isinstance(content[1], str) else content[1]
    is_whole = isinstance(translations, list) and all(isinstance(each, str) for each in translations)
    return translations if is_whole else None
