"""Capitals, judged by vocabularies that were learnt from text with and without them."""

from __future__ import annotations

import pytest

from data.tokenizer import TokenizerPair, train_tokenizers
from seq2seq.capitals import note_of_capitals

SENTENCES = ["the station is near the river", "where is the river", "the USA are near"] * 5
IN_CAPITALS = "WHERE IS THE STATION"


@pytest.fixture(scope="module")
def edited() -> TokenizerPair:
    return tokenizers_of(SENTENCES)


def tokenizers_of(sentences: list[str]) -> TokenizerPair:
    return train_tokenizers([(text, text) for text in sentences], joint=True, vocabulary_size=330)


def note(tokenizers: TokenizerPair, text: str) -> str | None:
    return note_of_capitals(tokenizers.source.segment(text), tokenizers.source)


@pytest.mark.parametrize(
    "text", ["where is the station", "Where is the USA", "the TV", "", " ", "I", "彼女は駅にいる", "42 12:30"]
)
def test_ordinary_sentences_have_no_note(edited: TokenizerPair, text: str) -> None:
    assert note(edited, text) is None


def test_a_sentence_in_capitals_has_one(edited: TokenizerPair) -> None:
    assert "3 of 4 words are in capitals" in (note(edited, IN_CAPITALS) or "")
    assert "1 of 1 word is in capitals" in (note(edited, "STATION") or "")


def test_a_vocabulary_that_knows_capitals_has_none() -> None:
    both = [*SENTENCES, *(text.upper() for text in SENTENCES)]
    assert note(tokenizers_of(both), IN_CAPITALS) is None
