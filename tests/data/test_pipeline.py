from __future__ import annotations

import gc
import hashlib
import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.batching import Batch, BatchPlanner, EncodedPairs
from data.careless_typing import CarelessTyping
from data.errors import DataError
from data.pair_store import PairStore
from data.pipeline import BatchPipeline
from data.prefetch import prefetched
from data.shape_grid import ShapeGrid
from data.token_rows import TokenRows
from data.tokenizer import TokenizerPair, train_tokenizers

ROOT = Path(__file__).resolve().parents[2]
PAD, BOS, EOS = 0, 1, 2
MAX_LENGTH = 60


def generated_pairs(count: int, seed: int = 1) -> list[tuple[str, str]]:
    generator = random.Random(seed)
    words = ["".join(generator.choices("abcdeilmnorstuü", k=generator.randint(2, 7))) for _ in range(200)]
    pairs = []
    for _ in range(count):
        sentence = [words[int(200 * generator.random() ** 2)] for _ in range(generator.randint(1, 14))]
        source = f"{' '.join(sentence).capitalize()}."
        pairs.append((source, " ".join(word[::-1] for word in sentence)))
    return pairs


PAIRS = generated_pairs(600)
# Too long by words, too long on one side only, and empty ones.
ODD_PAIRS = [("ab " * 80, "x"), ("x", "ba " * 80), ("", "leer"), ("empty", ""), ("  ", " ")]
EVERY_PAIR = [*PAIRS[:300], *ODD_PAIRS, *PAIRS[300:]]
ODD = set(range(300, 305))


@pytest.fixture(scope="module")
def tokenizers() -> TokenizerPair:
    return train_tokenizers(PAIRS, joint=False, vocabulary_size=(420, 400))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PairStore]:
    with PairStore.write(tmp_path_factory.mktemp("store"), EVERY_PAIR) as store:
        yield store


@pytest.fixture
def make(store: PairStore, tokenizers: TokenizerPair) -> Callable[..., BatchPipeline]:
    def pipeline(**settings: Any) -> BatchPipeline:
        if "tokens_per_batch" not in settings:
            settings.setdefault("batch_size", 16)
        return BatchPipeline(store, tokenizers, **{"max_length": MAX_LENGTH, "seed": 3, **settings})

    return pipeline


def same(left: Any, right: Any) -> bool:
    left, right = list(left), list(right)
    return len(left) == len(right) and all(
        all(np.array_equal(a, b) for a, b in zip(x, y, strict=True)) for x, y in zip(left, right, strict=True)
    )


SETTINGS: list[dict[str, Any]] = [
    {},
    {"sampling_alpha": 0.2},
    {"cached_pairs": 0},
    {"cached_pairs": 0, "sampling_alpha": 0.2},
    {"window_pairs": 100},
    {"window_pairs": 100, "sampling_alpha": 0.2, "max_shapes": 6},
    {"careless_typing": CarelessTyping(0.5)},
    {"cached_pairs": 0, "careless_typing": CarelessTyping(0.5)},
    {"sampling_alpha": 0.2, "careless_typing": CarelessTyping(0.5), "window_pairs": 100},
    {"shuffle": False, "careless_typing": CarelessTyping(0.5)},
    {"tokens_per_batch": 300},
    {"tokens_per_batch": 1000, "window_pairs": 120, "cached_pairs": 0},
    {"tokens_per_batch": 10},
    {"shuffle": False},
    {"max_shapes": 1},
    {"prefetched_batches": 0},
    {"batch_size": 5000},
]
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)


# ---------------------------------------------------------------- what is in the batches


@every_setting
def test_every_usable_pair_comes_once(make: Any, settings: dict[str, Any]) -> None:
    for epoch in (0, 1):
        seen = np.concatenate([batch.indices for batch in make(**settings).batches(epoch)])
        assert len(seen) == len(set(seen.tolist()))
        assert set(seen.tolist()) == set(range(len(EVERY_PAIR))) - ODD


