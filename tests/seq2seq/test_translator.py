"""The text-tensor boundary, judged by a network that copies: text, order, rows of attention, limits."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from data.errors import UserError
from seq2seq.length_sorting import length_sorted_batches
from seq2seq.run_directory import check_same_tokenizers
from seq2seq.search_options import SearchOptions
from seq2seq.shortening import shorten
from seq2seq.translator import Translator
from tests.seq2seq.tiny_run import (
    MAX_LENGTH,
    SENTENCES,
    CopyModel,
    make_tiny_run,
    tiny_config,
    tiny_tokenizers,
)

BEAM = SearchOptions(beam_size=3)


@pytest.fixture(scope="module")
def copier(tiny_tokenizers):
    return Translator([CopyModel(tiny_tokenizers.source.vocabulary_size)], tiny_tokenizers, [tiny_config()])


@pytest.fixture(scope="module")
def untrained(tiny_run):
    return Translator.load(tiny_run.path)


def test_rows_and_columns_of_attention_are_the_pieces_and_then_eos(copier):
    (translation,) = copier.translate(["two dogs paint a red house."], BEAM)
    best = translation.best
    assert best.text == "two dogs paint a red house."
    assert best.finished
    assert best.target.pieces == translation.source.pieces
    np.testing.assert_array_equal(best.attention, np.eye(len(translation.source.pieces) + 1))
    words = range(len(translation.source.words))
    assert best.alignment(translation.source) == {(word, word) for word in words}
    assert best.log_probability == pytest.approx(best.token_log_probabilities.sum())


def test_order_is_kept_whatever_the_lengths_and_batches(copier):
    texts = [
        "two dogs run.",
        "",
        "a child paint the garden. the old man sleep in",
        " ",
        "an",
        *SENTENCES[:9],
        "the snow.",
    ]
    expected = ["" if not text.strip() else text for text in texts]
    for batch_size, window in itertools.product((1, 3, 64), (1, 4, None)):
        stream = copier.translate_stream(iter(texts), BEAM, batch_size=batch_size, window=window)
        assert [translation.text for translation in stream] == expected
    assert [translation.text for translation in copier.translate(texts, BEAM, batch_size=2)] == expected


def test_a_batch_holds_similar_lengths(tiny_tokenizers):
    model = CopyModel(tiny_tokenizers.source.vocabulary_size)
    translator = Translator([model], tiny_tokenizers, max_source_pieces=40)
    short, long = "a child", "the old man walk around an empty street!"
    translator.translate([short, long, short, long], BEAM, batch_size=2)
    lengths = [len(tiny_tokenizers.source.encode(text)) + 1 for text in (long, short)]
    assert sorted(model.batch_shapes, reverse=True) == [(2, lengths[0]), (2, lengths[1])]  # in any order


def test_a_stream_reads_no_further_than_its_window(copier):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield "two dogs"

    stream = copier.translate_stream(endless(), BEAM, batch_size=2, window=4)
    for _ in range(4):
        next(stream)
    assert len(taken) == 4
    next(stream)
    assert len(taken) == 8
    one_by_one = copier.translate_stream(endless(), BEAM, batch_size=1)
    taken.clear()
    next(one_by_one)
    assert len(taken) == 1


def test_a_real_network_gives_the_same_alone_and_in_a_batch(untrained):
    texts = [SENTENCES[3], "a", SENTENCES[50] + " " + SENTENCES[7], "сніг 😀", SENTENCES[11]]
    options = SearchOptions(beam_size=3, n_best=3)
    together = untrained.translate(texts, options)
    for text, translation in zip(texts, together, strict=True):
        (alone,) = untrained.translate([text], options)
        assert len(translation.hypotheses) == 3
        for one, other in zip(alone.hypotheses, translation.hypotheses, strict=True):
            assert one.target == other.target
            # One row is multiplied by another routine than many, and a recurrence of 30 steps lets their
            # rounding grow: to 2e-4 on a processor with AVX2 alone.
            assert one.score == pytest.approx(other.score, abs=1e-3)
            np.testing.assert_allclose(one.attention, other.attention, atol=1e-3)
            np.testing.assert_allclose(one.attention.sum(axis=1), 1, atol=1e-5)
            assert one.attention.shape[1] == len(translation.source.pieces) + 1


def test_scoring_its_own_translation_gives_the_numbers_of_the_search(tiny_tokenizers, untrained):
    unsure = CopyModel(tiny_tokenizers.source.vocabulary_size, certainty=6.0)
    translator = Translator([unsure], tiny_tokenizers, [tiny_config()])
    sources = [SENTENCES[3], "two dogs", SENTENCES[60]]
    options = SearchOptions(beam_size=3, n_best=3, length_penalty=0.6, coverage_penalty=0.2)
    found = [
        replace(each, hypotheses=(hypothesis,))
        for each in translator.translate(sources, options)
        for hypothesis in each.hypotheses
    ]
    # Only a text that is cut into the very pieces that were emitted has the same probability.
    same = [
        each
        for each in found
        if each.best.finished and tiny_tokenizers.target.encode(each.text) == list(each.best.target.token_ids)
    ]
    assert len(same) >= 3
    scored = translator.score([each.source.text for each in same], [each.text for each in same], options)
    for one, other in zip(same, scored, strict=True):
        assert other.text == one.text
        assert other.best.score == pytest.approx(one.best.score, rel=1e-4)
        np.testing.assert_allclose(
            other.best.token_log_probabilities, one.best.token_log_probabilities, atol=1e-4
        )
        np.testing.assert_allclose(other.best.attention, one.best.attention, atol=1e-4)
    probabilities = [
        each.best.log_probability for each in untrained.score(["two dogs"] * 2, ["two dogs", "snow"])
    ]
    assert probabilities[0] != probabilities[1]


def test_scores_of_pairs_with_an_empty_side(copier):
    nothing, no_target, no_source = copier.score(["", "two dogs", ""], [" ", "", "two dogs"])
    assert nothing.hypotheses == ()
    assert no_target.text == ""
    assert no_target.best.token_log_probabilities.shape == (1,)
    assert no_source.best.attention.shape == (len(no_source.best.target.pieces) + 1, 1)


def test_too_long_a_source_is_cut_with_a_note(copier):
    sentence = " ".join(SENTENCES[:6])
    (translation,) = copier.translate([sentence], BEAM)
    limit = 2 * MAX_LENGTH
    assert limit - 8 < len(translation.source.pieces) <= limit
    assert sentence.startswith(translation.source.text)
    assert translation.text == translation.source.text
    assert f"only the first {len(translation.source.pieces)} were used" in translation.note


def test_a_text_is_cut_between_words(tiny_tokenizers):
    whole = tiny_tokenizers.source.segment(SENTENCES[3] + " absolutely")
    assert len(whole.pieces) > 1.5 * len(whole.words)
    for longest in range(4, len(whole.pieces)):
        kept = shorten(whole, longest)
        assert kept.words == whole.words[: len(kept.words)]
        assert longest - len(kept.pieces) < max(map(whole.piece_to_word.count, whole.piece_to_word))


@pytest.mark.parametrize("text", ["two dogs paint", "x" * 30, "😀😀😀😀 two", "a 犬犬犬犬犬"])
@pytest.mark.parametrize("longest", [1, 3, 5])
def test_a_shortened_text_is_whole_in_itself(tiny_tokenizers, text, longest):
    whole = tiny_tokenizers.source.segment(text)
    kept = shorten(whole, longest)
    assert 0 < len(kept.pieces) == len(kept.token_ids) == len(kept.piece_to_word) <= longest
    assert kept.token_ids == whole.token_ids[: len(kept.pieces)]
    assert len(kept.words) == kept.piece_to_word[-1] + 1
    assert [kept.text[begin:end] for begin, end in kept.word_offsets] == list(kept.words)


def test_a_target_that_is_too_long_to_score_is_cut_and_not_finished(copier):
    target = " ".join(SENTENCES[:6])
    (scored,) = copier.score(["two dogs"], [target])
    assert not scored.best.finished
    assert "the target has" in scored.note


def test_a_translation_that_does_not_end_has_a_note_and_no_eos_row(tiny_tokenizers):
    model = CopyModel(tiny_tokenizers.source.vocabulary_size, never_ends=True)
    translator = Translator([model], tiny_tokenizers, [tiny_config()])
    (translation,) = translator.translate(["two dogs"], SearchOptions(beam_size=1))
    best = translation.best
    assert not best.finished
    assert len(best.attention) == len(best.target.pieces)
    assert "had not ended" in translation.note
    (asked_for,) = translator.translate(["two dogs"], SearchOptions(beam_size=1, max_length=3))
    assert len(asked_for.best.target.pieces) == 3
    assert asked_for.note == "the translation had not ended after 3 pieces and was cut off"


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_translation_that_just_fits_is_whole(copier, beam_size):
    pieces = len(copier.tokenizers.source.segment("two dogs").pieces)
    for most, is_whole in ((pieces, True), (pieces - 1, False)):
        options = SearchOptions(beam_size=beam_size, max_length=most)
        (translation,) = copier.translate(["two dogs"], options)
        assert len(translation.best.target.pieces) <= most
        assert (translation.text == "two dogs") == is_whole
        if is_whole:
            assert translation.best.finished
            assert translation.note is None


def test_a_stream_gives_out_what_was_read_before_a_bad_line(copier):
    def lines():
        yield from SENTENCES[:5]
        raise UserError("line 6 is bad")

    for batch_size in (1, 2, 64):
        stream = copier.translate_stream(lines(), BEAM, batch_size=batch_size)
        assert [next(stream).text for _ in range(5)] == SENTENCES[:5]
        with pytest.raises(UserError, match="line 6 is bad"):
            next(stream)


def test_a_prefix_belongs_to_its_own_sentence(copier):
    prefixes = ["my sister", "", "the"]
    translations = copier.translate(
        ["two dogs paint", "a child", "two dogs paint"], BEAM, forced_prefix=prefixes, batch_size=3
    )
    assert translations[0].text.startswith("my sister")
    assert translations[1].text == "a child"
    assert translations[2].text.startswith("the")
    with pytest.raises(ValueError, match="2 texts need as many prefixes"):
        copier.translate(["a", "b"], BEAM, forced_prefix=["a"])
    with pytest.raises(ValueError, match="there are only 1 prefixes"):
        list(copier.translate_stream(["a", "b"], BEAM, forced_prefix=["a"]))


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01\x02",
        "a\u2028b\x85c\x0bd\x0ce\rf",
        "犬 кіт 😀👨‍👩‍👧 e\u0301",
        "\ud800 lone",
        "\u200b",
        "a\tb\nc",
        "\ufeff",
    ],
)
def test_strange_characters_make_a_translation_or_nothing(copier, text):
    (translation,) = copier.translate([text], BEAM)
    assert bool(translation.hypotheses) == bool(translation.source.pieces)
    if translation.hypotheses:
        assert translation.best.finished
        translation.to_json()


def test_an_ensemble_needs_one_tokenizer(tmp_path, tiny_run):
    other = make_tiny_run(tmp_path / "other", tokenizers=tiny_tokenizers(330))
    with pytest.raises(UserError, match="must share their tokenizer") as caught:
        Translator.load([tiny_run, other])
    assert str(tiny_run.path) in str(caught.value)
    assert str(other.path) in str(caught.value)


def test_an_ensemble_of_twins_is_the_model_itself_and_of_others_is_not(tmp_path, tiny_run, untrained):
    pair = [SENTENCES[0]], [SENTENCES[1]]  # scoring builds its graph faster than searching does
    (alone,) = untrained.score(*pair)
    twins = Translator.load([tiny_run.path, tiny_run.path])
    assert len(twins.models) == 2
    (same,) = twins.score(*pair)
    assert same.best.log_probability == pytest.approx(alone.best.log_probability, rel=1e-4)
    stranger = make_tiny_run(tmp_path / "stranger", seed=5, tokenizers=tiny_run.tokenizers)
    check_same_tokenizers([tiny_run, stranger])
    (mixed,) = Translator.load([tiny_run, stranger]).score(*pair)
    assert mixed.best.log_probability != pytest.approx(alone.best.log_probability, rel=1e-3)


def test_default_options_are_those_of_the_run(untrained):
    assert untrained.default_options() == SearchOptions(beam_size=2)
    assert untrained.default_options(beam_size=4, n_best=None) == replace(SearchOptions(), beam_size=4)


def test_batches_hold_every_text_once_and_stay_small_for_very_long_ones():
    lengths = [3, 700, 5, 4, 3, 650, 4, 600]
    batches = length_sorted_batches(lengths, 4)
    assert sorted(itertools.chain.from_iterable(batches)) == list(range(8))
    assert [[lengths[index] for index in batch] for batch in batches] == [
        [700],
        [650],
        [600],
        [5, 4, 4, 3],
        [3],
    ]
    assert length_sorted_batches([], 4) == []


def test_one_text_is_no_list_of_its_letters(copier):
    for call in (copier.translate, copier.translate_stream, lambda text: copier.score([text], text)):
        with pytest.raises(TypeError, match="Give a list of texts"):
            call("x")


def test_one_prefix_is_no_list_of_its_letters(copier):
    with pytest.raises(TypeError, match="list of texts"):
        copier.translate(["a child", "two dogs"], forced_prefix="my")


def test_the_begin_of_a_sentence_is_no_part_of_a_translation(copier):
    with pytest.raises(UserError, match=r"begin of a sentence \(BOS, 1\)"):
        copier.score(["two dogs"], [[1, 7, 2]])
