"""How the inspector's page draws attention: the heat map, the lines, the pictures that leave it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from tests.browser.answers import alternatives, translation
from tests.browser.inspector_page import SOURCE, TARGET, cell, focused_label, note, plain, word

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.page_server import PageServer


ARABIC = "رجل يقف على سلم"


def box(locator: Locator) -> dict[str, float]:
    found = locator.bounding_box()
    assert found is not None
    return {**found, "end": found["x"] + found["width"], "bottom": found["y"] + found["height"]}


def wait_for_answers(page: Page) -> None:
    """Until the chosen word's panel is full, and the heat map has taken the room that is left to it."""
    page.wait_for_selector(".alternatives button")
    page.wait_for_timeout(200)


def surrounds(frame: Locator, first: Locator, last: Locator) -> bool:
    """Whether a frame lies around all cells from one to another one, whichever of them is at the left."""
    found, ends = box(frame), [box(first), box(last)]
    wanted = {
        **{"x": min(end["x"] for end in ends), "end": max(end["end"] for end in ends)},
        **{"y": ends[0]["y"], "bottom": ends[1]["bottom"]},
    }
    return all(abs(found[side] - wanted[side]) < 1 for side in wanted)


def test_the_frame_stays_on_its_row_when_the_panel_takes_room(translated: Callable[..., Page]) -> None:
    words = " ".join(f"word{number}" for number in range(14))
    page = translated(translation(words, words), {"viewport": {"width": 1100, "height": 900}})
    before = box(cell(page, 3, 0))
    word(page, "target", 3).click()
    wait_for_answers(page)
    assert box(cell(page, 3, 0))["width"] < before["width"]
    assert surrounds(page.locator(".heat-map .band").first, cell(page, 3, 0), cell(page, 3, 14))


@pytest.mark.parametrize("source", [SOURCE, ARABIC])
def test_frames_lie_around_their_cells(translated: Callable[..., Page], source: str) -> None:
    page = translated(translation(source, TARGET))
    cell(page, 1, 2).hover()
    row, column = page.locator(".heat-map .band").all()
    assert surrounds(row, cell(page, 1, 0), cell(page, 1, len(source.split())))
    assert surrounds(column, cell(page, 0, 2), cell(page, 4, 2))


@pytest.mark.parametrize("width", [360, 600, 1100])
def test_a_long_sentence_about_a_word_moves_no_cell(translated: Callable[..., Page], width: int) -> None:
    """What stands above a narrow map takes more lines; the map must not flee from the pointer."""
    words = " ".join(f"ladder{number}" for number in range(4))
    weights = [[0.4, 0.3, 0.2, 0.1, 0.0]] * 5
    page = translated(
        translation(words, words, weights=weights), {"viewport": {"width": width, "height": 900}}
    )
    place = "each => each.getBoundingClientRect().top + window.scrollY"
    before = cell(page, 2, 2).evaluate(place)
    page.locator(".heat-map tbody th").nth(2).hover()
    assert note(page).count("%") == 5
    assert cell(page, 2, 2).evaluate(place) == pytest.approx(before, abs=1)


@pytest.mark.parametrize(("source", "first_at_right"), [("😀 مرحبا", True), ("The word שלום", False)])
def test_pieces_run_as_the_text_does(
    translated: Callable[..., Page], source: str, first_at_right: bool
) -> None:
    answer = translation(source, TARGET)
    answer["source"]["pieces"][0] = (
        "<0xF0>"  # an emoji may be spelled in bytes; the first letter is an x then
    )
    page = translated(answer, level="pieces")
    first, second = box(cell(page, 0, 0)), box(cell(page, 0, 1))
    assert (first["x"] > second["x"]) == first_at_right


def test_lines_that_are_drawn_anew_stay_marked(translated: Callable[..., Page]) -> None:
    page = translated(drawing="lines", word=3)
    wait_for_answers(page)
    marked = page.locator(".link-sheet path.marked")
    assert marked.count() == 2  # to "do" and to "not"; the others are too faint
    page.set_viewport_size({"width": 700, "height": 800})
    page.wait_for_function("() => document.querySelector('.link-sheet').clientWidth < 650")
    page.wait_for_timeout(200)
    assert marked.count() == 2
    drawing, sheet = box(page.locator(".link-sheet svg")), box(page.locator(".link-sheet"))
    assert (drawing["x"], drawing["end"]) == (sheet["x"], sheet["end"])


