"""Where an evaluation's sentences come from: the splits of a run's corpus, or text files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import DataError, UserError
from data.text_lines import TextFile
from seq2seq.alignment import PharaohLine, read_pharaoh
from seq2seq.evaluation import EvaluationSet
from seq2seq.gold_alignment import gold_links

if TYPE_CHECKING:
    from data.corpora import Corpus, Split


def sets_of_corpus(
    corpus: Corpus, names: Sequence[str], *, limit: int | None = None, gold: GoldFile | None = None
) -> list[EvaluationSet]:
    """Read splits of a corpus.

    Args:
        corpus: of the run.
        names: test sets or `validation`; none: every test set.
        limit: only so many sentences of each.
        gold: word alignments for the one split that is named; those of the corpus when not given.

    Raises:
        UserError: there is no such split, or no test set at all.
    """
    known = {**corpus.test, "validation": corpus.validation}
    if not names and not corpus.test:
        raise UserError(
            f"{corpus.name} has no test set. Name one in the configuration (data.corpus.test), score the "
            "validation split (--split validation) or files (--source FILE --reference FILE)."
        )
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f"{corpus.name} has no split to score that is called {unknown[0]}. It has: {', '.join(known)}."
        )
    chosen = list(dict.fromkeys(names)) or list(corpus.test)
    return [_set_of_split(name, known[name], limit, gold) for name in chosen]


def _set_of_split(name: str, split: Split, limit: int | None, gold: GoldFile | None) -> EvaluationSet:
    pairs = list(itertools.islice(split, limit))
    links: tuple[PharaohLine, ...] | None = None
    if gold is not None:
        links = gold.read(limit)
    elif split.open_alignments is not None:
        links = gold_links(itertools.islice(split.open_alignments(), limit))
    return EvaluationSet(
        name=name,
        sources=tuple(source for source, _ in pairs),
        references=tuple((target,) for _, target in pairs),
        gold=links,
        gold_origin=f"the gold alignment of {name}" if gold is None else str(gold.path),
    )


class GoldFile:
    """Gold word alignment in Pharaoh format.

    Args:
        path: one line for each sentence pair.
        one_based: it counts words from 1.
    """

    def __init__(self, path: str | Path, *, one_based: bool = False) -> None:
        self.path = Path(path)
        self.one_based = one_based

    def read(self, limit: int | None = None) -> tuple[PharaohLine, ...]:
        """All lines, or the first so many.

        Raises:
            DataError: it cannot be read, or a line is malformed.
        """
        return tuple(read_pharaoh(self.path, one_based=self.one_based)[:limit])


def set_of_files(
    source: str | Path,
    references: Sequence[str | Path],
    *,
    name: str | None = None,
    limit: int | None = None,
    gold: GoldFile | None = None,
) -> EvaluationSet:
    """Read line-aligned text files.

    Args:
        source: the text to translate, plain or gzip-compressed.
        references: at least one file with what it should become.
        name: of the set; the name of the source file when not given.
        limit: only so many sentences.
        gold: word alignment of the source with the first reference.

    Raises:
        DataError: a file cannot be read, is empty, or has another number of lines than the source.
    """
    sources = _lines(source)
    columns = [_lines(path) for path in references]
    for path, column in zip(references, columns, strict=True):
        if len(column) != len(sources):
            raise DataError(
                f"{source} has {len(sources):,} lines but {path} has {len(column):,}. Expected line N of a "
                "reference to translate line N of the source."
            )
    return EvaluationSet(
        name=name or Path(source).name,
        sources=tuple(sources[:limit]),
        references=tuple(itertools.islice(zip(*columns, strict=True), limit)),
        gold=None if gold is None else gold.read(limit),
        gold_origin="the gold alignment" if gold is None else str(gold.path),
    )


def _lines(path: str | Path) -> list[str]:
    with TextFile(Path(path)) as file:
        read = list(file)
    if not read:
        raise DataError(f"{path} is empty. Expected one sentence per line.")
    return read
