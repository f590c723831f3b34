"""The configurations that ship with the project, each really trained for a moment on a corpus made here."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from data.quiet_tensorflow import load_tensorflow_quietly
from data.starter import generate
from data.tfds_builders import import_tfds
from seq2seq.config import load_config
from seq2seq.run_directory import RunDirectory

CONFIGS = Path(__file__).parents[1] / "configs"
SMALL = (
    *("training.epochs=1", "training.validate_from_epoch=1", "training.plot_sentences=0"),
    *("training.tensorboard=false", "training.warmup_steps=1", "tokenizer.vocabulary_size=400"),
    *("batches.batch_size=8", "model.embedding_units=8", "model.readout_units=8", "model.encoder_units=8"),
    *("model.decoder_units=8", "model.attention_units=8"),
)


def train_briefly(name: str, folder: Path, *assignments: str) -> RunDirectory:
    load_tensorflow_quietly()
    from seq2seq.training import train

    run = RunDirectory(folder / "run")
    config = load_config(CONFIGS / name, [*SMALL, *assignments])
    progress = train(config, run, resume=False, mirror=None, console=Console(file=io.StringIO()))
    assert progress.finished
    return run


def sentence_pairs(count: int, skipped: int = 0) -> Iterator[tuple[str, str]]:
    for pair in itertools.islice(generate(3), skipped, skipped + count):
        yield pair.source, pair.target


def test_ted_pt_en_trains_from_a_data_set_of_tfds(tmp_path: Path) -> None:
    tfds = import_tfds()

    # The name, version and features of the real data set, with other sentences: what lies in `data_dir`
    # afterwards was written by TFDS and is read by TFDS' own `ted_hrlr_translate`.
    class TedHrlrTranslate(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="pt_to_en")]  # noqa: RUF012 (as TFDS wants it)
        pkg_dir_path = tmp_path

        def _info(self):
            features = tfds.features.Translation(languages=("pt", "en"))
            return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("pt", "en"))

        def _split_generators(self, dl_manager):
            sizes = {"train": (120, 0), "validation": (12, 120), "test": (10, 132)}
            return {split: self._generate_examples(*size) for split, size in sizes.items()}

        def _generate_examples(self, count, skipped):
            for number, (source, target) in enumerate(sentence_pairs(count, skipped)):
                yield number, {"pt": target, "en": source}

    TedHrlrTranslate(config="pt_to_en", data_dir=tmp_path / "tfds").download_and_prepare()
    run = train_briefly("ted_pt_en.yaml", tmp_path, f"data.corpus.data_dir={tmp_path / 'tfds'}")
    facts = run.read_facts()
    assert (facts["source_language"], facts["target_language"]) == ("pt", "en")
    assert (facts["train_pairs"], facts["validation_pairs"]) == (120, 12)
    assert run.load_model().count_params() == facts["parameters"]


def test_text_files_trains_from_two_files_a_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_corpus").mkdir()
    for split, count, skipped in (("train", 120, 0), ("validation", 12, 120), ("test", 10, 132)):
        columns = zip(*sentence_pairs(count, skipped), strict=True)
        for language, texts in zip(("az", "en"), columns, strict=True):
            content = "".join(f"{text}\n" for text in texts)
            Path("my_corpus", f"{split}.{language}").write_text(content, encoding="utf-8")
    run = train_briefly("text_files.yaml", tmp_path)
    facts = run.read_facts()
    assert (facts["source_language"], facts["target_language"]) == ("az", "en")
    assert facts["train_pairs"] > 100


def test_the_starter_configuration_trains(tmp_path: Path) -> None:
    sizes = ("train_pairs=120", "validation_pairs=8", "test_pairs=8")
    run = train_briefly("starter.yaml", tmp_path, *(f"data.corpus.{size}" for size in sizes))
    assert run.read_facts()["train_pairs"] == 120
