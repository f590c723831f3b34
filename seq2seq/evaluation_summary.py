"""What a page of results needs of an evaluation, in one small file: `evaluate.py --summary FILE.json`.

    {"summary_format": 1,
     "evaluations": [reports, with a few `examples` in place of all their sentences],
     "facts": run.json, "epochs": rows of metrics.csv,
     "shipped_as": what is known of a shipped model, or null}

An example is a sentence with its translation and its attention between words, packed in few characters. The
page can be written from such files alone, when the model is long gone. The other sentences stay outside: they
belong to the corpus, which may be under another licence than this project.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.atomic import check_can_write
from data.errors import UserError, file_errors
from seq2seq.results_examples import SPREAD, read_examples, spread_lines
from seq2seq.results_reading import SUMMARY_FORMAT, training_facts

if TYPE_CHECKING:
    from seq2seq.evaluation import EvaluationSet
    from seq2seq.run_directory import RunDirectory
    from seq2seq.translation import Translation

_OF_EXAMPLES = ("source", "references", "hypothesis", "chrf", "log_probability", "score", "confidence")


class EvaluationSummary:
    """Gathers the file while sets are translated.

    Args:
        path: of the file; the system is called as it is, without its ending.
        runs: what is evaluated; facts of the training are known of a single one.
        lines: for each set the sentences, counted from 1, that are kept as examples.
        chosen: how they were chosen, for the page.
    """

    def __init__(
        self, path: Path, runs: Sequence[RunDirectory], lines: Mapping[str, Collection[int]], chosen: str
    ) -> None:
        self.path = path
        self._runs = tuple(runs)
        self._lines = lines
        self._chosen = chosen
        self._attention: dict[tuple[str, int], dict[str, Any]] = {}

    def observer(self, set_name: str) -> Callable[[Translation], None]:
        """What wants to be given each translation of a set, in order."""
        wanted, number = self._lines.get(set_name, ()), 0

        def observe(translation: Translation) -> None:
            nonlocal number
            number += 1
            if number in wanted:
                self._attention[set_name, number] = _packed_attention(translation)

        return observe

    def write(self, reports: Sequence[Mapping[str, Any]]) -> None:
        """Write the file.

        Args:
            reports: of all sets, with their sentences.

        Raises:
            UserError: it cannot be written.
        """
        from seq2seq.evaluation_files import write_json

        known = training_facts(self._runs[0]) if len(self._runs) == 1 else {}
        content = {
            "summary_format": SUMMARY_FORMAT,
            "evaluations": [self._shortened(report) for report in reports],
            "facts": known.get("facts", {}),
            "epochs": known.get("epochs", []),
            "shipped_as": known.get("shipped_as"),
        }
        with file_errors("write", self.path):
            write_json(self.path, content)

    def _shortened(self, report: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in report.items() if key not in ("sentences", "worst_sentences")}
        examples = []
        for line in sorted(self._lines.get(report["set"], ())):
            row = report["sentences"][line - 1]
            shown = {key: row[key] for key in _OF_EXAMPLES}
            examples.append({"line": line, **shown, **self._attention[report["set"], line]})
        return {**kept, "examples": examples, "examples_are": self._chosen}


def _packed_attention(translation: Translation) -> dict[str, Any]:
    """Words of both sides with the end of the sentence, and the weights between them."""
    from seq2seq.report.packed_attention import packed
    from seq2seq.translation import source_labels

    best = translation.best
    if best is None:
        return {"source_words": [], "target_words": [], "attention": ""}
    return {
        "source_words": list(source_labels(translation.source)),
        "target_words": list(best.labels()),
        "attention": packed(best.attention_at("words", translation.source)),
    }


def planned_summary(
    path: str | None, examples: str | None, runs: Sequence[RunDirectory], sets: Sequence[EvaluationSet]
) -> EvaluationSummary | None:
    """The summary of an evaluation that has not begun; None when none is asked for.

    Args:
        path: see `EvaluationSummary`.
        examples: see `seq2seq.results_examples`: which sentences of this system to keep. Where it names none,
            or is not given, ten that are spread over the first set.
        runs: see `EvaluationSummary`.
        sets: what will be translated, at least one.

    Raises:
        UserError: an example is not in the sets, or this can be no file of a summary.
    """
    if path is None:
        return None
    file = Path(path)
    if file.suffix != ".json" or file.is_dir():
        raise UserError(f"--summary {path}: expected the path of a file that ends in .json.")
    check_can_write(file)
    sentences = {each.name: len(each.sources) for each in sets}
    lines: dict[str, set[int]] = {}
    for example in read_examples(Path(examples)) if examples else ():
        if example.system != file.stem:
            continue
        count = sentences.get(example.set, 0)
        if example.line > count:
            has = f"has {count:,} lines" if count else f"is not evaluated here, but {', '.join(sentences)}"
            raise UserError(f"{example.place}: wants line {example.line:,} of {example.set}, which {has}.")
        lines.setdefault(example.set, set()).add(example.line)
    if lines:
        return EvaluationSummary(file, runs, lines, "chosen by hand")
    first = sets[0]
    return EvaluationSummary(file, runs, {first.name: set(spread_lines(len(first.sources)))}, SPREAD)