def test_what_explains_a_drawing_stands_right_below_it(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page_server.answers["/api/alternatives"] = lambda _: alternatives(*[("▁kaum", 0.05)] * 10)
    page = translated(word=3, drawing="lines")
    wait_for_answers(page)
    drawing, panel = box(page.locator(".drawing")), box(page.locator(".word-panel"))
    assert panel["bottom"] > drawing["bottom"] + 100  # it leaves a lot of room
    assert 0 <= box(page.locator("#panel-attention .legend"))["y"] - drawing["bottom"] < 20


def test_hard_links_follow_the_threshold(translated: Callable[..., Page]) -> None:
    page = translated(drawing="lines")
    soft = page.locator(".link-sheet path").count()
    page.get_by_role("radio", name="Links").click()
    assert page.locator(".link-sheet path").count() == 4 < soft  # every word has one source above 30 %
    page.get_by_label("Threshold").fill("0.85")
    assert page.locator(".link-sheet path").count() == 1  # es to it, 90 %
    page.get_by_role("radio", name="Heat map").click()
    shown = [each for each in page.locator(".heat-map tbody td").all_inner_texts() if each]
    assert shown == ["90", "90"]
    assert plain(cell(page, 2, 4).get_attribute("aria-label")) == "es and it: linked, 90 %"
    assert plain(cell(page, 3, 2).get_attribute("aria-label")) == "nicht and not: not linked, 83 %"


def test_pieces_are_another_level(translated: Callable[..., Page]) -> None:
    page = translated()
    page.get_by_role("radio", name="Pieces").click()
    assert page.locator(".heat-map tbody th").all_inner_texts() == ["▁ich", "▁sehe", "▁es", "▁nicht", "</s>"]
    assert "level=pieces" in page.url


def test_offsets_count_characters_not_utf16_units(translated: Callable[..., Page]) -> None:
    page = translated(translation("🏳️‍🌈 two 😀 dogs", "zwei 𝒟 Hunde"))
    assert page.locator(".source-text .unit").all_inner_texts() == ["🏳️‍🌈", "two", "😀", "dogs"]
    assert page.locator(".target-text .unit").all_inner_texts() == ["zwei", "𝒟", "Hunde"]


def test_arabic_runs_from_right_to_left(translated: Callable[..., Page]) -> None:
    page = translated(translation(ARABIC, "a man on a ladder"))
    assert (
        page.locator(".source-text .text-line").evaluate("each => getComputedStyle(each).direction") == "rtl"
    )
    assert (
        page.locator(".target-text .text-line").evaluate("each => getComputedStyle(each).direction") == "ltr"
    )
    first, second = (cell(page, 0, column).bounding_box() for column in (0, 1))
    assert first is not None
    assert second is not None
    assert first["x"] > second["x"]
    cell(page, 0, 0).focus()
    page.keyboard.press("ArrowLeft")
    assert "يقف" in focused_label(page)


@pytest.mark.parametrize("source", [SOURCE, ARABIC])
def test_a_map_that_fits_need_not_be_scrolled(translated: Callable[..., Page], source: str) -> None:
    page = translated(
        translation(source.replace(" ", "longer "), TARGET), {"viewport": {"width": 420, "height": 800}}
    )
    heat_map = page.locator(".heat-map")
    assert "slanted" in str(heat_map.get_attribute("class"))
    assert heat_map.evaluate("each => each.scrollWidth - each.clientWidth") == 0
    labels = [box(each) for each in heat_map.locator("thead th span").all()]
    scroller = box(heat_map)
    assert all(scroller["x"] <= label["x"] and label["end"] <= scroller["end"] for label in labels)


def test_an_arabic_map_that_does_not_fit_begins_with_its_first_word(translated: Callable[..., Page]) -> None:
    long = " ".join([ARABIC] * 8)
    page = translated(translation(long, TARGET), {"viewport": {"width": 360, "height": 740}})
    heat_map = page.locator(".heat-map")
    assert heat_map.evaluate("each => each.scrollWidth - each.clientWidth") > 100
    assert box(cell(page, 0, 0))["end"] <= box(heat_map.locator("tbody th").first)["x"] + 1
    assert box(cell(page, 0, 0))["x"] > box(heat_map)["x"]
    # Frames are where their cells are, also when the map has been scrolled; and labels stay where they were.
    corner = box(heat_map.locator(".corner"))["x"]
    heat_map.evaluate("each => { each.scrollLeft = -90; }")
    cell(page, 1, 9).dispatch_event("pointerover")  # a real pointer would scroll it into view
    assert heat_map.evaluate("each => each.scrollLeft") == -90
    assert surrounds(heat_map.locator(".band").last, cell(page, 0, 9), cell(page, 4, 9))
    assert box(heat_map.locator(".corner"))["x"] == pytest.approx(corner, abs=2)


def test_a_minus_stands_before_its_number(page_server: PageServer, translated: Callable[..., Page]) -> None:
    answer = translation(ARABIC, TARGET)
    page_server.answers["/api/why"] = lambda _: {
        "translation": answer,
        "leave_one_out": [[-2.5] * 4 for _ in range(5)],
        "gradient_x_input": [[-1.0] * 5 for _ in range(5)],
        **{"disagreements": [], "rule": "The rule.", "explanation": "…"},
    }
    page = translated(answer, view="why")
    number = page.locator(".why-map").nth(1).locator("tbody td").first
    # Where a character stands on the screen, not in the text.
    place = """(cell, at) => {
      const range = document.createRange();
      range.setStart(cell.firstChild, at);
      range.setEnd(cell.firstChild, at + 1);
      return range.getBoundingClientRect().left;
    }"""
    assert number.inner_text() == "−2.5"
    assert number.evaluate(place, 0) < number.evaluate(place, 1)


def test_words_to_choose_from_follow_as_in_the_sentence(translated: Callable[..., Page]) -> None:
    answer = translation(SOURCE, ARABIC)
    # The first word has two pieces.
    hypothesis = answer["hypotheses"][0]
    hypothesis["pieces"][:2], hypothesis["piece_to_word"] = ["▁رج", "ل"], [0, 0, 2, 3]
    page = translated(answer, word=0)
    wait_for_answers(page)
    piece, next_piece = (box(each) for each in page.locator('[aria-label="Piece of the word"] .chip').all())
    assert piece["x"] > next_piece["x"]
    chips = page.locator(".chips.pins .chip")
    assert box(chips.nth(0))["x"] < box(chips.nth(1))["x"]


def test_arabic_words_to_choose_from_follow_as_in_the_sentence(translated: Callable[..., Page]) -> None:
    page = translated(translation(ARABIC, TARGET), word=0)
    wait_for_answers(page)
    chips = page.locator(".chips.pins .chip")
    assert box(chips.nth(0))["x"] > box(chips.nth(1))["x"]


def test_a_message_runs_as_english_whatever_it_quotes(translated: Callable[..., Page]) -> None:
    sign = {
        **{"kind": "names", "value": 2, "limit": 1, "source_words": [0, 1], "target_words": []},
        "message": "“رجل”, “يقف” and “<b>” are missing.",
    }
    page = translated(translation(ARABIC, TARGET, warnings=[sign]))
    quoted = page.locator(".warnings li bdi")
    assert quoted.all_inner_texts() == ["رجل", "يقف", "<b>"]
    first, second, third = (box(each)["x"] for each in quoted.all())
    assert box(page.locator(".warnings li b"))["end"] < first < second < third


def test_a_large_matrix_is_drawn_at_once(translated: Callable[..., Page]) -> None:
    words = " ".join(f"w{number}" for number in range(60))
    page = translated(translation(words, words))
    milliseconds = page.evaluate(
        """async () => {
          const start = performance.now();
          document.querySelector('[data-value="pieces"]').click();
          document.body.getBoundingClientRect();
          return performance.now() - start;
        }"""
    )
    assert page.locator(".heat-map td[role=gridcell]").count() == 61 * 61
    assert milliseconds < 10_000  # about 150 on an idle machine; the limit is for a busy one


def test_downloads(translated: Callable[..., Page], tmp_path: Any) -> None:
    page = translated(translation("I <see> it", "ich e\x02s sehe"))

    def content(name: str) -> bytes:
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download {name}").click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
        return (tmp_path / download.value.suggested_filename).read_bytes()

    assert content("PNG").startswith(b"\x89PNG\r\n")
    svg = content("SVG").decode()
    assert "&lt;see&gt;" in svg
    assert svg.count("<rect") == 1 + 4 * 4
    ElementTree.fromstring(svg)
    assert "e\ufffds" in svg  # a control character, which XML has no place for
    assert b'"word_attention"' in content("JSON")
    assert content("Pharaoh") == b"0-0 1-1 2-2\n"


def test_the_link_that_is_copied_is_the_address_of_the_view(translated: Callable[..., Page]) -> None:
    allowed = {"permissions": ["clipboard-read", "clipboard-write"]}
    page = translated(options=allowed, level="pieces")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert "level=pieces" in copied


def test_where_nothing_can_be_copied_the_page_says_how_else(translated: Callable[..., Page]) -> None:
    """As on a server of the network without encryption."""
    page = translated()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copy the address of this page instead.").wait_for()


def test_pictures_show_links_where_links_are_shown(translated: Callable[..., Page], tmp_path: Any) -> None:
    page = translated(threshold="0.85")

    def squares() -> tuple[int, int, int]:
        """How many of the picture's cells are white, how many are not, and how many colours these have."""
        with page.expect_download() as download:
            page.get_by_role("button", name="Download SVG").click()
        download.value.save_as(tmp_path / "attention.svg")
        svg = (tmp_path / "attention.svg").read_text(encoding="utf-8")
        papers = re.findall(r'<rect [^>]*fill="(rgb[^"]*)"', svg)
        inked = [each for each in papers if each != "rgb(255,255,255)"]
        return len(papers) - len(inked), len(inked), len(set(inked))

    assert squares() == (28, 2, 1)  # 90 % twice
    page.get_by_label("Threshold").fill("0.5")
    assert squares() == (25, 5, 1)  # of the links each is as dark as every other one
    page.get_by_role("radio", name="Weights").click()
    _, inked, colours = squares()
    assert inked > 5
    assert colours > 5
    assert "the heat map" in plain(page.locator(".downloads").inner_text())
