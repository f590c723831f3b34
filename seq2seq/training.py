"""Train a model as a configuration says: compile, callbacks, fit; start anew or go on."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from data.errors import UserError
from seq2seq.batch_counts import attention_guide, batches_of_epochs, describe_batches, unknown_batches
from seq2seq.config import Config, differences
from seq2seq.consistency import ConsistencyFromEpoch
from seq2seq.decoding_batches import NotEnoughMemory
from seq2seq.epoch_batches import EpochBatches
from seq2seq.loss_check import LossCheck
from seq2seq.losses import Perplexity, TokenAccuracy, TokenCrossEntropy
from seq2seq.matmul_precision import matmul_precision, set_matmul_precision
from seq2seq.model import Seq2SeqModel
from seq2seq.model_building import build_model
from seq2seq.optimizers import AveragingAdam, AveragingAdamW
from seq2seq.processor import processor_name
from seq2seq.run_directory import RunDirectory
from seq2seq.schedules import Plateau, WarmupSchedule, make_schedule, warmup_note
from seq2seq.software import software_versions
from seq2seq.starting_model import take_weights
from seq2seq.training_data import TrainingData, prepare_training_data, reopen_training_data
from seq2seq.training_display import HeatMapLog, MetricsLog, ProgressDisplay, typical_sentences
from seq2seq.training_sessions import note_session
from seq2seq.training_state import (
    Interrupted,
    ResumableState,
    TrainingProgress,
    read_progress,
    restore_state,
    save_state,
)
from seq2seq.validation import Validation

if TYPE_CHECKING:
    from rich.console import Console

# Options that a run may change on its way: what is shown, how it is computed, and when it ends. (With a
# cosine schedule a later end means another learning rate from then on: that is what somebody who trains
# longer wants.)
CHANGEABLE_ON_RESUME = (
    "training.early_stopping_patience",
    "training.epochs",
    "training.keep_checkpoints",
    "training.plot_sentences",
    "training.save_every_seconds",
    "training.tensorboard",
    "search.",
    "evaluation.paper_convention",
    "data.corpus.mirror",
    "data.corpus.data_dir",
    "data.back_translation.until_epoch",
    "model.implementation",
    "training.batch_parts",
    "training.matmul_precision",
)


def train(
    config: Config, run: RunDirectory, *, resume: bool, mirror: str | None, console: Console
) -> TrainingProgress:
    """Train until the end, or until interrupted.

    Args:
        config: what to train; on resume it may differ from the run's own only in `CHANGEABLE_ON_RESUME`.
        run: where everything goes.
        resume: go on with the training that was started there.
        mirror: see `seq2seq.corpus_loading.load_corpus`.
        console: on stderr.

    Returns:
        How far it came; `finished` is False when it was interrupted (the state is saved).

    Raises:
        UserError: something the user gave does not fit.
    """
    if resume:
        check_resumable(run, config)
    before = matmul_precision()
    set_matmul_precision(config.training.matmul_precision)
    try:
        with run.locked():
            return _train(config, run, resume, mirror, console)
    except BrokenPipeError:
        raise  # nobody reads what is printed; no mistake of files
    except OSError as error:
        raise UserError(f"{error.filename or run.path}: {error.strerror or error}. {_way_on(run)}") from error
    finally:
        set_matmul_precision(before)


def _train(
    config: Config, run: RunDirectory, resume: bool, mirror: str | None, console: Console
) -> TrainingProgress:
    data = _resumed_data(run, config, mirror, console) if resume else _new_data(run, config, mirror, console)
    keras.utils.set_random_seed(config.seed)
    model = build_model(config, data.tokenizers)
    counts = batches_of_epochs(data, config)
    model.guide = attention_guide(config, counts)
    batches = None if counts is None else sum(counts)
    schedule, perplexity = compile_model(model, config, batches)
    console.print(
        f"{model.count_params():,} parameters, {matmul_precision()} products; "
        f"{describe_batches(data, config, counts)}",
        highlight=False,
        soft_wrap=True,
    )
    if note := warmup_note(config.training, batches):
        console.print(note, highlight=False, soft_wrap=True)
    progress = TrainingProgress()
    goes_on = resume and run.state_file.is_file()
    if goes_on:
        progress = restore_state(run.state_file, model)
    elif beginning := take_weights(model, run, config):
        console.print(beginning, highlight=False, markup=False, soft_wrap=True)
    changes = differences(run.config, config)
    if resume:
        # Not before: a resumption that is refused leaves everything as it was.
        run.create(config)
    note_session(run, progress, changes, console)
    run.write_facts(parameters=model.count_params(), matmul_precision=matmul_precision())
    if progress.epoch == config.training.epochs:
        return _ended_here(run, config, model, progress)
    if goes_on:
        progress.finished = False
        _write_outcome(run, config, progress)
        console.print(f"Going on at epoch {progress.epoch + 1}, batch {progress.batch + 1}.", highlight=False)
    padding = _fit(model, config, run, data, schedule, progress, perplexity, console, counts)
    if padding:
        shares = ", ".join(f"{share:.1%} {side}" for side, share in padding.items())
        console.print(f"Padding of the batches: {shares}.", highlight=False)
        run.write_facts(padding={side: round(share, 4) for side, share in padding.items()})
    _write_outcome(run, config, progress)
    return progress


def _way_on(run: RunDirectory) -> str:
    """What to do once it is mended that a file could not be read or written."""
    if not run.state_file.is_file():
        return "Nothing was trained yet. Mend it and give the same command again."
    return f"What {run.state_file} holds is whole. Mend it, then: python train.py --run {run.path} --resume"


def _best(config: Config, progress: TrainingProgress) -> dict[str, Any]:
    return {
        "best_epoch": progress.best_epoch,
        "best_score": progress.best_score,
        "selected_by": config.training.select_by,
    }


def _epoch_ahead(run: RunDirectory, progress: TrainingProgress) -> int | None:
    """The best model's epoch if it is later than the state: the process was killed between the two."""
    best = run.read_facts().get("best_epoch") or 0
    return best if best > progress.epoch else None


