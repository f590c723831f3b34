from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from data.errors import DataError
from seq2seq import evaluation
from seq2seq.alignment import PharaohLine
from seq2seq.evaluation import EvaluationOptions, EvaluationSet, evaluate
from seq2seq.gold_alignment import gold_links
from seq2seq.length_buckets import bucket_label, by_source_length
from seq2seq.perplexity import ReferenceProbability, perplexity
from seq2seq.search_options import SearchOptions
from seq2seq.text_metrics import TextScorer
from seq2seq.translation import Translation
from tests.seq2seq.evaluation_examples import DictionaryTranslator, hypothesis, segmented

OPTIONS = EvaluationOptions(search=SearchOptions(beam_size=2))


def a_set(*pairs: tuple[str, str], gold=None) -> EvaluationSet:
    return EvaluationSet(
        "small", tuple(source for source, _ in pairs), tuple((target,) for _, target in pairs), gold
    )


def run(
    translator: DictionaryTranslator, evaluation_set: EvaluationSet, options=OPTIONS, scorer=None, **more
):
    return evaluate(translator, evaluation_set, scorer or TextScorer(), options, **more)


class TestPerplexity:
    def test_by_hand(self) -> None:
        """Two references of 3 and 1 pieces; with the ends 4 and 2 tokens of log probability -0.5 each."""
        translator = DictionaryTranslator({"x": "x", "y": "y"}, reference_log_probability=-0.5)
        found = run(translator, a_set(("x", "a bb ccc."), ("y", "dé")))["scores"]["perplexity"]
        assert found["log_probability"] == pytest.approx(-3.0)
        # Words: a, bb, ccc, the full stop and the end; dé and the end. Characters: 9 + 1 and 2 + 1.
        assert (found["tokens"], found["words"], found["characters"]) == (6, 7, 13)
        assert found["per_token"] == pytest.approx(math.exp(0.5))
        assert found["per_word"] == pytest.approx(math.exp(3 / 7))
        assert found["per_character"] == pytest.approx(math.exp(3 / 13))
        assert found["bits_per_character"] == pytest.approx(3 / 13 / math.log(2))

    def test_a_reference_that_was_cut_has_no_end(self) -> None:
        cut = hypothesis(segmented("x"), "a b", -1.0, finished=False)
        assert ReferenceProbability.of(cut) == ReferenceProbability(-2.0, 2, 2, 3)

    def test_nothing_and_impossible_references(self) -> None:
        assert perplexity([]) is None
        impossible = perplexity([ReferenceProbability(-math.inf, 2, 2, 2)])
        assert impossible is not None
        assert impossible["per_token"] is None
        hopeless = perplexity([ReferenceProbability(-1e6, 2, 2, 2)])
        assert hopeless is not None
        assert hopeless["per_token"] is None


class TestAlignment:
    def test_error_rate_by_hand(self) -> None:
        """Predicted 0-0 1-1 2-2 (each piece looks at its place). Sure 0-0 1-2, possible also 2-2.

        |A| = 3, |S| = 2, |A n S| = 1, |A n P| = 2: precision 2/3, recall 1/2, error 1 - 3/5.
        """
        gold = (PharaohLine(frozenset({(0, 0), (1, 2)}), frozenset({(0, 0), (1, 2), (2, 2)})),)
        report = run(DictionaryTranslator({"a b c": "-"}), a_set(("a b c", "x y z"), gold=gold))
        found = report["scores"]["alignment"]
        assert found["precision"] == pytest.approx(2 / 3)
        assert found["recall"] == pytest.approx(1 / 2)
        assert found["f1"] == pytest.approx(4 / 7)
        assert found["aer"] == pytest.approx(2 / 5)
        assert report["sentences"][0]["reference_alignment"] == "0-0 1-1 2-2"
        assert report["sentences"][0]["gold_alignment"] == "0-0 1-2 2p2"

    def test_it_is_the_reference_that_is_aligned_not_the_translation(self) -> None:
        gold = gold_links([frozenset({(0, 1), (1, 0)})])
        crossed = DictionaryTranslator({"a b": "q"}, links={0: 1, 1: 0})
        assert run(crossed, a_set(("a b", "x y"), gold=gold))["scores"]["alignment"]["aer"] == 0

    def test_words_that_a_piece_reaches_over_stand_for_each_word_in_them(self) -> None:
        """ "b." is one piece, so one word of the model; gold links count b and the full stop."""
        gold = gold_links([frozenset({(0, 0), (1, 1), (2, 2)})])
        report = run(DictionaryTranslator({"a b.": "q"}), a_set(("a b.", "x y."), gold=gold))
        assert report["sentences"][0]["reference_alignment"] == "0-0 1-1 1-2 2-1 2-2"
        assert report["scores"]["alignment"]["precision"] == pytest.approx(3 / 5)
        assert report["scores"]["alignment"]["recall"] == 1

    def test_whitespace_words(self) -> None:
        gold = gold_links([frozenset({(0, 0), (1, 1)})])
        options = replace(OPTIONS, word_mode="whitespace")
        translator = DictionaryTranslator({"a b.": "q"})
        report = run(translator, a_set(("a b.", "x y."), gold=gold), options)
        assert report["scores"]["alignment"]["aer"] == 0
        assert translator.asked[0][1] == "whitespace"

    def test_links_to_words_that_are_not_there_name_the_line(self) -> None:
        gold = gold_links([frozenset({(0, 0)}), frozenset({(0, 2)})])
        with pytest.raises(DataError, match=r"line 2: the link 0-2 .* 1 words and the target 2"):
            run(DictionaryTranslator({}), a_set(("a", "x"), ("b", "x y"), gold=gold))
        with pytest.raises(DataError, match=r"line 1: the link 1-0 .* 1 words and the target 2"):
            run(DictionaryTranslator({}), a_set(("a", "x y"), gold=gold_links([frozenset({(1, 0)})])))
        with pytest.raises(DataError, match="alignments of 2 sentence pairs, but there are 1"):
            run(DictionaryTranslator({}), a_set(("a", "x"), gold=gold))

    def test_without_gold_there_is_no_score(self) -> None:
        assert run(DictionaryTranslator({"a": "x"}), a_set(("a", "x")))["scores"]["alignment"] is None


