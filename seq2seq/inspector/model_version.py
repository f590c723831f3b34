"""One set of weights and everything that can be asked of it. Runs on the model's thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data.segmentation import Segmentation
from data.special_ids import EOS_ID
from seq2seq.alternatives import Alternatives, NextTokens
from seq2seq.beam_tree import BeamTracer, BeamTree
from seq2seq.dependence import GradientTimesInput, leave_one_out, summed_over_words
from seq2seq.model import Seq2SeqModel
from seq2seq.pinned_attention import PinnedModel, pins_of_words
from seq2seq.posterior_attention import PosteriorReader
from seq2seq.search_options import SearchOptions
from seq2seq.translation import Translation
from seq2seq.translator import Translator


@dataclass(frozen=True)
class PinnedTranslations:
    """The same translation without and with pins, and what the model writes on from the first pinned word."""

    before: Translation
    after: Translation
    continuation: Translation


class ModelVersion:
    """A translator of one model, and the tools that question it; each is made when it is first needed.

    Args:
        translator: of exactly one `Seq2SeqModel`. Call `refresh` after other weights were loaded into it.
    """

    def __init__(self, translator: Translator) -> None:
        (model,) = translator.models
        assert isinstance(model, Seq2SeqModel)
        self.model = model
        self.translator = translator

    def refresh(self) -> None:
        """Use the weights that the model has now."""
        self.translator.refresh()
        self._pinned[0].refresh()

    def translate(
        self, texts: Sequence[str], prefixes: Sequence[Sequence[int]], options: SearchOptions
    ) -> list[Translation]:
        """Translate a batch; a prefix of target tokens may be empty."""
        return self.translator.translate(texts, options, forced_prefix=prefixes)

    def score(
        self, pairs: Sequence[tuple[str, str | Sequence[int]]], options: SearchOptions | None = None
    ) -> list[Translation]:
        """Force given translations, as text or as target tokens; scored with the penalties of `options`."""
        return list(self.translator.score_stream(pairs, options, window=max(len(pairs), 1)))

    def posterior(self, translations: Sequence[Translation]) -> list[Translation]:
        """Translations of this version with their posterior attention, see `seq2seq.posterior_attention`."""
        return self._posterior(translations)

    def alternatives(self, source: Segmentation, prefix: Sequence[int]) -> NextTokens:
        """The likeliest next tokens of a source that was shortened to what the model reads."""
        return self._alternatives.after([*source.token_ids, EOS_ID], prefix)

    def beam(
        self, source: Segmentation, prefix: Sequence[int], options: SearchOptions, pruned: int
    ) -> BeamTree:
        return self._tracer.trace([*source.token_ids, EOS_ID], options, prefix, pruned)

    def pinned(
        self,
        text: str,
        target_tokens: Sequence[int],
        pins: Sequence[tuple[int, Sequence[int]]],
        options: SearchOptions,
    ) -> PinnedTranslations:
        """Pin the attention of target words onto source words.

        Args:
            text: the source.
            target_tokens: of a translation of it, its end included if it is finished.
            pins: see `pins_of_words`; at least one.
            options: of the search that goes on from the first pinned word; its penalties are those of all
                scores.

        Raises:
            ValueError: there is no such word.
        """
        (before,) = self.score([(text, target_tokens)], options)
        target_words = before.hypotheses[0].target.piece_to_word
        weights = pins_of_words(pins, before.source.piece_to_word, target_words)
        first_row = int(np.flatnonzero(weights[0].any(axis=-1))[0])
        translator, model = self._pinned
        model.pin(weights)
        (after,) = translator.score([text], [target_tokens], options)
        (continuation,) = translator.translate([text], options, forced_prefix=[target_tokens[:first_row]])
        return PinnedTranslations(before, after, continuation)

    def leave_one_out(self, translation: Translation, target_tokens: Sequence[int]) -> np.ndarray:
        """(target words [+ 1], source words), see `seq2seq.dependence.leave_one_out`."""
        source = translation.source
        by_token = leave_one_out(
            self.translator.search, [*source.token_ids, EOS_ID], source.piece_to_word, target_tokens
        )
        return summed_over_words(by_token, translation.hypotheses[0].target.piece_to_word, axis=0)

    def gradient_x_input(self, translation: Translation, target_tokens: Sequence[int]) -> np.ndarray:
        """(target words [+ 1], source words + 1), see `seq2seq.dependence.GradientTimesInput`."""
        source = translation.source
        by_token = self._gradient.of([*source.token_ids, EOS_ID], target_tokens)
        by_row = summed_over_words(by_token, translation.hypotheses[0].target.piece_to_word, axis=0)
        return summed_over_words(by_row, source.piece_to_word, axis=1)

    @cached_property
    def _posterior(self) -> PosteriorReader:
        return PosteriorReader(self.translator.search.prepared)

    @cached_property
    def _alternatives(self) -> Alternatives:
        return Alternatives(self.translator.search.prepared)

    @cached_property
    def _tracer(self) -> BeamTracer:
        return BeamTracer(self.translator.search.prepared)

    @cached_property
    def _gradient(self) -> GradientTimesInput:
        return GradientTimesInput(self.model)

    @cached_property
    def _pinned(self) -> tuple[Translator, PinnedModel]:
        model = PinnedModel(self.model)
        whole = self.translator
        translator = Translator(
            [model], whole.tokenizers, whole.configs, max_source_pieces=whole.max_source_pieces
        )
        return translator, model
