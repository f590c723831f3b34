"""Data sets of TFDS, through small ones that these tests prepare with TFDS's own means."""

from __future__ import annotations

import socket
import time
from itertools import islice

import pytest

from data.corpora import Split, load_tfds_corpus
from data.errors import DataError
from data.tfds_builders import base_splits, import_tfds
from tests.data.file_server import dead_url

tfds = import_tfds()

PAIRS = {
    "train": [(f"source {number}", f"Ziel {number}") for number in range(700)],
    "validation": [("a boat", "ein Boot"), ("two\u2028lines\x85", "zwei\rZeilen")],
    "test": [("a tree", "ein Baum"), ("a bee", "eine Biene")],
}


class OrderedPairs(tfds.core.GeneratorBasedBuilder):
    """English and German, in order."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.Translation(languages=("en", "de")),
            supervised_keys=("en", "de"),
            citation="@misc{pairs}",
            license="CC0",
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return {
            split: iter(
                [(number, {"en": source, "de": target}) for number, (source, target) in enumerate(pairs)]
            )
            for split, pairs in PAIRS.items()
        }

    def _generate_examples(self):
        raise NotImplementedError


class ShuffledPairsInShards(OrderedPairs):
    """The same without an order of its own, and with the translations in a feature among others."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        translations = tfds.features.Translation(languages=("en", "de"))
        features = tfds.features.FeaturesDict({"talk": tfds.features.Text(), "sentences": translations})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {
            split: iter(
                [
                    (number, {"talk": "x", "sentences": {"en": source, "de": target}})
                    for number, (source, target) in enumerate(pairs)
                ]
            )
            for split, pairs in PAIRS.items()
        }


class ManyLanguages(tfds.core.GeneratorBasedBuilder):
    """Each example has its own languages."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        translations = tfds.features.TranslationVariableLanguages()
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict({"translations": translations}),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        examples = [
            {"en": "one", "de": "eins", "fr": "un"},
            {"en": "two", "fr": "deux"},
            {"en": "cat", "de": ["Katze", "Kater"]},
        ]
        return {
            split: iter([(number, {"translations": example}) for number, example in enumerate(examples)])
            for split in ("train", "validation")
        }

    def _generate_examples(self):
        raise NotImplementedError


class NoTranslations(OrderedPairs):
    """Two texts that nobody calls translations."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        texts = {"en": tfds.features.Text(), "de": tfds.features.Text()}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(texts))


class FromDeadHost(OrderedPairs):
    """Wants a download that nobody serves."""

    VERSION = tfds.core.Version("1.0.0")

    def _split_generators(self, dl_manager):
        dl_manager.download(dead_url() + "pairs.txt")
        return super()._split_generators(dl_manager)


class Unregistered(OrderedPairs, skip_registration=True):
    """Its code is unknown to TFDS: only the files are left."""

    VERSION = tfds.core.Version("1.0.0")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    in_shards = tfds.download.DownloadConfig(num_shards=2)
    OrderedPairs(data_dir=folder).download_and_prepare(download_config=in_shards)
    ShuffledPairsInShards(data_dir=folder).download_and_prepare(download_config=in_shards)
    ManyLanguages(data_dir=folder).download_and_prepare()
    Unregistered(data_dir=folder).download_and_prepare()
    return folder


