"""What the command lines of the programs share. Imports nothing heavy."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from data.errors import UserError
from seq2seq.search_options import DEFAULT_RERANK_WEIGHT

_OPTION_OF = {"forced_prefix": "--prefix", "sampling": "--sample"} | {
    name: f"--{name.replace('_', '-')}"
    for name in (
        *("beam_size", "n_best", "length_penalty", "coverage_penalty", "min_length", "max_length"),
        *("temperature", "top_k", "seed"),
    )
}
HOW_TO_GET_A_RUN = (
    "To get a run:\n"
    "  make demo                                          trains a small English-French one, runs/demo\n"
    "  python train.py --config configs/starter.yaml      trains what a configuration says; configs/ has more"
)


# What an output may be called that is no file: each line of it comes out as soon as it is ready.
STANDARD_OUTPUT = frozenset({"-", "/dev/stdout"})


def new_parser(
    program: str, usage: str | None, description: str, examples: str = ""
) -> argparse.ArgumentParser:
    """A parser that keeps description and examples as they are written and takes no abbreviated options.

    An empty value, such as that of a variable of the shell that is not set, is an error: it would pass for an
    option that was not given. Of an option whose `type` is named, the type decides.

    Args:
        program: its name.
        usage: what stands behind the name; None: every option.
        description: of the program.
        examples: below the options.
    """
    parser = argparse.ArgumentParser(
        prog=program,
        usage=None if usage is None else f"{program} {usage}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.register("type", None, _given)
    return parser


def _given(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected a value, got an empty one")
    return text


def no_model(program: str) -> str:
    """What to say when there is no --model."""
    return (
        "--model MODEL is required: the name of a shipped model (python translate.py --list-models) or the\n"
        f"directory of a trained run. {HOW_TO_GET_A_RUN}\nthen: python {program} --model RUN"
    )


def add_search_options(group: argparse._ArgumentGroup) -> None:
    """The options of a search that every program has."""
    group.add_argument(
        "--beam-size", type=at_least(1), metavar="N", help="hypotheses followed at once; 1 is greedy search"
    )
    group.add_argument(
        "--length-penalty",
        type=float,
        metavar="A",
        help="rank by log probability / length^A; A from 0, which favours short translations, over 1, the "
        "mean of the pieces, to 10: the larger, the longer",
    )
    group.add_argument(
        "--coverage-penalty",
        type=float,
        metavar="B",
        help="how much a source piece that was never looked at counts against a translation; 0 is off",
    )
    group.add_argument(
        "--max-length",
        type=at_least(1),
        metavar="N",
        help="pieces of a translation, at most, its end not counted",
    )


def add_speed_options(group: argparse._ArgumentGroup) -> None:
    """The options of a search that trade exactness for speed."""
    group.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        help="of matrix products (default: as the run's configuration says); auto: bfloat16 where the "
        "processor has instructions for it",
    )
    group.add_argument(
        "--shortlist",
        action="store_true",
        help="choose from the run's shortlist instead of the whole vocabulary; "
        "python -m seq2seq.make_shortlist RUN makes one of a run that was trained here",
    )


def add_reranking_options(group: argparse._ArgumentGroup) -> None:
    """Options to let a second model choose among what the search found."""
    group.add_argument(
        "--rerank-with",
        metavar="MODEL",
        help="a run or shipped model of the other direction: of all translations that the beam found, the "
        "one from which it can tell the source best has an advantage",
    )
    group.add_argument(
        "--rerank-weight",
        type=_weight,
        metavar="W",
        help=f"of what the model of --rerank-with says (default {DEFAULT_RERANK_WEIGHT}); 0 changes nothing",
    )


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, got {text!r}")
    return value


def reranking_contradiction(options: argparse.Namespace) -> str | None:
    """What is wrong with these options together; None when nothing is."""
    if options.rerank_weight is not None and options.rerank_with is None:
        return "--rerank-weight says how much another model counts: name it with --rerank-with MODEL"
    return None


def rerank_weight(options: argparse.Namespace) -> float:
    """The weight that was given, or the default."""
    return DEFAULT_RERANK_WEIGHT if options.rerank_weight is None else options.rerank_weight


def at_least(minimum: int) -> Callable[[str], int]:
    """The type of an option that is a whole number of at least `minimum`."""

    def whole_number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if value < minimum:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {minimum}, got {text!r}")
        return value

    return whole_number


@contextmanager
def options_named_as_typed(names: Mapping[str, str] = _OPTION_OF) -> Iterator[None]:
    """Let errors of the search speak of `--beam-size`, as the command line does, not of `beam_size`.

    Args:
        names: of the options of a search, as they are typed here.

    Raises:
        UserError: the one raised inside, in these words.
    """
    try:
        yield
    except UserError as error:
        # Not in the path of a file, such as data/seed.tsv.
        name = rf"(?<![\w./\\-])({'|'.join(names)})(?![\w/\\-]|\.\w)"
        message = re.sub(name, lambda match: names[match[1]], str(error))
        raise type(error)(message) from error
