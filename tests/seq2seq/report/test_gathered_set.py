"""What is kept of a set, and the tables of its words, against attention made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.report.gathered_set import GatheredSet
from seq2seq.report.packed_attention import unpacked
from seq2seq.translation import Hypothesis, Translation
from tests.seq2seq.evaluation_examples import segmented
from tests.seq2seq.report.example_report import ExampleSet, evaluated


def translation(source: str, target: str, attention: list[list[float]]) -> Translation:
    rows = len(attention)
    best = Hypothesis(segmented(target), np.zeros(rows), 0.0, 0.0, True, np.array(attention))
    return Translation(segmented(source), (best,))


def rows_of(*sources: str) -> dict:
    row = {"references": ["x"], "bleu": 1.234, "chrf": 56.789, "ter_edits": 1.0, "log_probability": -1.0}
    rows = [{**row, "source_words": len(source.split()), "confidence": 0.5} for source in sources]
    return {"set": "by hand", "sentences": rows}


def test_words_that_were_not_looked_at_are_counted_among_all_of_their_kind():
    gathered = GatheredSet()
    looked = [[0.97, 0.02, 0.01], [0.0, 0.97, 0.03], [0.0, 0.0, 1.0]]
    passed_over = [[0.97, 0.02, 0.01], [0.0, 0.0, 1.0]]
    gathered.observe(translation("old dogs", "alte Hunde", looked))
    gathered.observe(translation("black dogs", "schwarz", passed_over))
    gathered.observe(translation("Dogs bark", "Hunde bellen", looked))
    found = gathered.finished(rows_of("old dogs", "black dogs", "Dogs bark"))
    assert found["dropped"] == [{"word": "dogs", "count": 3, "sentences": [1]}]
    assert found["repeated"] == []
    entry = next(entry for entry in found["lexicon"] if entry["word"] == "dogs")
    assert entry == {
        "word": "dogs",
        "count": 2,
        "translations": [{"word": "Hunde", "sentences": [0, 2]}],
    }


def test_only_the_second_time_of_a_repeated_phrase_counts():
    gathered = GatheredSet()
    gathered.observe(translation("a big dog runs off", "ein Hund ein Hund rennt", np.eye(6).tolist()))
    gathered.observe(translation("very very good now", "sehr sehr gut jetzt", np.eye(5).tolist()))
    found = gathered.finished(rows_of("a big dog runs off", "very very good now"))
    # The source of the second sentence repeats a word too, so its translation may.
    assert found["repeated"] == [
        {"word": "ein", "count": 2, "sentences": [0]},
        {"word": "Hund", "count": 2, "sentences": [0]},
    ]


def test_signs_are_kept_with_their_words():
    gathered = GatheredSet()
    gathered.observe(translation("see 7 dogs", "siehe Hunde", [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    (sentence,) = gathered.finished(rows_of("see 7 dogs"))["sentences"]
    by_kind = {sign["kind"]: sign for sign in sentence["signs"]}
    assert by_kind["numbers"]["source_words"] == by_kind["source_not_looked_at"]["source_words"] == [1]
    assert "7" in by_kind["numbers"]["message"]
    assert set(by_kind["numbers"]) == {"kind", "message", "source_words", "target_words"}


def test_capitals_are_no_names_in_a_language_that_writes_nouns_with_them():
    def kinds(**languages: str) -> set[str]:
        gathered = GatheredSet(**languages)
        gathered.observe(translation("the dog barks", "der Hund bellt", np.eye(4).tolist()))
        (sentence,) = gathered.finished(rows_of("the dog barks"))["sentences"]
        return {sign["kind"] for sign in sentence["signs"]}

    assert "names" in kinds(source_language="en", target_language="fr")
    assert "names" not in kinds(source_language="en", target_language="de")


def test_a_sentence_holds_what_the_page_needs():
    report, found = evaluated(ExampleSet("animals", {"a 🐕 runs": "ein 🐕 rennt", "": "", "a cat": "Katze"}))
    first, empty, last = found["sentences"]
    assert first["source"]["text"] == "a 🐕 runs"
    assert first["source"]["word_offsets"] == [0, 1, 2, 3, 4, 8]
    assert first["target"]["pieces"] == ["▁ein", "▁🐕", "▁rennt"]
    assert first["target"]["token_probabilities"] == pytest.approx([0.6065] * 4)
    np.testing.assert_array_equal(unpacked(first["target"]["attention"], 4, 4), np.eye(4))
    assert (first["bleu"], first["chrf"]) == (pytest.approx(100), pytest.approx(100))
    assert first["bleu"] == pytest.approx(report["sentences"][0]["bleu"], abs=0.005)
    assert first["target"]["coverage"] == 1.0
    assert (empty["target"], empty["confidence"], empty["note"]) == (None, None, "the line is empty")
    assert (last["source_words"], last["references"]) == (2, ["Katze"])


def test_another_number_of_rows_than_translations_is_refused():
    gathered = GatheredSet()
    gathered.observe(translation("a", "b", [[1.0, 0.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="is longer"):
        gathered.finished(rows_of("a", "c"))
