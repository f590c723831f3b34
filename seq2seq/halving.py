"""Does rounding the weights to half precision cost anything? Both models translate the validation split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from data.errors import UserError

if TYPE_CHECKING:
    from seq2seq.evaluation import EvaluationOptions, EvaluationSet
    from seq2seq.run_directory import RunDirectory
    from seq2seq.text_metrics import TextScorer

LARGEST_LOSS = 0.2  # BLEU; a handful of other words in a thousand sentences, in either direction, is less


def validation_scores(
    run: RunDirectory, validation: EvaluationSet, scorer: TextScorer, options: EvaluationOptions
) -> dict[str, Any]:
    """Translate and score the validation split: the report of `seq2seq.evaluation.evaluate`."""
    from seq2seq.evaluation import evaluate
    from seq2seq.translator import Translator

    return evaluate(Translator.load(run), validation, scorer, options)


def compare_halves(whole: Mapping[str, Any], half: Mapping[str, Any]) -> dict[str, Any]:
    """What rounding changed.

    Args:
        whole: report of the model as it was trained.
        half: report of the model as it ships, on the same sentences.

    Returns:
        For `float32` and `float16`: BLEU, chrF and the perplexity of the references; with the number of
        sentences, how many translations are the same to the letter, and the signatures.

    Raises:
        UserError: it cost more than `LARGEST_LOSS` BLEU.
    """
    pairs = list(zip(whole["sentences"], half["sentences"], strict=True))
    scores = {"float32": _scores(whole), "float16": _scores(half)}
    loss = scores["float32"]["bleu"] - scores["float16"]["bleu"]
    if loss > LARGEST_LOSS:
        raise UserError(
            f"In half precision the model loses {loss:.2f} BLEU on the validation split (from "
            f"{scores['float32']['bleu']:.2f} to {scores['float16']['bleu']:.2f}; at most {LARGEST_LOSS} is "
            "accepted). It is not written. Look at its weights: very large or very small ones do not "
            "survive rounding."
        )
    return {
        **scores,
        "set": whole["set"],
        "sentences": len(pairs),
        "same_translations": sum(one["hypothesis"] == other["hypothesis"] for one, other in pairs),
        "signatures": {name: whole["scores"][name]["signature"] for name in ("bleu", "chrf")},
        "beam_size": whole["options"]["beam_size"],
    }


def _scores(report: Mapping[str, Any]) -> dict[str, float]:
    scores = report["scores"]
    return {
        "bleu": scores["bleu"]["score"],
        "chrf": scores["chrf"]["score"],
        "perplexity_per_token": scores["perplexity"]["per_token"],
    }
