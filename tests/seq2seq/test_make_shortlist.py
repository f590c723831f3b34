"""From a run's training pairs to translations that choose from its shortlist."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from data.errors import UserError
from data.pair_store import PairStore
from seq2seq import make_shortlist, shipped_models
from seq2seq.config import dump_config, parse_config
from seq2seq.make_shortlist import main
from seq2seq.run_directory import RunDirectory
from seq2seq.search_options import SearchOptions
from seq2seq.shipped_models import find_run
from seq2seq.shortlist import Shortlist, run_shortlist
from seq2seq.translator import Translator
from tests.seq2seq.tiny_run import make_tiny_run

PAIRS = [("two dogs", "deux chiens"), ("red dogs", "chiens rouges"), ("two men", "deux hommes")] * 20


@pytest.fixture
def run(tmp_path):
    run = make_tiny_run(tmp_path / "run")
    PairStore.write(run.data_folder / "train", PAIRS)
    return run


def test_holds_the_translations_of_the_training_pairs(run, capsys):
    assert main([str(run.path), "--frequent", "2", "--candidates", "3"]) == 0
    assert "--shortlist" in capsys.readouterr().out
    shortlist = run_shortlist(run)
    source, target = run.tokenizers.source, run.tokenizers.target
    pieces_of_pairs = {piece for _, text in PAIRS for piece in target.encode(text)}
    assert set(shortlist.frequent) <= pieces_of_pairs
    first_piece = source.encode("two")[0]
    of_both = {piece for text in ("deux chiens", "deux hommes") for piece in target.encode(text)}
    assert set(shortlist.candidates[first_piece]) & of_both
    never_seen = sorted(
        set(range(4, source.vocabulary_size)) - {p for s, _ in PAIRS for p in source.encode(s)}
    )
    assert not shortlist.candidates[never_seen].any()


def test_capitals_have_translations_where_training_read_them(tmp_path):
    """The vocabulary, of text in lower case, spells a capital in bytes."""
    capital = [("Two dogs", "deux chiens"), ("Red dogs", "chiens rouges")] * 50
    listed = {}
    for share in (0.0, 0.5):
        run = make_tiny_run(tmp_path / str(share))
        content = run.config.model_dump(mode="json")
        content["data"]["careless_typing"] = share
        run.config_file.write_text(dump_config(parse_config(content, "test")))
        PairStore.write(run.data_folder / "train", capital)
        main([str(run.path), "--frequent", "1", "--candidates", "4"])
        run = RunDirectory(run.path)
        pieces = set(run.tokenizers.source.encode("DOGS")) - set(run.tokenizers.source.encode("Two Red"))
        candidates = run_shortlist(run).candidates[sorted(pieces)]
        listed[share] = set(candidates.ravel().tolist()) & set(run.tokenizers.target.encode("chiens"))
    assert not listed[0.0]
    assert listed[0.5]


def test_translations_hold_nothing_else(run):
    main([str(run.path), "--frequent", "2", "--candidates", "3"])
    options = SearchOptions(beam_size=3, max_length=12)
    listed = Translator.load(run, use_shortlist=True).translate(["two dogs", "red men"], options)
    free = Translator.load(run).translate(["two dogs", "red men"], options)
    shortlist = run_shortlist(run)
    for translation in listed:
        allowed = {*shortlist.frequent, *shortlist.candidates[list(translation.source.token_ids)].ravel(), 2}
        assert {*translation.best.target.token_ids} <= allowed
    assert [each.text for each in listed] != [each.text for each in free]


def test_missing_parts_are_said(run):
    with pytest.raises(UserError, match="make_shortlist"):
        Translator.load(run, use_shortlist=True)
    for file in (run.data_folder / "train").iterdir():
        file.unlink()
    (run.data_folder / "train").rmdir()
    with pytest.raises(UserError, match="training pairs"):
        main([str(run.path)])


@pytest.fixture
def shipped(run, monkeypatch):
    """The run, as far as anybody can tell a shipped model that is called `tiny-en-fr`."""
    (run.path / "SHA256SUMS").write_text("")
    shutil.rmtree(run.data_folder)
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", run.path.parent)
    run.path.rename(run.path.with_name("tiny-en-fr"))
    return run.path.with_name("tiny-en-fr")


def test_where_nothing_can_be_written_nothing_is_learnt(run, monkeypatch):
    def learnt(*_):
        raise AssertionError("learnt before it was known whether it can be kept")

    monkeypatch.setattr(make_shortlist, "_learn", learnt)
    monkeypatch.setattr(RunDirectory, "shortlist_file", run.config_file / "shortlist.npz")
    with pytest.raises(UserError, match="Cannot write"):
        main([str(run.path)])


def test_shipped_models_have_none_and_get_none(shipped):
    before = sorted(shipped.rglob("*"))
    for name in ("tiny-en-fr", str(shipped)):
        with pytest.raises(UserError, match=r"is a shipped model\. .*pairs, which do not ship") as said:
            main([name])
        assert "train again" not in str(said.value)
    with pytest.raises(UserError, match=r"has no shortlist\. It is a shipped model") as said:
        run_shortlist(find_run("tiny-en-fr"))
    assert "make_shortlist" not in str(said.value)
    assert sorted(shipped.rglob("*")) == before


def test_what_is_neither_a_run_nor_a_name_is_said():
    with pytest.raises(UserError, match="nothing does not exist: expected the directory of a trained run"):
        main(["nothing"])


def test_of_another_tokenizer_is_refused(run):
    Shortlist(np.array([5], np.int32), np.zeros((9, 2), np.int32), 7).save(run.shortlist_file)
    with pytest.raises(UserError, match="another tokenizer"):
        run_shortlist(run)
