"""Multi30k as a TFDS data set: image captions in English, German, French and Czech, line by line.

Configurations are named after the pair and the text:

- `en-de`: the raw text, cased and untokenised, as it was written;
- `en-de.lc.norm.tok`: lower-cased, punctuation-normalised and tokenised by Moses, as the papers score it;

for each ordered pair of `en`, `de`, `fr` and `cs`. Pairs with Czech have no 2017 test sets: nobody
translated them.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, zip_longest
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from etils import epath

from data.errors import DataError
from data.mirrored_builder import MirroredBuilder

LANGUAGES = ("en", "de", "fr", "cs")
TOKENISED_SUFFIX = ".lc.norm.tok"
HOMEPAGE = "https://github.com/multi30k/dataset"
LICENCE = (
    "The publisher states no licence for the text. The README of github.com/multi30k/dataset says that the "
    "data is provided for researchers and educators, for non-commercial research and education."
)
# name in TFDS: (name in the file names, has Czech)
_SPLITS = {
    "train": ("train", True),
    "validation": ("val", True),
    "test_2016_flickr": ("test_2016_flickr", True),
    "test_2017_flickr": ("test_2017_flickr", False),
    "test_2017_mscoco": ("test_2017_mscoco", False),
    "test_2018_flickr": ("test_2018_flickr", True),
}


@dataclass
class Multi30kConfig(tfds.core.BuilderConfig):
    """One direction and one form of the text.

    Attributes:
        source: code of the source language.
        target: code of the target language.
        tokenised: whether the text is the lower-cased, normalised, tokenised one.
    """

    source: str = "en"
    target: str = "de"
    tokenised: bool = False


def _configuration(source: str, target: str, tokenised: bool) -> Multi30kConfig:
    form = "lower-cased, normalised and tokenised" if tokenised else "raw, cased"
    return Multi30kConfig(
        name=f"{source}-{target}{TOKENISED_SUFFIX if tokenised else ''}",
        description=f"Captions from {source} to {target}, {form} text.",
        source=source,
        target=target,
        tokenised=tokenised,
    )


class Builder(MirroredBuilder):
    """Multi30k, task 1 (translation of the English captions by professional translators)."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012 - TFDS's own declaration is like this
    BUILDER_CONFIGS = [  # noqa: RUF012
        _configuration(source, target, tokenised)
        for tokenised in (False, True)
        for source, target in permutations(LANGUAGES, 2)
    ]
    DEFAULT_BUILDER_CONFIG_NAME = "en-de"
    BASE_URL = "https://raw.githubusercontent.com/multi30k/dataset/master/"
    CHECKSUMS = Path(__file__).with_name("checksums.tsv")

    def _info(self) -> tfds.core.DatasetInfo:
        languages = (self.builder_config.source, self.builder_config.target)
        return self.dataset_info_from_configs(
            features=tfds.features.Translation(languages=languages),
            supervised_keys=languages,
            homepage=HOMEPAGE,
            license=LICENCE,
            disable_shuffling=True,  # test sets are compared line by line with other systems' output
            metadata=tfds.core.MetadataDict(),
        )

    def split_files(self) -> dict[str, dict[str, str]]:
        """Give the file of each language in each split, below `BASE_URL`."""
        languages = (self.builder_config.source, self.builder_config.target)
        pattern = "tok/{}.lc.norm.tok.{}" if self.builder_config.tokenised else "raw/{}.{}.gz"
        return {
            split: {language: "data/task1/" + pattern.format(stem, language) for language in languages}
            for split, (stem, has_czech) in _SPLITS.items()
            if has_czech or "cs" not in languages
        }

    def split_examples(
        self, split_paths: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Iterator[tuple[int, dict[str, str]]]]:
        """Read the lines of both languages side by side."""
        return {split: _line_pairs(paths) for split, paths in split_paths.items()}


def _line_pairs(paths: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number from 0, {language: line}); both files must have the same number of lines."""
    (source, source_path), (target, target_path) = paths.items()
    pairs = zip_longest(_lines(source_path), _lines(target_path))
    for number, (source_line, target_line) in enumerate(pairs):
        if source_line is None or target_line is None:
            shorter, longer = (
                (source_path, target_path) if source_line is None else (target_path, source_path)
            )
            raise DataError(
                f"{shorter} ends after {number} lines, but {longer} goes on: line N of one must be the "
                "translation of line N of the other."
            )
        yield number, {source: source_line, target: target_line}


def _lines(path: Any) -> Iterator[str]:
    """Yield the lines without their ends. Only "\\n" ends one: captions may hold any other separator."""
    path = epath.Path(path)
    with path.open("rb") as raw:
        file = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        for line in file:  # bytes: nothing but b"\n" ends a line
            yield line.removesuffix(b"\n").decode("utf-8")