@every_setting
def test_rows_are_the_pairs(make: Any, tokenizers: TokenizerPair, settings: dict[str, Any]) -> None:
    for batch in make(**settings).batches(1):
        assert all(array.dtype == np.int32 for array in batch)
        assert batch.target_input_tokens.shape == batch.target_output_tokens.shape
        for source, target_input, target_output, index in zip(*batch, strict=True):
            x, y = _without_padding(source), _without_padding(target_output)
            assert x[-1] == y[-1] == EOS
            assert _without_padding(target_input) == [BOS, *y[:-1]]
            source_text, target_text = EVERY_PAIR[index]
            spelt = tokenizers.source.decode(x)
            if "careless_typing" not in settings:
                assert spelt == source_text
            assert spelt.casefold().rstrip(".") == source_text.casefold().rstrip(".")
            assert tokenizers.target.decode(y) == target_text
            if "sampling_alpha" not in settings:
                assert x == [*tokenizers.source.encode(spelt), EOS]
                assert y == [*tokenizers.target.encode(target_text), EOS]


def _without_padding(row: np.ndarray) -> list[int]:
    length = int((row != PAD).sum())
    assert (row[:length] != PAD).all(), "padding only at the end"
    return row[:length].tolist()


@every_setting
def test_shapes_come_from_the_grid(make: Any, settings: dict[str, Any]) -> None:
    pipeline = make(**settings)
    allowed = {tuple(shape) for shape in pipeline.shape_grid.shapes.tolist()}
    assert len(allowed) <= settings.get("max_shapes", 40)
    assert (MAX_LENGTH + 1, MAX_LENGTH + 1) in allowed
    for batch in pipeline.batches(0):
        assert (batch.source_tokens.shape[1], batch.target_output_tokens.shape[1]) in allowed


@every_setting
def test_only_the_last_batch_is_partial(make: Any, settings: dict[str, Any]) -> None:
    batches = list(make(**settings).batches(0))
    if "tokens_per_batch" not in settings:
        size = settings.get("batch_size", 16)
        assert all(len(batch.indices) == size for batch in batches[:-1])
        assert 1 <= len(batches[-1].indices) <= size
        return
    budget = settings["tokens_per_batch"]
    for batch in batches:
        rows = len(batch.indices)
        longest = max(batch.source_tokens.shape[1], batch.target_output_tokens.shape[1])
        assert rows * longest <= budget or rows == 1
        # One more row, or eight more, would not have fitted.
        if batch is not batches[-1]:
            assert (rows + (8 if rows >= 8 else 1)) * longest > budget


def test_sampling_only_when_asked(make: Any) -> None:
    plain, sampled = make().batches(0), make(sampling_alpha=0.2).batches(0)
    plain_rows, sampled_rows = _rows_by_index(plain), _rows_by_index(sampled)
    different = sum(plain_rows[index] != sampled_rows[index] for index in plain_rows)
    assert different > len(plain_rows) / 2
    other_epoch = _rows_by_index(make(sampling_alpha=0.2).batches(1))
    assert sum(sampled_rows[index] != other_epoch[index] for index in plain_rows) > len(plain_rows) / 2


def test_sampling_falls_back_when_the_sample_is_too_long(make: Any, tokenizers: TokenizerPair) -> None:
    rows = _rows_by_index(make(sampling_alpha=0.95).batches(0))
    assert set(rows) == set(range(len(EVERY_PAIR))) - ODD
    usual = [
        index
        for index, row in rows.items()
        if _without_padding(np.array(row)) == [*tokenizers.source.encode(EVERY_PAIR[index][0]), EOS]
    ]
    assert any(len(EVERY_PAIR[index][0]) > MAX_LENGTH for index in usual)
    assert len(usual) < len(rows), "short ones are sampled"


def _rows_by_index(batches: Iterator[Batch]) -> dict[int, list[int]]:
    return {
        int(index): _without_padding(row)
        for batch in batches
        for row, index in zip(batch.source_tokens, batch.indices, strict=True)
    }


