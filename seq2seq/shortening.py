"""Cutting a text that is too long for a model."""

from __future__ import annotations

from data.segmentation import Segmentation


def shorten(segmentation: Segmentation, longest: int) -> Segmentation:
    """The beginning of a text, of at most `longest` pieces; cut between words unless one word is longer."""
    if len(segmentation.pieces) <= longest:
        return segmentation
    kept = longest
    # The word that the first left-out piece belongs to goes as a whole.
    while kept > 0 and segmentation.piece_to_word[kept - 1] == segmentation.piece_to_word[longest]:
        kept -= 1
    kept = kept or longest
    end = segmentation.piece_offsets[kept - 1][1]
    words = segmentation.piece_to_word[kept - 1] + 1
    word_offsets = tuple(
        (min(begin, end), min(stop, end)) for begin, stop in segmentation.word_offsets[:words]
    )
    text = segmentation.text[:end]
    return Segmentation(
        text=text,
        token_ids=segmentation.token_ids[:kept],
        pieces=segmentation.pieces[:kept],
        piece_offsets=segmentation.piece_offsets[:kept],
        words=tuple(text[begin:stop] for begin, stop in word_offsets),
        word_offsets=word_offsets,
        piece_to_word=segmentation.piece_to_word[:kept],
    )


def notes_of_cut(side: str, whole: Segmentation, kept: Segmentation) -> tuple[str, ...]:
    """What a reader of the translation should know where something was cut off.

    Args:
        side: of the text: "source" or "target".
        whole: the text.
        kept: what `shorten` has made of it.
    """
    if kept is whole:
        return ()
    return (f"the {side} has {len(whole.pieces)} pieces, only the first {len(kept.pieces)} were used",)
