"""The command line of serve.py. Imports nothing heavy: `--help` has to answer at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from seq2seq.command_options import at_least, new_parser

LOCAL_HOST = "127.0.0.1"

_EXAMPLES = """\
examples:
  the model that ships with the project, in the browser of this machine:
    python serve.py --open

  another one, by directory or by name:
    python serve.py --model runs/demo --open

  two models to compare, on another port:
    python serve.py --model runs/one --model tatoeba-en-es --port 8080

  for everybody on the local network (there are no passwords):
    python serve.py --model runs/demo --host 0.0.0.0

Ctrl-C stops it. docs/inspector.md explains the page, docs/inspector_api.md the JSON that it speaks.
"""


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; for `--help` and for mistakes this ends the process, as argparse does.

    Args:
        arguments: without the program's name; those of the process when None.
    """
    return build_parser().parse_args(arguments)


def build_parser() -> argparse.ArgumentParser:
    """Every option of serve.py."""
    parser = new_parser(
        "serve.py",
        "[--model MODEL ...] [options]",
        "Look inside a trained model in the browser: attention, alternatives, beams, what a word depends on.",
        _EXAMPLES,
    )
    parser.add_argument(
        "-m",
        "--model",
        action="append",
        default=[],
        metavar="MODEL",
        help="directory of a trained run, RUN@EPOCH for the weights of a kept epoch, or name of a shipped "
        "model (default: tatoeba-en-es, English to Spanish); several times: all of them, to choose from and "
        "to compare",
    )
    _add_address_options(parser)
    _add_limits(parser)
    return parser


def _add_address_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("address")
    group.add_argument(
        "--host",
        default=LOCAL_HOST,
        metavar="NAME",
        help=f"address to listen at (default {LOCAL_HOST}: this machine only)",
    )
    group.add_argument(
        "--port",
        type=_port,
        default=8000,
        metavar="N",
        help="port to listen at (default 8000); 0 takes one that is free",
    )
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a server for this machine answers to this name, too, beside localhost and its address; one for "
        "a network answers to all names, or, with this option, to those that are given and its own only",
    )
    group.add_argument("--open", action="store_true", help="open the page in the browser")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits of a request; what is beyond is refused with a clear answer")
    for name, default, what in (
        ("characters", 1000, "characters of a sentence"),
        ("sentences", 64, "sentences"),
        ("beam-size", 20, "hypotheses followed at once"),
        ("n-best", 20, "hypotheses to return"),
    ):
        group.add_argument(
            f"--max-{name}",
            type=at_least(1),
            default=default,
            metavar="N",
            help=f"{what} (default {default})",
        )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)
