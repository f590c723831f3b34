"""A translator that says of every word where it came from, not where the decoder looked beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seq2seq.decoding_batches import BATCH_SIZE, explaining_memory, read_in_chunks
from seq2seq.search_options import SearchOptions
from seq2seq.translation import Translation
from seq2seq.translator import TextOrTokens, Translator

if TYPE_CHECKING:
    from seq2seq.posterior_attention import PosteriorReader


class PosteriorTranslator(Translator):
    """Writes what a `Translator` writes; the attention of its translations is the posterior.

    See `seq2seq.posterior_attention`. Words, probabilities and scores are the same; alignments are better.
    """

    @cached_property
    def _reader(self) -> PosteriorReader:
        from seq2seq.posterior_attention import PosteriorReader

        return PosteriorReader(self.search.prepared)

    def translate_stream(
        self,
        texts: Iterable[str],
        options: SearchOptions | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        **more: Any,
    ) -> Iterator[Translation]:
        """As `Translator.translate_stream`."""
        return self._reread(
            super().translate_stream(texts, options, batch_size=batch_size, **more), batch_size
        )

    def score_stream(
        self,
        pairs: Iterable[tuple[str, TextOrTokens]],
        options: SearchOptions | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        **more: Any,
    ) -> Iterator[Translation]:
        """As `Translator.score_stream`."""
        return self._reread(super().score_stream(pairs, options, batch_size=batch_size, **more), batch_size)

    def _reread(self, translations: Iterator[Translation], batch_size: int) -> Iterator[Translation]:
        # No more at once than the search: whoever waits for a line does not wait for others.
        for batch in read_in_chunks(translations, batch_size):
            yield from explaining_memory(self._reader)(batch)