def _write_outcome(run: RunDirectory, config: Config, progress: TrainingProgress) -> None:
    best = _best(config, progress) if _epoch_ahead(run, progress) is None else {}
    run.write_facts(
        **best,
        training_seconds=round(progress.seconds, 1),
        epochs=progress.epoch,
        finished=progress.finished,
    )


def _new_data(run: RunDirectory, config: Config, mirror: str | None, console: Console) -> TrainingData:
    # A run that failed or was stopped before its first state has nothing that a new start would lose.
    if run.state_file.exists() or run.model_file.exists():
        raise UserError(
            f"{run.path} holds a run already. Go on with it (--resume), choose another "
            "directory (--run DIR), or delete it."
        )
    run.remove_partial_files()
    # They would pass for those of the new one.
    kept_epochs = [run.checkpoints.path(epoch) for epoch in run.checkpoints.epochs()]
    for path in (run.facts_file, run.alignments_file, run.shortlist_file, *kept_epochs):
        path.unlink(missing_ok=True)
    run.create(config)
    run.write_facts(versions=software_versions(), processor=processor_name(), seed=config.seed)
    return prepare_training_data(run, config, mirror, console)


def _resumed_data(run: RunDirectory, config: Config, mirror: str | None, console: Console) -> TrainingData:
    if "train_fingerprint" not in run.read_facts():
        if run.state_file.exists():
            raise UserError(
                f"{run.facts_file} is missing, or does not say what the training started with. Bring back a "
                "copy of it, or start a new run in another directory (--run DIR)."
            )
        # Stopped while its data were being prepared: nothing was trained yet, so it simply starts again.
        return _new_data(run, config, mirror, console)
    if run.state_file.is_file():
        progress = read_progress(run.state_file)
        # Also when nothing is left to do: a process killed right after its last state did not come to this.
        _write_outcome(run, run.config, progress)
        _check_unfinished(run, config, progress)  # before a large corpus is read for nothing
    run.remove_partial_files()
    return reopen_training_data(run, config, mirror)


