"""Characters that a vocabulary lacks, found in what SentencePiece itself makes of them."""

from __future__ import annotations

import pytest

from data.tokenizer import TokenizerPair, train_tokenizers
from seq2seq.unknown_characters import note_of_unknown_characters, words_with_unknown_characters

SENTENCES = ["one two three", "two three four", "three four five"] * 5


@pytest.fixture(scope="module", params=[True, False], ids=["bytes", "unknown piece"])
def tokenizers(request: pytest.FixtureRequest) -> TokenizerPair:
    pairs = [(text, text) for text in SENTENCES]
    size = 300 if request.param else 40
    return train_tokenizers(pairs, joint=True, vocabulary_size=size, byte_fallback=request.param)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("one two", []),
        ("one 彼 two 女", ["彼", "女"]),
        ("😀", ["😀"]),
        ("twö three", ["twö"]),
        ("", []),
    ],
)
def test_words_with_characters_that_training_never_saw(
    tokenizers: TokenizerPair, text: str, unknown: list[str]
) -> None:
    source = tokenizers.source.segment(text)
    assert [source.words[word] for word in words_with_unknown_characters(source)] == unknown


def test_a_text_is_noted_when_most_of_its_words_are_unknown(tokenizers: TokenizerPair) -> None:
    def note(text: str) -> str | None:
        return note_of_unknown_characters(tokenizers.source.segment(text))

    assert note("one 彼") is None
    assert note("") is None
    assert "2 of 3 words have characters" in (note("one 彼 女") or "")
    assert "1 of 1 word has characters" in (note("twö") or "")
