"""From text to `Translation` objects and back to text order: the only text-tensor boundary of decoding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.segmentation import Segmentation
from data.special_ids import EOS_ID
from seq2seq.capitals import note_of_capitals
from seq2seq.decoding_batches import BATCH_SIZE, decode_in_batches, sentences_at_once
from seq2seq.run_directory import RunDirectory, check_same_tokenizers
from seq2seq.search_options import SearchOptions, run_search_options
from seq2seq.shortening import notes_of_cut, shorten
from seq2seq.translation import Hypothesis, Translation
from seq2seq.unknown_characters import note_of_unknown_characters

if TYPE_CHECKING:
    from data.tokenizer import Tokenizer, TokenizerPair
    from seq2seq.config import Config
    from seq2seq.ensemble import StepModel
    from seq2seq.reranking import Reranker
    from seq2seq.search import SearchResult
    from seq2seq.shortlist import Shortlist

# A target, or its beginning: as text, or as token ids, since a text can be cut up in several ways.
TextOrTokens = str | Sequence[int]


class Translator:
    """Translates with one model, or with an ensemble of models that share their tokenizers.

    Args:
        models: see `seq2seq.ensemble.StepModel`.
        tokenizers: of all the models.
        configs: of the models; the first one's `search` section gives the default options.
        max_source_pieces: longer texts are cut and their translation has a note. Twice the longest training
            pair of the configurations when not given.
        precision: of the matrix products; the first configuration's when not given.
        shortlist: see `seq2seq.search.Search`.
        reranker: chooses among all that the beam of a sentence found; without one, its best are the best.

    Attributes:
        runs: the run directories when made by `load`, else empty.
    """

    def __init__(
        self,
        models: Sequence[StepModel],
        tokenizers: TokenizerPair,
        configs: Sequence[Config] = (),
        *,
        max_source_pieces: int | None = None,
        precision: str | None = None,
        shortlist: Shortlist | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        from seq2seq.search import Search

        self.models = tuple(models)
        self.tokenizers = tokenizers
        self.configs = tuple(configs)
        self.runs: tuple[RunDirectory, ...] = ()
        if max_source_pieces is None:
            if not self.configs:
                raise ValueError("without a configuration, say max_source_pieces")
            max_source_pieces = 2 * min(config.batches.max_length for config in self.configs)
        self.max_source_pieces = max_source_pieces
        if precision is None and self.configs:
            precision = self.configs[0].search.matmul_precision
        self.precision = precision
        self.shortlist = shortlist
        self.reranker = reranker
        self.search = Search(self.models, precision=precision, shortlist=shortlist)

    @classmethod
    def load(
        cls,
        runs: str | Path | RunDirectory | Sequence[str | Path | RunDirectory],
        *,
        max_source_pieces: int | None = None,
        precision: str | None = None,
        use_shortlist: bool = False,
        reranker: Reranker | None = None,
    ) -> Translator:
        """Load the best model of a run, or of several that make an ensemble.

        Args:
            runs: directories, names of shipped models, or `RUN@EPOCH` for the weights of a kept epoch.
            max_source_pieces: see the class.
            precision: see the class.
            use_shortlist: choose from the first run's shortlist alone, see `seq2seq.make_shortlist`.
            reranker: see the class.

        Raises:
            UserError: a directory is not a run, has no model yet, not the epoch or not the shortlist that is
                asked for, or the runs' tokenizers differ.
        """
        from data.quiet_tensorflow import load_tensorflow_quietly
        from seq2seq.shipped_models import find_model

        one = isinstance(runs, str | Path | RunDirectory)
        listed: Sequence[Any] = [runs] if one else runs  # type: ignore[assignment]
        if not listed:
            raise ValueError("give at least one run")
        opened = tuple(run if isinstance(run, RunDirectory) else find_model(run) for run in listed)
        check_same_tokenizers(opened)
        load_tensorflow_quietly()
        from seq2seq.shortlist import run_shortlist

        shortlist = run_shortlist(opened[0]) if use_shortlist else None
        models = [run.load_model() for run in opened]
        translator = cls(
            models,
            opened[0].tokenizers,
            [run.config for run in opened],
            max_source_pieces=max_source_pieces,
            precision=precision,
            shortlist=shortlist,
            reranker=reranker,
        )
        translator.runs = opened
        return translator

    def refresh(self) -> None:
        """Use the weights that the models have now; needed when they were changed after a translation."""
        self.search.refresh()

    def default_options(self, **changes: Any) -> SearchOptions:
        """The first run's search options, changed where a value other than None is given."""
        if not self.configs:
            return SearchOptions(**{key: value for key, value in changes.items() if value is not None})
        return run_search_options(self.configs[0], **changes)

    def translate(
        self,
        texts: Sequence[str],
        options: SearchOptions | None = None,
        *,
        word_mode: str = "unicode",
        forced_prefix: Sequence[TextOrTokens] | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> list[Translation]:
        """Translate texts, one each; see `translate_stream`, which this is for a list.

        Raises:
            ValueError: there are not as many prefixes as texts.
            TypeError, UserError: see `translate_stream`.
        """
        _check_no_text(forced_prefix)
        if forced_prefix is not None and len(forced_prefix) != len(texts):
            raise ValueError(f"{len(texts)} texts need as many prefixes, not {len(forced_prefix)}")
        return list(
            self.translate_stream(
                texts,
                options,
                word_mode=word_mode,
                forced_prefix=forced_prefix,
                batch_size=batch_size,
                window=max(len(texts), 1),
            )
        )

    def translate_stream(
        self,
        texts: Iterable[str],
        options: SearchOptions | None = None,
        *,
        word_mode: str = "unicode",
        forced_prefix: Iterable[TextOrTokens] | None = None,
        batch_size: int = BATCH_SIZE,
        window: int | None = None,
    ) -> Iterator[Translation]:
        """Translate texts as they come. The order is kept; what a text becomes does not depend on the others.

        Args:
            texts: one sentence each. A text without any piece (empty, white space) has no hypotheses.
            options: `default_options()` when not given.
            word_mode: how words are told apart, see `data.words.word_spans`.
            forced_prefix: how each translation has to begin; nothing is forced where it is empty.
            batch_size: at most this many sentences are translated at once; fewer with a very wide beam.
            window: this many texts are read, sorted by length and translated before the first is given out.

        Raises:
            UserError: see `Search.search`; or `texts` raised it, after what came before has been given out.
            TypeError: one text was given instead of several.
            ValueError: there are more texts than prefixes.
        """
        _check_no_text(texts, forced_prefix)
        options = options or self.default_options()
        # Whoever reranks has to see all that was found.
        found = options if self.reranker is None else replace(options, n_best=options.candidates)
        prefixes = itertools.repeat("") if forced_prefix is None else forced_prefix
        requests = (
            self._request(text, word_mode, given=self._target_tokens(prefix))
            for text, prefix in _each_with_prefix(texts, prefixes)
        )

        def decode(batch: list[_Request]) -> list[Translation]:
            prefix_rows = [request.given for request in batch]
            result = self.search.search(
                [request.source_row for request in batch],
                prefix_rows if any(prefix_rows) else None,
                found,
            )
            translations = [
                _translation(request, result, row, self.tokenizers.target, word_mode)
                for row, request in enumerate(batch)
            ]
            if self.reranker is not None:
                translations = self.reranker(translations, options.n_best)
            return [_with_note_of_end(each) for each in translations]

        batch_size = sentences_at_once(batch_size, options.candidates)
        return decode_in_batches(requests, _without_pieces, decode, batch_size, window)

    def score(
        self,
        sources: Sequence[str],
        targets: Sequence[TextOrTokens],
        options: SearchOptions | None = None,
        *,
        word_mode: str = "unicode",
        batch_size: int = BATCH_SIZE,
    ) -> list[Translation]:
        """Forced decoding of given translations; see `score_stream`, which this is for lists.

        Raises:
            TypeError: one text was given instead of a list.
            ValueError: there are not as many targets as sources.
        """
        _check_no_text(sources, targets)
        if len(sources) != len(targets):
            raise ValueError(f"{len(sources)} sources need as many targets, not {len(targets)}")
        pairs = list(zip(sources, targets, strict=True))
        return list(
            self.score_stream(
                pairs, options, word_mode=word_mode, batch_size=batch_size, window=max(len(pairs), 1)
            )
        )

    def score_stream(
        self,
        pairs: Iterable[tuple[str, TextOrTokens]],
        options: SearchOptions | None = None,
        *,
        word_mode: str = "unicode",
        batch_size: int = BATCH_SIZE,
        window: int | None = None,
    ) -> Iterator[Translation]:
        """What the model thinks of given translations: their probabilities and attention.

        Args:
            pairs: sources and targets. A pair of which both are empty has no hypotheses. Tokens are scored
                as they are, and as a translation that was cut when their end is not EOS.
            options: only length and coverage penalty matter; `default_options()` when not given.
            word_mode: as in `translate_stream`.
            batch_size: as in `translate_stream`.
            window: as in `translate_stream`.

        Yields:
            One translation for each pair, in order, with the given target as its only hypothesis.
        """
        options = options or self.default_options()
        requests = (self._scoring_request(source, target, word_mode) for source, target in pairs)

        def decode(batch: list[_Request]) -> list[Translation]:
            result = self.search.score(
                [request.source_row for request in batch], [request.given for request in batch], options
            )
            return [
                _translation(request, result, row, self.tokenizers.target, word_mode)
                for row, request in enumerate(batch)
            ]

        return decode_in_batches(requests, _without_pieces, decode, batch_size, window)

    def _request(self, text: str, word_mode: str, given: tuple[int, ...] = ()) -> _Request:
        source = self.tokenizers.source.segment(text, word_mode)
        shortened = shorten(source, self.max_source_pieces)
        notes = (
            *notes_of_cut("source", source, shortened),
            note_of_unknown_characters(shortened),
            note_of_capitals(shortened, self.tokenizers.source),
        )
        return _Request(shortened, given, tuple(filter(None, notes)))

    def _target_tokens(self, prefix: TextOrTokens) -> tuple[int, ...]:
        return tuple(self.tokenizers.target.encode(prefix) if isinstance(prefix, str) else prefix)

    def _scoring_request(self, source: str, target: TextOrTokens, word_mode: str) -> _Request:
        request = self._request(source, word_mode)
        if not isinstance(target, str):
            segmented = self.tokenizers.target.segment_tokens(target, word_mode)
            return replace(request, given=tuple(target), target=segmented)
        whole = self.tokenizers.target.segment(target, word_mode)
        kept = shorten(whole, self.max_source_pieces)
        given = kept.token_ids if kept is not whole else (*whole.token_ids, EOS_ID)
        notes = (*request.notes, *notes_of_cut("target", whole, kept))
        return replace(request, given=given, target=kept, notes=notes)


@dataclass(frozen=True)
class _Request:
    """One line, ready to be decoded.

    `given` is a forced prefix or, when `target` is there, the whole target to score.
    """

    source: Segmentation
    given: tuple[int, ...]
    notes: tuple[str, ...]
    target: Segmentation | None = None

    @property
    def source_row(self) -> list[int]:
        return [*self.source.token_ids, EOS_ID]

    @property
    def is_empty(self) -> bool:
        return not self.source.pieces and not (self.target is not None and self.target.pieces)

    @property
    def length(self) -> int:
        return max(len(self.source.pieces), len(self.given)) + 1


def _check_no_text(*lists: Iterable[TextOrTokens] | None) -> None:
    # A string is a sequence of strings, too: its characters would be translated one by one.
    if any(isinstance(each, str) for each in lists):
        raise TypeError("Give a list of texts, such as [text], not one text.")


def _each_with_prefix(
    texts: Iterable[str], prefixes: Iterable[TextOrTokens]
) -> Iterator[tuple[str, TextOrTokens]]:
    """Pairs of both; of the prefixes there may be more, even endlessly many."""
    rest = iter(prefixes)
    for number, text in enumerate(texts):
        prefix = next(rest, None)
        if prefix is None:
            raise ValueError(f"there are only {number} prefixes, and each text needs one (it may be empty)")
        yield text, prefix


def _without_pieces(request: _Request) -> Translation | None:
    """The translation of nothing, which no search is needed for."""
    return Translation(request.source, (), _joined(request.notes)) if request.is_empty else None


def _translation(
    request: _Request,
    result: SearchResult,
    row: int,
    tokenizer: Tokenizer,
    word_mode: str,
) -> Translation:
    columns = len(request.source.pieces) + 1
    hypotheses = []
    for rank in range(result.lengths.shape[1]):
        length, finished = int(result.lengths[row, rank]), bool(result.finished[row, rank])
        if length == 0:
            break  # fewer hypotheses exist than were asked for
        target = request.target
        if target is None:
            tokens = result.tokens[row, rank, : length - int(finished)]
            target = tokenizer.segment_tokens(tokens.tolist(), word_mode)
        hypotheses.append(
            Hypothesis(
                target=target,
                # Copies: a view would keep the arrays of the whole batch alive.
                token_log_probabilities=np.array(result.token_log_probabilities[row, rank, :length]),
                log_probability=float(result.log_probability[row, rank]),
                score=float(result.score[row, rank]),
                finished=finished,
                attention=np.array(result.attention_weights[row, rank, :length, :columns]),
            )
        )
    return Translation(request.source, tuple(hypotheses), _joined(request.notes))


def _with_note_of_end(translation: Translation) -> Translation:
    """Say so if the best hypothesis has no end."""
    best = translation.hypotheses[0]
    if best.finished:
        return translation
    count = len(best.target.pieces)
    pieces = "piece" if count == 1 else "pieces"
    note = f"the translation had not ended after {count} {pieces} and was cut off"
    return replace(translation, note=_joined([*filter(None, [translation.note]), note]))


def _joined(notes: Sequence[str]) -> str | None:
    return "; ".join(notes) or None
