"""From what the model found to the JSON of `schemas.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.segmentation import Segmentation
from data.tokenizer import Tokenizer
from seq2seq.alternatives import NextTokens
from seq2seq.beam_tree import BeamTree
from seq2seq.dependence import summed_over_words
from seq2seq.disagreement import EXPLANATION, RULE, disagreements
from seq2seq.rounding import rounded_probability
from seq2seq.translation import EOS_LABEL, Hypothesis, Translation
from seq2seq.warning_signs import attention_measures, warning_signs

_SPACE = "\u2581"  # what SentencePiece writes for a space
_DECIMALS = 5


def translation_json(
    translation: Translation, languages: tuple[str, str], n_best: int | None = None
) -> dict[str, Any]:
    """See `schemas.TranslationAnswer`.

    Args:
        translation: what was found.
        languages: of the source and of the target.
        n_best: leave out all hypotheses but the first so many.
    """
    chosen = Translation(translation.source, translation.hypotheses[:n_best], translation.note)
    answer = chosen.to_json()
    for hypothesis, content in zip(chosen.hypotheses, answer["hypotheses"], strict=True):
        content.update(_judged(hypothesis, translation.source, languages))
    return answer


def _judged(hypothesis: Hypothesis, source: Segmentation, languages: tuple[str, str]) -> dict[str, Any]:
    measures = attention_measures(hypothesis, source)
    signs = warning_signs(hypothesis, source, source_language=languages[0], target_language=languages[1])
    return {
        "word_probabilities": [
            rounded_probability(each) for each in np.exp(word_log_probabilities(hypothesis)).tolist()
        ],
        "measures": None if measures is None else measures.to_json(),
        "warnings": [sign.to_json() for sign in signs],
    }


def word_log_probabilities(hypothesis: Hypothesis) -> np.ndarray:
    """(target words [+ 1 if finished],): the sums over each word's pieces."""
    by_token = np.asarray(hypothesis.token_log_probabilities, np.float64)
    return summed_over_words(by_token[:, None], hypothesis.target.piece_to_word, axis=0)[:, 0]


def alternatives_json(
    found: NextTokens, source: Segmentation, prefix: list[int], count: int, tokenizer: Tokenizer
) -> dict[str, Any]:
    """See `schemas.AlternativesAnswer`."""
    chosen = zip(found.tokens[:count].tolist(), found.log_probabilities[:count].tolist(), strict=True)
    return {
        "source": Translation(source, ()).to_json()["source"],
        "prefix": [tokenizer.piece(token) for token in prefix],
        "prefix_text": tokenizer.decode(prefix),
        "attention_weights": _rounded(found.attention_weights),
        "alternatives": [
            {
                **piece_json(tokenizer.piece(token)),
                "probability": rounded_probability(np.exp(value)),
                "log_probability": round(value, _DECIMALS),
            }
            for token, value in chosen
        ],
    }


def piece_json(piece: str) -> dict[str, Any]:
    """A piece, what it adds to a text, and whether it begins a word there."""
    is_end = piece == EOS_LABEL
    starts_word = piece.startswith(_SPACE)
    text = "" if is_end else piece[starts_word:].replace(_SPACE, " ")
    return {"piece": piece, "text": text, "starts_word": starts_word, "is_end": is_end}


def why_json(
    translation: Translation, left_out: np.ndarray, gradient: np.ndarray, languages: tuple[str, str]
) -> dict[str, Any]:
    """See `schemas.WhyAnswer`."""
    hypothesis, source = translation.hypotheses[0], translation.source
    found = disagreements(
        hypothesis.word_attention(source), left_out, hypothesis.labels("words"), source.words
    )
    return {
        "translation": translation_json(translation, languages),
        "leave_one_out": _rounded(left_out),
        "gradient_x_input": _rounded(gradient),
        "disagreements": [each.to_json() for each in found],
        "rule": RULE,
        "explanation": EXPLANATION,
    }


def beam_json(tree: BeamTree, source: Segmentation, tokenizer: Tokenizer) -> dict[str, Any]:
    """See `schemas.BeamAnswer`."""
    scores = {leaf.node: leaf.score for leaf in tree.leaves}
    best = set(tree.path(tree.leaves[0].node)) if tree.leaves else set()
    nodes = []
    for place, node in enumerate(tree.nodes):
        piece = piece_json(tokenizer.piece(node.token))
        del piece["is_end"]
        nodes.append(
            {
                "id": place,
                "parent": node.parent,
                "step": node.step,
                **piece,
                "status": node.status,
                "log_probability": round(node.log_probability, _DECIMALS),
                "token_probability": rounded_probability(np.exp(node.token_log_probability)),
                "rank": node.rank,
                "score": round(scores[place], _DECIMALS) if place in scores else None,
                "on_best_path": place in best,
            }
        )
    hypotheses = [
        {
            "node": leaf.node,
            "text": tokenizer.decode(tree.tokens(leaf.node)),
            "log_probability": round(tree.nodes[leaf.node].log_probability, _DECIMALS),
            "score": round(leaf.score, _DECIMALS),
            "finished": leaf.finished,
        }
        for leaf in tree.leaves
    ]
    return {"source": Translation(source, ()).to_json()["source"], "nodes": nodes, "hypotheses": hypotheses}


def _rounded(numbers: np.ndarray) -> list[Any]:
    return np.round(np.asarray(numbers, np.float64), _DECIMALS).tolist()
