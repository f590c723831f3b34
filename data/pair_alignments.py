"""Word alignments of a store's pairs, and what they say about the pieces of a batch."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.atomic import atomic_write
from data.batching import Batch
from data.errors import DataError
from data.pair_store import PairStore
from data.special_ids import EOS_ID
from data.token_rows import TokenRows
from data.tokenizer import TokenizerPair
from data.word_aligner import train_aligner
from data.word_places import WordPlaces, word_ids, words_of

Links = frozenset[tuple[int, int]]

_FORMAT = "pair alignments 1"
_ROWS = ("source_begins", "source_ends", "target_begins", "target_ends", "link_sources", "link_targets")
_SIZES = ("source_sizes", "target_sizes", "is_known")


@dataclass(frozen=True)
class PairAlignments:
    """Links between the words of many pairs.

    Attributes:
        source, target: where the words stand.
        link_sources, link_targets: one row a pair, one number a link: its two words, counted from 0.
        is_known: (pairs,) bool; False for a pair whose links are not known, not even that there are none.
    """

    source: WordPlaces
    target: WordPlaces
    link_sources: TokenRows
    link_targets: TokenRows
    is_known: np.ndarray

    def __len__(self) -> int:
        return len(self.is_known)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all of it, in hexadecimal."""
        digest = hashlib.sha256()
        for name, array in self._arrays().items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array, np.int64).tobytes())
        return digest.hexdigest()

    def target_attention(
        self, batch: Batch, tokenizers: TokenizerPair, *, unaligned_to_end: bool
    ) -> np.ndarray:
        """Where the links say that each target piece should look.

        A piece of a target word looks at the linked source words, at each as much, and at all pieces of one
        of them as much. Whichever way the texts were cut into pieces, the words are the same; of a source
        that was typed without some of its characters none is recognised, and its pair says nothing.

        Args:
            batch: pairs of the store that these alignments are of.
            tokenizers: that cut them.
            unaligned_to_end: the pieces of a target word without links look at the end of the source;
                False: they have nothing to look at.

        Returns:
            (batch, target_length, source_length) float32. Rows sum to 1, or to 0 where nothing is said: pads,
            the end of the target, and pairs whose links are not known.
        """
        rows = batch.indices
        source_words = self.source.membership(rows, batch.source_tokens, tokenizers.source.piece_bytes)
        target_words = self.target.membership(rows, batch.target_output_tokens, tokenizers.target.piece_bytes)
        links = self._word_links(rows, target_words.shape[2], source_words.shape[2])
        pieces_of_word = np.maximum(source_words.sum(axis=1), 1)  # (batch, source_words)
        # (target_length, target_words) @ (target_words, source_words) @ (source_words, source_length)
        looked_at = (
            target_words.astype(np.float32)
            @ links
            @ (source_words / pieces_of_word[:, None]).astype(np.float32).swapaxes(1, 2)
        )
        if unaligned_to_end:
            is_known = self.is_known[rows] & source_words.any(axis=(1, 2))
            is_lost = target_words.any(axis=2) & ~looked_at.any(axis=2) & is_known[:, None]
            looked_at += is_lost[:, :, None] & (batch.source_tokens == EOS_ID)[:, None]
        totals = looked_at.sum(axis=2, keepdims=True)
        return looked_at / np.where(totals > 0, totals, 1)

    def _word_links(self, rows: np.ndarray, target_words: int, source_words: int) -> np.ndarray:
        """(batch, target_words, source_words) float32, 1 for a link."""
        links = np.zeros((len(rows), target_words, source_words), np.float32)
        chosen_sources, chosen_targets = self.link_sources.take(rows), self.link_targets.take(rows)
        places = np.repeat(np.arange(len(rows)), chosen_sources.lengths)
        links[places, chosen_targets.tokens, chosen_sources.tokens] = 1
        return links

    def save(self, path: Path, key: str) -> None:
        """Write everything, and what it was made from, to one file."""
        with atomic_write(path, "wb") as file:
            arrays: dict[str, Any] = {"key": np.array(f"{_FORMAT}\n{key}"), **self._arrays()}
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path, key: str) -> PairAlignments | None:
        """What `save` wrote; None when there is no such file, or it was made from something else.

        Raises:
            DataError: the file is damaged.
        """
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                if str(file["key"]) != f"{_FORMAT}\n{key}":
                    return None
                rows = {name: TokenRows(file[name], file[f"{name}_lengths"]) for name in _ROWS}
                source_sizes, target_sizes, is_known = (file[name] for name in _SIZES)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{os.fspath(path)}: cannot be read as alignments of sentence pairs ({error}). Delete it: it "
                "is made again when it is needed."
            ) from error
        return cls(
            WordPlaces(rows["source_begins"], rows["source_ends"], source_sizes),
            WordPlaces(rows["target_begins"], rows["target_ends"], target_sizes),
            rows["link_sources"],
            rows["link_targets"],
            is_known,
        )

    def _arrays(self) -> dict[str, np.ndarray]:
        rows = (
            *(self.source.begins, self.source.ends, self.target.begins, self.target.ends),
            *(self.link_sources, self.link_targets),
        )
        arrays = {name: each.tokens for name, each in zip(_ROWS, rows, strict=True)}
        arrays.update({f"{name}_lengths": each.lengths for name, each in zip(_ROWS, rows, strict=True)})
        sizes = (self.source.sizes, self.target.sizes, self.is_known)
        return {**arrays, **dict(zip(_SIZES, sizes, strict=True))}


