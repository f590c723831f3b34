"""The section `data` of a configuration: where the sentence pairs come from, and which are left out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from seq2seq.config_section import Positive, Rate, Section


class TfdsCorpusConfig(Section):
    """A translation data set of tensorflow-datasets, or one of this project's own builders."""

    kind: Literal["tfds"]
    name: str = Field(description="e.g. ted_hrlr_translate/pt_to_en, multi30k/en-de, tatoeba_en_es/en-es")
    data_dir: str | None = Field(None, description="of prepared data sets; TFDS' own default if not set")
    mirror: str | None = Field(None, description="folder or base URL that replaces the host (own builders)")
    train: str = Field("train", description="split, in TFDS' syntax: train[:10%]")
    validation: str = Field("validation", description="split to tune on")
    test: list[str] = Field(["test"], description="splits that evaluate.py scores; may be empty")

    @model_validator(mode="after")
    def _validation_is_one_split(self) -> TfdsCorpusConfig:
        # Elsewhere `validation` is the name of the split to tune on, whatever TFDS calls that.
        if "validation" in self.test and self.validation != "validation":
            raise ValueError(
                "test: a test set cannot be called validation when the split to tune on is "
                f"{self.validation}; name it with its size, such as validation[:100%]"
            )
        return self


class TextSplitConfig(Section):
    """One split: two line-aligned files, or one with a tab between source and target. Plain or .gz."""

    source: str | None = None
    target: str | None = None
    tsv: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> TextSplitConfig:
        two_files = self.source is not None and self.target is not None
        if two_files == (self.tsv is not None) or (self.source is None) != (self.target is None):
            raise ValueError("give either both `source` and `target`, or `tsv` alone")
        return self

    def paths(self) -> dict[str, str]:
        return {key: value for key, value in self.model_dump().items() if value is not None}


class TextCorpusConfig(Section):
    """Parallel text files; paths are relative to the current directory."""

    kind: Literal["text"]
    train: TextSplitConfig
    validation: TextSplitConfig
    test: dict[str, TextSplitConfig] = Field({}, description="by name")

    @model_validator(mode="after")
    def _names_of_their_own(self) -> TextCorpusConfig:
        if taken := {"train", "validation"} & self.test.keys():
            raise ValueError(f"test: a test set cannot be called {min(taken)}: that is the name of a split")
        return self


class StarterCorpusConfig(Section):
    """The built-in English-French grammar; as many pairs as asked for."""

    kind: Literal["starter"]
    train_pairs: Positive = 20_000
    validation_pairs: Positive = 500
    test_pairs: Positive = 500
    seed: int = 1


CORPUS_KINDS = {"tfds": TfdsCorpusConfig, "text": TextCorpusConfig, "starter": StarterCorpusConfig}

CorpusConfig = Annotated[
    TfdsCorpusConfig | TextCorpusConfig | StarterCorpusConfig, Field(discriminator="kind")
]


class CleaningConfig(Section):
    """Which training pairs are left out. Validation and test pairs never are."""

    white_space: Literal["collapse", "strip", "keep"] = "collapse"
    drop_empty: bool = True
    max_words: Positive | None = 250
    max_length_ratio: float | None = Field(9.0, ge=1, description="words of the longer side / the shorter")
    length_ratio_from_words: Positive = Field(
        10, description="the ratio applies when the longer side has so many"
    )
    drop_identical: bool = Field(True, description="source identical to target")
    drop_duplicate_pairs: bool = True
    held_out_overlap: Literal["report", "remove"] = Field(
        "report",
        description="count training pairs with a source or target of validation or test; remove: leave out "
        "those with such a source",
    )


class BackTranslationConfig(Section):
    """More training pairs: text of the target language, and what another model translates it back to."""

    model: str = Field(
        description="run or shipped model that translates from the target to the source language"
    )
    text: str | None = Field(
        None, description="file of target sentences, one a line; null: the targets of the training split"
    )
    beam_size: Positive = 5
    n_best: Positive = Field(
        1,
        description="translations of each sentence, the best of the beam; they take turns, an epoch each",
    )
    until_epoch: Positive | None = Field(
        None, description="the last epoch with such pairs; null: every epoch has some"
    )

    @model_validator(mode="after")
    def _beam_holds_them(self) -> BackTranslationConfig:
        if self.n_best > self.beam_size:
            raise ValueError(
                f"n_best: a beam of {self.beam_size} does not find {self.n_best} translations of a sentence; "
                "raise beam_size"
            )
        return self


class ForwardTranslationConfig(Section):
    """More training pairs: text of the source language, and what other models translate it to."""

    models: list[str] = Field(
        min_length=1, description="runs or shipped models of this direction; several are an ensemble"
    )
    text: str | None = Field(
        None, description="file of source sentences, one a line; null: the sources of the training split"
    )
    beam_size: Positive = 5


class DataConfig(Section):
    source_language: str | None = Field(None, description="taken from the data set when it says so")
    target_language: str | None = None
    corpus: CorpusConfig
    back_translation: BackTranslationConfig | None = Field(
        None, description="additional training pairs that another model makes; null: none"
    )
    forward_translation: ForwardTranslationConfig | None = Field(
        None, description="additional training pairs that models of the same direction make; null: none"
    )
    cleaning: CleaningConfig = CleaningConfig()
    careless_typing: Rate = Field(
        0.0,
        description="share of the sources, others each epoch, that training reads in lower case, in capitals "
        "or without marks",
    )
