"""Sources that occur more than once: each against all its references, as sacrebleu scores them."""

from __future__ import annotations

import io

import pytest
import sacrebleu
from rich.console import Console

from seq2seq.evaluation import EvaluationOptions, EvaluationSet, evaluate
from seq2seq.evaluation_table import print_reports, signatures
from seq2seq.search_options import SearchOptions
from seq2seq.text_metrics import TextScorer
from tests.seq2seq.evaluation_examples import DictionaryTranslator

PAIRS = [
    ("Are you happy ?", "¿ Estás feliz hoy ?"),
    ("I see the old house .", "Veo la casa antigua ."),
    ("Are you happy ?", "¿ Es usted feliz ahora ?"),
    ("He does not know it yet .", "Él no lo sabe todavía ."),
    ("Are you happy ?", "¿ Estás feliz hoy ?"),
    ("I see the old house .", "Yo veo la casa vieja ."),
]
ANSWERS = {
    "Are you happy ?": "¿ Es usted feliz ahora ?",
    "I see the old house .": "Veo la casa vieja .",
    "He does not know it yet .": "Él no lo sabe aún .",
}


def report(pairs: list[tuple[str, str]], scorer: TextScorer | None = None) -> dict:
    sources, targets = zip(*pairs, strict=True)
    evaluation_set = EvaluationSet("pairs", sources, tuple((target,) for target in targets))
    options = EvaluationOptions(search=SearchOptions(beam_size=2))
    described = {"system": {"name": "small"}}
    found = evaluate(DictionaryTranslator(ANSWERS), evaluation_set, scorer or TextScorer(), options)
    return {**described, **found}


@pytest.mark.parametrize("tokenizer", ["13a", "char"])
def test_it_is_what_sacrebleu_gives_for_the_distinct_sources(tokenizer: str) -> None:
    scores = report(PAIRS, TextScorer(tokenizer))["scores"]["multi_reference"]
    hypotheses = [ANSWERS[source] for source in ANSWERS]
    streams = [
        ["¿ Estás feliz hoy ?", "Veo la casa antigua .", "Él no lo sabe todavía ."],
        ["¿ Es usted feliz ahora ?", "Yo veo la casa vieja .", None],
    ]
    bleu, chrf = sacrebleu.BLEU(tokenize=tokenizer), sacrebleu.CHRF()
    assert scores["bleu"]["score"] == pytest.approx(bleu.corpus_score(hypotheses, streams).score)
    assert scores["chrf"]["score"] == pytest.approx(chrf.corpus_score(hypotheses, streams).score)
    assert scores["bleu"]["signature"] == str(bleu.get_signature())
    assert "nrefs:var" in scores["bleu"]["signature"]
    assert (scores["sentences"], scores["references"]) == (3, 5)


def test_pair_by_pair_other_right_answers_count_as_wrong() -> None:
    scores = report(PAIRS)["scores"]
    assert scores["multi_reference"]["bleu"]["score"] > scores["bleu"]["score"] + 10
    assert "nrefs:1" in scores["bleu"]["signature"]  # and what was reported before stays what it was


def test_where_no_source_occurs_twice_there_is_nothing_to_add() -> None:
    single = report(PAIRS[1:4])
    assert single["scores"]["multi_reference"] is None
    assert [name for name, _ in signatures([single])] == ["BLEU", "chrF", "TER", "ROUGE"]


def test_length_groups_have_their_own() -> None:
    by_words = {each["source_words"]: each["scores"] for each in report(PAIRS)["by_source_length"]}
    assert by_words["1-4"]["multi_reference"]["sentences"] == 1
    assert by_words["5-9"]["multi_reference"]["sentences"] == 2


def test_equal_numbers_of_references_are_no_variable_number() -> None:
    scores = report([PAIRS[1], PAIRS[5]])["scores"]["multi_reference"]
    assert "nrefs:2" in scores["bleu"]["signature"]


def test_the_table_shows_it() -> None:
    found = report(PAIRS)
    out = io.StringIO()
    print_reports(Console(file=out, width=120), [found])
    assert "BLEU, all references" in out.getvalue()
    assert f"{found['scores']['multi_reference']['bleu']['score']:.2f}" in out.getvalue()
    assert (
        f"BLEU, all references: {found['scores']['multi_reference']['bleu']['signature']}" in out.getvalue()
    )
