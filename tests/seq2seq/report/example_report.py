"""Reports of made-up evaluations, for tests of the document and of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.evaluation import EvaluationOptions, EvaluationSet, evaluate
from seq2seq.report.document import html_document
from seq2seq.report.gathered_set import GatheredSet
from seq2seq.search_options import SearchOptions
from seq2seq.text_metrics import TextScorer
from tests.seq2seq.evaluation_examples import DictionaryTranslator


@dataclass(frozen=True)
class ExampleSet:
    """A set and what it becomes; attention goes straight down the diagonal, the rest to the end."""

    name: str
    translations: Mapping[str, str]
    references: Mapping[str, str] | None = None


def evaluated(
    example: ExampleSet, *, system: str = "example", languages: Sequence[str | None] = ("en", "de")
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report of a set, and what `GatheredSet` gathered of it."""
    references = example.references or example.translations
    sources = tuple(example.translations)
    each = EvaluationSet(example.name, sources, tuple((references[source],) for source in sources))
    gathered = GatheredSet(source_language=languages[0], target_language=languages[1])
    translator = DictionaryTranslator(example.translations)
    options = EvaluationOptions(SearchOptions())
    report = evaluate(translator, each, TextScorer(), options, observe=gathered.observe)
    described = {
        "system": {
            "name": system,
            "runs": [{"name": system, "directory": "example", "fingerprint": "abc"}],
            "source_language": languages[0],
            "target_language": languages[1],
        },
        "corpus": "made up",
        "versions": {"python": "3"},
        **report,
    }
    return described, gathered.finished(described)


def example_document(*examples: ExampleSet, **options: Any) -> str:
    """The report of some sets as HTML."""
    reports, sets = zip(*(evaluated(example, **options) for example in examples), strict=True)
    return html_document(reports, sets)
