"""The figures that others have published, beside this project's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UserError, file_errors
from seq2seq.results_tables import DASH, EvaluatedRun, as_number, as_text, departures, table

_EXPECTED = (
    "expected a list of entries with `system`, `reference`, `url` if there is one, and `bleu`: "
    "{DIRECTION: {SET: number}}"
)


@dataclass(frozen=True)
class PublishedSystem:
    """One system of the literature.

    Attributes:
        system: what it is called.
        reference: where the figures stand.
        bleu: BLEU in the papers' form by direction (such as `en→de`) and set.
        url: the address of the reference.
    """

    system: str
    reference: str
    bleu: Mapping[str, Mapping[str, float]]
    url: str | None = None

    @property
    def source(self) -> str:
        """The reference as Markdown, a link where its address is known."""
        return f"[{as_text(self.reference)}]({self.url})" if self.url else as_text(self.reference)


def read_published(path: Path) -> list[PublishedSystem]:
    """Read a YAML file of published figures.

    Raises:
        UserError: it cannot be read, or is not such a file.
    """
    import yaml

    try:
        with file_errors("read", path):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [_published(entry) for entry in content]
    except (yaml.YAMLError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise UserError(f"{path}: {_EXPECTED}; found: {error!r}") from error


def _published(entry: Any) -> PublishedSystem:
    if set(entry) - {"url"} != {"system", "reference", "bleu"}:
        raise ValueError(f"the keys {', '.join(map(str, entry))}")
    figures = {
        str(direction).replace("-", "→"): {str(name): float(value) for name, value in sets.items()}
        for direction, sets in entry["bleu"].items()
    }
    url = entry.get("url")
    return PublishedSystem(str(entry["system"]), str(entry["reference"]), figures, url and str(url))


def published_table(systems: Sequence[PublishedSystem], runs: Sequence[EvaluatedRun]) -> Iterator[str]:
    """One row for each system and direction that somebody has published figures of; ours in bold.

    Nothing, when there is none of ours to stand beside the others.
    """
    directions = list(dict.fromkeys(direction for each in systems for direction in each.bleu))
    sets = list(dict.fromkeys(name for each in systems for figures in each.bleu.values() for name in figures))
    rows: list[list[str]] = []
    has_ours = False
    for direction in directions:
        for each in systems:
            if direction in each.bleu:
                figures = [as_number(each.bleu[direction].get(name), 1) for name in sets]
                rows.append([direction, as_text(each.system), each.source, *figures])
        for run in runs:
            ours = _paper_bleu(run)
            if run.direction == direction and any(name in ours for name in sets):
                figures = [f"**{as_number(ours[name], 1)}**" if name in ours else DASH for name in sets]
                rows.append([direction, f"**{as_text(run.name)}**", "this project", *figures])
                has_ours = True
    if not has_ours:
        return iter(())
    return table(["direction", "system", "source", *map(as_text, sets)], rows, left=3)


def _paper_bleu(run: EvaluatedRun) -> dict[str, float]:
    scores = {
        report["set"]: report["scores"]["paper_bleu"] for report in run.reports if not departures(report)
    }
    return {name: each["score"] for name, each in scores.items() if each is not None}
