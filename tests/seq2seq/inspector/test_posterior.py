"""Posterior attention over the API: as the library reads it of the same translations and weights."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from seq2seq.inspector import schemas
from seq2seq.inspector.limits import Limits
from seq2seq.inspector.questions import Questions
from seq2seq.inspector.work_queue import Work, WorkQueue
from seq2seq.posterior_translator import PosteriorTranslator
from seq2seq.translation import Translation
from tests.seq2seq.inspector.asking import Asking, assert_close, stays
from tests.seq2seq.tiny_run import SENTENCES

if TYPE_CHECKING:
    from seq2seq.inspector.served_model import ServedModel
    from seq2seq.run_directory import RunDirectory

SOURCE, TARGET = "two dogs run through the snow.", "the old man paint the snow."
# What is read from the attention; all else is the same whichever one was asked for.
OF_ATTENTION = {"attention_weights", "word_attention", "alignment", "confidence", "measures", "warnings"}


@pytest.fixture(scope="module")
def posterior_translator(kept_run: RunDirectory) -> PosteriorTranslator:
    return PosteriorTranslator.load(kept_run)


def assert_attention_is(found: dict[str, Any], expected: Translation) -> None:
    """An answer's translation has the attention of one of the library."""
    theirs = expected.to_json()["hypotheses"]
    assert len(found["hypotheses"]) == len(theirs)
    for hypothesis, its_own in zip(found["hypotheses"], theirs, strict=True):
        assert hypothesis["text"] == its_own["text"]
        for name in ("attention_weights", "word_attention"):
            np.testing.assert_allclose(hypothesis[name], its_own[name], atol=5e-5)
        assert hypothesis["alignment"] == its_own["alignment"]
        assert_close(hypothesis["confidence"], its_own["confidence"])


def weights_of(translation: dict[str, Any]) -> np.ndarray:
    return np.array(translation["hypotheses"][0]["attention_weights"])


class TestAnswers:
    def test_of_a_translation(self, api: Asking, posterior_translator: PosteriorTranslator) -> None:
        sentences = [*SENTENCES[:2], ""]
        answer = api.post("/api/translate", sentences=sentences, n_best=2, attention="posterior")
        assert answer["attention"] == "posterior"
        options = posterior_translator.default_options(n_best=2)
        expected = posterior_translator.translate(sentences, options)
        for found, theirs in zip(answer["translations"], expected, strict=True):
            assert_attention_is(found, theirs)
        assert [len(each["hypotheses"]) for each in answer["translations"]] == [2, 2, 0]

    def test_of_fewer_translations_than_the_beam_has(
        self, api: Asking, posterior_translator: PosteriorTranslator
    ) -> None:
        (found,) = api.post(
            "/api/translate", sentences=[SOURCE], beam_size=4, n_best=2, attention="posterior"
        )["translations"]
        options = posterior_translator.default_options(beam_size=4, n_best=4)
        (expected,) = posterior_translator.translate([SOURCE], options)
        assert_attention_is(found, replace(expected, hypotheses=expected.hypotheses[:2]))

    def test_of_a_score(self, api: Asking, posterior_translator: PosteriorTranslator) -> None:
        pieces = posterior_translator.tokenizers.target.segment(TARGET).pieces
        pairs = [
            {"source": SOURCE, "target": TARGET},
            {"source": SENTENCES[0], "target_pieces": [*pieces, "</s>"]},
            {"source": SOURCE, "target_pieces": list(pieces[:3])},
        ]
        answer = api.post("/api/score", pairs=pairs, attention="posterior")
        assert answer["attention"] == "posterior"
        tokens = posterior_translator.tokenizers.target.encode(TARGET)[:3]
        expected = posterior_translator.score([SOURCE, SENTENCES[0], SOURCE], [TARGET, TARGET, tokens])
        for found, theirs in zip(answer["translations"], expected, strict=True):
            assert_attention_is(found, theirs)

    def test_of_a_prefix_with_an_end(self, api: Asking, posterior_translator: PosteriorTranslator) -> None:
        pieces = [*posterior_translator.tokenizers.target.segment(TARGET).pieces, "</s>"]
        answer = api.post("/api/translate", sentences=[SOURCE], prefix=pieces, attention="posterior")
        assert answer["attention"] == "posterior"
        (expected,) = posterior_translator.score([SOURCE], [TARGET])
        assert_attention_is(answer["translations"][0], expected)

    def test_nothing_else_is_different(self, api: Asking) -> None:
        pairs = [{"source": SOURCE, "target": TARGET}]
        for path, body in (("/api/translate", {"sentences": [SOURCE]}), ("/api/score", {"pairs": pairs})):
            plain, prior, posterior = (
                api.post(path, **body, **more)
                for more in ({}, {"attention": "prior"}, {"attention": "posterior"})
            )
            assert plain == prior
            assert plain["attention"] == "prior"
            own, known = (each["translations"][0]["hypotheses"][0] for each in (prior, posterior))
            assert_close(
                {name: known[name] for name in known.keys() - OF_ATTENTION},
                {name: own[name] for name in own.keys() - OF_ATTENTION},
            )
            assert known["confidence"] != own["confidence"]
            assert known["measures"] != own["measures"]
            assert np.abs(np.subtract(known["attention_weights"], own["attention_weights"])).max() > 1e-3

    @pytest.mark.parametrize("path", ["translate", "score"])
    @pytest.mark.parametrize("value", ["Posterior", "", None, True])
    def test_other_values_are_refused(self, api: Asking, path: str, value: Any) -> None:
        body = {
            "translate": {"sentences": [SOURCE]},
            "score": {"pairs": [{"source": SOURCE, "target": TARGET}]},
        }
        error = api.post(f"/api/{path}", status=422, **body[path], attention=value)["error"]
        assert [problem["field"] for problem in error["problems"]] == ["attention"]


