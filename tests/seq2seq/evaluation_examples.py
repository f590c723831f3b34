"""A translator that answers from a dictionary, for tests of evaluation: no model, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.segmentation import Segmentation, segmentation_of
from seq2seq.config import parse_config
from seq2seq.run_directory import RunDirectory
from seq2seq.search_options import SearchOptions
from seq2seq.translation import Hypothesis, Translation


def segmented(text: str, word_mode: str = "unicode") -> Segmentation:
    """One piece for each run of non-space characters."""
    spans, position = [], 0
    for piece in text.split():
        begin = len(text[: text.index(piece, position)].encode())
        position = text.index(piece, position) + len(piece)
        spans.append((begin, begin + len(piece.encode())))
    pieces = text.split()
    return segmentation_of(
        text, range(4, 4 + len(pieces)), [f"▁{piece}" for piece in pieces], spans, word_mode
    )


def hypothesis(
    source: Segmentation,
    text: str,
    token_log_probability: float = -0.5,
    *,
    finished: bool = True,
    links: Mapping[int, int] | None = None,
    word_mode: str = "unicode",
) -> Hypothesis:
    """Attention goes to the source piece of the same place, or where `links` (target: source) says."""
    target = segmented(text, word_mode)
    tokens, columns = len(target.pieces) + int(finished), len(source.pieces) + 1
    attention = np.zeros((tokens, columns), dtype=np.float32)
    for row in range(tokens):
        column = (links or {}).get(row, row)
        attention[row, min(column, columns - 1)] = 1.0
    probabilities = np.full(tokens, token_log_probability)
    return Hypothesis(
        target=target,
        token_log_probabilities=probabilities,
        log_probability=float(probabilities.sum()),
        score=float(probabilities.mean()) if tokens else 0.0,
        finished=finished,
        attention=attention,
    )


@dataclass
class DictionaryTranslator:
    """Translates what it was told and notes how it was asked."""

    answers: Mapping[str, str]
    reference_log_probability: float = -1.0
    links: Mapping[int, int] | None = None
    unfinished: frozenset[str] = frozenset()
    asked: list[tuple[SearchOptions, str, int]] = field(default_factory=list)

    def translate_stream(
        self, texts: Iterable[str], options: SearchOptions, *, word_mode: str, batch_size: int, window: int
    ) -> Iterator[Translation]:
        self.asked.append((options, word_mode, batch_size))
        for text in texts:
            source = segmented(text, word_mode)
            if not source.pieces:
                yield Translation(source, (), "the line is empty")
                continue
            best = hypothesis(
                source, self.answers[text], finished=text not in self.unfinished, word_mode=word_mode
            )
            yield Translation(source, (best,))

    def score_stream(
        self,
        pairs: Iterable[tuple[str, str]],
        options: SearchOptions,
        *,
        word_mode: str,
        batch_size: int,
        window: int,
    ) -> Iterator[Translation]:
        for text, target in pairs:
            source = segmented(text, word_mode)
            if not source.pieces and not target:
                yield Translation(source, ())
                continue
            forced = hypothesis(
                source, target, self.reference_log_probability, links=self.links, word_mode=word_mode
            )
            yield Translation(source, (forced,))


def make_run(path: Path, **sections: object) -> RunDirectory:
    """A run directory that looks trained: configuration, facts, and a few bytes as its model."""
    run = RunDirectory(path)
    config = parse_config(
        {"name": path.name, "data": {"corpus": {"kind": "starter"}}, "search": {"beam_size": 3}, **sections},
        "test",
    )
    run.create(config)
    run.model_file.write_bytes(b"weights")
    run.tokenizer_folder.mkdir()
    (run.tokenizer_folder / "joint.model").write_bytes(b"pieces")
    run.write_facts(source_language="en", target_language="fr", parameters=1234, training_seconds=90.0)
    return run
