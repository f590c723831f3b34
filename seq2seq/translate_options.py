"""The command line of translate.py. Imports nothing heavy: `--help` has to answer at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from seq2seq.command_options import (
    STANDARD_OUTPUT,
    add_reranking_options,
    add_search_options,
    add_speed_options,
    at_least,
    new_parser,
    reranking_contradiction,
)

FORMATS = ("text", "json", "pharaoh")
PICTURE_FORMATS = ("png", "svg", "pdf")

_EXAMPLES = """\
examples:
  translate with the model that ships with the project; draw the attention in the terminal and as a picture:
    python translate.py "Where is the nearest station?"

  with another one, by name or by directory:
    python translate.py --model runs/multi30k_en_de "Two dogs run through the snow."
    python translate.py --model runs/demo "The old man is in the garden."

  ask for sentences (:help lists the commands):
    python translate.py --model runs/demo

  translate a file, one sentence a line:
    python translate.py --model runs/demo --input test.en --output test.fr

  the five best of each line, with everything there is to know about them, as JSON lines:
    python translate.py --model runs/demo --n-best 5 --format json < test.en

  an ensemble of two runs that were trained with the same tokenizer:
    python translate.py --model runs/one --model runs/two --input test.en

  an ensemble of three epochs of a run that kept them (training.keep_checkpoints):
    python translate.py --model runs/one@26 --model runs/one@28 --model runs/one@30 --input test.en

  let a model of the other direction choose among the translations that the beam found:
    python translate.py --model multi30k-en-de --rerank-with multi30k-de-en --input test.en

  word alignment of given translations (each line: source TAB target):
    python translate.py --model runs/demo --score --format pharaoh --input pairs.tsv

One line of output belongs to each line of input; only a line feed ends a line. Everything else (progress,
notes, where pictures lie) goes to stderr. docs/translate.md has the details.
"""


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; for `--help` and for mistakes this ends the process, as argparse does.

    Args:
        arguments: without the program's name; those of the process when None.
    """
    parser = build_parser()
    before, sentences = _cut_at_double_dash(sys.argv[1:] if arguments is None else arguments)
    # Unlike parse_args, this takes sentences on either side of the options.
    options = parser.parse_intermixed_args(before)
    options.sentences = [*options.sentences, *sentences]
    if options.output in STANDARD_OUTPUT:
        options.output = None
    problem = _contradiction(options)
    if problem is not None:
        parser.error(problem)
    return options


