"""A real browser: Debian's Chromium, headless, driven by Playwright, which downloads nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.browser.chromium import NO_BROWSER, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.page_server import PageServer

OpenPage = Callable[..., "Page"]

CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
LOCAL_SCHEMES = {"file", "data", "blob", "about"}


# Not for the whole session: while it is open, Playwright keeps an event loop running in this thread,
# and `asyncio.run` refuses to work in the tests that follow.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """`open_page(url, **context_options) -> Page`; afterwards, the page must have been well-behaved.

    The test fails when a script failed, the Content-Security-Policy stopped something, or a request left
    the address that the page came from. Options are those of Playwright's `new_context`, such as
    `viewport={"width": 360, "height": 740}` or `color_scheme="dark"`.
    """
    contexts = []
    complaints: list[str] = []

    def open_url(url: str, **options: Any) -> Page:
        # Colours would still be on their way to what the test looks at.
        context = browser.new_context(**{"reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(f"script failed: {error}"))
        page.on("console", lambda message: _note_console(message.text, complaints))
        page.on("request", lambda request: _note_request(request.url, url, complaints))
        page.goto(url)
        return page

    yield open_url
    for context in contexts:
        context.close()
    assert not complaints


def _note_console(text: str, complaints: list[str]) -> None:
    if "Content Security Policy" in text:
        complaints.append(text)


def _note_request(requested: str, page_url: str, complaints: list[str]) -> None:
    there, here = urlsplit(requested), urlsplit(page_url)
    if there.scheme not in LOCAL_SCHEMES and (there.scheme, there.netloc) != (here.scheme, here.netloc):
        complaints.append(f"a request left the page's address: {requested}")


@pytest.fixture
def page_server() -> Iterator[PageServer]:
    """The inspector's page with answers that the test decides."""
    from tests.browser.page_server import PageServer

    server = PageServer()
    yield server
    server.close()
    assert not server.unforeseen, f"the page asked for what the test has no answer to: {server.unforeseen}"


@pytest.fixture
def translated(page_server: PageServer, open_page: OpenPage) -> OpenPage:
    """`translated(answer, options, **state) -> Page`: a link to a translated sentence, with its answer there.

    What the test has put into `page_server.answers` stays; `state` is what the address says.
    """
    from tests.browser.answers import alternatives, answered, translation
    from tests.browser.inspector_page import SOURCE, TARGET, WEIGHTS

    def open_translated(answer: dict[str, Any] | None = None, options: Any = None, **state: Any) -> Page:
        answer = answer or translation(SOURCE, TARGET, weights=WEIGHTS)
        page_server.answers.setdefault("/api/translate", lambda _: answered(answer))
        page_server.answers.setdefault(
            "/api/alternatives", lambda _: alternatives(("▁nicht", 0.7), ("▁kaum", 0.2))
        )
        fragment = urlencode({"s": answer["source"]["text"], **state})
        page = open_page(f"{page_server.url}#{fragment}", **(options or {}))
        page.wait_for_selector("#answer:not([hidden])")
        return page

    return open_translated


@pytest.fixture
def no_serious_violations() -> Callable[[Page], None]:
    """Asserts that axe-core finds nothing serious or critical on a page."""
    from axe_playwright_python.sync_playwright import Axe

    def check(page: Page) -> None:
        violations = Axe().run(page).response["violations"]
        bad = [
            f"{each['id']} ({each['impact']}): {each['help']}: {[node['html'] for node in each['nodes'][:3]]}"
            for each in violations
            if each["impact"] in ("serious", "critical")
            # The test model's language is made up, and no mistake of the page.
            and not (
                each["id"] == "valid-lang" and all('lang="xx"' in node["html"] for node in each["nodes"])
            )
        ]
        assert not bad, "\n".join(bad)

    return check
