"""What a loaded model is, for a person: one line, and a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seq2seq.attention_pictures import shown
from seq2seq.run_directory import best_score

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.run_directory import RunDirectory
    from seq2seq.translator import Translator


def language_names(config: Config, facts: Mapping[str, Any]) -> tuple[str, str]:
    """The source and the target language as the configuration or the run's facts name them."""
    return (
        config.data.source_language or facts.get("source_language") or "source",
        config.data.target_language or facts.get("target_language") or "target",
    )


def one_line_summary(translator: Translator) -> str:
    """Such as `demo: en to fr, 2.1 M parameters`."""
    reranked = f", reranked by {_names(translator.reranker.backward)}" if translator.reranker else ""
    return f"{_names(translator)}: {_languages(translator)}, {_parameters(translator)} parameters{reranked}"


def model_facts(translator: Translator) -> list[tuple[str, str]]:
    """Names and values: what `:info` shows."""
    tokenizers, config = translator.tokenizers, translator.configs[0]
    if tokenizers.joint:
        vocabulary = f"{tokenizers.source.vocabulary_size:,} pieces for both languages"
    else:
        sizes = (tokenizers.source.vocabulary_size, tokenizers.target.vocabulary_size)
        vocabulary = f"{sizes[0]:,} source and {sizes[1]:,} target pieces"
    search = config.search
    rows = [
        ("languages", _languages(translator)),
        ("corpus", _corpus(translator)),
        ("vocabulary", f"{vocabulary} ({config.tokenizer.model_type})"),
        ("parameters", _parameters(translator)),
        ("search", f"beam size {search.beam_size}, length penalty {search.length_penalty:g} by default"),
        ("longest", f"{translator.max_source_pieces} source pieces"),
    ]
    for run in translator.runs:
        rows.append(("run", shown(run.path) + run.epoch_mark))
        rows.append(("validation", _validation(run)))
    reranker = translator.reranker
    if reranker is not None:
        rows.append(("reranked by", f"{_names(reranker.backward)}, weight {reranker.weight:g}"))
    return rows


def _names(translator: Translator) -> str:
    names = [config.name for config in translator.configs]
    for place, run in enumerate(translator.runs):
        names[place] += run.epoch_mark
    return " + ".join(names)


def _parameters(translator: Translator) -> str:
    counts = [model.count_params() for model in translator.models]  # type: ignore[attr-defined]
    return " + ".join(f"{count / 1e6:.1f} M" for count in counts)


def _languages(translator: Translator) -> str:
    return " to ".join(language_names(translator.configs[0], _facts(translator)))


def _corpus(translator: Translator) -> str:
    facts = _facts(translator)
    pairs = f", {facts['train_pairs']:,} training pairs" if "train_pairs" in facts else ""
    return f"{facts.get('corpus', translator.configs[0].data.corpus.kind)}{pairs}"


def _facts(translator: Translator) -> dict[str, Any]:
    return translator.runs[0].read_facts() if translator.runs else {}


def _validation(run: RunDirectory) -> str:
    """Such as `BLEU 38.12, epoch 17 of 20`."""
    facts = run.read_facts()
    score, is_loss = best_score(facts), facts.get("selected_by") == "loss"
    if run.checkpoint is not None:
        score = run.validation_scores().get(run.checkpoint)
    if score is None:
        return "not recorded (the training has not come to its end)"
    return f"{'loss' if is_loss else 'BLEU'} {score:.2f}, epoch {run.epoch} of {facts.get('epochs')}"
