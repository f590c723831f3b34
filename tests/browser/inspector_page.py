"""What the tests of the inspector's page look at: a small translation, its words and its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SOURCE, TARGET = "I do not see it", "ich sehe es nicht"
# "nicht" looks at "not"; "sehe" at "see".
WEIGHTS = [
    [0.80, 0.10, 0.05, 0.03, 0.01, 0.01],
    [0.05, 0.05, 0.10, 0.70, 0.05, 0.05],
    [0.02, 0.02, 0.02, 0.02, 0.90, 0.02],
    [0.01, 0.11, 0.83, 0.02, 0.02, 0.01],
    [0.00, 0.00, 0.00, 0.00, 0.10, 0.90],
]
UNLIT = "rgba(0, 0, 0, 0)"


def word(page: Page, side: str, number: int) -> Locator:
    return page.locator(f'.{side}-text .unit[data-index="{number}"]')


def plain(text: str | None) -> str:
    """With ordinary spaces before the per cent signs."""
    return (text or "").replace("\u00a0", " ")


def note(page: Page) -> str:
    """What the page says about the place that is pointed at."""
    return plain(page.locator(".attention-view .pointed-at").inner_text())


def label(locator: Locator) -> str:
    return plain(locator.get_attribute("aria-label"))


def focused_label(page: Page) -> str:
    return plain(page.evaluate("document.activeElement.getAttribute('aria-label')"))


def focused_text(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def paper(locator: Locator) -> str:
    return str(locator.evaluate("each => getComputedStyle(each).backgroundColor"))


def cell(page: Page, row: int, column: int) -> Locator:
    """A cell of the heat map, counted without the labels."""
    return page.locator("#panel-attention .heat-map tbody tr").nth(row).locator("td").nth(column)


def ask(page: Page, sentence: str) -> None:
    """Types a sentence and presses Enter, once the page knows its models and listens."""
    page.wait_for_function("() => document.getElementById('model').options.length > 0")
    box = page.get_by_label("Sentence to translate")
    box.fill(sentence)
    box.press("Enter")


def wait_for_target(page: Page, text: str) -> None:
    page.wait_for_function("text => document.querySelector('.target-text')?.textContent === text", arg=text)
