"""What a search accepts: rows of token ids, checked before they reach a graph (no TensorFlow in here)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.errors import UserError
from data.special_ids import BOS_ID, EOS_ID, PAD_ID, SPECIAL_IDS, UNK_ID
from seq2seq.search_options import SearchOptions

TokenRows = np.ndarray | Sequence[Sequence[int]]


def token_rows(rows: TokenRows, name: str, *, may_be_empty: bool) -> np.ndarray:
    """Token ids as one array.

    Args:
        rows: (batch, length) of any integer type with pads behind the tokens, or lists of different lengths.
        name: what to call it in an error.
        may_be_empty: whether a row may hold no token.

    Returns:
        (batch, length) int32.

    Raises:
        data.errors.UserError: that is not what `rows` are.
    """
    tokens = rows if isinstance(rows, np.ndarray) else _padded(rows, name)
    if tokens.ndim != 2 or (tokens.size and not np.issubdtype(tokens.dtype, np.integer)):
        raise UserError(f"{name} must be rows of token ids; got shape {tokens.shape} of {tokens.dtype}.")
    tokens = tokens.astype(np.int32)
    is_real = tokens != PAD_ID
    has_gap = np.any(is_real[:, 1:] & ~is_real[:, :-1], axis=1)
    malformed = np.flatnonzero(has_gap | np.any(tokens < 0, axis=1))
    if malformed.size:
        raise UserError(
            f"{name}, row {malformed[0]}: ids must be positive, with pads (0) only behind the last token."
        )
    empty = np.flatnonzero(~np.any(is_real, axis=1))
    if empty.size and not may_be_empty:
        raise UserError(
            f"{name}, row {empty[0]} is empty: it needs at least one token, such as the final EOS."
        )
    return tokens


def check_prefix(prefix: np.ndarray, batch: int) -> None:
    """Raise `UserError` unless `prefix` (rows, prefix_length) has ordinary tokens for each sentence."""
    if len(prefix) != batch:
        raise UserError(
            f"forced_prefix has {len(prefix)} rows for {batch} sentences; each needs one (it may be empty)."
        )
    for name, special in SPECIAL_IDS.items():
        rows = np.flatnonzero(np.any(prefix == special, axis=1))
        if special == UNK_ID and rows.size:
            raise UserError(f"forced_prefix has characters that the vocabulary lacks ({name}, {special}).")
        if special != PAD_ID and rows.size:
            raise UserError(
                f"forced_prefix, row {rows[0]} holds the special token {name} ({special}); remove it."
            )


def check_targets(target: np.ndarray, batch: int) -> None:
    """Raise `UserError` unless `target` (rows, target_length) has a row for each sentence, ending at EOS."""
    if len(target) != batch:
        raise UserError(f"There are {batch} sources but {len(target)} targets; each source needs one.")
    rows = np.flatnonzero(np.any(target == BOS_ID, axis=1))
    if rows.size:
        raise UserError(
            f"target_output_tokens, row {rows[0]} holds the begin of a sentence (BOS, {BOS_ID}), which is no "
            "part of a translation: leave it out."
        )
    is_end = target == EOS_ID
    is_after_end = np.cumsum(is_end, axis=1) - is_end > 0
    rows = np.flatnonzero(np.any(is_after_end & (target != PAD_ID), axis=1))
    if rows.size:
        raise UserError(f"target_output_tokens, row {rows[0]}: nothing may follow the end-of-sentence token.")


def check_vocabulary(tokens: np.ndarray, name: str, vocabulary_size: int) -> None:
    """Raise `UserError` if one of the target `tokens` (batch, length) is not in the vocabulary."""
    places = np.argwhere(tokens >= vocabulary_size)
    if places.size:
        row, column = places[0]
        raise UserError(
            f"{name}, row {row} holds token {tokens[row, column]}, but the target vocabulary has "
            f"{vocabulary_size} tokens. Was it made with another tokenizer?"
        )


def maximum_lengths(source: np.ndarray, prefix: np.ndarray | None, options: SearchOptions) -> np.ndarray:
    """The most tokens of each sentence's hypotheses, their end not counted, from its own length alone.

    Args:
        source: (batch, source_length) int32, 0 = pad.
        prefix: (batch, prefix_length) int32, 0 = pad; or None.
        options: see `SearchOptions.max_length`.

    Returns:
        (batch,) int32, at least 1.

    Raises:
        data.errors.UserError: a prefix is longer than `options.max_length`.
    """
    prefix_lengths = np.zeros(len(source), int)
    if prefix is not None:
        prefix_lengths = np.count_nonzero(prefix, axis=1)
    if options.max_length is None:
        own = (
            np.floor(options.max_length_factor * np.count_nonzero(source, axis=1)) + options.max_length_extra
        )
        least = np.maximum(max(options.min_length, 1), prefix_lengths)
        return np.maximum(own, least).astype(np.int32)
    too_long = np.flatnonzero(prefix_lengths > options.max_length)
    if too_long.size:
        raise UserError(
            f"forced_prefix has {prefix_lengths[too_long[0]]} tokens, more than "
            f"max_length ({options.max_length}) allows; raise max_length or shorten the prefix."
        )
    return np.full(len(source), options.max_length, np.int32)


def _padded(rows: Sequence[Sequence[int]], name: str) -> np.ndarray:
    arrays = [np.asarray(row) for row in rows]
    padded = np.full((len(arrays), max((row.size for row in arrays), default=0)), PAD_ID, np.int32)
    for place, row in enumerate(arrays):
        if row.ndim != 1 or (row.size and not np.issubdtype(row.dtype, np.integer)):
            raise UserError(f"{name}, row {place} must be a list of token ids; got {rows[place]!r}.")
        padded[place, : row.size] = row
    return padded
