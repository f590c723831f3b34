"""Training pairs that another model makes of the target language's text."""

from __future__ import annotations

import gzip
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from data.errors import UserError
from data.starter import load_starter_corpus
from seq2seq.config import Config, ConfigError
from seq2seq.run_directory import RunDirectory
from seq2seq.training_data import TrainingData, prepare_training_data, reopen_training_data
from seq2seq.translator import Translator
from tests.seq2seq.tiny_run import make_tiny_run, tiny_config
from tests.seq2seq.tiny_training import CONTENT, saved_arrays, tiny_training, train_here

CORPUS = [*load_starter_corpus(train_pairs=80, validation_pairs=10, test_pairs=5).train]
MONOLINGUAL = ["Le chien dort.", "", "Un chat noir court dans le jardin."]


@pytest.fixture(scope="module")
def french_to_english(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A model that has learnt nothing, whose translations are short and differ from each other."""
    run = make_tiny_run(tmp_path_factory.mktemp("model") / "fr-en")
    say_languages(run, "fr", "en")
    return run


def say_languages(run: RunDirectory, source: str, target: str, **sections: Any) -> None:
    data = {"corpus": {"kind": "starter"}, "source_language": source, "target_language": target}
    run.create(tiny_config(data=data, batches={"max_length": 10}, **sections))


def with_back_translations(model: RunDirectory, *changes: dict[str, Any], **options: Any) -> Config:
    back_translation = {"model": str(model.path), "beam_size": 2, **options}
    # What such a model writes is hardly ever as many words as it was given.
    cleaning = {"max_length_ratio": None}
    data = {**CONTENT["data"], "back_translation": back_translation, "cleaning": cleaning}
    return tiny_training({"data": data}, *changes)


def prepare(config: Config, folder: Path) -> tuple[RunDirectory, TrainingData, str]:
    run = RunDirectory(folder)
    run.create(config)
    printed = io.StringIO()
    return run, prepare_training_data(run, config, None, Console(file=printed, width=120)), printed.getvalue()


def stored_pairs(data: TrainingData) -> list[tuple[str, str]]:
    return data.train.store.read(range(len(data.train.store)))


def test_the_targets_come_a_second_time_with_what_the_model_makes_of_them(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    run, data, printed = prepare(with_back_translations(french_to_english), tmp_path / "run")
    _, plain, _ = prepare(tiny_training(), tmp_path / "plain")
    pairs, genuine = stored_pairs(data), stored_pairs(plain)
    translator = Translator.load(french_to_english)
    targets = [target for _, target in CORPUS]
    translations = translator.translate(targets, translator.default_options(beam_size=2))
    expected = {
        (" ".join(translation.text.split()), target)
        for translation, target in zip(translations, targets, strict=True)
    }
    assert pairs[: len(genuine)] == genuine
    assert len({source for source, _ in expected}) > 5  # or anything would do
    assert set(pairs[len(genuine) :]) == {pair for pair in expected if pair[0]}
    kept = len(pairs) - len(genuine)
    assert run.read_facts()["back_translation"] == {
        "model": str(french_to_english.path),
        "made": 80,
        "kept": kept,
    }
    assert f"80, counted above behind the pairs of the corpus; {kept} kept." in printed


def test_the_vocabulary_is_made_of_genuine_text_alone(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    _, data, _ = prepare(with_back_translations(french_to_english), tmp_path / "run")
    _, plain, _ = prepare(tiny_training(), tmp_path / "plain")
    assert data.tokenizers.fingerprint == plain.tokenizers.fingerprint


@pytest.mark.parametrize("name", ["text.fr", "text.fr.gz"])
def test_monolingual_text_is_translated_instead(
    french_to_english: RunDirectory, tmp_path: Path, name: str
) -> None:
    text = "".join(f"{line}\n" for line in MONOLINGUAL).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    config = with_back_translations(french_to_english, text=str(tmp_path / name))
    run, data, _ = prepare(config, tmp_path / "run")
    made = run.read_facts()["back_translation"]
    assert made["made"] == 3
    assert [target for _, target in stored_pairs(data)[-made["kept"] :]] == [
        line for line in MONOLINGUAL if line
    ]


def test_attention_is_guided_in_every_pair(french_to_english: RunDirectory, tmp_path: Path) -> None:
    guided = {"training": {**CONTENT["training"], "guided_attention": {"weight": 0.5}}}
    _, data, _ = prepare(with_back_translations(french_to_english, guided), tmp_path / "run")
    assert data.alignments is not None
    assert len(data.alignments.is_known) == len(data.train.store) > 100


def test_a_resumed_training_needs_no_model_and_ends_as_an_uninterrupted_one(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    model = RunDirectory(shutil.copytree(french_to_english.path, tmp_path / "model"))
    schedule = {"schedule": "constant", "warmup_steps": 2}

    def config(epochs: int) -> Config:
        return with_back_translations(
            model, {"training": {**CONTENT["training"], **schedule, "epochs": epochs}}
        )

    train_here(config(2), tmp_path / "whole")
    train_here(config(1), tmp_path / "interrupted")
    shutil.rmtree(model.path)
    train_here(config(2), tmp_path / "interrupted", resume=True)
    expected, found = saved_arrays(tmp_path / "whole"), saved_arrays(tmp_path / "interrupted")
    assert expected.keys() == found.keys()
    assert [name for name in found if found[name].tobytes() != expected[name].tobytes()] == []


def test_opened_again_without_the_back_translations_the_pairs_are_the_same(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    config = with_back_translations(french_to_english)
    run, data, _ = prepare(config, tmp_path / "run")
    assert stored_pairs(reopen_training_data(run, config, None)) == stored_pairs(data)


class TestRefused:
    @pytest.mark.parametrize("languages", [("en", "fr"), ("fr", "de"), ("de", "en")])
    def test_a_model_of_other_languages(self, tmp_path: Path, languages: tuple[str, str]) -> None:
        model = make_tiny_run(tmp_path / "model")
        say_languages(model, *languages)
        with pytest.raises(ConfigError, match="a model from French to English is needed"):
            prepare(with_back_translations(model), tmp_path / "run")

    def test_a_model_of_tokenised_text(self, tmp_path: Path) -> None:
        model = make_tiny_run(tmp_path / "model")
        say_languages(model, "fr", "en", evaluation={"tokenized": True})
        with pytest.raises(ConfigError, match=r"trained on tokenised text, and this is a training on raw"):
            prepare(with_back_translations(model), tmp_path / "run")

    def test_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"nowhere does not exist: expected the directory"):
            prepare(with_back_translations(RunDirectory(tmp_path / "nowhere")), tmp_path / "run")

    def test_text_that_is_not_there(self, french_to_english: RunDirectory, tmp_path: Path) -> None:
        config = with_back_translations(french_to_english, text=str(tmp_path / "none.fr"))
        with pytest.raises(UserError, match=r"none\.fr"):
            prepare(config, tmp_path / "run")

    def test_text_without_a_line(self, french_to_english: RunDirectory, tmp_path: Path) -> None:
        (tmp_path / "empty.fr").write_text("")
        config = with_back_translations(french_to_english, text=str(tmp_path / "empty.fr"))
        with pytest.raises(ConfigError, match=r"empty\.fr is empty; expected a sentence on each line"):
            prepare(config, tmp_path / "run")

    def test_text_that_is_not_utf8(self, french_to_english: RunDirectory, tmp_path: Path) -> None:
        (tmp_path / "bad.fr").write_bytes("Bonjour.\nÇa va.\n".encode("latin-1"))
        config = with_back_translations(french_to_english, text=str(tmp_path / "bad.fr"))
        with pytest.raises(UserError, match=r"bad\.fr, line 2, byte 1"):
            prepare(config, tmp_path / "run")

    def test_a_file_of_alignments_which_has_no_line_for_these_pairs(
        self, french_to_english: RunDirectory
    ) -> None:
        with pytest.raises(ConfigError, match="links of the corpus' own pairs alone"):
            with_back_translations(
                french_to_english, {"training": {"guided_attention": {"alignments": "links.txt"}}}
            )
