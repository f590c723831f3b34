"""The inspector in between: while answers are awaited, when it is drawn anew, and keys of the browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.answers import BEAM, BUSY, answer_to_each, pinned, sign, translation
from tests.browser.inspector_page import SOURCE, TARGET, WEIGHTS, ask, wait_for_target

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.page_server import PageServer

OpenPage = Callable[..., "Page"]


@pytest.mark.parametrize(
    "place",
    [
        ".source-text .unit",
        "#panel-attention .heat-map tbody td",
        "[role=tab][aria-selected=true]",
        ".choice [aria-checked=true]",
        ".hypothesis",
    ],
)
def test_keys_with_alt_are_the_browsers(
    page_server: PageServer, translated: Callable[..., Page], place: str
) -> None:
    # The next tab and the next kind of weights are asked for.
    page_server.answers.update(dict.fromkeys(("/api/beam", "/api/score"), lambda _: BUSY))
    page = translated(translation(SOURCE, TARGET, "das sehe ich nicht", weights=WEIGHTS), n=2)
    taken = """(each, altKey) => !each.dispatchEvent(
      new KeyboardEvent("keydown", { key: "ArrowRight", altKey, bubbles: true, cancelable: true }))"""
    element = page.locator(place).first
    element.focus()
    assert not element.evaluate(taken, True)
    assert element.evaluate(taken, False)  # alone it is the page's


def test_nothing_goes_on_from_the_beam_of_another_sentence(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page_server.answers["/api/translate"] = answer_to_each
    page = translated(view="beam")
    page.wait_for_selector(".beam-node")
    slow = threading.Event()

    def wait_for_it(_: Any) -> dict[str, Any]:
        slow.wait(10)
        return {"nodes": BEAM, "hypotheses": []}

    page_server.answers["/api/beam"] = wait_for_it
    ask(page, "another")
    page.locator("[inert] .beam-tree").wait_for()
    page.locator(".beam-node").first.dispatch_event("focus")
    assert page.evaluate("document.querySelector('.beam-node').closest('[inert]').matches('.stale')")
    slow.set()
    page.wait_for_function("() => !document.querySelector('[inert]')")
    assert page.locator(".beam-node").count() == len(BEAM)


def test_the_result_of_other_pins_is_marked_as_such(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    slow = threading.Event()
    answer = translation(SOURCE, TARGET, weights=WEIGHTS)

    def pin(body: dict[str, Any]) -> dict[str, Any]:
        if body["pins"][0]["source_words"] != [1]:
            slow.wait(10)
        return pinned(answer)

    page_server.answers["/api/pin"] = pin
    page = translated(answer, word=3, pins="1")
    page.wait_for_selector(".pin-change")
    assert page.locator(".stale .pin-change").count() == 0
    page.get_by_role("group", name="Source words to pin the attention to").get_by_text("see").click()
    page.wait_for_selector(".stale .pin-change")
    slow.set()
    page.wait_for_function("() => !document.querySelector('.stale .pin-change')")
    assert page.locator(".pin-change").count() == 1


def test_what_went_wrong_is_seen_from_far_below(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated(word=3)
    page.set_viewport_size({"width": 400, "height": 400})
    button = page.get_by_role("button", name="kaum")
    button.scroll_into_view_if_needed()
    assert page.evaluate("scrollY") > 400
    page_server.answers["/api/translate"] = lambda _: BUSY
    button.click()
    page.wait_for_selector("#question-problem:not([hidden])")
    top = page.locator("#question-problem").bounding_box()["y"]
    assert 0 <= top < 400


def test_a_held_warning_sign_stays_held_when_its_words_are_drawn_anew(
    translated: Callable[..., Page],
) -> None:
    signs = [sign("numbers", [1], [2])]
    page = translated(translation(SOURCE, TARGET, weights=WEIGHTS, warnings=signs))
    page.locator(".warnings li button").click()
    assert page.locator(".unit.pointed-out").all_inner_texts() == ["do", "es"]
    page.get_by_role("radio", name="Pieces").click()
    assert page.locator(".unit.pointed-out").count() == 2
    page.locator(".warnings li button[aria-pressed=true]").click()
    assert page.locator(".unit.pointed-out").count() == 0


def test_a_held_warning_sign_is_not_held_in_another_translation(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    signs = [sign("numbers", [1], [2])]
    page = translated(translation(SOURCE, TARGET, weights=WEIGHTS, warnings=signs))
    page.locator(".warnings li button").click()
    page_server.answers["/api/translate"] = answer_to_each
    ask(page, "one two three")
    wait_for_target(page, "answer to one two three")
    assert page.locator(".unit.pointed-out").count() == 0


def test_a_look_at_the_old_answer_does_not_overwrite_the_address_that_is_awaited(
    page_server: PageServer, open_page: OpenPage
) -> None:
    page_server.answers["/api/translate"] = answer_to_each
    page = open_page(page_server.url)
    for sentence in ("one", "two"):
        ask(page, sentence)
        wait_for_target(page, f"answer to {sentence}")
    slow = threading.Event()

    def refuse_late(_: Any) -> Any:
        slow.wait(10)
        return BUSY

    page_server.answers["/api/translate"] = refuse_late
    page.go_back()
    page.wait_for_selector("body.busy")
    page.get_by_role("radio", name="Pieces").click()
    assert "s=one" in page.url
    slow.set()
    page.wait_for_selector("#question-problem:not([hidden])")
    assert "s=one" in page.url
    page_server.answers["/api/translate"] = answer_to_each
    page.reload()
    wait_for_target(page, "answer to one")
    page.get_by_role("radio", name="Pieces").click()  # what is shown writes its address again
    assert "level=pieces" in page.url
