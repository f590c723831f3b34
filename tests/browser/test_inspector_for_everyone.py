"""The inspector's page for those who hear it, use no mouse, or choose their own colours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.answers import BEAM, MODEL, answered, pinned, sign, soft_diagonal, translation
from tests.browser.inspector_page import (
    SOURCE,
    TARGET,
    UNLIT,
    WEIGHTS,
    ask,
    cell,
    focused_text,
    label,
    paper,
    wait_for_target,
    word,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.page_server import PageServer

OpenPage = Callable[..., "Page"]


def languages(page: Page, selector: str) -> list[str | None]:
    """The languages that the elements or those around them say, each once; None: only the page says one."""
    found: list[str | None] = page.locator(selector).evaluate_all(
        "all => all.map(each => each.closest('[lang]:not(html)')?.lang ?? null)"
    )
    assert found, selector
    return sorted(set(found), key=str)


def test_every_text_says_its_language(page_server: PageServer, translated: Callable[..., Page]) -> None:
    answer = translation(SOURCE, TARGET, "das sehe ich nicht", weights=WEIGHTS)
    changed = translation(SOURCE, TARGET, word_probabilities=[0.1] * 5)
    page_server.answers["/api/pin"] = lambda _: pinned(answer, after=changed)
    page = translated(answer, n=2, word=3, pins="1", prefix='["▁ich"]')
    page.wait_for_selector(".pin-change")
    for selector in (".source-text .unit", ".heat-map thead th span", ".chips.pins button"):
        assert languages(page, selector) == ["en"], selector
    german = (
        *(".target-text .unit", ".heat-map tbody th span", ".hypothesis-text", ".panel-head bdi"),
        *(".alternatives bdi", ".pin-continuation .text-line", ".numbers bdi", "#notices .quoted"),
    )
    for selector in german:
        assert languages(page, selector) == ["de"], selector
    word(page, "target", 3).hover()
    assert languages(page, ".attention-view .pointed-at .quoted") == ["de", "en"]
    page.get_by_role("radio", name="Lines").click()
    assert languages(page, ".one-line:first-child .unit") == ["en"]
    assert languages(page, ".one-line:last-child .unit") == ["de"]
    assert languages(page, ".toolbar button, .warnings") == [None]


def test_the_other_views_say_their_languages_too(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page_server.models = [MODEL, {**MODEL, "name": "second", "target_code": "fr"}]
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page_server.answers["/api/why"] = lambda _: {
        "translation": translation(SOURCE, TARGET, weights=WEIGHTS),
        "leave_one_out": soft_diagonal(5, 5).tolist(),
        "gradient_x_input": soft_diagonal(5, 6).tolist(),
        **{"disagreements": [], "rule": "The rule.", "explanation": "…"},
    }
    page = translated(view="beam")
    page.locator(".beam-node").first.hover()
    assert languages(page, ".beam-node:not(.ended) bdi") == ["de"]
    assert languages(page, ".beam-path .quoted") == ["de"]
    page.get_by_role("tab", name="Why this word").click()
    page.wait_for_selector(".why-map .heat-map")
    assert languages(page, ".why-map thead th span") == ["en"]
    assert languages(page, ".why-map tbody th span") == ["de"]
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector(".difference")
    assert languages(page, ".compared:first-child .target-text .unit") == ["de"]
    assert languages(page, ".compared:last-child .target-text .unit") == ["fr"]
    assert languages(page, ".compared:last-child tbody th span") == ["fr"]
    assert languages(page, ".compared .source-text .unit") == ["en"]


def test_a_language_without_a_code_is_not_called_english(
    page_server: PageServer,
    translated: Callable[..., Page],
    no_serious_violations: Callable[[Page], None],
) -> None:
    page_server.models = [{**MODEL, "source_language": "old", "source_code": None, "target_code": None}]
    page = translated(word=3)
    page.wait_for_selector(".alternatives button")
    for selector in (".source-text .unit", ".target-text .unit", ".heat-map th span", ".alternatives bdi"):
        assert languages(page, selector) == [""], selector
    no_serious_violations(page)


def test_links_are_said_as_they_are_drawn(translated: Callable[..., Page]) -> None:
    page = translated(drawing="lines")
    said = label(page.locator(".link-sheet svg")).removeprefix("Links: ").split(", ")
    assert len(said) == page.locator(".link-sheet path").count()
    assert {"nicht to not 83 %", "nicht to do 11 %", "ich to not 5.0 %"} <= set(said)
    page.get_by_role("radio", name="Links").click()
    assert label(page.locator(".link-sheet svg")) == (
        "Links: ich to I 80 %, sehe to see 70 %, es to it 90 %, nicht to not 83 %"
    )


def test_a_cell_without_a_link_says_its_weight(translated: Callable[..., Page]) -> None:
    page = translated(threshold="0.85")
    assert label(cell(page, 2, 4)) == "es and it: linked, 90 %"
    assert label(cell(page, 3, 2)) == "nicht and not: not linked, 83 %"
    assert label(cell(page, 4, 0)) == "</s> and I: not linked, 0 %"
    page.get_by_role("radio", name="Weights").click()
    assert label(cell(page, 3, 2)) == "nicht looked 83 % at not"


def test_a_translation_is_announced(page_server: PageServer, translated: Callable[..., Page]) -> None:
    page = translated(translation(SOURCE, TARGET, "das sehe ich nicht"), n=2)
    status = page.locator("#status[role=status]")
    assert status.text_content() == f"Translation: {TARGET}"
    assert status.locator("bdi").get_attribute("lang") == "de"
    page.get_by_role("radio", name="das sehe ich nicht").click()
    assert status.text_content() == ""  # the chosen one says itself
    page_server.answers["/api/translate"] = lambda _: answered(translation("you", "du"))
    ask(page, "you")
    wait_for_target(page, "du")
    assert status.text_content() == "Translation: du"
    page_server.answers["/api/translate"] = lambda _: answered(translation("\u200b"))
    ask(page, "\u200b")
    page.locator("#hypotheses").get_by_text("There is nothing to translate.").wait_for()
    assert status.text_content() == "There is nothing to translate."


@pytest.mark.parametrize("drawing", ["map", "lines"])
def test_a_chosen_word_is_pressed(translated: Callable[..., Page], drawing: str) -> None:
    page = translated(drawing=drawing)
    line = page.locator(".target-text" if drawing == "map" else ".one-line:last-child")
    assert line.locator('[aria-pressed="false"]').count() == 4
    line.get_by_text("nicht").click()
    assert line.locator('[aria-pressed="true"]').all_inner_texts() == ["nicht"]
    line.get_by_text("sehe").click()
    assert line.locator('[aria-pressed="true"]').all_inner_texts() == ["sehe"]
    page.get_by_role("button", name="Close the word's panel").click()
    assert line.locator('[aria-pressed="true"]').count() == 0


def test_a_held_source_word_is_pressed(translated: Callable[..., Page]) -> None:
    page = translated()
    word(page, "source", 2).click()
    assert page.locator('.text-line [aria-pressed="true"]').all_inner_texts() == ["not"]
    word(page, "source", 2).click()
    assert page.locator('.text-line [aria-pressed="true"]').count() == 0


def test_a_warned_word_says_so(translated: Callable[..., Page]) -> None:
    signs = [sign("numbers", [1], [2]), sign("repeated_attention", [1], [3]), sign("numbers", [1], [])]
    page = translated(translation(SOURCE, TARGET, weights=WEIGHTS, warnings=signs))
    assert label(word(page, "source", 1)).endswith(", warning sign: numbers differ, read again and again")
    assert label(word(page, "target", 2)).endswith(", warning sign: numbers differ")
    assert "warning" not in label(word(page, "source", 0))
    titles = page.locator(".warnings li b").all_inner_texts()
    assert titles == ["Numbers differ", "Read again and again", "Numbers differ"]
    page.get_by_role("radio", name="Lines").click()
    assert label(page.locator(".one-line .unit.warned").first).endswith("read again and again")


def test_a_word_can_be_unsure_and_warned(translated: Callable[..., Page]) -> None:
    signs = [sign("names", [], [1, 3])]
    page = translated(translation(SOURCE, TARGET, weights=WEIGHTS, warnings=signs))

    def lines(number: int) -> tuple[str, str]:
        style = (
            "each => [getComputedStyle(each).textDecorationStyle, getComputedStyle(each).borderBottomStyle]"
        )
        return tuple(word(page, "target", number).evaluate(style))

    assert lines(1) == ("wavy", "none")  # a probability of 75 %
    assert lines(3) == ("wavy", "dotted")  # of 45 %
    page.locator(".warnings li button").click()
    assert lines(3) == ("wavy", "dotted")


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_the_focus_goes_on_from_a_node_of_the_beam(
    page_server: PageServer, translated: Callable[..., Page], how: str
) -> None:
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page = translated(view="beam")
    node = page.locator(".beam-node").nth(1)
    if how == "click":
        node.click()
    else:
        node.focus()
        page.keyboard.press("Enter")
    page.wait_for_selector("#panel-attention .heat-map")
    assert focused_text(page) == "sehe"


def test_the_focus_stays_where_a_person_went_meanwhile(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = translated(word=3)
    slow = threading.Event()

    def answer(_: Any) -> dict[str, Any]:
        slow.wait(10)
        return answered(translation(SOURCE, "ich sehe es kaum"))

    page_server.answers["/api/translate"] = answer
    page.get_by_role("button", name="kaum").click()
    page.get_by_label("Sentence to translate").focus()
    slow.set()
    wait_for_target(page, "ich sehe es kaum")
    assert page.evaluate("document.activeElement.id") == "sentence"


def test_the_focus_does_not_fall_when_the_model_may_choose_again(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page = translated(view="beam", prefix='["▁ich"]')
    page.get_by_role("button", name="Let the model choose").click()
    page.wait_for_function("() => !document.querySelector('#notices').textContent")
    assert page.evaluate("document.activeElement.id") == "tab-beam"


def test_the_measures_are_explained_without_a_mouse(translated: Callable[..., Page]) -> None:
    page = translated()
    meanings = page.locator(".meanings")
    assert not meanings.locator("dl").is_visible()
    meanings.locator("summary").focus()
    page.keyboard.press("Enter")
    meanings.locator("dl").wait_for()
    terms = meanings.locator("dt").all_inner_texts()
    assert terms == [
        *("coverage deviation (CDP)", "absent-mindedness, target (APout)"),
        *("absent-mindedness, source (APin)", "entropy"),
    ]
    assert all(meanings.locator("dd").all_inner_texts())
    assert page.locator(".warnings [title]").count() == 0


def test_colours_that_mean_something_survive_forced_ones(translated: Callable[..., Page]) -> None:
    usual, forced = translated(), translated(options={"forced_colors": "active"})
    assert paper(forced.locator("body")) != paper(usual.locator("body"))
    for page in (usual, forced):
        word(page, "target", 3).hover()
    for place in (
        lambda page: cell(page, 3, 2),
        lambda page: cell(page, 3, 1),
        lambda page: word(page, "source", 2),
    ):
        assert paper(place(forced)) == paper(place(usual))


def test_what_is_chosen_survives_forced_colours(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    answer = translation(SOURCE, TARGET, "das sehe ich nicht", weights=WEIGHTS)
    page_server.answers["/api/pin"] = lambda _: pinned(answer)
    page_server.answers["/api/beam"] = lambda _: {"nodes": BEAM, "hypotheses": []}
    page = translated(answer, {"forced_colors": "active"}, n=2, word=3, pins="1")
    page.wait_for_selector(".pin-change")
    unmarked = {paper(page.locator("body")), UNLIT}
    for chosen in ('.choice [aria-checked="true"]', '.chips.pins [aria-pressed="true"]'):
        assert paper(page.locator(chosen).first) not in unmarked, chosen
    edge = "each => getComputedStyle(each).borderTop"
    chosen, other = (each.evaluate(edge) for each in page.locator(".hypothesis").all())
    assert chosen != other
    bars = [paper(page.locator(".alternatives .bar").first)]
    page.get_by_role("tab", name="Beam").click()
    bars.append(paper(page.locator(".beam-node .bar").first))
    assert not unmarked & set(bars)


def test_only_the_made_up_language_is_let_pass(
    page_server: PageServer, open_page: OpenPage, no_serious_violations: Callable[[Page], None]
) -> None:
    """The check itself: what else is wrong with the same element is found."""
    page = open_page(page_server.url)
    add = "inside => document.querySelector('main').insertAdjacentHTML('beforeend', inside)"
    page.evaluate(add, '<p lang="xx">abc</p>')
    no_serious_violations(page)
    page.evaluate(add, '<button lang="xx"></button>')
    with pytest.raises(AssertionError, match="button-name"):
        no_serious_violations(page)


def test_a_window_that_becomes_narrow_hides_nothing_of_the_sentence(translated: Callable[..., Page]) -> None:
    page = translated(options={"viewport": {"width": 1000, "height": 700}})
    field = page.get_by_label("Sentence to translate")
    field.fill("a sentence that needs more than one line on a telephone, but only one elsewhere")
    before = field.evaluate("field => field.clientHeight")
    page.set_viewport_size({"width": 360, "height": 700})
    page.wait_for_function(
        """before => {
          const field = document.getElementById("sentence");
          return field.clientHeight > before && field.scrollHeight <= field.clientHeight + 1;
        }""",
        arg=before,
    )