def test_a_kept_epoch_has_a_posterior_of_its_own(api: Asking, kept_run: RunDirectory) -> None:
    def answer(checkpoint: int | None) -> dict[str, Any]:
        pairs = [{"source": SOURCE, "target": TARGET}]
        asked = api.post("/api/score", pairs=pairs, attention="posterior", checkpoint=checkpoint)
        translation: dict[str, Any] = asked["translations"][0]
        return translation

    # Between them the same model has other weights: those of epoch 3, which are the best ones.
    first, last, again, best = (answer(checkpoint) for checkpoint in (1, 3, 1, None))
    translator = PosteriorTranslator.load(kept_run)
    (expected,) = translator.score([SOURCE], [TARGET])
    assert_attention_is(best, expected)
    assert_attention_is(last, expected)
    kept_run.checkpoints.load_into(1, translator.models[0])
    translator.refresh()
    (expected,) = translator.score([SOURCE], [TARGET])
    assert_attention_is(first, expected)
    assert again == first
    assert np.abs(weights_of(first) - weights_of(best)).max() > 1e-3


class TestTogether:
    def test_both_kinds_at_once_are_not_mixed_up(self, api: Asking) -> None:
        questions: list[tuple[str, dict[str, Any]]] = [
            ("/api/score", {"pairs": [{"source": source, "target": TARGET}], "attention": attention})
            for source in SENTENCES[:4]
            for attention in ("prior", "posterior")
        ]
        questions += [
            ("/api/translate", {"sentences": [SOURCE], "n_best": n_best, "attention": attention})
            for n_best in (1, 2)
            for attention in ("prior", "posterior")
        ]
        alone = [api.post(path, **body) for path, body in questions]
        with ThreadPoolExecutor(len(questions)) as clients:
            together = list(clients.map(lambda question: api.post(question[0], **question[1]), questions))
        for found, expected in zip(together, alone, strict=True):
            assert_close(found, expected)

    def test_the_queue_is_told_what_it_costs(self, served: ServedModel) -> None:
        """A decoder for every place of the source, whether it is of a search or of a given translation."""
        source = served.source(SOURCE)
        for asked, question in (
            (
                schemas.TranslateRequest(sentences=[SOURCE], beam_size=4, n_best=2, attention="posterior"),
                "translate",
            ),
            (
                schemas.ScoreRequest(
                    pairs=[schemas.Pair(source=SOURCE, target=TARGET)], attention="posterior", checkpoint=1
                ),
                "score",
            ),
        ):
            queue = RecordingQueue()
            answer = asyncio.run(getattr(Questions([served], queue, Limits()), question)(asked, stays))
            hypotheses = answer["translations"][0]["hypotheses"]
            assert len(queue.entered[1]) == len(hypotheses)
            for work, hypothesis in zip(queue.entered[1], hypotheses, strict=True):
                assert work.steps == len(hypothesis["token_probabilities"])
                assert work.rows == len(source.pieces) + 2  # its end, and the one that wrote
                assert work.group == ("tiny", asked.checkpoint, "posterior")
            assert all(work.group != queue.entered[1][0].group for work in queue.entered[0])


class RecordingQueue(WorkQueue):
    """Does what it is given at once, and remembers it."""

    def __init__(self) -> None:
        super().__init__(100)
        self.entered: list[list[Work]] = []

    def submit(self, works: Any) -> None:
        self.entered.append(list(works))
        for work in works:
            work.result.set_result(work.run([work.payload])[0])


def test_what_is_asked_is_described(api: Asking) -> None:
    described = json.loads(api.client.get("/openapi.json").text)["components"]["schemas"]
    for name in ("TranslateRequest", "ScoreRequest"):
        field = described[name]["properties"]["attention"]
        assert (field["default"], field["enum"]) == ("prior", ["prior", "posterior"])
        assert "now that it is known" in field["description"]
