"""What the inspector's page shows, what it asks and what stands in its address belong together."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.browser.answers import BUSY, MODEL, answer_to_each, answered, beam_node, pinned, translation
from tests.browser.inspector_page import SOURCE, TARGET, WEIGHTS, ask, wait_for_target, word

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.page_server import PageServer

OpenPage = Callable[..., "Page"]

# Of every part of the state a value that is not the one it starts with.
ANOTHER_STATE = {
    "sentence": "a & b = “ü” 😀",
    "model": "other",
    "checkpoint": 3,
    "beamSize": 7,
    "nBest": 4,
    "lengthPenalty": 0.6,
    "prefix": ["▁a,", "b", "</s>"],
    "rank": 2,
    "level": "pieces",
    "attention": "posterior",
    "drawing": "lines",
    "threshold": 0.35,
    "tab": "why",
    "unit": 0,
    "pins": [1, 5],
    "otherModel": "third",
    "otherCheckpoint": 2,
    "otherSearch": "scored",
    "branches": "beam",
}
BEAM = [
    beam_node(0, None, 0, "ich", on_best_path=True),
    beam_node(1, 0, 1, "sehe", on_best_path=True),
    beam_node(2, 1, 2, "es", on_best_path=True),
    beam_node(3, 2, 3, "</s>", on_best_path=True, status="ended", score=-0.5),
]


def read_back(page: Page, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The state that the page starts with, and what it reads in the address that it writes for another."""
    start, read = page.evaluate(
        """async state => {
          const { START, fromFragment, toFragment } = await import("/page/view_state.js");
          return [START, fromFragment(toFragment(state))];
        }""",
        state,
    )
    return start, read


def ask_in_turn(page: Page, *sentences: str) -> None:
    for sentence in sentences:
        ask(page, sentence)
        wait_for_target(page, f"answer to {sentence}")


def sentence_box(page: Page) -> str:
    return page.get_by_label("Sentence to translate").input_value()


def wait_for_problem(page: Page) -> str:
    page.wait_for_selector("#question-problem:not([hidden])")
    return page.locator("#question-problem").inner_text()


def test_the_address_has_every_part_of_the_state(page_server: PageServer, open_page: OpenPage) -> None:
    page = open_page(page_server.url)
    start, read = read_back(page, ANOTHER_STATE)
    assert set(start) == set(ANOTHER_STATE)
    assert [name for name in start if start[name] == ANOTHER_STATE[name]] == []
    assert read == ANOTHER_STATE
    assert read_back(page, start)[1] == start


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("level", ["words", "pieces"]),
        ("attention", ["prior", "posterior"]),
        ("drawing", ["map", "lines"]),
        ("tab", ["attention", "beam", "why", "compare"]),
        ("otherSearch", ["same", "greedy", "scored"]),
        ("branches", ["all", "beam"]),
        ("lengthPenalty", [0.1234567, 1e-7, 0, 10]),
    ],
)
def test_the_address_knows_every_choice(
    page_server: PageServer, open_page: OpenPage, name: str, values: list[Any]
) -> None:
    page = open_page(page_server.url)
    assert [read_back(page, {**ANOTHER_STATE, name: value})[1][name] for value in values] == values


def test_a_link_restores_what_compare_asks(page_server: PageServer, translated: Callable[..., Page]) -> None:
    page_server.answers["/api/score"] = lambda _: answered(translation(SOURCE, TARGET))
    page = translated(view="compare", **{"other-search": "scored"})
    page.get_by_role("heading", name="demo · the same words").wait_for()
    assert page.get_by_role("radio", name="The same words").get_attribute("aria-checked") == "true"


