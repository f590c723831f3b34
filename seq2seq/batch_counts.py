"""How many batches a training will have, and what has to know it before the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from data.errors import UserError
from data.slow_progress import slow_progress
from seq2seq.guided_attention import AttentionGuide

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.training_data import TrainingData


def batches_of_epochs(data: TrainingData, config: Config) -> list[int] | None:
    """The batches of each epoch; None where nobody needs to know and it would take long to find out."""
    if config.training.counts_batches is not None and config.batches.batch_size is not None:
        with slow_progress("Counting the batches", unit="pairs") as report:
            data.train.count_pairs(lambda done, in_all: report("train", done, in_all))
    return data.train.batch_counts(config.training.epochs)


def describe_batches(data: TrainingData, config: Config, counts: Sequence[int] | None) -> str:
    """How many pairs and, of each epoch, batches there are: the line at the start of a training."""
    pairs, kept = data.train.pair_count(), data.train.kept_pairs()
    parts = [f"{len(data.train.store):,} training and {len(data.validation_store):,} validation pairs"]
    if pairs < len(data.train.store):
        parts.append(f"{pairs:,} training pairs in the first epoch")
    if kept is not None and kept < pairs:
        parts.append(
            f"{pairs - kept:,} of them left out (empty, or above {config.batches.max_length} pieces)"
        )
    if counts is not None:
        until = None if config.data.back_translation is None else config.data.back_translation.until_epoch
        parts.append(f"{_range_of(counts[:until])} batches per epoch")
        if until is not None and until < len(counts):
            parts.append(f"{counts[until]:,} from epoch {until + 1} on")
    return ", ".join(parts)


def _range_of(counts: Sequence[int]) -> str:
    """Epochs that have other back-translations can differ by a few batches."""
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def attention_guide(config: Config, counts: Sequence[int] | None) -> AttentionGuide | None:
    """What a configuration with guided attention adds to the loss; None for one without.

    Args:
        config: of the training.
        counts: batches of each epoch; None: not known.

    Raises:
        UserError: the guidance shall fade over some epochs, and their batches are not known.
    """
    settings = config.training.guided_attention
    if settings.weight == 0:
        return None
    epochs = settings.decay_epochs
    if epochs is None:
        return AttentionGuide(settings.weight)
    if counts is None:
        raise unknown_batches("training.guided_attention.decay_epochs", "leave decay_epochs out")
    batches = sum(counts[:epochs]) + counts[-1] * max(epochs - len(counts), 0)
    return AttentionGuide(settings.weight, batches / config.training.gradient_accumulation)


def unknown_batches(option: str, otherwise: str) -> UserError:
    """The error for an option that has to know what cannot be known; `otherwise` it can be done without."""
    return UserError(
        f"{option} needs to know the number of batches beforehand, which tokens_per_batch with more than "
        f"300,000 pairs does not tell. Set batches.batch_size instead, or {otherwise}."
    )
