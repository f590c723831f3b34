"""The project's statistical aligner beside eflomal, on the same pairs: python -m benchmarks.aligners --help

Both are trained on all pairs, those with gold links among them, without any gold. eflomal (Oestling and
Tiedemann 2016) is a sampler: its links differ a little from run to run. It is not installed with the project,
being under another licence; `pip install eflomal` into an environment of its own brings `eflomal-align`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.symmetrisation import SYMMETRISATIONS
from seq2seq.alignment import read_pharaoh
from seq2seq.alignment_readings import (
    Reading,
    combined_links,
    links_on_the_diagonal,
    score_readings,
    statistical_links,
)
from seq2seq.evaluation import EvaluationSet
from seq2seq.evaluation_sets import GoldFile, set_of_files

Pairs = list[tuple[str, str]]

WORD_MODE = "whitespace"


def eflomal_links(command: str, training: Pairs, pairs: Pairs) -> Reading:
    """As `statistical_links`, by eflomal with its own settings, whose two directions are combined here.

    Raises:
        UserError: it cannot be started, or fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        text, *directions = [Path(folder, name) for name in ("pairs", "forward", "reverse")]
        lines = (
            f"{' '.join(one.split())} ||| {' '.join(other.split())}\n" for one, other in [*training, *pairs]
        )
        text.write_text("".join(lines), encoding="utf-8")
        arguments = [command, "-i", str(text), "-f", str(directions[0]), "-r", str(directions[1])]
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        except OSError as error:
            raise UserError(f"Cannot start {command}: {error}. `pip install eflomal` brings it.") from error
        if done.returncode:
            raise UserError(f"{command} failed:\n{done.stderr.strip()}")
        forward, reverse = ([line.sure for line in read_pharaoh(path)[-len(pairs) :]] for path in directions)
    counts = word_counts(pairs)
    return {
        method: [combined_links(combine, *each) for each in zip(forward, reverse, counts, strict=True)]
        for method, combine in SYMMETRISATIONS.items()
    }


def compare(training: Pairs, evaluation_set: EvaluationSet, eflomal: str | None) -> list[dict[str, Any]]:
    """A row for each aligner and method: `aligner`, `seconds`, and what `score_readings` says."""
    pairs, gold = pairs_of(evaluation_set), evaluation_set.gold or ()
    aligners: dict[str, Callable[[], Reading]] = {
        "diagonal": lambda: {"": [links_on_the_diagonal(*each) for each in word_counts(pairs)]},
        "this project": lambda: statistical_links(training, pairs, WORD_MODE),
    }
    if eflomal:
        aligners["eflomal"] = lambda: eflomal_links(eflomal, training, pairs)
    rows = []
    for name, align in aligners.items():
        begin = time.perf_counter()
        found = align()
        seconds = time.perf_counter() - begin
        rows += [{"aligner": name, "seconds": seconds, **row} for row in score_readings(found, gold)]
    return rows


def pairs_of(evaluation_set: EvaluationSet) -> Pairs:
    """Sources with their references."""
    return list(zip(evaluation_set.sources, evaluation_set.first_references, strict=True))


def word_counts(pairs: Pairs) -> list[tuple[int, int]]:
    """Words of the source and of the target of each pair."""
    return [(len(source.split()), len(target.split())) for source, target in pairs]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.aligners",
        description="Compare statistical word aligners on pairs with gold links. Words stand between spaces.",
    )
    names = ("SOURCE", "TARGET")
    parser.add_argument(
        "--pairs", nargs=2, type=Path, metavar=names, required=True, help="the pairs that have gold links"
    )
    parser.add_argument("--gold", type=Path, required=True, help="their links: 0-0 sure, 0p0 possible")
    parser.add_argument("--train", nargs=2, type=Path, metavar=names, help="more pairs, without links")
    parser.add_argument("--eflomal", metavar="COMMAND", help="where eflomal-align is; left out: not measured")
    options = parser.parse_args(arguments)
    try:
        source, target = options.pairs
        gold_set = set_of_files(source, [target], gold=GoldFile(options.gold))
        gold_set.check_gold(WORD_MODE)
        training = []
        if options.train:
            source, target = options.train
            training = pairs_of(set_of_files(source, [target]))
        rows = compare(training, gold_set, options.eflomal)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(gold_set.sources):,} pairs with gold links, {len(training):,} more to learn from")
    print(f"{'aligner':14}{'method':22}{'precision':>10}{'recall':>8}{'AER':>8}{'seconds':>9}")
    for row in rows:
        print(
            f"{row['aligner']:14}{row['reading']:22}{row['precision']:10.3f}{row['recall']:8.3f}"
            f"{row['aer']:8.3f}{row['seconds']:9.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
