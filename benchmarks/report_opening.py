"""The page of `evaluate.py --report`: how large its file is, and how long a browser takes to open it.

The sentences are made up and so is their attention, which is soft: it packs worse than a trained
translator's. The browser is Chromium, headless, driven by Playwright; where one of them is missing only the
size is measured.
"""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.figures import Outcome
from benchmarks.made_up_text import generated_pairs
from data.segmentation import Segmentation, segmentation_of
from seq2seq.translation import Hypothesis, Translation

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_LONGEST_PIECE = 5  # characters: two or three pieces for a made-up word, more than a trained tokenizer's
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
# Ends when the browser has drawn what was done before.
_DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(frozen=True)
class Settings:
    """How many sentences, and how often the page is opened."""

    sentences: int = 1000
    openings: int = 7


SHORT = Settings()
LONG = Settings(openings=30)


def measure(settings: Settings = SHORT) -> Outcome:
    """Megabytes of the file; milliseconds until it is open, and until its sentences are sorted.

    Beside the clock's time stands the processor's, which does not depend on what else the machine does.
    """
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        write_made_up_report(path, settings.sentences)
        outcome.add(f"{settings.sentences:,} sentences, file", path.stat().st_size / 1e6, "MB")
        chromium = next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)
        if chromium is None or importlib.util.find_spec("playwright") is None:
            outcome.notes.append("without Chromium and Playwright nothing was opened")
            return outcome
        _open(outcome, path, chromium, settings)
    return outcome


def _open(outcome: Outcome, path: Path, chromium: str, settings: Settings) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_CHROMIUM_FLAGS))
        rounds = [_seconds_of_an_opening(browser, path) for _ in range(settings.openings + 1)][1:]
        browser.close()
    for what in rounds[0]:
        name = f"{settings.sentences:,} sentences, {what}"
        outcome.add_runs(name, [1000 * seconds[what] for seconds in rounds], "ms")


def _seconds_of_an_opening(browser: Browser, path: Path) -> dict[str, float]:
    from benchmarks.timing import timed

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    seconds = {}

    def opened() -> None:
        page.goto(path.as_uri())
        page.evaluate(_DRAWN)

    def sorted_worst_first() -> None:
        page.click(".worst")
        page.evaluate(_DRAWN)

    def list_drawn() -> None:
        page.click("#tab-sentences")
        page.evaluate(_DRAWN)

    seconds["opened and drawn"] = timed(opened)
    metrics = {each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]}
    seconds["opened and drawn, processor time of the page"] = metrics["ProcessTime"]
    seconds["sentences shown"] = timed(list_drawn)
    seconds["sorted, the worst one's heat map drawn"] = timed(sorted_worst_first)
    context.close()
    return seconds


def write_made_up_report(path: Path, sentences: int) -> None:
    """Evaluate made-up translations of made-up sentences, and write the report of it."""
    from seq2seq.evaluation import EvaluationOptions, EvaluationSet, evaluate
    from seq2seq.report.document import write_html
    from seq2seq.report.gathered_set import GatheredSet
    from seq2seq.search_options import SearchOptions
    from seq2seq.text_metrics import TextScorer

    pairs = list(generated_pairs(sentences))
    each = EvaluationSet("made up", tuple(source for source, _ in pairs), tuple((it,) for _, it in pairs))
    gathered = GatheredSet()
    options = EvaluationOptions(SearchOptions())
    report = evaluate(_MadeUpTranslator(dict(pairs)), each, TextScorer(), options, observe=gathered.observe)
    system: dict[str, Any] = {
        "name": "made up",
        "runs": [],
        "source_language": None,
        "target_language": None,
    }
    described = {"system": system, "corpus": "made up", "versions": {}, **report}
    write_html(path, [described], [gathered.finished(described)])


class _MadeUpTranslator:
    """Swaps every third word of the right translation with the next, and looks around the right place."""

    def __init__(self, translations: dict[str, str]) -> None:
        self._translations = translations
        self._generator = np.random.default_rng(1)

    def translate_stream(self, texts: Iterable[str], *_: Any, **__: Any) -> Iterator[Translation]:
        for text in texts:
            words = self._translations[text].split()
            for place in range(0, len(words) - 1, 3):
                words[place], words[place + 1] = words[place + 1], words[place]
            yield self._translation(text, " ".join(words))

    def score_stream(self, pairs: Iterable[tuple[str, str]], *_: Any, **__: Any) -> Iterator[Translation]:
        for source, target in pairs:
            yield self._translation(source, target)

    def _translation(self, source_text: str, target_text: str) -> Translation:
        source, target = _in_pieces(source_text), _in_pieces(target_text)
        rows, columns = len(target.pieces) + 1, len(source.pieces) + 1
        distance = np.arange(columns) - np.linspace(0, columns - 1, rows)[:, np.newaxis]
        scores = -0.3 * np.abs(distance) + self._generator.normal(size=(rows, columns))
        weights = np.exp(scores)
        probabilities = self._generator.uniform(0.2, 1.0, size=rows)
        hypothesis = Hypothesis(
            target=target,
            token_log_probabilities=np.log(probabilities),
            log_probability=float(np.log(probabilities).sum()),
            score=float(np.log(probabilities).mean()),
            finished=True,
            attention=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        )
        return Translation(source, (hypothesis,))


def _in_pieces(text: str) -> Segmentation:
    """The text cut after every few characters of a word."""
    pieces, spans, begin = [], [], 0
    for word in text.split(" "):
        size = len(word.encode())
        cuts = [*range(0, size, _LONGEST_PIECE), size]
        # A letter of two bytes may be cut in two here; the segmentation gives it to the later piece.
        spans += [(begin + start, begin + end) for start, end in itertools.pairwise(cuts)]
        pieces += [f"▁{word}"[start : start + _LONGEST_PIECE] for start in cuts[:-1]]
        begin += size + 1
    return segmentation_of(text, range(4, 4 + len(pieces)), pieces, spans, "unicode")
