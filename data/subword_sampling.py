"""Random segmentations of words, reproducible from a seed.

SentencePiece can sample too, but the random numbers of its version 0.2.3 differ from process to process,
whatever the seed (those of 0.2.0 do not): a resumed training run would see other batches than one that was
never interrupted. Here the numbers are numpy's; and because no piece reaches from one word into the next,
what can become of a word is worked out once and remembered.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from data.errors import DataError
from data.special_ids import UNK_ID

_SPACE = "\u2581"
_UNIGRAM, _BPE = 1, 2
_NORMAL, _USER_DEFINED, _BYTE = 1, 4, 6
# Words (with what was left out in them) whose segmentation is remembered; then all are forgotten at once.
_REMEMBERED = 100_000
_NUMBERS_PER_DRAW = 4096
# How far below the rarest piece SentencePiece's unigram model puts a character that has no piece.
_UNKNOWN_PENALTY = 10.0

TokenIds = tuple[int, ...]


class Vocabulary:
    """The parts of a SentencePiece model that segmentation needs."""

    def __init__(self, model_bytes: bytes) -> None:
        """
        Args:
            model_bytes: what a `.model` file holds.

        Raises:
            DataError: the model is neither BPE nor unigram, or has user-defined symbols.
        """
        from sentencepiece import sentencepiece_model_pb2

        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(model_bytes)
        if model.trainer_spec.model_type not in (_UNIGRAM, _BPE):
            raise DataError(
                "subword sampling needs a BPE or a unigram tokenizer: set the sampling alpha to 0."
            )
        if any(piece.type == _USER_DEFINED for piece in model.pieces):
            raise DataError(
                "subword sampling is not possible with a tokenizer that has user-defined symbols: "
                "set the sampling alpha to 0."
            )
        self.is_bpe = model.trainer_spec.model_type == _BPE
        self.ids: dict[str, int] = {}
        self.scores: dict[str, float] = {}
        self._byte_ids: dict[int, int] = {}
        for token_id, piece in enumerate(model.pieces):
            if piece.type == _NORMAL:
                self.ids[piece.piece] = token_id
                self.scores[piece.piece] = piece.score
            elif piece.type == _BYTE:
                self._byte_ids[int(piece.piece[3:5], 16)] = token_id  # "<0xF0>"
        self.longest_piece = max(map(len, self.ids), default=1)
        # Words can be looked at one by one only when no piece goes on after a space.
        crosses_words = any(_SPACE in piece.lstrip(_SPACE) for piece in self.ids)
        self._word = re.compile(".+" if crosses_words else f"{_SPACE}*[^{_SPACE}]+|{_SPACE}+", re.DOTALL)

    def words(self, normalised_text: str) -> list[str]:
        """Parts that can be cut into pieces independently, each with the space before it."""
        return self._word.findall(normalised_text)

    def token_ids(self, symbol: str) -> TokenIds:
        """The id of a piece, or the bytes of a character that is none."""
        if symbol in self.ids:
            return (self.ids[symbol],)
        if self._byte_ids:
            return tuple(self._byte_ids[byte] for byte in symbol.encode("utf-8"))
        return (UNK_ID,)

    @property
    def has_bytes(self) -> bool:
        """True when a character without a piece becomes bytes, False when it is unknown."""
        return bool(self._byte_ids)


class _WordSampler(Protocol):
    def draw(self, word: str) -> TokenIds: ...


def sampled(
    vocabulary: Vocabulary, memory: dict, normalised_texts: Iterable[str], *, alpha: float, seed: int
) -> list[list[int]]:
    """One random segmentation of each text.

    Args:
        vocabulary: of the model.
        memory: an empty dictionary at first; giving it again with the same vocabulary and alpha saves time
            and never changes a result.
        normalised_texts: as the model's own normaliser writes them, spaces as "▁".
        alpha: for BPE the probability of leaving out a merge, above 0 and at most 1; for unigram the exponent
            of the probabilities, above 0.
        seed: not negative.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    sampler: _WordSampler = (
        _BpeDropout(vocabulary, memory, alpha, random)
        if vocabulary.is_bpe
        else _UnigramSampling(vocabulary, memory, alpha, random)
    )
    rows = []
    for text in normalised_texts:
        tokens = [token for word in vocabulary.words(text) for token in sampler.draw(word)]
        # As SentencePiece does, a run of unknown characters is one unknown token.
        rows.append(tokens if vocabulary.has_bytes else _unknown_runs_joined(tokens))
    return rows


class _BpeDropout:
    """Provilkov et al. (2020), as SentencePiece does it.

    Merges are considered best first, and each time one is considered it is left out with probability alpha. A
    segmentation is therefore given by the numbers of the merges that were left out. The gaps between those
    numbers are geometric: a word that keeps all its merges costs one random number and one look-up.
    """

    def __init__(
        self, vocabulary: Vocabulary, memory: dict, alpha: float, random: np.random.Generator
    ) -> None:
        if not 0 < alpha <= 1:
            raise ValueError(
                f"the probability of leaving out a merge must be above 0 and at most 1, not {alpha}"
            )
        self._vocabulary = vocabulary
        self._memory: dict[tuple[str, tuple[int, ...]], tuple[TokenIds, int]] = memory
        self._gaps = _geometric(random, alpha)

    def draw(self, word: str) -> TokenIds:
        left_out: tuple[int, ...] = ()
        next_left_out = next(self._gaps)
        while True:
            tokens, considered = self._segmentation(word, left_out)
            if next_left_out >= considered:
                return tokens
            left_out = (*left_out, next_left_out)
            next_left_out += 1 + next(self._gaps)

    def _segmentation(self, word: str, left_out: tuple[int, ...]) -> tuple[TokenIds, int]:
        known = self._memory.get((word, left_out))
        if known is None:
            symbols, considered = merged_symbols(word, self._vocabulary.scores, frozenset(left_out))
            known = (
                tuple(itertools.chain.from_iterable(map(self._vocabulary.token_ids, symbols))),
                considered,
            )
            _remember(self._memory, (word, left_out), known)
        return known


