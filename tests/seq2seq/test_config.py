"""The configuration: what is accepted, what is refused, and how it says so."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from seq2seq import config, corpus_config
from seq2seq.config import Config, ConfigError, differences, dump_config, load_config, parse_config
from seq2seq.strict_yaml import parse_value

SHIPPED = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
STARTER = "name: tiny\ndata:\n  corpus:\n    kind: starter\n"
TEXT_CORPUS = """\
name: no
data:
  source_language: no
  target_language: en
  corpus:
    kind: text
    train: {source: a.no, target: a.en}
    validation: {tsv: b.tsv.gz}
    test:
      text: {tsv: "1e3"}
      "null": {source: c.no, target: c.en}
tokenizer: {joint: false, vocabulary_size: 500, target_vocabulary_size: 600}
model: {tied_embeddings: two-way}
training: {learning_rate: 1e-3, clip_norm: null}
"""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "run.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path, *assignments: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, assignments)
    return str(caught.value)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_configuration_loads(path: Path) -> None:
    assert load_config(path).name


def test_there_are_shipped_configurations() -> None:
    assert {"starter.yaml", "multi30k_en_de.yaml"} <= {path.name for path in SHIPPED}


@pytest.mark.parametrize("text", [STARTER, TEXT_CORPUS, *(path.read_text("utf-8") for path in SHIPPED)])
def test_what_is_written_is_read_back_as_it_was(write: Any, text: str) -> None:
    config = load_config(write(text))
    dumped = dump_config(config)
    assert load_config(write(dumped)) == config
    assert dump_config(load_config(write(dumped))) == dumped


def test_a_dump_shows_every_option(write: Any) -> None:
    dumped = dump_config(load_config(write(STARTER)))
    for name in Config.model_fields:
        assert f"\n{name}:" in f"\n{dumped}"
    assert "early_stopping_patience: null" in dumped


def test_words_are_words_and_numbers_numbers(write: Any) -> None:
    """`no` is a language, not False; 1e-3 a number, not a string: YAML 1.2, not 1.1."""
    config = load_config(write(TEXT_CORPUS))
    assert (config.name, config.data.source_language) == ("no", "no")
    assert config.training.learning_rate == 0.001
    assert config.data.corpus.model_dump()["test"]["text"] == {"source": None, "target": None, "tsv": "1e3"}
    assert load_config(write(STARTER + "seed: 010\n")).seed == 10


@pytest.mark.parametrize(
    ("added", "line", "said"),
    [
        ("sed: 3\n", 5, "unknown key `sed`; did you mean `seed`?"),
        ("model:\n  decoder_unit: 5\n", 6, "unknown key `model.decoder_unit`; did you mean `decoder_units`?"),
        ("training:\n  zzz: 5\n", 6, "unknown key `training.zzz`; known here: epochs, optimizer"),
        ("model:\n  encoder_units: '7'\n", 6, "`model.encoder_units`: Input should be a valid integer"),
        ("model:\n  encoder_units: 7.0\n", 6, "`model.encoder_units`: Input should be a valid integer"),
        ("model:\n  encoder_units: true\n", 6, "`model.encoder_units`: Input should be a valid integer"),
        (
            "model:\n  encoder_units: 0\n",
            6,
            "`model.encoder_units`: Input should be greater than or equal",
        ),
        ("model:\n  conditional_gru: 1\n", 6, "`model.conditional_gru`: Input should be a valid boolean"),
        ("model:\n  conditional_gru: yes\n", 6, "(received: 'yes')"),
        ("model:\n  embedding_dropout: 1.0\n", 6, "`model.embedding_dropout`: Input should be less than 1"),
        ("model:\n  readout: relu\n", 6, "'tanh', 'maxout' or 'linear' (received: 'relu')"),
        ("model: 3\n", 5, "`model`: "),
        ("training:\n  clip_norm: .inf\n", 6, "`training.clip_norm`: Input should be a finite number"),
        ("training:\n  learning_rate: .nan\n", 6, "`training.learning_rate`: "),
        ("training:\n  learning_rate: 0\n", 6, "`training.learning_rate`: Input should be greater than 0"),
        ("seed: 1\nseed: 2\n", 6, "`seed` is given twice"),
        ("model:\n  readout: tanh\n  readout: tanh\n", 7, "`model.readout` is given twice"),
        ("1: x\n", 5, "`1`: Keys should be strings"),
        ("model: [\n", 6, "not valid YAML"),
        ("model: *nowhere\n", 5, "not valid YAML"),
    ],
)
def test_each_mistake_is_named_with_its_line(write: Any, added: str, line: int, said: str) -> None:
    path = write(STARTER + added)
    message = refusal(path)
    assert message.startswith(f"{path}:{line}: ")
    assert said in message


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("batches: {tokens_per_batch: 900}", "exactly one of `batch_size` and `tokens_per_batch`"),
        ("batches: {batch_size: null}", "exactly one of `batch_size` and `tokens_per_batch`"),
        ("model: {readout_units: 100}", "tied embeddings need readout_units equal to embedding_units"),
        ("tokenizer: {joint: false}", "model.tied_embeddings: three-way needs tokenizer.joint: true"),
        ("tokenizer: {target_vocabulary_size: 9}", "target_vocabulary_size needs joint: false"),
        ("training: {weight_decay: 0.1}", "weight_decay needs optimizer: adamw"),
        ("training: {learning_rate: 1.0e-6}", "final_learning_rate (1e-05) must not be above learning_rate"),
        (
            "training: {epochs: 2, validate_from_epoch: 3}",
            "validate_from_epoch (3) is after the last epoch",
        ),
        ("batches: {max_length: 4001}", "less than or equal to 4000"),
        ("training: {r_drop_from_epoch: 2}", "r_drop_from_epoch says when r_drop begins"),
        (
            "batches: {batch_size: null, tokens_per_batch: 900}\ntokenizer: {sampling_alpha: 0.1}",
            "training.schedule: cosine needs to know the number of batches",
        ),
        (
            "  careless_typing: 0.3\nbatches: {batch_size: null, tokens_per_batch: 900}\n"
            "training: {schedule: constant, guided_attention: {weight: 1.0, decay_epochs: 2}}",
            "decay_epochs needs to know the number of batches",
        ),
    ],
)
def test_options_that_do_not_go_together(write: Any, added: str, said: str) -> None:
    path = write(f"{STARTER}{added}\n")
    assert said in refusal(path)


@pytest.mark.parametrize(
    "added",
    [
        "batches: {batch_size: null, tokens_per_batch: 900}",
        "model: {readout_units: 100, tied_embeddings: none}",
        "training: {weight_decay: 0.1, optimizer: adamw}",
        "training: {r_drop: 1.0, r_drop_from_epoch: 2}",
        "training: {learning_rate: 1.0e-6, schedule: constant}",
        "training: {epochs: 2, validate_from_epoch: 3, select_by: loss}",
    ],
)
def test_the_same_options_in_company_that_fits(write: Any, added: str) -> None:
    load_config(write(f"{STARTER}{added}\n"))


def test_a_test_set_has_a_name_of_its_own(write: Any) -> None:
    path = write(
        "name: x\ndata:\n  corpus:\n    kind: text\n    train: {tsv: a}\n    validation: {tsv: b}\n"
        "    test: {validation: {tsv: c}}\n"
    )
    assert "a test set cannot be called validation" in refusal(path)


def test_all_mistakes_are_told_at_once(write: Any) -> None:
    path = write(
        "name: x\nsed: 1\ndata:\n  corpus:\n    kind: text\n    train: {source: a, targt: b}\n"
        "    validation: {tsv: x, source: y}\n    test:\n      text: {tsv: x, foo: 1}\n"
        "model:\n  readout: relu\n"
    )
    lines = refusal(path).splitlines()
    assert sorted(lines) == sorted(
        [
            f"{path}:2: unknown key `sed`; did you mean `seed`?",
            f"{path}:6: unknown key `data.corpus.train.targt`; did you mean `target`?",
            f"{path}:7: `data.corpus.validation`: give either both `source` and `target`, or `tsv` alone",
            f"{path}:9: unknown key `data.corpus.test.text.foo`; known here: source, target, tsv",
            f"{path}:11: `model.readout`: Input should be 'tanh', 'maxout' or 'linear' (received: 'relu')",
        ]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\n", ": `data` is required"),
        (
            "name: x\ndata: {corpus: {}}\n",
            ":2: `data.corpus.kind` is missing; it must be one of: tfds, text,",
        ),
        (
            "name: x\ndata:\n  corpus: {kind: csv}\n",
            ":3: `data.corpus.kind` is 'csv'; it must be one of:",
        ),
        ("name: x\ndata: {corpus: {kind: tfds}}\n", ":2: `data.corpus.name` is required"),
        ("", ": expected a mapping of sections"),
        ("- name\n", ": expected a mapping of sections"),
        ("name: x\ndata: &a {b: *a}\n", ":2: `data.b` holds itself"),
        ("name: x\ndata: !!timestamp abc\n", ": not a value that can be read: "),
        ("name: x\ndata: !!bool maybe\n", ": not a value that can be read: "),
        (f"name: x\nseed: {'9' * 5000}\n", ": not a value that can be read: "),
    ],
)
def test_what_a_file_must_have(write: Any, text: str, said: str) -> None:
    path = write(text)
    assert refusal(path).startswith(f"{path}{said}")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert refusal(missing) == f"{missing}: cannot read the configuration: No such file or directory"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: caf\xe9".encode("latin-1"))
    assert refusal(latin) == f"{latin}: not UTF-8 text (byte 9)"


@pytest.mark.parametrize(
    ("assignment", "path_to_option", "value"),
    [
        ("training.epochs=7", ("training", "epochs"), 7),
        ("training.learning_rate=5e-4", ("training", "learning_rate"), 5e-4),
        ("training.clip_norm=2", ("training", "clip_norm"), 2.0),
        ("training.clip_norm=null", ("training", "clip_norm"), None),
        ("training.clip_norm=", ("training", "clip_norm"), None),
        ("training.tensorboard=false", ("training", "tensorboard"), False),
        ("model.readout=maxout", ("model", "readout"), "maxout"),
        ("data.source_language=no", ("data", "source_language"), "no"),
        ("data.target_language=a=b", ("data", "target_language"), "a=b"),
        (" seed =3", ("seed",), 3),
    ],
)
def test_set_is_typed(write: Any, assignment: str, path_to_option: tuple[str, ...], value: Any) -> None:
    found: Any = load_config(write(STARTER), [assignment])
    for name in path_to_option:
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)


def test_the_last_set_wins(write: Any) -> None:
    assert load_config(write(STARTER), ["seed=3", "seed=4"]).seed == 4


def test_set_can_fill_a_list(write: Any) -> None:
    path = write("name: x\ndata:\n  corpus: {kind: tfds, name: a/b}\n")
    config = load_config(path, ["data.corpus.test=[one, two]"])
    assert config.data.corpus.model_dump()["test"] == ["one", "two"]


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("training.epochs=x", "`training.epochs`: Input should be a valid integer"),
        ("training.epoch=5", "unknown key `training.epoch`; did you mean `epochs`?"),
        ("traning.epochs=5", "unknown key `traning`; did you mean `training`?"),
        (
            "data.back_translation.modle=x",
            "unknown key `data.back_translation.modle`; did you mean `model`?",
        ),
        ("seed=4294967296", "`seed`: Input should be less than or equal to 4294967295"),
        ("training.epochs", "expected key=value, such as training.epochs=5"),
        ("=5", "expected key=value, such as training.epochs=5"),
        ("name.x=5", "`name` is not a section"),
        ("name=[", "not valid YAML"),
        ("model={readout: tanh, readout: linear}", "`readout` is given twice"),
    ],
)
def test_a_wrong_set_is_blamed_on_itself(write: Any, assignment: str, said: str) -> None:
    """And not on the line of the file that it replaces."""
    path = write(STARTER + "training:\n  epochs: 3\n")
    message = refusal(path, assignment)
    assert message.startswith(f"--set {assignment}: ")
    assert said in message


def test_parse_config_names_its_origin() -> None:
    with pytest.raises(ConfigError, match=r"^somewhere: `name` is required$"):
        parse_config({"data": {"corpus": {"kind": "starter"}}}, "somewhere")


def test_differences_name_every_option_that_changed(write: Any) -> None:
    path = write(STARTER)
    old = load_config(path)
    assert differences(old, load_config(path)) == []
    new = load_config(path, ["training.clip_norm=null", "data.corpus.seed=2"])
    assert differences(old, new) == ["data.corpus.seed: 1 -> 2", "training.clip_norm: 1.0 -> None"]
    other = parse_config({"name": "tiny", "data": {"corpus": {"kind": "tfds", "name": "a/b"}}}, "test")
    changed = differences(old, other)
    assert "data.corpus.kind: starter -> tfds" in changed
    assert "data.corpus.name: not set -> a/b" in changed


class TestDocumentation:
    """docs/configuration.md names every option with its default."""

    TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    SECTIONS: ClassVar[dict[str, type[BaseModel]]] = {
        "Top level": Config,
        "`data`": config.DataConfig,
        "`data.corpus` with `kind: starter`": corpus_config.StarterCorpusConfig,
        "`data.corpus` with `kind: tfds`": corpus_config.TfdsCorpusConfig,
        "`data.corpus` with `kind: text`": corpus_config.TextCorpusConfig,
        "`data.back_translation`": corpus_config.BackTranslationConfig,
        "`data.forward_translation`": corpus_config.ForwardTranslationConfig,
        "`data.cleaning`": corpus_config.CleaningConfig,
        "`tokenizer`": config.TokenizerConfig,
        "`batches`": config.BatchesConfig,
        "`model`": config.ModelConfig,
        "`training`": config.TrainingConfig,
        "`training.guided_attention`": config.GuidedAttentionConfig,
        "`search`": config.SearchConfig,
        "`evaluation`": config.EvaluationConfig,
    }

    def rows(self, heading: str) -> dict[str, list[str]]:
        """The cells of each option's row in all tables below a heading."""
        section = next(
            part for part in re.split(r"\n##+ ", self.TEXT)[1:] if part.split("\n", 1)[0] == heading
        )
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines()
            if line.startswith("| `")
        ]
        return {row[0].strip("`"): row for row in rows}

    @pytest.mark.parametrize("heading", SECTIONS)
    def test_every_option_is_there_and_no_other(self, heading: str) -> None:
        model, rows = self.SECTIONS[heading], self.rows(heading)
        own = {
            name
            for name, field in model.model_fields.items()
            if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
        }
        # Sections have headings of their own; splits are explained with the corpus of text files.
        if model is config.DataConfig:
            own.add("cleaning")
        if model is config.TrainingConfig:
            own.add("guided_attention")
        if model is corpus_config.TextCorpusConfig:
            own |= {"train", "validation", *corpus_config.TextSplitConfig.model_fields}
        assert set(rows) == own
        assert all(len(row) == 4 and all(row) for row in rows.values())

    @pytest.mark.parametrize("heading", SECTIONS)
    def test_defaults_are_the_real_ones(self, heading: str) -> None:
        model = self.SECTIONS[heading]
        for name, (_, kind, default, _) in self.rows(heading).items():
            field = model.model_fields.get(name) or corpus_config.TextSplitConfig.model_fields[name]
            if field.is_required():
                assert default == "required", name
            elif isinstance(field.default, BaseModel):
                assert default == "see below", name
            else:
                quoted = parse_value(default.strip("`"))
                assert quoted == field.default, name
                assert type(quoted) is type(field.default), name
            for choice in typing.get_args(field.annotation):
                if isinstance(choice, str):
                    assert f"`{choice}`" in kind, name

    @pytest.mark.parametrize("heading", SECTIONS)
    def test_largest_values_are_said(self, heading: str) -> None:
        model = self.SECTIONS[heading]
        for name, (_, kind, _, _) in self.rows(heading).items():
            field = model.model_fields.get(name) or corpus_config.TextSplitConfig.model_fields[name]
            for bound in field.metadata:
                largest = getattr(bound, "le", getattr(bound, "lt", None))
                if largest is not None and kind != "rate":
                    assert re.search(rf"–{largest:.10g}\b", kind), name

    def test_its_examples_are_valid(self) -> None:
        examples = re.findall(r"```yaml\n(.*?)```", self.TEXT, re.DOTALL)
        assert len(examples) >= 2
        for example in examples:
            content = parse_value(example)
            content.setdefault("name", "example")
            assert parse_config(content, "example").name

    def test_every_option_of_train_py_is_in_the_user_documentation(self) -> None:
        text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
        for option in ("--config", "--set", "--run", "--resume", "--mirror"):
            assert f"| `{option}" in text
        from seq2seq.training import CHANGEABLE_ON_RESUME

        for name in CHANGEABLE_ON_RESUME:
            assert f"`{name.strip('.')}`" in text, name


@pytest.mark.parametrize("refused", [True, False])
def test_validation_is_the_split_to_tune_on_and_no_other(write: Any, refused: bool) -> None:
    tuned_on = "train[95%:]" if refused else "validation"
    path = write(
        "name: x\ndata:\n"
        f"  corpus: {{kind: tfds, name: a/en-de, validation: '{tuned_on}', test: [validation]}}\n"
    )
    if refused:
        assert "cannot be called validation when the split to tune on is train[95%:]" in refusal(path)
    else:
        load_config(path)
