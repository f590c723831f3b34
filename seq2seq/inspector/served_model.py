"""One run as the server knows it: its best weights, the epochs that were kept, and what to say about it."""

from __future__ import annotations

import csv
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
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import find_run
from seq2seq.shortening import shorten
from seq2seq.translator import Translator

_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class ServedModel:
    """A run that is loaded once; the weights of kept epochs share a second copy of the model.

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
        self.checkpoints = tuple(run.checkpoints.epochs())
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

    def describe(self) -> dict[str, Any]:
        """See `schemas.ModelDescription`."""
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
            "corpus": self.facts.get("corpus"),
            "best_epoch": self.facts.get("best_epoch"),
            "best_score": self.facts.get("best_score"),
            "max_source_pieces": self.translator.max_source_pieces,
            "search": {
                "beam_size": search.beam_size,
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
        """BLEU on the validation split by epoch, the loss where a run is judged by that."""
        if not self.run.metrics_file.is_file():
            return {}
        column = "val_loss" if self.facts.get("selected_by") == "loss" else "val_bleu"
        with self.run.metrics_file.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {int(float(row["epoch"])): float(row[column]) for row in rows if row.get(column)}


def load_models(paths: Sequence[str | Path]) -> list[ServedModel]:
    """Load runs, and name each after its directory, with a number where two have the same name.

    Raises:
        UserError: one is no run, has no model yet, or is named twice.
    """
    runs = [find_run(path) for path in paths]
    places = [run.path.resolve() for run in runs]
    for place in places:
        if places.count(place) > 1:
            raise UserError(f"--model {place} is given twice; each run is served once.")
    models: list[ServedModel] = []
    for run, place in zip(runs, places, strict=True):
        taken = {model.name for model in models}
        wanted = place.name or run.config.name
        numbered = (f"{wanted} ({number})" for number in range(2, len(runs) + 2))
        models.append(ServedModel(next(name for name in (wanted, *numbered) if name not in taken), run))
    return models


def _code(language: str) -> str | None:
    return language if _LANGUAGE_CODE.fullmatch(language) else None
