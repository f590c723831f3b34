"""Cleaning: which pairs go, which stay, and a report that says so."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from data.cleaning import Cleaner, CleaningRules
from data.errors import UserError
from data.fingerprints import FingerprintSet, pair_fingerprints, text_fingerprints
from data.words import count_words

NOTHING = CleaningRules(
    white_space="keep",
    drop_empty=False,
    max_words=None,
    max_length_ratio=None,
    drop_identical=False,
    drop_duplicate_pairs=False,
)


def _clean(rules: CleaningRules, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(Cleaner(rules).clean(pairs))


def _hits(cleaner: Cleaner) -> dict[str, tuple[int, list[int]]]:
    return {
        rule: (hits.pairs, hits.first_lines)
        for rule, hits in cleaner.report.train.by_rule.items()
        if hits.pairs
    }


def test_without_rules_every_pair_stays_as_it_is() -> None:
    pairs = [("", ""), (" a  b ", "a"), ("x", "x"), ("x", "x"), ("\u2028", "y" * 5000), ("a\ud800", "b")]
    assert _clean(NOTHING, pairs) == pairs


@pytest.mark.parametrize(
    ("white_space", "expected"),
    [
        ("keep", "\u3000a \t\u2028 b\x85"),
        ("strip", "a \t\u2028 b"),
        ("collapse", "a b"),
    ],
)
def test_white_space_is_normalised_on_both_sides(white_space: str, expected: str) -> None:
    text = "\u3000a \t\u2028 b\x85"
    assert _clean(replace(NOTHING, white_space=white_space), [(text, text)]) == [(expected, expected)]


@pytest.mark.parametrize("white_space", ["keep", "strip", "collapse"])
def test_a_pair_with_an_empty_side_is_dropped(white_space: str) -> None:
    cleaner = Cleaner(replace(NOTHING, drop_empty=True, white_space=white_space))
    assert list(cleaner.clean([("a", ""), (" \u2028", "b"), ("a", "b"), ("", "")])) == [("a", "b")]
    assert _hits(cleaner) == {"empty": (3, [1, 2, 4])}


def test_a_pair_with_a_side_over_the_limit_is_dropped() -> None:
    cleaner = Cleaner(replace(NOTHING, max_words=3))
    kept = [("a b c", "a"), ("漢字x", "a")]
    assert list(cleaner.clean([*kept, ("a b c d", "a"), ("a", "a b c d"), ("漢字漢字", "a")])) == kept
    assert _hits(cleaner) == {"too_long": (3, [3, 4, 5])}


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        ("Welcome!", "ยินดีต้อนรับครับ", True),
        ("さようなら、また会いましょう", "Goodbye!", True),
        ("我", "恭喜你们取得这样的成绩", False),  # characters on both sides compare
        ("one", "one two three four five six seven eight nine ten", False),
    ],
)
def test_words_and_characters_do_not_compare(source: str, target: str, kept: bool) -> None:
    assert CleaningRules().first_broken(source, target) == (None if kept else "length_ratio")


def test_the_length_ratio_applies_from_a_length_on_and_in_both_directions() -> None:
    cleaner = Cleaner(replace(NOTHING, max_length_ratio=2.5, length_ratio_from_words=4))
    kept = [("a b c", "x"), ("a b c d e", "x y"), ("x y", "a b c d e"), ("a b c d", "")]
    dropped = [("a b c d", "x"), ("x", "a b c d"), ("a b c d e f", "x y")]
    assert list(cleaner.clean([*kept, *dropped])) == kept
    assert _hits(cleaner) == {"length_ratio": (3, [5, 6, 7])}


def test_a_target_equal_to_its_source_is_dropped_after_white_space_is_normalised() -> None:
    cleaner = Cleaner(replace(NOTHING, drop_identical=True, white_space="collapse"))
    assert list(cleaner.clean([("a b", "a  b "), ("a", "A")])) == [("a", "A")]
    assert _hits(cleaner) == {"identical": (1, [1])}


def test_only_the_first_of_equal_pairs_is_kept() -> None:
    cleaner = Cleaner(replace(NOTHING, drop_duplicate_pairs=True, white_space="collapse"))
    pairs = [("a", "b"), ("b", "a"), ("a", "c"), ("c", "b"), ("a", "b"), (" a", "b"), ("ab", ""), ("", "ab")]
    assert list(cleaner.clean(pairs)) == [*pairs[:4], *pairs[6:]]
    assert _hits(cleaner) == {"duplicate": (2, [5, 6])}


def test_duplicates_are_found_across_the_portions_that_are_read() -> None:
    generator = random.Random(7)
    pairs = [(f"s{generator.randrange(3000)}", f"t{generator.randrange(10)}") for _ in range(30_000)]
    cleaner = Cleaner(replace(NOTHING, drop_duplicate_pairs=True))
    assert list(cleaner.clean(pairs)) == list(dict.fromkeys(pairs))
    duplicates, first_lines = _hits(cleaner)["duplicate"]
    assert duplicates == 30_000 - len(set(pairs))
    earlier: set[tuple[str, str]] = set()
    expected = [line for line, pair in enumerate(pairs, 1) if pair in earlier or earlier.add(pair)]
    assert first_lines == expected[:5]


def test_each_pair_counts_under_the_first_rule_it_breaks() -> None:
    cleaner = Cleaner(CleaningRules(max_words=5, max_length_ratio=2, length_ratio_from_words=3))
    pairs = [
        ("", ""),
        ("a " * 6, "x"),
        ("a b c", "x"),
        ("d d", "d d"),
        ("e", "f"),
        ("e", "f"),
        ("d d", "d d"),
    ]
    assert list(cleaner.clean(pairs)) == [("e", "f")]
    assert _hits(cleaner) == {
        "empty": (1, [1]),
        "too_long": (1, [2]),
        "length_ratio": (1, [3]),
        "identical": (2, [4, 7]),
        "duplicate": (1, [6]),
    }
    assert (cleaner.report.train.total, cleaner.report.train.kept) == (7, 1)


HELD_OUT = {
    "validation": [("v", "V"), ("both", "B"), ("", "x"), ("v", "V")],
    "news": [("both", "other"), ("n", "N")],
}
TRAIN = [("a", "A"), ("v ", "V"), ("both", "mine"), ("c", "N"), ("n n", "N N"), ("v", "V")]


def test_training_pairs_found_in_a_held_out_set_are_reported_and_kept() -> None:
    cleaner = Cleaner(CleaningRules(drop_duplicate_pairs=False), HELD_OUT)
    assert list(cleaner.clean(TRAIN)) == [(source.strip(), target) for source, target in TRAIN]
    shared = cleaner.report.train.shared
    assert {part: hits.first_lines for part, hits in shared.items()} == {
        "pair": [2, 6],
        "source": [2, 3, 6],
        "target": [2, 4, 6],
    }
    assert cleaner.report.train.by_rule["held_out"].pairs == 0


def test_held_out_pairs_found_in_training_are_reported_for_each_set() -> None:
    cleaner = Cleaner(CleaningRules(), HELD_OUT)
    list(cleaner.clean(TRAIN))
    found = {
        name: {part: hits.first_lines for part, hits in split.shared.items()}
        for name, split in cleaner.report.held_out.items()
    }
    assert found == {
        "validation": {"pair": [1, 4], "source": [1, 2, 4], "target": [1, 4]},
        "news": {"pair": [], "source": [1], "target": [2]},
    }


def test_training_pairs_whose_source_is_held_out_are_removed_on_request() -> None:
    rules = CleaningRules(drop_duplicate_pairs=False, held_out_overlap="remove")
    cleaner = Cleaner(rules, HELD_OUT)
    assert list(cleaner.clean(TRAIN)) == [("a", "A"), ("c", "N"), ("n n", "N N")]
    assert _hits(cleaner) == {"held_out": (3, [2, 3, 6])}
    assert cleaner.report.train.kept == 3
    assert cleaner.report.train.shared["target"].pairs == 3


def test_held_out_sets_are_checked_by_the_same_rules_and_nothing_is_dropped() -> None:
    cleaner = Cleaner(CleaningRules(), HELD_OUT)
    validation = cleaner.report.held_out["validation"]
    assert (validation.total, validation.kept) == (4, 4)
    broken = {rule: hits.first_lines for rule, hits in validation.by_rule.items() if hits.pairs}
    assert broken == {"empty": [3], "duplicate": [4]}


def test_dropped_training_pairs_do_not_count_as_overlap() -> None:
    cleaner = Cleaner(CleaningRules(), {"validation": [("x", "x"), ("", "y")]})
    assert list(cleaner.clean([("x", "x"), ("", "y")])) == []
    assert all(hits.pairs == 0 for hits in cleaner.report.train.shared.values())
    assert all(hits.pairs == 0 for hits in cleaner.report.held_out["validation"].shared.values())


def test_cleaning_again_starts_anew() -> None:
    cleaner = Cleaner(CleaningRules(), HELD_OUT)
    first = list(cleaner.clean(TRAIN))
    report = json.dumps(cleaner.report.to_dict())
    assert list(cleaner.clean(TRAIN)) == first
    assert json.dumps(cleaner.report.to_dict()) == report
    list(cleaner.clean([]))
    assert cleaner.report.train.total == 0
    assert cleaner.report.held_out["validation"].shared["pair"].pairs == 0


def test_an_empty_held_out_set_is_no_error() -> None:
    cleaner = Cleaner(CleaningRules(), {"validation": []})
    assert list(cleaner.clean([("a", "b")])) == [("a", "b")]
    assert cleaner.report.held_out["validation"].total == 0


def test_the_report_is_json_and_names_the_rules() -> None:
    cleaner = Cleaner(CleaningRules(max_words=7), HELD_OUT)
    list(cleaner.clean([*TRAIN, ("z", "z")]))
    report = json.loads(json.dumps(cleaner.report.to_dict()))
    assert report["rules"]["max_words"] == 7
    assert (report["train"]["total"], report["train"]["kept"]) == (7, 5)
    assert report["train"]["by_rule"]["identical"] == {"pairs": 1, "first_lines": [7]}
    assert report["held_out"]["news"]["shared"]["source"] == {"pairs": 1, "first_lines": [1]}


def test_the_table_shows_what_was_found_and_nothing_else() -> None:
    output = io.StringIO()
    cleaner = Cleaner(CleaningRules(), HELD_OUT)
    list(cleaner.clean([*TRAIN, *[("z", "z")] * 1200]))
    cleaner.report.print_table(Console(file=output, width=120))
    rows = [" ".join(line.split()) for line in output.getvalue().splitlines()]
    assert "train read 1,206" in rows
    assert "dropped: target is the source 1,200 99.50 7, 8, 9, 10, 11, ..." in rows
    assert "same source in validation, news 2 0.17 2, 3" in rows
    assert "kept although: one side is empty 1 25.00 3" in rows
    assert "words" not in output.getvalue()


def test_the_table_shows_the_names_of_splits_as_they_are() -> None:
    output = io.StringIO()
    Cleaner(CleaningRules(), {"[red]": [("a", "b")]}).report.print_table(Console(file=output, width=120))
    assert "[red]" in output.getvalue()


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"white_space": "trim"}, "white_space: expected one of collapse, strip, keep, got 'trim'"),
        ({"held_out_overlap": "drop"}, "held_out_overlap: expected one of report, remove"),
        ({"max_words": 0}, "max_words"),
        ({"max_length_ratio": 0.5}, "max_length_ratio"),
        ({"max_length_ratio": float("nan")}, "max_length_ratio"),
        ({"length_ratio_from_words": 0}, "length_ratio_from_words"),
    ],
)
def test_wrong_rules_are_refused(wrong: dict[str, object], key: str) -> None:
    with pytest.raises(UserError, match=key):
        CleaningRules(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \u2028", 0),
        ("The dog , 3.5 .", 5),
        ("Ça va ?", 3),
        ("我有3.5元", 4),
        ("我有 Wi-Fi 。", 3),
        ("สวัสดี", 4),
        ("कुत्ता", 1),
    ],
)
def test_words_are_counted_for_the_length_rules(text: str, count: int) -> None:
    assert count_words(text) == count


def test_a_fingerprint_set_is_a_set_while_it_grows() -> None:
    generator = np.random.default_rng(3)
    # The low bits agree, so that probing runs long.
    values = generator.integers(1, 30_000, 60_000, dtype=np.uint64) << np.uint64(12)
    fingerprints, seen = FingerprintSet(), set()
    for start in range(0, len(values), 777):
        portion = values[start : start + 777]
        expected = []
        for value in portion.tolist():
            expected.append(value not in seen)
            seen.add(value)
        assert fingerprints.add(portion).tolist() == expected
        assert len(fingerprints) == len(seen)
    assert 0 < fingerprints.nbytes / len(seen) <= 16
    assert fingerprints.add(np.zeros(2, np.uint64)).tolist() == [True, False]
    assert fingerprints.add(np.zeros(2, np.uint64)).tolist() == [False, False]
    assert fingerprints.add(np.zeros(0, np.uint64)).tolist() == []


def test_fingerprints_depend_on_the_text_alone() -> None:
    # Fixed numbers: another machine, another process and another year must keep the same pairs.
    source, target = text_fingerprints(["Hund"]), text_fingerprints(["dog"])
    assert source.tobytes().hex() == "7e52579bcef29057"  # as printed by b2sum --length 64
    assert target.tobytes().hex() == "3984c7c1d25e9c9f"
    assert pair_fingerprints(source, target)[0] == _split_mix(
        int(source[0]) ^ _split_mix_next(int(target[0]))
    )
    assert pair_fingerprints(source, target)[0] != pair_fingerprints(target, source)[0]


def _split_mix_next(state: int) -> int:
    return _split_mix((state + 0x9E3779B97F4A7C15) % 2**64)


def _split_mix(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def test_the_mixing_of_pairs_gives_the_published_sequence() -> None:
    assert _split_mix_next(0) == 0xE220A8397B1DCDAF  # the first number of SplitMix64 from seed 0


def _generated_pairs(count: int) -> Iterator[tuple[str, str]]:
    for number in range(count):
        yield f"a sentence with the number {number} in it", f"ein Satz mit der Zahl {number} darin"


def test_the_memory_of_cleaning_is_small() -> None:
    tracemalloc.start()
    try:
        assert sum(1 for _ in Cleaner(CleaningRules()).clean(_generated_pairs(60_000))) == 60_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000  # a set of these strings takes 16 MB
