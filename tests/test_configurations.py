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
from seq2seq.paper_convention import convention_of
from seq2seq.run_directory import RunDirectory
from tests.repetitions import rest_slow

CONFIGS = Path(__file__).parents[1] / "configs"
DIRECTIONS = (("en", "de"), ("en", "fr"), ("de", "en"))
SMALL = (
    *("training.epochs=1", "training.validate_from_epoch=1", "training.plot_sentences=0"),
    *("training.tensorboard=false", "training.warmup_steps=1"),
    "tokenizer.vocabulary_size=400",
    *("batches.batch_size=8", "batches.max_shapes=2", "model.embedding_units=8", "model.readout_units=8"),
    *("model.encoder_units=8", "model.decoder_units=8", "model.attention_units=8"),
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("files", [1, 2])
def test_text_files_trains_from_a_file_or_two_for_each_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_corpus").mkdir()
    two_files = []
    for split, count, skipped in (("train", 120, 0), ("validation", 12, 120), ("test", 10, 132)):
        pairs = list(sentence_pairs(count, skipped))
        lines = "".join(f"{source}\t{target}\n" for source, target in pairs)
        Path(f"my_corpus/{split}.tsv").write_text(lines, encoding="utf-8")
        for language, texts in zip(("en", "sv"), zip(*pairs, strict=True), strict=True):
            lines = "".join(f"{text}\n" for text in texts)
            Path(f"my_corpus/{split}.{language}").write_text(lines, encoding="utf-8")
        files_of_split = f"{{source: my_corpus/{split}.en, target: my_corpus/{split}.sv}}"
        two_files.append(
            f"data.corpus.{split}=" + (f"{{test: {files_of_split}}}" if split == "test" else files_of_split)
        )
    run = train_briefly("text_files.yaml", tmp_path, *(two_files if files == 2 else ()))
    facts = run.read_facts()
    assert (facts["source_language"], facts["target_language"]) == ("en", "sv")
    assert facts["train_pairs"] > 100


@pytest.mark.slow  # `make demo` trains it, too
def test_the_starter_configuration_trains(tmp_path: Path) -> None:
    sizes = ("train_pairs=120", "validation_pairs=8", "test_pairs=8")
    run = train_briefly("starter.yaml", tmp_path, *(f"data.corpus.{size}" for size in sizes))
    assert run.read_facts()["train_pairs"] == 120


PAIR_COUNTS = {
    "train": 120,
    "val": 12,
    "test_2016_flickr": 5,
    "test_2017_flickr": 5,
    "test_2017_mscoco": 5,
    "test_2018_flickr": 5,
}
MULTI30K = {
    **{f"multi30k_{source}_{target}": (source, target) for source, target in DIRECTIONS},
    **{f"paper/multi30k_{source}_{target}": (source, target) for source, target in DIRECTIONS},
}


# One says nearly all that the others would, and it takes half a minute each time.
@pytest.mark.parametrize("name", rest_slow(list(MULTI30K)))
def test_multi30k_trains_in_every_direction_and_form(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_tfds()
    from tests.data.test_multi30k import Builder, register, write_file

    source, target = MULTI30K[name]
    form = "tok" if name.startswith("paper/") else "raw"
    skipped = 0
    for stem, count in PAIR_COUNTS.items():
        columns = zip(*sentence_pairs(count, skipped), strict=True)
        for language, texts in zip((source, target), columns, strict=True):
            write_file(tmp_path / "mirror", stem, language, form, list(texts))
        skipped += count
    register(tmp_path / "mirror", tmp_path / "checksums.tsv")
    monkeypatch.setattr(Builder, "CHECKSUMS", tmp_path / "checksums.tsv")
    run = train_briefly(f"{name}.yaml", tmp_path, *local_files(tmp_path))
    facts = run.read_facts()
    assert (facts["source_language"], facts["target_language"]) == (source, target)
    data = run.config.data
    made = 0
    for kind, settings in (("back", data.back_translation), ("forward", data.forward_translation)):
        kept = facts.get(f"{kind}_translations", {"kept": 0})["kept"]
        assert (kept > 0) == (settings is not None)
        made += kept
    assert (facts["train_pairs"] - made, facts["validation_pairs"]) == (120, 12)
    assert facts["corpus"].endswith(".lc.norm.tok") == (form == "tok")
    assert convention_of(run.config.evaluation) == ("tokenized" if form == "tok" else "moses-lower")
    assert list(run.config.data.corpus.test) == ["test_2016_flickr", "test_2017_flickr", "test_2017_mscoco"]


@pytest.mark.slow
def test_tatoeba_en_es_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_tfds()
    from tests.data.test_multi30k import register
    from tests.data.test_tatoeba_en_es import Builder, write_archive

    lines = [f"{source}\t{target}" for source, target in sentence_pairs(500)]
    write_archive(tmp_path / "mirror" / "spa-eng.zip", lines)
    register(tmp_path / "mirror", tmp_path / "checksums.tsv", Builder.BASE_URL)
    monkeypatch.setattr(Builder, "CHECKSUMS", tmp_path / "checksums.tsv")
    run = train_briefly(
        "tatoeba_en_es.yaml", tmp_path, *local_files(tmp_path), "training.validate_from_epoch=1"
    )
    facts = run.read_facts()
    assert (facts["source_language"], facts["target_language"]) == ("en", "es")
    assert facts["licence"].startswith("CC BY 2.0 FR")
    assert facts["train_pairs"] > 400


def local_files(folder: Path) -> tuple[str, str]:
    return f"data.corpus.mirror={folder / 'mirror'}", f"data.corpus.data_dir={folder / 'tfds'}"


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_configuration_is_called_like_its_file_and_says_how_to_use_it(path: Path) -> None:
    relative = path.relative_to(CONFIGS)
    assert load_config(path).name == "_".join(relative.with_suffix("").parts)
    text = path.read_text(encoding="utf-8")
    assert f"#   python train.py --config configs/{relative.as_posix()}" in text
    assert max(map(len, text.splitlines())) <= 120
