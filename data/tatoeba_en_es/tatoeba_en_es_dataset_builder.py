"""English and Spanish sentence pairs of Tatoeba as a TFDS data set, with splits that do not leak.

Configurations: `en-es` and `es-en`. The file has one list and no splits; `leak_free_split` makes them, the
same ones for both directions.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from etils import epath

from data.errors import DataError
from data.mirrored_builder import MirroredBuilder
from data.tatoeba_en_es.leak_free_split import SPLITS, assign_splits

ARCHIVE = "spa-eng.zip"
MEMBER = "spa-eng/spa.txt"
HOMEPAGE = "https://www.manythings.org/anki/"
LICENCE = "CC BY 2.0 FR. Attribution: www.manythings.org/anki and tatoeba.org"


@dataclass
class TatoebaConfig(tfds.core.BuilderConfig):
    """One direction.

    Attributes:
        source: code of the source language.
        target: code of the target language.
    """

    source: str = "en"
    target: str = "es"


def _configuration(source: str, target: str) -> TatoebaConfig:
    return TatoebaConfig(
        name=f"{source}-{target}",
        description=f"Sentences from {source} to {target}.",
        source=source,
        target=target,
    )


class Builder(MirroredBuilder):
    """118,964 English and Spanish sentence pairs, in the state of May 2018."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS's own declaration is like this
    BUILDER_CONFIGS = [_configuration("en", "es"), _configuration("es", "en")]  # noqa: RUF012
    DEFAULT_BUILDER_CONFIG_NAME = "en-es"
    BASE_URL = "http://storage.googleapis.com/download.tensorflow.org/data/"
    CHECKSUMS = Path(__file__).with_name("checksums.tsv")

    def _info(self) -> tfds.core.DatasetInfo:
        languages = (self.builder_config.source, self.builder_config.target)
        return self.dataset_info_from_configs(
            features=tfds.features.Translation(languages=languages),
            supervised_keys=languages,
            homepage=HOMEPAGE,
            license=LICENCE,
            disable_shuffling=True,  # keeps the order of the file inside each split
            metadata=tfds.core.MetadataDict(),
        )

    def split_files(self) -> dict[str, dict[str, str]]:
        """Every split is cut out of the one archive."""
        return {split: {"archive": ARCHIVE} for split in SPLITS}

    def split_examples(
        self, split_paths: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Iterator[tuple[int, dict[str, str]]]]:
        """Read the pairs once and deal them out to the splits."""
        pairs = _read_pairs(split_paths["train"]["archive"])
        split_of_pair = assign_splits(pairs)
        return {split: _examples(pairs, split_of_pair, split) for split in split_paths}


def _examples(
    pairs: Sequence[tuple[str, str]], split_of_pair: Sequence[str], split: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number from 0, {language: sentence}) of one split, in the order of the file."""
    for number, (english, spanish) in enumerate(pairs):
        if split_of_pair[number] == split:
            yield number, {"en": english, "es": spanish}


def _read_pairs(archive: Any) -> list[tuple[str, str]]:
    """Read (English, Spanish) from the tab-separated list in the archive; only "\\n" ends a line."""
    with epath.Path(archive).open("rb") as raw, zipfile.ZipFile(raw) as archive_file:
        text = archive_file.read(MEMBER).decode("utf-8")
    pairs = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        columns = line.split("\t")
        if len(columns) != 2:
            raise DataError(
                f"{archive}, {MEMBER}:{number}: expected an English and a Spanish sentence with one tab "
                f"between them, found {len(columns)} columns: {line!r}"
            )
        pairs.append((columns[0], columns[1]))
    return pairs
