"""One typed, validated configuration for a run; read from strict YAML.

A configuration file holds the sections below. Every option has a default except `name` and `data.corpus`. An
unknown key, a value of the wrong type or out of range is a `ConfigError` that names the place and, for a key,
the nearest known one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from data.errors import UserError
from seq2seq.config_section import Positive, Rate, Section
from seq2seq.corpus_config import CORPUS_KINDS, DataConfig, TextSplitConfig
from seq2seq.guided_attention_config import GuidedAttentionConfig
from seq2seq.strict_yaml import YamlError, dump_yaml, parse_value, parse_with_lines


class ConfigError(UserError):
    """The configuration is not valid."""


class TokenizerConfig(Section):
    """SentencePiece: trained on the training split, or loaded."""

    model_type: Literal["bpe", "unigram"] = "bpe"
    joint: bool = Field(True, description="one vocabulary for both languages")
    vocabulary_size: Positive = 8000
    target_vocabulary_size: Positive | None = Field(
        None, description="when not joint; null = vocabulary_size"
    )
    character_coverage: float = Field(1.0, gt=0.9, le=1.0)
    normalization: Literal["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"] = "nmt_nfkc"
    max_training_sentences: Positive = 1_000_000
    sampling_alpha: Rate = Field(0.0, description="subword sampling while training; 0 = off, 0.1 is usual")
    folder: str | None = Field(None, description="load joint.model or source.model + target.model from here")

    @model_validator(mode="after")
    def _one_size_when_joint(self) -> TokenizerConfig:
        if self.joint and self.target_vocabulary_size is not None:
            raise ValueError("target_vocabulary_size needs joint: false (a joint vocabulary has one size)")
        return self


class BatchesConfig(Section):
    batch_size: Positive | None = Field(64, description="sentence pairs; null when tokens_per_batch is set")
    tokens_per_batch: Positive | None = Field(None, description="positions of the longer side, pads included")
    # A table of every pair of lengths is kept: at most 64 MB.
    max_length: Positive = Field(
        100, le=4000, description="longer pairs, in pieces of either side, are left out"
    )
    max_shapes: Positive = Field(40, description="how many different padded shapes batches may have")

    @model_validator(mode="after")
    def _one_budget(self) -> BatchesConfig:
        if (self.batch_size is None) == (self.tokens_per_batch is None):
            raise ValueError("set exactly one of `batch_size` and `tokens_per_batch` (the other: null)")
        return self


class ModelConfig(Section):
    embedding_units: Positive = 256
    encoder_units: Positive = Field(256, description="of each direction")
    encoder_layers: Positive = 1
    decoder_units: Positive = 512
    attention_units: Positive = 256
    readout_units: Positive = 256
    readout: Literal["tanh", "maxout", "linear"] = "tanh"
    conditional_gru: bool = Field(False, description="two decoder cells with the attention between them")
    bridge: Literal["mean", "last"] = Field("mean", description="encoder states that start the decoder")
    layer_normalization: bool = False
    tied_embeddings: Literal["none", "two-way", "three-way"] = "three-way"
    scaled_embeddings: bool = Field(False, description="embedded tokens times the root of embedding_units")
    embedding_dropout: Rate = 0.3
    source_word_dropout: Rate = 0.1
    target_word_dropout: Rate = 0.1
    layer_dropout: Rate = Field(0.2, description="between encoder layers")
    recurrent_dropout: Rate = 0.0
    memory_dropout: Rate = Field(0.3, description="on the encoder states that the decoder sees")
    attention_dropout: Rate = 0.0
    readout_dropout: Rate = 0.3
    implementation: Literal["fast", "plain"] = Field("fast", description="of the training step; same results")

    @model_validator(mode="after")
    def _tied_widths(self) -> ModelConfig:
        if self.tied_embeddings != "none" and self.readout_units != self.embedding_units:
            raise ValueError("tied embeddings need readout_units equal to embedding_units")
        return self


class TrainingConfig(Section):
    epochs: Positive = 20
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(1e-3, gt=0, description="the highest of the schedule")
    schedule: Literal["constant", "inverse_sqrt", "cosine", "plateau"] = "cosine"
    warmup_steps: Annotated[int, Field(ge=0)] = 500
    final_learning_rate: float = Field(1e-5, ge=0, description="where cosine and plateau end")
    plateau_factor: float = Field(0.5, gt=0, lt=1)
    plateau_patience: Positive = Field(2, description="validations without gain before the rate falls")
    weight_decay: float = Field(0.0, ge=0, description="adamw only")
    start_from: str | None = Field(
        None, description="a run, RUN@EPOCH or a shipped model: begin with its weights and tokenizer"
    )
    clip_norm: float | None = Field(1.0, gt=0)
    gradient_accumulation: Positive = Field(1, description="batches per update")
    batch_parts: Positive = Field(2, description="parts of a batch that are computed side by side")
    label_smoothing: Rate = 0.1
    r_drop: float = Field(0.0, ge=0, description="weight of two passes' agreement; 0 = off")
    r_drop_from_epoch: Positive = Field(1, description="before, one pass")
    guided_attention: GuidedAttentionConfig = GuidedAttentionConfig()
    matmul_precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32", description="operands of matrix products; auto = bfloat16 where the processor has it"
    )
    average_weights: Rate = Field(0.999, description="EMA decay per update; 0 = off")
    select_by: Literal["bleu", "loss"] = Field("bleu", description="what the best checkpoint is best at")
    early_stopping_patience: Positive | None = Field(None, description="validations without a better score")
    validate_from_epoch: Positive = Field(1, description="decode the validation split from this epoch on")
    validation_beam: Positive = Field(1, description="beam size of the validation BLEU; 1 = greedy")
    validation_pairs: Positive | None = Field(None, description="decode only the first so many")
    plot_sentences: Annotated[int, Field(ge=0)] = Field(
        4, description="sentences with a heat map after each epoch"
    )
    save_every_seconds: Positive = Field(60, description="how often the resumable state is written")
    keep_checkpoints: Positive | None = Field(None, description="keep the weights of every Nth epoch")
    tensorboard: bool = True

    @property
    def counts_batches(self) -> str | None:
        """The option that has to know the number of batches before the first; None where none has to."""
        if self.schedule == "cosine":
            return "training.schedule: cosine"
        fades = self.guided_attention.decay_epochs is not None
        return "training.guided_attention.decay_epochs" if fades else None

    @model_validator(mode="after")
    def _fits_together(self) -> TrainingConfig:
        if self.weight_decay and self.optimizer != "adamw":
            raise ValueError("weight_decay needs optimizer: adamw")
        if self.r_drop_from_epoch > 1 and not self.r_drop:
            raise ValueError("r_drop_from_epoch says when r_drop begins: give both")
        falls = self.schedule in ("cosine", "plateau")
        if falls and self.final_learning_rate > self.learning_rate:
            raise ValueError(
                f"final_learning_rate ({self.final_learning_rate:g}) must not be above learning_rate "
                f"({self.learning_rate:g}): the {self.schedule} schedule falls from one to the other"
            )
        if self.select_by == "bleu" and self.validate_from_epoch > self.epochs:
            raise ValueError(
                f"validate_from_epoch ({self.validate_from_epoch}) is after the last epoch ({self.epochs}): "
                "no model would ever be chosen by its BLEU"
            )
        return self


class SearchConfig(Section):
    """Defaults of translate.py and evaluate.py for this run."""

    matmul_precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32", description="of matrix products while translating; auto: bfloat16 where it is fast"
    )
    beam_size: Positive = 5
    length_penalty: float = Field(1.0, ge=0, le=10)
    coverage_penalty: float = Field(0.0, ge=0, le=1000)


class EvaluationConfig(Section):
    """How evaluate.py scores beside plain sacrebleu on the text as it is."""

    tokenized: bool = Field(False, description="the corpus is tokenised already: BLEU with --tokenize none")
    paper_convention: bool = Field(
        False,
        description="also score lower-cased, normalised, Moses-tokenised text, as papers on Multi30k do",
    )

    @property
    def text_form(self) -> str:
        """What the text is, in words; models work together on text of one form."""
        return "tokenised" if self.tokenized else "raw"


class Config(Section):
    """A whole run."""

    name: str = Field(pattern=r"^\w[\w.-]*$", description="of the run directory below runs/")
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1  # what NumPy takes
    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    batches: BatchesConfig = BatchesConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    search: SearchConfig = SearchConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _joint_for_three_way(self) -> Config:
        if self.model.tied_embeddings == "three-way" and not self.tokenizer.joint:
            raise ValueError("model.tied_embeddings: three-way needs tokenizer.joint: true")
        return self

    @model_validator(mode="after")
    def _countable_batches(self) -> Config:
        is_varied = self.tokenizer.sampling_alpha > 0 or self.data.careless_typing > 0
        option = self.training.counts_batches
        if self.batches.tokens_per_batch is not None and is_varied and option is not None:
            raise ValueError(
                f"{option} needs to know the number of batches beforehand, which batches.tokens_per_batch "
                "does not tell with tokenizer.sampling_alpha or data.careless_typing; set "
                "batches.batch_size instead"
            )
        return self

    @model_validator(mode="after")
    def _alignments_of_every_pair(self) -> Config:
        for option in ("back_translation", "forward_translation"):
            made = getattr(self.data, option)
            if made is not None and self.training.guided_attention.alignments is not None:
                raise ValueError(
                    "training.guided_attention.alignments has links of the corpus' own pairs alone: with "
                    f"data.{option}, leave it out (this project's aligner links every pair)"
                )
        return self


def load_config(path: str | Path, assignments: Sequence[str] = ()) -> Config:
    """Read a YAML file and apply `key=value` assignments from the command line.

    Args:
        path: the file.
        assignments: such as `training.epochs=5`: a dotted key and a YAML value.

    Raises:
        ConfigError: for anything wrong, with file, line and key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from error
    try:
        content, lines = parse_with_lines(text)
    except YamlError as error:
        raise ConfigError(f"{path}:{error.line}: {error}" if error.line else f"{path}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping of sections, such as `data:` and `model:`")
    places = {key: f"{path}:{line}" for key, line in lines.items()}
    for assignment in assignments:
        key = _assign(content, assignment)
        for depth in range(1, len(key)):
            places.setdefault(key[:depth], f"--set {assignment}")
        places[key] = f"--set {assignment}"
    return parse_config(content, str(path), places)