def test_a_link_restores_whether_pruned_branches_are_shown(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page = translated(view="beam", branches="beam")
    page.wait_for_selector(".beam-node")
    assert page_server.last("/api/beam")["pruned"] == 0
    assert page.get_by_role("radio", name="Beam only").get_attribute("aria-checked") == "true"
    with page.expect_response("**/api/beam"):
        page.get_by_role("radio", name="With pruned branches").click()
    assert page_server.last("/api/beam")["pruned"] == 3
    assert "branches" not in page.url


def test_a_refused_question_leaves_the_shown_one_in_charge(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated(word=3)
    page.wait_for_selector(".alternatives button")
    address = page.url
    page_server.answers["/api/translate"] = lambda _: BUSY
    ask(page, "something else")
    assert wait_for_problem(page) == "Too busy."
    assert page.locator(".target-text").inner_text() == TARGET
    assert page.url == address
    assert sentence_box(page) == "something else"  # to be asked again
    page_server.answers["/api/translate"] = lambda _: answered(translation(SOURCE, "ich sehe es kaum"))
    page.get_by_role("button", name="kaum").click()
    wait_for_target(page, "ich sehe es kaum")
    asked = page_server.last("/api/translate")
    assert (asked["sentences"], asked["prefix"]) == ([SOURCE], ["▁ich", "▁sehe", "▁es", "▁kaum"])
    assert not page.locator("#question-problem").is_visible()


def test_an_unanswered_question_does_not_change_what_a_click_means(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated()
    slow = threading.Event()

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        if body["sentences"] == ["slow"]:
            slow.wait(10)
        return answer_to_each(body)

    page_server.answers["/api/translate"] = answer
    ask(page, "slow")
    page.wait_for_selector("body.busy")
    word(page, "target", 3).click()
    page.get_by_role("button", name="kaum").click()
    wait_for_target(page, f"answer to {SOURCE}")
    slow.set()
    assert page_server.last("/api/translate")["sentences"] == [SOURCE]


def test_back_and_forward_go_through_what_was_asked(page_server: PageServer, open_page: OpenPage) -> None:
    page_server.answers["/api/translate"] = answer_to_each
    page = open_page(page_server.url)
    ask_in_turn(page, "one", "two")
    page.go_back()
    wait_for_target(page, "answer to one")
    assert sentence_box(page) == "one"
    page.go_forward()
    wait_for_target(page, "answer to two")
    assert sentence_box(page) == "two"


def test_back_to_the_empty_page_takes_the_answer_away(page_server: PageServer, open_page: OpenPage) -> None:
    slow = threading.Event()

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        if body["sentences"] == ["slow"]:
            slow.wait(10)
        return answer_to_each(body)

    page_server.answers["/api/translate"] = answer
    page = open_page(page_server.url)
    ask(page, "one")
    wait_for_target(page, "answer to one")
    ask(page, "slow")
    page.wait_for_selector("body.busy")
    page.go_back()
    page.wait_for_selector("#answer", state="hidden")
    assert sentence_box(page) == ""
    assert page.locator("#welcome").is_visible()
    assert page.locator("body.busy").count() == 0
    slow.set()
    page.wait_for_timeout(300)
    assert not page.locator("#answer").is_visible()
    assert page.locator("#status").text_content() == ""
    page.go_forward()
    wait_for_target(page, "answer to one")


def test_an_address_that_is_refused_shows_no_other_answer(
    page_server: PageServer, open_page: OpenPage
) -> None:
    page_server.answers["/api/translate"] = answer_to_each
    page = open_page(f"{page_server.url}#s=one&level=pieces")
    wait_for_target(page, "answer to one")
    ask(page, "two")
    wait_for_target(page, "answer to two")
    page_server.answers["/api/translate"] = lambda _: BUSY
    page.go_back()
    assert wait_for_problem(page) == "Too busy."
    assert not page.locator("#answer").is_visible()
    page_server.answers["/api/translate"] = answer_to_each
    page.get_by_role("button", name="Translate").click()
    page.wait_for_selector("#answer:not([hidden])")
    wait_for_target(page, "answer to one")
    assert page.get_by_role("radio", name="Pieces").get_attribute("aria-checked") == "true"


def test_another_model_forgets_the_chosen_beginning(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page_server.models = [MODEL, {**MODEL, "name": "second"}]
    page = translated(prefix='["▁ich"]')  # of the first model, though the address does not name it
    page.locator("#model").select_option("second")
    page.wait_for_function("() => !document.querySelector('#notices').textContent")
    assert page_server.last("/api/translate")["prefix"] == []


def unknown_beginning(body: dict[str, Any]) -> Any:
    """A model that does not know the piece `▁old`."""
    if body["prefix"] == ["▁old"]:
        problem = {"code": "unknown_piece", "message": "'▁old' is no piece of this model.", "problems": []}
        return 422, {"error": problem}
    return answer_to_each(body)


def test_a_link_with_a_beginning_that_no_longer_exists_is_no_dead_end(
    page_server: PageServer, open_page: OpenPage
) -> None:
    page_server.answers["/api/translate"] = unknown_beginning
    page = open_page(f"""{page_server.url}#{urlencode({"s": SOURCE, "prefix": '["▁old"]'})}""")
    assert wait_for_problem(page) == (
        "'▁old' is no piece of this model. Translate goes on without the beginning that the link had."
    )
    page.get_by_role("button", name="Translate").click()
    wait_for_target(page, f"answer to {SOURCE}")
    assert page_server.last("/api/translate")["prefix"] == []


def test_another_model_without_a_sentence_asks_for_none(page_server: PageServer, open_page: OpenPage) -> None:
    page_server.models = [MODEL, {**MODEL, "name": "second"}]
    page = open_page(page_server.url)
    page.locator("#model option[value=second]").wait_for(state="attached")
    page.locator("#model").focus()
    page.locator("#model").select_option("second")
    assert not page.locator("#question-problem").is_visible()
    assert page.evaluate("document.activeElement.id") == "model"


def test_another_model_is_asked_with_its_own_search_but_for_what_was_changed(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    search = {**MODEL["search"], "beam_size": 8, "length_penalty": 0.6}
    page_server.models = [MODEL, {**MODEL, "name": "second", "search": search}]
    page = translated(n=2)
    with page.expect_response("**/api/translate"):
        page.locator("#model").select_option("second")
    asked = page_server.last("/api/translate")
    assert (asked["beam_size"], asked["length_penalty"], asked["n_best"]) == (8, 0.6, 2)


def test_back_takes_the_mark_of_a_mistake_away(page_server: PageServer, open_page: OpenPage) -> None:
    page_server.answers["/api/translate"] = answer_to_each
    page = open_page(page_server.url)
    ask_in_turn(page, "one", "two")
    page.locator("#beam-size").fill("99")
    page.get_by_role("button", name="Translate").click()
    assert page.locator("#beam-size").get_attribute("aria-invalid") == "true"
    page.go_back()
    wait_for_target(page, "answer to one")
    assert page.locator("#beam-size").get_attribute("aria-invalid") is None


def test_letters_that_are_written_as_bytes_are_shown_as_letters(
    translated: Callable[..., Page],
) -> None:
    page = translated(prefix=json.dumps(["▁", "<0xC5>", "<0xA0>", "im", "on", "▁ruft", "<0xF0>"]))
    assert page.locator("#notices .quoted").inner_text() == "Šimon ruft�"


def test_what_is_compared_is_chosen_with_the_keyboard(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    kept = [{"epoch": epoch, "validation_score": None} for epoch in (1, 2, 3)]
    page_server.models = [{**MODEL, "checkpoints": kept}]
    page = translated(view="compare")
    epochs = page.get_by_label("Checkpoint to compare with")
    epochs.focus()
    for epoch in (1, 2):
        page.keyboard.press("ArrowDown")
        page.wait_for_function(f"() => location.hash.includes('other-checkpoint={epoch}')")
        name = "document.activeElement.getAttribute('aria-label')"
        assert page.evaluate(name) == "Checkpoint to compare with"


def test_compare_knows_epochs_that_are_kept_alone(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    kept = [{"epoch": 2, "validation_score": None}]
    page_server.models = [{**MODEL, "checkpoints": kept}]
    page = translated(view="compare", **{"other-checkpoint": 7})
    page.wait_for_selector(".difference")
    assert "checkpoint" not in page_server.last("/api/translate")


def test_compare_of_two_searches_has_the_same_weights_on_both_sides(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    kept = [{"epoch": 2, "validation_score": None}]
    page_server.models = [{**MODEL, "checkpoints": kept}]
    page = translated(view="compare", checkpoint=2)
    page.get_by_role("heading", name="demo, epoch 2 · greedy").wait_for()
    asked = page_server.last("/api/translate")
    assert (asked["checkpoint"], asked["beam_size"]) == (2, 1)
    with page.expect_response("**/api/translate"):
        page.get_by_role("radio", name="Same search").click()
    assert page_server.last("/api/translate")["checkpoint"] == 2
    with page.expect_response("**/api/translate"):
        page.get_by_label("Checkpoint to compare with").select_option("best weights")
    assert "checkpoint" not in page_server.last("/api/translate")
    page.get_by_role("heading", name="demo · same search").wait_for()


@pytest.mark.parametrize("length", [1000, 1001])
def test_a_sentence_is_held_against_the_limit_before_it_is_sent(
    page_server: PageServer, translated: Callable[..., Page], length: int
) -> None:
    page = translated()
    before = len(page_server.asked)
    ask(page, "😀" * length)  # two UTF-16 units each, but one character
    if length > 1000:
        assert "1001 characters; at most 1000 are allowed" in wait_for_problem(page)
        assert len(page_server.asked) == before
    else:
        page.wait_for_function("() => location.hash.length > 5000")
        assert len(page_server.asked) == before + 1


def test_an_address_is_held_against_the_limit_too(page_server: PageServer, open_page: OpenPage) -> None:
    page = open_page(f"{page_server.url}#s={'a' * 1001}")
    assert "at most 1000 are allowed" in wait_for_problem(page)
    assert page_server.asked == []


def test_the_beam_has_nothing_behind_a_chosen_end(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page = translated(view="beam", prefix='["▁ich", "▁sehe", "</s>"]')
    page.wait_for_selector(".beam-node")
    assert page_server.last("/api/beam")["prefix"] == ["▁ich", "▁sehe"]


@pytest.mark.parametrize(
    ("node", "prefix"),
    [
        (0, ["▁ich"]),
        (1, ["▁ich", "▁sehe"]),
        (2, ["▁ich", "▁sehe", "▁es"]),
        (3, ["▁ich", "▁sehe", "▁es", "</s>"]),
    ],
)
def test_a_node_of_the_beam_is_the_whole_new_beginning(
    page_server: PageServer, translated: Callable[..., Page], node: int, prefix: list[str]
) -> None:
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page = translated(view="beam", prefix='["▁ich", "▁sehe"]')
    page.locator(".beam-node").nth(node).click()
    page.wait_for_selector("#panel-attention .heat-map")
    assert page_server.last("/api/translate")["prefix"] == prefix


@pytest.mark.parametrize("search", ["same", "greedy"])
def test_compare_keeps_the_chosen_beginning(
    page_server: PageServer, translated: Callable[..., Page], search: str
) -> None:
    page_server.models = [MODEL, {**MODEL, "name": "second"}]
    page = translated(view="compare", prefix='["▁ich"]', **{"other-search": search})
    page.wait_for_selector(".difference")
    asked = page_server.last("/api/translate")
    assert (asked["model"], asked["prefix"]) == ("second", ["▁ich"])
    assert asked.get("beam_size") == {"same": None, "greedy": 1}[search]


def test_compare_says_a_chosen_beginning_in_the_other_model_s_pieces(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    # It may know the pieces of the first, too: that does not make them those that it would write.
    page_server.models = [MODEL, {**MODEL, "name": "second", "target_tokenizer": "another"}]
    page_server.answers["/api/translate"] = lambda _: answered(translation(SOURCE, TARGET))
    page_server.answers["/api/score"] = lambda _: answered(translation(SOURCE, "ich"))
    page = translated(view="compare", prefix=json.dumps(["▁i", "ch", "</s>"]))
    page.wait_for_selector(".difference")
    assert page_server.last("/api/score")["pairs"] == [{"source": SOURCE, "target": "ich"}]
    assert page_server.last("/api/translate")["prefix"] == ["▁ich", "</s>"]


@pytest.mark.parametrize("tokenizer", ["the first", "another"])
def test_compare_asks_about_the_same_words_in_pieces_that_the_other_model_writes(
    page_server: PageServer, translated: Callable[..., Page], tokenizer: str
) -> None:
    first = {**MODEL, "target_tokenizer": "the first"}
    page_server.models = [first, {**first, "name": "second", "target_tokenizer": tokenizer}]
    page_server.answers["/api/score"] = lambda _: answered(translation(SOURCE, TARGET))
    page = translated(view="compare", **{"other-search": "scored"})
    page.wait_for_selector(".difference")
    (pair,) = page_server.last("/api/score")["pairs"]
    assert ("target_pieces" in pair, "target" in pair) == {
        "the first": (True, False),
        "another": (False, True),
    }[tokenizer]


def with_a_pin(page_server: PageServer, translated: Callable[..., Page]) -> Page:
    """A page with the panel of target word 3, whose attention is pinned, which changes nothing."""
    page_server.answers["/api/pin"] = lambda _: pinned(translation(SOURCE, TARGET, weights=WEIGHTS))
    return translated(word=3, pins="1")


def test_a_slider_asks_nothing_about_a_word_that_stays(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = with_a_pin(page_server, translated)
    for place in (".alternatives button", ".pin-change"):
        page.wait_for_selector(place)
    asked = len(page_server.asked)
    page.get_by_role("radio", name="Links").click()
    for share in ("0.5", "0.85"):
        page.get_by_label("Threshold").fill(share)
    page.get_by_role("radio", name="Lines").click()
    page.wait_for_selector(".link-sheet path")
    page.wait_for_timeout(200)
    assert len(page_server.asked) == asked
    assert page.locator(".alternatives button").count() == 2
    assert page.locator(".pin-change").is_visible()
    assert page.locator(".with-panel > .word-panel").count() == 1


def test_a_word_that_is_chosen_anew_is_asked_about_anew(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = with_a_pin(page_server, translated)
    page.wait_for_selector(".pin-change")
    for level in ("Pieces", "Words"):  # another level has other words
        page.get_by_role("radio", name=level).click()
        assert page.locator(".word-panel").count() == 0
    with page.expect_response("**/api/alternatives"):
        word(page, "target", 3).click()
    page.wait_for_selector(".alternatives button")
    assert page.locator(".chips.pins .chip").count() == 6
    assert page.locator('.chips.pins [aria-pressed="true"]').count() == 0


def test_closing_and_opening_a_word_asks_again(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated(word=3)
    page.wait_for_selector(".alternatives button")
    word(page, "target", 3).click()
    assert page.locator(".word-panel").count() == 0
    with page.expect_response("**/api/alternatives"):
        word(page, "target", 3).click()
    page.wait_for_selector(".alternatives button")


def test_nothing_can_be_typed_before_the_page_can_keep_it(
    page_server: PageServer, open_page: OpenPage
) -> None:
    is_open = threading.Event()
    page_server.before_models = is_open.wait
    page = open_page(page_server.url)
    assert page.get_by_label("Sentence to translate").is_disabled()
    is_open.set()
    page.get_by_label("Sentence to translate").fill(SOURCE)  # waits until it may
    page.wait_for_load_state("networkidle")
    assert page.get_by_label("Sentence to translate").input_value() == SOURCE
