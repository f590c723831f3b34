"""From a corpus to the data of a run: what is written, what is checked when it is opened again."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from data.errors import DataError, UserError
from data.tokenizer import train_tokenizers
from seq2seq.config import Config, ConfigError
from seq2seq.corpus_loading import load_corpus
from seq2seq.run_directory import RunDirectory
from seq2seq.training_data import (
    TrainingData,
    corpus_fingerprints,
    prepare_training_data,
    reopen_training_data,
)
from tests.seq2seq.tiny_training import tiny_training

PAIRS = [(f"the dog number {n} runs home .", f"le chien numéro {n} court .") for n in range(30)]
PAIRS.insert(3, PAIRS[0])  # a duplicate, which cleaning leaves out
HELD_OUT = [("a cat sleeps .", "un chat dort ."), ("a cat sleeps .", "un chat dort .")]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name, pairs in (("train", PAIRS), ("held-out", HELD_OUT)):
        (tmp_path / f"{name}.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in pairs), encoding="utf-8")
    return text_config(tmp_path)


def text_config(folder: Path, *changes: dict[str, Any]) -> Config:
    held_out = {"tsv": str(folder / "held-out.tsv")}
    corpus: dict[str, Any] = {
        "kind": "text",
        "train": {"tsv": str(folder / "train.tsv")},
        "validation": held_out,
    }
    data = {
        "source_language": "en",
        "target_language": "fr",
        "corpus": {**corpus, "test": {"test": held_out}},
    }
    return tiny_training({"data": data, "tokenizer": {"vocabulary_size": 300}}, *changes)


def prepare(config: Config, folder: Path) -> tuple[RunDirectory, TrainingData, str]:
    run = RunDirectory(folder / "run")
    run.create(config)
    printed = io.StringIO()
    data = prepare_training_data(run, config, None, Console(file=printed, width=120))
    return run, data, printed.getvalue()


def test_everything_is_written_and_told(config: Config, tmp_path: Path) -> None:
    run, data, printed = prepare(config, tmp_path)
    facts = run.read_facts()
    assert (facts["train_pairs"], facts["validation_pairs"]) == (30, 2)
    assert (facts["source_language"], facts["target_language"]) == ("en", "fr")
    assert facts["tokenizer_fingerprint"] == run.tokenizers.fingerprint == data.tokenizers.fingerprint
    assert data.train.store.read(range(30)) == [*PAIRS[:3], *PAIRS[4:]]
    # Validation is measured on what was given, duplicates and all.
    assert data.validation_store.read(range(2)) == HELD_OUT
    assert json.loads(run.cleaning_file.read_text())
    assert "31" in printed


def test_fingerprints_are_sha256_of_the_texts_as_they_came(config: Config, tmp_path: Path) -> None:
    run, _, _ = prepare(config, tmp_path)
    text = "".join(f"{source}\n{target}\n" for source, target in PAIRS)
    digests = corpus_fingerprints(load_corpus(config.data))
    assert digests["train"] == hashlib.sha256(text.encode()).hexdigest()
    assert run.read_facts()["corpus_fingerprints"] == digests


def test_opened_again_the_batches_are_the_same(config: Config, tmp_path: Path) -> None:
    run, data, _ = prepare(config, tmp_path)
    again = reopen_training_data(RunDirectory(run.path), config, None)
    for before, after in ((data.train, again.train), (data.validation, again.validation)):
        for epoch in (0, 1):
            first, second = list(before.batches(epoch)), list(after.batches(epoch))
            assert len(first) == len(second) > 0
            for one, other in zip(first, second, strict=True):
                assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_validation_loses_no_pair(config: Config, tmp_path: Path) -> None:
    long_ones = [("dog " * 200, "chien " * 200), ("", "x")]
    (tmp_path / "held-out.tsv").write_text("".join(f"{s}\t{t}\n" for s, t in [*HELD_OUT, *long_ones]))
    _, data, _ = prepare(config, tmp_path)
    assert sum(len(batch.source_tokens) for batch in data.validation.batches(0)) == 4


@pytest.mark.parametrize(
    ("name", "said"),
    [("train.tsv", "train split of"), ("held-out.tsv", "validation split of")],
)
def test_a_corpus_that_changed_is_refused(config: Config, tmp_path: Path, name: str, said: str) -> None:
    run, _, _ = prepare(config, tmp_path)
    path = tmp_path / name
    path.write_text(path.read_text().replace(".", "!", 1), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        reopen_training_data(RunDirectory(run.path), config, None)
    changed = [line for line in str(caught.value).splitlines() if "->" in line and line.startswith("  ")]
    assert len(changed) == 1
    assert changed[0].startswith(f"  {said}")


def test_a_corpus_that_is_gone_is_refused(config: Config, tmp_path: Path) -> None:
    run, _, _ = prepare(config, tmp_path)
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(UserError, match=r"train\.tsv"):
        reopen_training_data(RunDirectory(run.path), config, None)


def test_a_word_moved_from_source_to_target_is_noticed(config: Config, tmp_path: Path) -> None:
    digests = set()
    for line in ("a dog\truns", "a\tdog runs", "a dog r\tuns"):
        (tmp_path / "train.tsv").write_text(f"{line}\n", encoding="utf-8")
        digests.add(corpus_fingerprints(load_corpus(config.data))["train"])
    assert len(digests) == 3


def test_too_long_for_max_length_is_an_error_before_the_first_batch(config: Config, tmp_path: Path) -> None:
    short = text_config(tmp_path, {"batches": {"max_length": 2}})
    with pytest.raises(DataError, match=r"none of 30 sentence pairs can be used: 30 have more than 2 pieces"):
        prepare(short, tmp_path)
    # Not ready: a later start begins again.
    assert "train_fingerprint" not in RunDirectory(tmp_path / "run").read_facts()


class TestTokenizers:
    def test_separate_vocabularies_of_their_own_sizes(self, config: Config, tmp_path: Path) -> None:
        settings = {"joint": False, "vocabulary_size": 290, "target_vocabulary_size": 300}
        changes = {"tokenizer": settings, "model": {"tied_embeddings": "two-way"}}
        run, data, _ = prepare(text_config(tmp_path, changes), tmp_path)
        assert data.tokenizers.source.vocabulary_size == 290
        assert data.tokenizers.target.vocabulary_size == 300
        assert not run.tokenizers.joint

    def test_of_a_folder_are_taken_as_they_are(self, config: Config, tmp_path: Path) -> None:
        given = train_tokenizers(PAIRS, joint=True, vocabulary_size=310)
        given.save(tmp_path / "given")
        run, data, _ = prepare(
            text_config(tmp_path, {"tokenizer": {"folder": str(tmp_path / "given")}}), tmp_path
        )
        assert data.tokenizers.fingerprint == run.tokenizers.fingerprint == given.fingerprint

    def test_separate_ones_of_a_folder_cannot_be_tied_three_ways(
        self, config: Config, tmp_path: Path
    ) -> None:
        train_tokenizers(PAIRS, joint=False, vocabulary_size=290).save(tmp_path / "given")
        with pytest.raises(ConfigError, match=r"holds separate vocabularies.*joint\.model"):
            prepare(text_config(tmp_path, {"tokenizer": {"folder": str(tmp_path / "given")}}), tmp_path)

    def test_a_missing_folder(self, config: Config, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="none: expected either"):
            prepare(text_config(tmp_path, {"tokenizer": {"folder": str(tmp_path / "none")}}), tmp_path)


class TestLoadCorpus:
    def test_text_files_need_their_languages(self, config: Config) -> None:
        data = config.data.model_copy(update={"source_language": None})
        with pytest.raises(ConfigError, match="set source_language and target_language"):
            load_corpus(data)

    def test_the_starter_corpus_has_its_own(self) -> None:
        data = tiny_training().data.model_copy(update={"target_language": "de"})
        with pytest.raises(ConfigError, match=r"English to French.*received: None and de"):
            load_corpus(data)
        assert load_corpus(tiny_training().data).train.size == 80

    def test_a_mirror_that_would_be_ignored_is_refused(self, config: Config) -> None:
        for data in (config.data, tiny_training().data):
            with pytest.raises(ConfigError, match=r"--mirror somewhere: .*Leave it out"):
                load_corpus(data, "somewhere")


def test_where_cleaning_leaves_nothing_its_table_says_why(config: Config, tmp_path: Path) -> None:
    """A corpus for a network that copies: every target is its source."""
    (tmp_path / "train.tsv").write_text("a dog .\ta dog .\na cat .\ta cat .\n", encoding="utf-8")
    run = RunDirectory(tmp_path / "run")
    run.create(config)
    printed = io.StringIO()
    with pytest.raises(UserError, match="cleaning left none of its training pairs; the table above"):
        prepare_training_data(run, config, None, Console(file=printed, width=120))
    assert re.search(r"dropped: .* 2 +100\.00", printed.getvalue())