def parse_config(
    content: Mapping[str, Any], origin: str, places: Mapping[tuple[str, ...], str] | None = None
) -> Config:
    """Validate a nested mapping.

    Args:
        content: the sections.
        origin: what errors call the place it came from.
        places: what errors call the place of a single key, such as `run.yaml:12`, where known.

    Raises:
        ConfigError: listing every problem.
    """
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        problems = [_describe(each, origin, places or {}) for each in error.errors()]
    raise ConfigError("\n".join(problems))


def dump_config(config: Config) -> str:
    """The whole configuration, defaults included, as YAML that `load_config` reads back."""
    return dump_yaml(config.model_dump())


def differences(old: Config, new: Config) -> list[str]:
    """Lines `key: old -> new` for every option in which two configurations differ."""
    before, after = flat_options(old), flat_options(new)
    keys = list(dict.fromkeys([*before, *after]))
    return [
        f"{key}: {before.get(key, 'not set')} -> {after.get(key, 'not set')}"
        for key in keys
        if before.get(key, "not set") != after.get(key, "not set")
    ]


def flat_options(config: Config) -> dict[str, Any]:
    """Every option by its dotted key, such as `training.epochs`."""
    return dict(_flatten(config.model_dump()))


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _assign(content: dict[str, Any], assignment: str) -> tuple[str, ...]:
    """Put the value of `key=value` into its place; returns the key's parts."""
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {assignment}: expected key=value, such as training.epochs=5")
    try:
        value = parse_value(text)
    except YamlError as error:
        raise ConfigError(f"--set {assignment}: {error}") from error
    *sections, option = key.strip().split(".")
    place: Any = content
    for section in sections:
        if place.get(section) is None:
            place[section] = {}
        place = place[section]
        if not isinstance(place, dict):
            raise ConfigError(f"--set {assignment}: `{section}` is not a section")
    place[option] = value
    return (*sections, option)


