"""Training pairs that another model makes of the target language's text."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from data.errors import UserError
from data.special_ids import EOS_ID
from data.starter import load_starter_corpus
from seq2seq import training, training_data
from seq2seq.batch_counts import describe_batches
from seq2seq.config import Config, ConfigError
from seq2seq.evaluated_system import fingerprint
from seq2seq.run_directory import RunDirectory
from seq2seq.training_data import TrainingData, prepare_training_data, reopen_training_data
from seq2seq.translator import Translator
from tests.seq2seq.tiny_run import make_tiny_run, tiny_config
from tests.seq2seq.tiny_training import CONTENT, saved_arrays, tiny_training, train_here

CORPUS = [*load_starter_corpus(train_pairs=80, validation_pairs=10, test_pairs=5).train]
ENDINGS = 15.0  # how much likelier than by its weights each piece is the last
MONOLINGUAL = [f"Oui, {line}" for _, line in CORPUS[:20]]


@pytest.fixture(scope="module")
def french_to_english(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A model that has learnt nothing but that sentences have an end."""
    run = make_tiny_run(tmp_path_factory.mktemp("model") / "fr-en")
    say_languages(run, "fr", "en")
    model = run.load_model()
    bias = model.decoder.output_bias
    bias.assign(bias + ENDINGS * np.eye(bias.shape[0])[EOS_ID])
    model.save(run.model_file)
    return run


def say_languages(run: RunDirectory, source: str, target: str, **sections: Any) -> None:
    data = {"corpus": {"kind": "starter"}, "source_language": source, "target_language": target}
    run.create(tiny_config(data=data, **sections))


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


def whole_translations(model: RunDirectory, targets: list[str]) -> set[tuple[str, str]]:
    """Pairs of a translation of the whole sentence and the sentence, without those of which there is none."""
    translator = Translator.load(model)
    translations = translator.translate(targets, translator.default_options(beam_size=2))
    return {
        (" ".join(translation.text.split()), target)
        for translation, target in zip(translations, targets, strict=True)
        if translation.text and translation.best.finished and translation.source.text == target
    }