def merged_symbols(
    word: str, scores: dict[str, float], left_out: frozenset[int] = frozenset()
) -> tuple[list[str], int]:
    """Byte-pair encoding: join neighbours, best score first, the leftmost of equals.

    Args:
        word: starts as single characters.
        scores: of every piece.
        left_out: numbers, from 0, of the merges to pass over, in the order in which they come up.

    Returns:
        The symbols at the end, and how many merges came up.
    """
    symbols = list(word)
    following = [*range(1, len(symbols)), -1]
    previous = list(range(-1, len(symbols) - 1))
    candidates: list[tuple[float, int, int, str]] = []

    def consider(left: int, right: int) -> None:
        if left >= 0 and right >= 0:
            joined = symbols[left] + symbols[right]
            if joined in scores:
                heapq.heappush(candidates, (-scores[joined], left, right, joined))

    for left in range(len(symbols) - 1):
        consider(left, left + 1)
    considered = 0
    while candidates:
        _, left, right, joined = heapq.heappop(candidates)
        # An earlier merge may have changed either neighbour.
        if following[left] != right or symbols[left] + symbols[right] != joined:
            continue
        considered += 1
        if considered - 1 in left_out:
            continue
        symbols[left], symbols[right] = joined, ""
        following[left] = following[right]
        following[right] = -1
        if following[left] >= 0:
            previous[following[left]] = left
        consider(previous[left], left)
        consider(left, following[left])
    return [symbol for symbol in symbols if symbol], considered


class _UnigramSampling:
    """Kudo (2018): a segmentation with probability proportional to that of its pieces, to the power of alpha.

    Forward sums over all segmentations of each beginning of the word, then pieces drawn from its end.
    """

    def __init__(
        self, vocabulary: Vocabulary, memory: dict, alpha: float, random: np.random.Generator
    ) -> None:
        self._vocabulary = vocabulary
        self._memory: dict[str, list[_LastPieces]] = memory
        self._alpha = alpha
        self._numbers = _uniform(random)
        self._unknown_score = min(vocabulary.scores.values(), default=0.0) - _UNKNOWN_PENALTY

    def draw(self, word: str) -> TokenIds:
        choices = self._memory.get(word)
        if choices is None:
            choices = self._choices(word)
            _remember(self._memory, word, choices)
        pieces: list[TokenIds] = []
        end = len(word)
        while end:
            up_to, begins, token_ids = choices[end]
            place = bisect.bisect_right(up_to, next(self._numbers)) if up_to else 0
            pieces.append(token_ids[place])
            end = begins[place]
        return tuple(itertools.chain.from_iterable(reversed(pieces)))

    def _choices(self, word: str) -> list[_LastPieces]:
        """For each end: the pieces that can stand last before it."""
        scores = self._vocabulary.scores
        log_sums = [0.0]
        choices: list[_LastPieces] = [((), (), ())]
        for end in range(1, len(word) + 1):
            begins, log_weights = [], []
            for begin in range(max(0, end - self._vocabulary.longest_piece), end):
                score = scores.get(word[begin:end])
                if score is None and begin == end - 1:
                    score = self._unknown_score
                if score is not None:
                    begins.append(begin)
                    log_weights.append(log_sums[begin] + self._alpha * score)
            largest = max(log_weights)
            weights = [math.exp(weight - largest) for weight in log_weights]
            total = math.fsum(weights)
            log_sums.append(largest + math.log(total))
            # Without the last border, which would be 1, no rounding error can point past the last piece.
            up_to = tuple(border / total for border in itertools.accumulate(weights[:-1]))
            token_ids = tuple(self._vocabulary.token_ids(word[begin:end]) for begin in begins)
            choices.append((up_to, tuple(begins), token_ids))
        return choices


# Upper borders of all but the last piece's share of [0, 1), where each piece begins, and its ids.
_LastPieces = tuple[tuple[float, ...], tuple[int, ...], tuple[TokenIds, ...]]


def _uniform(random: np.random.Generator) -> Iterator[float]:
    while True:
        yield from random.random(_NUMBERS_PER_DRAW).tolist()


def _geometric(random: np.random.Generator, probability: float) -> Iterator[int]:
    """How many trials fail before the first success."""
    if probability == 1:
        yield from itertools.repeat(0)
    while True:
        failures = np.log1p(-random.random(_NUMBERS_PER_DRAW)) / math.log1p(-probability)
        yield from np.minimum(failures, 2**31).astype(np.int64).tolist()


def _remember(memory: dict, key: object, value: object) -> None:
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[key] = value


def _unknown_runs_joined(tokens: Sequence[int]) -> list[int]:
    return [
        token
        for place, token in enumerate(tokens)
        if token != UNK_ID or place == 0 or tokens[place - 1] != UNK_ID
    ]
