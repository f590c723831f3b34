"""Greedy search, beam search, sampling and forced decoding: numpy in, numpy out.

`Search` is the only thing that the rest of the project needs of it. Where to find what:
`search_options.py` the options, `search_inputs.py` what is accepted, `hypothesis_score.py` the ranking,
`beam_search.py` the loop, `search_history.py` backpointers, `sampling.py`, `forced_decoding.py`,
`ensemble.py` several models as one, and `prepared_ensemble.py` their weights.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from data.errors import UserError
from seq2seq.beam_search import search
from seq2seq.beam_state import SearchLimits
from seq2seq.best_extensions import select_best
from seq2seq.ensemble import Ensemble, StepModel
from seq2seq.forced_decoding import score_targets
from seq2seq.hypothesis_score import ScoreWeights, score_weights
from seq2seq.prepared_ensemble import KEPT_GRAPHS, PreparedEnsemble
from seq2seq.sampling import sample_next, uniform_numbers
from seq2seq.search_history import Hypotheses
from seq2seq.search_inputs import (
    TokenRows,
    check_prefix,
    check_targets,
    check_vocabulary,
    maximum_lengths,
    token_rows,
)
from seq2seq.search_options import SearchOptions
from seq2seq.shortlist import Shortlist

__all__ = ["Search", "SearchOptions", "SearchResult"]


class SearchResult(NamedTuple):
    """Hypotheses of a batch, best first.

    Those that ended come before those that were cut at the maximum length, each kind by falling score. When
    fewer than `n_best` hypotheses exist (a tiny vocabulary, a tiny maximum length), the places left over have
    length 0 and score -inf; the first place is always filled.
    """

    tokens: np.ndarray  # (batch, n_best, length) int32, 0 after the end
    lengths: np.ndarray  # (batch, n_best) int32, the end-of-sentence token included where there is one
    finished: np.ndarray  # (batch, n_best) bool; False: cut at the maximum length
    token_log_probabilities: np.ndarray  # (batch, n_best, length) float32, 0 after the end
    log_probability: np.ndarray  # (batch, n_best) float32, the sum over the tokens
    score: np.ndarray  # (batch, n_best) float32, what the hypotheses are ranked by
    attention_weights: np.ndarray  # (batch, n_best, length, source_length) float32, 0 after the end


class _Compiled(NamedTuple):
    """What a graph is built for; everything else is an input of it."""

    beam_size: int
    n_best: int
    sampling: bool
    top_k: int
    has_prefix: bool
    has_shortlist: bool


class Search:
    """Searches with a model, or with an ensemble of models that share a tokenizer.

    The graphs are built at first use, one for each combination of `beam_size`, `n_best`, `sampling` and
    `top_k`, with and without forced prefixes and shortlist; the last `KEPT_GRAPHS` are kept. None depends on
    the shape of a batch. The decoders' weights are prepared at first use and kept too: call `refresh` when
    they have changed since.

    Args:
        models: one or more, as `ensemble.StepModel` describes.
        options: for calls that bring none of their own.
        precision: see `PreparedEnsemble`.
        shortlist: the tokens that greedy and beam search choose from; None: the whole vocabulary. Sampling
            and scoring always have the whole vocabulary.
    """

    def __init__(
        self,
        models: Sequence[StepModel],
        options: SearchOptions | None = None,
        precision: str | None = None,
        shortlist: Shortlist | None = None,
    ) -> None:
        self.options = options or SearchOptions()
        self.shortlist = shortlist
        self.prepared = PreparedEnsemble(models, precision)
        self._search_for = lru_cache(KEPT_GRAPHS)(partial(_build_search, self.prepared))
        self._scorer: Callable[..., Hypotheses] | None = None
        self._building = threading.Lock()  # no graph twice when batches come side by side

    def refresh(self) -> None:
        """Read the models' weights anew, at the next search."""
        self.prepared.refresh()

    def search(
        self,
        source_tokens: TokenRows,
        forced_prefix: TokenRows | None = None,
        options: SearchOptions | None = None,
    ) -> SearchResult:
        """Find the `n_best` hypotheses of every sentence.

        Args:
            source_tokens: (batch, source_length) int32, each row ends in EOS, 0 = pad behind it; or lists
                of different lengths.
            forced_prefix: for each sentence the target tokens that every hypothesis must begin with: lists
                of different lengths, or (batch, prefix_length) int32 with 0 = pad behind. An empty row
                forces nothing. Prefixes hold no special tokens. Their log-probability counts.
            options: instead of the ones given to the constructor.

        Returns:
            The hypotheses. A sentence's do not depend on the other sentences, nor on padding.

        Raises:
            data.errors.UserError: the input is malformed, a prefix leaves no room before `max_length`, or the
                model gives a sentence no finite probability at all (its weights hold NaN or infinity).
        """
        options = options or self.options
        source = token_rows(source_tokens, "source_tokens", may_be_empty=False)
        prefix = None
        if forced_prefix is not None:
            prefix = token_rows(forced_prefix, "forced_prefix", may_be_empty=True)
            check_prefix(prefix, len(source))
            prefix = prefix if prefix.any() else None
        if len(source) == 0:
            return _empty_result(options.n_best, source.shape[1])
        max_length = maximum_lengths(source, prefix, options)
        limits = SearchLimits(np.int32(options.min_length), max_length, np.bool_(options.early_stopping))
        shortlist = None if options.sampling else self.shortlist
        run = self._compiled_search(options, prefix is not None, shortlist is not None)
        if prefix is not None:
            check_vocabulary(prefix, "forced_prefix", self._vocabulary_size())
        restriction = shortlist.restrict(source, prefix) if shortlist else None
        more: dict[str, Any] = {}
        if prefix is not None:
            more["forced_prefix"] = prefix if restriction is None else restriction.places(prefix)
        if restriction is not None:
            more["token_ids"], more["token_penalties"] = restriction
        if options.sampling:
            more["random_numbers"] = uniform_numbers(source, max_length + 1, options.n_best, options.seed)
            more["temperature"] = np.float32(options.temperature)
        hypotheses = run(source, score_weights(options), limits, more)
        result = SearchResult(*(tensor.numpy() for tensor in hypotheses))
        _check_every_sentence_has_one(result)
        if restriction is not None:
            result = result._replace(tokens=restriction.token_ids[result.tokens])
        return result

    def score(
        self,
        source_tokens: TokenRows,
        target_output_tokens: TokenRows,
        options: SearchOptions | None = None,
    ) -> SearchResult:
        """Forced decoding: log-probabilities and attention of targets that are given.

        Args:
            source_tokens: as for `search`.
            target_output_tokens: for each sentence its target, as a search returns it: (batch, target_length)
                int32 with 0 = pad behind, or lists. A target without a final EOS is scored as one that was
                cut (`finished` False).
            options: whose score is wanted; only length normalisation and coverage penalty matter here.

        Returns:
            One hypothesis for each sentence; the same numbers as a search that finds it.

        Raises:
            data.errors.UserError: the input is malformed, for example a target is empty.
        """
        source = token_rows(source_tokens, "source_tokens", may_be_empty=False)
        target = token_rows(target_output_tokens, "target_output_tokens", may_be_empty=False)
        check_targets(target, len(source))
        if len(source) == 0:
            return _empty_result(1, source.shape[1])
        run = self._compiled_scorer()
        check_vocabulary(target, "target_output_tokens", self._vocabulary_size())
        hypotheses = run(source, target, score_weights(options or self.options))
        return SearchResult(*(tensor.numpy() for tensor in hypotheses))

    def _compiled_search(
        self, options: SearchOptions, has_prefix: bool, has_shortlist: bool
    ) -> Callable[..., Hypotheses]:
        slots = options.candidates
        top_k = options.top_k if options.sampling else 0
        key = _Compiled(slots, options.n_best, options.sampling, top_k, has_prefix, has_shortlist)
        with self._building:
            return self._search_for(key)

    def _compiled_scorer(self) -> Callable[..., Hypotheses]:
        with self._building:
            if self._scorer is None:
                run = partial(score_targets, self.prepared.ensemble)
                self._scorer = self.prepared.build(run, [_TOKENS, _TOKENS, _WEIGHTS])
            return self._scorer

    def _vocabulary_size(self) -> int:
        # The graph of a search with a shortlist has seen a part of the vocabulary only.
        return self.shortlist.vocabulary_size if self.shortlist else self.prepared.ensemble.vocabulary_size