def _check_unfinished(run: RunDirectory, config: Config, progress: TrainingProgress) -> None:
    training = config.training
    ahead = _epoch_ahead(run, progress)
    if ahead is not None and progress.epoch >= training.epochs:
        raise UserError(
            f"{run.path} was killed right after its best model, that of epoch {ahead}, had been written, "
            f"and cannot end before it. To end it there: --resume --set training.epochs={ahead}"
        )
    longer = f"To train longer: --resume --set training.epochs=N with N above {progress.epoch}."
    if progress.finished and progress.epoch >= training.epochs:
        raise UserError(f"{run.path} is finished: {progress.epoch} epochs. {longer}")
    if progress.epoch > training.epochs:
        raise UserError(
            f"{run.path} has {progress.epoch} epochs behind it, and training.epochs is {training.epochs}. "
            f"To end it here: --resume --set training.epochs={progress.epoch}. {longer}"
        )
    patience, waited = training.early_stopping_patience, progress.validations_without_gain
    if progress.finished and patience is not None and waited >= patience:
        raise UserError(
            f"{run.path} is finished: it stopped early, {waited} validations after its best (epoch "
            f"{progress.best_epoch}). To train longer: --resume --set training.early_stopping_patience=N "
            f"with N above {patience}, or null."
        )


def _ended_here(
    run: RunDirectory, config: Config, model: Seq2SeqModel, progress: TrainingProgress
) -> TrainingProgress:
    """End a stopped training whose number of epochs was lowered to those that it has behind it."""
    progress.finished = True
    save_state(run.state_file, model, progress)
    _write_outcome(run, config, progress)
    return progress


def check_resumable(run: RunDirectory, config: Config) -> None:
    """Refuse to resume a run with another configuration than it was started with.

    Raises:
        UserError: with the options that differ.
    """
    changed = [line for line in differences(run.config, config) if not line.startswith(CHANGEABLE_ON_RESUME)]
    if changed:
        raise UserError(
            f"{run.path} was started with another configuration (then -> now):\n  "
            + "\n  ".join(changed)
            + "\nResume with the old values (leave out --config and --set), or start a new run (--run DIR)."
        )
    if run.state_file.is_file():
        read_progress(run.state_file)


def compile_model(
    model: Seq2SeqModel, config: Config, batches_of_training: int | None
) -> tuple[WarmupSchedule, Perplexity]:
    """Give the model its optimiser, loss and metrics; returns the schedule and the metric of perplexity."""
    training = config.training
    model.r_drop, model.batch_parts = training.r_drop, training.batch_parts
    if batches_of_training is None and training.schedule == "cosine":
        raise unknown_batches("training.schedule: cosine", "another schedule")
    accumulation = training.gradient_accumulation
    schedule = make_schedule(
        training.schedule,
        peak=training.learning_rate,
        # The optimiser hands its count of batches to the schedule, also where several make one update.
        warmup_steps=training.warmup_steps * accumulation,
        total_steps=batches_of_training or 0,
        final=training.final_learning_rate,
    )
    options: dict[str, Any] = {
        "learning_rate": schedule,
        "global_clipnorm": training.clip_norm,
        "use_ema": training.average_weights > 0,
        "gradient_accumulation_steps": accumulation if accumulation > 1 else None,
    }
    if training.average_weights > 0:
        # The average moves with every batch, also where several make one update.
        options["ema_momentum"] = training.average_weights ** (1 / accumulation)
    if training.optimizer == "adamw":
        optimizer = AveragingAdamW(weight_decay=training.weight_decay, **options)
    else:
        optimizer = AveragingAdam(**options)
    perplexity = Perplexity()
    model.compile(
        optimizer=optimizer,
        loss=TokenCrossEntropy(training.label_smoothing),
        metrics=[perplexity, TokenAccuracy()],
        # XLA compiles each padded shape anew: seconds each, more than it saves on a small corpus.
        jit_compile=False,
    )
    optimizer.build(model.trainable_variables)
    # Keras makes the metrics the model's at their first use, but a state is restored before: a pad, which
    # counts for nothing, makes them the model's now.
    pad = tf.zeros((1, 1), tf.int32)
    logits = tf.zeros((1, 1, model.arguments["target_vocabulary_size"]))
    model.compute_metrics(None, pad, {"logits": logits})
    model.reset_metrics()
    return schedule, perplexity


