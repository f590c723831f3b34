"""One run as the server knows it: its best weights, the epochs that were kept, and what to say about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.segmentation import Segmentation
from seq2seq.inspector.model_version import ModelVersion
from seq2seq.model import Seq2SeqModel
from seq2seq.model_summary import language_names
from seq2seq.run_directory import RunDirectory, best_score
from seq2seq.shipped_models import find_model
from seq2seq.shortening import shorten
from seq2seq.translator import Translator

_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class ServedModel:
    """A run that is loaded once; the weights of kept epochs share a second copy of the model.

    A run of which one kept epoch is meant has the weights of that one alone.

    Args:
        name: that requests choose it by.
        run: its directory.

    Raises:
        UserError: it is no run, or has no model yet.
    """

    def __init__(self, name: str, run: RunDirectory) -> None:
        self.name = name
        self.run = run
        self.facts = run.read_facts()
        self.checkpoints = tuple(run.checkpoints.epochs()) if run.checkpoint is None else ()
        self.translator = Translator.load(run)
        self.languages = language_names(run.config, self.facts)
        self._best = ModelVersion(self.translator)
        self._loaded_epoch: int | None = None

    def version(self, checkpoint: int | None) -> ModelVersion:
        """The best weights, or those of a kept epoch, until another epoch is asked for.

        Raises:
            UserError: the epoch's file is gone or damaged.
        """
        if checkpoint is None:
            return self._best
        if self._loaded_epoch != checkpoint:
            self._loaded_epoch = None
            self.run.checkpoints.load_into(checkpoint, self._changing.model)
            self._changing.refresh()
            self._loaded_epoch = checkpoint
        return self._changing

    def source(self, text: str) -> Segmentation:
        """A source text as the model will see it: cut up, and shortened if it is too long."""
        whole = self.translator.tokenizers.source.segment(text)
        return shorten(whole, self.translator.max_source_pieces)

    def beam_size(self, most_hypotheses: int) -> int:
        """Of a question that says none: the run's, or the largest that the server allows."""
        return min(self.translator.default_options().beam_size, most_hypotheses)

    def describe(self, most_hypotheses: int) -> dict[str, Any]:
        """See `schemas.ModelDescription`.

        Args:
            most_hypotheses: see `beam_size`.
        """
        tokenizers, codes = self.translator.tokenizers, [_code(language) for language in self.languages]
        search = self.translator.default_options()
        return {
            "name": self.name,
            "source_language": self.languages[0],
            "target_language": self.languages[1],
            "source_code": codes[0],
            "target_code": codes[1],
            "parameters": self._best.model.count_params(),
            "source_vocabulary_size": tokenizers.source.vocabulary_size,
            "target_vocabulary_size": tokenizers.target.vocabulary_size,
            "target_tokenizer": tokenizers.target.fingerprint,
            "corpus": self.facts.get("corpus"),
            "best_epoch": self.facts.get("best_epoch") if self.run.checkpoint is None else None,
            "best_score": best_score(self.facts) if self.run.checkpoint is None else None,
            "max_source_pieces": self.translator.max_source_pieces,
            "search": {
                "beam_size": self.beam_size(most_hypotheses),
                "n_best": 1,
                "length_penalty": search.length_penalty,
                "coverage_penalty": search.coverage_penalty,
            },
            "checkpoints": [
                {"epoch": epoch, "validation_score": self._validation_scores.get(epoch)}
                for epoch in self.checkpoints
            ],
        }

    @cached_property
    def _changing(self) -> ModelVersion:
        model = Seq2SeqModel.from_config(self._best.model.get_config())
        model.build()
        translator = Translator([model], self.translator.tokenizers, self.translator.configs)
        return ModelVersion(translator)

    @cached_property
    def _validation_scores(self) -> dict[int, float]:
        return self.run.validation_scores()


def load_models(models_or_paths: Sequence[str | Path | RunDirectory]) -> list[ServedModel]:
    """Load runs, and name each after its directory, with a number where two have the same name.

    Args:
        models_or_paths: runs, or what `find_model` takes.

    Raises:
        UserError: one is no run, has no model yet, or is named twice.
    """
    runs = [each if isinstance(each, RunDirectory) else find_model(each) for each in models_or_paths]
    places = [(run.path.resolve(), run.checkpoint) for run in runs]
    for run, place in zip(runs, places, strict=True):
        if places.count(place) > 1:
            raise UserError(f"--model {run.label} is given twice; each run is served once.")
    models: list[ServedModel] = []
    for run in runs:
        taken = {model.name for model in models}
        wanted = run.name or run.config.name
        numbered = (f"{wanted} ({number})" for number in range(2, len(runs) + 2))
        models.append(ServedModel(next(name for name in (wanted, *numbered) if name not in taken), run))
    return models


def _code(language: str) -> str | None:
    return language if _LANGUAGE_CODE.fullmatch(language) else None
