from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from data.errors import UserError
from seq2seq.evaluation import EvaluationOptions, EvaluationSet, evaluate
from seq2seq.evaluation_files import write_report
from seq2seq.gold_alignment import gold_links
from seq2seq.results_page import main
from seq2seq.run_directory import RunDirectory
from seq2seq.search_options import SearchOptions
from seq2seq.text_metrics import TextScorer
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.evaluation_examples import DictionaryTranslator, make_run

SENTENCES = [" ".join("abcdefgh"[: 1 + number % 8]) + f" {number}" for number in range(25)]


def evaluated(path: Path, *, aligned: bool = True) -> Path:
    """A run of which one set was evaluated, with metrics and pictures as training leaves them."""
    run = make_run(path)
    run.write_facts(parameters=5_700_000, training_seconds=2820.0, epochs=3, best_epoch=2, train_pairs=29_000)
    run.metrics_file.write_text(
        "epoch,val_bleu,val_perplexity\n1,10,9\n2,33.25,5.5\n3,31,6\n", encoding="utf-8"
    )
    for name in ("validation/1.png", "validation/2.png"):
        (run.plots_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (run.plots_folder / name).write_bytes(name.encode())
    report = evaluate(
        DictionaryTranslator({text: text.upper() + " | x" for text in SENTENCES}),
        EvaluationSet(
            "test_2016",
            tuple(SENTENCES),
            tuple((text.upper(),) for text in SENTENCES),
            gold_links([frozenset({(0, 0)})] * len(SENTENCES)) if aligned else None,
        ),
        TextScorer(paper_form=str.lower),
        EvaluationOptions(search=SearchOptions(beam_size=4)),
    )
    described = {
        "system": {"name": path.name, "runs": [], "source_language": "en", "target_language": "de"},
        "versions": {"python": "3"},
    }
    write_report(run.evaluation_folder, {**described, **report})
    return path


def rows_of(page: str, heading: str) -> list[dict[str, str]]:
    """The rows of the first table below a heading, by column."""
    lines = page.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")
    ]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def test_numbers_are_those_of_the_files(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "small")
    page = tmp_path / "docs" / "results.md"
    assert main(["--page", str(page), str(run)]) == 0
    text = page.read_text(encoding="utf-8")
    report = json.loads((run / "evaluation" / "test_2016.json").read_text(encoding="utf-8"))
    (scores,) = rows_of(text, "Scores")
    assert scores["BLEU"] == f"{report['scores']['bleu']['score']:.1f}"
    assert scores["BLEU, papers' form"] == f"{report['scores']['paper_bleu']['score']:.1f}"
    assert (scores["direction"], scores["beam"], scores["sentences"]) == ("en→de", "4", "25")
    (others,) = rows_of(text, "Other measures")
    assert others["ROUGE-2"] == f"{100 * report['scores']['rouge']['rouge_2']:.1f}"
    assert others["perplexity per token ↓"] == f"{report['scores']['perplexity']['per_token']:.2f}"
    (alignment,) = rows_of(text, "Word alignment and attention")
    assert alignment["alignment error rate ↓"] == f"{report['scores']['alignment']['aer']:.3f}"
    (training,) = rows_of(text, "Training")
    assert (training["parameters"], training["minutes"], training["weights of epoch"]) == (
        "5,700,000",
        "47.0",
        "2",
    )
    assert training["validation BLEU while training"] == "33.2"
    lengths = rows_of(text, "By source length")
    assert sum(int(row["sentences"]) for row in lengths) == 25
    for name in ("bleu", "paper_bleu", "chrf", "ter", "rouge"):
        assert f"`{report['scores'][name]['signature']}`" in text


def test_a_changed_file_changes_the_page(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "small")
    file = run / "evaluation" / "test_2016.json"
    report = json.loads(file.read_text(encoding="utf-8"))
    report["scores"]["bleu"]["score"] = 87.654
    file.write_text(json.dumps(report), encoding="utf-8")
    main(["--page", str(tmp_path / "results.md"), str(run)])
    assert rows_of((tmp_path / "results.md").read_text(encoding="utf-8"), "Scores")[0]["BLEU"] == "87.7"


def test_ten_translations_spread_over_the_set(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "small")
    main(["--page", str(tmp_path / "results.md"), str(run)])
    rows = rows_of((tmp_path / "results.md").read_text(encoding="utf-8"), "Ten translations: small")
    assert [row["line"] for row in rows] == ["1", "3", "6", "8", "11", "13", "16", "18", "21", "23"]
    assert rows[1]["source"] == "a b c 2"
    assert rows[1]["translation"] == r"A B C 2 \| x"


def test_every_link_leads_to_a_picture(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "small")
    page = tmp_path / "docs" / "results.md"
    main(["--page", str(page), str(run)])
    links = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    curve, alignment = [(page.parent / link).read_bytes() for link in links]
    assert curve.startswith(b"\x89PNG")  # drawn from metrics.csv
    assert alignment == b"validation/1.png"  # as training left it


