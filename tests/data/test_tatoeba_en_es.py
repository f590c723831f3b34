"""The Tatoeba builder and its splits, on sentences that these tests make up."""

from __future__ import annotations

import hashlib
import random
import tempfile
import unicodedata
import zipfile
from itertools import combinations
from pathlib import Path

import pytest

from data.corpora import load_tfds_corpus
from data.downloads import read_registered_files
from data.errors import DataError
from data.tatoeba_en_es.leak_free_split import assign_splits, normalise
from data.tfds_builders import import_tfds
from tests.data.file_server import dead_url, serve_files

tfds = import_tfds()

from data.tatoeba_en_es import tatoeba_en_es_dataset_builder  # noqa: E402 - TensorFlow is loaded quietly before it

Builder = tatoeba_en_es_dataset_builder.Builder


def hundredth(sentence: str) -> int:
    return int(hashlib.sha256(sentence.encode()).hexdigest()[:8], 16) % 100


def sentence_of(split: str, start: int = 0) -> str:
    """Find a made-up sentence, already normalised, that belongs to a split by itself."""
    wanted = {"test": {0, 1}, "validation": {2, 3}, "train": set(range(4, 100))}[split]
    return next(
        text for number in range(start, start + 5000) if hundredth(text := f"we saw {number} boats") in wanted
    )


TRAIN, VALIDATION, TEST = (sentence_of(split) for split in ("train", "validation", "test"))
PAIRS = [
    (TRAIN, "tren uno"),
    (TEST, "prueba uno"),
    (VALIDATION, "validación uno"),
    (TEST.upper() + "!", "prueba\u2028dos"),
    (TRAIN, "¿Tren   dos?"),
    ("zz " + TRAIN, "tren dos"),
]
SPLITS = ["train", "test", "validation", "test", "train", "train"]


def write_archive(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("spa-eng/_about.txt", "made up")
        archive.writestr("spa-eng/spa.txt", "".join(line + "\n" for line in lines))


def pair_lines() -> list[str]:
    return [f"{english}\t{spanish}" for english, spanish in PAIRS]


@pytest.fixture
def use_archive(tmp_path, monkeypatch):
    """Write an archive of the given lines, and take its checksum for the registered one."""

    def write(lines: list[str]) -> Path:
        path = tmp_path / "mirror/spa-eng.zip"
        write_archive(path, lines)
        content = path.read_bytes()
        checksums = tmp_path / "checksums.tsv"
        digest = hashlib.sha256(content).hexdigest()
        checksums.write_text(f"{Builder.BASE_URL}spa-eng.zip\t{len(content)}\t{digest}\tspa-eng.zip\n")
        monkeypatch.setattr(Builder, "CHECKSUMS", checksums)
        monkeypatch.setenv("no_proxy", "*")
        return path.parent

    return write


def test_sentences_are_the_same_whatever_their_case_and_punctuation():
    assert normalise("¿Qué?  ¡STRASSE—dos!") == normalise(unicodedata.normalize("NFD", "qué straße dos"))
    assert normalise("Let's go.") == "let s go"


def test_the_split_follows_from_the_hash_of_the_smallest_english_sentence():
    assert assign_splits(PAIRS) == SPLITS


def test_a_chain_of_shared_sentences_stays_together():
    smallest = min(TRAIN, VALIDATION, TEST)
    chain = [(TRAIN, "uno"), (VALIDATION, "uno."), (VALIDATION, "dos"), (TEST, "DOS")]
    expected = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}[smallest]
    assert assign_splits(chain) == [expected] * 4


def test_the_same_words_in_two_languages_are_not_the_same_sentence():
    assert assign_splits([(TRAIN, TEST), (TEST, "otra")]) == ["train", "test"]


def test_no_sentence_occurs_in_two_splits_and_all_splits_get_their_share():
    chance = random.Random(7)
    pairs = [(f"Word {chance.randrange(9000)}.", f"palabra {chance.randrange(9000)}") for _ in range(4000)]
    splits = assign_splits(pairs)
    for side in (0, 1):
        sentences = {
            split: {
                normalise(pair[side])
                for pair, its_split in zip(pairs, splits, strict=True)
                if its_split == split
            }
            for split in set(splits)
        }
        assert all(not one & other for one, other in combinations(sentences.values(), 2))
    assert splits.count("train") > 3500
    assert min(splits.count("validation"), splits.count("test")) > 20