_TOKENS = tf.TensorSpec([None, None], tf.int32)
_NUMBER = tf.TensorSpec([], tf.float32)
_WEIGHTS = ScoreWeights(_NUMBER, _NUMBER, _NUMBER)
_LIMITS = SearchLimits(
    min_length=tf.TensorSpec([], tf.int32),
    max_length=tf.TensorSpec([None], tf.int32),
    early_stopping=tf.TensorSpec([], tf.bool),
)


def _build_search(prepared: PreparedEnsemble, key: _Compiled) -> Callable[..., Hypotheses]:
    return prepared.build(*_search_graph(prepared.ensemble, key))


def _search_graph(ensemble: Ensemble, key: _Compiled) -> tuple[Callable[..., Hypotheses], list[Any]]:
    """A function (model_weights, source, weights, limits, more) -> Hypotheses, and its signature.

    `more` holds what `key` needs; the signature leaves out the first argument.
    """

    def run(
        model_weights: tuple[Any, ...],
        source: tf.Tensor,
        weights: ScoreWeights,
        limits: SearchLimits,
        more: dict[str, tf.Tensor],
    ) -> Hypotheses:
        sampling = key.sampling
        if key.has_shortlist:
            model_weights = ensemble.restricted_weights(model_weights, more["token_ids"])
        hypotheses, _ = search(
            ensemble,
            model_weights,
            source,
            more.get("forced_prefix"),
            more.get("random_numbers"),
            more.get("token_penalties"),
            weights,
            limits,
            sample_next(more["temperature"], key.top_k) if sampling else select_best(key.beam_size),
            beam_size=key.beam_size,
            n_best=key.n_best,
            starts=key.beam_size if sampling else 1,
        )
        return hypotheses

    more = {}
    if key.has_prefix:
        more["forced_prefix"] = _TOKENS
    if key.has_shortlist:
        more["token_ids"] = tf.TensorSpec([None], tf.int32)
        more["token_penalties"] = tf.TensorSpec([None, None], tf.float32)
    if key.sampling:
        more["random_numbers"] = tf.TensorSpec([None, None, key.n_best], tf.float32)
        more["temperature"] = _NUMBER
    return run, [_TOKENS, _WEIGHTS, _LIMITS, more]


def _check_every_sentence_has_one(result: SearchResult) -> None:
    if (result.lengths[:, 0] == 0).any():
        raise UserError(
            "The model gives no finite probability to any translation of a sentence: its weights probably "
            "hold NaN or infinity (training has diverged). Use an earlier checkpoint."
        )


def _empty_result(n_best: int, source_length: int) -> SearchResult:
    whole = np.zeros((0, n_best), np.int32)
    by_token = np.zeros((0, n_best, 0), np.float32)
    return SearchResult(
        tokens=by_token.astype(np.int32),
        lengths=whole,
        finished=whole.astype(bool),
        token_log_probabilities=by_token,
        log_probability=whole.astype(np.float32),
        score=whole.astype(np.float32),
        attention_weights=np.zeros((0, n_best, 0, source_length), np.float32),
    )
