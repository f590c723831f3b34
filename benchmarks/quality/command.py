"""A table of configurations and what came of them, read from run directories; finished runs or not.

    python -m benchmarks.quality runs/baseline_1 runs/baseline_2 runs/dropout_1 >> docs/quality.md

Runs that differ in their seed alone share a row. Only the validation split is looked at: that is what recipes
are chosen by.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from statistics import mean, stdev

from benchmarks.quality.trial import Trial, read_trial
from data.errors import UserError
from seq2seq.command_options import at_least
from seq2seq.recipe import recipe_changes
from seq2seq.results_tables import DASH, as_number, as_text, table


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code.

    Raises:
        UserError: a directory is not a run or has no validation yet, or the runs' validation splits differ.
    """
    options = build_parser().parse_args(arguments)
    trials = [read_trial(path, epochs=options.epochs) for path in options.runs]
    _check_comparable(trials)
    print("\n".join(quality_table(trials)))
    return 0


def _check_comparable(trials: Sequence[Trial]) -> None:
    first = trials[0]
    for trial in trials[1:]:
        if trial.validation_fingerprint != first.validation_fingerprint:
            raise UserError(
                f"{trial.name} was validated on other sentences than {first.name}: their BLEU does not "
                f"compare."
            )


def build_parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description="Compare runs by their validation BLEU: a row for each configuration, seeds together.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="directory of a run; the first one is what others are compared with",
    )
    parser.add_argument(
        "--epochs",
        type=at_least(1),
        metavar="N",
        help="look at the first N epochs alone, to compare runs that have not come equally far",
    )
    return parser


def quality_table(trials: Sequence[Trial]) -> Iterator[str]:
    """Lines of Markdown, the configuration of the first trial first, the others by BLEU, best first."""
    first = trials[0]
    groups: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(tuple(recipe_changes(first.config, trial.config)), []).append(trial)
    baseline = _mean_bleu(groups[()])
    ranked = sorted(groups.items(), key=lambda item: (item[0] != (), -_mean_bleu(item[1])))
    rows = [_row(changes, group, baseline) for changes, group in ranked]
    header = ["what differs from the first", "runs", "seeds", "validation BLEU", "gain", "perplexity ↓"]
    return table([*header, "best epoch", "of epochs", "minutes"], rows, left=3)


def _row(changes: tuple[str, ...], group: Sequence[Trial], baseline: float) -> list[str]:
    return [
        as_text("; ".join(changes)) or DASH,
        as_text(", ".join(trial.name for trial in group)),
        ", ".join(str(trial.config.seed) for trial in group),
        _with_spread([trial.best_bleu for trial in group], 2),
        f"{_mean_bleu(group) - baseline:+.2f}" if changes else DASH,
        _with_spread([trial.perplexity for trial in group], 3),
        ", ".join(str(trial.best_epoch) for trial in group),
        ", ".join(str(trial.epochs) for trial in group),
        as_number(mean(trial.minutes for trial in group), 1),
    ]


def _mean_bleu(group: Sequence[Trial]) -> float:
    return mean(trial.best_bleu for trial in group)


def _with_spread(values: Sequence[float], digits: int) -> str:
    """The value, or mean ± standard deviation (of a sample) of several."""
    if len(values) == 1:
        return as_number(values[0], digits)
    return f"{as_number(mean(values), digits)} ± {as_number(stdev(values), digits)}"
