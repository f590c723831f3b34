"""Every endpoint on a tiny model: what it answers is what the library finds by itself."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from data.special_ids import EOS_ID
from seq2seq.inspector.served_model import ServedModel
from seq2seq.search import Search
from tests.seq2seq.inspector.asking import Asking, assert_close
from tests.seq2seq.tiny_run import SENTENCES

SOURCE = "two dogs run through the snow."


@pytest.fixture(scope="module")
def hypothesis(api: Asking) -> dict[str, Any]:
    (translation,) = api.post("/api/translate", sentences=[SOURCE])["translations"]
    return translation["hypotheses"][0]


def pieces_of(hypothesis: dict[str, Any]) -> list[str]:
    return [*hypothesis["pieces"], *(["</s>"] if hypothesis["finished"] else [])]


def test_models_and_health(api: Asking, served: ServedModel) -> None:
    assert api.get("/health") == {"status": "ok", "models": ["tiny"], "waiting": 0}
    (model,) = api.get("/api/models")["models"]
    assert model["checkpoints"] == [
        {"epoch": 1, "validation_score": 10.5},
        {"epoch": 3, "validation_score": 12.345},
    ]
    assert model["parameters"] == served.translator.models[0].count_params()
    assert (model["source_language"], model["source_code"]) == ("en", "en")
    assert model["search"]["beam_size"] == 2
    assert api.get("/api/models")["limits"]["characters"] == 120


class TestTranslate:
    def test_it_is_what_the_translator_finds(self, api: Asking, served: ServedModel) -> None:
        answer = api.post("/api/translate", sentences=SENTENCES[:3], n_best=2, length_penalty=0.5)
        options = served.translator.default_options(n_best=2, length_penalty=0.5)
        assert answer["search"] == {
            "beam_size": 2,
            "n_best": 2,
            "length_penalty": 0.5,
            "coverage_penalty": 0.0,
        }
        for found, expected in zip(
            answer["translations"], served.translator.translate(SENTENCES[:3], options), strict=True
        ):
            assert found["source"] == expected.to_json()["source"]
            assert len(found["hypotheses"]) == 2
            for ours, theirs in zip(found["hypotheses"], expected.to_json()["hypotheses"], strict=True):
                assert ours["text"] == theirs["text"]
                np.testing.assert_allclose(ours["word_attention"], theirs["word_attention"], atol=2e-5)
                assert ours["score"] == pytest.approx(theirs["score"], abs=1e-5)

    def test_words_have_probabilities_measures_and_warnings(self, hypothesis: dict[str, Any]) -> None:
        words = len(hypothesis["words"]) + hypothesis["finished"]
        assert len(hypothesis["word_probabilities"]) == words == len(hypothesis["word_attention"])
        product = math.prod(hypothesis["word_probabilities"])
        assert product == pytest.approx(math.exp(hypothesis["log_probability"]), abs=1e-4)
        assert hypothesis["measures"]["entropy"] > 0

    def test_warnings_reach_the_answer(self, api: Asking) -> None:
        answer = api.post("/api/score", pairs=[{"source": "two dogs 1984", "target": "two dogs 1948 1948"}])
        kinds = [sign["kind"] for sign in answer["translations"][0]["hypotheses"][0]["warnings"]]
        assert {"numbers", "repeated_words"} <= set(kinds)

    def test_one_hypothesis_is_the_first_of_several(self, api: Asking) -> None:
        for beam_size in (2, 5):
            one, several = (
                api.post("/api/translate", sentences=[SOURCE], n_best=n, beam_size=beam_size)["translations"][
                    0
                ]
                for n in (1, 2)
            )
            assert len(one["hypotheses"]) == 1
            assert one["hypotheses"][0]["text"] == several["hypotheses"][0]["text"]

    def test_a_prefix_of_pieces_is_kept_and_gone_on_from(
        self, api: Asking, hypothesis: dict[str, Any]
    ) -> None:
        prefix = hypothesis["pieces"][:2]
        other = api.post("/api/alternatives", source=SOURCE, prefix=prefix)["alternatives"]
        chosen = next(
            each for each in other if not each["is_end"] and each["piece"] != hypothesis["pieces"][2]
        )
        prefix = [*prefix, chosen["piece"]]
        (translation,) = api.post("/api/translate", sentences=[SOURCE], prefix=prefix)["translations"]
        found = translation["hypotheses"][0]
        assert found["pieces"][:3] == prefix
        assert found["token_probabilities"][2] == pytest.approx(chosen["probability"], abs=2e-5)

    def test_a_prefix_with_an_end_is_scored(self, api: Asking, hypothesis: dict[str, Any]) -> None:
        pieces = [*hypothesis["pieces"][:3], "</s>"]
        translated = api.post("/api/translate", sentences=[SOURCE], prefix=pieces)["translations"]
        scored = api.post("/api/score", pairs=[{"source": SOURCE, "target_pieces": pieces}])["translations"]
        assert translated == scored
        assert translated[0]["hypotheses"][0]["pieces"] == pieces[:-1]
        assert translated[0]["hypotheses"][0]["finished"]

    def test_a_prefix_with_an_end_is_scored_with_the_penalties_that_are_asked_for(
        self, api: Asking, hypothesis: dict[str, Any]
    ) -> None:
        pieces = [*hypothesis["pieces"][:3], "</s>"]
        for penalty in (0.0, 1.0, 2.0):
            answer = api.post("/api/translate", sentences=[SOURCE], prefix=pieces, length_penalty=penalty)
            (found,) = answer["translations"][0]["hypotheses"]
            assert found["score"] == pytest.approx(found["log_probability"] / 4**penalty, rel=1e-4)
        pin = {"target_word": 0, "source_words": [0]}
        pinned = api.post("/api/pin", source=SOURCE, target_pieces=pieces, pins=[pin], length_penalty=0.0)
        for each in ("before", "after", "continuation"):
            (found,) = pinned[each]["hypotheses"]
            assert found["score"] == pytest.approx(found["log_probability"], rel=1e-4)

    def test_empty_sentences_and_long_ones(self, api: Asking) -> None:
        empty, blank, long = api.post("/api/translate", sentences=["", "  ", "two dogs " * 13])[
            "translations"
        ]
        assert empty["hypotheses"] == blank["hypotheses"] == []
        assert "only the first" in long["note"]

    def test_half_a_character_becomes_a_replacement_character(self, api: Asking) -> None:
        response = api.client.post(
            "/api/translate",
            content=b'{"sentences": ["a\\ud800"]}',
            headers={"Content-Type": "application/json"},
        )
        assert response.json()["translations"][0]["source"]["text"] == "a\ufffd"

    @pytest.mark.parametrize(
        "text", ["<script>alert(1)</script>", "\u202eabc", "a\x00b", "犬は🐕", "نص عربي", "\"&'</style>"]
    )
    def test_text_is_data(self, api: Asking, text: str) -> None:
        (translation,) = api.post("/api/translate", sentences=[text])["translations"]
        assert translation["source"]["text"] == text
        response = api.client.post("/api/translate", json={"sentences": [text]})
        assert response.headers["content-type"] == "application/json"


class TestScore:
    def test_text_and_pieces_of_it_have_the_same_score(self, api: Asking, served: ServedModel) -> None:
        target = "the old man paint the snow."
        segmented = served.translator.tokenizers.target.segment(target)
        both = [
            {"source": SOURCE, "target": target},
            {"source": SOURCE, "target_pieces": [*segmented.pieces, "</s>"]},
        ]
        by_text, by_pieces = api.post("/api/score", pairs=both)["translations"]
        (expected,) = served.translator.score([SOURCE], [target])
        assert by_text["hypotheses"][0]["log_probability"] == pytest.approx(
            expected.hypotheses[0].log_probability, abs=1e-4
        )
        assert by_text["hypotheses"][0]["score"] == by_pieces["hypotheses"][0]["score"]
        assert by_pieces["hypotheses"][0]["text"] == target

    def test_without_an_end_it_is_not_finished(self, api: Asking) -> None:
        (answer,) = api.post("/api/score", pairs=[{"source": SOURCE, "target_pieces": ["▁t"]}])[
            "translations"
        ]
        assert not answer["hypotheses"][0]["finished"]
        assert len(answer["hypotheses"][0]["attention_weights"]) == 1


def test_alternatives_have_the_probabilities_of_scoring_them(api: Asking, hypothesis: dict[str, Any]) -> None:
    prefix = hypothesis["pieces"][:3]
    answer = api.post("/api/alternatives", source=SOURCE, prefix=prefix, count=5)
    assert answer["prefix"] == prefix
    assert len(answer["alternatives"]) == 5
    np.testing.assert_allclose(answer["attention_weights"], hypothesis["attention_weights"][3], atol=2e-5)
    probabilities = [each["probability"] for each in answer["alternatives"]]
    assert probabilities == sorted(probabilities, reverse=True)
    pairs = [{"source": SOURCE, "target_pieces": [*prefix, each["piece"]]} for each in answer["alternatives"]]
    for each, scored in zip(
        answer["alternatives"], api.post("/api/score", pairs=pairs)["translations"], strict=True
    ):
        assert scored["hypotheses"][0]["token_probabilities"][-1] == pytest.approx(
            each["probability"], abs=2e-5
        )


class TestPin:
    def test_pinning_to_where_it_looked_changes_nothing_and_elsewhere_does(
        self, api: Asking, hypothesis: dict[str, Any]
    ) -> None:
        pins = [{"target_word": 1, "source_words": [0, 2]}]
        answer = api.post("/api/pin", source=SOURCE, target_pieces=pieces_of(hypothesis), pins=pins)
        before, after, continuation = (
            answer[name]["hypotheses"][0] for name in ("before", "after", "continuation")
        )
        np.testing.assert_allclose(
            before["token_probabilities"], hypothesis["token_probabilities"], atol=2e-5
        )
        assert before["pieces"] == after["pieces"] == hypothesis["pieces"]
        assert answer["first_changed_word"] == 1
        assert before["word_probabilities"][0] == after["word_probabilities"][0]
        assert before["word_probabilities"][1] != after["word_probabilities"][1]
        row = after["word_attention"][1]
        assert row[0] + row[2] == pytest.approx(1.0, abs=1e-4)
        kept = [place for place, word in enumerate(hypothesis["piece_to_word"]) if word == 0]
        assert continuation["pieces"][: len(kept)] == hypothesis["pieces"][: len(kept)]
        np.testing.assert_allclose(
            continuation["attention_weights"][len(kept)], after["attention_weights"][len(kept)], atol=1e-5
        )

    @pytest.mark.parametrize(
        ("pin", "field"),
        [
            ({"target_word": 99, "source_words": [0]}, "pins.0.target_word"),
            ({"target_word": 0, "source_words": [0, 99]}, "pins.0.source_words"),
            ({"target_word": 0, "source_words": []}, "pins.0.source_words"),
            ({"target_word": -1, "source_words": [0]}, "pins.0.target_word"),
        ],
    )
    def test_words_that_are_not_there(self, api: Asking, pin: dict[str, Any], field: str) -> None:
        error = api.post("/api/pin", status=422, source=SOURCE, target_pieces=["▁t", "</s>"], pins=[pin])
        assert error["error"]["problems"][0]["field"] == field

    def test_the_end_of_what_has_none_cannot_be_pinned(self, api: Asking) -> None:
        pin = {"target_word": 1, "source_words": [0]}
        error = api.post("/api/pin", status=422, source=SOURCE, target_pieces=["▁t"], pins=[pin])
        assert "not finished" in error["error"]["message"]


class TestWhy:
    def test_it_has_the_numbers_of_edited_sentences(self, api: Asking, hypothesis: dict[str, Any]) -> None:
        pieces = pieces_of(hypothesis)
        answer = api.post("/api/why", source=SOURCE, target_pieces=pieces)
        rows, columns = len(hypothesis["word_attention"]), len(hypothesis["word_attention"][0])
        assert np.shape(answer["leave_one_out"]) == (rows, columns - 1)
        assert np.shape(answer["gradient_x_input"]) == (rows, columns)
        without = "two dogs through the snow."
        (edited,) = api.post("/api/score", pairs=[{"source": without, "target_pieces": pieces}])[
            "translations"
        ]
        # Their logarithms would differ too much where probabilities, of five decimals, are small.
        expected = np.array(edited["hypotheses"][0]["word_probabilities"])
        whole = np.array(answer["translation"]["hypotheses"][0]["word_probabilities"])
        found = whole * np.exp(-np.array(answer["leave_one_out"])[:, 2])
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert np.abs(whole - expected).max() > 1e-3
        assert "%" in answer["rule"]
        assert "Attention shows" in answer["explanation"]

    def test_without_a_translation_it_asks_about_the_greedy_one(self, api: Asking) -> None:
        answer = api.post("/api/why", source=SOURCE)
        (greedy,) = api.post("/api/translate", sentences=[SOURCE], beam_size=1)["translations"]
        assert answer["translation"]["hypotheses"][0]["text"] == greedy["hypotheses"][0]["text"]


class TestBeam:
    def test_its_best_leaf_is_the_translation(self, api: Asking) -> None:
        tree = api.post("/api/beam", source=SOURCE, beam_size=3, pruned=2)
        (translation,) = api.post("/api/translate", sentences=[SOURCE], beam_size=3, n_best=3)["translations"]
        for leaf, expected in zip(tree["hypotheses"], translation["hypotheses"], strict=True):
            assert leaf["text"] == expected["text"]
            assert leaf["score"] == pytest.approx(expected["score"], abs=1e-4)
        nodes = {node["id"]: node for node in tree["nodes"]}
        best = [node for node in tree["nodes"] if node["on_best_path"]]
        assert [node["piece"] for node in best] == pieces_of(translation["hypotheses"][0])
        assert nodes[tree["hypotheses"][0]["node"]]["score"] == tree["hypotheses"][0]["score"]
        assert all(node["parent"] is None or node["parent"] < node["id"] for node in tree["nodes"])
        assert {node["status"] for node in tree["nodes"]} >= {"kept", "pruned"}

    def test_a_prefix_begins_the_tree(self, api: Asking) -> None:
        tree = api.post("/api/beam", source=SOURCE, beam_size=2, prefix=["▁the"])
        assert [node["piece"] for node in tree["nodes"] if node["step"] == 0] == ["▁the"]


class TestCheckpoints:
    def test_each_has_its_own_weights(self, api: Asking) -> None:
        def answer(checkpoint: int | None) -> Any:
            return api.post("/api/translate", sentences=[SOURCE], checkpoint=checkpoint, prefix=["▁t"])

        best, first, last = (answer(checkpoint) for checkpoint in (None, 1, 3))
        assert [each["checkpoint"] for each in (best, first, last)] == [None, 1, 3]
        assert best["translations"] == last["translations"]
        assert first["translations"] != best["translations"]
        assert answer(1)["translations"] == first["translations"]  # back again

    def test_unknown_ones(self, api: Asking) -> None:
        error = api.post("/api/translate", status=404, sentences=[SOURCE], checkpoint=2)["error"]
        assert (error["code"], "kept epochs: 1, 3" in error["message"]) == ("unknown_checkpoint", True)
        error = api.post("/api/translate", status=404, sentences=[SOURCE], model="other")["error"]
        assert (error["code"], "known: tiny" in error["message"]) == ("unknown_model", True)


class TestTogether:
    def test_many_at_once_get_what_each_would_get_alone(self, api: Asking) -> None:
        """Twenty clients, each with a sentence of its own: no answer is lost, mixed up or changed."""
        sentences = [f"{first} {second}" for first in SENTENCES[:5] for second in ("", *SENTENCES[40:43])]

        def ask(sentence: str) -> Any:
            return api.post("/api/translate", sentences=[sentence])["translations"][0]

        with ThreadPoolExecutor(20) as clients:
            together = list(clients.map(ask, sentences))
        for sentence, found in zip(sentences, together, strict=True):
            alone = ask(sentence)
            assert found["source"]["text"] == sentence
            assert found["hypotheses"][0]["text"] == alone["hypotheses"][0]["text"]
            np.testing.assert_allclose(
                found["hypotheses"][0]["attention_weights"],
                alone["hypotheses"][0]["attention_weights"],
                atol=2e-5,
            )

    def test_different_questions_at_once(self, api: Asking, hypothesis: dict[str, Any]) -> None:
        pieces = pieces_of(hypothesis)
        questions = [
            ("/api/translate", {"sentences": SENTENCES[:10]}),
            ("/api/score", {"pairs": [{"source": SOURCE, "target_pieces": pieces}]}),
            ("/api/alternatives", {"source": SOURCE}),
            ("/api/why", {"source": SOURCE, "target_pieces": pieces}),
            ("/api/beam", {"source": SOURCE}),
            ("/api/translate", {"sentences": [SOURCE], "checkpoint": 1}),
        ]
        alone = [api.post(path, **body) for path, body in questions]
        with ThreadPoolExecutor(12) as clients:
            together = list(clients.map(lambda question: api.post(question[0], **question[1]), questions * 2))
        for found, expected in zip(together, alone * 2, strict=True):
            assert_close(found, expected)


def test_the_library_agrees_on_alternatives(api: Asking, served: ServedModel) -> None:
    """Once more without the server: the first piece's probabilities by forced scoring."""
    tokenizers = served.translator.tokenizers
    best = api.post("/api/alternatives", source=SOURCE)["alternatives"][0]
    token = EOS_ID if best["is_end"] else tokenizers.target.token(best["piece"])
    result = Search(served.translator.models).score([[*tokenizers.source.encode(SOURCE), EOS_ID]], [[token]])
    assert math.exp(result.log_probability[0, 0]) == pytest.approx(best["probability"], abs=1e-5)
