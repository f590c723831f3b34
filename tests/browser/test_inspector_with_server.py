"""The page with the real server behind it: a tiny untrained model, whose answers are odd but its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from seq2seq.serve_command import address_of, bound_socket
from tests.repetitions import rest_slow

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from data.tokenizer import TokenizerPair

OpenPage = Callable[..., "Page"]

SENTENCE = "two dogs run through the snow."
EPOCHS = (1, 3)


@pytest.fixture(scope="module")
def server_url(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, tiny_tokenizers: TokenizerPair
) -> Iterator[str]:
    """Two models, the first of which has kept two epochs."""
    import uvicorn

    from seq2seq.inspector.application import create_application
    from seq2seq.inspector.served_model import ServedModel
    from tests.seq2seq.tiny_run import make_tiny_run

    folder = tmp_path_factory.mktemp("served")
    run = make_tiny_run(folder / "first", tokenizers=tiny_tokenizers)
    model = run.load_model()
    for epoch in EPOCHS:
        for variable in model.trainable_variables:
            variable.assign(0.6 * variable)
        run.checkpoints.save(epoch, model)
    Path(run.metrics_file).write_text("epoch,loss,val_bleu\n1,3.5,10.5\n2,3.1,11\n3,2.9,12.345\n")
    other = make_tiny_run(folder / "second", seed=2, tokenizers=tiny_tokenizers)
    app = create_application(
        [ServedModel("first", run), ServedModel("second", other)], hosts=("127.0.0.1", "localhost")
    )
    with bound_socket("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
        thread.start()
        yield address_of(listening)
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def translated(server_url: str, open_page: OpenPage) -> Callable[..., tuple[Page, dict[str, Any]]]:
    """Opens a link, waits for the translation, and gives the page and the first translation's JSON."""

    def open_translated(options: Any = None, **state: Any) -> tuple[Page, dict[str, Any]]:
        page = open_page(server_url, **(options or {}))
        page.set_default_timeout(180_000)  # the model's first answers build its graphs
        with page.expect_response("**/api/translate") as response:
            page.evaluate("fragment => { location.hash = fragment; }", urlencode({"s": SENTENCE, **state}))
        page.wait_for_selector("#answer:not([hidden])")
        return page, response.value.json()["translations"][0]

    return open_translated


