"""What a person sees and does on the inspector's page; the answers are made by hand."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.answers import BUSY, answered, pinned, translation
from tests.browser.inspector_page import (
    SOURCE,
    TARGET,
    UNLIT,
    WEIGHTS,
    cell,
    focused_label,
    note,
    paper,
    plain,
    word,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.page_server import PageServer

OpenPage = Callable[..., "Page"]


def test_a_typed_sentence_is_translated(page_server: PageServer, open_page: OpenPage) -> None:
    page_server.answers["/api/translate"] = lambda _: answered(translation(SOURCE, TARGET))
    page = open_page(page_server.url)
    page.get_by_label("Sentence to translate").fill(SOURCE)
    page.get_by_label("Beam size").fill("7")
    page.get_by_label("Translations").fill("2")
    page.get_by_label("Length penalty").fill("0.6")
    # Each changed field has asked, too; what counts is the question with all of them.
    with page.expect_response(lambda each: "0.6" in (each.request.post_data or "")) as response:
        page.get_by_role("button", name="Translate").click()
    page.wait_for_selector(".heat-map")
    assert response.value.request.post_data_json == {
        **{"sentences": [SOURCE], "prefix": [], "model": "demo"},
        **{"beam_size": 7, "n_best": 2, "length_penalty": 0.6},
    }
    assert page.locator(".target-text").inner_text() == TARGET


def test_pointing_at_a_target_word_lights_up_the_source(translated: Callable[..., Page]) -> None:
    page = translated()
    word(page, "target", 3).hover()
    assert paper(word(page, "source", 2)) != UNLIT
    assert paper(word(page, "source", 0)) != paper(word(page, "source", 2))
    assert note(page).startswith("nicht looked at not 83 %, do 11 %")
    assert "probability 45 %" in note(page)  # 0.9 … 0.3 in five steps
    assert page.locator(".heat-map th.marked").all_inner_texts() == ["nicht"]
    page.mouse.move(0, 0)
    assert paper(word(page, "source", 2)) == UNLIT


def test_pointing_at_a_source_word_lights_up_the_target(translated: Callable[..., Page]) -> None:
    page = translated()
    word(page, "source", 2).hover()
    assert paper(word(page, "target", 3)) != UNLIT
    assert "was read for nicht 83 %" in note(page)
    assert page.locator(".heat-map th.marked").all_inner_texts() == ["not"]


def test_words_light_up_for_the_keyboard_too(translated: Callable[..., Page]) -> None:
    page = translated()
    word(page, "target", 0).focus()
    page.keyboard.press("ArrowRight")
    assert "sehe looked at see 70 %" in note(page)
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.textContent") == "nicht"
    # One stop of the Tab key for the whole line.
    assert page.locator('.target-text .unit[tabindex="0"]').count() == 1


def test_arrow_keys_go_through_the_grid(translated: Callable[..., Page]) -> None:
    page = translated()
    cell(page, 0, 0).focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    focused = focused_label(page)
    assert focused == "nicht looked 83 % at not"
    assert sorted(page.locator(".heat-map th.marked").all_inner_texts()) == ["nicht", "not"]
    page.keyboard.press("Control+End")
    assert focused_label(page) == "</s> looked 90 % at </s>"
    page.keyboard.press("ArrowRight")  # the edge holds
    assert focused_label(page) == "</s> looked 90 % at </s>"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert focused_label(page) == "end of the target"
    assert page.locator('.heat-map [tabindex="0"]').count() == 1


def test_choosing_an_alternative_translates_again(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated()
    word(page, "target", 3).click()
    choose = page.get_by_role("button", name="kaum, 20 %, continue with this")
    choose.wait_for()
    assert page_server.last("/api/alternatives") == {
        "source": SOURCE,
        "prefix": ["▁ich", "▁sehe", "▁es"],
        "count": 10,
    }
    page_server.answers["/api/translate"] = lambda _: answered(translation(SOURCE, "ich sehe es kaum noch"))
    choose.click()
    page.wait_for_function("() => document.querySelector('.target-text').textContent.includes('noch')")
    assert page_server.last("/api/translate")["prefix"] == ["▁ich", "▁sehe", "▁es", "▁kaum"]
    assert "You chose how it begins:\nich sehe es kaum" in page.locator("#notices").inner_text()
    # The keyboard goes on where it was: at the word that was replaced.
    assert page.evaluate("document.activeElement.textContent") == "kaum"
    page.get_by_role("button", name="Let the model choose").click()
    page.wait_for_function("() => !document.querySelector('#notices').textContent")
    assert page_server.last("/api/translate")["prefix"] == []


def test_another_sentence_forgets_the_chosen_beginning(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated(prefix='["▁ich"]')
    assert page_server.last("/api/translate")["prefix"] == ["▁ich"]
    page.get_by_label("Sentence to translate").fill("something else")
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.querySelector('#notices').textContent")
    assert page_server.last("/api/translate")["prefix"] == []


def test_pinned_attention_shows_what_changes(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    before = translation(SOURCE, TARGET, weights=WEIGHTS)
    after = translation(SOURCE, TARGET, word_probabilities=[0.9, 0.75, 0.6, 0.009, 0.3])
    continuation = translation(SOURCE, "ich sehe es dort")
    page_server.answers["/api/pin"] = lambda _: pinned(before, after=after, continuation=continuation)
    page = translated()
    word(page, "target", 3).click()
    page.get_by_role("group", name="Source words to pin the attention to").get_by_text("see").click()
    page.wait_for_selector(".pin-change")
    assert page_server.last("/api/pin") == {
        "source": SOURCE,
        "target_pieces": ["▁ich", "▁sehe", "▁es", "▁nicht", "</s>"],
        "pins": [{"target_word": 3, "source_words": [3]}],
    }
    assert plain(page.locator(".pin-change").inner_text()) == "45 % → 0.9 % 50 times less probable"
    assert page.locator(".pin-continuation").inner_text() == "ich sehe es dort"
    assert page.locator(".pin-continuation .different").all_inner_texts() == ["dort"]
    assert [plain(row) for row in page.locator(".pin-result tbody tr").all_inner_texts()] == [
        "nicht\t45 %\t0.9 %"
    ]


def test_a_pinned_translation_is_text(page_server: PageServer, translated: Callable[..., Page]) -> None:
    before = translation(SOURCE, TARGET, weights=WEIGHTS)
    page_server.answers["/api/pin"] = lambda _: pinned(
        before,
        continuation=translation(SOURCE, "ich sehe ja es wohl nicht mehr als vorher"),
        first_changed_word=2,
    )
    page = translated(word=2, pins="1")
    text = page.locator(".pin-continuation")
    text.get_by_text("ich").wait_for()
    assert text.inner_text() == "ich sehe ja es wohl nicht mehr als vorher"
    # What only stands further behind is no other word.
    assert text.locator(".different").all_inner_texts() == ["ja", "wohl", "mehr", "als", "vorher"]
    assert text.locator("[role=button], [tabindex]").count() == 0
    marked = page.locator(".heat-map th.marked").all_inner_texts()
    text.get_by_text("vorher").click()  # has more words than source and translation
    text.get_by_text("ja", exact=True).click()
    page.mouse.move(0, 0)
    assert page.locator(".heat-map th.marked").all_inner_texts() == marked == ["es"]
    assert page.locator('.source-text [aria-pressed="true"]').count() == 0


def test_each_of_the_n_best_has_its_own_attention(translated: Callable[..., Page]) -> None:
    page = translated(translation(SOURCE, TARGET, "das sehe ich nicht"), n=2)
    page.get_by_role("radio", name="das sehe ich nicht").click()
    assert page.locator(".heat-map tbody th").all_inner_texts()[:2] == ["das", "sehe"]
    page.keyboard.press("ArrowUp")
    assert page.locator(".heat-map tbody th").all_inner_texts()[:2] == ["ich", "sehe"]


def test_warning_signs_mark_their_words(translated: Callable[..., Page]) -> None:
    sign = {
        **{"kind": "numbers", "value": 1, "limit": 1, "message": "A <b>number</b> is missing."},
        **{"source_words": [1], "target_words": [2]},
    }
    page = translated(translation(SOURCE, TARGET, warnings=[sign]))
    assert page.locator(".source-text .warned").all_inner_texts() == ["do"]
    page.get_by_role("button", name="A <b>number</b> is missing.").focus()
    assert page.locator(".unit.pointed-out").all_inner_texts() == ["do", "es"]


def test_many_warning_signs_do_not_fill_the_page(translated: Callable[..., Page]) -> None:
    signs = [
        {
            **{"kind": "names", "value": 1, "limit": 1, "message": f"Name {number} is missing."},
            **{"source_words": [1], "target_words": []},
        }
        for number in range(9)
    ]
    page = translated(translation(SOURCE, TARGET, warnings=signs))
    assert page.locator(".warnings li:visible").count() == 5
    page.get_by_role("button", name="Show 4 more").click()
    assert page.locator(".warnings li:visible").count() == 9
    assert "Name 5" in page.evaluate("document.activeElement.textContent")


def test_without_warning_signs_it_says_what_that_means(translated: Callable[..., Page]) -> None:
    page = translated()
    assert "no proof" in page.locator(".warnings").inner_text()


def test_a_link_restores_the_view(page_server: PageServer, translated: Callable[..., Page]) -> None:
    page = translated(translation(SOURCE, TARGET, "es sehe ich nicht", weights=WEIGHTS), n=2)
    page.get_by_role("radio", name="es sehe ich nicht").click()
    page.get_by_role("radio", name="Pieces").click()
    page.get_by_role("radio", name="Links").click()
    word(page, "target", 2).click()
    page.wait_for_selector(".alternatives button")
    address = page.url
    again = page.context.new_page()
    again.goto(address)
    again.wait_for_selector(".alternatives button")
    for each in (page, again):
        assert each.locator(".heat-map tbody th").all_inner_texts()[:2] == ["▁es", "▁sehe"]
        assert each.locator(".panel-head h3").inner_text() == "▁ich"
        assert each.get_by_role("radio", name="Links").get_attribute("aria-checked") == "true"
    assert again.get_by_label("Sentence to translate").input_value() == SOURCE
    assert page_server.last("/api/translate")["n_best"] == 2


def test_a_checkpoint_is_one_step_of_the_slider(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    kept = [{"epoch": 1, "validation_score": 3.25}, {"epoch": 5, "validation_score": None}]
    page_server.models = [{**page_server.models[0], "checkpoints": kept}]
    page = translated()
    assert page.locator("#checkpoint-name").inner_text() == "best weights"
    assert "checkpoint" not in page_server.last("/api/translate")
    with page.expect_request("**/api/translate"):
        page.get_by_label("Checkpoint", exact=True).fill("0")
    page.wait_for_function("() => location.hash.includes('checkpoint=1')")
    assert page.locator("#checkpoint-name").inner_text() == "epoch 1 · 3.3"
    assert page_server.last("/api/translate")["checkpoint"] == 1


def test_a_sentence_with_markup_stays_text(translated: Callable[..., Page]) -> None:
    hostile = "<script>document.title='hacked'</script> <img src=x onerror=document.title='hacked'>"
    page = translated(translation(hostile, hostile))
    word(page, "target", 0).click()
    page.wait_for_selector(".alternatives button")
    assert page.locator(".source-text").inner_text() == hostile
    assert page.locator("main img, main script").count() == 0
    assert page.title() == "Attention inspector"


def test_a_stale_answer_never_overwrites_a_newer_one(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated()
    slow = threading.Event()

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        sentence = body["sentences"][0]
        if sentence == "slow":
            slow.wait(10)
        return answered(translation(sentence, f"answer to {sentence}"))

    page_server.answers["/api/translate"] = answer
    box = page.get_by_label("Sentence to translate")
    box.fill("slow")
    box.press("Enter")
    page.wait_for_selector("body.busy")  # it says so after 300 ms
    assert page.locator("#status").inner_text() == "Translating …"
    box.fill("quick")
    box.press("Enter")
    page.wait_for_function("() => document.querySelector('.target-text').textContent === 'answer to quick'")
    slow.set()
    page.wait_for_timeout(300)
    assert page.locator(".target-text").inner_text() == "answer to quick"
    assert page.locator("body.busy").count() == 0


def test_problems_are_said_where_one_looks(page_server: PageServer, translated: Callable[..., Page]) -> None:
    page = translated()
    problem = {
        "error": {"code": "too_long", "message": "The sentence is too long: <b>1312</b>.", "problems": []}
    }
    page_server.answers["/api/translate"] = lambda _: (422, problem)
    page_server.answers["/api/beam"] = lambda _: BUSY
    page.get_by_role("button", name="Translate").click()
    page.wait_for_selector("#question-problem:not([hidden])")
    assert page.locator("#question-problem").inner_text() == "The sentence is too long: <b>1312</b>."
    page.get_by_role("tab", name="Beam").click()
    assert page.locator("#panel-beam [role=alert]").inner_text() == "Too busy."


def test_a_server_that_is_gone_is_said_so(page_server: PageServer, translated: Callable[..., Page]) -> None:
    page = translated()
    page.route("**/api/translate", lambda route: route.abort())
    page.get_by_role("button", name="Translate").click()
    page.wait_for_selector("#question-problem:not([hidden])")
    assert "does not answer" in page.locator("#question-problem").inner_text()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("Beam size", "0", "The beam size must be a whole number from 1 to 20."),
        ("Translations", "9", "A beam of 5 finds at most 5 translations. Make it larger."),
        ("Length penalty", "", "The length penalty must be a number from 0 to 10."),
        ("Sentence to translate", " ", "Type a sentence first."),
    ],
)
def test_the_form_says_what_is_wrong(
    page_server: PageServer, translated: Callable[..., Page], field: str, value: str, message: str
) -> None:
    page = translated()
    before = len(page_server.asked)
    page.get_by_label(field).fill(value)
    page.get_by_role("button", name="Translate").click()
    page.wait_for_selector("#question-problem:not([hidden])")
    assert page.locator("#question-problem").inner_text() == message
    assert len(page_server.asked) == before


def test_an_empty_answer_leaves_nothing_stale(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated()
    page_server.answers["/api/translate"] = lambda _: answered(translation("\u200b"))
    page.get_by_label("Sentence to translate").fill("\u200b")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=There is nothing to translate.")
    assert not page.locator(".heat-map").is_visible()


def test_colours_follow_the_switch(translated: Callable[..., Page]) -> None:
    page = translated(options={"color_scheme": "light"})
    light = paper(page.locator("body"))
    page.get_by_role("button", name=re.compile("Colours: System")).click()
    assert paper(page.locator("body")) == light  # light, by choice
    page.get_by_role("button", name=re.compile("Colours: Light")).click()
    assert paper(page.locator("body")) != light
    page.reload()
    page.wait_for_selector("#answer:not([hidden])")
    assert paper(page.locator("body")) != light  # remembered


def test_the_enter_that_chooses_a_character_of_a_composition_asks_nothing(
    page_server: PageServer, open_page: OpenPage
) -> None:
    """In Safari the composition has ended by then; the key code tells what the key was for."""
    page_server.answers["/api/translate"] = lambda _: BUSY
    page = open_page(page_server.url)
    box = page.get_by_label("Sentence to translate")
    box.fill("にほんご")
    press = """(box, code) => box.dispatchEvent(
      new KeyboardEvent("keydown", { key: "Enter", keyCode: code, bubbles: true, cancelable: true }))"""
    assert box.evaluate(press, 229)  # not taken
    assert not box.evaluate(press, 13)  # taken: it asks
