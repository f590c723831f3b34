"""The comparison of translations with Joey NMT's: what it is given, what is made of what it gives back."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.peers import translation_quality
from benchmarks.peers.translation_quality import main, quality_table, task, write_pairs
from data.errors import UserError
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import find_model

LANGUAGES = {"source": "en", "target": "de"}
MODEL = "tatoeba-en-es"


@pytest.fixture
def shipped() -> RunDirectory:
    return find_model(MODEL)


def test_both_files_have_a_line_for_each_pair(tmp_path: Path) -> None:
    # Joey NMT ends lines at U+2028 and U+0085, too, and leaves empty ones out.
    pairs = [("a  b\u2028c", "d"), ("", "e"), ("f\u0085g", " "), ("h", "i\tj")]
    assert write_pairs(tmp_path / "train", LANGUAGES, pairs) == 4
    sources = (tmp_path / "train.en").read_text(encoding="utf-8")
    targets = (tmp_path / "train.de").read_text(encoding="utf-8")
    assert sources.splitlines() == ["a b c", ".", ".", "h"]
    assert targets.splitlines() == ["d", ".", ".", "i j"]


def test_joeynmt_is_given_the_sizes_of_the_model(shipped: RunDirectory) -> None:
    options = translation_quality._parse_arguments(["--model", MODEL, "--minutes", "3"])
    given = task(shipped, LANGUAGES, ["test"], 114_188, options)
    assert (given["model"]["encoder"], given["model"]["decoder"]) == (256, 512)
    assert given["minutes"] == 3
    assert given["reports_between_validations"] * 20 * given["batch_size"] == pytest.approx(114_188, rel=0.01)
    assert all(Path(each).is_file() for each in given["tokenizers"].values())
    assert json.loads(json.dumps(given)) == given


def test_the_table_has_a_row_for_each_side() -> None:
    def scores(bleu: float, everything: float | None) -> dict:
        found = None if everything is None else {"bleu": {"score": everything}}
        return {"bleu": {"score": bleu}, "chrf": {"score": 60.0}, "all_references": found}

    report = {
        "model": {"parameters": 5_943_408, "training_seconds": 5100},
        "joeynmt": {"parameters": 8_678_912, "minutes": 85.2},
        "sets": [
            {"set": "test", "this project": scores(46.04, 48.6), "Joey NMT": scores(20.0, 22.5)},
            {"set": "other", "this project": scores(1.0, None), "Joey NMT": scores(2.0, None)},
        ],
    }
    _, _, *rows = quality_table(report)
    assert rows[0] == "| test | this project | 5,943,408 | 85 | 46.0 | 60.0 | 48.6 |"
    assert rows[1] == "| test | Joey NMT | 8,678,912 | 85 | 20.0 | 60.0 | 22.5 |"
    assert [row.rsplit("| ", 1)[1] for row in rows[2:]] == ["– |", "– |"]


def test_without_the_peers_environment_it_says_what_makes_one(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "python")
    with pytest.raises(UserError, match="make bench-peers"):
        main(["--model", MODEL, "--minutes", "1", "--peer-python", nowhere])


@pytest.mark.parametrize(
    ("asked", "message"), [("80", "did not end"), ("85", "did not end"), ("90", "not the one")]
)
def test_only_the_same_training_is_taken_up_again(
    tmp_path: Path, asked: str, message: str, shipped: RunDirectory
) -> None:
    options = translation_quality._parse_arguments(["--model", MODEL, "--minutes", "85"])
    begun = task(shipped, LANGUAGES, ["test"], 100, options)
    (tmp_path / "task.json").write_text(json.dumps(begun), encoding="utf-8")
    if message == "not the one":
        (tmp_path / "joeynmt.json").write_text("{}", encoding="utf-8")
    options = translation_quality._parse_arguments(["--model", MODEL, "--minutes", asked])
    with pytest.raises(UserError, match=message):
        translation_quality.is_trained(tmp_path, ["test"], options)


def test_a_training_that_has_ended_is_used_again(tmp_path: Path, shipped: RunDirectory) -> None:
    options = translation_quality._parse_arguments(["--model", MODEL, "--minutes", "85"])
    assert not translation_quality.is_trained(tmp_path / "new", ["test"], options)
    begun = task(shipped, LANGUAGES, ["test"], 100, options)
    (tmp_path / "task.json").write_text(json.dumps(begun), encoding="utf-8")
    (tmp_path / "joeynmt.json").write_text("{}", encoding="utf-8")
    assert translation_quality.is_trained(tmp_path, ["test"], options)
    with pytest.raises(UserError, match="not the one"):
        translation_quality.is_trained(tmp_path, ["other"], options)


def test_a_peer_that_fails_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "task.json").write_text('{"minutes": 1}', encoding="utf-8")
    # This project's own environment has no Joey NMT.
    with pytest.raises(UserError, match=r"(?s)exit code 1\).*No module named"):
        translation_quality._train(tmp_path, Path(sys.executable))