def _cut_at_double_dash(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before and behind the first `--`: `parse_intermixed_args` loses it when it comes first."""
    arguments = list(arguments)
    place = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:place], arguments[place + 1 :]


def build_parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "translate.py",
        "[--model MODEL] [options] [SENTENCE ...]",
        "Translate sentences, files, or at a prompt, and show where the model looked.",
        _EXAMPLES,
    )
    _add_text_options(parser)
    _add_model_options(parser)
    _add_search_options(parser)
    _add_sampling_options(parser)
    _add_output_options(parser)
    _add_picture_options(parser)
    return parser


def _add_text_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to translate (standard input when nothing is given)")
    group.add_argument("sentences", nargs="*", type=str, metavar="SENTENCE", help="translate and draw these")
    group.add_argument(
        "-i", "--input", metavar="FILE", help="one sentence a line, UTF-8, plain or .gz (-: stdin)"
    )
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write here (.gz: compressed) instead of to stdout (-), atomically",
    )
    group.add_argument(
        "--score",
        action="store_true",
        help="lines are `source TAB target`: do not translate, score the given targets (forced decoding)",
    )


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "-m",
        "--model",
        action="append",
        metavar="MODEL",
        help="directory of a trained run, RUN@EPOCH for the weights of a kept epoch, or name of a shipped "
        "model (default: tatoeba-en-es, English to Spanish); several: an ensemble of models that share a "
        "tokenizer",
    )
    group.add_argument("--list-models", action="store_true", help="list the shipped models and leave")
    group.add_argument(
        "--batch-size",
        type=at_least(1),
        default=64,
        metavar="N",
        help="sentences translated at once (default 64); 1 answers each line before the next is read",
    )
    group.add_argument(
        "--max-source-pieces",
        type=at_least(1),
        metavar="N",
        help="longer sentences are cut, with a note (default: twice the longest training sentence)",
    )


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("search (defaults: the `search` section of the run's configuration)")
    add_search_options(group)
    add_reranking_options(group)
    add_speed_options(group)
    group.add_argument(
        "--n-best", type=at_least(1), default=1, metavar="N", help="hypotheses for each sentence (default 1)"
    )
    group.add_argument(
        "--min-length", type=at_least(0), metavar="N", help="pieces of a translation, at least"
    )
    group.add_argument("--prefix", type=str, metavar="TEXT", help="every translation has to begin with this")


def _add_sampling_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--sample",
        action="store_true",
        help="draw pieces at random instead of searching for the best; --n-best: how many samples",
    )
    group.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help="below 1: closer to the likeliest, above 1: more varied (default 1; at least 0.01)",
    )
    group.add_argument(
        "--top-k", type=at_least(0), metavar="K", help="draw among the K likeliest pieces (default 0: all)"
    )
    group.add_argument(
        "--seed", type=at_least(0), metavar="N", help="the same seed, the same samples (default 1)"
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text (default; with --n-best above 1 as `line ||| text ||| LogProbability= x ||| score`), "
        "json (an object for each line, with pieces, words, attention), pharaoh (word alignment: 0-0 1-2)",
    )
    group.add_argument(
        "--alignment",
        metavar="HOW",
        help="links of --format pharaoh: argmax (default), intersection, threshold:0.3, "
        "or soft (every link of 0.005 or more, with its weight)",
    )
    group.add_argument(
        "--posterior",
        action="store_true",
        help="alignments, pictures and JSON show where each word came from, now that it is known, instead of "
        "where the decoder looked before it wrote it (slower)",
    )
    group.add_argument(
        "--words",
        choices=("unicode", "whitespace"),
        default="unicode",
        help="what a word is, in pictures and alignments: unicode (default) parts punctuation from words",
    )


def _add_picture_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("attention pictures")
    group.add_argument(
        "--plot", metavar="PATH", help="draw the one sentence into this file (.png, .svg, .pdf)"
    )
    group.add_argument(
        "--plots",
        metavar="DIR",
        help="number pictures of all sentences in here (for SENTENCE and the prompt: RUN/plots; for a "
        "shipped model runs/NAME/plots)",
    )
    group.add_argument("--plot-format", choices=PICTURE_FORMATS, help="of numbered pictures (default png)")
    group.add_argument("--no-plot", action="store_true", help="draw no picture")
    group.add_argument(
        "--heat-map",
        action=argparse.BooleanOptionalAction,
        help="draw in the terminal too (default for SENTENCE and the prompt when stdout is a terminal)",
    )
    group.add_argument("--pieces", action="store_true", help="draw the model's pieces instead of words")
    group.add_argument("--values", action="store_true", help="write each weight into its cell of the picture")


def _contradiction(options: argparse.Namespace) -> str | None:
    """What is wrong with options that are fine one by one; None when nothing is."""
    if options.sentences and options.input is not None:
        return "give either sentences or --input, not both"
    sampling_only = {"--temperature": options.temperature, "--top-k": options.top_k, "--seed": options.seed}
    for name, value in sampling_only.items():
        if value is not None and not options.sample:
            return f"{name} is for sampling: add --sample"
    if options.sample and options.beam_size is not None:
        return "--sample draws at random and has no beam: leave out --beam-size"
    if options.score and (options.sample or options.n_best > 1 or options.prefix or options.beam_size):
        return "--score scores given targets: --sample, --n-best, --beam-size and --prefix mean nothing to it"
    lengths = options.min_length is not None or options.max_length is not None
    if options.score and (options.shortlist or options.rerank_with or lengths):
        return (
            "--score scores given targets: --shortlist, --rerank-with, --min-length and --max-length mean "
            "nothing to it"
        )
    if options.sample and options.shortlist:
        return "--sample draws from the whole vocabulary: leave out --shortlist"
    if options.max_length is not None and options.max_length < (options.min_length or 0):
        return f"--max-length {options.max_length} is less than --min-length {options.min_length}"
    if options.plot is not None and options.plots is not None:
        return "give either --plot (one picture) or --plots (a directory of them), not both"
    if options.no_plot and (options.plot is not None or options.plots is not None):
        return "--no-plot contradicts --plot and --plots"
    if options.plot is not None and len(options.sentences) != 1:
        return "--plot draws a single sentence given on the command line; for more, use --plots DIR"
    if options.plot is not None and options.plot_format is not None:
        return "the ending of --plot PATH says its format: leave out --plot-format"
    return reranking_contradiction(options)
