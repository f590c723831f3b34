"""The run directory: what it finds, and what it says when something is missing."""

from __future__ import annotations

import errno
import fcntl
import json
import shutil
from pathlib import Path

import pytest

from data.atomic import atomic_write
from data.errors import UserError
from data.tokenizer import train_tokenizers
from seq2seq.run_directory import RunDirectory, best_score
from seq2seq.software import software_versions
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.tiny_run import tiny_config


def test_a_new_one_holds_the_whole_configuration(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "runs" / "new")
    assert not run.exists()
    config = tiny_config(seed=7)
    run.create(config)
    assert run.exists()
    assert run.config == config
    assert RunDirectory(run.path).config == config


def test_the_configuration_is_read_again_after_it_was_replaced(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.create(tiny_config(seed=7))
    assert run.config.seed == 7
    run.create(tiny_config(seed=8))
    assert run.config.seed == 8


def test_facts_are_added_up(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert run.read_facts() == {}
    run.write_facts(a=1, name="Übersetzung")
    run.write_facts(a=2, b=None)
    assert run.read_facts() == {"a": 2, "name": "Übersetzung", "b": None}
    assert "Übersetzung" in run.facts_file.read_text(encoding="utf-8")
    assert json.loads(run.facts_file.read_text(encoding="utf-8")) == run.read_facts()


def test_what_is_not_there_or_no_run(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"nowhere does not exist: expected config\.yaml.*Train a model first"
    ):
        _ = RunDirectory(tmp_path / "nowhere").config
    with pytest.raises(UserError, match="is not the directory of a run"):
        _ = RunDirectory(tmp_path).config
    with pytest.raises(UserError, match="is not the directory of a run"):
        RunDirectory(tmp_path).load_model()


def test_a_damaged_configuration_is_named_with_its_line(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.create(tiny_config())
    run.config_file.write_text(run.config_file.read_text() + "extra: 1\n")
    with pytest.raises(UserError, match=r"config\.yaml:\d+: unknown key `extra`"):
        _ = RunDirectory(tmp_path).config


def test_a_run_without_a_model_says_how_to_get_one(trained: TrainedRun, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    (folder / "model.keras").unlink()
    with pytest.raises(UserError, match=r"holds no model yet.*train\.py --run .* --resume"):
        RunDirectory(folder).load_model()


@pytest.mark.parametrize("content", [b"", b"not a zip file", None], ids=["empty", "text", "cut off"])
def test_a_damaged_model(trained: TrainedRun, tmp_path: Path, content: bytes | None) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    model = folder / "model.keras"
    model.write_bytes(model.read_bytes()[:5000] if content is None else content)
    with pytest.raises(UserError, match=r"model\.keras is damaged or incomplete"):
        RunDirectory(folder).load_model()


def test_parts_of_different_runs_are_refused(trained: TrainedRun, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (folder / "config.yaml").write_text(
        config.replace("decoder_units: 8", "decoder_units: 9"), encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"do not belong together:\n  decoder_units: 9 here, 8 in the model"):
        RunDirectory(folder).load_model()


def test_a_tokenizer_of_the_right_size_from_another_run_is_refused(
    trained: TrainedRun, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    size = RunDirectory(folder).tokenizers.source.vocabulary_size
    pairs = [(f"the number {number} is odd", f"une autre phrase {number * 7}") for number in range(200)]
    train_tokenizers(pairs, joint=True, vocabulary_size=size).save(folder / "tokenizer")
    with pytest.raises(
        UserError, match=r"tokenizer \(SHA-256\): [0-9a-f]{12} here, [0-9a-f]{12} in run\.json"
    ):
        RunDirectory(folder).load_model()


def test_a_damaged_fact_file_is_named(trained: TrainedRun, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    (folder / "run.json").write_text('{"seed": ', encoding="utf-8")
    with pytest.raises(UserError, match=r"run\.json: damaged"):
        RunDirectory(folder).load_model()


def test_one_process_trains_at_a_time(tmp_path: Path) -> None:
    with (
        RunDirectory(tmp_path / "run").locked(),
        pytest.raises(UserError, match="another process is training here"),
        RunDirectory(tmp_path / "run").locked(),
    ):
        pass
    with RunDirectory(tmp_path / "run").locked():
        pass


def test_a_file_system_without_locks_is_not_taken_for_another_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (
        pytest.raises(UserError, match=r"cannot be locked .*No locks available"),
        RunDirectory(tmp_path / "run").locked(),
    ):
        pass


@pytest.mark.parametrize(("selected_by", "score"), [("bleu", 31.5), ("loss", 1.25)])
def test_the_best_score_is_what_the_validation_gave(tmp_path: Path, selected_by: str, score: float) -> None:
    run = RunDirectory(tmp_path)
    assert best_score(run.read_facts()) is None
    run.write_facts(best_score=-score if selected_by == "loss" else score, selected_by=selected_by)
    assert best_score(run.read_facts()) == score


def test_only_files_that_were_never_finished_are_removed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.create(tiny_config())
    kept = ["config.yaml", "state.npz", "notes.partial", ".hidden", "plots/.keep"]
    gone = [".state.npz.ab12.partial", ".model.partial.keras", "data/train/.text.bin.x_1.partial"]
    for name in (*kept[1:], *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    run.remove_partial_files()
    assert sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()
    ) == sorted(kept)


def test_what_is_being_written_into_a_run_is_left_alone(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with atomic_write(tmp_path / "translations.txt") as file:
        run.remove_partial_files()
        file.write("one dog\n")
    assert (tmp_path / "translations.txt").read_text() == "one dog\n"


def test_facts_are_an_object(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(UserError, match=r"run\.json: expected an object"):
        RunDirectory(tmp_path).read_facts()


def test_versions_are_those_that_are_installed() -> None:
    import keras
    import numpy as np

    versions = software_versions()
    assert versions["keras"] == keras.__version__
    assert versions["numpy"] == np.__version__