def _describe(problem: Any, origin: str, places: Mapping[tuple[str, ...], str]) -> str:
    location = _key_of(problem["loc"])
    place = next(
        (places[location[:n]] for n in range(len(location), 0, -1) if location[:n] in places), origin
    )
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        options = _known_keys(tuple(str(part) for part in problem["loc"][:-1]))
        near = difflib.get_close_matches(location[-1], options, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(options)}"
        return f"{place}: unknown key `{key}`; {hint}"
    if problem["type"] == "missing":
        return f"{place}: `{key}` is required"
    if problem["type"] in ("union_tag_not_found", "union_tag_invalid"):
        kinds = ", ".join(CORPUS_KINDS)
        received = problem["ctx"].get("tag")
        found = "is missing" if received is None else f"is {received!r}"
        return f"{place}: `{key}.kind` {found}; it must be one of: {kinds}"
    message = problem["msg"].removeprefix("Value error, ")
    # The input of a whole-section check is the section, which would drown the message.
    received = "" if isinstance(problem["input"], dict | BaseModel) else f" (received: {problem['input']!r})"
    return f"{place}: {f'`{key}`: ' if key else ''}{message}{received}"


def _key_of(location: Sequence[str | int]) -> tuple[str, ...]:
    """A problem's path without what pydantic adds to it: the chosen kind of corpus is no key of the file."""
    parts = tuple(str(part) for part in location)
    return parts[:2] + parts[3:] if parts[:2] == ("data", "corpus") else parts


def _section_of(annotation: Any) -> Any:
    """The class of a section, also of one that may be left out (`Section | None`)."""
    if isinstance(annotation, UnionType):
        return next(each for each in get_args(annotation) if each is not NoneType)
    return annotation


def _known_keys(location: Sequence[str]) -> list[str]:
    section: Any = Config
    for depth, part in enumerate(location):
        if depth == 2 and location[:2] == ("data", "corpus"):
            section = CORPUS_KINDS[part]
        else:
            fields = getattr(section, "model_fields", {})
            # The only keys that a user may choose freely are the names of test splits.
            section = _section_of(fields[part].annotation) if part in fields else TextSplitConfig
    return list(section.model_fields)