@pytest.fixture
def _no_network(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("_no_network")
def test_a_prepared_data_set_is_read_in_order_and_without_network(data_dir, capsys):
    corpus = load_tfds_corpus("ordered_pairs", data_dir=data_dir)
    assert (corpus.source_language, corpus.target_language) == ("en", "de")
    assert list(corpus.train) == PAIRS["train"]
    assert list(corpus.train) == PAIRS["train"], "a split is read as often as it is asked"
    assert list(corpus.validation) == PAIRS["validation"]
    assert {name: list(split) for name, split in corpus.test.items()} == {"test": PAIRS["test"]}
    assert corpus.train.size == 700
    assert (corpus.licence, corpus.citation) == ("CC0", "@misc{pairs}")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_files_without_their_builder_are_enough(data_dir):
    corpus = load_tfds_corpus("unregistered", data_dir=data_dir, source_language="de")
    assert next(iter(corpus.train)) == ("Ziel 0", "source 0")


def test_a_shuffled_data_set_has_the_same_order_every_time(data_dir):
    first = list(load_tfds_corpus("shuffled_pairs_in_shards", data_dir=data_dir, source_language="en").train)
    again = list(load_tfds_corpus("shuffled_pairs_in_shards", data_dir=data_dir, target_language="de").train)
    assert first == again
    assert first != PAIRS["train"]
    assert sorted(first) == sorted(PAIRS["train"])


def test_a_split_is_a_stream(data_dir):
    corpus = load_tfds_corpus("ordered_pairs", data_dir=data_dir)
    assert list(islice(corpus.train, 2)) == PAIRS["train"][:2]


@pytest.mark.parametrize(("source", "target"), [("de", "en"), ("de", None), (None, "en")])
def test_either_direction_may_be_asked_for(data_dir, source, target):
    corpus = load_tfds_corpus(
        "ordered_pairs", data_dir=data_dir, source_language=source, target_language=target
    )
    assert (corpus.source_language, corpus.target_language) == ("de", "en")
    assert list(corpus.validation) == [(target, source) for source, target in PAIRS["validation"]]


def test_splits_follow_the_notation_of_tfds(data_dir):
    corpus = load_tfds_corpus(
        "ordered_pairs",
        data_dir=data_dir,
        train="train[:10%]",
        validation="train[-2:]+validation",
        test=("test", "train[350:352]"),
    )
    assert list(corpus.train) == PAIRS["train"][:70]
    assert corpus.train.size == 70
    assert list(corpus.validation) == PAIRS["train"][-2:] + PAIRS["validation"]
    assert corpus.validation.size == 4
    assert list(corpus.test["train[350:352]"]) == PAIRS["train"][350:352]


def test_base_splits_are_those_that_parts_are_taken_of():
    assert base_splits("train[:10%]+ extra-1 + test[5:]") == ["train", "extra-1", "test"]


@pytest.mark.parametrize("role", ["train", "validation", "test"])
def test_a_missing_split_is_an_error_that_names_those_that_exist(data_dir, role):
    chosen = {role: ("dev",) if role == "test" else "dev[:5]"}
    with pytest.raises(DataError, match=r"no split 'dev'. It has: train, validation, test"):
        load_tfds_corpus("ordered_pairs", data_dir=data_dir, **chosen)


@pytest.mark.parametrize(
    ("spec", "message"), [("train[:10x]", "notation"), ("train[", "notation"), ("train[:0]", "empty")]
)
def test_a_split_that_cannot_be_read_is_an_error(data_dir, spec, message):
    with pytest.raises(DataError, match=message):
        load_tfds_corpus("ordered_pairs", data_dir=data_dir, train=spec)


def test_a_language_that_is_not_there_is_an_error_that_names_those_that_are(data_dir):
    with pytest.raises(DataError, match=r"no language 'fr'. It has: de, en"):
        load_tfds_corpus("ordered_pairs", data_dir=data_dir, source_language="fr")


def test_a_language_is_not_translated_into_itself(data_dir):
    with pytest.raises(DataError, match="both 'en'"):
        load_tfds_corpus("ordered_pairs", data_dir=data_dir, source_language="en", target_language="en")


def test_examples_with_their_own_languages(data_dir):
    corpus = load_tfds_corpus(
        "many_languages", data_dir=data_dir, source_language="de", target_language="en", test=()
    )
    assert list(corpus.train) == [("eins", "one"), ("Kater", "cat"), ("Katze", "cat")]
    assert corpus.train.size is None
    assert corpus.test == {}


def test_examples_with_their_own_languages_need_both_named(data_dir):
    with pytest.raises(DataError, match="Name the source and the target language"):
        load_tfds_corpus("many_languages", data_dir=data_dir, source_language="de")


def test_a_language_that_no_example_has_is_an_error(data_dir):
    corpus = load_tfds_corpus(
        "many_languages", data_dir=data_dir, source_language="de", target_language="it", test=()
    )
    with pytest.raises(DataError, match=r"no example in both 'de' and 'it'.*de, en, fr"):
        list(corpus.train)


def test_a_data_set_without_translations_is_an_error_before_anything_is_prepared(tmp_path):
    with pytest.raises(DataError, match=r"not a translation data set.*de: Text"):
        load_tfds_corpus("no_translations", data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_is_prepared_on_first_use_with_nothing_on_stdout(tmp_path, capsys):
    corpus = load_tfds_corpus("ordered_pairs", data_dir=tmp_path)
    assert len(list(corpus.train)) == 700
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Preparing ordered_pairs/1.0.0" in captured.err


def test_an_unknown_name_is_an_error_with_near_names(tmp_path):
    with pytest.raises(DataError, match="Near names: ordered_pairs"):
        load_tfds_corpus("orderd_pairs", data_dir=tmp_path)


def test_an_unknown_configuration_is_an_error_with_near_ones(tmp_path):
    with pytest.raises(DataError, match=r"no configuration 'en-dee'.*en-de,"):
        load_tfds_corpus("multi30k/en-dee", data_dir=tmp_path)


@pytest.mark.parametrize("name", ["", "two words", "ordered_pairs/"])
def test_a_name_that_is_none_is_an_error(tmp_path, name):
    with pytest.raises(DataError):
        load_tfds_corpus(name, data_dir=tmp_path)


def test_a_mirror_is_refused_where_it_would_be_ignored(data_dir):
    with pytest.raises(DataError, match="mirror can be used for multi30k and tatoeba_en_es"):
        load_tfds_corpus("ordered_pairs", data_dir=data_dir, mirror="/some/folder")


def test_a_dead_host_is_an_error_in_seconds_that_names_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    started = time.monotonic()
    with pytest.raises(DataError, match=r"(?s)TFDS could not prepare from_dead_host.*kind: text"):
        load_tfds_corpus("from_dead_host", data_dir=tmp_path)
    assert time.monotonic() - started < 10


def test_damaged_data_are_an_error_that_says_which_folder_to_delete(tmp_path):
    load_tfds_corpus("ordered_pairs", data_dir=tmp_path)
    (record_file,) = tmp_path.rglob("*train.tfrecord*")
    content = bytearray(record_file.read_bytes())
    content[200] ^= 0xFF
    record_file.write_bytes(content)
    corpus = load_tfds_corpus("ordered_pairs", data_dir=tmp_path)
    with pytest.raises(DataError, match="Delete that folder"):
        list(corpus.train)


def test_a_split_of_any_source_is_iterated_afresh():
    split = Split("train", lambda: iter([("a", "b")]), size=1)
    assert list(split) == list(split) == [("a", "b")]
