"""The words a person sees: examples in many scripts, and what must hold for any text at all."""

from __future__ import annotations

import random
import sys
import time
import unicodedata

import pytest

from data.words import word_spans

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def words(text: str, mode: str = "unicode") -> list[str]:
    return [text[start:end] for start, end in word_spans(text, mode)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # English: contractions and possessives stay whole, quotation marks do not stick.
        ("I don't know.", ["I", "don't", "know", "."]),
        ("I'll say it's Anna's", ["I'll", "say", "it's", "Anna's"]),
        ("WE'VE, she'd've", ["WE'VE", ",", "she'd've"]),
        ("'Hello' (he said)", ["'", "Hello", "'", "(", "he", "said", ")"]),
        ("the dogs' bowls", ["the", "dogs", "'", "bowls"]),
        ("a well-known co- star", ["a", "well-known", "co", "-", "star"]),
        ("rock'n'roll", ["rock'n'roll"]),
        # French: an elided word is a word, whichever apostrophe; longer left parts are one word.
        ("l'homme", ["l'", "homme"]),
        ("J’aime qu'il", ["J’", "aime", "qu'", "il"]),
        ("aujourd'hui", ["aujourd'hui"]),
        ("jusqu'aujourd'hui", ["jusqu'aujourd'hui"]),
        ("qu'aujourd'hui", ["qu'", "aujourd'hui"]),
        ("qu'l'on", ["qu'", "l'", "on"]),
        ("c'est-à-dire", ["c'", "est-à-dire"]),
        ("s'il", ["s'", "il"]),
        ("e\u0301t'e", ["e\u0301t'", "e"]),
        # German
        ("Der Hund läuft, schnell!", ["Der", "Hund", "läuft", ",", "schnell", "!"]),
        ("„Straßen-Café“", ["„", "Straßen-Café", "“"]),
        # Numbers
        ("3.5 1,000 1,000.25", ["3.5", "1,000", "1,000.25"]),
        ("3:45", ["3", ":", "45"]),
        ("In 1999.", ["In", "1999", "."]),
        ("$5, -7, 50%", ["$", "5", ",", "-", "7", ",", "50", "%"]),
        ("a,b", ["a", ",", "b"]),
        ("٣٫٥", ["٣٫٥"]),
        # Runs of one mark are a word; different marks are not.
        ("Wait... what?!", ["Wait", "...", "what", "?", "!"]),
        ("no!! --", ["no", "!!", "--"]),
        (". .", [".", "."]),
        # Scripts without spaces: a character is a word.
        ("我有3.5元。", ["我", "有", "3.5", "元", "。"]),
        ("用Wi-Fi上网", ["用", "Wi-Fi", "上", "网"]),
        ("𠀋𠮷人々", ["𠀋", "𠮷", "人", "々"]),
        ("猫はカー", ["猫", "は", "カ", "ー"]),
        ("か\u3099ﾊﾟ", ["か\u3099", "ﾊﾟ"]),
        ("ที่น้ำ", ["ที่", "น้ำ"]),
        ("ກິນ", ["ກິ", "ນ"]),
        ("ក្រុម", ["ក្រុ", "ម"]),
        # Scripts whose letters carry marks
        ("مَرْحَبًا، يا", ["مَرْحَبًا", "،", "يا"]),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया", "।"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("क्\u200dष", ["क्\u200dष"]),
        ("한국어 문장", ["한국어", "문장"]),
        # Emoji: a sequence that is drawn as one picture is one word.
        (f"hi {FAMILY}!", ["hi", FAMILY, "!"]),
        ("👍🏽👎", ["👍🏽", "👎"]),
        ("👍👍🏽", ["👍", "👍🏽"]),
        ("🇫🇷🇩🇪", ["🇫🇷", "🇩🇪"]),
        (f"{SCOTLAND}❤\ufe0f", [SCOTLAND, "❤\ufe0f"]),
        ("1\ufe0f\u20e3#\ufe0f\u20e3", ["1\ufe0f\u20e3", "#\ufe0f\u20e3"]),
        ("🎉🎉🎉", ["🎉🎉🎉"]),
        # Invisible characters never make a word of their own beside a visible one.
        ("\u200fשלום", ["\u200fשלום"]),
        ("foo\u200bbar", ["foo\u200b", "bar"]),
        ("Zucker\u00adwatte", ["Zucker\u00adwatte"]),
        ("\ufeffThe", ["\ufeffThe"]),
        ("", []),
        (" \t\n", []),
    ],
)
def test_words_are_those_a_reader_sees(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_separators_of_unicode_are_spaces_and_other_control_characters_are_not() -> None:
    assert words("a\u2028b\u0085c\u3000d\u00a0e\x00f") == ["a", "b", "c", "d", "e", "\x00", "f"]


def test_precomposed_and_decomposed_text_have_the_same_words() -> None:
    text = "L'été où l'Élève dînait à Orléans, ガギグ 각각"
    assert [
        unicodedata.normalize("NFC", word) for word in words(unicodedata.normalize("NFD", text))
    ] == words(text)


def _random_texts(count: int) -> list[str]:
    generator = random.Random(20240501)
    interesting = (
        "aéßあ漢ก็ํำ៉្က့្ी्٣5.,:-'’‐…!?() \t\u2028\u0085\u00a0\u200b\u200d\u200c\ufeff\ufe0f🏽👍🇫🇷ス٫\x00\ud800"
    )
    texts = []
    for _ in range(count):
        length = generator.randrange(1, 25)
        if generator.random() < 0.7:
            texts.append("".join(generator.choice(interesting) for _ in range(length)))
        else:
            texts.append("".join(chr(generator.randrange(sys.maxunicode + 1)) for _ in range(length)))
    return texts


def test_spans_are_ordered_disjoint_and_cover_every_character_that_is_not_a_space() -> None:
    for text in _random_texts(5000):
        covered = set()
        previous_end = 0
        for start, end in word_spans(text):
            assert previous_end <= start < end, text
            covered.update(range(start, end))
            previous_end = end
        assert covered == {index for index, character in enumerate(text) if not character.isspace()}, ascii(
            text
        )


def test_whitespace_mode_is_str_split() -> None:
    for text in _random_texts(5000):
        assert words(text, "whitespace") == text.split(), ascii(text)


def test_unicode_words_never_cross_a_whitespace_word() -> None:
    for text in _random_texts(2000):
        runs = word_spans(text, "whitespace")
        for start, end in word_spans(text):
            assert any(first <= start and end <= last for first, last in runs), ascii(text)


@pytest.mark.parametrize("unit", ["\u200d", "'", "a'", "1.", "\u0301", "-", "👍\u200d", "\u17d2", "a-", "🇫"])
def test_a_long_run_takes_time_in_proportion_to_its_length(unit: str) -> None:
    started = time.process_time()
    word_spans(unit * 50_000)
    assert time.process_time() - started < 2.0  # a quadratic search takes minutes


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="unicode, whitespace"):
        word_spans("text", "letters")
