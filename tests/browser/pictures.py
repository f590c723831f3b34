"""Takes the pictures of the documentation from the page as it is: python -m tests.browser.pictures

Serves a model, asks and points as a person would, and writes docs/images/inspector*.png; with --report FILE
it takes report.png of a report that `evaluate.py --report FILE` has written, with --emerging runs/demo the
picture of a kept epoch. Letters are those of the machine: the pictures in the repository have Noto Sans.
No test; to be run when the page looks different.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from benchmarks.inspector_load import running_server
from seq2seq.shipped_models import DEFAULT_MODEL, find_run
from tests.browser.chromium import NO_BROWSER, chromium_path
from tests.browser.conftest import CHROMIUM_FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SENTENCE = "The children were playing with a red ball in the park."
CROOKED_BEAM = "My little brother does not like cold water."
GREEDY_DIFFERS = "How long have you been waiting here?"
WARNED = "Mr. Baker paid 1,250 dollars for it, see www.example.org."
OF_PIECES = "She is an independent woman."
OF_THE_DEMO = "The old woman is reading a small red book in the garden."
WIDTH = 1080


class Photographer:
    """Opens views of one server's page in one browser."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address

    def open(self, sentence: str, options: dict[str, Any] | None = None, **state: Any) -> Page:
        """A link to a view; `state` is what the address says."""
        page = new_page(self._browser, f"{self._address}#{urlencode({'s': sentence, **state})}", options)
        page.wait_for_selector("#answer:not([hidden])")
        return page

    def take_all(self) -> None:
        page = self.open(SENTENCE)
        page.locator(".target-text .unit").get_by_text("una", exact=True).click()
        page.wait_for_selector(".alternatives button")
        save_page(page, "inspector")

        page = self.open(SENTENCE)
        page.locator(".target-text .unit").get_by_text("roja", exact=True).click()
        page.wait_for_selector(".alternatives button")
        page.locator(".chips.pins").get_by_text("park").click()
        page.wait_for_selector(".pin-change")
        save(page, "inspector_pin", ".word-panel")

        page = self.open(SENTENCE, {"color_scheme": "dark"}, n=3, drawing="lines")
        page.locator(".one-line:last-child .unit").get_by_text("roja", exact=True).hover()
        save_page(page, "inspector_dark")

        page = self.open(OF_PIECES, level="pieces", drawing="lines", threshold=0.25)
        page.locator(".one-line:last-child .unit").get_by_text("iente", exact=True).hover()
        save(page, "inspector_links", "#panel-attention")

        page = self.open(CROOKED_BEAM, view="beam")
        page.locator(".beam-node.best").nth(3).hover()
        save(page, "inspector_beam", "#panel-beam")

        page = self.open(SENTENCE, view="why")
        page.wait_for_selector(".why-map .heat-map")
        save(page, "inspector_why", "#panel-why")

        page = self.open(GREEDY_DIFFERS, view="compare")
        page.wait_for_selector(".difference .heat-map")
        save(page, "inspector_compare", "#panel-compare")

        page = self.open(CROOKED_BEAM, attention="posterior")
        save(page, "inspector_posterior", "#panel-attention")

        page = self.open(WARNED)
        page.locator(".warnings button").first.hover()
        save(page, "inspector_warnings", "#panel-attention")

        page = self.open(SENTENCE, {"viewport": {"width": 390, "height": 844}})
        save_page(page, "inspector_narrow")

    def take_emerging(self) -> None:
        """The same sentence by the weights of the first epoch that was kept, the slider at its left end."""
        page = self.open(OF_THE_DEMO, checkpoint=1)
        save_page(page, "inspector_emerging")


def new_page(browser: Browser, url: str, options: dict[str, Any] | None = None, height: int = 900) -> Page:
    settings = {"reduced_motion": "reduce", "viewport": {"width": WIDTH, "height": height}, **(options or {})}
    page = browser.new_page(**settings)
    page.set_default_timeout(120_000)  # the model's first answers build its graphs
    page.goto(url)
    return page


def save(page: Page, name: str, selector: str) -> None:
    page.locator(selector).screenshot(path=IMAGES / f"{name}.png")


def save_page(page: Page, name: str) -> None:
    page.wait_for_timeout(200)  # a heat map that has got less room is drawn once more
    page.screenshot(path=IMAGES / f"{name}.png", full_page=True)


def take_report(browser: Browser, report: Path) -> None:
    """The worst sentences of an evaluation, the first of them open."""
    page = new_page(browser, report.resolve().as_uri(), {"viewport": {"width": 1280, "height": 900}})
    page.click("#tab-sentences")
    page.click(".worst")
    page.locator("[role=grid]").first.wait_for()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=IMAGES / "report.png")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"that is served (default: {DEFAULT_MODEL})")
    parser.add_argument("--report", type=Path, metavar="FILE", help="take report.png of it, and nothing else")
    parser.add_argument(
        "--emerging", metavar="RUN", help="take inspector_emerging.png of the demo, and nothing else"
    )
    options = parser.parse_args()
    path = chromium_path()
    if path is None:
        raise SystemExit(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_FLAGS)
        if options.report is not None:
            take_report(browser, options.report)
            return
        with running_server(find_run(options.emerging or options.model).path) as address:
            photographer = Photographer(browser, address)
            if options.emerging is not None:
                photographer.take_emerging()
            else:
                photographer.take_all()


if __name__ == "__main__":
    main()
