"""Which sentences to decode together: neighbours in length, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Sequence

# A batch of very long sentences holds fewer of them, so that memory stays bounded.
_TOKENS_PER_SENTENCE_SLOT = 64


def length_sorted_batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Divide texts into batches of neighbours in length, longest first so that memory is claimed once.

    Args:
        lengths: of the texts, in tokens.
        batch_size: at most so many texts in a batch, and fewer when they are very long.

    Returns:
        Indices into `lengths`, each exactly once.
    """
    most_tokens = batch_size * _TOKENS_PER_SENTENCE_SLOT
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        # The first member is the longest, so it decides how wide the batch is.
        if (
            not batches
            or len(batches[-1]) == batch_size
            or (len(batches[-1]) + 1) * lengths[batches[-1][0]] > most_tokens
        ):
            batches.append([])
        batches[-1].append(index)
    return batches
