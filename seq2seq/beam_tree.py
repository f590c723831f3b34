"""The whole of one beam search as a tree: what stayed in the beam, what ended, and what was passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from data.special_ids import EOS_ID
from seq2seq.beam_search import search
from seq2seq.beam_state import SearchLimits
from seq2seq.best_extensions import select_best
from seq2seq.hypothesis_score import ScoreWeights, score_weights
from seq2seq.prepared_ensemble import KEPT_GRAPHS, PreparedEnsemble
from seq2seq.search_history import History, Hypotheses
from seq2seq.search_inputs import check_prefix, maximum_lengths, token_rows
from seq2seq.search_options import SearchOptions

MOST_PRUNED = 8

Status = Literal["kept", "ended", "dropped", "pruned", "cut"]


@dataclass(frozen=True)
class BeamNode:
    """One token that a step considered, and with its ancestors one hypothesis.

    Attributes:
        parent: place of its parent among the nodes; None at the first step.
        step: that emitted it, counted from 0.
        token: its id.
        status: `kept`: in the beam, and extended; `ended`: it is the end of the sentence; `dropped`: in the
            beam, but none of its extensions stayed there; `pruned`: it never came into the beam; `cut`: still
            growing when the search stopped.
        token_log_probability: of the token after its ancestors.
        log_probability: of the whole hypothesis.
        rank: in the beam of its step, 0 is the best; None when pruned.
    """

    parent: int | None
    step: int
    token: int
    status: Status
    token_log_probability: float
    log_probability: float
    rank: int | None


@dataclass(frozen=True)
class BeamLeaf:
    """A hypothesis that the search returns."""

    node: int
    score: float
    finished: bool


@dataclass(frozen=True)
class BeamTree:
    """Nodes with parents before children, step by step, best first; and the results, best first."""

    nodes: tuple[BeamNode, ...]
    leaves: tuple[BeamLeaf, ...]

    def path(self, node: int) -> list[int]:
        """The nodes of a hypothesis, first token first."""
        backwards: list[int] = []
        place: int | None = node
        while place is not None:
            backwards.append(place)
            place = self.nodes[place].parent
        return backwards[::-1]

    def tokens(self, node: int) -> tuple[int, ...]:
        """The tokens of a hypothesis, its end included if it has ended."""
        return tuple(self.nodes[place].token for place in self.path(node))


class BeamTracer:
    """Runs the beam search of `seq2seq.search` and reports every step of it.

    The beam gets a few slots more than it may use. They never grow, so that the search is the same; what they
    hold is what would have come next.

    Args:
        prepared: the models.
    """

    def __init__(self, prepared: PreparedEnsemble) -> None:
        self._search_for = lru_cache(KEPT_GRAPHS)(partial(_build_search, prepared))

    def trace(
        self,
        source_tokens: Sequence[int],
        options: SearchOptions,
        forced_prefix: Sequence[int] = (),
        pruned: int = 3,
    ) -> BeamTree:
        """Search one sentence.

        Args:
            source_tokens: of the sentence, its end included.
            options: as many hypotheses as the beam holds are looked for, whatever `n_best` says.
            forced_prefix: tokens that every hypothesis begins with. Where they are forced nothing is pruned.
            pruned: extensions to show of each step that did not come into the beam, at most `MOST_PRUNED`.

        Raises:
            data.errors.UserError: see `seq2seq.search.Search.search`.
            ValueError: sampling has no beam.
        """
        if options.sampling:
            raise ValueError("a sampling search has no beam")
        source = token_rows([list(source_tokens)], "source_tokens", may_be_empty=False)
        prefix = token_rows([list(forced_prefix)], "forced_prefix", may_be_empty=True)
        check_prefix(prefix, 1)
        max_length = maximum_lengths(source, prefix, options)
        limits = SearchLimits(np.int32(options.min_length), max_length, np.bool_(options.early_stopping))
        run = self._search_for(options.beam_size, bool(forced_prefix))
        hypotheses, history = run(source, prefix, score_weights(options), limits)
        arrays = History(*(tensor.numpy() for tensor in history))
        nodes = _nodes(arrays, options.beam_size, int(max_length[0]), len(forced_prefix), pruned)
        return BeamTree(nodes, _leaves(nodes, Hypotheses(*(tensor.numpy() for tensor in hypotheses))))


_NUMBER = tf.TensorSpec([], tf.float32)
_SIGNATURE = [
    tf.TensorSpec([1, None], tf.int32),
    tf.TensorSpec([1, None], tf.int32),
    ScoreWeights(_NUMBER, _NUMBER, _NUMBER),
    SearchLimits(tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.bool)),
]


def _build_search(
    prepared: PreparedEnsemble, beam_size: int, has_prefix: bool
) -> Callable[..., tuple[Hypotheses, History]]:
    slots = beam_size + MOST_PRUNED

    def run(
        model_weights: Any, source: Any, prefix: Any, weights: Any, limits: Any
    ) -> tuple[Hypotheses, History]:
        return search(
            prepared.ensemble,
            model_weights,
            source,
            prefix if has_prefix else None,
            None,
            None,
            weights,
            limits,
            select_best(slots),
            beam_size=slots,
            n_best=beam_size,
            spare_slots=MOST_PRUNED,
        )

    return prepared.build(run, _SIGNATURE)


class _Extension(NamedTuple):
    """What one slot of one step holds."""

    slot: int
    parent_slot: int | None  # None at the first step
    token: int
    log_probability: float  # of the token


def _nodes(
    history: History, beam_size: int, max_length: int, prefix_length: int, pruned: int
) -> tuple[BeamNode, ...]:
    """Read the nodes out of the history of a single sentence, arrays (steps, 1, slots)."""
    nodes: list[BeamNode] = []
    # Of the step before: which node stands in which slot; the first step grows from nothing.
    growing: dict[int | None, int | None] = {None: None}
    free_slots = beam_size
    for step in range(len(history.tokens)):
        growing_next: dict[int | None, int | None] = {}
        passed_over = ended = 0
        for extension in _extensions(history, step, growing):
            in_beam, ends = extension.slot < free_slots, extension.token == EOS_ID
            if step >= max_length and not ends:
                continue  # one step behind the longest length, hypotheses may end and do nothing else
            if not in_beam and (passed_over == pruned or step < prefix_length):
                continue
            parent = growing[extension.parent_slot]
            if in_beam and not ends:
                growing_next[extension.slot] = len(nodes)
            ended += in_beam and ends
            passed_over += not in_beam
            nodes.append(
                BeamNode(
                    parent=parent,
                    step=step,
                    token=extension.token,
                    status="pruned" if not in_beam else "ended" if ends else "dropped",
                    token_log_probability=extension.log_probability,
                    log_probability=extension.log_probability
                    + (0.0 if parent is None else nodes[parent].log_probability),
                    rank=extension.slot if in_beam else None,
                )
            )
        free_slots -= ended
        growing = growing_next
    return _with_fates(nodes, last_step=min(len(history.tokens), max_length) - 1)


def _extensions(history: History, step: int, growing: dict[int | None, int | None]) -> Iterator[_Extension]:
    """The real extensions of a step, best first: empty slots hold anything, and may repeat a real one."""
    seen = set()
    for slot in range(history.tokens.shape[-1]):
        extension = _Extension(
            slot,
            int(history.parents[step, 0, slot]) if step else None,
            int(history.tokens[step, 0, slot]),
            float(history.token_log_probability[step, 0, slot]),
        )
        identity = extension[1:3]
        if extension.parent_slot in growing and identity not in seen and np.isfinite(extension[3]):
            seen.add(identity)
            yield extension


def _with_fates(nodes: list[BeamNode], last_step: int) -> tuple[BeamNode, ...]:
    """Tell nodes that were extended, and those that could still have been, from those that were dropped."""
    extended = {node.parent for node in nodes if node.rank is not None}

    def fate(place: int, node: BeamNode) -> Status:
        if node.status != "dropped":
            return node.status
        return "kept" if place in extended else "cut" if node.step == last_step else "dropped"

    return tuple(replace(node, status=fate(place, node)) for place, node in enumerate(nodes))


def _leaves(nodes: tuple[BeamNode, ...], hypotheses: Hypotheses) -> tuple[BeamLeaf, ...]:
    """Find the returned hypotheses of a single sentence among the nodes."""
    in_beam = {(node.parent, node.token): place for place, node in enumerate(nodes) if node.rank is not None}
    leaves = []
    for rank, length in enumerate(hypotheses.lengths[0]):
        if length == 0:
            break  # there are fewer hypotheses than the beam could hold
        place: int | None = None
        for token in hypotheses.tokens[0, rank, :length]:
            place = in_beam[place, int(token)]
        leaves.append(
            BeamLeaf(int(place or 0), float(hypotheses.score[0, rank]), bool(hypotheses.finished[0, rank]))
        )
    return tuple(leaves)
