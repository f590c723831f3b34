"""After each epoch: how good is the model now, and is it the best so far?"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from data.atomic import replace_durably
from data.batching import Batch
from data.special_ids import EOS_ID
from seq2seq.checkpoints import Checkpoints
from seq2seq.config import Config
from seq2seq.decoding_batches import BATCH_SIZE, decode_in_batches
from seq2seq.loss_check import diverged
from seq2seq.model import Seq2SeqModel
from seq2seq.schedules import Plateau
from seq2seq.search import Search
from seq2seq.search_options import run_search_options
from seq2seq.text_metrics import bleu_tokenizer_for
from seq2seq.training_data import TrainingData
from seq2seq.training_state import TrainingProgress, averaged_weights


class _Source(NamedTuple):
    """A sentence of the validation split, with its end."""

    tokens: list[int]

    @property
    def length(self) -> int:
        return len(self.tokens)


class Validation(keras.callbacks.Callback):
    """Perplexity under teacher forcing and BLEU of real translations, with averaged weights.

    Adds `val_loss`, `val_perplexity`, `val_token_accuracy` and (when decoded) `val_bleu` to the epoch's logs,
    saves the model when it is the best so far, lowers a plateau schedule and stops a training that no longer
    gets better.

    Args:
        data: of the run.
        config: of the run.
        progress: where the best score and the patience counters are kept.
        model_file: where the best model goes.
        schedule: the plateau schedule, if that is what the run has.
        status: told what is being done.
        heat_maps: called with the epoch while the averaged weights are in place.
        checkpoints: where the weights of epochs go that the configuration wants kept.
        chosen: called when another model has become the best and has been written.
    """

    def __init__(
        self,
        data: TrainingData,
        config: Config,
        progress: TrainingProgress,
        model_file: Path,
        schedule: Plateau | None,
        status: Callable[[str], None],
        heat_maps: Callable[[int], None] | None = None,
        checkpoints: Checkpoints | None = None,
        chosen: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.data = data
        self.config = config
        self.training_progress = progress
        self.model_file = model_file
        self.schedule = schedule
        self.status = status
        self.heat_maps = heat_maps
        self.checkpoints = checkpoints
        self.chosen = chosen
        self._search: Search | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.schedule is not None:
            self.schedule.factor.assign(self.training_progress.plateau_factor)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        training = self.config.training
        with averaged_weights(self.model):
            self.status("validating")
            logs.update(self._teacher_forced())
            if not math.isfinite(logs["val_loss"]):
                raise diverged(training, f"the validation loss is {logs['val_loss']} after epoch {epoch + 1}")
            every = training.keep_checkpoints
            if self.checkpoints is not None and every is not None and (epoch + 1) % every == 0:
                self.checkpoints.save(epoch + 1, self.model)
            if epoch + 1 >= training.validate_from_epoch and training.select_by == "bleu":
                self.status("translating the validation split")
                logs["val_bleu"] = self._bleu()
            if self.heat_maps is not None:
                self.status("drawing heat maps")
                self.heat_maps(epoch)
            # Last, so that little time lies between the best model and the state that goes with it.
            if training.select_by == "loss":
                self._judge(-logs["val_loss"], logs["val_loss"], epoch)
            elif "val_bleu" in logs:
                self._judge(logs["val_bleu"], logs["val_loss"], epoch)

    def _teacher_forced(self) -> dict[str, float]:
        batches = tf.data.Dataset.from_generator(
            lambda: (model_inputs(batch) for batch in self.data.validation.batches(0)),
            output_signature=BATCH_SIGNATURE,
        )
        results = self.model.evaluate(batches, verbose=0, return_dict=True)
        # Without smoothing, so that runs with different smoothing compare.
        return {
            "val_loss": math.log(results["perplexity"]),
            "val_perplexity": results["perplexity"],
            "val_token_accuracy": results["token_accuracy"],
        }

    def _bleu(self) -> float:
        import sacrebleu

        training = self.config.training
        if self._search is None:
            self._search = Search(
                [self.model], run_search_options(self.config, beam_size=training.validation_beam)
            )
        search = self._search
        store, target = self.data.validation_store, self.data.tokenizers.target
        count = min(training.validation_pairs or len(store), len(store))
        pairs = store.read(range(count))
        sources = [_Source([*ids, EOS_ID]) for ids in self._source_ids([source for source, _ in pairs])]

        def translate(batch: list[_Source]) -> list[str]:
            best = search.search([source.tokens for source in batch]).tokens[:, 0]
            return [target.segment_tokens(tokens.tolist()).text for tokens in best]

        hypotheses = list(decode_in_batches(sources, lambda _: None, translate, BATCH_SIZE, window=count))
        # Its copy of the weights goes: they will change, and the training needs the memory.
        search.refresh()
        tokenize = bleu_tokenizer_for(
            self.data.target_language, is_tokenized=self.config.evaluation.tokenized
        )
        bleu = sacrebleu.metrics.BLEU(tokenize=tokenize, force=True)
        return bleu.corpus_score(hypotheses, [[reference for _, reference in pairs]]).score

    def _source_ids(self, texts: list[str]) -> list[list[int]]:
        limit = self.config.batches.max_length
        return [ids[:limit] for ids in self.data.tokenizers.source.encode_batch(texts)]

    def _judge(self, score: float, loss: float, epoch: int) -> None:
        progress, training = self.training_progress, self.config.training
        # The loss decides between equal scores: before a model can translate, its BLEU is 0 again and again.
        best = (-math.inf, 0.0) if progress.best_score is None else (progress.best_score, -progress.best_loss)
        if (score, -loss) > best:
            save_model(self.model, self.model_file)
            progress.best_score, progress.best_loss, progress.best_epoch = score, loss, epoch + 1
            progress.validations_without_gain = progress.plateau_wait = 0
            if self.chosen is not None:
                self.chosen()
            return
        progress.validations_without_gain += 1
        progress.plateau_wait += 1
        if self.schedule is not None and progress.plateau_wait >= training.plateau_patience:
            floor = training.final_learning_rate / training.learning_rate
            progress.plateau_factor = max(progress.plateau_factor * training.plateau_factor, floor)
            progress.plateau_wait = 0
            self.schedule.factor.assign(progress.plateau_factor)
        patience = training.early_stopping_patience
        if patience is not None and progress.validations_without_gain >= patience:
            self.model.stop_training = True


_TOKENS = tf.TensorSpec((None, None), tf.int32)
BATCH_SIGNATURE = ((_TOKENS, _TOKENS), _TOKENS)


def model_inputs(batch: Batch) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """A batch as Keras' `fit` wants it: `((source, target input), target output)`."""
    return (batch.source_tokens, batch.target_input_tokens), batch.target_output_tokens


def save_model(model: Seq2SeqModel, path: Path) -> None:
    """Write a `.keras` file atomically, without the optimiser: it would be three quarters of it."""
    bare = Seq2SeqModel.from_config(model.get_config())
    bare.build()
    for copy, variable in zip(bare.weights, model.weights, strict=True):
        copy.assign(variable)
    temporary = path.with_name(f".{path.stem}.partial.keras")
    bare.save(temporary)
    replace_durably(temporary, path)