def aligned_pairs(
    store: PairStore,
    tokenizers: TokenizerPair,
    progress: Callable[[str, int, int | None], None] = lambda what, done, total: None,
) -> PairAlignments:
    """Align all pairs of a store with an aligner that is trained on them.

    Args:
        store: the pairs.
        tokenizers: whose normalised texts the words are looked for in.
        progress: told what is being done, how far it is, and how far it goes.
    """
    source, target, words = _worded(store, tokenizers)
    source_ids, target_ids = (word_ids(side) for side in words)
    aligner = train_aligner(
        source_ids, target_ids, progress=lambda done, total: progress(f"round {done} of {total}", done, total)
    )
    links = aligner.align_rows(
        source_ids, target_ids, progress=lambda done, total: progress("linking words", done, total)
    )
    return _with_links(source, target, links, np.ones(len(store), np.bool_))


def given_alignments(
    store: PairStore,
    tokenizers: TokenizerPair,
    links: Sequence[Links],
    count_words: Callable[[str], int],
    origin: str,
) -> PairAlignments:
    """Alignments that come from elsewhere.

    Args:
        store: the pairs.
        tokenizers: as for `aligned_pairs`.
        links: (source word, target word) of each pair, in the order of the store.
        count_words: how many words the links' maker saw in a text. Where those are not as many as the
            normalised text has, the pair's links are not known.
        origin: where the links are from, for an error.

    Raises:
        DataError: a link names a word that is not there.
    """
    source, target, words = _worded(store, tokenizers)
    is_known = np.zeros(len(store), np.bool_)
    for index, (source_text, target_text) in enumerate(store.read(range(len(store)))):
        counts = count_words(source_text), count_words(target_text)
        is_known[index] = counts == (len(words[0][index]), len(words[1][index]))
        outside = [link for link in sorted(links[index]) if link[0] >= counts[0] or link[1] >= counts[1]]
        if outside:
            raise DataError(
                f"{origin}: the link {outside[0][0]}-{outside[0][1]} of the pair that begins with "
                f"{source_text[:40]!r} names a word that is not there: the source has {counts[0]} words and "
                f"the target {counts[1]}, counted from 0. Are these the alignments of these pairs, and is "
                "word_mode right?"
            )
    kept = [each if known else frozenset() for each, known in zip(links, is_known.tolist(), strict=True)]
    return _with_links(source, target, kept, is_known)


def _worded(
    store: PairStore, tokenizers: TokenizerPair
) -> tuple[WordPlaces, WordPlaces, tuple[list[list[str]], list[list[str]]]]:
    pairs = store.read(range(len(store)))
    source, source_words = words_of(tokenizers.source, [pair[0] for pair in pairs])
    target, target_words = words_of(tokenizers.target, [pair[1] for pair in pairs])
    return source, target, (source_words, target_words)


def _with_links(
    source: WordPlaces, target: WordPlaces, links: Sequence[Links], is_known: np.ndarray
) -> PairAlignments:
    in_order = [sorted(each) for each in links]
    return PairAlignments(
        source,
        target,
        TokenRows.from_lists([[link[0] for link in each] for each in in_order], np.uint16),
        TokenRows.from_lists([[link[1] for link in each] for each in in_order], np.uint16),
        is_known,
    )
