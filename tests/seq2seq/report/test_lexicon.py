"""The dictionary that attention makes, and the tables of words."""

from __future__ import annotations

from seq2seq.report.lexicon import Lexicon
from seq2seq.report.word_lists import WordList, has_letters
from seq2seq.report.word_tables import WordTable


def test_words_are_counted_with_the_sentences_that_used_them():
    lexicon = Lexicon()
    lexicon.add(["the", "bank", "."], ["das", "Ufer", "."], {(0, 0), (1, 1), (2, 2)}, 0)
    lexicon.add(["Bank", "of", "England"], ["Bank", "von", "England"], {(0, 0), (1, 1), (2, 2)}, 3)
    lexicon.add(["a", "bank"], ["ein", "ufer", "Ufer"], {(0, 0), (1, 1), (1, 2)}, 5)
    entries = lexicon.entries()
    assert entries[0] == {
        "word": "bank",
        "count": 4,
        "translations": [{"word": "Ufer", "sentences": [0, 5, 5]}, {"word": "Bank", "sentences": [3]}],
    }
    assert [entry["word"] for entry in entries[1:]] == ["a", "England", "of", "the"]
    assert "." not in {entry["word"] for entry in entries}


def test_a_link_to_punctuation_says_nothing_about_a_word():
    lexicon = Lexicon()
    lexicon.add(["yes", "!"], ["«", "oui"], {(0, 0), (1, 1)}, 0)
    assert lexicon.entries() == []


def test_an_attention_made_by_hand_gives_the_lexicon_one_reads_off_it():
    import numpy as np

    from seq2seq.translation import Hypothesis
    from tests.seq2seq.evaluation_examples import segmented

    source, target = segmented("green house"), segmented("maison verte")
    attention = np.array([[0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.0, 0.1, 0.9]])
    hypothesis = Hypothesis(target, np.log([0.9, 0.8, 0.7]), -0.7, -0.2, True, attention)
    lexicon = Lexicon()
    lexicon.add(source.words, target.words, hypothesis.alignment(source), 0)
    found = {entry["word"]: entry["translations"][0]["word"] for entry in lexicon.entries()}
    assert found == {"green": "verte", "house": "maison"}


def test_a_table_counts_words_and_what_is_wrong_with_them():
    table = WordTable()
    table.add(["Two", "old", "dogs", "."], [1, 3], 0)
    table.add(["an", "old", "Old", "man"], [1, 2, 2], 1)
    table.add(["two", "men"], [0], 2)
    assert table.entries() == [
        {"word": "old", "count": 3, "sentences": [0, 1, 1]},
        {"word": "two", "count": 2, "sentences": [2]},
    ]


def test_spellings():
    words = WordList()
    for word in ("STRASSE", "Straße", "Straße", "e\u0301t\u00e9", "\u00e9te\u0301"):
        words.add(word, 0)
    assert (words.count("strasse"), words.spelling("strasse")) == (3, "Straße")
    assert words.count("\u00e9t\u00e9") == 2
    assert words.count("missing") == 0
    assert [has_letters(word) for word in ("犬", "3", "…", "🐕")] == [True, True, False, False]
