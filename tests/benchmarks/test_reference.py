"""The architecture that speeds are measured with, its input, its text, its run directory."""

from pathlib import Path

import numpy as np

from benchmarks.made_up_text import generated_pairs, write_corpus
from benchmarks.reference import NO_DROPOUT, REFERENCE, build_network, configuration, random_batch
from benchmarks.reference_run import sentences_of, write_reference_run
from data.special_ids import BOS_ID, EOS_ID
from seq2seq.config import ModelConfig
from seq2seq.search_options import SearchOptions
from seq2seq.translator import Translator
from tests.benchmarks.tiny_sizes import TINY


def test_the_reference_has_ten_million_parameters() -> None:
    assert round(build_network(REFERENCE).count_params() / 1e6, 1) == 10.0


def test_network_and_configuration_agree() -> None:
    config = configuration(REFERENCE, training={"epochs": 7})
    model = build_network(REFERENCE)
    assert config.training.epochs == 7
    assert config.tokenizer.vocabulary_size == model.arguments["source_vocabulary_size"] == 8000
    assert {name: model.arguments[name] for name in config.model.model_dump()} == config.model.model_dump()


def test_every_kind_of_dropout_is_off() -> None:
    assert set(NO_DROPOUT) == {name for name in ModelConfig.model_fields if name.endswith("dropout")}


def test_random_sentences_end_and_the_target_is_shifted() -> None:
    batch = random_batch(TINY, batch_size=5, source_length=4, target_length=6)
    assert batch.source_tokens.shape == (5, 4)
    assert batch.target_input_tokens.shape == batch.target_output_tokens.shape == (5, 6)
    for tokens in (batch.source_tokens, batch.target_output_tokens):
        assert (tokens[:, -1] == EOS_ID).all()
        assert tokens[:, :-1].min() >= 4
        assert tokens.max() < TINY.vocabulary
    assert (batch.target_input_tokens[:, 0] == BOS_ID).all()
    np.testing.assert_array_equal(batch.target_input_tokens[:, 1:], batch.target_output_tokens[:, :-1])


def test_made_up_text_is_always_the_same() -> None:
    pairs = list(generated_pairs(50))
    assert pairs == list(generated_pairs(50))
    assert all(3 <= len(source.split()) == len(target.split()) <= 30 for source, target in pairs)


def test_a_corpus_has_all_its_pairs_in_files(tmp_path: Path) -> None:
    data = write_corpus(tmp_path, train_pairs=20, validation_pairs=5)
    for name, count in (("train", 20), ("validation", 5)):
        lines = Path(data["corpus"][name]["tsv"]).read_text(encoding="utf-8").splitlines()
        assert len(lines) == count
        assert all(line.count("\t") == 1 for line in lines)


def test_sentences_have_the_words_that_were_asked_for() -> None:
    sentences = sentences_of(words=12, count=20)
    assert {len(sentence.split()) for sentence in sentences} == {12}
    assert len(set(sentences)) == 20


def test_a_run_with_random_weights_translates(tmp_path: Path) -> None:
    run = write_reference_run(tmp_path / "run", TINY)
    (translation,) = Translator.load(run).translate(
        sentences_of(5, 1), SearchOptions(min_length=4, max_length=4)
    )
    assert len(translation.hypotheses[0].target.pieces) == 4
    assert translation.note is None
