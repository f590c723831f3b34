"""The inspector's other views: beam, dependence, comparison; and what holds for all views."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.answers import answered, beam_node, pinned, soft_diagonal, translation
from tests.browser.inspector_page import SOURCE, TARGET, WEIGHTS, plain, word
from tests.repetitions import rest_slow

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.page_server import PageServer


def test_the_beam_is_a_tree(page_server: PageServer, translated: Callable[..., Page]) -> None:
    nodes = [
        beam_node(0, None, 0, "ich", on_best_path=True),
        beam_node(1, None, 0, "das", rank=1, status="dropped"),
        beam_node(2, None, 0, "wir", rank=None, status="pruned", token_probability=0.01),
        beam_node(3, 0, 1, "sehe", on_best_path=True),
        beam_node(4, 3, 2, "</s>", on_best_path=True, status="ended", score=-0.5),
    ]
    page_server.answers["/api/beam"] = lambda body: {
        "nodes": nodes if body["pruned"] else nodes[:2],
        "hypotheses": [],
    }
    page = translated(view="beam")
    page.wait_for_selector(".beam-node")
    assert page_server.last("/api/beam")["pruned"] == 3
    assert page.locator(".beam-node.pruned").all_inner_texts() == ["wir"]
    assert page.locator(".beam-sheet path").count() == 2  # each with a parent
    page.locator(".beam-node").first.focus()
    page.keyboard.press("ArrowRight")
    assert plain(page.locator(".beam-path").inner_text()).startswith(
        "ich sehe 60 % at this step, 37 % so far"
    )
    page.keyboard.press("Enter")
    page.wait_for_selector(".heat-map")
    assert page_server.last("/api/translate")["prefix"] == ["▁ich", "▁sehe"]


def test_why_marks_where_attention_and_dependence_disagree(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    disagreement = {
        **{"target_word": 3, "source_word": 1, "kind": "needed_not_looked_at"},
        **{"attention": 0.11, "leave_one_out": 4.0, "message": "“nicht” needs “do”."},
    }
    losses = [[0.0] * 5 for _ in range(5)]
    losses[3][1], losses[0][4] = 4.0, -0.9
    page_server.answers["/api/why"] = lambda _: {
        "translation": translation(SOURCE, TARGET, weights=WEIGHTS),
        "leave_one_out": losses,
        "gradient_x_input": soft_diagonal(5, 6).tolist(),
        **{
            "disagreements": [disagreement],
            "rule": "The rule.",
            "explanation": "Attention is not everything.",
        },
    }
    page = translated(view="why")
    page.wait_for_selector(".why-map .heat-map")
    assert page_server.last("/api/why")["target_pieces"] == ["▁ich", "▁sehe", "▁es", "▁nicht", "</s>"]
    assert page.locator("td.disagrees").count() == 3  # the same cell of all three maps
    labels = [each.get_attribute("aria-label") for each in page.locator("td.disagrees").all()]
    assert labels[1] == "Without do, nicht is 55 times less probable"
    assert page.get_by_label("Without it, ich is 2.5 times more probable").count() == 1
    assert "Attention is not everything." in page.locator("#panel-why").inner_text()


def compared_with(target: str, page_server: PageServer, translated: Callable[..., Page]) -> Page:
    """The tab Compare, with what greedy search has found beside the translation."""
    left, right = translation(SOURCE, TARGET, weights=WEIGHTS), translation(SOURCE, target)
    page_server.answers["/api/translate"] = lambda body: answered(
        right if body.get("beam_size") == 1 else left
    )
    return translated(left, view="compare")


def test_compare_draws_the_difference_of_common_words(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = compared_with("ich sehe das nicht", page_server, translated)
    page.wait_for_selector(".difference .heat-map")
    assert page_server.last("/api/translate")["beam_size"] == 1  # with one model, greedy search is the other
    assert page.locator(".difference tbody th").all_inner_texts() == ["ich", "sehe", "nicht", "</s>"]
    assert page.locator(".sides .different").all_inner_texts() == ["es", "das"]
    # nicht at not: 0.83 on the left, 0.04 on the right (whose fourth word looks at the fourth).
    label = page.locator(".difference tbody tr").nth(2).locator("td").nth(2).get_attribute("aria-label")
    assert label == "nicht at not: 79 points more on the left"


def test_the_end_is_no_word_that_two_translations_share(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    page = compared_with("tu voyais", page_server, translated)
    page.wait_for_selector(".difference .hint")
    assert "no word in common" in page.locator(".difference").inner_text()


def test_a_pruned_end_and_words_of_bytes_are_read_as_what_they_are(
    page_server: PageServer, translated: Callable[..., Page]
) -> None:
    piece = {"starts_word": False, "on_best_path": True}
    nodes = [
        beam_node(0, None, 0, "شكرا", on_best_path=True),
        beam_node(1, 0, 1, "<0xC5>", **{**piece, "piece": "<0xC5>", "text": "<0xC5>"}),
        beam_node(2, 1, 2, "<0xA0>", **{**piece, "piece": "<0xA0>", "text": "<0xA0>"}),
        beam_node(3, 0, 1, "</s>", status="pruned", rank=None),
    ]
    page_server.answers["/api/beam"] = lambda _: {"nodes": nodes, "hypotheses": []}
    page = translated(view="beam")
    end = page.locator(".beam-node.pruned")
    assert end.inner_text().strip() == "■ end"
    assert (end.get_attribute("aria-label") or "").startswith("end of sentence, ")
    page.locator(".beam-node").nth(2).hover()
    assert page.locator(".beam-path .quoted").inner_text() == "شكراŠ"


@pytest.mark.parametrize("tab", ["attention", "beam", "why", "compare"])
def test_a_narrow_page_does_not_scroll_sideways(
    page_server: PageServer, translated: Callable[..., Page], tab: str
) -> None:
    long = " ".join(f"Donaudampfschifffahrtsgesellschaft{number}" for number in range(12))
    answer = translation(long, long)
    page_server.answers["/api/beam"] = lambda _: {
        "nodes": [beam_node(each, each - 1 if each else None, each, "langes") for each in range(12)],
        "hypotheses": [],
    }
    page_server.answers["/api/why"] = lambda _: {
        "translation": answer,
        "leave_one_out": soft_diagonal(13, 12).tolist(),
        "gradient_x_input": soft_diagonal(13, 13).tolist(),
        **{"disagreements": [], "rule": "The rule.", "explanation": "…"},
    }
    page = translated(answer, {"viewport": {"width": 360, "height": 740}}, view=tab, word=1)
    page.wait_for_selector(f"#panel-{tab} :is(.heat-map, .beam-node)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", rest_slow(["dark", "light"]))
@pytest.mark.parametrize("tab", ["attention", "beam", "why", "compare"])
def test_no_serious_accessibility_problem(
    page_server: PageServer,
    translated: Callable[..., Page],
    no_serious_violations: Callable[[Page], None],
    tab: str,
    scheme: str,
) -> None:
    sign = {
        **{"kind": "names", "value": 1, "limit": 1, "message": "A name is missing."},
        **{"source_words": [1], "target_words": [2]},
    }
    answer = translation(SOURCE, TARGET, "das sehe ich nicht", weights=WEIGHTS, warnings=[sign])
    page_server.answers["/api/beam"] = lambda _: {
        "nodes": [
            beam_node(0, None, 0, "ich", on_best_path=True),
            beam_node(1, None, 0, "das", rank=1, status="dropped"),
            beam_node(2, None, 0, "wir", rank=None, status="pruned"),
        ],
        "hypotheses": [],
    }
    page_server.answers["/api/why"] = lambda _: {
        "translation": answer,
        "leave_one_out": [[4.0, 1.0, 0.1, -1.0, -3.0] for _ in range(5)],
        "gradient_x_input": [[4.0, 2.0, 0.6, -0.6, -2.0, -4.0] for _ in range(5)],
        "disagreements": [
            {
                **{"target_word": 3, "source_word": 1, "kind": "needed_not_looked_at"},
                **{"attention": 0.11, "leave_one_out": 4.0, "message": "“nicht” needs “do”."},
            }
        ],
        **{"rule": "The rule.", "explanation": "Attention is not everything."},
    }
    page_server.answers["/api/pin"] = lambda _: pinned(
        answer, after=translation(SOURCE, TARGET, word_probabilities=[0.1] * 5)
    )
    page = translated(answer, {"color_scheme": scheme}, view=tab, n=2, word=3, pins="1")
    page.wait_for_selector(f"#panel-{tab} :is(.heat-map, .beam-node)")
    if tab == "attention":
        page.wait_for_selector(".pin-change")
        word(page, "target", 1).hover()
    page.wait_for_load_state("networkidle")
    no_serious_violations(page)
