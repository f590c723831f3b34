"""evaluate.py --summary: one small file from which a page of results can be written without the model."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import UserError
from seq2seq import results_page
from seq2seq.evaluate_command import main
from seq2seq.evaluation_files import read_reports
from seq2seq.report.packed_attention import unpacked
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.test_results_page import rows_of

EXAMPLES = """\
- system: tiny
  set: test
  line: 2
  kind: success
  translation: {second}
  explanation: >-
    It *worked*.
- system: tiny
  set: test
  line: 5
  kind: failure
  translation: {fifth}
  explanation: Nothing was learnt.
- system: somebody-else
  set: news
  line: 100
  kind: failure
  translation: x
  explanation: Of another file.
"""


def yaml_text(text: str) -> str:
    return json.dumps(text)  # a JSON string is one in YAML


def write_examples(folder: Path, run: Path, *, own_alone: bool = True) -> Path:
    """Two examples of the system `tiny`, that are right about what it writes."""
    (report,) = read_reports(run)
    second, fifth = (yaml_text(report["sentences"][place]["hypothesis"]) for place in (1, 4))
    content = EXAMPLES.format(second=second, fifth=fifth)
    path = folder / "examples.yaml"
    path.write_text(content.split("- system: somebody")[0] if own_alone else content, encoding="utf-8")
    return path


def page_of(folder: Path, *arguments: str | Path) -> str:
    page = folder / "docs" / "results.md"
    assert results_page.main(["--page", str(page), *map(str, arguments)]) == 0
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def summary(trained: TrainedRun, evaluated_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the tiny run, evaluated once more, with two chosen sentences. The run itself is gone."""
    folder = tmp_path_factory.mktemp("summary")
    run = shutil.copytree(trained.folder, folder / "run")
    examples = write_examples(folder, evaluated_run, own_alone=False)
    path = folder / "scores" / "tiny.json"
    assert main(["--model", str(run), "--summary", str(path), "--examples", str(examples)]) == 0
    shutil.rmtree(run)
    return path


def changed(summary: Path, folder: Path, change: Any) -> Path:
    content = json.loads(summary.read_text(encoding="utf-8"))
    change(content)
    path = folder / "scores" / "tiny.json"
    path.parent.mkdir()
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_page_has_the_same_tables_as_that_of_the_run(
    summary: Path, evaluated_run: Path, tmp_path: Path
) -> None:
    from_run = page_of(tmp_path / "run", evaluated_run)
    from_summary = page_of(tmp_path / "summary", summary)
    for heading in (
        "Scores",
        "Other measures",
        "Word alignment and attention",
        "By source length",
        "Training",
    ):
        expected = rows_of(from_run, heading)
        assert expected
        assert [row.pop("system") for row in expected] == ["run"] * len(expected)
        found = rows_of(from_summary, heading)
        assert [row.pop("system") for row in found] == ["tiny"] * len(found)
        assert found == expected
    curve = tmp_path / "summary" / "docs" / "images" / "tiny_learning_curve.png"
    assert curve.read_bytes().startswith(b"\x89PNG")
    assert "](images/tiny_learning_curve.png)" in from_summary


def test_only_the_chosen_sentences_are_kept(summary: Path, evaluated_run: Path) -> None:
    (report,) = read_reports(evaluated_run)
    (kept,) = json.loads(summary.read_text(encoding="utf-8"))["evaluations"]
    assert [example["line"] for example in kept["examples"]] == [2, 5]
    for example in kept["examples"]:
        row = report["sentences"][example["line"] - 1]
        assert {key: example[key] for key in ("source", "references", "hypothesis", "chrf")} == {
            key: row[key] for key in ("source", "references", "hypothesis", "chrf")
        }
    text = summary.read_text(encoding="utf-8")
    for place in (0, 2, 3):
        assert report["sentences"][place]["source"] not in text
    assert kept["scores"] == report["scores"]


def test_the_attention_is_that_of_the_model(summary: Path, trained: TrainedRun) -> None:
    from seq2seq.translator import Translator

    translator = Translator.load(trained.folder)
    (kept,) = json.loads(summary.read_text(encoding="utf-8"))["evaluations"]
    for example in kept["examples"]:
        (translation,) = translator.translate([example["source"]], translator.default_options())
        assert translation.best is not None
        expected = translation.best.word_attention(translation.source)
        assert example["source_words"] == [*translation.source.words, "</s>"]
        found = unpacked(example["attention"], len(example["target_words"]), len(example["source_words"]))
        np.testing.assert_allclose(found, expected, atol=1 / 255)
        assert expected.max() > 0.02  # and is not all zeros


def test_ten_sentences_spread_over_the_set_unless_some_are_chosen(
    trained: TrainedRun, tmp_path: Path
) -> None:
    lines = "".join(f"sentence {number}\n" for number in range(25))
    (tmp_path / "text").write_text(lines, encoding="utf-8")
    text = ["--source", str(tmp_path / "text"), "--reference", str(tmp_path / "text"), "--name", "news"]
    path = tmp_path / "other.json"
    folder = ["--folder", str(tmp_path / "evaluation")]
    assert main(["--model", str(trained.folder), *text, *folder, "--summary", str(path)]) == 0
    page = page_of(tmp_path, path)
    assert "From news, spread evenly over the set." in page
    rows = rows_of(page, "Ten translations: other")
    assert [row["line"] for row in rows] == ["1", "3", "6", "8", "11", "13", "16", "18", "21", "23"]
    assert rows[1]["source"] == "sentence 2"


