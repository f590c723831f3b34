"""What a model has seen, counted."""

from __future__ import annotations

import pytest

from data.corpus_portrait import portray

SENTENCES = [
    "A man and a woman walk their dogs.",
    "The woman sings, sings, sings!",
    "Two dogs run.",
    "He runs.",
    "",
]


def test_counts_of_a_few_sentences() -> None:
    seen = portray(SENTENCES, "en")
    assert (seen.sentences, seen.longest) == (5, 8)
    assert seen.mean_words == pytest.approx((8 + 5 + 3 + 2 + 0) / 5)
    # a man and woman walk their dogs the sings two run he runs
    assert seen.distinct_words == 13
    assert seen.words_seen_once == 13 - len({"a", "woman", "sings", "dogs"})
    assert seen.commonest == ("sings", "dogs", "woman", "runs", "their", "walk")
    assert seen.speaks_of_men == pytest.approx(2 / 5)
    assert seen.speaks_of_women == pytest.approx(2 / 5)


def test_men_and_women_are_not_counted_in_other_languages() -> None:
    seen = portray(["Der Mann geht."], "de")
    assert (seen.speaks_of_men, seen.speaks_of_women) == (None, None)
    assert seen.as_facts()["commonest"] == ["geht", "mann"]


def test_95_percent_have_at_most_so_many_words() -> None:
    lengths = [*range(1, 20), 500]
    seen = portray([" ".join(["word"] * length) for length in lengths], "en")
    assert (seen.longest_of_95_percent, seen.longest) == (19, 500)
    assert portray(["one two three"], "en").longest_of_95_percent == 3


def test_nothing_to_count() -> None:
    with pytest.raises(ValueError, match="no sentence"):
        portray([], "en")