@pytest.fixture
def typed(tokenizers: TokenizerPair, tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """What training reads for each of `EDITED`, in order."""
    with PairStore.write(tmp_path, [(text, "x") for text in EDITED]) as store:

        def read(epoch: int, **settings: Any) -> list[str]:
            pipeline = BatchPipeline(store, tokenizers, **{"batch_size": 16, "max_length": 60, **settings})
            rows = _rows_by_index(pipeline.batches(epoch))
            return [tokenizers.source.decode(rows[index]) for index in range(len(EDITED))]

        yield read


EDITED = [source for source, _ in PAIRS if len(source) < 56]


@pytest.mark.parametrize("sampling_alpha", [0.0, 0.2])
def test_some_sources_are_typed_carelessly(typed: Any, sampling_alpha: float) -> None:
    settings = {"sampling_alpha": sampling_alpha, "careless_typing": CarelessTyping(0.3)}
    assert typed(0, sampling_alpha=sampling_alpha) == EDITED
    changes = []
    for epoch in (0, 1):
        texts = typed(epoch, **settings)
        changes.append({place for place, text in enumerate(texts) if text != EDITED[place]})
        assert 0.2 < len(changes[-1]) / len(EDITED) < 0.4
        for place in changes[-1]:
            assert texts[place].casefold().rstrip(".") == EDITED[place].casefold().rstrip(".")
    assert changes[0] != changes[1]


def test_without_a_cache_nobody_knows_how_many_batches_typed_tokens_will_fill(make: Any) -> None:
    assert make(tokens_per_batch=300).batch_count() is not None
    assert make(tokens_per_batch=300, careless_typing=CarelessTyping(0.5)).batch_count() is None


def test_what_is_too_long_in_capitals_stays_as_it_is(typed: Any, tokenizers: TokenizerPair) -> None:
    longest = max(len(tokenizers.source.encode(text)) for text in EDITED)
    texts = typed(0, careless_typing=CarelessTyping(1.0), max_length=longest)
    usual = [text for text, edited in zip(texts, EDITED, strict=True) if text == edited]
    assert 0 < len(usual) < len(EDITED) / 4
    assert all(len(tokenizers.source.encode(text.upper())) > longest for text in usual)
    assert any(text.isupper() for text in texts)


def test_cutting_keeps_every_pair(make: Any, tokenizers: TokenizerPair) -> None:
    pipeline = make(too_long="cut", shuffle=False)
    rows = _rows_by_index(pipeline.batches(0))
    assert set(rows) == set(range(len(EVERY_PAIR)))
    assert rows[300] == [*tokenizers.source.encode(EVERY_PAIR[300][0])[:MAX_LENGTH], EOS]
    assert rows[302] == [EOS]
    assert pipeline.report().cut == 2
    assert same(pipeline.batches(0), pipeline.batches(7))


# ---------------------------------------------------------------- order


@every_setting
def test_an_epoch_is_reproducible(make: Any, settings: dict[str, Any]) -> None:
    pipeline = make(**settings)
    list(pipeline.batches(5))
    assert same(pipeline.batches(2), make(**settings).batches(2))


@every_setting
def test_start_enters_exactly_there(make: Any, settings: dict[str, Any]) -> None:
    whole = list(make(**settings).batches(2))
    for start in (0, 1, len(whole) // 2, len(whole) - 1, len(whole), len(whole) + 5):
        assert same(make(**settings).batches(2, start=start), whole[start:])


@pytest.mark.parametrize("window_pairs", [100, 1000])
@pytest.mark.parametrize("sampling_alpha", [0.0, 0.2])
@pytest.mark.parametrize("careless_typing", [None, CarelessTyping(0.5)])
def test_the_cache_changes_nothing(
    make: Any, window_pairs: int, sampling_alpha: float, careless_typing: CarelessTyping | None
) -> None:
    settings = {
        "window_pairs": window_pairs,
        "sampling_alpha": sampling_alpha,
        "careless_typing": careless_typing,
    }
    cached, streamed = make(**settings), make(cached_pairs=0, **settings)
    assert np.array_equal(cached.shape_grid.shapes, streamed.shape_grid.shapes)
    assert same(cached.batches(1), streamed.batches(1))


def test_epochs_and_seeds_differ(make: Any) -> None:
    orders = [
        np.concatenate([batch.indices for batch in make(seed=seed).batches(epoch)]).tolist()
        for seed, epoch in ((3, 0), (3, 1), (4, 0), (1, 3))
    ]
    assert len({tuple(order) for order in orders}) == len(orders)


def test_epochs_put_other_pairs_together(make: Any) -> None:
    together = [{frozenset(batch.indices.tolist()) for batch in make().batches(epoch)} for epoch in (0, 1)]
    # The few longest pairs have only each other to be with.
    assert len(together[0] & together[1]) < len(together[0]) / 4


def test_epochs_sample_anew_even_when_their_order_is_the_same(make: Any) -> None:
    pipeline = make(sampling_alpha=0.2, shuffle=False)
    assert _rows_by_index(pipeline.batches(0)) != _rows_by_index(pipeline.batches(1))


def test_each_part_of_a_window_is_sampled_anew(
    tokenizers: TokenizerPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.pair_encoder._PAIRS_PER_CHUNK", 10)
    store = PairStore.write(tmp_path, PAIRS[:10] * 4)
    pipeline = BatchPipeline(store, tokenizers, batch_size=4, sampling_alpha=0.3, shuffle=False)
    rows = _rows_by_index(pipeline.batches(0))
    parts = [[rows[index] for index in range(begin, begin + 10)] for begin in range(0, 40, 10)]
    assert all(left != right for left, right in itertools.combinations(parts, 2))


def test_batches_are_shuffled_over_lengths(make: Any) -> None:
    lengths = np.array([batch.source_tokens.shape[1] for batch in make().batches(0)][:-1])
    assert abs(np.corrcoef(np.arange(len(lengths)), lengths)[0, 1]) < 0.35
    rising = [batch.target_output_tokens.shape[1] for batch in make(shuffle=False).batches(0)][:-1]
    assert rising == sorted(rising)


def test_the_same_batches_in_another_process(
    make: Any, store: PairStore, tokenizers: TokenizerPair, tmp_path: Path
) -> None:
    tokenizers.save(tmp_path)
    program = (
        "import sys, hashlib; from data.pipeline import BatchPipeline; from data.pair_store import PairStore;"
        "from data.tokenizer import TokenizerPair; from data.careless_typing import CarelessTyping;"
        "settings = dict(batch_size=16, max_length=60, seed=3, sampling_alpha=0.2);"
        "settings['careless_typing'] = CarelessTyping(0.5);"
        "p = BatchPipeline(PairStore(sys.argv[1]), TokenizerPair.load(sys.argv[2]), **settings);"
        "print(hashlib.sha256(b''.join(a.tobytes() for b in p.batches(4) for a in b)).hexdigest());"
        "print('tensorflow' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(store.folder), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"},
    )
    here = make(sampling_alpha=0.2, careless_typing=CarelessTyping(0.5)).batches(4)
    expected = hashlib.sha256(b"".join(a.tobytes() for batch in here for a in batch)).hexdigest()
    assert ran.stdout.split() == [expected, "False"]


# ---------------------------------------------------------------- counts


@every_setting
def test_report_counts_what_the_batches_hold(make: Any, settings: dict[str, Any]) -> None:
    pipeline = make(**settings)
    batches = list(pipeline.batches(1))
    report = pipeline.report(1)
    assert report.batches == len(batches)
    assert report.pairs == sum(len(batch.indices) for batch in batches) == len(PAIRS)
    assert (report.dropped_too_long, report.dropped_empty, report.cut) == (2, 3, 0)
    assert report.shapes == len(
        {(*batch.source_tokens.shape, *batch.target_output_tokens.shape) for batch in batches}
    )
    for name, side in (("source", 0), ("target", 2)):
        real = sum(int((batch[side] != PAD).sum()) for batch in batches)
        places = sum(batch[side].size for batch in batches)
        assert getattr(report, f"{name}_tokens") == real
        assert getattr(report, f"{name}_padding") == pytest.approx(1 - real / places)
    assert f"{len(batches):,} batches" in str(report)


@every_setting
def test_batch_count_is_true_when_it_is_known(make: Any, settings: dict[str, Any]) -> None:
    pipeline = make(**settings)
    before = pipeline.batch_count(1)
    actual = len(list(pipeline.batches(1)))
    assert before in (None, actual)
    counted, seen = make(**settings), []
    assert counted.count_pairs(lambda *done: seen.append(done)) == pipeline.kept_pairs()
    if "tokens_per_batch" not in settings:
        assert counted.batch_count(1) == actual
    assert seen[-1] == (len(counted.store), len(counted.store))
    cached, by_tokens = settings.get("cached_pairs") != 0, "tokens_per_batch" in settings
    assert (before is None) == (not cached)
    assert pipeline.batch_count(1) == (None if by_tokens and not cached else actual)


@every_setting
def test_later_epochs_have_the_first_pairs_alone(make: Any, settings: dict[str, Any]) -> None:
    lasting = 302  # two of them cannot be used
    settings = {**settings, "in_turn": [len(EVERY_PAIR) - lasting], "turn_epochs": 2}
    counted, pipeline = make(**settings), make(**settings)
    counted.count_pairs()
    for epoch in range(4):
        pairs = set(range(len(EVERY_PAIR) if epoch < 2 else lasting)) - ODD
        batches = list(pipeline.batches(epoch))
        assert sorted(np.concatenate([batch.indices for batch in batches]).tolist()) == sorted(pairs)
        assert pipeline.kept_pairs(epoch) == counted.kept_pairs(epoch) == len(pairs)
        if "tokens_per_batch" not in settings:
            assert counted.batch_count(epoch) == len(batches)
        assert same(pipeline.batches(epoch, start=2), batches[2:])


@every_setting
def test_parts_of_the_store_take_turns(make: Any, settings: dict[str, Any]) -> None:
    last = len(EVERY_PAIR) - 350
    settings = {**settings, "in_turn": [50, 0, last], "turn_epochs": 5}
    always, first, third = range(300), range(300, 350), range(350, len(EVERY_PAIR))
    of_epochs = [[*always, *part] for part in (first, [], third, first, [], [])]
    counted, pipeline = make(**settings), make(**settings)
    assert counted.count_pairs() == len(set(range(len(EVERY_PAIR))) - ODD)
    for epoch, pairs in enumerate(of_epochs):
        batches = list(pipeline.batches(epoch))
        kept = sorted(set(pairs) - ODD)
        assert sorted(np.concatenate([batch.indices for batch in batches]).tolist()) == kept
        assert pipeline.kept_pairs(epoch) == counted.kept_pairs(epoch) == len(kept)
        assert pipeline.pair_count(epoch) == len(pairs)
        if "tokens_per_batch" not in settings:
            assert counted.batch_count(epoch) == len(batches)
        assert same(pipeline.batches(epoch, start=2), batches[2:])


@pytest.mark.parametrize("sizes", [[-1], [len(EVERY_PAIR)], [300, len(EVERY_PAIR) - 300]])
def test_every_epoch_needs_pairs_that_are_not_in_turn(make: Any, sizes: list[int]) -> None:
    with pytest.raises(DataError, match="in_turn"):
        make(batch_size=8, in_turn=sizes)


@every_setting
def test_epochs_of_the_same_pairs_are_planned_once(
    make: Any, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, planned = make(**settings, in_turn=[len(EVERY_PAIR) - 302], turn_epochs=2), []
    report = BatchPipeline.report
    monkeypatch.setattr(
        BatchPipeline, "report", lambda self, epoch: planned.append(epoch) or report(self, epoch)
    )
    whole, later = (pipeline.batch_count(epoch) for epoch in (0, 2))
    planned.clear()
    known = [whole, whole, later, later, later]
    assert pipeline.batch_counts(5) == (None if None in known else known)
    assert planned in ([], [0, 2])


@pytest.mark.parametrize("tokens_per_batch", [40, 200, 900])
def test_planned_batches_hold_their_pairs_and_keep_to_the_budget(tokens_per_batch: int) -> None:
    generator = np.random.default_rng(tokens_per_batch)
    for _ in range(20):
        # Unrelated lengths of the two sides: the hardest case for batches of mixed shapes.
        source, target = (
            TokenRows(np.ones(lengths.sum(), np.uint16), lengths)
            for lengths in generator.integers(1, 41, (2, int(generator.integers(1, 400))))
        )
        pairs = EncodedPairs(np.arange(len(source)), source, target)
        grid = ShapeGrid.fit(source.lengths, target.lengths, longest=40, max_shapes=12)
        planner = BatchPlanner(grid, batch_size=None, tokens_per_batch=tokens_per_batch)
        batches, left_over = planner.full_batches(pairs)
        for rows, source_length, target_length in batches:
            assert source.lengths[rows].max() <= source_length
            assert target.lengths[rows].max() <= target_length
            assert len(rows) == 1 or len(rows) * max(source_length, target_length) <= tokens_per_batch
        everything = np.concatenate([left_over, *(batch.rows for batch in batches)])
        assert sorted(everything.tolist()) == list(range(len(pairs)))
        if len(left_over):
            last = planner.last_batch(pairs, left_over)
            assert len(last.rows) * max(last.source_length, last.target_length) <= tokens_per_batch


def test_few_shapes_still_leave_little_padding(make: Any) -> None:
    report = make(batch_size=8).report()
    assert report.source_padding < 0.15
    assert report.target_padding < 0.15
    assert make(batch_size=8, max_shapes=1).report().source_padding > 0.4


# ---------------------------------------------------------------- the shape grid


def test_grid_gives_each_pair_the_smallest_shape() -> None:
    generator = np.random.default_rng(0)
    source, target = generator.integers(1, 41, (2, 3000))
    grid = ShapeGrid.fit(source, target, longest=40, max_shapes=12)
    for s, t in itertools.product(range(1, 41), repeat=2):
        fitting = [shape for shape in grid.shapes if shape[0] >= s and shape[1] >= t]
        assert grid.shapes[grid.smallest[s, t]].sum() == min(shape.sum() for shape in fitting)


def test_grid_is_optimal_on_one_side() -> None:
    targets = np.random.default_rng(1).choice(
        [1, 2, 3, 5, 8, 9, 12], 500, p=[0.3, 0.1, 0.2, 0.1, 0.1, 0.1, 0.1]
    )
    sources = np.ones_like(targets)

    def padded(ends: tuple[int, ...]) -> int:
        return int(np.array(ends)[np.searchsorted(ends, targets)].sum())

    best = min(padded((*ends, 12)) for ends in itertools.combinations([1, 2, 3, 5, 8, 9], 2))
    grid = ShapeGrid.fit(sources, targets, longest=12, max_shapes=5)
    chosen = tuple(sorted(t for s, t in grid.shapes.tolist() if s == 1))
    assert len(chosen) == 3
    assert padded(chosen) == best


# ---------------------------------------------------------------- reading ahead


def _no_thread_is_left() -> bool:
    deadline = time.monotonic() + 3
    while any(thread.name == "prefetch" for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_an_error_in_the_thread_reaches_the_consumer() -> None:
    def failing() -> Iterator[int]:
        yield from range(3)
        raise DataError("broken here")

    for depth in (0, 1, 8):
        received: list[int] = []
        with pytest.raises(DataError, match="broken here"):
            received.extend(prefetched(failing, depth))
        assert received == [0, 1, 2]
    assert _no_thread_is_left()


@pytest.mark.parametrize("how", ["close", "forget", "exhaust", "never start"])
def test_the_thread_ends_with_the_consumer(make: Any, how: str) -> None:
    batches = make(batch_size=2, prefetched_batches=2).batches(0)
    if how != "never start":
        next(batches)
        assert any(thread.name == "prefetch" for thread in threading.enumerate())
    if how == "close":
        batches.close()
    elif how == "exhaust":
        list(batches)
    del batches
    gc.collect()
    assert _no_thread_is_left()


def test_closing_stops_work_that_would_never_end() -> None:
    made: list[int] = []

    def endless() -> Iterator[int]:
        for number in itertools.count():
            made.append(number)
            yield number
            assert number < 10_000, "nobody stopped this"

    ahead = prefetched(endless, 2)
    next(ahead)
    ahead.close()  # type: ignore[attr-defined]
    assert _no_thread_is_left()
    assert len(made) < 20


def test_the_thread_works_ahead_but_not_far() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    ahead = prefetched(numbers, 3)
    next(ahead)
    deadline = time.monotonic() + 3
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    # One is taken, three wait in the queue, one waits for a place.
    assert len(made) == 5
    assert list(ahead) == list(range(1, 100))


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": None}, "either batch_size or tokens_per_batch"),
        ({"batch_size": 8, "tokens_per_batch": 8}, "either batch_size or tokens_per_batch"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"max_length": 0}, "max_length must be at least 1"),
        ({"seed": -1}, "cannot be negative"),
        ({"sampling_alpha": -0.1}, "cannot be negative"),
    ],
)
def test_settings_out_of_range(
    store: PairStore, tokenizers: TokenizerPair, settings: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        BatchPipeline(store, tokenizers, **{"batch_size": 4, **settings})


def test_a_corpus_of_which_nothing_can_be_used(tokenizers: TokenizerPair, tmp_path: Path) -> None:
    store = PairStore.write(tmp_path, ODD_PAIRS)
    with pytest.raises(DataError, match="2 have more than 60 pieces on a side, 3 have an empty side"):
        next(BatchPipeline(store, tokenizers, batch_size=4, max_length=60).batches(0))


def test_progress_of_the_first_encoding(make: Any) -> None:
    calls: list[tuple[int, int]] = []
    make(progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(EVERY_PAIR), len(EVERY_PAIR))
