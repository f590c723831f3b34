"""The command line of evaluate.py. Imports nothing heavy: `--help` has to answer at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from seq2seq.command_options import (
    STANDARD_OUTPUT,
    add_reranking_options,
    add_search_options,
    add_speed_options,
    at_least,
    new_parser,
    no_model,
    reranking_contradiction,
)

_EXAMPLES = """\
examples:
  all test sets of the run's own corpus, with the run's own search options:
    python evaluate.py --model runs/multi30k_en_de

  one of them, greedily; and the validation split:
    python evaluate.py --model runs/multi30k_en_de --split test_2016_flickr --beam-size 1
    python evaluate.py --model runs/multi30k_en_de --split validation

  any parallel text, with two references and gold word alignment:
    python evaluate.py --model runs/demo --source news.en --reference news.1.fr --reference news.2.fr \\
        --alignment-gold news.pharaoh

  the weights of an epoch that the run has kept (training.keep_checkpoints):
    python evaluate.py --model runs/multi30k_en_de@28

  is the new run really better than the old one, which was evaluated before?
    python evaluate.py --model runs/new --compare runs/old

  look through all translations and their attention in a browser:
    python evaluate.py --model runs/multi30k_en_de --report report.html

  a page of results from everything that was evaluated:
    python -m seq2seq.results_page --page results.md runs/new runs/old

  what the page of results in docs/ needs of a model; then: make results
    python evaluate.py --model runs/new --summary docs/scores/new.json --examples docs/results_examples.yaml

The table goes to stdout, progress and notes to stderr. docs/evaluate.md explains every number."""


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; for `--help` and for mistakes this ends the process, as argparse does.

    Args:
        arguments: without the program's name; those of the process when None.
    """
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.output in STANDARD_OUTPUT:
        options.output = "-"
    problem = _contradiction(options)
    if problem is not None:
        parser.error(problem)
    return options


def build_parser() -> argparse.ArgumentParser:
    """Every option of evaluate.py."""
    parser = new_parser(
        "evaluate.py",
        "--model MODEL [options]",
        "Translate test sets with a trained model and score the translations.",
        _EXAMPLES,
    )
    _add_text_options(parser)
    _add_search_options(parser)
    _add_scoring_options(parser)
    _add_output_options(parser)
    return parser


def _add_text_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m",
        "--model",
        metavar="MODEL",
        action="append",
        default=[],
        dest="models",
        help="directory of a trained run, RUN@EPOCH for the weights of a kept epoch, or name of a shipped "
        "model; several times: an ensemble of models that share a tokenizer",
    )
    group = parser.add_argument_group("what to translate (default: every test set of the run's corpus)")
    group.add_argument(
        "--split",
        metavar="NAME",
        nargs="+",
        action="extend",
        default=[],
        dest="splits",
        help="test sets of the run's corpus by name, or `validation`",
    )
    group.add_argument(
        "--mirror",
        metavar="FOLDER_OR_URL",
        help="where the files of multi30k and tatoeba_en_es are, instead of at their original host",
    )
    group.add_argument(
        "--source", metavar="FILE", help="text to translate, one sentence a line, plain or .gz"
    )
    group.add_argument(
        "--reference",
        metavar="FILE",
        action="append",
        default=[],
        dest="references",
        help="what --source should become, line by line; several times: several references",
    )
    group.add_argument("--name", metavar="NAME", help="what to call --source (default: its file name)")
    group.add_argument(
        "--alignment-gold",
        "--alignments",
        metavar="FILE",
        dest="alignments",
        help="gold word alignment of --source, or of the one --split, with the (first) reference, in Pharaoh "
        "format: 0-0 1-2, with 1p2 or 1?2 for a link that is only possible",
    )
    group.add_argument(
        "--alignments-from-one", action="store_true", help="--alignment-gold counts words from 1"
    )
    group.add_argument(
        "--limit", metavar="N", type=at_least(1), help="only the first N sentences of each set"
    )


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("search (default: as the run's configuration says)")
    add_search_options(group)
    add_reranking_options(group)
    add_speed_options(group)
    group.add_argument(
        "--batch-size",
        metavar="N",
        type=at_least(1),
        default=64,
        help="sentences decoded at once (default: 64)",
    )