class TestLengths:
    @pytest.mark.parametrize(
        ("words", "label"),
        [
            (0, "0"),
            (1, "1-4"),
            (4, "1-4"),
            (5, "5-9"),
            (9, "5-9"),
            (10, "10-14"),
            (29, "20-29"),
            (50, "50+"),
            (999, "50+"),
        ],
    )
    def test_labels(self, words: int, label: str) -> None:
        assert bucket_label(words) == label

    def test_groups_partition_and_are_in_order(self) -> None:
        groups = by_source_length(range(120), lambda words: words)
        assert sorted(item for group in groups.values() for item in group) == list(range(120))
        assert list(groups) == ["0", "1-4", "5-9", "10-14", "15-19", "20-29", "30-49", "50+"]
        assert by_source_length([], lambda item: item) == {}

    def test_a_group_is_scored_like_a_set_of_its_own(self) -> None:
        short, long = ("a b", "u v w x"), ("a b c d e f", "u v w x y z")
        translator = DictionaryTranslator({short[0]: "u v w q", long[0]: "u v w x y y"})
        both = run(translator, a_set(long, short))
        assert [group["source_words"] for group in both["by_source_length"]] == ["1-4", "5-9"]
        assert sum(group["counts"]["sentences"] for group in both["by_source_length"]) == 2
        for group, pair in zip(both["by_source_length"], (short, long), strict=True):
            alone = run(translator, a_set(pair))
            assert group["scores"] == alone["scores"]
            assert group["counts"] == alone["counts"]


