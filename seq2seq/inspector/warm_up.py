"""Building the graphs of the usual questions before anybody asks them: a second or two for each kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from data.special_ids import EOS_ID
from seq2seq.inspector.model_version import ModelVersion
from seq2seq.inspector.served_model import ServedModel
from seq2seq.inspector.work_queue import Work

_SENTENCE = "."
# So much that whatever a user asks for passes it.
_STEPS = 100_000


def warm_up_work(models: Sequence[ServedModel], most_hypotheses: int) -> list[Work]:
    """One piece of work for each kind of question to each model, the commonest first.

    Args:
        models: that are served.
        most_hypotheses: see `ServedModel.beam_size`.
    """
    return [_work(model, ask) for model in models for ask in _questions(model, most_hypotheses)]


def _questions(model: ServedModel, most_hypotheses: int) -> list[Callable[[ModelVersion], Any]]:
    source = model.source(_SENTENCE)
    beam_size = model.beam_size(most_hypotheses)
    several = model.translator.default_options(beam_size=beam_size, n_best=beam_size)
    one = model.translator.default_options(beam_size=beam_size, n_best=1)
    prefix = list(model.translator.tokenizers.target.encode(_SENTENCE))[:1]
    finished = [*prefix, EOS_ID]

    def posterior(version: ModelVersion) -> None:
        version.posterior(version.score([(_SENTENCE, finished)]))

    def why(version: ModelVersion) -> None:
        (translation,) = version.score([(_SENTENCE, finished)])
        version.leave_one_out(translation, finished)
        version.gradient_x_input(translation, finished)

    return [
        lambda version: version.translate([_SENTENCE], [[]], one),
        lambda version: version.translate([_SENTENCE], [[]], several),
        lambda version: version.alternatives(source, []),
        lambda version: version.translate([_SENTENCE], [prefix], one),
        posterior,
        why,
        lambda version: version.pinned(_SENTENCE, finished, [(0, [0])], one),
        lambda version: version.beam(source, [], several, 0),
    ]


def _work(model: ServedModel, ask: Callable[[ModelVersion], Any]) -> Work:
    def run(payloads: list[None]) -> list[None]:
        ask(model.version(None))
        return payloads

    return Work(None, _STEPS, 1, None, run)
