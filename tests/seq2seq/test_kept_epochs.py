"""`--model RUN@EPOCH`: the weights of a kept epoch, wherever a command takes a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import UserError
from seq2seq import evaluate_command, results_page, translate_command
from seq2seq.evaluation_files import read_reports
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import find_model, find_run
from seq2seq.translator import Translator
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.test_results_page import rows_of

SENTENCES = ["The old man is in the garden.", "I do not see the black cat.", "Where is the house?"]
TARGETS = ["Le vieil homme est dans le jardin.", "Je ne vois pas le chat noir.", "Où est la maison ?"]


def kept_arrays(run: RunDirectory, epoch: int) -> list[np.ndarray]:
    """Read from the file itself."""
    with np.load(run.path / "checkpoints" / f"epoch_{epoch:04d}.npz") as file:
        return [file[name] for name in sorted(file.files)]


@pytest.fixture
def own_run(kept_run: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy that may be written into."""
    return RunDirectory(shutil.copytree(kept_run.path, tmp_path / "mine"))


def translated(models: list[str], capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    arguments = [argument for model in models for argument in ("--model", model)]
    assert translate_command.main([*arguments, "--format", "json", "--no-plot", *SENTENCES]) == 0
    return [json.loads(line)["hypotheses"][0] for line in capsys.readouterr().out.splitlines()]


def test_the_weights_are_those_of_the_kept_file(kept_run: RunDirectory) -> None:
    best = [np.array(variable) for variable in kept_run.load_model().trainable_variables]
    for epoch in (2, 4):
        model = find_model(f"{kept_run.path}@{epoch}").load_model()
        expected = kept_arrays(kept_run, epoch)
        assert len(expected) == len(model.trainable_variables)
        for variable, array in zip(model.trainable_variables, expected, strict=True):
            np.testing.assert_array_equal(np.array(variable), array)
    assert any((a != b).any() for a, b in zip(kept_arrays(kept_run, 2), best, strict=True))


def test_the_best_epoch_scores_what_the_run_scores(own_run: RunDirectory) -> None:
    for model in (str(own_run.path), f"{own_run.path}@4", f"{own_run.path}@2"):
        assert evaluate_command.main(["--model", model]) == 0
    folder = own_run.path / "evaluation"
    (best,), (fourth,), (second,) = map(read_reports, (folder, folder / "epoch-4", folder / "epoch-2"))
    assert fourth["scores"] == best["scores"]
    assert fourth["sentences"] == best["sentences"]
    assert second["scores"] != best["scores"]
    said = [report["system"]["runs"][0] for report in (best, fourth, second)]
    assert [(run["checkpoint"], run["epoch"]) for run in said] == [(None, 4), (4, 4), (2, 2)]
    assert len({run["fingerprint"] for run in said}) == 3
    assert {run["directory"] for run in said} == {"mine"}


@pytest.mark.slow
def test_a_kept_epoch_can_be_compared_with_and_put_on_a_page(own_run: RunDirectory, tmp_path: Path) -> None:
    assert evaluate_command.main(["--model", f"{own_run.path}@2"]) == 0
    assert evaluate_command.main(["--model", str(own_run.path), "--compare", f"{own_run.path}@2"]) == 0
    (report,) = read_reports(own_run.path)
    assert report["comparison"]["baseline"]["runs"][0]["checkpoint"] == 2
    page = tmp_path / "results.md"
    assert results_page.main(["--page", str(page), str(own_run.path), f"{own_run.path}@2"]) == 0
    rows = rows_of(page.read_text(encoding="utf-8"), "Training")
    assert [(row["system"], row["weights of epoch"]) for row in rows] == [("mine", "4"), ("mine@2", "2")]
    metrics = (own_run.path / "metrics.csv").read_text(encoding="utf-8").splitlines()
    column = metrics[0].split(",").index("val_perplexity")
    for row, epoch in zip(rows, (4, 2), strict=True):
        assert row["validation perplexity ↓"] == f"{float(metrics[epoch].split(',')[column]):,.2f}"


@pytest.mark.slow
def test_an_ensemble_of_twice_the_same_is_the_same(
    kept_run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    one = translated([f"{kept_run.path}@2"], capsys)
    two = translated([f"{kept_run.path}@2"] * 2, capsys)
    best = translated([str(kept_run.path)], capsys)
    assert [each["text"] for each in two] == [each["text"] for each in one]
    for found, expected in zip(two, one, strict=True):
        np.testing.assert_allclose(found["log_probability"], expected["log_probability"], rtol=1e-4)
        np.testing.assert_allclose(found["attention_weights"], expected["attention_weights"], atol=2e-5)
    assert [each["log_probability"] for each in best] != [each["log_probability"] for each in one]


def test_an_ensemble_of_epochs_gives_the_mean_of_their_probabilities(kept_run: RunDirectory) -> None:
    names = [f"{kept_run.path}@{epoch}" for epoch in (2, 4)]
    second, fourth, both = (
        Translator.load(models).score(SENTENCES, TARGETS) for models in (names[0], names[1], names)
    )
    for one, other, mean in zip(second, fourth, both, strict=True):
        expected = (one.hypotheses[0].token_probabilities + other.hypotheses[0].token_probabilities) / 2
        np.testing.assert_allclose(mean.hypotheses[0].token_probabilities, expected, rtol=1e-3)


def test_a_directory_of_just_that_name_comes_first(kept_run: RunDirectory, tmp_path: Path) -> None:
    run = shutil.copytree(kept_run.path, tmp_path / "run")
    whole = shutil.copytree(kept_run.path, tmp_path / "run@2")
    for name, path, checkpoint in (
        (f"{run}@2", whole, None),
        (f"{run}@4", run, 4),
        (f"{whole}@2", whole, 2),
        (f"{whole}@02", whole, 2),
    ):
        found = find_model(name)
        assert (found.path, found.checkpoint) == (path, checkpoint)


@pytest.mark.parametrize(
    ("epoch", "said"),
    [
        ("3", r"epoch_0003\.npz does not exist: epoch 3 was not kept\. Kept epochs: 2, 4\."),
        ("last", r"expected the number of a kept epoch behind the @, .*not 'last'\. Kept epochs: 2, 4\."),
        ("-2", "expected the number of a kept epoch behind the @, .*not '-2'"),
        ("²", "expected the number of a kept epoch behind the @, .*not '²'"),
        ("", "expected the number of a kept epoch behind the @, .*not ''"),
    ],
)
def test_epochs_that_are_not_there(kept_run: RunDirectory, epoch: str, said: str) -> None:
    model = ["--model", f"{kept_run.path}@{epoch}"]
    for command in (translate_command, evaluate_command):
        with pytest.raises(UserError, match=said):
            command.main(model)


def test_a_run_that_kept_none_says_how_to_keep_some(trained: TrainedRun) -> None:
    with pytest.raises(UserError, match=r"kept the weights of no epoch.*--set training\.keep_checkpoints=1"):
        find_model(f"{trained.folder}@1")
    with pytest.raises(UserError, match=r"Kept epochs: none"):
        find_model(f"{trained.folder}@best")


def test_names_of_nothing(kept_run: RunDirectory, tmp_path: Path) -> None:
    for name, said in (
        (tmp_path / "nowhere@2", "nowhere@2 does not exist: expected the directory"),
        ("@2", "^@2 does not exist"),
        ("tatoeba-en-es@2", "a shipped model has its best weights alone"),
        (f"{tmp_path}@2", "is not the directory of a run"),
    ):
        with pytest.raises(UserError, match=said):
            find_model(name)
    # What ships, and what a shortlist is learnt from, is the run.
    with pytest.raises(UserError, match="run@2 does not exist"):
        find_run(f"{kept_run.path}@2")


def test_the_inspector_serves_epochs_as_models(kept_run: RunDirectory) -> None:
    from seq2seq.inspector.served_model import load_models

    second, best = load_models([find_model(f"{kept_run.path}@2"), kept_run.path])
    assert (second.name, best.name) == ("run@2", "run")
    for variable, array in zip(
        second.version(None).model.trainable_variables, kept_arrays(kept_run, 2), strict=True
    ):
        np.testing.assert_array_equal(np.array(variable), array)
    assert second.describe(20)["checkpoints"] == []
    assert second.describe(20)["best_epoch"] is None
    assert [each["epoch"] for each in best.describe(20)["checkpoints"]] == [2, 4]
    with pytest.raises(UserError, match=r"run@2 is given twice"):
        load_models([f"{kept_run.path}@2", f"{kept_run.path}/../run@02"])


def test_the_prompt_says_which_epoch_it_is(kept_run: RunDirectory) -> None:
    from seq2seq.model_summary import model_facts, one_line_summary

    translator = Translator.load(f"{kept_run.path}@2")
    assert one_line_summary(translator).startswith("tiny@2: ")
    facts = dict(model_facts(translator))
    assert facts["run"].endswith("run@2")
    loss = kept_run.validation_scores()[2]
    assert facts["validation"] == f"loss {loss:.2f}, epoch 2 of 4"
    best = dict(model_facts(Translator.load(kept_run.path)))
    assert best["validation"] == f"loss {kept_run.validation_scores()[4]:.2f}, epoch 4 of 4"