def _fit(
    model: Seq2SeqModel,
    config: Config,
    run: RunDirectory,
    data: TrainingData,
    schedule: WarmupSchedule,
    progress: TrainingProgress,
    perplexity: Perplexity,
    console: Console,
    counts: list[int] | None,
) -> dict[str, float]:
    """Train the epochs that are left, until their end or until interrupted.

    Returns:
        The padding of the batches, see `EpochBatches.padding`.

    Raises:
        UserError: the training diverged, or a file cannot be written.
    """
    display = ProgressDisplay(console, progress, counts, perplexity)
    curve = run.plots_folder / "learning_curve.png"
    tensorboard = run.tensorboard_folder if config.training.tensorboard else None
    log = MetricsLog(progress, display, run.metrics_file, curve, tensorboard, config.name)
    validation = Validation(
        data,
        config,
        progress,
        run.model_file,
        schedule if isinstance(schedule, Plateau) else None,
        display.status,
        _heat_maps(model, config, run, data, log),
        run.checkpoints,
        # At once: whoever reads the run, or resumes it after it was killed, has to know whose weights it has.
        lambda: run.write_facts(**_best(config, progress)),
    )
    state = ResumableState(run.state_file, progress, config.training.save_every_seconds)
    state.set_model(model)
    if progress.batch:
        state.keep_metrics()
    batches = EpochBatches(data, progress, config.training.guided_attention)
    loss_check = LossCheck(config.training, progress, console)
    consistency = ConsistencyFromEpoch(config.training.r_drop, config.training.r_drop_from_epoch)
    outcome = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: _write_outcome(run, config, progress)
    )
    with state.handling_signals(), warnings.catch_warnings(), closing(display), _explained(run, batches):
        # Every epoch ends like that, see EpochBatches.
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        model.fit(
            batches.dataset(),
            epochs=config.training.epochs,
            initial_epoch=progress.epoch,
            callbacks=[consistency, display, loss_check, validation, log, state, outcome],
            verbose=0,
            shuffle=False,
        )
    return batches.padding()


def _heat_maps(
    model: Seq2SeqModel, config: Config, run: RunDirectory, data: TrainingData, log: MetricsLog
) -> HeatMapLog | None:
    """What draws some typical sentences after each epoch; None when no pictures are wanted."""
    count = config.training.plot_sentences
    if count == 0:
        return None
    sources = [source for source, _ in data.validation_store.read(range(len(data.validation_store)))]
    folder = run.plots_folder / "validation"
    return HeatMapLog(model, data.tokenizers, config, typical_sentences(sources, count), folder, log)


@contextmanager
def _explained(run: RunDirectory, batches: EpochBatches) -> Iterator[None]:
    """Inside the block an interruption is an end like any other, and errors say what the user can do."""
    try:
        yield
    except Interrupted:
        pass
    except (tf.errors.ResourceExhaustedError, NotEnoughMemory) as error:
        raise UserError(
            "There is not enough memory for a batch. A smaller batches.batch_size (or tokens_per_batch), "
            "batches.max_length or vocabulary needs less, in a new run (--run DIR). This one needs a little "
            "less with the parts of a batch one after the other (docs/training.md, Memory): "
            f"python train.py --run {run.path} --resume --set training.batch_parts=1"
        ) from error
    except tf.errors.OpError as error:
        # TensorFlow wraps what the batches raise into an error of its own, with a traceback as its text.
        raise batches.error or error from error
