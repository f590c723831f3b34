"""Word alignment out of attention: hand-worked numbers, properties, text formats."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest

from data.errors import DataError
from seq2seq.alignment import (
    alignment_error_rate,
    attention_confidence,
    hard_alignment,
    parse_pharaoh,
    parse_soft_alignment,
    piece_to_word_attention,
    read_pharaoh,
    to_pharaoh,
    to_soft_alignment,
)


def random_attention(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return generator.dirichlet(np.full(columns, 0.3), size=rows).astype(np.float32)


def random_piece_to_word(generator: np.random.Generator, pieces: int) -> list[int]:
    return np.concatenate([[0], np.cumsum(generator.integers(0, 2, size=pieces - 1))]).tolist()


class TestPieceToWordAttention:
    def test_source_pieces_are_summed_and_target_pieces_averaged(self):
        weights = np.array(
            # source:   a    b1   b2   EOS
            [[0.7, 0.1, 0.1, 0.1], [0.2, 0.3, 0.4, 0.1], [0.0, 0.5, 0.1, 0.4], [0.0, 0.0, 0.1, 0.9]]
        )
        # target: word 0 is one piece, word 1 two, and EOS has the last row.
        words = piece_to_word_attention(weights, [0, 1, 1], [0, 1, 1])
        expected = [[0.7, 0.2, 0.1], [0.1, 0.65, 0.25], [0.0, 0.1, 0.9]]
        np.testing.assert_allclose(words, expected, atol=1e-6)
        assert words.dtype == np.float32

    def test_without_an_eos_row_every_row_is_a_word(self):
        words = piece_to_word_attention(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]), [0, 0], [0, 0])
        np.testing.assert_allclose(words, [[0.475, 0.525]], atol=1e-6)

    def test_rows_still_sum_to_one(self):
        generator = np.random.default_rng(1)
        for _ in range(50):
            source, target = generator.integers(1, 12, size=2)
            eos_row = int(generator.integers(0, 2))
            words = piece_to_word_attention(
                random_attention(generator, target + eos_row, source + 1),
                random_piece_to_word(generator, source),
                random_piece_to_word(generator, target),
            )
            np.testing.assert_allclose(words.sum(axis=1), 1, atol=1e-5)

    def test_one_piece_to_a_word_changes_nothing(self):
        weights = random_attention(np.random.default_rng(2), 5, 7)
        np.testing.assert_allclose(piece_to_word_attention(weights, range(6), range(4)), weights, atol=1e-7)

    def test_moving_source_pieces_within_a_word_changes_nothing(self):
        generator = np.random.default_rng(3)
        weights = random_attention(generator, 4, 7)
        shuffled = weights[:, [2, 0, 1, 4, 3, 5, 6]]
        pieces = [0, 0, 0, 1, 1, 2]
        np.testing.assert_allclose(
            piece_to_word_attention(shuffled, pieces, range(3)),
            piece_to_word_attention(weights, pieces, range(3)),
            atol=1e-6,
        )

    def test_an_empty_translation_has_only_its_eos_row(self):
        np.testing.assert_allclose(
            piece_to_word_attention(np.array([[0.2, 0.3, 0.5]]), [0, 0], []), [[0.5, 0.5]]
        )

    @pytest.mark.parametrize(
        ("shape", "source", "target", "message"),
        [
            ((2, 5), [0, 1], [0], "source"),
            ((4, 3), [0, 1], [0], "target"),
            ((2, 3), [0, 2], [0], "every source word needs a piece"),
            ((2, 3), [0, 1], [1], "every target word needs a piece"),
        ],
    )
    def test_a_matrix_that_does_not_fit_is_refused(self, shape, source, target, message):
        with pytest.raises(ValueError, match=message):
            piece_to_word_attention(np.zeros(shape), source, target)


class TestHardAlignment:
    WEIGHTS = np.array(
        # source:  0    1    2   EOS
        [
            [0.6, 0.3, 0.0, 0.1],
            [0.5, 0.1, 0.3, 0.1],
            [0.1, 0.1, 0.2, 0.6],  # attends to EOS: unaligned
            [0.0, 0.1, 0.0, 0.9],  # the target's own EOS
        ]
    )

    def test_argmax_gives_each_target_word_its_source_word(self):
        assert hard_alignment(self.WEIGHTS) == {(0, 0), (0, 1)}

    def test_threshold_gives_every_link_above_it(self):
        assert hard_alignment(self.WEIGHTS, "threshold", 0.25) == {(0, 0), (1, 0), (0, 1), (2, 1)}
        assert hard_alignment(self.WEIGHTS, "threshold", 0.3) == {(0, 0), (0, 1)}  # above, not at

    def test_intersection_keeps_links_that_both_sides_choose(self):
        assert hard_alignment(self.WEIGHTS, "intersection") == {(0, 0)}

    def test_intersection_is_the_same_seen_from_the_other_side(self):
        weights = np.random.default_rng(4).random((6, 6))
        one_way = hard_alignment(weights, "intersection", source_words=6, target_words=6)
        other_way = hard_alignment(weights.T, "intersection", source_words=6, target_words=6)
        assert one_way == {(source, target) for target, source in other_way}
        assert one_way

    def test_a_permutation_matrix_is_its_own_alignment(self):
        order = np.random.default_rng(5).permutation(8)
        weights = np.eye(8)[order]  # target row t attends to source order[t]
        expected = {(int(source), target) for target, source in enumerate(order)}
        for method in ("argmax", "threshold", "intersection"):
            assert hard_alignment(weights, method, source_words=8, target_words=8) == expected

    def test_an_unfinished_hypothesis_has_no_eos_row(self):
        assert hard_alignment(self.WEIGHTS[:2], target_words=2) == {(0, 0), (0, 1)}
        assert hard_alignment(self.WEIGHTS[:2]) == {(0, 0)}

    def test_a_row_of_zeros_is_unaligned(self):
        assert hard_alignment(np.zeros((2, 3)), source_words=3, target_words=2) == frozenset()

    def test_nothing_is_aligned_with_nothing(self):
        assert hard_alignment(np.zeros((0, 3))) == frozenset()

    def test_wrong_options_are_refused(self):
        with pytest.raises(ValueError, match="unknown alignment method 'softmax'"):
            hard_alignment(self.WEIGHTS, "softmax")
        with pytest.raises(ValueError, match="threshold means nothing"):
            hard_alignment(self.WEIGHTS, "argmax", 0.5)
        with pytest.raises(ValueError, match="do not fit"):
            hard_alignment(self.WEIGHTS, source_words=5)


class TestPharaoh:
    def test_links_are_written_in_source_order_as_numbers(self):
        assert to_pharaoh({(10, 0), (2, 3), (2, 1)}) == "2-1 2-3 10-0"
        assert to_pharaoh([], [(1, 2)]) == "1p2"
        assert to_pharaoh(frozenset()) == ""

    def test_sure_and_possible_links_are_read(self):
        links = parse_pharaoh("0-0  1p2\t3?4 3-5\n")
        assert links.sure == {(0, 0), (3, 5)}
        assert links.possible == {(0, 0), (1, 2), (3, 4), (3, 5)}

    def test_what_is_written_is_read_back(self):
        generator = np.random.default_rng(6)
        for _ in range(20):
            sure = {tuple(map(int, link)) for link in generator.integers(0, 30, size=(8, 2))}
            possible = {tuple(map(int, link)) for link in generator.integers(0, 30, size=(8, 2))}
            assert parse_pharaoh(to_pharaoh(sure, possible)) == (sure, sure | possible)

    def test_numbers_may_count_from_one(self):
        assert parse_pharaoh("1-1 2p3", one_based=True) == ({(0, 0)}, {(0, 0), (1, 2)})
        with pytest.raises(DataError, match="said to count from 1"):
            parse_pharaoh("0-1", one_based=True)

    @pytest.mark.parametrize(
        "item", ["0", "0-", "-1-2", "1-2-3", "a-b", "1x2", "0-0:0.5", "1,2", "²-1", "0-٣"]
    )
    def test_anything_else_is_an_error_that_names_the_place(self, item):
        with pytest.raises(DataError) as caught:
            parse_pharaoh(f"0-0 {item}", path="gold.align", line_number=7)
        assert str(caught.value).startswith(f"gold.align, line 7: {item!r}")

    def test_a_file_keeps_its_empty_lines_and_names_a_malformed_one(self, tmp_path):
        path = tmp_path / "gold.align"
        path.write_text("0-0 1-1\n\n2p0\n", encoding="utf-8")
        assert [line.sure for line in read_pharaoh(path)] == [{(0, 0), (1, 1)}, set(), set()]
        path.write_text("0-0\n1=1\n", encoding="utf-8")
        with pytest.raises(DataError, match=r"gold\.align, line 2: '1=1'"):
            read_pharaoh(path)

    def test_links_may_be_compressed(self, tmp_path):
        path = tmp_path / "gold.align.gz"
        path.write_bytes(gzip.compress(b"0-0 1-1\n2p0\n"))
        assert [line.possible for line in read_pharaoh(path)] == [{(0, 0), (1, 1)}, {(2, 0)}]

    def test_a_missing_file_is_a_data_error(self, tmp_path):
        with pytest.raises(DataError, match=r"none\.align"):
            read_pharaoh(tmp_path / "none.align")


class TestSoftAlignment:
    WEIGHTS = np.array([[0.25, 0.75, 0.0], [0.828251, 0.001749, 0.17], [0.0, 0.0, 1.0]])

    def test_weights_are_written_in_target_order(self):
        assert to_soft_alignment(self.WEIGHTS) == "0-0:0.25 1-0:0.75 0-1:0.8283"
        assert to_soft_alignment(self.WEIGHTS, minimum=0.75) == "1-0:0.75 0-1:0.8283"

    def test_all_that_is_written_is_read_back(self):
        line = to_soft_alignment(self.WEIGHTS, minimum=0, source_words=3, target_words=3)
        read = parse_soft_alignment(line)
        assert len(read) == 9
        for (source, target), weight in read.items():
            assert weight == pytest.approx(self.WEIGHTS[target, source], abs=1e-4)

    @pytest.mark.parametrize("item", ["0-0", "0-0:1.5", "0-0:nan", "0p0:0.5", "0-0:-0.5", "0-0:0.1 0-0:0.2"])
    def test_malformed_weights_are_refused(self, item):
        with pytest.raises(DataError, match=r"^soft, line 3: "):
            parse_soft_alignment(item, path="soft", line_number=3)


class TestAlignmentErrorRate:
    def test_hand_worked_corpus_is_summed_not_averaged(self):
        predicted = [{(0, 0), (1, 1), (2, 2)}, {(0, 1)}]
        sure = [{(0, 0), (1, 1)}, {(0, 0), (1, 1), (2, 2)}]
        possible = [{(0, 0), (1, 1), (2, 2)}, {(0, 1)}]
        score = alignment_error_rate(predicted, sure, possible)
        # |A| = 4, |S| = 5, |A n S| = 2 + 0, |A n P| = 3 + 1
        assert score.precision == 1.0
        assert score.recall == pytest.approx(2 / 5)
        assert score.f1 == pytest.approx(2 * 0.4 / 1.4)
        assert score.aer == pytest.approx(1 - (2 + 4) / (4 + 5))
        assert (score.predicted_links, score.sure_links) == (4, 5)

    def test_sure_links_count_as_possible_even_when_not_listed_there(self):
        score = alignment_error_rate([{(0, 0), (1, 0)}], [{(0, 0)}], [{(5, 5)}])
        assert score.precision == 0.5
        assert score.aer == pytest.approx(1 - (1 + 1) / (2 + 1))

    def test_the_gold_standard_itself_has_no_error(self):
        gold = [{(0, 0), (1, 2)}, set(), {(3, 1)}]
        score = alignment_error_rate(gold, gold)
        assert (score.precision, score.recall, score.f1, score.aer) == (1, 1, 1, 0)

    def test_predicting_nothing_is_all_error(self):
        score = alignment_error_rate([set()], [{(0, 0)}])
        assert (score.precision, score.recall, score.f1, score.aer) == (1, 0, 0, 1)

    def test_no_links_anywhere_is_no_error(self):
        assert alignment_error_rate([], []).aer == 0

    def test_different_numbers_of_sentences_are_refused(self):
        with pytest.raises(DataError, match=r"2 sentence pairs .* sure links of 1"):
            alignment_error_rate([set(), set()], [set()])

    def test_one_sentence_instead_of_a_corpus_is_refused(self):
        with pytest.raises(TypeError, match="must be a set"):
            alignment_error_rate({(0, 0)}, {(0, 0)})


class TestConfidence:
    def test_one_to_one_attention_is_fully_confident(self):
        confidence = attention_confidence(np.eye(4)[[2, 0, 3, 1]])
        assert confidence.to_json() == {"coverage": 1, "target_focus": 1, "source_focus": 1, "total": 1}

    def test_uniform_attention_is_spread_over_every_word(self):
        confidence = attention_confidence(np.full((4, 4), 0.25))
        assert confidence.coverage == pytest.approx(1)  # each column sums to 1
        assert confidence.target_focus == pytest.approx(1 / 4)
        assert confidence.source_focus == pytest.approx(1 / 4)
        assert confidence.total == pytest.approx((1 / 16) ** (1 / 3))

    def test_hand_worked_numbers(self):
        confidence = attention_confidence(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]))
        # Columns receive 1.5, 0.5, 0.
        coverage_penalty = -(math.log(1.25) + math.log(1.25) + math.log(2)) / 3
        target_penalty = -math.log(2) / 2
        # Column 0 as a distribution is (1/3, 2/3), column 1 is certain, column 2 is nothing.
        source_penalty = (math.log(1 / 3) / 3 + 2 * math.log(2 / 3) / 3) / 3
        assert confidence.coverage == pytest.approx(math.exp(coverage_penalty))
        assert confidence.target_focus == pytest.approx(math.exp(target_penalty))
        assert confidence.source_focus == pytest.approx(math.exp(source_penalty))
        total = math.exp((coverage_penalty + target_penalty + source_penalty) / 3)
        assert confidence.total == pytest.approx(total)

    def test_always_from_zero_to_one_and_blind_to_order(self):
        generator = np.random.default_rng(7)
        for _ in range(50):
            rows, columns = generator.integers(1, 15, size=2)
            weights = random_attention(generator, rows, columns)
            numbers = attention_confidence(weights).to_json()
            assert all(0 < number <= 1 for number in numbers.values())
            shuffled = weights[generator.permutation(rows)][:, generator.permutation(columns)]
            assert attention_confidence(shuffled).to_json() == pytest.approx(numbers, abs=2e-4)

    @pytest.mark.parametrize("weights", [np.zeros((0, 3)), np.array([[np.nan]]), np.array([[1.5, -0.5]])])
    def test_what_is_no_attention_is_refused(self, weights):
        with pytest.raises(ValueError, match="confidence needs"):
            attention_confidence(weights)
