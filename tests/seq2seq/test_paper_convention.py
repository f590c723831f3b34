"""The papers' form of text. Expected lines were worked out by hand from the rules of the Moses scripts."""

from __future__ import annotations

import pytest

from data.errors import UserError
from seq2seq.config import EvaluationConfig
from seq2seq.paper_convention import convention_of, moses_lower, paper_form


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Two DOGS run, don't they?", "two dogs run , don &apos;t they ?"),
        ("en", "A man's well-known hat.", "a man &apos;s well-known hat ."),
        ("de", "Der Mann trägt einen blauen Hut. ", "der mann trägt einen blauen hut ."),
        ("de", "Er liest „Faust“ vor.", "er liest &quot; faust &quot; vor ."),
        ("fr", "L'homme s'appelle « Jean ».", "l&apos; homme s&apos; appelle &quot; jean &quot; ."),
        ("fr", "Tom & Anne", "tom &amp; anne"),
        ("en", "", ""),
    ],
)
def test_moses_rules(language: str, text: str, expected: str) -> None:
    assert moses_lower(language)(text) == expected


def test_full_stop_at_the_very_end_leaves_the_quotation_in_german_and_french() -> None:
    """The Perl script sees the line feed after the mark, so it moves the full stop of a last word too."""
    assert moses_lower("de")("Er sagt: „Halt.“") == "er sagt : &quot; halt &quot; ."
    assert moses_lower("fr")('Il dit "Non."') == "il dit &quot; non &quot; ."


def test_full_stop_goes_into_the_quotation_in_english() -> None:
    assert moses_lower("en")('He says "no".') == "he says &quot; no . &quot;"


def test_typographic_apostrophe_before_a_letter_that_the_script_does_not_know() -> None:
    """Only between a-z is it an apostrophe to the script; elsewhere the public files have a quote."""
    assert moses_lower("fr")("un coup d’œil") == "un coup d &quot; œil"
    assert moses_lower("fr")("l’homme") == "l&apos; homme"


def test_forms_of_the_conventions() -> None:
    assert paper_form("plain", "de") is None
    tokenized = paper_form("tokenized", None)
    assert tokenized is not None
    assert tokenized("it &apos;s ; Done") == "it &apos;s ; Done"
    moses = paper_form("moses-lower", "de")
    assert moses is not None
    assert moses("Ja.") == "ja ."


@pytest.mark.parametrize("language", ["fr-FR", "fr_CA", "French"])
def test_the_rules_are_those_of_the_language_whatever_its_region(language: str) -> None:
    moses = paper_form("moses-lower", language)
    assert moses is not None
    assert moses("L'homme") == "l&apos; homme"


def test_unknown_language_and_unknown_convention_are_errors() -> None:
    with pytest.raises(UserError, match="--target-language"):
        paper_form("moses-lower", None)
    with pytest.raises(UserError, match="plain, moses-lower, tokenized"):
        paper_form("moses", "de")  # type: ignore[arg-type]


def test_configuration_decides_and_tokenised_text_is_never_tokenised_again() -> None:
    assert convention_of(EvaluationConfig()) == "plain"
    assert convention_of(EvaluationConfig(paper_convention=True)) == "moses-lower"
    assert convention_of(EvaluationConfig(paper_convention=True, tokenized=True)) == "tokenized"
