"""How probable a model finds the references: perplexity from forced decoding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.words import word_spans
from seq2seq.translation import Hypothesis


@dataclass(frozen=True)
class ReferenceProbability:
    """One reference, as the model finds it when it is made to write it.

    The end of the sentence, which the model has to predict too, counts as one token, one word and one
    character, as a line feed would.

    Attributes:
        log_probability: natural logarithm, of all tokens and the end.
        tokens, words, characters: the units that the text has, the end included.
    """

    log_probability: float
    tokens: int
    words: int
    characters: int

    @classmethod
    def of(cls, forced: Hypothesis) -> ReferenceProbability:
        """From a forced decoding. A reference that was too long and cut has no end."""
        text, end = forced.target.text, int(forced.finished)
        return cls(
            log_probability=float(forced.log_probability),
            tokens=len(forced.token_log_probabilities),
            words=len(word_spans(text)) + end,
            characters=len(text) + end,
        )


def perplexity(references: Sequence[ReferenceProbability]) -> dict[str, Any] | None:
    """Perplexity over a set: exp(-log probability / units), both summed over the set.

    Per token it depends on the tokenizer. Per word or character it does not, so that models with different
    tokenizers compare.

    Returns:
        None for an empty set. The numbers are None where a reference has the probability 0.
    """
    if not references:
        return None
    total = math.fsum(each.log_probability for each in references)
    tokens = sum(each.tokens for each in references)
    words = sum(each.words for each in references)
    characters = sum(each.characters for each in references)
    finite = math.isfinite(total)
    return {
        "per_token": _exponential(-total / tokens) if finite else None,
        "per_word": _exponential(-total / words) if finite else None,
        "per_character": _exponential(-total / characters) if finite else None,
        "bits_per_character": -total / characters / math.log(2) if finite else None,
        "log_probability": total if finite else None,
        "sentences": len(references),
        "tokens": tokens,
        "words": words,
        "characters": characters,
    }


def _exponential(number: float) -> float | None:
    # An untrained model may be wrong beyond what a float can hold; infinity is not valid JSON.
    try:
        return math.exp(number)
    except OverflowError:
        return None