class TestReport:
    def test_bleu_of_the_set_is_no_mean_of_groups(self) -> None:
        pairs = [("a b", "u v w x"), ("a b c d e f", "u v w x y z")]
        translator = DictionaryTranslator({pairs[0][0]: "u v w q", pairs[1][0]: "u v w x y z"})
        report = run(translator, a_set(*pairs))
        groups = [group["scores"]["bleu"]["score"] for group in report["by_source_length"]]
        # Matches 9/10, 7/8, 5/6, 3/4 of lengths 1 to 4, nothing too short.
        by_hand = 100 * (9 / 10 * 7 / 8 * 5 / 6 * 3 / 4) ** (1 / 4)
        assert report["scores"]["bleu"]["score"] == pytest.approx(by_hand)
        assert report["scores"]["bleu"]["score"] != pytest.approx(sum(groups) / 2, abs=1)

    def test_rows_hold_each_sentence_and_the_worst_come_first(self) -> None:
        pairs = [("a", "house"), ("b", "tree"), ("c", "horse")]
        report = run(DictionaryTranslator({"a": "house", "b": "xxxx", "c": "horses"}), a_set(*pairs))
        assert [row["index"] for row in report["sentences"]] == [0, 1, 2]
        assert [row["hypothesis"] for row in report["sentences"]] == ["house", "xxxx", "horses"]
        assert report["worst_sentences"] == [1, 2, 0]
        first = report["sentences"][0]
        assert first["chrf"] == pytest.approx(100)
        assert first["exact_match"]
        assert first["log_probability"] == pytest.approx(-1.0)
        assert first["score"] == pytest.approx(-0.5)
        assert first["reference_log_probability"] == pytest.approx(-2.0)
        assert first["alignment"] == "0-0"
        assert first["confidence"] == pytest.approx(1.0)
        assert report["scores"]["exact_match"] == pytest.approx(1 / 3)
        json.dumps(report, allow_nan=False)

    def test_empty_and_unfinished_lines_are_counted(self) -> None:
        translator = DictionaryTranslator({"a": "x"}, unfinished=frozenset({"a"}))
        report = run(translator, a_set(("a", "x"), ("", "y"), ("", "")))
        assert report["counts"]["empty_hypotheses"] == 2
        assert report["counts"]["unfinished_hypotheses"] == 1
        # The second pair's reference has to come from nothing; of the third there is nothing to ask.
        assert report["scores"]["perplexity"]["sentences"] == 2
        assert report["sentences"][1]["note"] == "the line is empty"
        assert report["scores"]["attention_confidence"]["sentences"] == 1

    def test_mean_confidence(self) -> None:
        """One sentence reads its two source tokens in turn (confidence 1), one the end alone."""
        translator = DictionaryTranslator({"a": "x", "b c d": "y"})
        report = run(translator, a_set(("a", "x"), ("b c d", "y")))
        rows = [row["confidence"] for row in report["sentences"]]
        assert rows[0] == pytest.approx(1)
        assert rows[1] < 0.95
        assert report["scores"]["attention_confidence"]["total"] == pytest.approx(sum(rows) / 2)

    def test_paper_form_is_scored_beside_the_plain_text(self) -> None:
        scorer = TextScorer(paper_form=str.lower)
        report = run(
            DictionaryTranslator({"a": "Eins zwei drei vier"}),
            a_set(("a", "eins zwei drei vier")),
            scorer=scorer,
        )
        assert report["scores"]["paper_bleu"]["score"] == pytest.approx(100)
        assert report["scores"]["bleu"]["score"] < 99
        assert report["sentences"][0]["paper_hypothesis"] == "eins zwei drei vier"
        assert run(DictionaryTranslator({"a": "x"}), a_set(("a", "x")))["scores"]["paper_bleu"] is None

    def test_a_line_feed_in_a_translation_does_not_move_the_next_lines(self) -> None:
        report = run(DictionaryTranslator({"a": "x\ny"}), a_set(("a", "x")))
        assert report["sentences"][0]["hypothesis"] == "x y"
        report = run(DictionaryTranslator({"a": "x\ry"}), a_set(("a", "x")))
        assert report["sentences"][0]["hypothesis"] == "x y"

    def test_several_references(self) -> None:
        several = EvaluationSet("two", ("a",), (("p q r s", "t u v w"),))
        report = run(DictionaryTranslator({"a": "t u v w"}), several)
        assert report["scores"]["bleu"]["score"] == pytest.approx(100)
        assert "nrefs:2" in report["scores"]["bleu"]["signature"]
        assert report["counts"]["references_each"] == 2

    def test_progress_reaches_the_end_of_each_stage(self) -> None:
        seen: dict[str, tuple[int, int]] = {}
        translator = DictionaryTranslator({"a": "x", "b": "y"})
        run(
            translator,
            a_set(("a", "x"), ("b", "y")),
            progress=lambda what, done, total: seen.__setitem__(what, (done, total)),
        )
        assert seen == {
            "translating small": (2, 2),
            "reading the references of small": (2, 2),
            "scoring small": (2, 2),
        }

    def test_fingerprint_is_of_the_content(self) -> None:
        pairs = [("a", "x"), ("b", "y")]
        other_name = EvaluationSet("other", ("a", "b"), (("x",), ("y",)))
        assert a_set(*pairs).fingerprint == other_name.fingerprint
        assert a_set(("a", "x")).fingerprint != a_set(("a", "y")).fingerprint

    def test_sets_that_do_not_fit_together(self) -> None:
        with pytest.raises(DataError, match="no sentence"):
            EvaluationSet("none", (), ())
        with pytest.raises(DataError, match="2 sources have references for 1"):
            EvaluationSet("short", ("a", "b"), (("x",),))
        with pytest.raises(DataError, match="as many references for each"):
            EvaluationSet("uneven", ("a", "b"), (("x",), ("x", "y")))

    def test_lost_sentences_are_noticed(self) -> None:
        class Forgetful(DictionaryTranslator):
            def translate_stream(self, texts, *arguments, **options):
                yield from list(super().translate_stream(texts, *arguments, **options))[:-1]

        with pytest.raises(ValueError, match="2 sentences were given and 1 came back"):
            run(Forgetful({"a": "x", "b": "y"}), a_set(("a", "x"), ("b", "y")))


def test_whoever_looks_on_takes_no_time_of_the_translator(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0

    def look(_: Translation) -> None:
        nonlocal clock
        clock += 100.0

    class Slow(DictionaryTranslator):
        def translate_stream(self, *arguments, **options):
            nonlocal clock
            for translation in super().translate_stream(*arguments, **options):
                clock += 1.0
                yield translation

    monkeypatch.setattr(evaluation.time, "perf_counter", lambda: clock)
    found = run(Slow({"x": "one", "z": "three"}), a_set(("x", "1"), ("z", "3")), observe=look)
    assert found["speed"]["translation_seconds"] == 2.0


def test_whoever_looks_on_sees_each_translation_in_order() -> None:
    translator = DictionaryTranslator({"x": "one", "z": "three"})
    seen = []
    found = run(translator, a_set(("x", "1"), ("", ""), ("z", "3")), observe=seen.append)
    assert [each.text for each in seen] == ["one", "", "three"]
    assert [row["hypothesis"] for row in found["sentences"]] == ["one", "", "three"]
    assert seen[0].best.attention.shape == (2, 2)
