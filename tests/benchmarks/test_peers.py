"""The comparison with other programs: turns, medians, ratios, the table, and Marian's log; nobody is run."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from benchmarks.peers import marian_side
from benchmarks.peers.architectures import ARCHITECTURES
from benchmarks.peers.compare import Side, main, measure_in_turn, ratios, sides_to_measure
from benchmarks.peers.comparison_table import print_comparison
from data.errors import UserError

OWN, JOEY, MARIAN = ARCHITECTURES


def side(name: str, precision: str = "float32", *, shortlist: bool = False, **medians: list[float]) -> Side:
    """A side that has reported, in each round, the median of one of its measures after the other."""
    reports = [
        {
            "peer": name,
            "version": "1.2",
            "threads": 2,
            key: {"median": median, "runs": [median / 2, median, 3 * median]},
            "notes": [f"matrix products with {precision} operands"],
        }
        for key, rounds in medians.items()
        for median in rounds
    ]
    return Side(name, precision, Path(sys.executable), "benchmarks.no_such_side", shortlist, reports)


@pytest.fixture
def sides() -> list[Side]:
    rate, time = "greedy_tokens_per_second", "sentence_latency_ms"
    return [
        side(OWN, **{rate: [2900.0, 3000.0, 3300.0], time: [20.0], "training_tokens_per_second": [500.0]}),
        side(JOEY, **{rate: [1900.0, 2100.0, 2000.0], time: [50.0]}),
        side(MARIAN, **{rate: [1000.0], time: [25.0]}),
        side(OWN, "bfloat16", **{rate: [3600.0]}),
        side(JOEY, "bfloat16", **{rate: [2400.0]}),
        side(OWN, "bfloat16", shortlist=True, **{rate: [4800.0]}),
    ]


def test_a_side_is_the_medians_of_its_rounds(sides: list[Side]) -> None:
    assert sides[0].to_json() == {
        "peer": OWN,
        "version": "1.2",
        "threads": 2,
        "precision": "float32",
        "variant": "float32",
        "training_tokens_per_second": {"median": 500.0, "runs": [500.0]},
        "greedy_tokens_per_second": {"median": 3000.0, "runs": [2900.0, 3000.0, 3300.0]},
        "sentence_latency_ms": {"median": 20.0, "runs": [20.0]},
        "notes": ["matrix products with float32 operands"],
    }
    assert sides[-1].to_json()["variant"] == "bfloat16, shortlist"


def test_ratios_are_to_the_faster_peer_of_the_same_precision(sides: list[Side]) -> None:
    found = ratios([each.to_json() for each in sides])
    assert found == {
        "float32": {
            "greedy_tokens_per_second": {"faster_peer": JOEY, "ratio": 1.5},
            # Of times the shorter one is the faster; half the time is twice as fast.
            "sentence_latency_ms": {"faster_peer": MARIAN, "ratio": 1.25},
        },
        "bfloat16": {"greedy_tokens_per_second": {"faster_peer": JOEY, "ratio": 1.5}},
        "bfloat16, shortlist": {"greedy_tokens_per_second": {"faster_peer": JOEY, "ratio": 2.0}},
    }


def test_the_table_shows_medians_ranges_and_ratios(sides: list[Side]) -> None:
    results = [each.to_json() for each in sides]
    report = {
        "machine": {"processor": "Example 9000, 2 cores", "instructions": ["avx512f"]},
        "threads": 2,
        "rounds": 3,
        "sides": results,
        "times_as_fast_as_the_faster_peer": ratios(results),
        "million_multiplications_per_target_token": {OWN: 5.0, JOEY: 7.5, MARIAN: 10.0},
        "differences": ["Marian [has] two cells."],
    }
    printed = io.StringIO()
    print_comparison(report, Console(file=printed, width=160))
    lines = printed.getvalue().splitlines()
    assert lines[0] == "Example 9000, 2 cores; avx512f"
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert rows == [
        ["float32", "", "", "", ""],
        ["training, tokens/s", "500", "–", "–", ""],
        [
            *("greedy, tokens/s", "3,000 (2,900 – 3,300)", "2,000 (1,900 – 2,100)", "1,000"),
            f"1.50 × {JOEY}",
        ],
        ["one sentence, ms", "20.0", "50.0", "25.0", f"1.25 × {MARIAN}"],
        ["bfloat16", "", "", "", ""],
        ["greedy, tokens/s", "3,600", "2,400", "–", f"1.50 × {JOEY}"],
        ["bfloat16, shortlist", "", "", "", ""],
        ["greedy, tokens/s", "4,800", "–", "–", f"2.00 × {JOEY}"],
        ["the networks", "", "", "", ""],
        [
            *("multiplications/token", "5.00 million (1.00 ×)", "7.50 million (1.50 ×)"),
            *("10.00 million (2.00 ×)", ""),
        ],
    ]
    assert f"{MARIAN} 1.2, float32: matrix products with float32 operands." in lines
    assert lines[-1] == "Marian [has] two cells."


def test_bfloat16_is_compared_where_the_processor_has_it() -> None:
    python = Path("python")
    without, with_it = (sides_to_measure(each, python) for each in (["avx512f"], ["avx512f", "amx_bf16"]))
    assert [(each.name, each.variant) for each in without] == [
        *((OWN, "float32"), (JOEY, "float32"), (MARIAN, "float32"), (OWN, "float32, shortlist"))
    ]
    assert [(each.name, each.variant) for each in with_it[3:]] == [
        *((OWN, "bfloat16"), (JOEY, "bfloat16"), (OWN, "bfloat16, shortlist"))
    ]


def test_every_round_begins_with_another_side(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(Side, "measure", lambda self, measure, _: asked.append((measure, self.name)))
    measure_in_turn([side("a"), side("b"), side("c", shortlist=True)], ["training", "greedy"], 2, 1.0)
    assert asked == [
        *(("training", "a"), ("training", "b"), ("greedy", "a"), ("greedy", "b"), ("greedy", "c")),
        *(("training", "b"), ("training", "a"), ("greedy", "b"), ("greedy", "c"), ("greedy", "a")),
    ]


def test_training_alone_has_no_side_with_a_shortlist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def report(self: Side, measure: str, _: float) -> None:
        self.reports += side(self.name, self.precision, **{f"{measure}_tokens_per_second": [500.0]}).reports

    monkeypatch.setattr(Side, "measure", report)
    output = tmp_path / "peers.json"
    options = ["--measure", "training", "--rounds", "1", "--peer-python", sys.executable]
    assert main([*options, "--output", str(output)]) == 0
    sides = json.loads(output.read_text(encoding="utf-8"))["sides"]
    assert {each["peer"] for each in sides} == set(ARCHITECTURES)
    assert all("training_tokens_per_second" in each and "shortlist" not in each["variant"] for each in sides)


def test_a_program_that_fails_is_named_with_its_last_words() -> None:
    with pytest.raises(UserError, match=r"(?s)Marian, float32: greedy failed.*No module named") as said:
        side(MARIAN).measure("greedy", 1.0)
    assert "benchmarks.no_such_side" in str(said.value)


class TestMariansLog:
    """Lines as it writes them, two seconds apart; the first four seconds are the warm-up."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        clock = SimpleNamespace(now=0.0)
        monkeypatch.setattr(marian_side, "time", SimpleNamespace(perf_counter=lambda: clock.now))
        monkeypatch.setattr(marian_side, "WARM_UP_SECONDS", 4.0)
        return clock

    @staticmethod
    def log(clock: SimpleNamespace, tokens: list[int]) -> Iterator[str]:
        yield "[2026-01-01 00:00:00] Training started\n"
        for number, count in enumerate(tokens, start=1):
            clock.now += 2.0
            yield "[2026-01-01 00:00:00] [data] Shuffling data\n"
            yield (
                f"[2026-01-01 00:00:00] Ep. 1 : Up. {4 * number} : Sen. {256 * number:,} : Cost 8.98 * "
                f"{count:,} @ 1,024 after {9 * count:,} : Time 2.00s : 512.00 words/s : gNorm 1.5\n"
            )

    def rates(self, clock: SimpleNamespace, tokens: list[int], seconds: float) -> Any:
        return marian_side._logged_rates(self.log(clock, tokens), seconds)

    def test_rates_begin_behind_the_warm_up_and_end_in_time(self, clock: SimpleNamespace) -> None:
        # The first line starts the warm-up; the next two were written in it.
        tokens = [10, 20, 30, 4000, 5000, 6000, 7000, 8000, 9000]
        assert self.rates(clock, tokens, seconds=7.0) == [2000.0, 2500.0, 3000.0, 3500.0]
        assert clock.now == 14.0

    def test_there_are_three_at_least(self, clock: SimpleNamespace) -> None:
        assert self.rates(clock, [10, 20, 30, 4000, 5000, 6000, 7000], seconds=0.1) == [2000, 2500, 3000]

    def test_a_log_that_ends_is_shown(self, clock: SimpleNamespace) -> None:
        with pytest.raises(RuntimeError, match=r"(?s)Marian stopped training:.*Up\. 16 "):
            self.rates(clock, [10, 20, 30, 4000], seconds=60.0)
