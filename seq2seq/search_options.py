"""What a search may be told, checked before any tensor is built (no TensorFlow in here)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from data.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config

DEFAULT_RERANK_WEIGHT = 0.2
"""What a second model that reranks counts: see `seq2seq.reranking`, and docs/quality.md for why so much."""

LengthNormalisation = Literal["power", "gnmt"]

# Beyond this, length^alpha leaves the range of float32 for long sentences, and every score becomes 0.
_GREATEST_LENGTH_PENALTY = 10.0
# Far beyond what makes a difference, and far below what leaves the range of float32.
_GREATEST_COVERAGE_PENALTY = _HIGHEST_TEMPERATURE = 1000.0
# Lengths are 32-bit numbers in the search, and no translation is nearly that long.
_GREATEST_LENGTH = 1_000_000
# Each has a row of its own in every product of a step, as wide as the vocabulary: more do not fit the memory.
MOST_BEAMS, _MOST_RESULTS = 10_000, 100_000
_GREATEST_LENGTH_FACTOR = 1000.0
# Below this, sampling is greedy search in all but name, and quotients leave the range of float32.
_LOWEST_TEMPERATURE = 0.01


@dataclass(frozen=True)
class SearchOptions:
    """How to look for translations. Lengths that limit count target tokens without the end-of-sentence token.

    Changing `beam_size`, `n_best`, `sampling` or `top_k` builds a new graph (a second or so, once for each
    combination); everything else is a number that the graph takes as an input, so changing it costs nothing.

    Attributes:
        beam_size: hypotheses that share the search of one sentence; 1 is greedy search. Not used by sampling.
        n_best: hypotheses to return for each sentence, at most `beam_size`; the number of
            samples when sampling.
        length_penalty: the exponent alpha of the length normalisation; 0 ranks by plain log-probability,
            1 by the mean over the tokens (with "power"). At most 10.
        length_normalisation: "power" divides by length^alpha, "gnmt" by ((5 + length) / 6)^alpha
            (Wu et al. 2016, equation 14). See `hypothesis_score.py` for the whole score.
        coverage_penalty: the weight beta of Wu et al.'s coverage penalty, at most 1000; 0 switches it off.
        min_length: a hypothesis may not end while it has fewer tokens than this, so the end-of-sentence token
            is token number `min_length + 1` at the earliest.
        max_length: the most tokens of a hypothesis, so the end-of-sentence token is token number
            `max_length + 1` at the latest; a hypothesis that has not ended by then is cut. None: each
            sentence has its own limit, `max_length_factor * source_length + max_length_extra` rounded down,
            where `source_length` counts the real source tokens, their end too; at least `min_length`, the
            forced prefix and one token.
        max_length_factor: see `max_length`.
        max_length_extra: see `max_length`.
        sampling: draw each token from the model's distribution instead of looking for the best.
        temperature: of the sampling, from 0.01 to 1000; logits are divided by it. Below 1, samples are closer
            to the likeliest tokens, above 1 more varied.
        top_k: sample among the k most likely tokens only; 0 means among all of them.
        seed: of the sampling. A sample depends on the seed, the source tokens and its place among the
            samples, never on the other sentences of the batch.
        early_stopping: stop a sentence as soon as no hypothesis that is still growing can enter its n-best
            list. It changes no result (`beam_search.py` has the argument), only time; False is for checking.

    Raises:
        data.errors.UserError: an option is out of its range, or two contradict each other.
    """

    beam_size: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    length_normalisation: LengthNormalisation = "power"
    coverage_penalty: float = 0.0
    min_length: int = 0
    max_length: int | None = None
    max_length_factor: float = 2.0
    max_length_extra: int = 10
    sampling: bool = False
    temperature: float = 1.0
    top_k: int = 0
    seed: int = 1
    early_stopping: bool = True

    @property
    def candidates(self) -> int:
        """How many hypotheses of a sentence the search has at its end; `n_best` of them are returned."""
        return self.n_best if self.sampling else self.beam_size

    def __post_init__(self) -> None:
        self._check_whole_number("beam_size", minimum=1, maximum=MOST_BEAMS)
        self._check_whole_number("n_best", minimum=1, maximum=_MOST_RESULTS)
        self._check_whole_number("min_length", minimum=0, maximum=_GREATEST_LENGTH)
        self._check_whole_number("max_length_extra", minimum=0, maximum=_GREATEST_LENGTH)
        self._check_whole_number("top_k", minimum=0)
        self._check_whole_number("seed", minimum=0)
        self._check_number("length_penalty", minimum=0.0, maximum=_GREATEST_LENGTH_PENALTY)
        self._check_number("coverage_penalty", minimum=0.0, maximum=_GREATEST_COVERAGE_PENALTY)
        self._check_number("max_length_factor", minimum=0.0, maximum=_GREATEST_LENGTH_FACTOR)
        self._check_number("temperature", minimum=_LOWEST_TEMPERATURE, maximum=_HIGHEST_TEMPERATURE)
        allowed = get_args(LengthNormalisation)
        if self.length_normalisation not in allowed:
            raise UserError(
                f"length_normalisation must be {' or '.join(allowed)}; got {self.length_normalisation!r}."
            )
        if not self.sampling and self.n_best > self.beam_size:
            raise UserError(
                f"n_best must be from 1 to beam_size ({self.beam_size}); got {self.n_best}. "
                f"A beam of {self.beam_size} finds at most {self.beam_size} hypotheses: "
                f"raise beam_size to {self.n_best} or ask for fewer."
            )
        if self.max_length is not None:
            self._check_whole_number("max_length", minimum=1, maximum=_GREATEST_LENGTH)
            if self.max_length < self.min_length:
                raise UserError(
                    f"max_length must be at least min_length ({self.min_length}); got {self.max_length}."
                )
        elif self.max_length_factor == 0 and self.max_length_extra == 0:
            raise UserError(
                "max_length_factor and max_length_extra must not both be 0: no token would be allowed."
            )

    def _check_whole_number(self, name: str, *, minimum: int, maximum: float = math.inf) -> None:
        value = getattr(self, name)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not minimum <= value <= maximum:
            range_text = f"of at least {minimum}" if maximum == math.inf else f"from {minimum} to {maximum:,}"
            raise UserError(f"{name} must be a whole number {range_text}; got {value!r}.")

    def _check_number(self, name: str, *, minimum: float, maximum: float) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not minimum <= value <= maximum:
            raise UserError(f"{name} must be a finite number from {minimum:g} to {maximum:g}; got {value!r}.")


def changed_search(config: Config, options: SearchOptions) -> list[str]:
    """What of a search is not as its run has it, as parts of a file's name: `length_penalty-0.7`.

    What decides the translation that is found, that is: how many are returned is no such thing.
    """
    own = run_search_options(config)
    names = ("beam_size", "length_penalty", "coverage_penalty", "max_length")
    return [
        f"{name}-{getattr(options, name):g}" for name in names if getattr(options, name) != getattr(own, name)
    ]


def run_search_options(config: Config, **changes: Any) -> SearchOptions:
    """The search options of a run's configuration, changed where a value other than None is given.

    Raises:
        UserError: a value is out of range or contradicts another.
    """
    defaults = config.search.model_dump(exclude={"matmul_precision"})
    return SearchOptions(
        **{**defaults, **{key: value for key, value in changes.items() if value is not None}}
    )
