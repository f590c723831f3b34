"""Where sentence pairs come from: what every source of them returns, and the data sets of TFDS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """One part of a corpus, read as a stream as often as it is needed.

    Attributes:
        name: what the source calls it (`train`, `test_2016_flickr`, `train[:10%]`).
        open_pairs: gives a fresh iterator over (source text, target text) at each call.
        size: the number of pairs, where it is known without reading them.
        open_alignments: gives a fresh iterator over the gold word alignments, one set of
            (source word, target word) per pair, counted from 0, for corpora that have them.
    """

    name: str
    open_pairs: Callable[[], Iterator[tuple[str, str]]]
    size: int | None = None
    open_alignments: Callable[[], Iterator[frozenset[tuple[int, int]]]] | None = None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self.open_pairs()


@dataclass(frozen=True)
class Corpus:
    """A parallel corpus: sentence pairs from one language into another, in named splits.

    Attributes:
        name: what the corpus is called, as the user named it.
        source_language: language of the first text of each pair (`en`).
        target_language: language of the second.
        train: what is learnt from.
        validation: what training is watched on.
        test: what is scored at the end, by name; may be empty.
        licence: terms of use as the publisher states them, empty where unknown.
        citation: BibTeX or a line of reference, empty where unknown.
    """

    name: str
    source_language: str
    target_language: str
    train: Split
    validation: Split
    test: Mapping[str, Split]
    licence: str = ""
    citation: str = ""


def load_tfds_corpus(
    name: str,
    *,
    source_language: str | None = None,
    target_language: str | None = None,
    train: str = "train",
    validation: str = "validation",
    test: Sequence[str] = ("test",),
    data_dir: str | os.PathLike[str] | None = None,
    mirror: str | os.PathLike[str] | None = None,
) -> Corpus:
    """Load a translation data set of TFDS, downloading and preparing it when that was not done before.

    Args:
        name: of a data set, with its configuration: `ted_hrlr_translate/pt_to_en`, `wmt16_translate/de-en`,
            or one of this project's own, `multi30k/en-de`, `multi30k/en-de.lc.norm.tok`,
            `tatoeba_en_es/en-es`. Either direction can be read from any of them.
        source_language: code of the language to translate from; None: as the data set has it.
        target_language: code of the language to translate into; None: as the data set has it.
        train: split to learn from, in TFDS's notation: `train`, `train[:10%]`, `train+extra`.
        validation: split to watch the training on.
        test: splits to score at the end; the returned mapping has them under these names.
        data_dir: where TFDS keeps what it prepared; None: its default, `~/tensorflow_datasets`.
        mirror: for this project's own data sets, a folder or a base URL to take the files from instead of
            the publisher's host.

    Returns:
        The corpus. Its splits are read as streams, in the order in which they were generated.

    Raises:
        DataError: no such data set, configuration, language or split; not a translation data set; or the
            files are not to be had.
    """
    from data.tfds_builders import find_builder, prepare
    from data.tfds_reader import translation_reader

    builder = find_builder(name, source_language, target_language, data_dir)
    reader = translation_reader(builder, source_language, target_language)
    specs = {"train": train, "validation": validation, **{f"test {spec}": spec for spec in test}}
    prepare(builder, specs.values(), None if mirror is None else os.fspath(mirror))
    splits = {role: reader.split(spec) for role, spec in specs.items()}
    return Corpus(
        name=name,
        source_language=reader.source_language,
        target_language=reader.target_language,
        train=splits["train"],
        validation=splits["validation"],
        test={spec: splits[f"test {spec}"] for spec in test},
        licence=builder.info.redistribution_info.license or "",
        citation=builder.info.citation or "",
    )
