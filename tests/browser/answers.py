"""Answers as the inspector's server gives them, made by hand so that a test knows every weight."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from data.segmentation import Segmentation
from seq2seq.translation import Hypothesis, Translation

MODEL = {
    "name": "demo",
    "source_language": "English",
    "target_language": "German",
    "source_code": "en",
    "target_code": "de",
    "parameters": 1000,
    "source_vocabulary_size": 100,
    "target_tokenizer": "the only one",
    "target_vocabulary_size": 100,
    "corpus": None,
    "best_epoch": 2,
    "best_score": 30.0,
    "max_source_pieces": 120,
    "search": {"beam_size": 5, "n_best": 1, "length_penalty": 1.0, "coverage_penalty": 0.0},
    "checkpoints": [],
}
LIMITS = {
    "characters": 1000,
    "sentences": 64,
    "beam_size": 20,
    "n_best": 20,
    "body_bytes": 262144,
    "why_pieces": 100,
    "weights": 4_000_000,
}
NO_WARNINGS: dict[str, Any] = {
    "measures": {
        "coverage_deviation": 0.1,
        "absent_mindedness_target": 0.2,
        "absent_mindedness_source": 0.3,
        "entropy": 0.4,
    },
    "warnings": [],
}


def segmented(text: str) -> Segmentation:
    """Every stretch without a space is one word and one piece."""
    spans = tuple(match.span() for match in re.finditer(r"\S+", text))
    words = tuple(text[start:end] for start, end in spans)
    return Segmentation(
        text=text,
        token_ids=tuple(range(4, 4 + len(words))),
        pieces=tuple("▁" + word for word in words),
        piece_offsets=spans,
        words=words,
        word_offsets=spans,
        piece_to_word=tuple(range(len(words))),
    )


def soft_diagonal(rows: int, columns: int) -> np.ndarray:
    """float64, (rows, columns): row i looks at column i with 0.8, at all the others with the rest."""
    weights = np.full((rows, columns), 0.2 / max(columns - 1, 1))
    for row in range(rows):
        weights[row, min(row, columns - 1)] = 0.8
    return weights / weights.sum(axis=1, keepdims=True)


def translation(
    source: str, *targets: str, weights: Sequence[Sequence[float]] | None = None, **more: Any
) -> dict[str, Any]:
    """The JSON of one translation with a hypothesis for each target.

    Args:
        source: words with spaces between them.
        targets: best first.
        weights: (target words + 1, source words + 1); a soft diagonal if not given.
        more: put into each hypothesis, such as `warnings`.
    """
    cut = segmented(source)
    hypotheses = []
    for rank, target in enumerate(targets):
        rows = segmented(target)
        shape = (len(rows.words) + 1, len(cut.words) + 1)
        logs = np.log(np.linspace(0.9, 0.3, shape[0]))
        attention = soft_diagonal(*shape) if weights is None else np.array(weights)
        score = float(logs.mean()) - rank
        hypotheses.append(Hypothesis(rows, logs, float(logs.sum()) - rank, score, True, attention))
    answer = Translation(cut, tuple(hypotheses)).to_json()
    for hypothesis in answer["hypotheses"]:
        hypothesis.update(NO_WARNINGS)
        hypothesis["word_probabilities"] = hypothesis["token_probabilities"]
        hypothesis.update(more)
    return answer


def answered(*translations: dict[str, Any]) -> dict[str, Any]:
    return {"model": "demo", "checkpoint": None, "search": MODEL["search"], "translations": translations}


def pinned(
    before: dict[str, Any],
    *,
    after: dict[str, Any] | None = None,
    continuation: dict[str, Any] | None = None,
    first_changed_word: int = 3,
) -> dict[str, Any]:
    """What pinning attention did; a translation that is not given is the one from before."""
    return {
        "before": before,
        "after": after or before,
        "continuation": continuation or before,
        "first_changed_word": first_changed_word,
    }


def answer_to_each(body: dict[str, Any]) -> dict[str, Any]:
    """What `/api/translate` answers to a body: every sentence has a translation of its own."""
    sentence = body["sentences"][0]
    return answered(translation(sentence, f"answer to {sentence}"))


def sign(kind: str, source_words: list[int], target_words: list[int]) -> dict[str, Any]:
    """A warning sign."""
    return {
        **{"kind": kind, "value": 4, "limit": 1, "message": f"Look at this: {kind}."},
        **{"source_words": source_words, "target_words": target_words},
    }


def alternatives(*pieces: tuple[str, float]) -> dict[str, Any]:
    listed = [
        {
            "piece": piece,
            "text": "" if piece == "</s>" else piece.replace("▁", ""),
            "starts_word": piece.startswith("▁"),
            "is_end": piece == "</s>",
            "probability": probability,
            "log_probability": float(np.log(probability)),
        }
        for piece, probability in pieces
    ]
    return {"model": "demo", "checkpoint": None, "alternatives": listed, "note": None}


def beam_node(number: int, parent: int | None, step: int, word: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "parent": parent,
        "step": step,
        "piece": word if word == "</s>" else "▁" + word,
        "text": "" if word == "</s>" else word,
        "starts_word": word != "</s>",
        "status": "kept",
        "log_probability": -0.5 * (step + 1),
        "token_probability": 0.6,
        "rank": 0,
        "score": None,
        "on_best_path": False,
        **more,
    }


BUSY = (503, {"error": {"code": "busy", "message": "Too busy.", "problems": []}})
BEAM = [
    beam_node(0, None, 0, "ich", on_best_path=True),
    beam_node(1, 0, 1, "sehe", on_best_path=True),
    beam_node(2, 1, 2, "</s>", on_best_path=True, status="ended", score=-0.5),
]
