"""What a page of results has beyond its tables: figures of others, seeds, shipped models, drawn examples."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from seq2seq.results_page import main
from tests.seq2seq.shipped_run import evaluate_here
from tests.seq2seq.test_results_page import evaluated, rows_of

PUBLISHED = """
- system: GRU of others
  reference: Somebody 2017
  bleu:
    en-de: {test_2016: 39.0, test_2017: 31.25}
- system: Transformer of others
  reference: Somebody 2021
  bleu:
    en-de: {test_2016: 41.0}
    en-fr: {test_2016: 61.8}
"""


def page_of(folder: Path, *arguments: str | Path) -> str:
    page = folder / "docs" / "results.md"
    assert main(["--page", str(page), *map(str, arguments)]) == 0
    return page.read_text(encoding="utf-8")


def change_report(run: Path, change: Any) -> dict[str, Any]:
    file = run / "evaluation" / "test_2016.json"
    report = json.loads(file.read_text(encoding="utf-8"))
    change(report)
    file.write_text(json.dumps(report), encoding="utf-8")
    return report


def test_own_figures_stand_beside_published_ones_of_the_same_direction(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "ours")
    (tmp_path / "published.yaml").write_text(PUBLISHED, encoding="utf-8")
    text = page_of(tmp_path, "--published", tmp_path / "published.yaml", run)
    report = json.loads((run / "evaluation" / "test_2016.json").read_text(encoding="utf-8"))
    rows = rows_of(text, "Beside published figures")
    assert [(row["direction"], row["system"], row[r"test\_2016"], row[r"test\_2017"]) for row in rows] == [
        ("en→de", "GRU of others", "39.0", "31.2"),
        ("en→de", "Transformer of others", "41.0", "–"),
        ("en→de", "**ours**", f"**{report['scores']['paper_bleu']['score']:.1f}**", "–"),
        ("en→fr", "Transformer of others", "61.8", "–"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- system: a\n  bleu: {}\n", "expected a list of entries"),
        ("- {system: a, reference: b, bleu: {en-de: {x: many}}}", "could not convert"),
        ("text", "expected a list"),
        ("[", "expected a list"),
    ],
)
def test_a_file_of_figures_that_is_none(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "published.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=rf"published\.yaml: .*{said}"):
        page_of(tmp_path, "--published", tmp_path / "published.yaml", evaluated(tmp_path / "ours"))


def test_runs_of_one_configuration_have_a_mean_and_a_spread(tmp_path: Path) -> None:
    runs = [evaluated(tmp_path / name) for name in ("seed_1", "seed_2", "seed_3", "other")]
    for run, bleu in zip(runs, (38.0, 39.0, 40.0, 50.0), strict=True):

        def change(report: dict[str, Any], run: Path = run, bleu: float = bleu) -> None:
            report["scores"]["bleu"]["score"] = bleu
            report["system"]["name"] = "other" if run.name == "other" else "recipe"
            report["system"]["runs"] = [{"name": "recipe", "directory": run.name, "fingerprint": run.name}]

        change_report(run, change)
    text = page_of(tmp_path, *runs)
    (row,) = rows_of(text, "Over seeds")
    assert (row["configuration"], row["runs"], row["BLEU"]) == ("recipe", "3", "39.0 ± 1.0")
    assert [row["system"] for row in rows_of(text, "Scores")] == [r"seed\_1", r"seed\_2", r"seed\_3", "other"]
    assert "## Over seeds" not in page_of(tmp_path, runs[0], runs[3])


def test_an_ensemble_is_called_one(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "ensemble")
    parts = [{"name": "recipe", "directory": name, "fingerprint": name} for name in ("a", "b", "c")]
    change_report(run, lambda report: report["system"].update(runs=parts))
    (row,) = rows_of(page_of(tmp_path, run / "evaluation"), "Scores")
    assert row["system"] == "ensemble of 3 (a, b, c)"


def test_a_shipped_model_has_scores_and_what_halving_cost(shipped_model: Path, tmp_path: Path) -> None:
    text = page_of(tmp_path, shipped_model)
    (row,) = rows_of(text, "Shipped models")
    scores = json.loads((shipped_model / "scores.json").read_text(encoding="utf-8"))
    assert row["model"] == "`tiny-en-fr`"
    assert row["validation BLEU as trained"] == f"{scores['half_precision']['float32']['bleu']:.2f}"
    assert row["same translations"] == f"{scores['half_precision']['same_translations']} of 10"
    assert rows_of(text, "Scores")[0]["system"] == "tiny-en-fr"
    assert "## Ten translations" not in text


def test_what_was_kept_gives_the_same_tables_without_any_text(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "small")
    first = page_of(tmp_path, "--keep", tmp_path / "scores", run)
    kept = tmp_path / "scores" / "small.json"
    assert "a b c 2" not in kept.read_text(encoding="utf-8")
    shutil.rmtree(run)
    second = page_of(tmp_path / "second", kept)
    for heading in ("Scores", "Other measures", "By source length", "Training", "Speed of translation"):
        assert rows_of(second, heading) == rows_of(first, heading)
    # And what was kept can be kept again.
    page_of(tmp_path / "third", "--keep", tmp_path / "again", kept)
    assert (tmp_path / "again" / "small.json").read_bytes() == kept.read_bytes()


EXAMPLES = """
- model: {model}
  set: test
  line: 2
  kind: success
  explanation: >-
    It *worked*.