def largest(values: list[float]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def test_the_words_that_light_up_are_those_of_the_answer(translated: Any) -> None:
    page, answer = translated()
    hypothesis = answer["hypotheses"][0]
    assert page.locator(".target-text").inner_text() == hypothesis["text"]
    assert page.locator(".source-text .unit").all_inner_texts() == answer["source"]["words"]
    row = next(place for place, word in enumerate(hypothesis["words"]) if word.isalpha())
    page.locator(f'.target-text .unit[data-index="{row}"]').hover()
    weights = hypothesis["word_attention"][row]
    words = [*answer["source"]["words"], "</s>"]
    assert page.locator(".pointed-at b, .pointed-at .quoted").nth(1).inner_text() == words[largest(weights)]
    place = largest(weights[:-1])
    papers = [
        each.evaluate("each => getComputedStyle(each).backgroundColor")
        for each in page.locator(".source-text .unit").all()
    ]
    assert papers[place] not in [paper for index, paper in enumerate(papers) if index != place]


def test_an_alternative_is_gone_on_with(translated: Any) -> None:
    page, answer = translated()
    with page.expect_response("**/api/alternatives") as response:
        page.locator(".target-text .unit").nth(1).click()
    offered = response.value.json()["alternatives"]
    assert len(offered) == 10
    written = answer["hypotheses"][0]["pieces"]
    before = response.value.json()["prefix"]
    assert before == written[: len(before)]
    place = next(
        place
        for place, each in enumerate(offered)
        if each["piece"] != written[len(before)] and not each["is_end"] and each["text"]
    )
    with page.expect_response("**/api/translate") as again:
        page.locator(".alternatives button").nth(place).click()
    now = again.value.json()["translations"][0]["hypotheses"][0]
    assert now["pieces"][: len(before) + 1] == [*before, offered[place]["piece"]]
    page.wait_for_selector("text=You chose how it begins")
    assert page.locator(".target-text").inner_text() == now["text"]


def test_pinning_changes_the_word_by_the_servers_numbers(translated: Any) -> None:
    page, answer = translated()
    page.locator(".target-text .unit").nth(1).click()
    with page.expect_response("**/api/pin") as response:
        page.locator(".pins button").nth(0).click()
    page.wait_for_selector(".pin-change")
    content = response.value.json()
    pinned = content["after"]["hypotheses"][0]
    assert pinned["pieces"] == answer["hypotheses"][0]["pieces"]
    assert pinned["word_attention"][1][0] == pytest.approx(1)
    assert page.locator(".pin-continuation").inner_text() == content["continuation"]["hypotheses"][0]["text"]


def test_knowing_the_word_draws_the_servers_posterior(translated: Any) -> None:
    page, answer = translated()
    with page.expect_response("**/api/score") as response:
        page.get_by_role("radio", name="Knowing the word").click()
    page.get_by_text("came from: 0").wait_for()
    (hypothesis,) = response.value.json()["translations"][0]["hypotheses"]
    own = answer["hypotheses"][0]
    assert hypothesis["pieces"] == own["pieces"]
    assert hypothesis["word_attention"] != own["word_attention"]
    shown = page.locator("#panel-attention .heat-map tbody td").all_inner_texts()
    weights = [weight for row in hypothesis["word_attention"] for weight in row]
    expected = [round(100 * weight) if weight >= 0.05 else None for weight in weights]
    for text, number in zip(shown, expected, strict=True):
        # Python and JavaScript round a half in different directions.
        assert (not text) if number is None else int(text) == pytest.approx(number, abs=1)


def test_the_beams_best_path_is_the_translation(translated: Any) -> None:
    page, answer = translated(view="beam", beam=3)
    page.wait_for_selector(".beam-node")
    best = page.locator(".beam-node.best")
    # A translation that was cut off has no end; one that ended has one node more.
    assert best.count() == len(answer["hypotheses"][0]["token_probabilities"])
    assert page.locator(".beam-node.pruned").count() > 0
    shown = [text.removeprefix("…") for text in best.all_inner_texts() if text != "■ end"]
    pieces = [piece.replace("▁", "") or "(a space)" for piece in answer["hypotheses"][0]["pieces"]]
    assert shown == pieces


def test_why_this_word(translated: Any) -> None:
    page, answer = translated(view="why")
    page.wait_for_selector(".why-map .heat-map")
    rows = len(answer["hypotheses"][0]["word_attention"])
    for number in range(3):
        assert page.locator(".why-map").nth(number).locator("tbody tr").count() == rows
    assert page.locator(".explanation").inner_text()


def test_two_models_side_by_side(translated: Any) -> None:
    page, _ = translated(view="compare")
    page.wait_for_selector(".difference")
    assert page.locator(".compared h3").all_inner_texts() == [
        "first · shown translation",
        "second · same search",
    ]
    page.get_by_role("radio", name="The same words").click()
    page.get_by_role("heading", name="second · the same words").wait_for()
    assert page.locator(".sides .different").count() == 0
    assert page.locator('.difference td[role="gridcell"]').count() > 0


def test_the_checkpoints_slider(translated: Any) -> None:
    page, best = translated()
    slider = page.get_by_label("Checkpoint", exact=True)
    assert slider.get_attribute("max") == str(len(EPOCHS))
    with page.expect_response("**/api/translate") as response:
        slider.fill("0")
    first = response.value.json()
    assert first["checkpoint"] == 1
    page.wait_for_function(
        "() => document.querySelector('#checkpoint-name').textContent === 'epoch 1 · 10.5'"
    )
    text = first["translations"][0]["hypotheses"][0]["text"]
    page.wait_for_function("text => document.querySelector('.target-text').textContent === text", arg=text)
    assert (
        first["translations"][0]["hypotheses"][0]["word_attention"] != best["hypotheses"][0]["word_attention"]
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "<script>document.title='hacked'</script> dogs",
        "two 🏳️‍🌈 dogs 😀 look at 𝒟 the snow",
        "رجل يقف على سلم",
        "一个男人站在梯子上。",
        "e\u0301le\u0300ve ﬁnd",
    ],
)
def test_what_is_typed_is_what_is_shown(translated: Any, sentence: str) -> None:
    page, answer = translated(s=sentence)
    page.locator(".target-text .unit, .heat-map th").first.click()
    shown = page.locator(".source-text .text-line").evaluate("each => each.textContent")
    assert shown == sentence
    words = [
        word
        for word, (start, end) in zip(
            answer["source"]["words"], answer["source"]["word_offsets"], strict=True
        )
        if end > start
    ]
    assert (
        page.locator(".source-text .unit").evaluate_all("all => all.map(each => each.textContent)") == words
    )
    assert page.title() == "Attention inspector"


def test_a_sentence_that_is_too_long_is_refused_in_plain_words(translated: Any) -> None:
    page, _ = translated()
    page.get_by_label("Sentence to translate").fill("dogs " * 400)
    page.get_by_role("button", name="Translate").click()
    page.wait_for_selector("#question-problem:not([hidden])")
    assert "at most 1000" in page.locator("#question-problem").inner_text()


@pytest.mark.parametrize("scheme", rest_slow(["light", "dark"]))
def test_no_serious_accessibility_problem(
    translated: Any, no_serious_violations: Callable[[Page], None], scheme: str
) -> None:
    page, _ = translated({"color_scheme": scheme}, n=2, word=1, pins="0")
    page.wait_for_selector(".pin-change")
    for tab in ("Attention", "Beam", "Why this word", "Compare"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_load_state("networkidle")
        no_serious_violations(page)
