"""Translations of a page of results, each with its heat map and a word on what is to be seen in it.

Which ones, and the words, stand in a YAML file that a person writes, docs/results_examples.yaml:

    - system: tatoeba-en-es      # a file of evaluate.py --summary, here docs/scores/tatoeba-en-es.json
      set: test                  # that was evaluated
      line: 17                   # of the set, from 1
      kind: failure              # or success
      translation: Lo que el sistema escribió.
      explanation: >-
        What went right or wrong, and what the attention has to do with it.

`translation` is what the explanation speaks of: when the system comes to write something else, the page is
not written until a person has looked again.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import UserError, file_errors
from seq2seq.results_tables import EvaluatedRun, as_number, as_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPREAD = "spread evenly over the set"
_MOST_SPREAD = 10
_DOTS_PER_INCH = 96  # of pictures in a text; a fifth of the bytes of those that translate.py draws
_KINDS = ("success", "failure")
_TEXTS = ("system", "set", "translation", "explanation")
_KEYS = ("system", "set", "line", "kind", "translation", "explanation")


@dataclass(frozen=True)
class Example:
    """One entry of the file; see there.

    Attributes:
        place: where it begins, for messages: `docs/results_examples.yaml:12`.
    """

    system: str
    set: str
    line: int
    kind: str
    translation: str
    explanation: str
    place: str


@dataclass(frozen=True)
class DrawnExample:
    """A sentence with its translation, which has been drawn.

    Attributes:
        example: the entry.
        row: the sentence as `seq2seq.evaluation_summary` keeps it: source, hypothesis, references, chrF.
        picture: path, relative to the page.
    """

    example: Example
    row: Mapping[str, Any]
    picture: str


def spread_lines(sentences: int) -> list[int]:
    """Ten lines of a set, from 1, or all of a smaller one: neither the best nor the worst are picked."""
    count = min(_MOST_SPREAD, sentences)
    return [place * sentences // count + 1 for place in range(count)]


def read_examples(path: Path) -> list[Example]:
    """Read the file.

    Raises:
        UserError: it cannot be read, or an entry is not as it should be; with its line.
    """
    from seq2seq.strict_yaml import YamlError, parse_with_lines

    try:
        with file_errors("read", path):
            content, lines = parse_with_lines(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not valid UTF-8 ({error.reason} at byte {error.start}).") from error
    except YamlError as error:
        raise UserError(f"{path}:{error.line}: {error}" if error.line else f"{path}: {error}") from error
    if not isinstance(content, list) or not content:
        raise UserError(f"{path}: expected a list of entries, each with {', '.join(_KEYS)}.")
    places = {key: f"{path}:{line}" for key, line in lines.items()}
    examples = [_example(entry, str(number), places) for number, entry in enumerate(content)]
    first: dict[tuple[str, str, int], Example] = {}
    for each in examples:
        other = first.setdefault((each.system, each.set, each.line), each)
        if other is not each:
            raise UserError(f"{each.place}: the same sentence as {other.place}. Remove one of the two.")
    return examples


def _example(entry: Any, number: str, places: Mapping[tuple[str, ...], str]) -> Example:
    place = places[(number,)]
    if not isinstance(entry, dict):
        raise UserError(f"{place}: expected an entry with {', '.join(_KEYS)}; found {entry!r}.")
    for key in entry:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(_KEYS)}"
            raise UserError(f"{places[number, str(key)]}: unknown key `{key}`; {hint}")
    missing = [key for key in _KEYS if key not in entry]
    if missing:
        raise UserError(f"{place}: {', '.join(f'`{key}`' for key in missing)} missing in this entry.")
    for key in _TEXTS:
        if not isinstance(entry[key], str) or not entry[key].strip():
            where = places[number, key]
            raise UserError(f"{where}: `{key}` has to be a text (received: {entry[key]!r}).")
    if type(entry["line"]) is not int or entry["line"] < 1:
        raise UserError(
            f"{places[number, 'line']}: `line` has to be a number from 1 (received: {entry['line']!r})."
        )
    if entry["kind"] not in _KINDS:
        raise UserError(
            f"{places[number, 'kind']}: `kind` has to be {' or '.join(_KINDS)} (received: {entry['kind']!r})."
        )
    return Example(**{**entry, "explanation": entry["explanation"].strip()}, place=place)


def draw_examples(
    examples: Sequence[Example], runs: Sequence[EvaluatedRun], page: Path
) -> list[DrawnExample]:
    """Draw the attention that was kept of the examples into `images/` beside the page.

    Nothing is drawn before all of them are found to be there.

    Args:
        examples: the entries.
        runs: the systems of the page.
        page: its path.

    Raises:
        UserError: a sentence was not kept, or its translation is not the one that is explained.
        OSError: a picture cannot be written.
    """
    found = [(example, *_kept_sentence(example, runs)) for example in examples]
    drawn = []
    for number, (example, report, row) in enumerate(found, start=1):
        picture = f"images/example_{number:02d}.png"
        _save(_heat_map(row, report["system"]), page.parent / picture)
        drawn.append(DrawnExample(example, row, picture))
    return drawn


def _kept_sentence(
    example: Example, runs: Sequence[EvaluatedRun]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The report of the example's set, and the sentence in it."""
    systems = {run.kept_as: run for run in runs if run.kept_as is not None}
    if example.system not in systems:
        raise UserError(
            f"{example.place}: there is no system {example.system} on this page; what evaluate.py --summary "
            f"wrote of it is not among the files. There are: {', '.join(systems) or 'none'}."
        )
    reports = {report["set"]: report for report in systems[example.system].reports}
    if example.set not in reports:
        raise UserError(
            f"{example.place}: {example.system} was not evaluated on {example.set}, but on "
            f"{', '.join(reports)}."
        )
    report = reports[example.set]
    row = next((each for each in report.get("examples", ()) if each["line"] == example.line), None)
    if row is None:
        raise UserError(
            f"{example.place}: the file of {example.system} does not hold line {example.line} of "
            f"{example.set}. Write it again: python evaluate.py --model ... --summary "
            f".../{example.system}.json --examples {example.place.rpartition(':')[0]}"
        )
    if _words(row["hypothesis"]) != _words(example.translation):
        raise UserError(
            f"{example.place}: {example.system} translates line {example.line} of {example.set} as "
            f"{row['hypothesis']!r}, but what is explained is {example.translation!r}. Look at it again, and "
            "mend `translation` and `explanation`."
        )
    if not row["attention"]:
        raise UserError(f"{example.place}: this translation is empty, so there is no attention to show.")
    return report, row


