"""Translations as objects and as JSON."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from data.errors import UserError
from data.tokenizer import Segmentation
from seq2seq.translation import Hypothesis, Translation, source_labels

SOURCE = Segmentation(
    text="Straßenhunde 犬",
    token_ids=(5, 6, 7),
    pieces=("▁Straßen", "hunde", "▁犬"),
    piece_offsets=((0, 7), (7, 12), (13, 14)),
    words=("Straßenhunde", "犬"),
    word_offsets=((0, 12), (13, 14)),
    piece_to_word=(0, 0, 1),
)
TARGET = Segmentation(
    text="stray dogs",
    token_ids=(8, 9, 10),
    pieces=("▁str", "ay", "▁dogs"),
    piece_offsets=((0, 3), (3, 5), (6, 10)),
    words=("stray", "dogs"),
    word_offsets=((0, 5), (6, 10)),
    piece_to_word=(0, 0, 1),
)
NOTHING = Segmentation("", (), (), (), (), (), ())
ATTENTION = np.array(
    [[0.6, 0.2, 0.1, 0.1], [0.2, 0.6, 0.2, 0.0], [0.0, 0.1, 0.9, 0.0], [0.0, 0.0, 0.0, 1.0]], np.float32
)


def hypothesis(finished: bool = True, **changes) -> Hypothesis:
    tokens = 4 if finished else 3
    fields = {
        "target": TARGET,
        "token_log_probabilities": np.log(np.array([0.5, 0.25, 1 / 3, 0.9], np.float32))[:tokens],
        "log_probability": -3.2834,
        "score": -0.8208,
        "finished": finished,
        "attention": ATTENTION[:tokens],
    }
    return Hypothesis(**{**fields, **changes})


def test_words_sum_source_pieces_and_average_target_pieces():
    words = hypothesis().word_attention(SOURCE)
    np.testing.assert_allclose(words, [[0.8, 0.15, 0.05], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]], atol=1e-6)


def test_labels_name_the_rows_and_columns_of_each_level():
    finished, unfinished = hypothesis(), hypothesis(finished=False)
    assert source_labels(SOURCE) == ("Straßenhunde", "犬", "</s>")
    assert source_labels(SOURCE, "pieces") == ("▁Straßen", "hunde", "▁犬", "</s>")
    assert finished.labels() == ("stray", "dogs", "</s>")
    assert unfinished.labels("pieces") == ("▁str", "ay", "▁dogs")
    for each in (finished, unfinished):
        for level in ("words", "pieces"):
            shape = (len(each.labels(level)), len(source_labels(SOURCE, level)))
            assert each.attention_at(level, SOURCE).shape == shape


def test_the_last_word_of_an_unfinished_hypothesis_is_aligned():
    assert hypothesis().alignment(SOURCE) == {(0, 0), (1, 1)}
    assert hypothesis(finished=False).alignment(SOURCE) == {(0, 0), (1, 1)}


def test_json_holds_everything_and_survives_a_round_trip():
    unfinished = hypothesis(finished=False)
    translation = Translation(SOURCE, (hypothesis(), unfinished), note="cut after 250 pieces")
    line = json.dumps(translation.to_json(), ensure_ascii=False, allow_nan=False)
    assert "犬" in line
    read = json.loads(line)
    assert read == translation.to_json()
    assert read["note"] == "cut after 250 pieces"
    assert read["source"] == {
        "text": "Straßenhunde 犬",
        "pieces": ["▁Straßen", "hunde", "▁犬"],
        "piece_offsets": [[0, 7], [7, 12], [13, 14]],
        "words": ["Straßenhunde", "犬"],
        "word_offsets": [[0, 12], [13, 14]],
        "piece_to_word": [0, 0, 1],
    }
    best, second = read["hypotheses"]
    assert best["text"] == "stray dogs"
    assert best["words"] == ["stray", "dogs"]
    assert best["finished"] is True
    assert best["token_probabilities"] == [0.5, 0.25, 0.33333, 0.9]
    assert best["log_probability"] == -3.2834
    assert best["score"] == -0.8208
    assert best["attention_weights"][0] == [0.6, 0.2, 0.1, 0.1]  # 0.6, not float32's 0.6000000238418579
    assert best["word_attention"] == [[0.8, 0.15, 0.05], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]]
    assert best["alignment"] == "0-0 1-1"
    assert set(best["confidence"]) == {"coverage", "target_focus", "source_focus", "total"}
    assert second["finished"] is False
    assert len(second["attention_weights"]) == 3


def test_an_empty_line_has_no_hypothesis():
    translation = Translation(NOTHING, (), note="empty line")
    assert translation.text == ""
    assert translation.best is None
    assert translation.to_json()["hypotheses"] == []


def test_a_translation_into_nothing_still_has_its_end():
    empty = hypothesis(target=NOTHING, token_log_probabilities=np.zeros(1), attention=ATTENTION[:1])
    written = Translation(SOURCE, (empty,)).to_json()["hypotheses"][0]
    assert written["word_attention"] == [[0.8, 0.1, 0.1]]
    assert written["alignment"] == ""
    nothing = hypothesis(
        finished=False, target=NOTHING, token_log_probabilities=np.zeros(0), attention=ATTENTION[:0]
    )
    written = Translation(SOURCE, (nothing,)).to_json()["hypotheses"][0]
    assert written["confidence"] is None
    assert written["word_attention"] == []


def test_attention_that_is_no_number_is_an_error_of_the_model():
    with pytest.raises(UserError, match=r"attention weights are not finite numbers.*training diverged"):
        _ = hypothesis(attention=np.full_like(ATTENTION, np.nan)).confidence


def test_an_impossible_forced_target_is_null_but_not_a_number_is_an_error():
    impossible = hypothesis(log_probability=-np.inf, token_log_probabilities=np.array([0, -np.inf, 0, 0]))
    written = Translation(SOURCE, (impossible,)).to_json()["hypotheses"][0]
    assert written["log_probability"] is None
    assert written["token_probabilities"] == [1, 0, 1, 1]
    for broken in (
        hypothesis(log_probability=np.nan),
        hypothesis(attention=np.full_like(ATTENTION, np.nan)),
        hypothesis(token_log_probabilities=np.full(4, np.nan)),
    ):
        with pytest.raises(UserError, match="not finite numbers"):
            Translation(SOURCE, (broken,)).to_json()


def test_shapes_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match=r"4 tokens .* attention"):
        hypothesis(attention=ATTENTION[:3])
    with pytest.raises(ValueError, match=r"3 tokens .* token_log_probabilities"):
        hypothesis(finished=False, token_log_probabilities=np.zeros(4))
    with pytest.raises(ValueError, match="attends to 3 source positions; the source has 4"):
        Translation(SOURCE, (hypothesis(attention=ATTENTION[:, :3]),))


def test_printed_it_is_its_text_and_a_heat_map(monkeypatch):
    monkeypatch.setattr("seq2seq.attention_pictures.has_colors", lambda stream: False)
    lines = str(Translation(SOURCE, (hypothesis(),))).split("\n")
    assert lines[:2] == ["stray dogs", ""]
    # Straßenhunde, 犬, end: 0.8, 0.15 and 0.05 of "stray"
    assert "stray ██ ░░ ░░" in lines
    assert " dogs ░░ ██ ·" in lines
    monkeypatch.setattr("seq2seq.attention_pictures.has_colors", lambda stream: stream is sys.stdout)
    assert "\x1b[48;5;" in str(Translation(SOURCE, (hypothesis(),)))
    assert str(Translation(NOTHING, (), "the line is empty")) == ""


@pytest.mark.parametrize("stream", [None, SimpleNamespace(write=len)], ids=["closed", "write alone"])
def test_as_text_where_standard_output_is_something_else(
    stream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    assert "\x1b" not in str(Translation(SOURCE, (hypothesis(),)))
