"""Reranking: of the translations that a beam found, those from which the source can be told come first.

A model of the other direction is asked how probable the source is, given each translation (the channel model
of Yee, Dauphin and Auli 2019, "Simple and effective noisy channel modeling for neural machine translation",
section 3.1, without its language model):

    score = score of the search + weight * log p(source | translation) / source tokens

A translation that leaves words out, or says something twice, may look good to the model that wrote it; its
source is hard to write back from it. As in the search, one that was cut off comes behind all that ended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from data.errors import UserError
from seq2seq.translation import Hypothesis, Translation

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory
    from seq2seq.translator import Translator

# Hypotheses that are read at once, each of which has an encoding of its own.
_MOST_AT_ONCE = 512
# Of pieces that are read: the first model has cut its sources already, and with them its translations.
_NO_LIMIT = 1 << 30


@dataclass(frozen=True)
class Reranker:
    """Puts hypotheses into another order.

    Attributes:
        backward: translates from the target language to the source language.
        weight: of its opinion; 0 keeps the order.

    Raises:
        ValueError: the weight is negative or no finite number.
    """

    backward: Translator
    weight: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise ValueError(f"expected a weight of at least 0, got {self.weight}")

    def __call__(self, translations: Sequence[Translation], n_best: int) -> list[Translation]:
        """The best of the hypotheses of each translation, in their new order and with their new scores.

        Args:
            translations: a batch, with every hypothesis that there is to choose from.
            n_best: how many hypotheses of each to keep, at most.

        Raises:
            UserError: what the other model says are no numbers.
        """
        hypotheses = [each for one in translations for each in one.hypotheses]
        sources = [one.source.text for one in translations for _ in one.hypotheses]
        texts = [each.text for each in hypotheses]
        read = iter(self.backward.score(texts, sources, batch_size=_MOST_AT_ONCE))
        return [
            replace(one, hypotheses=self._ranked([(each, next(read)) for each in one.hypotheses])[:n_best])
            for one in translations
        ]

    def _ranked(self, candidates: Sequence[tuple[Hypothesis, Translation]]) -> tuple[Hypothesis, ...]:
        rescored = [
            replace(hypothesis, score=hypothesis.score + self.weight * _mean(source))
            for hypothesis, source in candidates
        ]
        # Sorting is stable: of equal ones, the search's own order decides.
        return tuple(sorted(rescored, key=lambda each: (not each.finished, -each.score)))


def load_reranker(run: RunDirectory | None, weight: float, precision: str | None) -> Reranker | None:
    """A reranker of a run; None without one.

    Args:
        run: of the model of the other direction.
        weight: see `Reranker`.
        precision: of its matrix products; see `Translator`.
    """
    if run is None:
        return None
    from seq2seq.translator import Translator

    return Reranker(Translator.load([run], precision=precision, max_source_pieces=_NO_LIMIT), weight)


def _mean(source: Translation) -> float:
    """The mean log probability of the tokens of a source."""
    if source.best is None:
        return 0.0  # neither the source nor the translation has a piece in the other model's tokenizer
    mean = source.best.log_probability / len(source.best.token_log_probabilities)
    if not math.isfinite(mean):
        raise UserError(
            "The model of --rerank-with gives probabilities that are not numbers. Its weights are damaged or "
            "its training diverged: rerank with another one."
        )
    return mean
