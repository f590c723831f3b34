"""Attention of a forced reference against gold word alignment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from data.errors import DataError
from data.words import word_spans
from seq2seq.alignment import AlignmentMethod, Link, PharaohLine

if TYPE_CHECKING:
    from data.tokenizer import Segmentation
    from seq2seq.translation import Translation


def gold_links(links: Iterable[frozenset[Link]]) -> tuple[PharaohLine, ...]:
    """Gold links that are all sure, one set per sentence pair."""
    return tuple(PharaohLine(each, each) for each in links)


def check_gold_links(
    gold: Sequence[PharaohLine],
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    word_mode: str,
    origin: str,
) -> None:
    """Check that there is one line of links for each pair and that the words they name exist.

    Args:
        gold: the links.
        sources, targets: the texts.
        word_mode: how the gold links count words (see `data.words.word_spans`).
        origin: where the links are from, for the message.

    Raises:
        DataError: naming the line and the link.
    """
    if len(gold) != len(sources):
        raise DataError(
            f"{origin} has alignments of {len(gold):,} sentence pairs, but there are {len(sources):,} pairs. "
            "Expected one line of links for each pair."
        )
    for number, (line, source, target) in enumerate(zip(gold, sources, targets, strict=True), start=1):
        counts = len(word_spans(source, word_mode)), len(word_spans(target, word_mode))
        outside = [link for link in sorted(line.possible) if link[0] >= counts[0] or link[1] >= counts[1]]
        if outside:
            other = "whitespace" if word_mode == "unicode" else "unicode"
            raise DataError(
                f"{origin}, line {number}: the link {outside[0][0]}-{outside[0][1]} names a word that is not "
                f"there: the source has {counts[0]} words and the target {counts[1]}, counted from 0 in the "
                f"word mode {word_mode}. Should it be --word-mode {other}, or --alignments-from-one?"
            )


def predicted_gold_words(
    translation: Translation, method: AlignmentMethod, word_mode: str
) -> frozenset[Link] | None:
    """The links that attention speaks for, between the words that gold links count.

    Words that one piece of the tokenizer reaches over are one word in a `Segmentation`. A link of such a
    joined word stands for links of all the words in it.

    Returns:
        None when nothing was decoded (an empty line).
    """
    if translation.best is None:
        return None
    links = translation.best.alignment(translation.source, method)
    sources = _gold_words_of(translation.source, word_mode)
    targets = _gold_words_of(translation.best.target, word_mode)
    return frozenset(
        (gold_source, gold_target)
        for source, target in links
        for gold_source in sources[source]
        for gold_target in targets[target]
    )


def _gold_words_of(segmentation: Segmentation, word_mode: str) -> list[list[int]]:
    """For each word of the segmentation, the words of its text that lie in it."""
    spans = word_spans(segmentation.text, word_mode)
    return [
        [index for index, (start, end) in enumerate(spans) if start < word_end and end > word_start]
        for word_start, word_end in segmentation.word_offsets
    ]