def test_the_order_of_the_list_does_not_change_the_splits():
    chance = random.Random(8)
    pairs = [(f"word {chance.randrange(900)}", f"palabra {chance.randrange(900)}") for _ in range(600)]
    by_pair = dict(zip(pairs, assign_splits(pairs), strict=True))
    shuffled = chance.sample(pairs, len(pairs))
    assert [by_pair[pair] for pair in shuffled] == assign_splits(shuffled)


def test_the_one_file_is_registered():
    registered = read_registered_files(Builder.CHECKSUMS, Builder.BASE_URL)
    assert list(registered) == ["spa-eng.zip"]


@pytest.mark.parametrize("direction", ["en-es", "es-en"])
def test_both_directions_have_the_same_splits_in_the_order_of_the_file(use_archive, tmp_path, direction):
    mirror = use_archive(pair_lines())
    corpus = load_tfds_corpus(f"tatoeba_en_es/{direction}", data_dir=tmp_path / "tfds", mirror=mirror)
    assert f"{corpus.source_language}-{corpus.target_language}" == direction
    for split, name in (
        (corpus.train, "train"),
        (corpus.validation, "validation"),
        (corpus.test["test"], "test"),
    ):
        of_split = [pair for pair, its_split in zip(PAIRS, SPLITS, strict=True) if its_split == name]
        assert list(split) == [pair if direction == "en-es" else pair[::-1] for pair in of_split]
    assert "CC BY 2.0" in corpus.licence


def test_a_line_without_two_columns_is_named(use_archive, tmp_path):
    mirror = use_archive([*pair_lines(), "no tab here"])
    with pytest.raises(DataError, match=r"spa-eng/spa.txt:7: expected an English and a Spanish sentence"):
        load_tfds_corpus("tatoeba_en_es/en-es", data_dir=tmp_path / "tfds", mirror=mirror)


def test_another_archive_is_an_error(use_archive, tmp_path):
    mirror = use_archive(pair_lines())
    write_archive(mirror / "spa-eng.zip", [*pair_lines(), "one more\tuna más"])
    with pytest.raises(DataError, match="not the registered file"):
        load_tfds_corpus("tatoeba_en_es/en-es", data_dir=tmp_path / "tfds", mirror=mirror)


def test_the_archive_comes_from_a_base_url_once_for_both_directions(use_archive, tmp_path):
    mirror = use_archive(pair_lines())
    with serve_files() as server:
        server.files["spa-eng.zip"] = (mirror / "spa-eng.zip").read_bytes()
        for direction in ("en-es", "es-en"):
            load_tfds_corpus(f"tatoeba_en_es/{direction}", data_dir=tmp_path / "tfds", mirror=server.url)
        assert server.requests == ["spa-eng.zip"]


@pytest.mark.parametrize("mirror", ["an empty folder", "a dead host"])
def test_no_archive_is_an_error_that_names_the_ways_out(use_archive, tmp_path, mirror):
    use_archive(pair_lines())
    empty = tmp_path / "empty"
    empty.mkdir()
    place = dead_url() if mirror == "a dead host" else empty
    with pytest.raises(DataError, match=r"spa-eng.zip.*--mirror FOLDER-or-URL.*kind: text"):
        load_tfds_corpus("tatoeba_en_es/en-es", data_dir=tmp_path / "tfds", mirror=place)


class TestBuilder(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own examination of a builder, on an archive that is written for it."""

    DATASET_CLASS = Builder
    SPLITS = {split: SPLITS.count(split) for split in set(SPLITS)}  # noqa: RUF012 - TFDS's way
    DL_DOWNLOAD_RESULT = {split: {"archive": "spa-eng.zip"} for split in set(SPLITS)}  # noqa: RUF012

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.EXAMPLE_DIR = cls._folder.name
        write_archive(Path(cls.EXAMPLE_DIR) / "spa-eng.zip", pair_lines())
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls._folder.cleanup()
