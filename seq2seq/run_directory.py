"""One run, one directory: everything that belongs to one trained model."""

from __future__ import annotations

import csv
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.atomic import atomic_write, remove_abandoned
from data.checksums import CHECKSUMS_NAME, verify_checksums
from data.errors import UserError
from seq2seq.checkpoints import Checkpoints
from seq2seq.config import Config, dump_config, load_config

if TYPE_CHECKING:
    from data.tokenizer import TokenizerPair
    from seq2seq.model import Seq2SeqModel


SHIPPED_WEIGHTS_NAME = "weights.zip"


class RunDirectory:
    """The files of a run, loaded when they are first asked for.

        config.yaml        the whole configuration, defaults included
        run.json           versions, corpus fingerprints, sizes, duration, best epoch
        cleaning.json      what cleaning counted and left out
        tokenizer/         SentencePiece models
        data/              the cleaned sentence pairs, for training and for resuming it
        state.npz          everything that an interrupted training needs to go on
        model.keras        the best model so far (averaged weights)
        checkpoints/       averaged weights of the epochs that were to be kept
        metrics.csv        one line per epoch
        plots/             learning curve, heat maps
        tensorboard/       logs
        evaluation/        scores and translations
        shortlist.npz      of `seq2seq.make_shortlist`

    A shipped model (`seq2seq.ship` makes one of a run) has weights.zip, in half precision, in place of
    model.keras, SHA256SUMS, which these files are checked against, scores.json, and nothing of the training.
    What is made with it goes below runs/NAME in the working directory: what is published stays as it is.

    Args:
        path: the directory.
        checkpoint: the kept epoch that is meant; None: the best model.
    """

    def __init__(self, path: str | Path, checkpoint: int | None = None) -> None:
        self.path = Path(path)
        self.checkpoint = checkpoint

    @property
    def label(self) -> str:
        """How a user names what is meant: the path, or `path@epoch`."""
        return str(self.path) + self.epoch_mark

    @property
    def name(self) -> str:
        """The directory's own name, with the kept epoch if one is meant."""
        return self.path.resolve().name + self.epoch_mark

    @property
    def epoch_mark(self) -> str:
        """`@epoch`, which tells a kept epoch from the run in its names; empty for the best model."""
        return "" if self.checkpoint is None else f"@{self.checkpoint}"

    @property
    def config_file(self) -> Path:
        return self.path / "config.yaml"

    @property
    def facts_file(self) -> Path:
        return self.path / "run.json"

    @property
    def cleaning_file(self) -> Path:
        return self.path / "cleaning.json"

    @property
    def tokenizer_folder(self) -> Path:
        return self.path / "tokenizer"

    @property
    def data_folder(self) -> Path:
        return self.path / "data"

    @property
    def back_translations_folder(self) -> Path:
        """See `seq2seq.synthetic_pairs`; need not be there."""
        return self.data_folder / "back_translations"

    @property
    def forward_translations_folder(self) -> Path:
        """Likewise."""
        return self.data_folder / "forward_translations"

    @property
    def state_file(self) -> Path:
        return self.path / "state.npz"

    @property
    def alignments_file(self) -> Path:
        return self.data_folder / "alignments.npz"

    @property
    def is_shipped(self) -> bool:
        """Whether this is a shipped model, even one of which files are missing."""
        return any((self.path / name).is_file() for name in (CHECKSUMS_NAME, SHIPPED_WEIGHTS_NAME))

    @property
    def model_file(self) -> Path:
        """The file with the weights, whether it is there yet or not."""
        return self.path / (SHIPPED_WEIGHTS_NAME if self.is_shipped else "model.keras")

    @property
    def weights_file(self) -> Path:
        """The file with the weights that are meant: `model_file`, or that of the kept epoch."""
        return self.model_file if self.checkpoint is None else self.checkpoints.path(self.checkpoint)

    @property
    def epoch(self) -> int | None:
        """After which epoch the weights that are meant were saved; None where that was not noted."""
        return self.read_facts().get("best_epoch") if self.checkpoint is None else self.checkpoint

    @property
    def output_folder(self) -> Path:
        """Where pictures and scores go."""
        return Path("runs") / self.path.resolve().name if self.is_shipped else self.path

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path / "checkpoints")

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def shortlist_file(self) -> Path:
        """See `seq2seq.make_shortlist`; need not be there."""
        return self.path / "shortlist.npz"

    @property
    def plots_folder(self) -> Path:
        return self.output_folder / "plots"

    @property
    def tensorboard_folder(self) -> Path:
        return self.path / "tensorboard"

    @property
    def evaluation_folder(self) -> Path:
        """Where scores go; those of a kept epoch must not take the place of the best model's."""
        folder = self.output_folder / "evaluation"
        return folder if self.checkpoint is None else folder / f"epoch-{self.checkpoint}"

    @property
    def scores_file(self) -> Path:
        """Of a shipped model: its evaluations, without their sentences, and what halving cost."""
        return self.path / "scores.json"

    def exists(self) -> bool:
        """Whether a training was ever started here."""
        return self.config_file.is_file()

    @cached_property
    def config(self) -> Config:
        """The configuration.

        Raises:
            UserError: the directory is not that of a run, or a shipped model is not as it was published.
        """
        if self.is_shipped:
            verify_checksums(self.path, required=(self.config_file.name, SHIPPED_WEIGHTS_NAME))
        if not self.exists():
            what = "is not the directory of a run" if self.path.is_dir() else "does not exist"
            raise UserError(
                f"{self.path} {what}: expected config.yaml, model.keras and tokenizer/ in it. "
                "Train a model first (python train.py --config configs/starter.yaml, or make demo)."
            )
        return load_config(self.config_file)

    @cached_property
    def tokenizers(self) -> TokenizerPair:
        """Both sides' tokenizers."""
        from data.tokenizer import TokenizerPair

        _ = self.config
        return TokenizerPair.load(self.tokenizer_folder)

    def check_is_trained(self) -> None:
        """Fail before anything heavy is loaded, not after.

        Raises:
            UserError: there is no run here, no model yet, the epoch that is meant was not kept, or a shipped
                model is not as it was published.
        """
        _ = self.config
        if self.checkpoint is not None:
            self.checkpoints.check_kept(self.checkpoint)
        if not self.model_file.is_file():
            raise UserError(
                f"{self.path} holds no model yet: its training has not come to a first validation. "
                f"Go on with: python train.py --run {self.path} --resume"
            )

    def load_model(self) -> Seq2SeqModel:
        """The best model of the run, or that of the kept epoch that is meant, with averaged weights.

        Raises:
            UserError: there is no model yet, it does not belong to the run's tokenizer, or the epoch was not
                kept or its file is damaged.
        """
        self.check_is_trained()
        model = self._read_shipped_model() if self.is_shipped else self._read_keras_file()
        self._check_belongs(model)
        if self.checkpoint is not None:
            self.checkpoints.load_into(self.checkpoint, model)
        return model

    def _read_keras_file(self) -> Seq2SeqModel:
        import keras

        from seq2seq import model as _model  # noqa: F401  (registers the classes that the file names)

        if not zipfile.is_zipfile(self.model_file):
            raise UserError(f"{self.model_file} is damaged or incomplete. Bring back a copy of it.")
        try:
            return keras.saving.load_model(self.model_file, compile=False)
        except (ValueError, OSError, TypeError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{self.model_file} cannot be loaded: {error}") from error

    def _read_shipped_model(self) -> Seq2SeqModel:
        from seq2seq.half_precision import read_half_precision, set_weights_by_name
        from seq2seq.model_building import build_model, zeros_for_weights

        try:
            # The weights are inflated while the network is built.
            with ThreadPoolExecutor(max_workers=1) as pool:
                weights = pool.submit(read_half_precision, self.model_file)
                with zeros_for_weights():
                    model = build_model(self.config, self.tokenizers)
            set_weights_by_name(model, weights.result())
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from error
        return model

    def _check_belongs(self, model: Seq2SeqModel) -> None:
        """Model, configuration and tokenizer must be those of one training.

        Raises:
            UserError: says what differs.
        """
        # How the same network is computed may have been changed since (train.py --resume).
        expected = {
            **self.config.model.model_dump(exclude={"implementation"}),
            "source_vocabulary_size": self.tokenizers.source.vocabulary_size,
            "target_vocabulary_size": self.tokenizers.target.vocabulary_size,
        }
        differing = [
            f"  {name}: {value!r} here, {model.arguments[name]!r} in the model"
            for name, value in expected.items()
            if model.arguments[name] != value
        ]
        trained_with = self.read_facts().get("tokenizer_fingerprint", self.tokenizers.fingerprint)
        if trained_with != self.tokenizers.fingerprint:
            differing.append(
                f"  tokenizer (SHA-256): {self.tokenizers.fingerprint[:12]} here, {trained_with[:12]} in "
                "run.json"
            )
        if differing:
            raise UserError(
                f"{self.path}: its parts do not belong together:\n"
                + "\n".join(differing)
                + "\nBring back the configuration and tokenizer that the model was trained with."
            )

    def create(self, config: Config) -> None:
        """Make the directory and write the configuration into it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.config_file) as file:
            file.write(dump_config(config))
        self.__dict__.pop("config", None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Inside the block no other process trains here. The directory is made if it is not there.

        Raises:
            UserError: one does already, or there can be no such directory.
        """
        import fcntl

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # The lock is held by the open directory: a killed process cannot leave it behind.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be the directory of a run: {error.strerror}. Choose another one "
                "(--run DIR)."
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f"{self.path}: another process is training here. Wait for it, stop it, or choose another "
                    "directory (--run DIR)."
                ) from error
            except OSError as error:
                raise UserError(
                    f"{self.path} cannot be locked against a second training ({error.strerror}). Choose a "
                    "directory on another file system (--run DIR)."
                ) from error
            yield
        finally:
            os.close(descriptor)

    def remove_partial_files(self) -> None:
        """Remove what a killed process was writing when it ended: files that never got their names."""
        for pattern in (".*.partial", ".*.partial.keras"):
            for path in self.path.rglob(pattern):
                # Translations of an hour may be under way to a file in here.
                remove_abandoned(path)

    def read_facts(self) -> dict[str, Any]:
        """The content of run.json; empty when there is none."""
        if not self.facts_file.is_file():
            return {}
        try:
            facts = json.loads(self.facts_file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(
                f"{self.facts_file}: damaged, not JSON ({error}). Bring back a copy of it."
            ) from error
        if not isinstance(facts, dict):
            raise UserError(f"{self.facts_file}: expected an object with facts. Bring back a copy of it.")
        return facts

    def validation_scores(self) -> dict[int, float]:
        """BLEU on the validation split by epoch, the loss where a run is judged by that (metrics.csv)."""
        column = "val_loss" if self.read_facts().get("selected_by") == "loss" else "val_bleu"
        rows = self.read_metrics()
        return {int(float(row["epoch"])): float(row[column]) for row in rows if row.get(column)}

    def read_metrics(self) -> list[dict[str, str]]:
        """The rows of metrics.csv, one for each epoch; none where it is not there, as in a shipped model."""
        if not self.metrics_file.is_file():
            return []
        with self.metrics_file.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def write_facts(self, **facts: Any) -> None:
        """Add to run.json."""
        with atomic_write(self.facts_file) as file:
            json.dump({**self.read_facts(), **facts}, file, indent=2, ensure_ascii=False)
            file.write("\n")


def best_score(facts: Mapping[str, Any]) -> float | None:
    """Of the validation split, from run.json: BLEU, or the loss if judged by that; None before the first."""
    score = facts.get("best_score")
    # A loss is kept as a score: negated, the higher the better.
    return -score if score is not None and facts.get("selected_by") == "loss" else score


def check_same_tokenizers(runs: Sequence[RunDirectory]) -> None:
    """Check that the models of an ensemble read and write the same tokens.

    Raises:
        UserError: they do not; says which differ from the first one.
    """
    first = runs[0].tokenizers.fingerprint if len(runs) > 1 else ""
    differing = [run for run in runs[1:] if run.tokenizers.fingerprint != first]
    if differing:
        listed = "\n".join(
            f"  {run.path}: {run.tokenizers.fingerprint[:12]}" for run in (runs[0], *differing)
        )
        raise UserError(
            f"The models of an ensemble must share their tokenizer, and these do not (SHA-256):\n{listed}\n"
            "Train them with one tokenizer: `--set tokenizer.folder=FIRST_RUN/tokenizer`."
        )