def _add_scoring_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("scoring")
    group.add_argument(
        "--convention",
        choices=("plain", "moses-lower", "tokenized"),
        help="beside BLEU of the text as it is, BLEU in the papers' form. moses-lower: lower-cased, "
        "normalised, tokenised by Moses' rules; tokenized: the text already is; plain: no second BLEU "
        "(default: as the run's configuration says)",
    )
    group.add_argument(
        "--bleu-tokenizer",
        choices=("13a", "intl", "zh", "char", "none"),
        help="sacrebleu's tokenizer for BLEU (default: 13a; zh or char for languages without spaces; none "
        "for tokenised text)",
    )
    group.add_argument(
        "--target-language", metavar="CODE", help="such as de (default: as the run says); decides tokenizers"
    )
    group.add_argument(
        "--word-mode",
        choices=("unicode", "whitespace"),
        default="unicode",
        help="how gold alignments count words: marks are words of their own (unicode, the default), or words "
        "are what stands between spaces",
    )
    group.add_argument(
        "--alignment-method",
        choices=("argmax", "intersection", "threshold"),
        default="argmax",
        help="how attention is read as word alignment (default: argmax, each target word to its strongest "
        "source word; intersection: where that holds in both directions; threshold: every weight above 0.3)",
    )
    group.add_argument(
        "--reverse-model",
        metavar="MODEL",
        help="a run or shipped model of the other direction: with gold alignment also the readings of both "
        "together (intersection, union, grow-diag-final-and)",
    )
    group.add_argument(
        "--alignment-baseline",
        action="store_true",
        help="with gold alignment also the statistical aligner's, trained on the run's training pairs",
    )
    group.add_argument(
        "--attention",
        choices=("learned", "uniform", "argmax", "shuffled", "diagonal"),
        default="learned",
        help="replace the attention weights at every step: how much hangs on them? (default: learned, as "
        "the model means them); scores go to RUN/evaluation/attention-NAME",
    )
    group.add_argument(
        "--compare",
        metavar="RUN",
        help="a run, a shipped model by name, or an evaluation folder, that was evaluated on the same sets "
        "before: paired approximate randomisation of BLEU and chrF",
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--folder",
        metavar="DIR",
        help="where SET.json and SET.hypotheses.txt go (default: RUN/evaluation, for a kept epoch "
        "RUN/evaluation/epoch-N, for a shipped model runs/NAME/evaluation; an ensemble needs it)",
    )
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="also everything in one JSON file; -: on stdout, without tables",
    )
    group.add_argument(
        "--summary",
        metavar="FILE.json",
        help="also what a page of results needs, in a small file: scores, facts of the training, and ten "
        "translations with their attention",
    )
    group.add_argument(
        "--examples",
        metavar="FILE.yaml",
        help="for --summary: the translations to keep, such as docs/results_examples.yaml (default: ten that "
        "are spread over the first set)",
    )
    group.add_argument(
        "--report",
        metavar="FILE.html",
        help="also a page to look through in a browser, in one file that opens offline: every sentence with "
        "its attention, the worst first if you like, doubtful words, a lexicon read from the attention",
    )


def _contradiction(options: argparse.Namespace) -> str | None:
    """What is wrong with options that are each right, or None."""
    if not options.models:
        return no_model("evaluate.py")
    if len(options.models) > 1 and not options.folder:
        return "an ensemble has no directory of its own: say where its scores go with --folder DIR"
    if options.source and not options.references:
        return "--source needs what it should become: --reference FILE"
    if options.references and not options.source:
        return "--reference needs the text to translate: --source FILE"
    if options.source and options.splits:
        return "give either --split or --source, not both"
    if options.source and options.mirror:
        return "--mirror is for the run's own corpus, which --source does not need"
    if options.name and not options.source:
        return "--name is the name of --source; a split has one"
    if options.alignments and not options.source and len(options.splits) != 1:
        return "--alignment-gold belongs to one set: give --source and --reference, or exactly one --split"
    if options.source and not options.alignments and (options.reverse_model or options.alignment_baseline):
        return "--reverse-model and --alignment-baseline are about gold alignment: give --alignment-gold FILE"
    if options.examples and not options.summary:
        return "--examples says which translations --summary keeps: give both"
    if options.alignments_from_one and not options.alignments:
        return "--alignments-from-one says how --alignment-gold counts: give both"
    return reranking_contradiction(options)