def test_the_targets_come_a_second_time_with_what_the_model_makes_of_them(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    run, data, printed = prepare(with_back_translations(french_to_english), tmp_path / "run")
    _, plain, _ = prepare(tiny_training(), tmp_path / "plain")
    pairs, genuine = stored_pairs(data), stored_pairs(plain)
    expected = whole_translations(french_to_english, [target for _, target in CORPUS])
    assert pairs[: len(genuine)] == genuine
    assert len({source for source, _ in expected}) > 5  # or anything would do
    assert set(pairs[len(genuine) :]) == expected
    kept = len(pairs) - len(genuine)
    facts = run.read_facts()["back_translations"]
    assert (facts["made"], facts["kept"]) == (80, kept)
    text = hashlib.sha256("".join(f"{target}\n" for _, target in CORPUS).encode()).hexdigest()
    assert facts["made_of"] == {"text": text, "models": [fingerprint(french_to_english)], "beam_size": 2}
    assert f"80 made, {kept} kept (in the table" in printed


def test_several_translations_of_a_sentence_take_turns(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    config = with_back_translations(french_to_english, n_best=2)
    run, data, printed = prepare(config, tmp_path / "run")
    _, best_alone, _ = prepare(with_back_translations(french_to_english), tmp_path / "best")
    made = run.read_facts()["back_translations"]
    best, second = made["kept_by_rank"]
    genuine = len(data.train.store) - best - second
    assert made["made"] == 160
    assert made["kept"] == best + second
    assert min(best, second) > 5
    assert f"{best + second} kept, in turn {best} or {second} an epoch (in the table" in printed

    pairs = stored_pairs(data)
    assert pairs[: genuine + best] == stored_pairs(best_alone)
    translator = Translator.load(french_to_english)
    targets = [target for _, target in CORPUS]
    options = translator.default_options(beam_size=2, n_best=2)
    expected = {
        (" ".join(translation.hypotheses[1].text.split()), target)
        for translation, target in zip(translator.translate(targets, options), targets, strict=True)
        if translation.source.text == target and translation.hypotheses[1].finished
    }
    found = set(pairs[genuine + best :])
    assert found <= expected
    assert len(found) == second

    in_epochs = [
        {place for batch in data.train.batches(epoch) for place in batch.indices.tolist()}
        for epoch in range(3)
    ]
    # Some are too long for a batch.
    turns = [set(range(genuine, genuine + best)), set(range(genuine + best, len(pairs)))]
    assert [in_epochs[0] & turn for turn in turns] == [in_epochs[0] - in_epochs[1], set()]
    assert [in_epochs[1] & turn for turn in turns] == [set(), in_epochs[1] - in_epochs[0]]
    assert in_epochs[0] == in_epochs[2]
    assert min(len(in_epochs[0] & turns[0]), len(in_epochs[1] & turns[1])) > 5
    line = describe_batches(data, config, None)
    assert line.startswith(f"{len(pairs):,} training and ")
    assert f", {genuine + best:,} training pairs in the first epoch" in line
    assert describe_batches(data, config, [30, 28, 30]).endswith(", 28 to 30 batches per epoch")
    again = reopen_training_data(run, config, None)
    assert [again.train.pair_count(epoch) for epoch in (0, 1)] == [genuine + best, genuine + second]


def test_no_more_translations_than_the_beam_finds(french_to_english: RunDirectory) -> None:
    with pytest.raises(ConfigError, match="a beam of 2 does not find 3 translations"):
        with_back_translations(french_to_english, n_best=3)


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
    text = "".join(f"{line}\n" for line in [*MONOLINGUAL, ""]).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    config = with_back_translations(french_to_english, text=str(tmp_path / name))
    run, data, _ = prepare(config, tmp_path / "run")
    made = run.read_facts()["back_translations"]
    expected = whole_translations(french_to_english, MONOLINGUAL)
    assert (made["made"], made["kept"]) == (21, len(expected))
    assert set(stored_pairs(data)[-made["kept"] :]) == expected


def test_attention_is_guided_in_every_pair(french_to_english: RunDirectory, tmp_path: Path) -> None:
    guided = {"training": {**CONTENT["training"], "guided_attention": {"weight": 0.5}}}
    _, data, _ = prepare(with_back_translations(french_to_english, guided), tmp_path / "run")
    assert data.alignments is not None
    assert len(data.alignments.is_known) == len(data.train.store) > 100


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tokenizer": {"folder": "~/none"}}, "nobody/none"),
        (
            {"training": {"guided_attention": {"weight": 1.0, "alignments": "~/none.align"}}},
            "nobody/none.align",
        ),
    ],
    ids=["tokenizer", "alignments"],
)
def test_what_is_given_is_read_before_anything_is_translated(
    given: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setattr(training_data, "synthetic_pairs", lambda *_: pytest.fail("it was translated"))
    with pytest.raises(UserError, match=said):
        prepare(tiny_training(given), tmp_path / "run")


def test_a_text_translated_once_is_not_translated_again(
    french_to_english: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stopped the first start, hours of translating are not lost with it."""
    config = with_back_translations(french_to_english)
    with monkeypatch.context() as patch:
        patch.setattr(training_data, "train_tokenizers", lambda *_, **__: pytest.fail("stopped here"))
        with pytest.raises(pytest.fail.Exception, match="stopped here"):
            prepare(config, tmp_path / "run")
    loaded = []
    load = Translator.load
    monkeypatch.setattr(Translator, "load", lambda run: loaded.append(run) or load(run))
    _, data, _ = prepare(config, tmp_path / "run")
    assert loaded == []
    _, anew, _ = prepare(config, tmp_path / "another")
    assert len(loaded) == 1
    assert stored_pairs(data) == stored_pairs(anew)
    # Of something else they are made again: with another beam, of other text, by another model.
    prepare(with_back_translations(french_to_english, beam_size=3), tmp_path / "run")
    (tmp_path / "text.fr").write_text("Le chien dort.\n")
    text = with_back_translations(french_to_english, beam_size=3, text=str(tmp_path / "text.fr"))
    prepare(text, tmp_path / "run")
    assert len(loaded) == 3
    model = RunDirectory(shutil.copytree(french_to_english.path, tmp_path / "model"))
    make_tiny_run(model.path, seed=2)
    say_languages(model, "fr", "en")
    prepare(with_back_translations(model, beam_size=3, text=str(tmp_path / "text.fr")), tmp_path / "run")
    assert len(loaded) == 4


def test_an_interrupted_translation_goes_on_where_it_was(
    french_to_english: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole, _ = prepare(with_back_translations(french_to_english), tmp_path / "whole")
    translate_stream, asked = Translator.translate_stream, []

    def interrupted(
        translator: Translator, texts: Iterator[str], *options: Any, **more: Any
    ) -> Iterator[Any]:
        yield from itertools.islice(translate_stream(translator, texts, *options, **more), 30)
        raise KeyboardInterrupt

    def noted(translator: Translator, texts: Iterator[str], *options: Any, **more: Any) -> Iterator[Any]:
        asked.extend(texts)
        return translate_stream(translator, iter(asked), *options, **more)

    monkeypatch.setattr(Translator, "translate_stream", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(with_back_translations(french_to_english), tmp_path / "run")
    monkeypatch.setattr(Translator, "translate_stream", noted)
    run, data, _ = prepare(with_back_translations(french_to_english), tmp_path / "run")
    assert asked == [target for _, target in CORPUS[30:]]
    assert data.train.store.fingerprint == whole.train.store.fingerprint
    assert not list(run.back_translations_folder.glob("unfinished*"))


def test_a_beam_tried_by_mistake_costs_nothing_of_what_there_is(
    french_to_english: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, mistake = (with_back_translations(french_to_english, beam_size=size) for size in (2, 3))
    _, first, _ = prepare(config, tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(Translator, "load", lambda models: pytest.fail("stopped here"))
        with pytest.raises(pytest.fail.Exception, match="stopped here"):
            prepare(mistake, tmp_path / "run")
        _, again, _ = prepare(config, tmp_path / "run")
    assert again.train.store.fingerprint == first.train.store.fingerprint


@pytest.mark.parametrize("in_a_file", [False, True])
def test_what_cleaning_holds_out_does_not_come_back_in_other_words(
    french_to_english: RunDirectory, tmp_path: Path, in_a_file: bool
) -> None:
    held_out, test = CORPUS[3], CORPUS[5]
    for name, pairs in (("train", CORPUS), ("validation", [held_out]), ("test", [test])):
        (tmp_path / f"{name}.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in pairs))
    # As it stands in the training split, with other white space.
    (tmp_path / "text.fr").write_text("".join(f"{target.replace(' ', '  ')} \n" for _, target in CORPUS))
    corpus: dict[str, Any] = {
        "kind": "text",
        **{name: {"tsv": str(tmp_path / f"{name}.tsv")} for name in ("train", "validation")},
        "test": {"test": {"tsv": str(tmp_path / "test.tsv")}},
    }
    options = {"text": str(tmp_path / "text.fr")} if in_a_file else {}

    def targets(rule: str) -> set[str]:
        data = {
            "source_language": "en",
            "target_language": "fr",
            "corpus": corpus,
            "cleaning": {"max_length_ratio": None, "held_out_overlap": rule},
            "back_translation": {"model": str(french_to_english.path), "beam_size": 2, **options},
        }
        run, trained, _ = prepare(tiny_training({"data": data}), tmp_path / f"run-{rule}")
        made = run.read_facts()["back_translations"]
        assert made["made"] == (80 if rule == "report" else 78)
        return {target for _, target in stored_pairs(trained)}

    assert {held_out[1], test[1]} <= targets("report")
    assert {held_out[1], test[1]}.isdisjoint(targets("remove"))


def test_a_translation_that_is_not_whole_is_left_out(french_to_english: RunDirectory, tmp_path: Path) -> None:
    """The model's training had 100 pieces on a side at most: it reads the first 200 of a line."""
    ((_, whole), *_) = sorted(whole_translations(french_to_english, MONOLINGUAL))
    lines = [whole, "Un chat noir dort. " * 20]
    (tmp_path / "text.fr").write_text("".join(f"{line}\n" for line in lines))
    run, data, _ = prepare(
        with_back_translations(french_to_english, text=str(tmp_path / "text.fr")), tmp_path / "run"
    )
    made = run.read_facts()["back_translations"]
    assert (made["made"], made["kept"]) == (2, 1)
    assert stored_pairs(data)[-1][1] == lines[0]


def test_the_last_epochs_have_the_pairs_of_the_corpus_alone(
    french_to_english: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = {"schedule": "cosine", "warmup_steps": 2, "epochs": 3}
    config = with_back_translations(
        french_to_english, {"training": {**CONTENT["training"], **schedule}}, until_epoch=2
    )
    _, data, _ = prepare(config, tmp_path / "prepared")
    first, second, last = (data.train.kept_pairs(epoch) or 0 for epoch in range(3))
    assert first == second > 100
    assert last == 80
    counts = [-(-pairs // 16) for pairs in (first, second, last)]
    steps = []
    make = training.make_schedule
    monkeypatch.setattr(
        training,
        "make_schedule",
        lambda *name, **more: steps.append(more["total_steps"]) or make(*name, **more),
    )
    monkeypatch.setattr(training, "_fit", lambda *_: None)  # all is known before the first batch
    _, printed = train_here(config, tmp_path / "run")
    assert f"{counts[0]} batches per epoch, {counts[2]} from epoch 3 on" in printed
    assert steps == [sum(counts)]  # the cosine ends with the last batch


@pytest.mark.slow
def test_how_long_they_are_used_may_change_on_the_way(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    """As the number of epochs may: who trains longer may want to end with the corpus' own pairs."""
    train_here(with_back_translations(french_to_english), tmp_path / "run")
    longer = {"training": {**CONTENT["training"], "epochs": 2}}
    config = with_back_translations(french_to_english, longer, until_epoch=1)
    progress, _ = train_here(config, tmp_path / "run", resume=True)
    assert progress.epoch == 2


def test_opened_again_without_the_back_translations_the_pairs_are_the_same(
    french_to_english: RunDirectory, tmp_path: Path
) -> None:
    config = with_back_translations(french_to_english)
    run, data, _ = prepare(config, tmp_path / "run")
    assert stored_pairs(reopen_training_data(run, config, None)) == stored_pairs(data)


class TestRefused:
    def test_a_corpus_of_which_cleaning_leaves_nothing(
        self, french_to_english: RunDirectory, tmp_path: Path
    ) -> None:
        """What is made would be left over."""
        for name, pairs in (("train", [("a dog", "a dog")]), ("validation", CORPUS[:2])):
            (tmp_path / f"{name}.tsv").write_text(
                "".join(f"{source}\t{target}\n" for source, target in pairs)
            )
        data = {
            "source_language": "en",
            "target_language": "fr",
            "corpus": {
                "kind": "text",
                **{name: {"tsv": str(tmp_path / f"{name}.tsv")} for name in ("train", "validation")},
            },
            "back_translation": {"model": str(french_to_english.path)},
        }
        with pytest.raises(UserError, match="cleaning left none of its training pairs"):
            prepare(tiny_training({"data": data}), tmp_path / "run")

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

    def test_the_home_directory_is_known(
        self, french_to_english: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(UserError, match=rf"^{re.escape(str(tmp_path))}/none\.fr"):
            prepare(with_back_translations(french_to_english, text="~/none.fr"), tmp_path / "run")

    def test_text_without_a_line(self, french_to_english: RunDirectory, tmp_path: Path) -> None:
        (tmp_path / "empty.fr").write_text("")
        config = with_back_translations(french_to_english, text=str(tmp_path / "empty.fr"))
        with pytest.raises(ConfigError, match=r"empty\.fr has no sentence to translate: it is empty, or"):
            prepare(config, tmp_path / "run")

    def test_text_that_is_held_out_altogether(self, french_to_english: RunDirectory, tmp_path: Path) -> None:
        corpus = load_starter_corpus(train_pairs=80, validation_pairs=10, test_pairs=5)
        (_, target), *_ = corpus.validation
        (tmp_path / "held.fr").write_text(f"{target}\n")
        config = with_back_translations(french_to_english, text=str(tmp_path / "held.fr"))
        data = config.data.model_copy(
            update={"cleaning": config.data.cleaning.model_copy(update={"held_out_overlap": "remove"})}
        )
        with pytest.raises(ConfigError, match="all of it is in validation or test"):
            prepare(config.model_copy(update={"data": data}), tmp_path / "run")

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
