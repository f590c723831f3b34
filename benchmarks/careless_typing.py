"""How well a model translates what is typed in a hurry: python -m benchmarks.careless_typing --help

A validation split is edited text. Here it is translated as it is, then in lower case, without final marks and
in capitals, each time against the same references: what is lost is what a user at the prompt loses.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from data.careless_typing import WayOfTyping
from seq2seq.command_options import at_least
from seq2seq.corpus_loading import load_corpus
from seq2seq.evaluation import EvaluationSet
from seq2seq.evaluation_sets import sets_of_corpus
from seq2seq.languages import primary_code
from seq2seq.line_progress import line_progress
from seq2seq.shipped_models import find_model
from seq2seq.text_metrics import bleu_tokenizer_for

if TYPE_CHECKING:
    from seq2seq.translator import Translator

WAYS_OF_TYPING = {
    "as it is": WayOfTyping(),
    "in lower case": WayOfTyping("lower"),
    "without marks": WayOfTyping(marks=False),
    "in lower case, without marks or apostrophes": WayOfTyping("lower", marks=False, apostrophes=False),
    "in capitals": WayOfTyping("capitals"),
}


@dataclass(frozen=True)
class Row:
    """Scores of one way of typing, 0 to 100."""

    typing: str
    bleu: float
    chrf: float


def measure(
    translator: Translator,
    sentences: EvaluationSet,
    language: str,
    bleu_tokenizer: str,
    beam_size: int | None = None,
) -> Iterator[Row]:
    """Translate a set in each of `WAYS_OF_TYPING`.

    Args:
        translator: of the model.
        sentences: edited text.
        language: of its sources, a code.
        bleu_tokenizer: sacrebleu's, see `bleu_tokenizer_for`.
        beam_size: None: as the model's configuration says.
    """
    from sacrebleu.metrics import BLEU, CHRF

    bleu, chrf = BLEU(tokenize=bleu_tokenizer, force=True), CHRF()
    references = [list(stream) for stream in zip(*sentences.references, strict=True)]
    options = translator.default_options()
    if beam_size is not None:
        options = replace(options, beam_size=beam_size)
    for typing, way in WAYS_OF_TYPING.items():
        texts = [way(source, language) for source in sentences.sources]
        hypotheses = []
        with line_progress(f"Translating it {typing}", len(texts)) as advance:
            for translation in translator.translate_stream(texts, options):
                hypotheses.append(translation.text)
                advance()
        yield Row(
            typing,
            bleu.corpus_score(hypotheses, references).score,
            chrf.corpus_score(hypotheses, references).score,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.careless_typing",
        description="Score translations of a split as it is, in lower case, without final mark, in capitals.",
    )
    parser.add_argument("--model", required=True, help="run, RUN@EPOCH or name of a shipped model")
    parser.add_argument("--split", default="validation", help="of the model's corpus (default: validation)")
    parser.add_argument("--mirror", metavar="FOLDER_OR_URL", help="see evaluate.py")
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="only the first N sentences")
    parser.add_argument("--beam-size", type=at_least(1), metavar="N", help="default: as the model has it")
    options = parser.parse_args(arguments)
    run = find_model(options.model)
    corpus = load_corpus(run.config.data, options.mirror)
    (sentences,) = sets_of_corpus(corpus, [options.split], limit=options.limit)
    from seq2seq.translator import Translator

    is_tokenized = run.config.evaluation.tokenized
    tokenizer = bleu_tokenizer_for(corpus.target_language, is_tokenized=is_tokenized)
    print(f"{options.model}, {sentences.name}, {len(sentences.sources):,} sentences\n")
    print("| typed | BLEU | chrF |\n|---|---:|---:|")
    language = primary_code(corpus.source_language)
    for row in measure(Translator.load(run), sentences, language, tokenizer, options.beam_size):
        print(f"| {row.typing} | {row.bleu:.1f} | {row.chrf:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    from seq2seq.startup import prepare_environment, run_command

    prepare_environment()
    run_command(main)
