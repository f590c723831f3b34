"""Shipped models by name: finding, loading, checking and listing them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from data.checksums import write_checksums
from data.errors import UserError
from seq2seq import shipped_models
from seq2seq.corpus_notes import corpus_notes
from seq2seq.evaluated_system import fingerprint
from seq2seq.evaluation_files import read_reports
from seq2seq.model_list import model_lines
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import default_run, find_run, shipped_names
from seq2seq.translator import Translator


@pytest.fixture
def models(shipped_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two shipped models in place of those of the checkout; the working directory is an empty one."""
    folder = tmp_path / "checkout" / "models"
    for name in ("tiny-en-fr", "tatoeba-en-es"):
        shutil.copytree(shipped_model, folder / name)
    (folder / "notes").mkdir()  # which is no model
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", folder)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def test_a_name_is_found_from_any_working_directory(models: Path) -> None:
    assert shipped_names() == ["tatoeba-en-es", "tiny-en-fr"]
    assert find_run("tiny-en-fr").path == models / "tiny-en-fr"
    assert default_run().path == models / "tatoeba-en-es"


def test_a_directory_comes_before_a_name(models: Path, evaluated_run: Path) -> None:
    shutil.copytree(evaluated_run, "tiny-en-fr")
    assert find_run("tiny-en-fr").path == Path("tiny-en-fr")
    assert not find_run("tiny-en-fr").is_shipped
    assert find_run(models / "tiny-en-fr").is_shipped


def test_the_translator_loads_a_name(models: Path) -> None:
    translator = Translator.load("tiny-en-fr")
    assert [run.path for run in translator.runs] == [models / "tiny-en-fr"]
    assert translator.translate(["I see."])[0].best is not None


def test_what_is_neither_is_said_with_what_there_is(models: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"nothing does not exist: .*\(in this checkout: tatoeba-en-es, "
        r"tiny-en-fr\)",
    ):
        find_run("nothing")
    Path("file").write_text("x")
    with pytest.raises(UserError, match="file is not a directory: expected the directory of a trained run"):
        Translator.load("file")
    shutil.rmtree(models / "tatoeba-en-es")
    with pytest.raises(
        UserError,
        match=r"default one, tatoeba-en-es, is not in models/ .*\(there: "
        r"tiny-en-fr\)",
    ):
        default_run()
    shutil.rmtree(models)
    with pytest.raises(UserError, match=r"\(there: none\)"):
        default_run()


@pytest.mark.parametrize(
    "name", ["weights.zip", "config.yaml", "run.json", "tokenizer/joint.model", "SHA256SUMS"]
)
def test_a_missing_or_changed_file_is_named(models: Path, name: str) -> None:
    file = models / "tiny-en-fr" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    # A changed list of sums blames the file of the line that was changed, or the line itself.
    said = "SHA256SUMS" if name == "SHA256SUMS" else f"{name} is damaged or was changed"
    with pytest.raises(UserError, match=said):
        Translator.load("tiny-en-fr")
    file.unlink()
    with pytest.raises(UserError, match=rf"{name} is missing"):
        Translator.load("tiny-en-fr")


def test_parts_of_different_models_are_refused_even_with_right_sums(models: Path) -> None:
    folder = models / "tiny-en-fr"
    config = folder / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("decoder_units: 8", "decoder_units: 9"))
    write_checksums(folder)
    with pytest.raises(
        UserError,
        match=r"tiny-en-fr: the weights are not those of the configured "
        "network:\n",
    ):
        RunDirectory(folder).load_model()


def test_what_is_made_with_it_goes_below_runs(models: Path) -> None:
    run = find_run("tiny-en-fr")
    assert run.plots_folder == Path("runs/tiny-en-fr/plots")
    assert run.evaluation_folder == Path("runs/tiny-en-fr/evaluation")


def test_it_has_a_fingerprint_like_a_run(models: Path) -> None:
    before = fingerprint(find_run("tiny-en-fr"))
    assert fingerprint(find_run("tatoeba-en-es")) == before
    (models / "tiny-en-fr" / "weights.zip").write_bytes(b"other")
    assert fingerprint(find_run("tiny-en-fr")) != before


def test_its_scores_are_read_like_those_of_a_run(models: Path) -> None:
    (report,) = read_reports(models / "tiny-en-fr")
    assert report["set"] == "test"
    assert report["scores"]["bleu"]["score"] >= 0


def test_the_list_has_a_line_for_each(models: Path) -> None:
    heading, first, second = model_lines()
    assert heading.split() == ["NAME", "LANGUAGES", "SIZE", "BLEU", "OF", "LICENCE"]
    assert first.startswith("tatoeba-en-es (default)   English to French")
    assert second.startswith("tiny-en-fr")
    assert second.endswith("test   CC0")
    bleu = json.loads((models / "tiny-en-fr" / "scores.json").read_text())["evaluations"][0]["scores"]["bleu"]
    assert f" {bleu['score']:.1f}   test" in second
    assert heading.index("OF") == second.index("test")


def test_the_list_of_nothing_and_of_damaged_models(models: Path) -> None:
    (models / "tiny-en-fr" / "scores.json").write_text("{}")
    with pytest.raises(UserError, match=r"tiny-en-fr.scores\.json is missing or damaged"):
        model_lines()
    shutil.rmtree(models)
    with pytest.raises(UserError, match="There are no shipped models"):
        model_lines()


@pytest.mark.parametrize("corpus", ["multi30k/en-de.lc.norm.tok", "tatoeba_en_es/en-es"])
def test_notes_of_the_own_corpora_say_who_is_to_be_named(corpus: str) -> None:
    notes = corpus_notes(corpus, "what the data set says")
    if corpus.startswith("tatoeba"):
        assert notes.licence == "CC BY 2.0 FR"
        assert "tatoeba.org" in notes.attribution
        assert "www.manythings.org/anki" in notes.attribution
    else:
        assert notes.licence == "non-commercial research and education"
        assert "non-commercial research and education only" in notes.terms
        assert "Flickr30k" in notes.attribution


def test_notes_of_another_corpus_state_its_licence() -> None:
    notes = corpus_notes("opus/medical", "", "CC BY 4.0. Attribution: EMEA")
    assert (notes.licence, notes.terms) == ("CC BY 4.0", "CC BY 4.0. Attribution: EMEA")
    assert corpus_notes("opus/medical", "Public domain").licence == "Public domain"
    with pytest.raises(UserError, match=r"licence of the corpus opus/medical is unknown.*--licence"):
        corpus_notes("opus/medical", "")
