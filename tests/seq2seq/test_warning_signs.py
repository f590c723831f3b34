"""Warning signs: numbers worked out by hand, and sentences with one thing wrong, or nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from data.segmentation import Segmentation
from data.tokenizer import TokenizerPair
from data.words import word_spans
from seq2seq import kept_words
from seq2seq.kept_words import addresses, missing, names, numbers
from seq2seq.translation import Hypothesis
from seq2seq.warning_signs import (
    WarningSign,
    attention_measures,
    immediate_repetitions,
    spread,
    warning_signs,
)


def text_of(text: str) -> Segmentation:
    """A text whose words are its pieces."""
    spans = tuple(word_spans(text))
    words = tuple(text[begin:end] for begin, end in spans)
    count = range(len(words))
    return Segmentation(text, tuple(10 + n for n in count), words, spans, words, spans, tuple(count))


def translation(target: str, attention: Sequence[Sequence[float]], *, finished: bool = True) -> Hypothesis:
    rows = np.array(attention, np.float32)
    return Hypothesis(text_of(target), np.full(len(rows), -0.1), -0.1 * len(rows), -0.1, finished, rows)


def diagonal(source: str, target: str, **more: bool) -> tuple[Hypothesis, Segmentation]:
    """Word by word, ends on ends; where one side is longer its last words share."""
    here, there = len(text_of(source).words) + 1, len(text_of(target).words) + 1
    rows = np.zeros((there, here), np.float32)
    for row in range(there):
        rows[row, min(row, here - 1) if row < there - 1 else here - 1] = 1.0
    if not more.get("finished", True):
        rows = rows[:-1]
    return translation(target, rows, **more), text_of(source)


def signs_of(source: str, target: str, **languages: str) -> list[WarningSign]:
    return warning_signs(*diagonal(source, target), **languages)


def kinds(source: str, target: str, **languages: str) -> list[str]:
    return [sign.kind for sign in signs_of(source, target, **languages)]


class TestMeasures:
    def test_word_by_word_is_perfect(self) -> None:
        measures = attention_measures(*diagonal("one two three", "eins zwei drei"))
        assert measures is not None
        assert list(measures.to_json().values()) == [0, 0, 0, 0]

    def test_by_hand(self) -> None:
        """Two target rows on two source columns: received 1.5 and 0.5."""
        hypothesis = translation("ja", [[1.0, 0.0], [0.5, 0.5]])
        measures = attention_measures(hypothesis, text_of("yes"))
        assert measures is not None
        assert measures.coverage_deviation == pytest.approx(math.log(1.25), abs=1e-6)
        assert measures.absent_mindedness_target == pytest.approx(math.log(2) / 2, abs=1e-6)
        two_thirds = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))  # column 0; column 1 has one row
        assert measures.absent_mindedness_source == pytest.approx(two_thirds / 2, abs=1e-6)
        assert measures.entropy == pytest.approx(0.5, abs=1e-6)

    def test_spread_goes_from_one_word_to_all(self) -> None:
        rows = [[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]]
        np.testing.assert_allclose(spread(np.array(rows)), [0, 1, 0.5], atol=1e-9)
        assert spread(np.array([[1.0]])).tolist() == [0]

    def test_nothing_emitted_has_none(self) -> None:
        hypothesis = translation("", np.zeros((0, 3)), finished=False)
        assert attention_measures(hypothesis, text_of("a b")) is None
        assert warning_signs(hypothesis, text_of("a b")) == []


class TestAttention:
    SOURCE = "the old dog sleeps"

    def signs(self, rows: Sequence[Sequence[float]], target: str = "der alte hund schläft") -> dict:
        found = warning_signs(translation(target, rows), text_of(self.SOURCE))
        return {sign.kind: sign for sign in found}

    def test_nothing_to_say_of_a_good_one(self) -> None:
        assert self.signs(np.eye(5)) == {}

    def test_a_word_that_nothing_looked_at(self) -> None:
        rows = np.eye(5)
        rows[2] = [0.0, 0.96, 0.04, 0, 0]
        sign = self.signs(rows)["source_not_looked_at"]
        assert sign.source_words == (2,)
        assert sign.value == pytest.approx(0.04, abs=1e-6)
        assert "“dog”" in sign.message

    def test_marks_may_be_passed_over(self) -> None:
        rows = np.array([[1, 0, 0], [0, 0, 1]])
        assert warning_signs(translation("ja", rows), text_of("yes !")) == []

    def test_coming_back_to_one_word(self) -> None:
        rows = np.zeros((5, 5))
        rows[:4, 1] = 0.9
        rows[:4, 3] = 0.1
        rows[4, 4] = 1
        sign = self.signs(rows)["repeated_attention"]
        assert (sign.source_words, sign.target_words) == ((1,), (0, 1, 2, 3))
        assert sign.value == pytest.approx(3.6, abs=1e-6)

    def test_looking_everywhere(self) -> None:
        rows = np.eye(5)
        rows[1] = 0.2
        sign = self.signs(rows)["entropy"]
        assert sign.target_words == (1,)
        assert sign.value == pytest.approx(1.0, abs=1e-6)
        nine = "one two three four five six seven eight nine"
        signs = warning_signs(translation(nine, np.full((10, 10), 0.1)), text_of(nine))
        everywhere = {each.kind: each for each in signs}
        assert everywhere["scattered_target"].value == pytest.approx(math.log(10), abs=1e-5)
        assert everywhere["scattered_source"].value == pytest.approx(math.log(10), abs=1e-5)
        assert everywhere["entropy"].target_words == tuple(range(9))

    def test_uneven_coverage(self) -> None:
        rows = np.zeros((5, 5))
        rows[:, 0] = 1.0  # received: 5, 0, 0, 0, 0
        expected = (math.log(1 + 16) + 4 * math.log(2)) / 5
        assert self.signs(rows)["coverage"].value == pytest.approx(expected, abs=1e-6)


class TestWords:
    def test_repetition(self) -> None:
        assert immediate_repetitions(["a", "b", "b", "c"]) == [(1, 1)]
        assert immediate_repetitions(["The", "the", "cat", "sat", "the", "cat", "sat", "."]) == [
            (0, 1),
            (1, 3),
        ]
        assert immediate_repetitions(["x", "x", "x"]) == [(0, 1), (1, 1)]
        assert immediate_repetitions([".", ".", "a"]) == []
        assert immediate_repetitions(["让", "我", "看", "看", "。"]) == []  # one word: "have a look"
        assert immediate_repetitions(["看", "看", "看"]) == [(0, 1), (1, 1)]
        assert immediate_repetitions(["我", "看", "我", "看"]) == [(0, 2)]
        (sign,) = signs_of("he sees the dog", "er sieht den den")
        assert (sign.kind, sign.value, sign.target_words) == ("repeated_words", 1, (2, 3))
        assert "“den”" in sign.message

    def test_a_source_that_repeats_itself_may_be_repeated(self) -> None:
        assert kinds("bye bye now", "tschüs tschüs jetzt") == []

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            ("it costs 1,000.50 today", "es kostet 1.000,50 heute"),
            ("at 5:30 he left", "um 5.30 ging er"),
            ("٣ dogs", "3 Hunde"),
            ("no number", "keine zahl"),
        ],
    )
    def test_equal_numbers(self, source: str, target: str) -> None:
        assert "numbers" not in kinds(source, target)

    def test_numbers_that_differ(self) -> None:
        lost, new = (
            sign for sign in signs_of("in 1984 he left", "in 1948 ging er") if sign.kind == "numbers"
        )
        assert (lost.source_words, lost.target_words) == ((1,), ())
        assert "1984" in lost.message
        assert (new.source_words, new.target_words) == ((), (1,))
        assert kinds("7 and 7", "7 und").count("numbers") == 1

    def test_an_address_begins_where_its_characters_begin(self) -> None:
        """Tried at each of its characters, a text of a thousand letters takes a thousand times as long."""
        assert kept_words._ADDRESS.search("write to jo.e@b.com", 11) is None
        assert kept_words._ADDRESS.search("write to jo.e@b.com", 9).group() == "jo.e@b.com"
        assert kept_words._ADDRESS.search("写信给me@b.com").group() == "me@b.com"

    def test_addresses(self) -> None:
        text = text_of("See https://a.org/x?y=1, or mail me@b.com.")
        assert [each.text for each in addresses(text)] == ["https://a.org/x?y=1", "me@b.com"]
        assert numbers(text) == []  # a digit of an address is no number of its own
        assert "urls" in kinds("see https://a.org/x now", "siehe https://a.org/y jetzt")
        assert "urls" not in kinds("see https://a.org/x.", "siehe (https://a.org/x)")

    def test_an_address_ends_where_chinese_goes_on(self) -> None:
        text = text_of("请访问https://example.com了解详情，邮箱me@b.com。见https://a.org，共3元")
        assert [each.text for each in addresses(text)] == ["https://example.com", "me@b.com", "https://a.org"]
        assert [each.text for each in numbers(text)] == ["3"]
        assert [each.text for each in addresses(text_of("an jörg@müller.de"))] == ["jörg@müller.de"]

    def test_names(self) -> None:
        assert [each.text for each in names(text_of("Yesterday Anna met Bob. Then she left."))] == [
            "Anna",
            "Bob",
        ]
        assert names(text_of("I think so")) == []
        assert names(text_of("He knows I'm here and I’ll stay")) == []
        assert [each.identity for each in names(text_of("this is Peter's old dog"))] == ["Peter"]
        assert names(text_of("Il a dit :\u202f«\u202fBonjour\u202f» et partit")) == []
        assert names(text_of("BREAKING NEWS TODAY")) == []
        (sign,) = (
            s
            for s in signs_of(
                "yesterday Peter slept", "gestern schlief Petra", source_language="en", target_language="de"
            )
            if s.kind == "names"
        )
        assert (sign.source_words, sign.target_words) == ((1,), ())
        languages = {"source_language": "en", "target_language": "French"}
        assert "names" not in kinds("we saw Peter's dog", "nous avons vu le chien de Peter", **languages)
        new = kinds("we saw his dog", "nous avons vu le chien de Peter", **languages)
        assert "names" in new

    def test_names_beside_a_word_without_letters(self, tiny_tokenizers: TokenizerPair) -> None:
        """A model may write a word boundary with nothing behind it."""
        tokenizer = tiny_tokenizers.target
        space = tokenizer.token("▁")
        written = tokenizer.segment_tokens([space])
        assert written.words == ("",)
        assert names(written) == []

    def test_capitals_of_german_nouns_are_no_names(self) -> None:
        for language in ("de", "de_DE", "de-AT", "German"):
            assert "names" not in kinds("ein Hund schläft", "a dog sleeps", source_language=language)
        assert "names" not in kinds("ein Hund schläft", "a dog sleeps")  # nobody said what language it is
        assert "names" in kinds("ein Hund schläft", "a dog sleeps", source_language="nl")

    def test_missing_counts_doubles(self) -> None:
        here, there = numbers(text_of("1 2 1 1")), numbers(text_of("1 1 3"))
        assert [each.words for each in missing(here, there)] == [(1,), (3,)]
        assert [each.text for each in missing(there, here)] == ["3"]

    def test_length(self) -> None:
        (sign,) = (s for s in signs_of("a b c d e f", "x y") if s.kind == "length")
        assert sign.value == 3.0
        assert "shorter" in sign.message
        assert "length" not in kinds("a b c", "x")  # too short to tell
        cut = warning_signs(*diagonal("a b", "x y", finished=False))
        assert [sign.kind for sign in cut if sign.kind == "length"] == ["length"]


def test_json_is_plain() -> None:
    import json

    for sign in signs_of("in 1984 he left", "in 1948 ging er"):
        content = json.loads(json.dumps(sign.to_json()))
        assert set(content) == {"kind", "value", "limit", "message", "source_words", "target_words"}


class TestUnknownCharacters:
    @staticmethod
    def source() -> Segmentation:
        pieces = ("▁I", "▁", "<0xC3>", "<0xAF>", "s", "▁", "<0xC5>", "▁an")
        spans = ((0, 1), (2, 2), (2, 2), (2, 3), (3, 4), (5, 5), (5, 6), (7, 9))
        words, offsets = ("I", "ïs", "Ł", "an"), ((0, 1), (2, 4), (5, 6), (7, 9))
        return Segmentation(
            "I ïs Ł an", tuple(range(20, 28)), pieces, spans, words, offsets, (0, *[1] * 4, 2, 2, 3)
        )

    def test_the_words_concerned_and_neighbours_quoted_as_one(self) -> None:
        attention = np.zeros((5, 9), np.float32)
        attention[np.arange(5), [0, 4, 6, 7, 8]] = 1
        hypothesis = translation("yo es L un", attention)
        (sign,) = [
            each for each in warning_signs(hypothesis, self.source()) if each.kind == "unknown_characters"
        ]
        assert sign.source_words == (1, 2)
        assert "“ïs Ł”" in sign.message

    def test_not_of_known_words(self) -> None:
        assert "unknown_characters" not in kinds("I like it", "me gusta")
