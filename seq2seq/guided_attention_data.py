"""The word alignments that a training with guided attention is guided by: made, read, kept with the run."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.atomic import atomic_write
from data.errors import UserError
from data.home import with_home
from data.pair_alignments import PairAlignments, aligned_pairs, given_alignments
from data.slow_progress import slow_progress
from data.words import word_spans
from seq2seq.alignment import read_pharaoh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.pair_store import PairStore
    from data.tokenizer import TokenizerPair
    from seq2seq.config import Config
    from seq2seq.run_directory import RunDirectory


def check_given_alignments(config: Config) -> None:
    """Read the file of alignments, if the configuration names one.

    Raises:
        UserError: it cannot be read.
    """
    settings = config.training.guided_attention
    if settings.weight > 0 and settings.alignments is not None:
        read_pharaoh(with_home(settings.alignments))


def training_alignments(
    run: RunDirectory, config: Config, tokenizers: TokenizerPair, store: PairStore
) -> PairAlignments | None:
    """Alignments of the stored training pairs; None when attention is not guided.

    They are made once and kept in the run's directory: a resumed training reads the same ones.

    Raises:
        UserError: the file of alignments cannot be read or does not fit the pairs.
    """
    settings = config.training.guided_attention
    if settings.weight == 0:
        return None
    origin = settings.alignments or "own aligner"
    key = f"{store.fingerprint} {tokenizers.fingerprint} {origin} {settings.word_mode}"
    alignments = PairAlignments.load(run.alignments_file, key)
    if alignments is not None:
        return alignments
    if settings.alignments is None:
        with slow_progress("Aligning the training pairs", unit="done") as report:
            alignments = aligned_pairs(store, tokenizers, report)
    else:
        alignments = _given(run, with_home(settings.alignments), settings.word_mode, tokenizers, store)
    alignments.save(run.alignments_file, key)
    return alignments


def _given(
    run: RunDirectory, path: Path, word_mode: str, tokenizers: TokenizerPair, store: PairStore
) -> PairAlignments:
    lines = read_pharaoh(path)
    is_kept = np.load(_kept_file(run))
    if len(lines) != len(is_kept):
        raise UserError(
            f"{path} has {len(lines):,} lines, but the training split has {len(is_kept):,} pairs before "
            "cleaning. Expected one line of links for each of them, empty where there is none."
        )
    links = [line.possible for line in itertools.compress(lines, is_kept.tolist())]
    alignments = given_alignments(
        store, tokenizers, links, lambda text: len(word_spans(text, word_mode)), str(path)
    )
    if not alignments.is_known.any():
        raise UserError(
            f"{path}: no training pair has as many words as its normalised text: nothing would be guided. "
            "Is training.guided_attention.word_mode right?"
        )
    return alignments


def note_kept_pairs(run: RunDirectory, config: Config, is_kept: NDArray[np.bool_]) -> None:
    """Keep what cleaning left of the training split: a file of alignments has a line for every pair of it."""
    if config.training.guided_attention.alignments is not None:
        with atomic_write(_kept_file(run), "wb") as file:
            np.save(file, is_kept)


def _kept_file(run: RunDirectory) -> Path:
    return run.data_folder / "kept_pairs.npy"