def test_an_ensemble_is_called_as_its_file(trained: TrainedRun, tmp_path: Path) -> None:
    path, folder = tmp_path / "two.json", tmp_path / "evaluation"
    models = ["--model", str(trained.folder)] * 2
    assert main([*models, "--folder", str(folder), "--summary", str(path)]) == 0
    page = page_of(tmp_path, path)
    assert rows_of(page, "Scores")[0]["system"] == "two (ensemble of 2)"
    assert "## Training" not in page  # of which of the two?


def test_a_shipped_model_keeps_what_halving_cost(shipped_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "my-name.json"
    arguments = ["--model", str(shipped_model), "--folder", str(tmp_path / "evaluation")]
    assert main([*arguments, "--summary", str(path)]) == 0
    page = page_of(tmp_path, path)
    assert rows_of(page, "Shipped models") == rows_of(
        page_of(tmp_path / "b", shipped_model), "Shipped models"
    )
    assert rows_of(page, "Scores")[0]["system"] == "my-name"


def test_examples_are_drawn_and_explained(summary: Path, evaluated_run: Path, tmp_path: Path) -> None:
    text = page_of(tmp_path, "--examples", write_examples(tmp_path, evaluated_run), summary)
    (report,) = read_reports(evaluated_run)
    section = text.split("## Translations, and where the model looked")[1]
    assert "Chosen by hand: 1 that went well and 1 that did not" in section
    assert f"### 1. {report['sentences'][1]['source']}\n" in section
    assert f"### 2. {report['sentences'][4]['source']} ✗\n" in section
    assert "It *worked*." in section
    assert "line 5" in section
    for number in (1, 2):
        assert f"![attention](images/example_0{number}.png)" in section
        picture = (tmp_path / "docs" / "images" / f"example_0{number}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", picture[16:24])
        assert 200 < width < 1500
        assert 200 < height < 2500
        assert len(picture) < 60_000
    assert "## Ten translations" not in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "line: 5",
            "line: 3",
            r":8: the file of tiny does not hold line 3 of test\. Write it again: .*--summary",
        ),
        ("line: 5", "line: 0", r":10: `line` has to be a number from 1 \(received: 0\)"),
        ("line: 5", "line: true", r":10: `line` has to be a number from 1 \(received: True\)"),
        ("line: 5", "line: 2", r":8: the same sentence as .*examples\.yaml:1\."),
        ("kind: failure", "kind: joke", r":11: `kind` has to be success or failure \(received: 'joke'\)"),
        ("  kind: failure\n", "", r":8: `kind` missing in this entry"),
        ("kind: failure", "knd: failure", r":11: unknown key `knd`; did you mean `kind`\?"),
        ("kind: failure", "kind: failure\n  kind: failure", r":12: `1\.kind` is given twice"),
        ("Nothing was learnt.", "", r":13: `explanation` has to be a text \(received: None\)"),
        ("set: test\n  line: 5", "set: news\n  line: 5", r":8: tiny was not evaluated on news, but on test"),
        (
            "- system: tiny\n  set: test\n  line: 5",
            "- system: big\n  set: test\n  line: 5",
            r":8: there is no system big",
        ),
        (
            "- system: tiny\n  set: test\n  line: 5",
            "- tiny\n- set: test",
            r":8: expected an entry with system, set",
        ),
        ("kind: failure", "kind: [", r":\d+: not valid YAML"),
    ],
)
def test_entries_that_do_not_fit_are_named_by_line(
    summary: Path, evaluated_run: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = write_examples(tmp_path, evaluated_run)
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=r"examples\.yaml" + said):
        page_of(tmp_path, "--examples", path, summary)
    assert not (tmp_path / "docs").exists()


def test_an_explanation_of_another_translation_is_noticed(
    summary: Path, evaluated_run: Path, tmp_path: Path
) -> None:
    def translate_otherwise(content: dict[str, Any]) -> None:
        content["evaluations"][0]["examples"][1]["hypothesis"] = "something else"

    path = changed(summary, tmp_path, translate_otherwise)
    said = r"examples\.yaml:8: tiny translates line 5 of test as 'something else', but what is explained is"
    with pytest.raises(UserError, match=said):
        page_of(tmp_path, "--examples", write_examples(tmp_path, evaluated_run), path)


def test_a_summary_of_another_version(summary: Path, tmp_path: Path) -> None:
    path = changed(summary, tmp_path, lambda content: content.update(summary_format=0))
    with pytest.raises(UserError, match=r"tiny\.json is a summary of another version .*format 0, expected 1"):
        page_of(tmp_path, path)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("set: test\n  line: 6", r"examples\.yaml:1: wants line 6 of test, which has 5 lines"),
        (
            "set: news\n  line: 1",
            r"examples\.yaml:1: wants line 1 of news, which is not evaluated here, but test",
        ),
    ],
)
def test_examples_that_are_not_there_are_found_before_translating(
    trained: TrainedRun, tmp_path: Path, wanted: str, said: str
) -> None:
    path = tmp_path / "examples.yaml"
    rest = "kind: failure\n  translation: x\n  explanation: y\n"
    path.write_text(f"- system: tiny\n  {wanted}\n  {rest}", encoding="utf-8")
    output = tmp_path / "tiny.json"
    with pytest.raises(UserError, match=said):
        main(["--model", str(trained.folder), "--summary", str(output), "--examples", str(path)])
    assert not output.exists()


def test_places_that_no_summary_can_be_written_to(trained: TrainedRun, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place, said in (
        (tmp_path / "scores.txt", r"a file that ends in \.json"),
        (tmp_path / "file" / "tiny.json", "Cannot write"),
    ):
        evaluation = tmp_path / "evaluation"
        with pytest.raises(UserError, match=said):
            main(["--model", str(trained.folder), "--folder", str(evaluation), "--summary", str(place)])
        assert not evaluation.exists()  # found before translating


def test_examples_without_a_summary_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--model", "x", "--examples", "y.yaml"])
    assert "give both" in capsys.readouterr().err
