"""What a model card has to say about the corpus that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from data.errors import DataError, UserError

_DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class CorpusNotes:
    """Words about a corpus; the numbers come from the run.

    Attributes:
        title: what the corpus is called, in the middle of a sentence.
        licence: in a few words, for a list of models.
        terms: what users have to know, in whole sentences.
        attribution: who has to be named.
        speaks_of: what the sentences are, in two words.
        seen: what the model knows.
        limits: what it does not know, and which errors to expect.
        bias: what the corpus shows one-sidedly.
    """

    title: str
    licence: str
    terms: str
    attribution: str
    speaks_of: str
    seen: str
    limits: str
    bias: str


def corpus_notes(corpus: str, stated_licence: str, given_licence: str | None = None) -> CorpusNotes:
    """The notes of a corpus: `data/CORPUS/model_notes.yaml`, or a few general words for any other.

    Args:
        corpus: as the run calls it, such as `multi30k/en-de`.
        stated_licence: what its publisher states; may be empty.
        given_licence: what the user says, for a corpus whose publisher states nothing.

    Raises:
        UserError: the licence is unknown.
    """
    file = _DATA / corpus.split("/")[0] / "model_notes.yaml"
    if file.is_file():
        return _read(file)
    terms = given_licence or stated_licence
    if not terms:
        raise UserError(
            f"The licence of the corpus {corpus} is unknown, and a model card has to state it. Say what its "
            'terms are: --licence "CC BY 4.0. Attribution: …"'
        )
    return CorpusNotes(
        title=f"the corpus {corpus}",
        licence=terms.split(". ")[0].strip("."),
        terms=terms,
        attribution=f"The corpus {corpus}.",
        speaks_of=f"sentences of {corpus}",
        seen="The training sentences of the corpus, and no others.",
        limits="Other kinds of sentences, longer ones than those above, and words from outside the corpus "
        "are translated badly. Nothing that somebody relies on should be translated with it.",
        bias="What the corpus shows one-sidedly, the model repeats.",
    )


def _read(file: Path) -> CorpusNotes:
    import yaml

    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    names = {field.name for field in fields(CorpusNotes)}
    if not isinstance(content, dict) or set(content) != names or not all(map(str, content.values())):
        raise DataError(f"{file}: expected a text for each of {', '.join(sorted(names))}, and nothing else.")
    return CorpusNotes(**content)
