"""The table of recipes: what shares a row, in which order, and with which numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.quality.command import main
from data.errors import UserError
from seq2seq import shipped_models
from seq2seq.run_directory import RunDirectory
from tests.seq2seq.tiny_run import tiny_config


def make_run(folder: Path, bleu: list[float | None], *, seed: int = 1, **model: object) -> Path:
    run = RunDirectory(folder)
    sizes = tiny_config().model.model_dump()
    run.create(tiny_config(seed=seed, name=folder.name, model={**sizes, **model}))
    rows = [
        f"{epoch},{90 * epoch},{10 - epoch},{'' if value is None else value}"
        for epoch, value in enumerate(bleu, start=1)
    ]
    run.metrics_file.write_text("\n".join(["epoch,seconds,val_perplexity,val_bleu", *rows]) + "\n")
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    return [
        str(make_run(tmp_path / "base_1", [None, 10.0, 12.0, 11.0])),
        str(make_run(tmp_path / "base_2", [None, 11.0, 13.0, 14.0], seed=2)),
        str(make_run(tmp_path / "worse", [None, 11.5], readout_dropout=0.9)),
        str(make_run(tmp_path / "better", [None, 15.5], readout_dropout=0.4, bridge="last")),
    ]


@pytest.mark.parametrize("epochs", ["0", "-1", "x"])
def test_a_number_of_epochs_that_is_none(
    runs: list[str], epochs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*runs, "--epochs", epochs])
    assert caught.value.code == 2
    assert "--epochs" in capsys.readouterr().err


def rows_of(printed: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in printed.splitlines()[2:]]


def test_seeds_share_a_row_and_the_best_follows_the_first(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(runs) == 0
    first, second, third = rows_of(capsys.readouterr().out)
    assert first == [
        "–",
        r"base\_1, base\_2",
        "1, 2",
        "13.00 ± 1.41",
        "–",
        "6.500 ± 0.707",
        "3, 4",
        "4, 4",
        "6.0",
    ]
    assert second[0] == r"model.bridge: mean -\> last; model.readout\_dropout: 0.3 -\> 0.4"
    assert second[1:] == ["better", "1", "15.50", "+2.50", "8.000", "2", "2", "3.0"]
    assert (third[1], third[4]) == ("worse", "-1.50")


def test_the_first_epochs_alone(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["--epochs", "2", *runs])
    first = rows_of(capsys.readouterr().out)[0]
    assert (first[3], first[6], first[7], first[8]) == ("10.50 ± 0.71", "2, 2", "2, 2", "3.0")


def test_what_is_no_part_of_a_recipe_makes_no_row_of_its_own(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(runs[1]) / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("tensorboard: true", "tensorboard: false"))
    main(runs[:2])
    assert len(rows_of(capsys.readouterr().out)) == 1


def test_where_the_links_lie_makes_no_row_of_its_own(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for run, folder in zip(runs[:2], ("here", "there"), strict=True):
        config = Path(run) / "config.yaml"
        text = config.read_text(encoding="utf-8")
        assert "alignments: null" in text
        config.write_text(text.replace("alignments: null", f"alignments: {folder}/links"), encoding="utf-8")
    main(runs[:2])
    assert len(rows_of(capsys.readouterr().out)) == 1


def test_a_run_that_was_not_validated_yet_and_what_is_none(runs: list[str], tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"base_1: no validation BLEU in metrics\.csv in its first 1 epochs yet"
    ):
        main(["--epochs", "1", *runs])
    (Path(runs[0]) / "metrics.csv").unlink()
    with pytest.raises(UserError, match=r"base_1: no validation BLEU in metrics\.csv yet"):
        main(runs)
    with pytest.raises(UserError, match="does not exist"):
        main([str(tmp_path / "nowhere")])


def test_shipped_models_have_no_training_to_compare(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Path(runs[2])
    (shipped / "SHA256SUMS").write_text("")
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", shipped.parent)
    monkeypatch.chdir(shipped)
    for name in (str(shipped), "worse"):
        with pytest.raises(UserError, match=r"worse is a shipped model: its learning curve.* does not ship"):
            main([runs[0], name])


def test_runs_on_different_corpora_do_not_compare(runs: list[str]) -> None:
    for number, run in enumerate(runs):
        RunDirectory(run).write_facts(validation_fingerprint="a" if number < 3 else "b")
    with pytest.raises(UserError, match="better was validated on other sentences than base_1"):
        main(runs)
