"""The report in a real browser, opened as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.seq2seq.report.example_report import ExampleSet, example_document

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

HOSTILE = "</script><script>document.title = 'broken'</script> <img src=x onerror=alert(1)>"
ENGLISH = {
    "the old bank": "die alte Bank",
    "a dog near the bank": "ein Hund nahe am Ufer",
    "two dogs": "Hunde Hunde",
    "nobody sees 7 cats here": "niemand sieht Katzen",
    "": "",
    HOSTILE: HOSTILE,
    "a 👩‍👩‍👧‍👦 family 🇫🇷 walks": "eine 👩‍👩‍👧‍👦 Familie 🇫🇷 geht",
    "الرجل العجوز يقرأ كتابا": "der alte Mann liest",
    "老 人 在 看 书": "der alte Mann liest",
}
REFERENCES = {**ENGLISH, "two dogs": "zwei Hunde", "nobody sees 7 cats here": "keiner sieht 7 Katzen"}

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    many = ExampleSet("many", {f"sentence {number}": f"Satz {number}" for number in range(200)})
    path.write_text(example_document(ExampleSet("english", ENGLISH, REFERENCES), many), encoding="utf-8")
    return path


@pytest.fixture
def opened(report: Path, open_page: Open) -> Callable[..., Page]:
    """Opens the report, offline, at one of its tabs."""

    def open_at(tab: str, **options: Any) -> Page:
        page = open_page(report.as_uri(), offline=True, **options)
        page.click(f"#tab-{tab}")
        return page

    return open_at


def numbers(page: Page) -> list[int]:
    """The numbers of the sentences that are listed, in their order."""
    return [int(each) for each in page.locator(".sentence .number").all_inner_texts()]


def heat_map(page: Page, number: int) -> Locator:
    """Opens a sentence and waits until its heat map is drawn."""
    page.click(f"#sentence-{number} summary")
    grid = page.locator(f"#sentence-{number} [role=grid]")
    grid.wait_for()
    return grid


def no_grid_is_left(page: Page) -> None:
    """A browser says that something was closed a moment after it was clicked at."""
    from playwright.sync_api import expect

    expect(page.locator("[role=grid]")).to_have_count(0)


def test_every_sentence_is_listed_and_stays_text(opened) -> None:
    page = opened("sentences")
    assert numbers(page) == list(range(1, len(ENGLISH) + 1))
    assert page.locator(".sentence .source .text").all_inner_texts() == list(ENGLISH)
    assert "broken" not in page.title()
    assert page.locator("main img").count() == 0
    assert page.locator(".status").first.inner_text() == "9 sentences"


def test_a_heat_map_is_drawn_when_its_sentence_is_opened(opened) -> None:
    page = opened("sentences")
    assert page.locator("[role=grid]").count() == 0
    grid = heat_map(page, 1)
    assert grid.locator("tbody tr").count() == 4
    assert grid.locator("thead th").all_inner_texts() == ["the", "old", "bank", "</s>"]
    cell = grid.locator("tbody tr").nth(2).locator("td").nth(2)
    assert cell.get_attribute("aria-label") == "Bank looked 100\u00a0% at bank"
    page.click("#sentence-1 .levels button:has-text('pieces')")
    assert grid.locator("thead th").all_inner_texts() == ["▁the", "▁old", "▁bank", "</s>"]
    page.click("#sentence-1 summary")
    no_grid_is_left(page)


def test_all_sentences_can_be_opened_and_are_drawn_as_one_comes_to_them(opened) -> None:
    page = opened("sentences")
    page.select_option("#set-choice", "1")
    page.click("text=Open all")
    page.locator("[role=grid]").first.wait_for()
    rows = page.locator(".sentence").count()
    assert page.locator(".sentence[open]").count() == rows
    assert 0 < page.locator("[role=grid]").count() < rows / 2
    page.locator(".sentence").nth(20).scroll_into_view_if_needed()
    page.locator(".sentence").nth(20).locator("[role=grid]").wait_for()
    page.click("text=Open all")
    no_grid_is_left(page)


def test_words_with_emoji_are_cut_where_python_cuts_them(opened) -> None:
    page = opened("sentences")
    labels = heat_map(page, 7).locator("thead th").all_inner_texts()
    assert labels == ["a", "👩‍👩‍👧‍👦", "family", "🇫🇷", "walks", "</s>"]


def test_sorting(opened) -> None:
    page = opened("sentences")
    page.select_option(".controls select >> nth=0", "chrf")
    values = [float(each) for each in page.locator(".measures .sorted dd").all_inner_texts()]
    assert values == sorted(values)
    assert len(set(values)) > 2
    page.click(".direction")
    turned = [float(each) for each in page.locator(".measures .sorted dd").all_inner_texts()]
    assert turned == sorted(values, reverse=True)
    # The empty line has no confidence and stands behind the others in either order.
    page.select_option(".controls select >> nth=0", "confidence")
    assert numbers(page)[-1] == 5
    page.click(".direction")
    assert numbers(page)[-1] == 5


def test_filters_by_text_sign_and_limits(opened) -> None:
    page = opened("sentences")
    page.fill("#sentences input[type=search]", "BANK")
    page.locator(".status", has_text="2 of 9 sentences").wait_for()
    assert numbers(page) == [1, 2]
    page.click("text=Show everything")
    assert len(numbers(page)) == len(ENGLISH)
    page.select_option("#sentences select >> nth=1", "numbers")
    assert numbers(page) == [4]
    assert page.locator("#sentence-4 mark.doubtful").first.inner_text() == "7"
    page.click("text=Show everything")
    page.click(".ranges summary")
    page.fill("[aria-label='chrF: at most']", "99")
    assert set(numbers(page)) == {3, 4, 5}
    page.fill("[aria-label='chrF: at least']", "0.5")
    assert set(numbers(page)) == {3, 4}
    assert page.locator(".status").first.inner_text() == "2 of 9 sentences"


def test_the_worst_are_gone_through_with_the_keyboard(opened) -> None:
    page = opened("sentences")
    page.click(".worst")
    first, second = numbers(page)[:2]
    assert first == 5  # the empty line has a chrF of 0
    assert page.locator(f"#sentence-{first}[open]").count() == 1
    page.keyboard.press("j")
    assert page.locator("details.sentence[open]").get_attribute("id") == f"sentence-{second}"
    assert page.evaluate("document.activeElement.parentElement.id") == f"sentence-{second}"
    page.keyboard.press("k")
    assert page.locator("details.sentence[open]").get_attribute("id") == f"sentence-{first}"
    page.fill("#sentences input[type=search]", "")
    page.type("#sentences input[type=search]", "jk")
    assert page.locator("#sentences input[type=search]").input_value() == "jk"


def test_what_the_keyboard_opens_is_in_view(opened) -> None:
    page = opened("sentences", viewport={"width": 1000, "height": 700})
    page.click(".worst")

    def in_view() -> bool:
        grid = page.locator("details.sentence[open] [role=grid]")
        grid.wait_for()
        bar, summary = page.locator(".bar-of-tabs"), page.locator("details.sentence[open] > summary")
        found = [each.bounding_box() for each in (bar, summary, grid)]
        assert all(found)
        (_, top), (_, begin), (_, map_begin) = ((box["y"], box["y"] + box["height"]) for box in found)
        return found[1]["y"] >= top and map_begin <= 700 and begin <= found[2]["y"]

    page.keyboard.press("j")
    for key in "jjjkkk":
        page.keyboard.press(key)
        assert in_view()


def test_an_empty_translation_says_so(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(example_document(ExampleSet("silent", {"a dog": ""})), encoding="utf-8")
    page = open_page(path.as_uri(), offline=True)
    page.click("#tab-sentences")
    assert "(nothing)" in page.locator("#sentence-1 .translation").inner_text()


def test_the_lexicon_leads_to_its_sentences(opened) -> None:
    page = opened("lexicon")
    entry = page.locator(".entry", has=page.locator("dt", has_text="bank"))
    assert entry.locator(".pair bdi").all_inner_texts() == ["Bank", "Ufer"]
    page.click("[aria-label='bank → Bank, 1×: show the sentences']")
    assert page.locator("#tab-sentences[aria-selected=true]").count() == 1
    assert numbers(page) == [1]
    assert page.locator(".chip span").inner_text() == "bank → Bank"
    # Each word for itself: from right to left it would turn the arrow around.
    assert page.locator(".chip bdi").all_inner_texts() == ["bank", "Bank"]
    assert page.locator("#sentence-1 mark.wanted").all_inner_texts() == ["bank", "Bank"]
    page.click(".chip button")
    assert page.evaluate("document.activeElement.matches('[type=search]')")  # the button is gone
    assert len(numbers(page)) == len(ENGLISH)
    assert page.locator("mark.wanted").count() == 0


def test_doubtful_words_lead_to_their_sentences(opened) -> None:
    page = opened("words")
    repeated = page.locator("#repeated tbody tr")
    assert repeated.locator("th").all_inner_texts() == ["Hunde"]
    assert repeated.locator(".count").inner_text() == "1 of 2"
    assert page.locator("#dropped tbody th").all_inner_texts() == ["here"]
    page.click("[aria-label='Show the sentences with Hunde']")
    assert numbers(page) == [3]
    assert page.locator(".chip span").inner_text().startswith("“Hunde” ")
    assert page.locator(".chip bdi").all_inner_texts() == ["Hunde"]


def test_arabic_is_read_from_the_right(opened) -> None:
    page = opened("sentences")
    text = page.locator("#sentence-8 .source .text")
    assert text.evaluate("each => getComputedStyle(each).direction") == "rtl"
    heads = heat_map(page, 8).locator("thead th")
    first, last = heads.first.bounding_box(), heads.last.bounding_box()
    assert first["x"] > last["x"]
    assert page.locator("#sentence-9 .source .text").get_attribute("lang") == "en"


def test_attention_says_its_languages(opened) -> None:
    page = opened("sentences")
    heat_map(page, 1)
    # What has none of its own would count as English, which is the page's.
    languages = "all => [...new Set(all.map(each => each.closest('[lang]:not(html)')?.lang))]"
    for source in (".source-text .unit", "thead th span"):
        assert page.locator(f"#sentence-1 {source}").evaluate_all(languages) == ["en"]
    for target in (".target-text .unit", "tbody th span"):
        assert page.locator(f"#sentence-1 {target}").evaluate_all(languages) == ["de"]


def test_a_long_set_is_drawn_as_far_as_one_looks(opened) -> None:
    page = opened("sentences")
    page.select_option("#set-choice", "1")
    assert page.locator(".status").first.inner_text() == "200 sentences"
    drawn = page.locator(".sentence").count()
    assert 20 < drawn < 200
    # As fast as one can scroll: at the end again before the page has looked where one is.
    page.evaluate(
        """() => {
            const toTheEnd = () => scrollTo(0, document.body.scrollHeight);
            new MutationObserver(toTheEnd).observe(document.body, { childList: true, subtree: true });
            toTheEnd();
        }"""
    )
    page.locator(".sentence").nth(199).wait_for()
    assert page.locator(".sentence").count() == 200
    assert page.locator("#sentences .more:visible").count() == 0


@pytest.mark.parametrize("tab", ["overview", "sentences", "words", "lexicon"])
def test_a_phone_need_not_scroll_sideways(opened, tab) -> None:
    page = opened(tab, viewport={"width": 360, "height": 740})
    if tab == "sentences":
        heat_map(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["overview", "sentences", "words", "lexicon"])
def test_nothing_serious_stands_in_anybodys_way(opened, no_serious_violations, tab, scheme) -> None:
    page = opened(tab, color_scheme=scheme)
    if tab == "sentences":
        page.click(".worst")
        heat_map(page, 3)
    no_serious_violations(page)


def test_tabs_are_reached_with_arrow_keys(opened) -> None:
    page = opened("overview")
    page.focus("#tab-overview")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "tab-lexicon"
    assert page.locator("#lexicon").is_visible()
    assert page.locator("#overview").is_hidden()


def test_light_and_dark_can_be_chosen(opened) -> None:
    page = opened("overview", color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.click("#color-scheme")
    assert page.evaluate(paper) != light
    page.click("#color-scheme")
    assert page.evaluate(paper) == light


def test_the_scores_need_no_script(report, open_page) -> None:
    page = open_page(report.as_uri(), java_script_enabled=False)
    assert page.locator("#overview").is_visible()
    assert page.locator("table.scores").first.is_visible()
    assert page.locator("noscript").count() == 1
