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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import DataError, UserError
from data.symmetrisation import SYMMETRISATIONS
from data.word_aligner import train_aligner
from data.word_places import word_ids
from seq2seq.alignment import PharaohLine, alignment_error_rate, read_pharaoh
from seq2seq.alignment_readings import Links, Reading, combined_links, links_on_the_diagonal
from seq2seq.gold_alignment import check_gold_links

Pairs = list[tuple[str, str]]


def read_pairs(source: Path, target: Path) -> Pairs:
    """Lines of two files, words separated by spaces.

    Raises:
        UserError: a file cannot be read, or they have different numbers of lines.
    """
    try:
        sides = [path.read_text(encoding="utf-8").removesuffix("\n").split("\n") for path in (source, target)]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {source} and {target}: {error}") from error
    if len(sides[0]) != len(sides[1]):
        raise UserError(
            f"{source} has {len(sides[0]):,} lines and {target} {len(sides[1]):,}; one line a pair."
        )
    return list(zip(*sides, strict=True))


def own_links(training: Pairs, pairs: Pairs) -> Reading:
    """Links of `pairs` by `data.word_aligner`, by method of symmetrisation."""
    together = [*training, *pairs]
    sides = [word_ids(pair[side].split() for pair in together) for side in (0, 1)]
    aligner = train_aligner(*sides)
    last = np.arange(len(training), len(together))
    rows = [side.take(last) for side in sides]
    return {method: aligner.align_rows(*rows, method) for method in SYMMETRISATIONS}


def eflomal_links(command: str, training: Pairs, pairs: Pairs) -> Reading:
    """The same by eflomal with its own settings; it knows two directions, which are combined here.

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
    counts = [(len(source.split()), len(target.split())) for source, target in pairs]
    return {
        method: [combined_links(combine, *each) for each in zip(forward, reverse, counts, strict=True)]
        for method, combine in SYMMETRISATIONS.items()
    }


def compare(
    training: Pairs, pairs: Pairs, gold: Sequence[PharaohLine], eflomal: str | None
) -> list[dict[str, Any]]:
    """A row for each aligner and method: `aligner`, `method`, `seconds`, and an `AlignmentScore`'s fields."""
    rows = []

    def add(aligner: str, seconds: float, reading: dict[str, list[Links]]) -> None:
        sure, possible = [line.sure for line in gold], [line.possible for line in gold]
        for method, links in reading.items():
            score = asdict(alignment_error_rate(links, sure, possible))
            rows.append({"aligner": aligner, "method": method, "seconds": seconds, **score})

    counts = [(len(source.split()), len(target.split())) for source, target in pairs]
    add("diagonal", 0.0, {"": [links_on_the_diagonal(*each) for each in counts]})
    begin = time.perf_counter()
    found = own_links(training, pairs)
    add("this project", time.perf_counter() - begin, found)
    if eflomal:
        begin = time.perf_counter()
        found = eflomal_links(eflomal, training, pairs)
        add("eflomal", time.perf_counter() - begin, found)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.aligners",
        description="Compare statistical word aligners on pairs with gold links. Words stand between spaces.",
    )
    two = {"nargs": 2, "type": Path, "metavar": ("SOURCE", "TARGET")}
    parser.add_argument("--pairs", **two, required=True, help="two files: the pairs that have gold links")
    parser.add_argument("--gold", type=Path, required=True, help="their links: 0-0 sure, 0p0 possible")
    parser.add_argument("--train", **two, help="two files: more pairs, without links")
    parser.add_argument("--eflomal", metavar="COMMAND", help="where eflomal-align is; left out: not measured")
    options = parser.parse_args(arguments)
    try:
        pairs, gold = read_pairs(*options.pairs), read_pharaoh(options.gold)
        check_gold_links(gold, *zip(*pairs, strict=True), word_mode="whitespace", origin=str(options.gold))
        training = read_pairs(*options.train) if options.train else []
        rows = compare(training, pairs, gold, options.eflomal)
    except (UserError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(pairs):,} pairs with gold links, {len(training):,} more to learn from")
    print(f"{'aligner':14}{'method':22}{'precision':>10}{'recall':>8}{'AER':>8}{'seconds':>9}")
    for row in rows:
        print(
            f"{row['aligner']:14}{row['method']:22}{row['precision']:10.3f}{row['recall']:8.3f}"
            f"{row['aer']:8.3f}{row['seconds']:9.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