def _words(text: str) -> list[str]:
    """YAML joins lines, so that white space is no difference."""
    return text.split()


def _heat_map(row: Mapping[str, Any], system: Mapping[str, Any]) -> Figure:
    from seq2seq.languages import language_name
    from seq2seq.plotting import attention_heat_map
    from seq2seq.report.packed_attention import unpacked

    sources, targets = row["source_words"], row["target_words"]
    return attention_heat_map(
        unpacked(row["attention"], len(targets), len(sources)),
        sources,
        targets,
        source_name=language_name(system["source_language"] or "source"),
        target_name=language_name(system["target_language"] or "target"),
    )


def _save(figure: Figure, path: Path) -> None:
    from data.atomic import atomic_write

    with atomic_write(path, "wb") as file:
        figure.savefig(file, format="png", dpi=_DOTS_PER_INCH, pil_kwargs={"optimize": True})


def example_lines(drawn: Sequence[DrawnExample]) -> Iterator[str]:
    """The section of the page."""
    failures = sum(each.example.kind == "failure" for each in drawn)
    yield (
        f"Chosen by hand: {len(drawn) - failures} that went well and {failures} that did not (✗). In a heat "
        "map each row is a word that was written; dark cells are the words of the source that were looked "
        "at while writing it."
    )
    for number, each in enumerate(drawn, start=1):
        example, row = each.example, each.row
        mark = "" if example.kind == "success" else " ✗"
        yield ""
        yield f"### {number}. {as_text(row['source'])}{mark}"
        yield ""
        yield f"> {as_text(row['hypothesis'])}"
        yield ""
        place = f"{as_text(example.system)}, {as_text(example.set)}, line {example.line}"
        references = " / ".join(as_text(text) for text in row["references"])
        scores = f"chrF {row['chrf']:.0f}, attention confidence {as_number(row['confidence'], 2)}"
        yield f"Reference: {references} ({place}; {scores})"
        yield ""
        yield f"![attention]({each.picture})"
        yield ""
        yield from example.explanation.splitlines()
