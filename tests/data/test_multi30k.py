"""The Multi30k builder, on files that these tests write: same names and folders, other sentences."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
from itertools import permutations
from pathlib import Path

import pytest

from data.corpora import load_tfds_corpus
from data.downloads import read_registered_files
from data.errors import DataError
from data.tfds_builders import import_tfds
from tests.data.file_server import dead_url, serve_files
from tests.repetitions import rest_slow

tfds = import_tfds()

from data.multi30k import multi30k_dataset_builder  # noqa: E402 - TensorFlow is loaded quietly before it

Builder = multi30k_dataset_builder.Builder
LANGUAGES = multi30k_dataset_builder.LANGUAGES
LINES = {"train": 5, "val": 3, "test_2016_flickr": 2, "test_2017_flickr": 2, "test_2017_mscoco": 1}
LINES_2018 = {"test_2018_flickr": 4}
ALL_2016_AND_2017 = ("test_2016_flickr", "test_2017_flickr", "test_2017_mscoco")


def sentences(stem: str, language: str, form: str) -> list[str]:
    """Lines with every separator that is not a line end, and with edges that must be kept."""
    odd = {0: " edge ", 1: "a\x85b\u2028c\x0bd", 2: "carriage\rreturn"}
    return [
        f"{form} {stem} {language} {number}{odd.get(number, '')}"
        for number in range({**LINES, **LINES_2018}[stem])
    ]


def write_file(folder: Path, stem: str, language: str, form: str, lines: list[str]) -> None:
    content = "".join(line + "\n" for line in lines).encode()
    raw = form == "raw"
    name = f"raw/{stem}.{language}.gz" if raw else f"tok/{stem}.lc.norm.tok.{language}"
    path = folder / "data/task1" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if raw else content)


def write_multi30k(folder: Path) -> None:
    for form in ("raw", "tok"):
        for stem in (*LINES, *LINES_2018):
            for language in LANGUAGES:
                if language != "cs" or "2017" not in stem:
                    write_file(folder, stem, language, form, sentences(stem, language, form))


def expected(stem: str, source: str, target: str, form: str = "raw") -> list[tuple[str, str]]:
    return list(zip(sentences(stem, source, form), sentences(stem, target, form), strict=True))


def register(folder: Path, checksums: Path, base_url: str = Builder.BASE_URL) -> None:
    """Write a checksums.tsv for every file below `folder`."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        lines.append(
            f"{base_url}{path.relative_to(folder).as_posix()}\t{len(content)}\t{digest}\t{path.name}\n"
        )
    checksums.write_text("".join(lines))


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder with the whole corpus, whose checksums the builder takes for the registered ones."""
    folder = tmp_path / "mirror"
    write_multi30k(folder)
    register(folder, tmp_path / "checksums.tsv")
    monkeypatch.setattr(Builder, "CHECKSUMS", tmp_path / "checksums.tsv")
    monkeypatch.setenv("no_proxy", "*")
    return folder


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "tfds"


def raw_file(mirror: Path, name: str) -> Path:
    return mirror / "data/task1/raw" / name


def test_every_file_of_every_configuration_is_registered_and_no_other():
    registered = read_registered_files(Builder.CHECKSUMS, Builder.BASE_URL)
    used = set()
    with tempfile.TemporaryDirectory() as folder:
        for name in Builder.builder_configs:
            builder = Builder(config=name, data_dir=folder)
            used |= {path for files in builder.split_files().values() for path in files.values()}
    assert used == registered.keys()
    assert len(registered) == 44
    assert all(len(file.sha256) == 64 and file.size > 8000 for file in registered.values())


def test_there_is_a_configuration_for_each_ordered_pair_and_form():
    pairs = {f"{source}-{target}" for source, target in permutations(LANGUAGES, 2)}
    assert set(Builder.builder_configs) == pairs | {pair + ".lc.norm.tok" for pair in pairs}


@pytest.mark.parametrize(
    ("configuration", "source", "target", "form"),
    rest_slow(
        [
            ("en-de", "en", "de", "raw"),
            ("de-fr.lc.norm.tok", "de", "fr", "tok"),
            ("fr-en", "fr", "en", "raw"),
        ],
        daily=2,
    ),
)
def test_every_split_has_its_lines_in_order(mirror, data_dir, configuration, source, target, form):
    tests = (*ALL_2016_AND_2017, "test_2018_flickr")
    corpus = load_tfds_corpus(f"multi30k/{configuration}", test=tests, data_dir=data_dir, mirror=mirror)
    assert (corpus.source_language, corpus.target_language) == (source, target)
    assert list(corpus.train) == expected("train", source, target, form)
    assert list(corpus.validation) == expected("val", source, target, form)
    assert {name: list(split) for name, split in corpus.test.items()} == {
        name: expected(name, source, target, form) for name in tests
    }
    assert "no licence" in corpus.licence
    assert "W16-3210" in corpus.citation


def test_the_languages_choose_the_configuration(mirror, data_dir):
    corpus = load_tfds_corpus(
        "multi30k", source_language="cs", target_language="de", test=(), data_dir=data_dir, mirror=mirror
    )
    assert list(corpus.train) == expected("train", "cs", "de")


def test_czech_has_no_2017_test_sets(mirror, data_dir):
    with pytest.raises(DataError, match=r"no split 'test_2017_flickr'. It has: .*test_2018_flickr"):
        load_tfds_corpus("multi30k/en-cs", test=["test_2017_flickr"], data_dir=data_dir, mirror=mirror)


def test_a_relative_mirror_folder_is_below_the_current_directory(mirror, data_dir, monkeypatch):
    monkeypatch.chdir(mirror.parent)
    corpus = load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror="mirror")
    assert corpus.train.size == 5


def test_a_mirror_that_is_not_there_is_an_error_even_when_all_is_prepared(mirror, data_dir):
    load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=mirror)
    with pytest.raises(DataError, match=r"The mirror folder .*nope.* does not exist"):
        load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=str(mirror / "nope"))


def test_what_is_prepared_needs_no_mirror_and_no_network(mirror, data_dir, monkeypatch):
    load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=mirror)
    shutil.rmtree(mirror)
    monkeypatch.setattr(Builder, "BASE_URL", dead_url())
    assert list(load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir).train) == expected(
        "train", "en", "de"
    )


def test_a_missing_test_set_is_left_out_with_a_note(mirror, data_dir, capsys):
    raw_file(mirror, "test_2018_flickr.de.gz").unlink()
    corpus = load_tfds_corpus("multi30k/en-de", test=ALL_2016_AND_2017, data_dir=data_dir, mirror=mirror)
    assert list(corpus.test["test_2017_mscoco"]) == expected("test_2017_mscoco", "en", "de")
    captured = capsys.readouterr()
    assert "without the split 'test_2018_flickr'" in captured.err
    assert "test_2018_flickr.de.gz" in captured.err
    assert captured.out == ""


def test_asking_for_a_missing_test_set_is_an_error_that_says_why(mirror, data_dir):
    raw_file(mirror, "test_2018_flickr.de.gz").unlink()
    asked = {"test": ["test_2018_flickr"], "data_dir": data_dir, "mirror": mirror}
    for _ in range(2):  # with nothing prepared, and ...
        with pytest.raises(DataError, match=r"'test_2018_flickr'.*no file .*test_2018_flickr.de.gz"):
            load_tfds_corpus("multi30k/en-de", **asked)
        load_tfds_corpus("multi30k/en-de", **{**asked, "test": ()})  # ... with the rest prepared


def test_a_missing_test_set_is_fetched_when_it_is_asked_for_and_there(mirror, data_dir):
    path = raw_file(mirror, "test_2018_flickr.de.gz")
    content = path.read_bytes()
    path.unlink()
    load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=mirror)
    path.write_bytes(content)
    corpus = load_tfds_corpus("multi30k/en-de", test=["test_2018_flickr"], data_dir=data_dir, mirror=mirror)
    assert list(corpus.test["test_2018_flickr"]) == expected("test_2018_flickr", "en", "de")
    assert list(corpus.train) == expected("train", "en", "de")
    again = load_tfds_corpus("multi30k/en-de", test=["test_2018_flickr"], data_dir=data_dir)
    assert list(again.test["test_2018_flickr"]) == expected("test_2018_flickr", "en", "de")


def test_a_failed_search_for_a_missing_test_set_keeps_what_was_prepared(mirror, data_dir, monkeypatch):
    raw_file(mirror, "test_2018_flickr.de.gz").unlink()
    load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=mirror)
    with pytest.raises(DataError, match=r"prepared without test_2018_flickr earlier.*Cannot reach"):
        load_tfds_corpus("multi30k/en-de", test=["test_2018_flickr"], data_dir=data_dir, mirror=dead_url())
    assert load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir).train.size == 5


def test_nothing_is_prepared_without_the_training_set(mirror, data_dir):
    raw_file(mirror, "train.en.gz").unlink()
    with pytest.raises(DataError, match=r"Split 'train'.*no file .*train.en.gz.*To be had: validation"):
        load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=mirror)
    assert not (data_dir / "multi30k").exists()


def test_a_wrong_file_is_an_error_even_in_a_split_that_nobody_asked_for(mirror, data_dir):
    write_file(mirror, "test_2018_flickr", "de", "raw", ["somebody", "else's", "four", "lines"])
    with pytest.raises(DataError, match=r"test_2018_flickr.de.gz is (not the registered file|cut short)"):
        load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=mirror)


def test_languages_must_have_the_same_number_of_lines(mirror, data_dir):
    write_file(mirror, "val", "de", "raw", sentences("val", "de", "raw")[:2])
    register(mirror, Builder.CHECKSUMS)
    with pytest.raises(DataError, match=r"val.de.gz ends after 2 lines, but .*val.en.gz goes on"):
        load_tfds_corpus("multi30k/en-de", test=(), data_dir=data_dir, mirror=mirror)
    assert not list(data_dir.rglob("*.tfrecord*")), "nothing half-made is left"


def test_files_come_from_a_base_url(mirror, data_dir):
    with serve_files() as server:
        server.files = {
            path.relative_to(mirror).as_posix(): path.read_bytes()
            for path in mirror.rglob("*")
            if path.is_file()
        }
        del server.files["data/task1/raw/test_2018_flickr.en.gz"]
        corpus = load_tfds_corpus(
            "multi30k/en-de", test=ALL_2016_AND_2017, data_dir=data_dir, mirror=server.url
        )
        assert list(corpus.train) == expected("train", "en", "de")
        server.requests.clear()
        server.files = {}
        load_tfds_corpus("multi30k/de-en", test=(), data_dir=data_dir, mirror=server.url)
        assert server.requests == ["data/task1/raw/test_2018_flickr.en.gz"], "what was downloaded is kept"


def test_a_dead_publisher_is_an_error_that_names_the_ways_out(mirror, data_dir, monkeypatch):
    url = dead_url()
    monkeypatch.setattr(Builder, "BASE_URL", url)
    register(mirror, Builder.CHECKSUMS, url)
    with pytest.raises(DataError, match=r"Cannot reach .*--mirror FOLDER-or-URL.*kind: text"):
        load_tfds_corpus("multi30k/en-de", data_dir=data_dir)


def test_the_ordinary_download_manager_prepares_it_too(mirror, data_dir, monkeypatch):
    with serve_files() as server:
        server.files = {
            path.relative_to(mirror).as_posix(): path.read_bytes()
            for path in mirror.rglob("*")
            if path.is_file()
        }
        register(mirror, Builder.CHECKSUMS, server.url)
        monkeypatch.setattr(Builder, "BASE_URL", server.url)
        monkeypatch.setattr(Builder, "url_infos", tfds.download.checksums.load_url_infos(Builder.CHECKSUMS))
        checked = tfds.download.DownloadConfig(force_checksums_validation=True)
        Builder(config="en-de", data_dir=data_dir).download_and_prepare(download_config=checked)
    corpus = load_tfds_corpus("multi30k/en-de", test=["test_2018_flickr"], data_dir=data_dir)
    assert list(corpus.train) == expected("train", "en", "de")


class _BuilderTest(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own examination of a builder, on files that are written for it."""

    __test__ = False
    DATASET_CLASS = Builder

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.EXAMPLE_DIR = cls._folder.name
        write_multi30k(Path(cls.EXAMPLE_DIR))
        builder = Builder(config=cls.BUILDER_CONFIG_NAMES_TO_TEST[0], data_dir=cls.EXAMPLE_DIR)
        cls.DL_DOWNLOAD_RESULT = builder.split_files()
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls._folder.cleanup()


class TestRawText(_BuilderTest):
    __test__ = True
    BUILDER_CONFIG_NAMES_TO_TEST = ("en-fr",)
    SPLITS = {  # noqa: RUF012 - TFDS's way
        "train": 5,
        "validation": 3,
        "test_2016_flickr": 2,
        "test_2017_flickr": 2,
        "test_2017_mscoco": 1,
        "test_2018_flickr": 4,
    }


class TestTokenisedCzech(_BuilderTest):
    __test__ = True
    BUILDER_CONFIG_NAMES_TO_TEST = ("cs-en.lc.norm.tok",)
    SPLITS = {"train": 5, "validation": 3, "test_2016_flickr": 2, "test_2018_flickr": 4}  # noqa: RUF012
