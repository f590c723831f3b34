"""The command line of train.py."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from data.errors import UserError
from seq2seq.command_options import new_parser
from seq2seq.startup import share_cores

_EPILOG = """\
examples:
  python train.py --config configs/starter.yaml
  python train.py --config configs/multi30k_en_de.yaml --mirror FOLDER
  python train.py --config configs/multi30k_en_de.yaml --set training.epochs=5 --set model.decoder_units=256
  python train.py --run runs/multi30k_en_de --resume

Ctrl-C stops after the batch under way and saves everything; --resume goes on as if nothing had happened.
Every option of a configuration is explained in docs/configuration.md.
"""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; imports nothing heavy, so that --help answers at once."""
    parser = new_parser(
        "train.py",
        None,
        "Train a GRU encoder-decoder with Bahdanau attention on a parallel corpus.",
        _EPILOG,
    )
    parser.add_argument("--config", metavar="FILE", help="YAML configuration; see configs/")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="assignments",
        help="replace one option of the configuration, such as training.epochs=5; may be given several times",
    )
    parser.add_argument(
        "--run", metavar="DIR", help="directory of the run (default: runs/ and the configuration's name)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted or finished run")
    parser.add_argument(
        "--mirror",
        metavar="FOLDER_OR_URL",
        help="where the files of multi30k and tatoeba_en_es are, instead of at their original host",
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run train.py; returns the exit code."""
    options = parse_arguments(arguments)
    from seq2seq.config import load_config
    from seq2seq.run_directory import RunDirectory
    from seq2seq.starting_model import completed

    if options.config is None and not (options.run and options.resume):
        raise UserError(
            "say what to train (--config FILE; see configs/), or what to go on with (--run DIR --resume)"
        )
    if options.config is not None:
        config = completed(load_config(options.config, options.assignments))
        run = RunDirectory(options.run or Path("runs") / config.name)
        if not options.resume and Path(options.config).resolve() == run.config_file.resolve():
            raise UserError(
                f"{options.config} would be replaced by the run's own copy, which has no comments. Choose "
                "another directory for the run: --run DIR"
            )
    else:
        run = RunDirectory(options.run)
        if not run.exists():
            raise UserError(
                f"{run.path} holds no run to go on with: there is no {run.config_file.name}. "
                "Start one: python train.py --config FILE"
            )
        config = load_config(run.config_file, options.assignments)

    from rich.console import Console

    console = Console(stderr=True, emoji=False)
    # A path may have brackets or colons in it, which are not to be taken for markup.
    as_it_is: Any = {"highlight": False, "markup": False, "soft_wrap": True}
    console.print(config.name, style="bold", end="", **as_it_is)
    console.print(f" in {run.path}", **as_it_is)
    from data.quiet_tensorflow import load_tensorflow_quietly

    share_cores(config.training.batch_parts)
    load_tensorflow_quietly()
    from seq2seq.training import train

    progress = train(config, run, resume=options.resume, mirror=options.mirror, console=console)
    if not progress.finished:
        console.print(
            f"Stopped in epoch {progress.epoch + 1}, batch {progress.batch}; everything is saved. "
            f"Go on with:\n  python train.py --run {run.path} --resume",
            **as_it_is,
        )
        return 130
    assert progress.best_score is not None
    # The loss is kept as a score: negated, the higher the better.
    best = {"bleu": f"BLEU {progress.best_score:.2f}", "loss": f"loss {-progress.best_score:.3f}"}
    console.print(
        f"Trained in {progress.seconds / 60:.1f} minutes; best validation {best[config.training.select_by]} "
        f"(epoch {progress.best_epoch}).\nNext:\n  python evaluate.py --model {run.path}\n"
        f"  python translate.py --model {run.path}",
        **as_it_is,
    )
    return 0