- model: {model}
  set: test
  line: 5
  kind: failure
  explanation: Nothing was learnt.
"""


def test_examples_are_translated_again_and_drawn(evaluated_run: Path, tmp_path: Path) -> None:
    (tmp_path / "examples.yaml").write_text(EXAMPLES.format(model=evaluated_run), encoding="utf-8")
    text = page_of(tmp_path, "--examples", tmp_path / "examples.yaml", evaluated_run)
    report = json.loads((evaluated_run / "evaluation" / "test.json").read_text(encoding="utf-8"))
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


def test_examples_of_a_shipped_model_need_its_own_evaluation(
    shipped_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = tmp_path / "examples.yaml"
    examples.write_text(EXAMPLES.format(model=shipped_model), encoding="utf-8")
    with pytest.raises(UserError, match=r"Cannot read runs.tiny-en-fr.evaluation.test\.json"):
        page_of(tmp_path, "--examples", examples, shipped_model)
    evaluate_here(shipped_model)
    assert "### 2." in page_of(tmp_path, "--examples", examples, shipped_model)


def test_an_evaluation_of_another_model_is_noticed(evaluated_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(evaluated_run, tmp_path / "run")
    file = run / "evaluation" / "test.json"
    report = json.loads(file.read_text(encoding="utf-8"))
    report["sentences"][4]["hypothesis"] = "something else"
    file.write_text(json.dumps(report), encoding="utf-8")
    (tmp_path / "examples.yaml").write_text(EXAMPLES.format(model=run), encoding="utf-8")
    with pytest.raises(UserError, match="translates line 5 of test otherwise than its evaluation says"):
        page_of(tmp_path, "--examples", tmp_path / "examples.yaml", run)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("line: 5", "line: 50", "test has 5 lines, and no line 50"),
        ("line: 5", "line: 0", "entry 2: expected success or failure as its kind and a number from 1"),
        ("kind: failure", "kind: joke", "entry 2: expected success or failure"),
        ("  kind: failure\n", "", "entry 2: expected model, set, line, kind, explanation"),
        ("set: test", "set: other", r"Cannot read .*other\.json"),
    ],
)
def test_entries_that_do_not_fit(evaluated_run: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    content = EXAMPLES.format(model=evaluated_run).replace(old, new)
    (tmp_path / "examples.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        page_of(tmp_path, "--examples", tmp_path / "examples.yaml", evaluated_run)
    assert not (tmp_path / "docs" / "results.md").exists()
