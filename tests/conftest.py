"""What several test files need; everything that loads TensorFlow is imported when it is asked for."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest

from seq2seq.processor import core_count
from seq2seq.startup import prepare_environment, share_cores
from tests.browser.chromium import NO_BROWSER

if TYPE_CHECKING:
    from data.tokenizer import TokenizerPair
    from seq2seq.run_directory import RunDirectory

prepare_environment()
# Each core has a worker (-n auto). Commands would set this by themselves, and for all later tests, too.
share_cores(core_count())
# A graph is made of very many small objects. Looking through them as often as Python does by itself took a
# tenth of the tests' time.
gc.set_threshold(50_000, 20, 100)

# Files that take minutes come first: at the end no core shall wait for what another has just begun.
LONGEST_FILES = (
    "test_configurations.py",
    "test_training.py",
    "test_guided_attention.py",
    "test_translate_command.py",
    "test_prompt.py",
    "test_pinned_attention.py",
    "test_search_phases.py",
    "test_measurements.py",
    "test_kept_epochs.py",
    "test_inspector_with_server.py",
    "test_ship.py",
    "test_checkpoints.py",
)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: now and then one waits for a browser, a server or a command."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


# Not in tests/browser/: where workers run the tests (pytest-xdist), only they read the conftest.py of that
# folder, and it is not they who write the summary.
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NO_BROWSER in str(report.longrepr) for report in skipped):
        terminalreporter.section("browser tests")
        terminalreporter.write_line(NO_BROWSER, yellow=True, bold=True)


@pytest.fixture(scope="session")
def tiny_tokenizers() -> TokenizerPair:
    """A joint tokenizer of 340 pieces; see tests/seq2seq/tiny_run.py."""
    from tests.seq2seq.tiny_run import tiny_tokenizers

    return tiny_tokenizers()


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizers: TokenizerPair) -> RunDirectory:
    """A run with a tiny untrained model."""
    from tests.seq2seq.tiny_run import make_tiny_run

    return make_tiny_run(tmp_path_factory.mktemp("runs") / "tiny", tokenizers=tiny_tokenizers)
