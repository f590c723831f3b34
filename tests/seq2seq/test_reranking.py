"""Reranking, judged by hand: every candidate scored on its own, in both directions, and sorted."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache

import pytest

from data.errors import UserError
from seq2seq.config import dump_config
from seq2seq.model_summary import model_facts, one_line_summary
from seq2seq.posterior_translator import PosteriorTranslator
from seq2seq.reranking import Reranker, load_reranker
from seq2seq.reverse_model import find_reranking_model
from seq2seq.run_directory import RunDirectory
from seq2seq.search_options import SearchOptions
from seq2seq.translator import Translator
from tests.seq2seq.tiny_run import SENTENCES, CopyModel, make_tiny_run, tiny_config, tiny_tokenizers

BEAM = SearchOptions(beam_size=4, n_best=4)
TEXTS = [*SENTENCES[:5], ""]


@pytest.fixture(scope="module")
def reverse_run(tmp_path_factory):
    """With a tokenizer of its own."""
    run = make_tiny_run(tmp_path_factory.mktemp("reverse") / "run", seed=2, tokenizers=tiny_tokenizers(330))
    run.write_facts(source_language="xx", target_language="en")
    return run


@pytest.fixture(scope="module")
def forward(tiny_run):
    return Translator.load(tiny_run)


@pytest.fixture(scope="module")
def backward(reverse_run):
    return Translator.load(reverse_run)


@pytest.fixture(scope="module")
def reranked(tiny_run, backward):
    """`weight -> translator`."""
    return cache(lambda weight: Translator.load(tiny_run, reranker=Reranker(backward, weight)))


def ranked_by_hand(forward, backward, text, weight, options=BEAM, prefix=""):
    """(score, text) of each candidate, best first."""
    (translation,) = forward.translate([text], options, forced_prefix=[prefix])
    rows = []
    for hypothesis in translation.hypotheses:
        (source,) = backward.score([hypothesis.text], [text])
        mean = float(source.best.token_log_probabilities.mean())
        rows.append((hypothesis.finished, hypothesis.score + weight * mean, hypothesis.text))
    return [row[1:] for row in sorted(rows, reverse=True)]


def check_by_hand(forward, backward, found, weight, options=BEAM, prefix=""):
    for translation in found:
        expected = ranked_by_hand(forward, backward, translation.source.text, weight, options, prefix)
        assert [each.text for each in translation.hypotheses] == [each for _, each in expected]
        scores = [each.score for each in translation.hypotheses]
        assert scores == pytest.approx([score for score, _ in expected], rel=1e-4)


@pytest.mark.parametrize("weight", [0.2, 3.0])
def test_order_and_scores_are_those_found_by_hand(reranked, forward, backward, weight) -> None:
    found = reranked(weight).translate(TEXTS, BEAM, batch_size=4)
    check_by_hand(forward, backward, found[:-1], weight)
    assert found[-1].hypotheses == ()


def test_every_candidate_begins_with_the_prefix(reranked, forward, backward) -> None:
    found = reranked(3.0).translate(SENTENCES[:3], BEAM, forced_prefix=["the old"] * 3)
    check_by_hand(forward, backward, found, 3.0, prefix="the old")


@pytest.mark.slow
def test_an_ensemble_is_reranked_too(tiny_run, forward, backward) -> None:
    runs = [tiny_run, tiny_run]
    (alone,) = Translator.load(runs).translate(SENTENCES[:1], BEAM)
    (found,) = Translator.load(runs, reranker=Reranker(backward, 3.0)).translate(SENTENCES[:1], BEAM)
    assert sorted(each.text for each in found.hypotheses) == sorted(each.text for each in alone.hypotheses)
    check_by_hand(forward, backward, [found], 3.0)  # of two equal models, which are one


def test_the_best_is_chosen_from_the_whole_beam(reranked, forward) -> None:
    best = reranked(3.0).translate(SENTENCES[:5], replace(BEAM, n_best=1))
    whole = reranked(3.0).translate(SENTENCES[:5], BEAM)
    assert [len(each.hypotheses) for each in best] == [1] * 5
    assert [each.text for each in best] == [each.text for each in whole]
    assert [each.text for each in best] != [each.text for each in forward.translate(SENTENCES[:5], BEAM)]


def mixed(translations):
    """Those of which some hypotheses came to an end and others were cut off."""
    return [each for each in translations if len({one.finished for one in each.hypotheses}) == 2]


@pytest.fixture(scope="module")
def copier(tiny_tokenizers):
    """Makes mistakes, so that its samples and its beams end now and then: `reranker -> translator`."""
    model = CopyModel(tiny_tokenizers.source.vocabulary_size, certainty=6.0)
    return lambda reranker=None: Translator([model], tiny_tokenizers, [tiny_config()], reranker=reranker)


SAMPLES = SearchOptions(sampling=True, n_best=4, max_length_factor=1.0, max_length_extra=0)


@pytest.mark.parametrize("weight", [0.0, 3.0])
def test_what_was_cut_off_stays_behind_what_ended(copier, backward, weight) -> None:
    plain = copier().translate(SENTENCES, SAMPLES)
    assert mixed(plain), "no sentence has samples of both kinds: choose another certainty"
    found = copier(Reranker(backward, weight)).translate(SENTENCES, SAMPLES)
    for translation, before in zip(found, plain, strict=True):
        ended = [each.finished for each in translation.hypotheses]
        assert ended == sorted(ended, reverse=True)
        if weight == 0:
            assert [each.text for each in translation.hypotheses] == [each.text for each in before.hypotheses]
    if weight:  # without, many scores are equal
        check_by_hand(copier(), backward, mixed(found)[:3], weight, SAMPLES)


def test_a_weight_of_zero_changes_nothing(reranked, forward) -> None:
    found, expected = reranked(0.0).translate(SENTENCES[:5], BEAM), forward.translate(SENTENCES[:5], BEAM)
    for one, other in zip(found, expected, strict=True):
        assert [(each.text, each.score) for each in one.hypotheses] == [
            (each.text, each.score) for each in other.hypotheses
        ]


def test_the_posterior_is_that_of_the_chosen_one(tiny_run, reranked, backward) -> None:
    options = replace(BEAM, n_best=1)
    looked = reranked(3.0).translate(SENTENCES[:3], options)
    knowing = PosteriorTranslator.load(tiny_run, reranker=Reranker(backward, 3.0))
    known = knowing.translate(SENTENCES[:3], options)
    assert [each.text for each in known] == [each.text for each in looked]
    pairs = zip(known, looked, strict=True)
    assert any((one.best.attention != other.best.attention).any() for one, other in pairs)


class CutOff:
    """Prefers translations without an end."""

    def __call__(self, translations, n_best):
        return [
            replace(one, hypotheses=tuple(sorted(one.hypotheses, key=lambda each: each.finished))[:n_best])
            for one in translations
        ]


def test_the_note_is_about_the_chosen_translation(copier) -> None:
    texts = [each.source.text for each in mixed(copier().translate(SENTENCES, SAMPLES))]
    for translation in copier(CutOff()).translate(texts, SAMPLES):
        assert not translation.best.finished
        assert translation.note.count("had not ended") == 1


def test_a_broken_second_model_is_named(reverse_run, tiny_run, tmp_path) -> None:
    broken = RunDirectory(shutil.copytree(reverse_run.path, tmp_path / "broken"))
    model = broken.load_model()
    model.decoder.output_bias.assign(model.decoder.output_bias * float("nan"))
    model.save(broken.model_file)
    translator = Translator.load(tiny_run, reranker=Reranker(Translator.load(broken), 0.0))
    with pytest.raises(UserError, match="model of --rerank-with gives probabilities that are not numbers"):
        translator.translate(SENTENCES[:1], BEAM)


def test_the_second_model_reads_all_that_the_first_one_wrote(reverse_run, tiny_run, backward) -> None:
    """However short its own training sentences were."""
    long = " ".join(SENTENCES[:12])
    (candidate,) = Translator.load(tiny_run, max_source_pieces=1000).score([long], [long])
    assert len(candidate.best.target.pieces) > backward.max_source_pieces
    loaded = load_reranker(reverse_run, 1.0, None)
    (found,) = loaded([candidate], 1)
    whole = Translator.load(reverse_run, max_source_pieces=1000)
    (source,) = whole.score([candidate.text], [candidate.source.text])
    mean = source.best.log_probability / len(source.best.token_log_probabilities)
    assert found.best.score == pytest.approx(candidate.best.score + mean, rel=1e-5)


@pytest.mark.parametrize("weight", [-0.1, float("inf"), float("nan")])
def test_a_weight_is_a_finite_number_of_at_least_zero(backward, weight) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        Reranker(backward, weight)


def test_without_a_model_there_is_none() -> None:
    assert load_reranker(None, 0.5, None) is None


def test_summaries_name_it_with_its_epoch(reranked, kept_run, tiny_run) -> None:
    assert one_line_summary(reranked(3.0)).endswith("parameters, reranked by tiny")
    assert ("reranked by", "tiny, weight 3") in model_facts(reranked(3.0))
    epoch = Translator.load(f"{kept_run.path}@2")
    assert one_line_summary(Translator.load(tiny_run, reranker=Reranker(epoch, 1.0))).endswith("@2")


def test_a_model_that_cannot_judge_is_refused(tiny_run, reverse_run, tmp_path) -> None:
    assert find_reranking_model(None, tiny_run, SearchOptions(beam_size=1)) is None
    assert find_reranking_model(str(reverse_run.path), tiny_run, BEAM) is not None
    with pytest.raises(UserError, match="greedy search finds one translation: give --beam-size 5"):
        find_reranking_model(str(reverse_run.path), tiny_run, SearchOptions(beam_size=1))
    with pytest.raises(UserError, match="--n-best 1 is one: give --n-best 5"):
        find_reranking_model(str(reverse_run.path), tiny_run, SearchOptions(sampling=True, n_best=1))
    with pytest.raises(UserError, match=r"--rerank-with .* translates from en to xx; the other direction of"):
        find_reranking_model(str(tiny_run.path), tiny_run, BEAM)
    other = make_tiny_run(tmp_path / "other")
    other.write_facts(source_language="xx", target_language="en")
    config = tiny_config(
        data={"corpus": {"kind": "starter"}, "source_language": "xx", "target_language": "en"},
        evaluation={"tokenized": True},
    )
    (other.path / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    with pytest.raises(UserError, match=r"was trained on tokenised text, .* on raw text"):
        find_reranking_model(str(other.path), tiny_run, BEAM)
