"""What a page of results has beyond its tables: figures of others, seeds, shipped models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from seq2seq.results_page import main
from tests.seq2seq.test_results_page import evaluated, rows_of

PUBLISHED = """
- system: GRU of others
  reference: Somebody 2017
  url: https://example.org/2017
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
    assert [row["source"] for row in rows] == [
        *("[Somebody 2017](https://example.org/2017)", "Somebody 2021", "this project", "Somebody 2021"),
    ]
    assert [(row["direction"], row["system"], row[r"test\_2016"], row[r"test\_2017"]) for row in rows] == [
        ("en→de", "GRU of others", "39.0", "31.2"),
        ("en→de", "Transformer of others", "41.0", "–"),
        ("en→de", "**ours**", f"**{report['scores']['paper_bleu']['score']:.1f}**", "–"),
        ("en→fr", "Transformer of others", "61.8", "–"),
    ]


def test_figures_of_others_alone_are_left_out(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "ours")
    change_report(run, lambda report: report["system"].update(target_language="es"))
    (tmp_path / "published.yaml").write_text(PUBLISHED, encoding="utf-8")
    assert "of others" not in page_of(tmp_path, "--published", tmp_path / "published.yaml", run)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- system: a\n  bleu: {}\n", "expected a list of entries"),
        ("- {system: a, reference: b, bleu: {en-de: {x: many}}}", "could not convert"),
        ("- {system: a, reference: b, uri: c, bleu: {en-de: {x: 1}}}", "expected a list"),
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
            report["system"]["runs"] = [
                {"name": "recipe", "directory": run.name, "recipe": "same", "seed": int(bleu)}
            ]

        change_report(run, change)
    text = page_of(tmp_path, *runs)
    (row,) = rows_of(text, "Over seeds")
    assert (row["configuration"], row["runs"], row["BLEU"]) == ("recipe", "3", "39.0 ± 1.0")
    assert [row["system"] for row in rows_of(text, "Scores")] == [r"seed\_1", r"seed\_2", r"seed\_3", "other"]
    assert "## Over seeds" not in page_of(tmp_path, runs[0], runs[3])
    # Neither the same weights twice nor another search is chance.
    assert "## Over seeds" not in page_of(tmp_path, runs[0], runs[0])
    change_report(runs[1], lambda report: report["options"].update(beam_size=9))
    assert "## Over seeds" not in page_of(tmp_path, runs[0], runs[1])


@pytest.mark.parametrize(("option", "value"), [("recipe", "another"), ("seed", 1), ("recipe", None)])
def test_another_recipe_or_the_same_seed_is_no_chance(tmp_path: Path, option: str, value: Any) -> None:
    """Even under one name: `--set` changes a configuration without changing its name."""
    runs = [evaluated(tmp_path / name) for name in ("one", "other")]
    for seed, run in enumerate(runs, start=1):
        part = {"name": "recipe", "directory": run.name, "recipe": "same", "seed": seed}
        change_report(run, lambda report, part=part: report["system"].update(name="recipe", runs=[part]))
    assert "## Over seeds" in page_of(tmp_path, *runs)
    changed = {"name": "recipe", "directory": "other", "recipe": "same", "seed": 2, option: value}
    change_report(runs[1], lambda report: report["system"].update(runs=[changed]))
    assert "## Over seeds" not in page_of(tmp_path, *runs)


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [("limit", 50, "ours, first 50"), ("attention", "uniform", "ours, uniform attention")],
)
def test_a_part_of_a_set_or_another_attention_says_so_and_stands_beside_no_figure_of_others(
    tmp_path: Path, option: str, value: Any, named: str
) -> None:
    run = evaluated(tmp_path / "ours")
    change_report(run, lambda report: report["options"].update({option: value}))
    (tmp_path / "published.yaml").write_text(PUBLISHED, encoding="utf-8")
    text = page_of(tmp_path, "--published", tmp_path / "published.yaml", run)
    assert rows_of(text, "Scores")[0]["system"] == named
    assert "of others" not in text


def test_an_ensemble_is_called_one(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "ensemble")
    parts = [{"name": "recipe", "directory": name, "fingerprint": name} for name in ("a", "b", "c")]
    change_report(run, lambda report: report["system"].update(runs=parts))
    (row,) = rows_of(page_of(tmp_path, run / "evaluation"), "Scores")
    assert row["system"] == "ensemble of 3 (a, b, c)"


def test_an_ensemble_that_is_called_as_its_file_says_what_it_is_made_of(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "run")
    parts = [{"name": "recipe", "directory": name, "fingerprint": name} for name in ("a", "b_1")]
    report = change_report(run, lambda report: report["system"].update(runs=parts))
    summary = {"summary_format": 1, "evaluations": [report], "facts": {}, "epochs": [], "shipped_as": None}
    (tmp_path / "both.json").write_text(json.dumps(summary), encoding="utf-8")
    text = page_of(tmp_path, tmp_path / "both.json")
    (row,) = rows_of(text, "Scores")
    assert row["system"] == "both (ensemble of 2)"
    assert "\nboth (ensemble of 2): a, b\\_1.\n" in text


def test_a_shipped_model_has_scores_and_what_halving_cost(shipped_model: Path, tmp_path: Path) -> None:
    text = page_of(tmp_path, shipped_model)
    (row,) = rows_of(text, "Shipped models")
    scores = json.loads((shipped_model / "scores.json").read_text(encoding="utf-8"))
    assert row["model"] == "`tiny-en-fr`"
    as_trained = scores["half_precision"]["float32"]["bleu"]
    assert row["validation BLEU as trained, beam search"] == f"{as_trained:.2f}"
    assert row["same translations"] == f"{scores['half_precision']['same_translations']} of 10"
    assert rows_of(text, "Scores")[0]["system"] == "tiny-en-fr"
    assert "## Ten translations" not in text


def test_a_shipped_model_is_one_of_the_seeds(shipped_model: Path, tmp_path: Path) -> None:
    scores = json.loads((shipped_model / "scores.json").read_text(encoding="utf-8"))
    shipped = scores["evaluations"][0]
    run = evaluated(tmp_path / "another_seed")

    def change(report: dict[str, Any]) -> None:
        (part,) = shipped["system"]["runs"]
        part = {**part, "seed": part["seed"] + 1}
        del part["fingerprint"]  # of other weights than these
        report["system"] = {**shipped["system"], "runs": [part]}
        report.update({key: shipped[key] for key in ("set", "set_fingerprint", "options")})

    change_report(run, change)
    (row,) = rows_of(page_of(tmp_path, shipped_model, run), "Over seeds")
    assert (row["configuration"], row["set"], row["runs"]) == ("tiny", shipped["set"], "2")


def test_the_contents_name_every_section_and_lead_there(tmp_path: Path) -> None:
    page = page_of(tmp_path, evaluated(tmp_path / "run_1"))
    contents = page.splitlines()[4]
    assert re.findall(r"\[([^]]*)]", contents) == re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert "(#word-alignment-and-attention)" in contents
    assert "(#ten-translations-run_1)" in contents  # as GitHub makes it of "Ten translations: run\_1"
