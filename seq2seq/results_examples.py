"""Translations of a page of results, each with its heat map and a word on what is to be seen in it.

Which ones, and the words, stand in a small YAML file:

    - model: multi30k-en-de      # a shipped model, or the directory of a run
      set: test_2016_flickr      # that was evaluated with it
      line: 17                   # of the set, from 1
      kind: failure              # or success
      explanation: >-
        What went right or wrong, and what the attention has to do with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from seq2seq.results_tables import as_text

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory
    from seq2seq.translation import Translation
    from seq2seq.translator import Translator

_DOTS_PER_INCH = 96  # of pictures in a text; a fifth of the bytes of those that translate.py draws
_KINDS = ("success", "failure")


@dataclass(frozen=True)
class Example:
    """One entry of the file; see there."""

    model: str
    set: str
    line: int
    kind: str
    explanation: str


@dataclass(frozen=True)
class DrawnExample:
    """A sentence with its translation, which has been drawn.

    Attributes:
        example: the entry.
        row: the sentence in the evaluation: source, hypothesis, references, chrF.
        picture: path, relative to the page.
    """

    example: Example
    row: dict[str, Any]
    picture: str


def read_examples(path: Path) -> list[Example]:
    """Read the file.

    Raises:
        UserError: it cannot be read, or an entry is not as it should be.
    """
    import yaml

    names = [field.name for field in fields(Example)]
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, list) or not content:
        raise UserError(f"{path}: expected a list of entries, each with {', '.join(names)}.")
    examples = []
    for number, entry in enumerate(content, start=1):
        if not isinstance(entry, dict) or set(entry) != set(names):
            raise UserError(f"{path}, entry {number}: expected {', '.join(names)} and nothing else.")
        if entry["kind"] not in _KINDS or not isinstance(entry["line"], int) or entry["line"] < 1:
            raise UserError(
                f"{path}, entry {number}: expected {' or '.join(_KINDS)} as its kind and a number from 1 "
                f"as its line."
            )
        examples.append(Example(**{**entry, "explanation": str(entry["explanation"]).strip()}))
    return examples


def draw_examples(examples: Sequence[Example], page: Path) -> list[DrawnExample]:
    """Translate the sentences again, as they were evaluated, and draw the attention into `images/` beside
    the page.

    Raises:
        UserError: a model or its evaluation is not there, or it does not translate as it did then.
    """
    from data.quiet_tensorflow import load_tensorflow_quietly
    from seq2seq.shipped_models import find_run

    load_tensorflow_quietly()
    from seq2seq.translator import Translator

    runs = {name: find_run(name) for name in dict.fromkeys(example.model for example in examples)}
    translators = {name: Translator.load(run) for name, run in runs.items()}
    return [
        _drawn(number, example, runs[example.model], translators[example.model], page)
        for number, example in enumerate(examples, start=1)
    ]


def _drawn(
    number: int, example: Example, run: RunDirectory, translator: Translator, page: Path
) -> DrawnExample:
    from seq2seq.evaluation_files import file_stem, read_report
    from seq2seq.search_options import SearchOptions

    report = read_report(run.evaluation_folder / f"{file_stem(example.set)}.json")
    if example.line > len(report["sentences"]):
        raise UserError(
            f"{example.set} has {len(report['sentences']):,} lines, and no line {example.line:,}."
        )
    row = report["sentences"][example.line - 1]
    # An option that is newer than the evaluation has its default.
    search = {f.name: report["options"][f.name] for f in fields(SearchOptions) if f.name in report["options"]}
    (translation,) = translator.translate([row["source"]], SearchOptions(**search))
    if translation.text != row["hypothesis"]:
        raise UserError(
            f"{example.model} translates line {example.line} of {example.set} otherwise than its evaluation "
            f"says ({translation.text!r}, not {row['hypothesis']!r}). Evaluate it again: python evaluate.py "
            f"--model {example.model} --split {example.set}"
        )
    picture = f"images/example_{number:02d}.png"
    _draw(translation, run, page.parent / picture)
    return DrawnExample(example, row, picture)


def _draw(translation: Translation, run: RunDirectory, path: Path) -> None:
    from data.atomic import atomic_write
    from seq2seq.languages import language_name
    from seq2seq.model_summary import language_names
    from seq2seq.plotting import translation_heat_map

    source, target = map(language_name, language_names(run.config, run.read_facts()))
    figure = translation_heat_map(translation, source_name=source, target_name=target)
    with atomic_write(path, "wb") as file:
        figure.savefig(file, format="png", dpi=_DOTS_PER_INCH, pil_kwargs={"optimize": True})


def example_lines(drawn: Sequence[DrawnExample]) -> Iterator[str]:
    """The section of the page, without its heading."""
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
        place = f"{as_text(Path(example.model).name)}, {as_text(example.set)}, line {example.line}"
        references = " / ".join(as_text(text) for text in row["references"])
        yield f"Reference: {references} ({place}, chrF {row['chrf']:.0f})"
        yield ""
        yield f"![attention]({each.picture})"
        yield ""
        yield from example.explanation.splitlines()
