"""Which target tokens a sentence's translation may use: a few hundred instead of the whole vocabulary.

The output layer is nearly half of a step's products, and normalising over the vocabulary a good part of the
rest. But what a sentence can be translated into is mostly known beforehand: the tokens that its own tokens
were translated into in training, and the most frequent ones, which hold a sentence together (Jean et al.
2015, section 3.2; L'Hostis et al. 2016). A search that is given a `Shortlist` chooses among these alone.

It is an approximation: probabilities are normalised over the shortlist, and what is not on it cannot be
written. A sentence's shortlist depends on that sentence alone, so that its translation does not depend on the
batch that it stands in.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.atomic import atomic_write
from data.errors import UserError
from data.special_ids import PAD_ID, SPECIAL_IDS
from seq2seq.wide_rows import BLOCK_OF_UNKNOWN_COLUMNS

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory


class Restriction(NamedTuple):
    """A batch's vocabulary: the union of its sentences' shortlists, with the special tokens first.

    The search calls a token by its place in `token_ids`. Places of the special tokens are their ids.
    """

    token_ids: np.ndarray  # (size,) int32, rising, then pads up to whole blocks of columns
    penalties: np.ndarray  # (batch, size) float32: 0, or -inf for what a sentence's own shortlist lacks

    def places(self, tokens: np.ndarray) -> np.ndarray:
        """Places of tokens that are all there: int32 of the shape of `tokens`."""
        real = np.append(self.token_ids[:1], self.token_ids[1:][self.token_ids[1:] != PAD_ID])
        return np.searchsorted(real, tokens).astype(np.int32)


@dataclass(frozen=True)
class Shortlist:
    """What to choose a translation's tokens from.

    Attributes:
        frequent: (n,) int32, target tokens that every sentence may use.
        candidates: (source_vocabulary_size, k) int32, the target tokens that each source token adds; pads
            where there are fewer.
        vocabulary_size: of the target.
    """

    frequent: np.ndarray
    candidates: np.ndarray
    vocabulary_size: int

    def __post_init__(self) -> None:
        for name, tokens in (("frequent", self.frequent), ("candidates", self.candidates)):
            if tokens.size and not 0 <= tokens.min() <= tokens.max() < self.vocabulary_size:
                raise ValueError(
                    f"{name} holds tokens from {tokens.min()} to {tokens.max()}; the target vocabulary has "
                    f"{self.vocabulary_size}"
                )

    def restrict(self, source_tokens: np.ndarray, forced_prefix: np.ndarray | None) -> Restriction:
        """The vocabulary of a batch.

        Args:
            source_tokens: (batch, source_length) int32, 0 = pad.
            forced_prefix: (batch, prefix_length) int32, 0 = pad: tokens that are allowed as well; or None.
        """
        sentences = np.arange(len(source_tokens))
        allowed = np.zeros((len(source_tokens), self.vocabulary_size), bool)
        allowed[:, list(SPECIAL_IDS.values())] = True
        allowed[:, self.frequent] = True
        # (batch, source_length, k); padding adds nothing, whatever the table says of it
        candidates = np.where((source_tokens != PAD_ID)[..., None], self.candidates[source_tokens], PAD_ID)
        allowed[sentences[:, None, None], candidates] = True
        if forced_prefix is not None:
            allowed[sentences[:, None], forced_prefix] = True
        token_ids = np.flatnonzero(allowed.any(axis=0))
        missing = -len(token_ids) % BLOCK_OF_UNKNOWN_COLUMNS
        penalties = np.where(allowed[:, token_ids], np.float32(0), np.float32(-np.inf))
        return Restriction(
            np.pad(token_ids, (0, missing), constant_values=PAD_ID).astype(np.int32),
            np.pad(penalties, ((0, 0), (0, missing)), constant_values=-np.inf),
        )

    def save(self, path: Path) -> None:
        """Write an `.npz` file."""
        with atomic_write(path, "wb") as file:
            np.savez_compressed(
                file,
                frequent=self.frequent,
                candidates=self.candidates,
                vocabulary_size=np.int64(self.vocabulary_size),
            )

    @classmethod
    def load(cls, path: Path) -> Shortlist:
        """Read what `save` wrote.

        Raises:
            UserError: there is no such file, or it is damaged.
        """
        try:
            with np.load(path) as stored:
                return cls(stored["frequent"], stored["candidates"], int(stored["vocabulary_size"]))
        except FileNotFoundError:
            raise UserError(f"{path} does not exist: this model has no shortlist yet.") from None
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is damaged ({error}). Delete it and make it again.") from error


def build_shortlist(
    lexical_table: tuple[np.ndarray, np.ndarray, np.ndarray],
    target_counts: np.ndarray,
    source_vocabulary_size: int,
    *,
    frequent: int,
    candidates: int,
) -> Shortlist:
    """Make a shortlist from translation probabilities.

    Args:
        lexical_table: `(source_ids, target_ids, probabilities)`, (entries,) each: t(target | source).
        target_counts: (target_vocabulary_size,), how often training has each target token.
        source_vocabulary_size: of the source.
        frequent: how many of the most frequent target tokens every sentence may use.
        candidates: how many target tokens each source token adds: its most probable translations.
    """
    source_ids, target_ids, probabilities = lexical_table
    # By source token, each one's most probable translations first; equal ones by id.
    order = np.lexsort((target_ids, -probabilities, source_ids))
    sources, targets = source_ids[order], target_ids[order]
    rank = np.arange(len(sources)) - np.searchsorted(sources, sources)
    kept = rank < candidates
    table = np.full((source_vocabulary_size, candidates), PAD_ID, np.int32)
    table[sources[kept], rank[kept]] = targets[kept]
    most = np.argsort(-target_counts, kind="stable")[:frequent]
    return Shortlist(most.astype(np.int32), table, len(target_counts))


def run_shortlist(run: RunDirectory) -> Shortlist:
    """The shortlist that lies in a run's directory.

    Raises:
        UserError: there is none, or it is of another tokenizer.
    """
    if not run.shortlist_file.is_file():
        way_out = f"Make one: python -m seq2seq.make_shortlist {run.path}"
        if run.is_shipped:
            way_out = (
                "It is a shipped model, and a shortlist is learnt from training pairs, which do not ship. "
                "Translate without one (no --shortlist)."
            )
        raise UserError(f"{run.path} has no shortlist. {way_out}")
    shortlist = Shortlist.load(run.shortlist_file)
    sizes = (len(shortlist.candidates), shortlist.vocabulary_size)
    expected = (run.tokenizers.source.vocabulary_size, run.tokenizers.target.vocabulary_size)
    if sizes != expected:
        raise UserError(
            f"{run.shortlist_file} was made with another tokenizer: it knows {sizes[0]:,} source and "
            f"{sizes[1]:,} target tokens, the model {expected[0]:,} and {expected[1]:,}. Make it again: "
            f"python -m seq2seq.make_shortlist {run.path}"
        )
    return shortlist
