"""Knowing the word: the page asks where each word came from, draws it, and says so in true words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.answers import BUSY, answered, pinned, translation
from tests.browser.inspector_page import (
    SOURCE,
    TARGET,
    WEIGHTS,
    ask,
    cell,
    focused_text,
    label,
    note,
    plain,
    wait_for_target,
    word,
)
from tests.repetitions import rest_slow

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.browser.page_server import PageServer

OpenTranslated = Callable[..., "Page"]

# "nicht" came from "not" alone; "sehe" from "do" now, so that the alignment is another one.
POSTERIOR = [
    [0.97, 0.01, 0.01, 0.01, 0.00, 0.00],
    [0.01, 0.60, 0.01, 0.36, 0.01, 0.01],
    [0.00, 0.00, 0.00, 0.00, 1.00, 0.00],
    [0.00, 0.02, 0.98, 0.00, 0.00, 0.00],
    [0.00, 0.00, 0.00, 0.00, 0.00, 1.00],
]
SIGN = {
    **{"kind": "names", "value": 1, "limit": 1, "message": "Look at this."},
    **{"source_words": [0], "target_words": [0]},
}


def known(source: str = SOURCE, target: str = TARGET, weights: Any = POSTERIOR) -> dict[str, Any]:
    return {"attention": "posterior", **answered(translation(source, target, weights=weights))}


@pytest.fixture
def page_server(page_server: PageServer) -> PageServer:
    page_server.answers["/api/score"] = lambda _: known()
    page_server.answers["/api/beam"] = lambda _: {"nodes": [], "hypotheses": []}
    return page_server


def choice(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name)


def chosen_attention(page: Page) -> str:
    return page.get_by_role("radiogroup", name="Attention").locator('[aria-checked="true"]').inner_text()


def knows_the_word(page: Page) -> None:
    page.wait_for_function(
        "() => document.querySelector('#panel-attention .legend').textContent.startsWith('came from')"
        " && !document.querySelector('#panel-attention .stale')"
    )


def times_asked(page_server: PageServer, path: str = "/api/score") -> int:
    return [asked for asked, _ in page_server.asked].count(path)


def drawn(page: Page) -> list[str]:
    return page.locator("#panel-attention .heat-map tbody td").all_inner_texts()


def content(page: Page, name: str, folder: Path) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {name}").click()
    download.value.save_as(folder / name)
    return (folder / name).read_bytes()


def test_it_asks_about_the_words_that_are_shown(page_server: PageServer, translated: OpenTranslated) -> None:
    page = translated(translation(SOURCE, "ich nicht", TARGET, weights=None), rank=1, n=2)
    before = drawn(page)
    assert times_asked(page_server) == 0
    choice(page, "Knowing the word").click()
    knows_the_word(page)
    assert page_server.asked[-1] == (
        "/api/score",
        {
            "pairs": [
                {"source": SOURCE, "target_pieces": ["▁ich", "▁sehe", "▁es", "▁nicht", "</s>"]},
            ],
            "attention": "posterior",
        },
    )
    assert drawn(page) != before
    assert drawn(page)[:8] == ["97", "", "", "", "", "", "", "60"]
    assert "attention=posterior" in page.url


def test_it_names_the_model_and_the_epoch(page_server: PageServer, translated: OpenTranslated) -> None:
    page_server.models = [{**page_server.models[0], "checkpoints": [{"epoch": 2, "validation_score": None}]}]
    page = translated(model="demo", checkpoint=2, attention="posterior")
    knows_the_word(page)
    asked = page_server.last("/api/score")
    assert (asked["model"], asked["checkpoint"]) == ("demo", 2)


def test_words_say_where_they_came_from(translated: OpenTranslated) -> None:
    page = translated(translation(SOURCE, TARGET, weights=WEIGHTS, warnings=[SIGN]))
    warned = page.locator(".warnings").inner_text()
    choice(page, "Knowing the word").click()
    knows_the_word(page)
    assert plain(page.locator("#panel-attention .legend").inner_text()).startswith("came from: 0")
    assert label(cell(page, 3, 2)) == "nicht came 98 % from not"
    assert label(word(page, "target", 3)) == "nicht, probability 45 %, came 98 % from not"
    assert label(word(page, "source", 2)) == "not, the source of 98 % of nicht"
    word(page, "target", 1).hover()
    assert note(page).startswith("sehe came from do 60 %, see 36 %, I 1.0 %")
    assert "probability 75 %" in note(page)  # the translation's own
    word(page, "source", 2).hover()
    assert note(page).startswith("not was the source of nicht 98 %")
    cell(page, 3, 1).hover()
    assert note(page) == "nicht came 2.0 % from do"
    assert page.locator(".warnings").inner_text() == warned
    assert label(word(page, "target", 0)).endswith("came 97 % from I, warning sign: names differ")
    assert "looked" not in page.locator(".attention-view").evaluate("each => each.outerHTML")


def test_nothing_came_from_a_word(page_server: PageServer, translated: OpenTranslated) -> None:
    weights = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    page_server.answers["/api/score"] = lambda _: known("I well", "ich", weights)
    page = translated(translation("I well", "ich"), attention="posterior")
    knows_the_word(page)
    word(page, "source", 1).hover()
    assert note(page) == "Nothing came from well"


def test_lines_and_links_are_those_of_the_posterior(translated: OpenTranslated) -> None:
    page = translated(drawing="lines", attention="posterior")
    page.wait_for_function("() => !document.querySelector('#panel-attention .stale')")
    assert "sehe to do 60 %" in label(page.locator(".link-sheet svg"))
    choice(page, "Links").click()
    page.get_by_label("Threshold").fill("0.95")
    assert page.locator(".link-sheet path").count() == 3  # without the end
    names = page.locator(".one-line .unit").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert plain(names[-1]) == "nicht, probability 45 %, came 98 % from not"
    choice(page, "Heat map").click()
    assert label(cell(page, 3, 2)) == "nicht and not: linked, 98 %"


def test_a_link_restores_it(page_server: PageServer, translated: OpenTranslated) -> None:
    page = translated(attention="posterior")
    knows_the_word(page)
    assert chosen_attention(page) == "Knowing the word"
    assert times_asked(page_server) == 1


def test_back_and_forth_asks_nothing_again(page_server: PageServer, translated: OpenTranslated) -> None:
    page = translated(word=3)
    page.wait_for_selector(".alternatives button")
    for _ in range(2):
        choice(page, "Knowing the word").click()
        knows_the_word(page)
        for name in ("Pieces", "Words", "Lines", "Heat map", "Links", "Weights", "Knowing the word"):
            choice(page, name).click()
        page.get_by_role("tab", name="Beam").focus()
        choice(page, "Before the word").click()
        assert "attention" not in page.url
        assert label(cell(page, 3, 2)) == "nicht looked 83 % at not"
    assert times_asked(page_server) == 1


def test_the_panel_of_a_word_stays_as_it_is(page_server: PageServer, translated: OpenTranslated) -> None:
    page_server.answers["/api/pin"] = lambda _: pinned(translation(SOURCE, TARGET, weights=WEIGHTS))
    page = translated(word=3)
    page.wait_for_selector(".alternatives button")
    page.locator(".chips.pins button").nth(1).click()
    page.wait_for_selector(".pin-change")
    asked = len(page_server.asked)
    choice(page, "Knowing the word").click()
    knows_the_word(page)
    choice(page, "Before the word").click()
    assert page.locator(".pin-change").is_visible()
    assert [path for path, _ in page_server.asked[asked:]] == ["/api/score"]
    choice(page, "Knowing the word").click()
    word(page, "target", 1).click()  # and another word can be chosen
    page.wait_for_function("() => document.querySelector('.panel-head h3').textContent === 'sehe'")
    page.locator(".chips.pins button").nth(0).click()
    page.wait_for_selector(".pin-change")
    assert page_server.last("/api/pin")["pins"] == [{"target_word": 1, "source_words": [0]}]


def test_another_translation_is_asked_about(page_server: PageServer, translated: OpenTranslated) -> None:
    page_server.answers["/api/score"] = lambda body: known(
        target=" ".join(piece[1:] for piece in body["pairs"][0]["target_pieces"][:-1]), weights=None
    )
    page = translated(translation(SOURCE, TARGET, "ich nicht"), n=2, attention="posterior")
    knows_the_word(page)
    page.locator(".hypothesis").nth(1).click()
    wait_for_target(page, "ich nicht")
    knows_the_word(page)
    assert times_asked(page_server) == 2
    assert page_server.last("/api/score")["pairs"][0]["target_pieces"] == ["▁ich", "▁nicht", "</s>"]


class SlowAnswer:
    """What the server says about the posterior, once it may."""

    def __init__(self, page_server: PageServer, answer: Any) -> None:
        self.may = threading.Event()
        self._answer = answer
        page_server.answers["/api/score"] = self._wait

    def _wait(self, body: dict[str, Any]) -> Any:
        self.may.wait(20)
        return self._answer


def answered_while_another_tab_is_open(
    page_server: PageServer, translated: OpenTranslated, answer: Any
) -> Page:
    slow = SlowAnswer(page_server, answer)
    page = translated(attention="posterior")
    page.wait_for_selector("#panel-attention .stale")
    page.locator("#tab-beam").click()
    with page.expect_response("**/api/score"):
        slow.may.set()
    page.wait_for_timeout(200)
    return page


def test_the_ordinary_attention_is_there_until_the_answer_is(
    page_server: PageServer, translated: OpenTranslated
) -> None:
    slow = SlowAnswer(page_server, known())
    page = translated(attention="posterior")
    page.get_by_text("Finding out where each word came from").wait_for()
    assert page.locator("#panel-attention .stale .heat-map").count() == 1
    assert label(cell(page, 3, 2)) == "nicht looked 83 % at not"
    choice(page, "Pieces").click()  # asks nothing, and takes nothing away
    assert page.locator("#panel-attention .stale .heat-map").count() == 1
    choice(page, "Words").click()
    choice(page, "Knowing the word").click()
    word(page, "target", 2).focus()
    slow.may.set()
    knows_the_word(page)
    assert focused_text(page) == "es"  # whoever was in the middle of it stays there
    assert page.get_by_text("Finding out where").count() == 0
    assert times_asked(page_server) == 1


@pytest.mark.parametrize("answer", [known(), BUSY], ids=["answer", "error"])
def test_giving_up_shows_nothing_later(
    page_server: PageServer, translated: OpenTranslated, answer: Any
) -> None:
    slow = SlowAnswer(page_server, answer)
    page = translated()
    choice(page, "Knowing the word").click()
    page.get_by_text("Finding out where each word came from").wait_for()
    choice(page, "Before the word").click()
    assert page.locator("#panel-attention .progress p").count() == 0
    assert page.locator("#panel-attention .stale").count() == 0
    slow.may.set()
    page.wait_for_timeout(300)
    assert page.locator("#panel-attention .progress p").count() == 0
    assert label(cell(page, 3, 2)) == "nicht looked 83 % at not"


@pytest.mark.parametrize("tab", rest_slow(["attention", "beam"]))
@pytest.mark.parametrize("answer", [known(), BUSY], ids=["answer", "error"])
def test_a_late_answer_is_not_drawn(
    page_server: PageServer, translated: OpenTranslated, tab: str, answer: Any
) -> None:
    """Another translation is shown meanwhile, perhaps in another tab; its own posterior is still to come."""
    late = SlowAnswer(page_server, answer)
    page = translated(attention="posterior")
    page.wait_for_selector("#panel-attention .stale")
    page.locator(f"#tab-{tab}").click()
    other = translation("I see", "ich sehe")
    page_server.answers["/api/translate"] = lambda _: answered(other)
    own = SlowAnswer(page_server, known("I see", "ich sehe", None))
    ask(page, "I see")
    page.wait_for_function("() => document.querySelector('#status').textContent.includes('ich sehe')")
    late.may.set()
    page.wait_for_timeout(300)
    page.locator("#tab-attention").click()
    assert page.locator(".target-text").inner_text() == "ich sehe"
    assert page.locator("#panel-attention .stale").count() == 1
    assert chosen_attention(page) == "Knowing the word"
    assert page.get_by_text("Too busy.").count() == 0
    own.may.set()
    knows_the_word(page)
    assert label(cell(page, 1, 1)) == "sehe came 80 % from see"


def test_an_answer_that_comes_while_another_tab_is_open_is_there_afterwards(
    page_server: PageServer, translated: OpenTranslated
) -> None:
    page = answered_while_another_tab_is_open(page_server, translated, known())
    page.locator("#tab-attention").click()
    knows_the_word(page)
    assert times_asked(page_server) == 1


def test_what_failed_while_another_tab_was_open_is_asked_once_more(
    page_server: PageServer, translated: OpenTranslated
) -> None:
    page = answered_while_another_tab_is_open(page_server, translated, BUSY)
    page_server.answers["/api/score"] = lambda _: known()
    page.locator("#tab-attention").click()
    knows_the_word(page)
    assert times_asked(page_server) == 2


def test_an_empty_translation_has_no_late_answer(page_server: PageServer, translated: OpenTranslated) -> None:
    slow = SlowAnswer(page_server, BUSY)
    page = translated(attention="posterior")
    page.wait_for_selector("#panel-attention .stale")
    page_server.answers["/api/translate"] = lambda _: answered(translation("\u200b"))
    ask(page, "\u200b")
    page.wait_for_selector("text=There is nothing to translate.")
    slow.may.set()
    page.wait_for_timeout(300)
    assert "attention=posterior" in page.url
    assert not page.locator("#panel-attention").is_visible()


def test_an_error_leaves_the_ordinary_attention(page_server: PageServer, translated: OpenTranslated) -> None:
    page_server.answers["/api/score"] = lambda _: BUSY
    page = translated()
    choice(page, "Knowing the word").click()
    problem = page.locator("#panel-attention .problem")
    problem.wait_for()
    assert problem.inner_text() == "Too busy."
    assert chosen_attention(page) == "Before the word"
    assert focused_text(page) == "Before the word"
    assert "attention" not in page.url
    assert page.locator("#panel-attention .stale").count() == 0
    assert label(cell(page, 3, 2)) == "nicht looked 83 % at not"
    page_server.answers["/api/score"] = lambda _: known()
    choice(page, "Knowing the word").click()
    knows_the_word(page)
    assert problem.count() == 0


def test_downloads_are_of_what_is_shown(translated: OpenTranslated, tmp_path: Path) -> None:
    page = translated()
    assert content(page, "Pharaoh", tmp_path) == b"0-0 2-3 3-1 4-2\n"
    own_picture = content(page, "SVG", tmp_path)
    choice(page, "Knowing the word").click()
    knows_the_word(page)
    assert content(page, "Pharaoh", tmp_path) == b"0-0 1-1 2-3 4-2\n"
    assert content(page, "SVG", tmp_path) != own_picture
    (hypothesis,) = json.loads(content(page, "JSON", tmp_path))["hypotheses"]
    assert (hypothesis["attention"], hypothesis["attention_weights"]) == ("posterior", POSTERIOR)
    assert hypothesis["word_attention"] == POSTERIOR
    choice(page, "Links").click()
    page.get_by_label("Threshold").fill("0.35")
    assert content(page, "Pharaoh", tmp_path) == b"0-0 1-1 2-3 3-1 4-2\n"
    choice(page, "Before the word").click()
    (hypothesis,) = json.loads(content(page, "JSON", tmp_path))["hypotheses"]
    assert "attention" not in hypothesis
    assert hypothesis["word_attention"] == WEIGHTS


def test_the_other_tabs_are_about_the_models_own_attention(
    page_server: PageServer, translated: OpenTranslated
) -> None:
    page = translated(attention="posterior", **{"other-search": "greedy"})
    knows_the_word(page)
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector(".difference")
    cells = page.locator("#panel-compare .compared:first-child .heat-map tbody td")
    assert label(cells.nth(3 * 6 + 2)) == "nicht looked 83 % at not"


def test_the_toolbar_fits_a_telephone(translated: OpenTranslated) -> None:
    page = translated(None, {"viewport": {"width": 390, "height": 800}}, attention="posterior")
    knows_the_word(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    heights = page.locator("#panel-attention .choice button").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert max(heights) < 1.5 * min(heights)  # no name is broken into two lines


def test_no_serious_accessibility_problem(
    translated: OpenTranslated, no_serious_violations: Callable[[Page], None]
) -> None:
    page = translated(attention="posterior", word=3)
    knows_the_word(page)
    no_serious_violations(page)
