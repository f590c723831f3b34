"""In which order things are timed, and what the times are turned into."""

import pytest

from benchmarks.timing import Timing, alternate, repeat


def test_repeat_times_all_but_the_warm_up() -> None:
    calls = []
    timing = repeat(lambda: calls.append(1), runs=3, warm_up=2)
    assert len(calls) == 5
    assert len(timing.seconds) == 3
    assert all(each >= 0 for each in timing.seconds)


def test_variants_take_turns_and_every_round_begins_with_another() -> None:
    calls: list[str] = []
    variants = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    timings = alternate(variants, rounds=3, calls_per_turn=2, warm_up=1)
    turns = [calls[3:][place : place + 3] for place in range(0, 27, 3)]  # one untimed call, two timed ones
    assert "".join(calls[:3]) == "abc"
    assert [turn[0] for turn in turns] == list("abcbcacab")
    assert all(len(set(turn)) == 1 for turn in turns)
    assert {name: len(timing.seconds) for name, timing in timings.items()} == {"a": 6, "b": 6, "c": 6}


def test_a_single_variant_is_not_called_untimed() -> None:
    calls: list[int] = []
    alternate({"a": lambda: calls.append(1)}, rounds=2, calls_per_turn=3, warm_up=1)
    assert len(calls) == 7


def test_speeds() -> None:
    slow, fast = Timing((2.0, 4.0)), Timing((1.0, 1.0))
    assert slow.milliseconds == [2000.0, 4000.0]
    assert slow.rates(8) == [4.0, 2.0]
    assert fast.times_as_fast_as(slow) == [2.0, 4.0]
    assert slow.times_as_fast_as(fast) == [0.5, 0.25]


def test_percentiles() -> None:
    timing = Timing(tuple(float(number) for number in range(101)))
    assert timing.percentile(99) == pytest.approx(99.0)
