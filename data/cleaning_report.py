"""What cleaning found and did: counts by split and rule, for a table on the screen and a file in the run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

MOST_EXAMPLES = 5


@dataclass
class Hits:
    """The pairs that something is true of: how many, and the line numbers of the first, counted from 1."""

    pairs: int = 0
    first_lines: list[int] = field(default_factory=list)

    def add(self, lines: Iterable[int]) -> None:
        for line in lines:
            self.pairs += 1
            if len(self.first_lines) < MOST_EXAMPLES:
                self.first_lines.append(line)

    def to_dict(self) -> dict[str, Any]:
        return {"pairs": self.pairs, "first_lines": list(self.first_lines)}


@dataclass
class SplitReport:
    """One split.

    Attributes:
        total: pairs read.
        kept: pairs left. In a held-out split nothing is dropped, so that scores are those of the whole set.
        by_rule: the pairs that break each rule; in the training split these were dropped. A pair counts once,
            under the first rule it breaks, in the order of `RULES`.
        shared: for the training split the pairs that also occur in a held-out split, for a held-out split
            those that also occur in the training split: with the same `pair`, the same `source`, the same
            `target`. A pair found whole counts under all three. Training pairs that break a rule by
            themselves are left out on both sides; those removed for being in a held-out split are counted.
    """

    total: int = 0
    kept: int = 0
    by_rule: dict[str, Hits] = field(default_factory=dict)
    shared: dict[str, Hits] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "kept": self.kept,
            "by_rule": {rule: hits.to_dict() for rule, hits in self.by_rule.items()},
            "shared": {part: hits.to_dict() for part, hits in self.shared.items()},
        }


@dataclass
class CleaningReport:
    """The whole corpus.

    Attributes:
        rules: the rules as they were applied, ready for JSON.
        rule_labels: what each rule is called in the table.
        train: the training split.
        held_out: the validation and test splits by name.
    """

    rules: dict[str, Any]
    rule_labels: dict[str, str]
    train: SplitReport = field(default_factory=SplitReport)
    held_out: dict[str, SplitReport] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, lists, strings and numbers for the run directory."""
        return {
            "rules": self.rules,
            "train": self.train.to_dict(),
            "held_out": {name: split.to_dict() for name, split in self.held_out.items()},
        }

    def print_table(self, console: Console) -> None:
        """Print the counts that are not zero, with the first lines they were found at."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title="Cleaning", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("split", no_wrap=True)
        table.add_column("sentence pairs")
        table.add_column("count", justify="right", no_wrap=True)
        table.add_column("%", justify="right", no_wrap=True)
        table.add_column("first lines")
        for row in self._rows():
            # As plain text: a split may be named like "[test]", which rich would take for markup.
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)

    def _rows(self) -> Iterable[tuple[str, str, str, str, str]]:
        held_out_names = ", ".join(self.held_out)
        for name, split in (("train", self.train), *self.held_out.items()):
            is_train = split is self.train
            yield name, "read", f"{split.total:,}", "", ""
            for rule, hits in split.by_rule.items():
                action = "dropped" if is_train else "kept although"
                yield from _row_of_hits(f"{action}: {self.rule_labels[rule]}", hits, split.total)
            if is_train:
                yield "", "kept", f"{split.kept:,}", _percent(split.kept, split.total), ""
            elsewhere = f"in {held_out_names}" if is_train else "in train"
            for part, hits in split.shared.items():
                yield from _row_of_hits(f"same {part} {elsewhere}", hits, split.total)


def _row_of_hits(label: str, hits: Hits, total: int) -> Iterable[tuple[str, str, str, str, str]]:
    if hits.pairs:
        lines = ", ".join(map(str, hits.first_lines)) + (
            ", ..." if hits.pairs > len(hits.first_lines) else ""
        )
        yield "", label, f"{hits.pairs:,}", _percent(hits.pairs, total), lines


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else ""
