"""From a trained run to a shipped model: what is written, and what is refused."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import UserError
from seq2seq import halving, shipped_models
from seq2seq import ship as ship_module
from seq2seq.config import dump_config, parse_config
from seq2seq.corpus_config import TfdsCorpusConfig
from seq2seq.run_directory import RunDirectory
from seq2seq.ship import main
from seq2seq.shipped_config import shipped_config
from seq2seq.translator import Translator
from tests.seq2seq.shipped_run import LICENCE, ship_here

SENTENCES = ["The old man is in the garden.", "I do not see the black cat.", "Where is the house?"]


def test_it_translates_like_the_run_through_the_same_path(evaluated_run: Path, shipped_model: Path) -> None:
    run, shipped = (Translator.load(path) for path in (evaluated_run, shipped_model))
    assert shipped.default_options() == run.default_options()
    pairs = zip(run.translate(SENTENCES), shipped.translate(SENTENCES), strict=True)
    for whole, half in pairs:
        assert half.text == whole.text
        np.testing.assert_allclose(half.best.attention, whole.best.attention, atol=0.01)
    weights = [
        np.concatenate([each.ravel() for each in one.models[0].get_weights()]) for one in (run, shipped)
    ]
    np.testing.assert_array_equal(weights[0].astype(np.float16), weights[1].astype(np.float16))
    assert (weights[0] != weights[1]).any()  # it is rounded, and computes with what is left in float32
    assert weights[1].dtype == np.float32


def test_what_lies_in_it(evaluated_run: Path, shipped_model: Path) -> None:
    names = sorted(
        str(path.relative_to(shipped_model)) for path in shipped_model.rglob("*") if path.is_file()
    )
    assert names == [
        *("README.md", "SHA256SUMS", "config.yaml", "run.json", "scores.json"),
        *("tokenizer/joint.model", "tokenizer/joint.vocab", "weights.zip"),
    ]
    facts, shipped_facts = (RunDirectory(path).read_facts() for path in (evaluated_run, shipped_model))
    assert shipped_facts == facts
    scores = json.loads((shipped_model / "scores.json").read_text(encoding="utf-8"))
    evaluation = json.loads((evaluated_run / "evaluation" / "test.json").read_text(encoding="utf-8"))
    (report,) = scores["evaluations"]
    assert report["scores"] == evaluation["scores"]
    assert report["by_source_length"] == evaluation["by_source_length"]
    assert "sentences" not in report
    halves = scores["half_precision"]
    assert halves["sentences"] == 10
    whole, half = (halves[name] for name in ("float32", "float16"))
    assert whole["bleu"] == pytest.approx(half["bleu"], abs=0.2)
    assert whole["perplexity_per_token"] != half["perplexity_per_token"]
    assert half["perplexity_per_token"] == pytest.approx(whole["perplexity_per_token"], rel=1e-3)


def test_the_card_has_the_numbers_of_the_files(evaluated_run: Path, shipped_model: Path) -> None:
    card = (shipped_model / "README.md").read_text(encoding="utf-8")
    report = json.loads((evaluated_run / "evaluation" / "test.json").read_text(encoding="utf-8"))
    halves = json.loads((shipped_model / "scores.json").read_text(encoding="utf-8"))["half_precision"]
    facts = RunDirectory(evaluated_run).read_facts()
    for said in (
        "# tiny-en-fr\n",
        "Translates English sentences of starter into French",
        f"| test | 5 | 5 | {report['scores']['bleu']['score']:.1f} | "
        f"{report['scores']['chrf']['score']:.1f} |",
        f"- BLEU: `{report['scores']['bleu']['signature']}`",
        f"| as shipped, float16 | {halves['float16']['bleu']:.2f} |",
        f"{halves['same_translations']} translations are the same to the letter",
        f"| seed | {RunDirectory(evaluated_run).config.seed} |",
        "| attention | left to itself |",
        "| search | beam 5, length penalty 1, unless",
        f"tensorflow {facts['versions']['tensorflow']}",
        f"{facts['epochs']}, the best one is {facts['best_epoch']}",
        "| English | 80 |",
        LICENCE,
        "name a male person",
        "sha256sum -c SHA256SUMS",
    ):
        assert said in card
    assert str(evaluated_run) not in card
    assert not re.search(r"\b(None|nan)\b", card)


@pytest.mark.slow
def test_the_same_run_gives_the_same_files(evaluated_run: Path, shipped_model: Path, tmp_path: Path) -> None:
    again = ship_here(evaluated_run, tmp_path / "models" / "tiny-en-fr")
    for path in sorted(shipped_model.rglob("*")):
        if path.is_file():
            assert (again / path.relative_to(shipped_model)).read_bytes() == path.read_bytes(), path
    assert [path.name for path in again.parent.iterdir()] == ["tiny-en-fr"]


def test_it_says_what_halving_cost(
    evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ship_here(evaluated_run, tmp_path / "model")
    printed = capsys.readouterr().out
    assert re.search(r"model: 0\.\d MB\n", printed)
    assert re.search(
        r"validation BLEU [\d.]+ before, [\d.]+ after halving; \d+ of 10 translations are the same", printed
    )


def test_what_is_there_is_replaced_only_when_asked(evaluated_run: Path, tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "weights.zip").write_text("of an older model")
    with pytest.raises(UserError, match=r"model is there already\. .*--replace"):
        main([str(evaluated_run), str(target)])
    assert (target / "weights.zip").read_text() == "of an older model"
    ship_here(evaluated_run, target, "--replace")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert Translator.load(target).translate(["I see."])[0].text is not None


@pytest.mark.parametrize("options", [[], ["--replace"]])
def test_what_is_no_shipped_model_is_never_replaced(
    evaluated_run: Path, tmp_path: Path, options: list[str]
) -> None:
    """The name forgotten, it would be the folder of all models; or the run itself."""
    folder = tmp_path / "models" / "other" / "weights.zip"
    folder.parent.mkdir(parents=True)
    folder.write_text("precious")
    for target in (tmp_path / "models", evaluated_run):
        with pytest.raises(UserError, match="is there and no shipped model"):
            main([str(evaluated_run), str(target), *options])
    assert folder.read_text() == "precious"
    assert RunDirectory(evaluated_run).model_file.is_file()


def test_where_nothing_can_be_written_nothing_is_read(evaluated_run: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(UserError, match="Cannot write"):
        main([str(evaluated_run), str(tmp_path / "models" / "new")])


@pytest.fixture
def run(evaluated_run: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(evaluated_run, tmp_path / "run")


def change_json(path: Path, change: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def refused(run: Path, said: str, *options: str) -> None:
    target = run.parent / "models" / "refused"
    with pytest.raises(UserError, match=said):
        main([str(run), str(target), "--licence", LICENCE, *options])
    assert not target.parent.exists() or list(target.parent.iterdir()) == []


def test_a_training_that_has_not_ended(run: Path) -> None:
    change_json(run / "run.json", lambda facts: facts.update(finished=False))
    refused(run, r"is not finished.*train\.py --run .* --resume")


def test_a_run_that_was_not_evaluated(run: Path) -> None:
    (run / "evaluation" / "test.json").rename(run / "evaluation" / "other.txt")
    refused(run, "holds no evaluation.*evaluate.py --model")


def test_an_evaluation_of_an_older_model(run: Path) -> None:
    config = run / "config.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("beam_size: 5", "beam_size: 4"), encoding="utf-8"
    )
    refused(run, "test was evaluated with another state of this run.*Evaluate it again")


def test_an_evaluation_of_an_ensemble_or_of_a_part(run: Path) -> None:
    report = run / "evaluation" / "test.json"
    kept = report.read_bytes()
    change_json(report, lambda content: content["system"]["runs"].append(content["system"]["runs"][0]))
    refused(run, "test was evaluated with an ensemble")
    report.write_bytes(kept)
    change_json(report, lambda content: content["options"].update(limit=3))
    refused(run, r"not evaluated as a whole, with the model as it is \(first 3\)")
    report.write_bytes(kept)
    change_json(report, lambda content: content["options"].update(shortlist=True, attention="uniform"))
    refused(run, r"with the model as it is \(uniform attention, shortlist\)")


def test_of_files_nobody_knows_whether_training_has_seen_them(run: Path, tmp_path: Path) -> None:
    """They may be the training text itself, and the card says that nothing of its sets was seen."""
    report = json.loads((run / "evaluation" / "test.json").read_text(encoding="utf-8"))
    files = {**report, "set": "train.en", "corpus": "text files"}
    (run / "evaluation" / "train.en.json").write_text(json.dumps(files), encoding="utf-8")
    assert [each["set"] for each in ship_module.shippable_reports(RunDirectory(run))] == ["test"]


def test_another_state_of_the_corpus(run: Path) -> None:
    facts = (run / "run.json").read_bytes()
    change_json(run / "run.json", lambda facts: facts["corpus_fingerprints"].update(validation="0" * 64))
    refused(run, r"on another text than that of starter: validation differs \(SHA-256\)")
    (run / "run.json").write_bytes(facts)
    change_json(run / "evaluation" / "test.json", lambda report: report.update(set_fingerprint="0" * 64))
    refused(run, r"on another text than that of starter: test differs \(SHA-256\)")


def test_a_shipped_model_is_no_run(
    shipped_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", shipped_model.parent)
    for name in (str(shipped_model), shipped_model.name):
        with pytest.raises(UserError, match="is a shipped model already"):
            main([name, str(tmp_path / "model")])
    with pytest.raises(UserError, match="nothing does not exist: expected the directory of a trained run"):
        main(["nothing", str(tmp_path / "model")])


def test_files_that_are_too_large(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship_module, "LARGEST_BYTES", 10_000)
    refused(run, r"its files would take 0\.\d MB in half precision, at most 0 MB are accepted")


@pytest.mark.slow
def test_the_card_and_the_scores_count_too(
    run: Path, shipped_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = ("README.md", "scores.json")
    files = [path for path in shipped_model.rglob("*") if path.is_file() and path.name not in documents]
    size = sum(path.stat().st_size for path in files)
    monkeypatch.setattr(ship_module, "LARGEST_BYTES", size + 100)
    refused(run, r"its files would take 0\.\d MB in half precision")


@pytest.mark.slow
def test_half_precision_that_costs_too_much(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halving, "LARGEST_LOSS", -1.0)  # even an equal score is then too bad
    refused(run, "In half precision the model loses")


def test_an_interruption_leaves_nothing_behind(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ship_module, "_halving", interrupt)
    with pytest.raises(KeyboardInterrupt):
        main([str(run), str(run.parent / "models" / "model"), "--licence", LICENCE])
    assert os.listdir(run.parent / "models") == []


def test_paths_of_the_machine_are_left_out(run: Path) -> None:
    content = RunDirectory(run).config.model_dump(mode="json")
    content["data"]["corpus"] = {"kind": "tfds", "name": "multi30k/en-de", "data_dir": "/x/y", "mirror": "/m"}
    content["tokenizer"]["folder"] = "/elsewhere/tokenizer"
    content["training"]["guided_attention"] = {
        "weight": 0.5,
        "alignments": "/elsewhere/links.txt",
        "word_mode": "whitespace",
    }
    config = shipped_config(parse_config(content, "test"), None, Path("models/one"))
    corpus = config.data.corpus
    assert isinstance(corpus, TfdsCorpusConfig)
    assert (corpus.data_dir, corpus.mirror) == (None, None)
    assert config.tokenizer.folder == "models/one/tokenizer"  # trained again, it has the same pieces
    assert corpus.name == "multi30k/en-de"
    guided = config.training.guided_attention
    assert (guided.weight, guided.alignments, guided.word_mode) == (0.5, None, "unicode")
    assert "/elsewhere" not in dump_config(config)


def test_text_files_may_be_called_by_the_name_of_their_data_set(run: Path) -> None:
    content = RunDirectory(run).config.model_dump(mode="json")
    files = {"source": "a", "target": "b"}
    content["data"] = {
        "source_language": "en",
        "target_language": "es",
        "corpus": {"kind": "text", "train": files, "validation": files, "test": {"one": files, "two": files}},
    }
    config = shipped_config(parse_config(content, "test"), "tatoeba_en_es/en-es", Path("models/one"))
    corpus = config.data.corpus
    assert config.tokenizer.folder is None
    assert isinstance(corpus, TfdsCorpusConfig)
    assert (corpus.name, corpus.test) == ("tatoeba_en_es/en-es", ["one", "two"])


def test_another_data_set_than_that_of_the_run_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from data.starter import load_starter_corpus
    from seq2seq import corpus_loading

    other = load_starter_corpus(train_pairs=80, validation_pairs=10, test_pairs=5, seed=99)
    asked = []
    monkeypatch.setattr(
        corpus_loading, "load_corpus", lambda config, mirror: asked.append((config, mirror)) or other
    )
    refused(run, "on another text", "--corpus", "some/corpus", "--mirror", "somewhere")
    ((config, mirror),) = asked
    assert (config.corpus.name, mirror) == ("some/corpus", "somewhere")


def test_the_card_admits_what_training_has_seen_of_a_test_set(shipped_model: Path, tmp_path: Path) -> None:
    from seq2seq.corpus_notes import corpus_notes
    from seq2seq.model_card import ModelCard
    from seq2seq.ship import _shared_pairs

    run = RunDirectory(tmp_path)
    hits = {name: {"shared": {"pair": {"pairs": count}}} for name, count in (("validation", 1), ("test", 3))}
    rules = {"held_out_overlap": "report"}
    run.cleaning_file.write_text(json.dumps({"rules": rules, "held_out": {**hits, "other": hits["test"]}}))
    assert _shared_pairs(run) == {"test": 3, "other": 3}
    rules["held_out_overlap"] = "remove"
    run.cleaning_file.write_text(json.dumps({"rules": rules, "held_out": hits}))
    assert _shared_pairs(run) == {}
    scores = json.loads((shipped_model / "scores.json").read_text(encoding="utf-8"))
    assert scores["shared_pairs"] == {}
    notes = corpus_notes("starter", LICENCE, None)
    said = "Neither training nor the choice of the best epoch saw these sets."
    assert said in "\n".join(ModelCard("one", RunDirectory(shipped_model), scores, notes, "").lines())
    scores["shared_pairs"] = {"test": 3}
    card = "\n".join(ModelCard("one", RunDirectory(shipped_model), scores, notes, "").lines())
    assert said not in card
    assert "stand among the training pairs, too: 3 of test." in card


def test_the_card_knows_the_size_of_a_vocabulary_that_was_given(shipped_model: Path, tmp_path: Path) -> None:
    from data.checksums import write_checksums
    from data.tokenizer import train_tokenizers
    from seq2seq.config import dump_config
    from seq2seq.corpus_notes import corpus_notes
    from seq2seq.model_card import ModelCard
    from tests.seq2seq.tiny_run import SENTENCES

    model = shutil.copytree(shipped_model, tmp_path / "model")
    scores = json.loads((model / "scores.json").read_text(encoding="utf-8"))
    notes = corpus_notes("starter", LICENCE, None)
    shipped = RunDirectory(model)
    size = shipped.tokenizers.source.vocabulary_size
    card = "\n".join(ModelCard("one", shipped, scores, notes, "").lines())
    assert f"bpe of {size} pieces, one vocabulary for both languages" in card
    content = shipped.config.model_dump(mode="json")
    content["tokenizer"]["folder"] = "models/one/tokenizer"
    content["model"]["tied_embeddings"] = "two-way"
    shipped.config_file.write_text(dump_config(parse_config(content, "test")))
    pairs = [(sentence, sentence.upper()) for sentence in SENTENCES]
    train_tokenizers(pairs, joint=False, vocabulary_size=(330, 340)).save(shipped.tokenizer_folder)
    write_checksums(model)
    card = "\n".join(ModelCard("one", RunDirectory(model), scores, notes, "").lines())
    assert "a given vocabulary of 330 and 340 pieces, a vocabulary for each language" in card


def test_the_card_counts_what_cleaning_has_left(tmp_path: Path) -> None:
    from data.pair_store import PairStore
    from data.starter import load_starter_corpus
    from seq2seq.ship import _seen

    run = RunDirectory(tmp_path)
    PairStore.write(run.data_folder / "train", [("a dog", "un chien"), ("a cat sleeps", "un chat dort")])
    seen = _seen(run, load_starter_corpus(train_pairs=50, validation_pairs=5, test_pairs=5))
    assert {language: each["sentences"] for language, each in seen.items()} == {"en": 2, "fr": 2}
    assert seen["en"]["longest"] == 3


def test_the_card_says_what_a_training_began_with(shipped_model: Path, tmp_path: Path) -> None:
    from data.checksums import write_checksums
    from seq2seq.corpus_notes import corpus_notes
    from seq2seq.model_card import ModelCard

    model = shutil.copytree(shipped_model, tmp_path / "model")
    shipped = RunDirectory(model)
    content = shipped.config.model_dump(mode="json")
    content["training"]["start_from"] = "elsewhere/first"
    content["data"]["careless_typing"] = 0.25
    content["training"]["guided_attention"] = {"weight": 0.5, "unaligned": "end"}
    content["search"] |= {"beam_size": 4, "length_penalty": 1.5}
    config = shipped_config(parse_config(content, "test"), None, Path("models/one"))
    assert config.training.start_from == "first"
    shipped.config_file.write_text(dump_config(config))
    shipped.write_facts(started_from={"model": "first", "fingerprint": "1234", "corpus": "its corpus"})
    write_checksums(model)
    scores = json.loads((model / "scores.json").read_text(encoding="utf-8"))
    notes = corpus_notes("starter", LICENCE, None)
    card = "\n".join(ModelCard("one", RunDirectory(model), scores, notes, "").lines())
    assert "as people type them" not in (model / "README.md").read_text(encoding="utf-8")
    assert "It began with the weights of `first`, which had been trained on its corpus." in card
    assert "and on nothing else" not in card
    assert "| attention | guided towards word alignments (weight 0.5, `unaligned: end`)" in card
    assert "| search | beam 4, length penalty 1.5, unless" in card
    assert "Of its English sentences 25%, others in every epoch, were read as people type them" in card


def test_back_translations_are_told_but_are_not_the_corpus(shipped_model: Path, tmp_path: Path) -> None:
    from data.checksums import write_checksums
    from data.pair_store import PairStore
    from data.starter import load_starter_corpus
    from seq2seq.corpus_notes import corpus_notes
    from seq2seq.model_card import ModelCard
    from seq2seq.ship import _seen

    run = RunDirectory(tmp_path / "run")
    pairs = [("a dog", "un chien"), ("a cat sleeps", "un chat dort"), ("one dog there", "un chien")]
    PairStore.write(run.data_folder / "train", pairs)
    run.write_facts(back_translations={"made": 2, "kept": 1})
    PairStore.write(run.data_folder / "train", [*pairs, ("one dog", "le chien")])
    run.write_facts(forward_translations={"made": 2, "kept": 1})
    seen = _seen(run, load_starter_corpus(train_pairs=50, validation_pairs=5, test_pairs=5))
    assert {language: each["sentences"] for language, each in seen.items()} == {"en": 2, "fr": 2}

    model = shutil.copytree(shipped_model, tmp_path / "model")
    shipped = RunDirectory(model)
    content = shipped.config.model_dump(mode="json")
    for text, said in ((None, "its"), ("elsewhere/news.fr", "other")):
        settings = {"model": "elsewhere/fr-en", "text": text}
        content["data"]["back_translation"] = settings
        config = shipped_config(parse_config(content, "test"), None, Path("models/one"))
        published = config.data.back_translation
        assert published is not None
        assert (published.model, published.text) == ("fr-en", text and "news.fr")
        shipped.config_file.write_text(dump_config(config))
        shipped.write_facts(back_translations={"made": 70, "kept": 1234})
        write_checksums(model)
        scores = json.loads((model / "scores.json").read_text(encoding="utf-8"))
        notes = corpus_notes("starter", LICENCE, None)
        card = "\n".join(ModelCard("one", RunDirectory(model), scores, notes, "").lines())
        assert "1,234 of them back-translations" in card
        assert (
            f"and on nothing else but {said} French sentences with what fr-en translates them back to in "
            "English." in card
        )
        content["data"]["forward_translation"] = {"models": ["runs/a", "b"], "text": text}
        config = shipped_config(parse_config(content, "test"), None, Path("models/one"))
        forward = config.data.forward_translation
        assert forward is not None
        assert (forward.models, forward.text) == (["a", "b"], text and "news.fr")
        shipped.config_file.write_text(dump_config(config))
        shipped.write_facts(
            forward_translations={"made": 70, "kept": 56},
            back_translations={"made": 70, "kept": 1234, "kept_by_rank": [700, 534]},
        )
        write_checksums(model)
        card = "\n".join(ModelCard("one", RunDirectory(model), scores, notes, "").lines())
        made = "1,234 of them back-translations in 2 parts, one an epoch, 56 of them forward translations"
        assert made in card
        assert (
            f"them back to in English, and {said} English sentences with what a and b together translate "
            "them to in French." in card
        )
        for models in (["a/one"], ["b/x", "c/x"]):
            content["data"]["forward_translation"]["models"] = models
            with pytest.raises(UserError, match=r"known by its last name alone: move the runs"):
                shipped_config(parse_config(content, "test"), None, Path("models/one"))
        del content["data"]["forward_translation"]