def test_scores_do_not_stand_beside_a_training_that_went_on_after_them(
    trained: TrainedRun, tmp_path: Path
) -> None:
    from tests.seq2seq.shipped_run import evaluated_copy

    run = RunDirectory(evaluated_copy(trained.folder, tmp_path / "run"))
    page = ["--page", str(tmp_path / "results.md"), str(run.path)]
    assert main(page) == 0
    with open(run.weights_file, "ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match=r"has changed since .* was evaluated. Evaluate it again"):
        main(page)


def test_tokenised_text_is_told_from_other_text(tmp_path: Path) -> None:
    said = []
    for kinds in (("none", "13a"), ("none", "none"), ("13a", "13a")):
        runs = []
        for number, kind in enumerate(kinds):
            run = evaluated(tmp_path / f"{len(said)}" / f"run{number}")
            (file,) = (run / "evaluation").glob("*.json")
            text = file.read_text(encoding="utf-8")
            assert "tok:13a" in text
            file.write_text(text.replace("tok:13a", f"tok:{kind}"), encoding="utf-8")
            runs.append(str(run))
        main(["--page", str(tmp_path / "results.md"), *runs])
        said.append(
            "text that was tokenised before: run0." in (tmp_path / "results.md").read_text(encoding="utf-8")
        )
    assert said == [True, False, False]


def test_runs_of_one_name_have_pictures_of_their_own(tmp_path: Path) -> None:
    runs = [
        evaluated(tmp_path / folder / name)
        for folder, name in (("a", "small"), ("b", "Small"), ("c", "large"))
    ]
    for number, run in enumerate(runs):
        (run / "plots" / "validation" / "1.png").write_bytes(b"alignment %d" % number)
    page = tmp_path / "results.md"
    main(["--page", str(page), *map(str, runs)])
    links = re.findall(r"\((images/[^)]+_alignment.png)\)", page.read_text(encoding="utf-8"))
    assert [(tmp_path / link).read_bytes() for link in links] == [
        b"alignment 0",
        b"alignment 1",
        b"alignment 2",
    ]
    # Whatever stands before it on the page, and whether or not the file system tells capitals.
    assert links == [f"images/{name}_alignment.png" for name in ("small", "Small-2", "large")]


def test_no_curve_where_no_epoch_was_validated(tmp_path: Path) -> None:
    run = evaluated(tmp_path / "small")
    (run / "metrics.csv").write_text("epoch,val_bleu,val_perplexity\n1,,\n", encoding="utf-8")
    main(["--page", str(tmp_path / "results.md"), str(run)])
    assert "learning curve" not in (tmp_path / "results.md").read_text(encoding="utf-8")


def test_two_runs_and_columns_that_none_of_them_fills(tmp_path: Path) -> None:
    runs = [evaluated(tmp_path / name, aligned=False) for name in ("first", "second")]
    main(["--page", str(tmp_path / "results.md"), *map(str, runs)])
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert [row["system"] for row in rows_of(text, "Scores")] == ["first", "second"]
    assert "alignment error rate" not in text
    assert rows_of(text, "Word alignment and attention")[0].keys() == {
        "system", "direction", "set", "attention confidence",
    }  # fmt: skip


def test_the_same_files_give_the_same_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = evaluated(tmp_path / "small")
    pages = [tmp_path / name / "results.md" for name in ("one", "two")]
    for page in pages:
        main(["--page", str(page), str(run)])
    assert pages[0].read_bytes() == pages[1].read_bytes()
    for picture in (pages[0].parent / "images").iterdir():
        assert picture.read_bytes() == (pages[1].parent / "images" / picture.name).read_bytes()
    assert str(tmp_path) not in pages[0].read_text(encoding="utf-8")
    assert str(pages[0]) in capsys.readouterr().out


def test_an_evaluation_without_its_run(tmp_path: Path) -> None:
    """A single JSON file has scores, and neither facts nor pictures."""
    file = evaluated(tmp_path / "small") / "evaluation" / "test_2016.json"
    moved = tmp_path / "elsewhere.json"
    moved.write_bytes(file.read_bytes())
    main(["--page", str(tmp_path / "results.md"), str(moved)])
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert len(rows_of(text, "Scores")) == 1
    assert "## Training" not in text
    assert "![" not in text


def test_what_is_no_evaluation_is_said(tmp_path: Path) -> None:
    make_run(tmp_path / "untested")
    for path, message in (
        (tmp_path / "untested", "holds no evaluation"),
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "untested" / "run.json", "not a report"),
        (tmp_path / "untested" / "config.yaml", "not JSON"),
    ):
        with pytest.raises(UserError, match=message):
            main(["--page", str(tmp_path / "results.md"), str(path)])
