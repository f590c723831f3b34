"""Training pairs whose targets are what models of the same direction make of the sources."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import UserError
from data.special_ids import EOS_ID
from data.starter import load_starter_corpus
from seq2seq.config import Config, ConfigError
from seq2seq.run_directory import RunDirectory
from seq2seq.synthetic_pairs import synthetic_pairs
from seq2seq.translator import Translator
from tests.seq2seq.test_back_translation import CORPUS, ENDINGS, prepare, say_languages, stored_pairs
from tests.seq2seq.tiny_run import make_tiny_run, tiny_tokenizers
from tests.seq2seq.tiny_training import CONTENT, saved_arrays, tiny_training, train_here

SOURCES = [source for source, _ in CORPUS]


def make_model(folder: Path, seed: int, languages: tuple[str, str]) -> RunDirectory:
    """It has learnt nothing but that sentences have an end."""
    run = make_tiny_run(folder, seed=seed)
    say_languages(run, *languages)
    model = run.load_model()
    bias = model.decoder.output_bias
    bias.assign(bias + ENDINGS * np.eye(bias.shape[0])[EOS_ID])
    model.save(run.model_file)
    return run


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[RunDirectory]:
    folder = tmp_path_factory.mktemp("teachers")
    return [make_model(folder / str(seed), seed, ("en", "fr")) for seed in (1, 2)]


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return make_model(tmp_path_factory.mktemp("back") / "fr-en", 3, ("fr", "en"))


def with_forward_translations(
    models: list[RunDirectory], *changes: dict[str, Any], data: dict[str, Any] | None = None, **options: Any
) -> Config:
    forward = {"models": [str(model.path) for model in models], "beam_size": 2, **options}
    # What such a model writes is hardly ever as many words as it was given.
    cleaning = {"max_length_ratio": None}
    content = {**CONTENT["data"], "forward_translation": forward, "cleaning": cleaning, **(data or {})}
    return tiny_training({"data": content}, *changes)


def whole_translations(models: list[RunDirectory], sources: list[str]) -> set[tuple[str, str]]:
    translator = Translator.load([model.path for model in models])
    translations = translator.translate(sources, translator.default_options(beam_size=2))
    return {
        (source, " ".join(translation.text.split()))
        for source, translation in zip(sources, translations, strict=True)
        if translation.text and translation.best.finished and translation.source.text == source
    }


def test_the_sources_come_a_second_time_with_what_the_ensemble_makes_of_them(
    teachers: list[RunDirectory], tmp_path: Path
) -> None:
    run, data, printed = prepare(with_forward_translations(teachers), tmp_path / "run")
    _, plain, _ = prepare(tiny_training(), tmp_path / "plain")
    pairs, genuine = stored_pairs(data), stored_pairs(plain)
    expected = whole_translations(teachers, SOURCES)
    assert pairs[: len(genuine)] == genuine
    assert set(pairs[len(genuine) :]) == expected
    assert len({target for _, target in expected}) > 5  # or anything would do
    assert expected != whole_translations(teachers[:1], SOURCES)
    kept = len(pairs) - len(genuine)
    facts = run.read_facts()["forward_translations"]
    assert (facts["made"], facts["kept"], len(facts["made_of"]["models"])) == (80, kept, 2)
    assert f"Forward translations by {teachers[0].path} + {teachers[1].path}: 80 made, " in printed
    assert data.tokenizers.fingerprint == plain.tokenizers.fingerprint


def test_both_kinds_together_and_the_last_epochs_without_back_translations(
    teachers: list[RunDirectory], back: RunDirectory, tmp_path: Path
) -> None:
    settings = {"model": str(back.path), "beam_size": 2, "until_epoch": 1}
    config = with_forward_translations(teachers, data={"back_translation": settings})
    run, data, _ = prepare(config, tmp_path / "run")
    facts = run.read_facts()
    forward, backward = (facts[f"{kind}_translations"]["kept"] for kind in ("forward", "back"))
    pairs = stored_pairs(data)
    assert len(pairs) == 80 + forward + backward
    assert {source for source, _ in pairs[80 : 80 + forward]} <= set(SOURCES)
    assert {target for _, target in pairs[80 + forward :]} <= {target for _, target in CORPUS}
    _, forward_alone, _ = prepare(with_forward_translations(teachers), tmp_path / "forward")
    assert data.train.kept_pairs(0) != data.train.kept_pairs(1)
    assert data.train.kept_pairs(1) == forward_alone.train.kept_pairs(0)


def test_monolingual_text_is_translated_instead(teachers: list[RunDirectory], tmp_path: Path) -> None:
    lines = [f"Yes, {source}" for source in SOURCES[:20]]
    (tmp_path / "text.en.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    config = with_forward_translations(teachers[:1], text=str(tmp_path / "text.en.gz"))
    run, data, _ = prepare(config, tmp_path / "run")
    made = run.read_facts()["forward_translations"]
    assert made["made"] == 20
    assert set(stored_pairs(data)[-made["kept"] :]) == whole_translations(teachers[:1], lines)


@pytest.mark.slow
def test_a_resumed_training_needs_no_models_and_ends_as_an_uninterrupted_one(
    teachers: list[RunDirectory], tmp_path: Path
) -> None:
    models = [RunDirectory(shutil.copytree(each.path, tmp_path / each.path.name)) for each in teachers]
    schedule = {"schedule": "constant", "warmup_steps": 2}

    def config(epochs: int) -> Config:
        training = {**CONTENT["training"], **schedule, "epochs": epochs}
        return with_forward_translations(models, {"training": training})

    train_here(config(2), tmp_path / "whole")
    train_here(config(1), tmp_path / "interrupted")
    for model in models:
        shutil.rmtree(model.path)
    train_here(config(2), tmp_path / "interrupted", resume=True)
    expected, found = saved_arrays(tmp_path / "whole"), saved_arrays(tmp_path / "interrupted")
    assert [name for name in expected if found[name].tobytes() != expected[name].tobytes()] == []


def test_what_is_wrong_with_the_second_kind_is_found_before_the_first_is_made(
    teachers: list[RunDirectory], back: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.fr").write_text("")
    settings = {"model": str(back.path), "text": str(tmp_path / "text.fr")}
    config = with_forward_translations(teachers, data={"back_translation": settings})
    monkeypatch.setattr(Translator, "load", lambda models: pytest.fail("translated in vain"))
    with pytest.raises(ConfigError, match=r"back_translation\.text: .*text\.fr has no sentence"):
        prepare(config, tmp_path / "run")


def test_models_that_cannot_help_are_refused(
    teachers: list[RunDirectory], back: RunDirectory, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"forward_translation\.models: .* translates French to English; to "
    ):
        prepare(with_forward_translations([teachers[0], back]), tmp_path / "direction")
    other = make_tiny_run(tmp_path / "other", tokenizers=tiny_tokenizers(330))
    say_languages(other, "en", "fr")
    with pytest.raises(
        ConfigError, match=r"^data\.forward_translation\.models: The models of an ensemble must"
    ):
        prepare(with_forward_translations([teachers[0], other]), tmp_path / "tokenizers")
    with pytest.raises(ConfigError, match=r"data\.forward_translation\.models.*at least 1"):
        with_forward_translations([])
    student = RunDirectory(shutil.copytree(teachers[0].path, tmp_path / "student"))
    corpus = load_starter_corpus(train_pairs=5, validation_pairs=5, test_pairs=5)
    with pytest.raises(ConfigError, match="is the run that is to be trained"):
        synthetic_pairs(student, with_forward_translations([student]), corpus)
    guided = {**CONTENT["training"], "guided_attention": {"weight": 0.5, "alignments": "links"}}
    with pytest.raises(UserError, match=r"with data\.forward_translation, leave it out"):
        with_forward_translations(teachers, {"training": guided})
