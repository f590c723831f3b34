"""Links between words become rows of attention between pieces, however the words were cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.batching import Batch
from data.careless_typing import CarelessTyping
from data.errors import DataError
from data.pair_alignments import PairAlignments, aligned_pairs, given_alignments
from data.pair_store import PairStore
from data.pipeline import BatchPipeline
from data.special_ids import EOS_ID, PAD_ID
from data.tokenizer import TokenizerPair, train_tokenizers
from data.word_places import words_of
from data.words import word_spans

PAIRS = [
    ("The old dog sleeps.", "der alte Hund schläft."),
    ("  two “dogs” 🐕 sleep", "zwei „Hunde“ 🐕 schlafen"),
    ("well-known ﬁsh", "bekannter Fisch"),
    ("猫が好き", "Katzen mag ich"),
    ("the dog", "der Hund"),
]
LINKS = [
    frozenset({(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)}),
    frozenset({(0, 0), (2, 2), (4, 4), (5, 5)}),
    frozenset({(0, 0), (1, 0), (1, 1)}),
    frozenset({(0, 0)}),
    frozenset({(1, 1)}),
]


@pytest.fixture(scope="module")
def tokenizers() -> TokenizerPair:
    return train_tokenizers(PAIRS * 20, joint=True, vocabulary_size=330)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PairStore:
    return PairStore.write(tmp_path_factory.mktemp("store"), PAIRS)


def given(store: PairStore, tokenizers: TokenizerPair) -> PairAlignments:
    return given_alignments(store, tokenizers, LINKS, lambda text: len(word_spans(text)), "links.txt")


def batches(
    store: PairStore, tokenizers: TokenizerPair, alpha: float, epoch: int = 0, careless: float = 0.0
) -> list[Batch]:
    pipeline = BatchPipeline(
        store,
        tokenizers,
        batch_size=5,
        sampling_alpha=alpha,
        careless_typing=CarelessTyping(careless) if careless else None,
        prefetched_batches=0,
    )
    return list(pipeline.batches(epoch))


def word_level(
    rows: np.ndarray, batch: Batch, place: int, tokenizers: TokenizerPair
) -> set[tuple[int, int, float]]:
    """(source word, target word, share) as `Tokenizer.segment_tokens` tells words apart."""
    source = tokenizers.source.segment_tokens(batch.source_tokens[place].tolist())
    target = tokenizers.target.segment_tokens(batch.target_output_tokens[place].tolist())
    found = set()
    for row, target_word in enumerate(target.piece_to_word):
        shares: dict[int, float] = {}
        for column, source_word in enumerate(source.piece_to_word):
            shares[source_word] = shares.get(source_word, 0) + float(rows[row, column])
        found |= {(word, target_word, round(share, 4)) for word, share in shares.items() if share > 0}
    return found


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_rows_of_pieces_are_the_links_of_their_words(
    store: PairStore, tokenizers: TokenizerPair, alpha: float
) -> None:
    alignments = given(store, tokenizers)
    assert alignments.is_known.all()
    for epoch in range(6):
        for batch in batches(store, tokenizers, alpha, epoch):
            attention = alignments.target_attention(batch, tokenizers, unaligned_to_end=False)
            assert attention.dtype == np.float32
            assert attention.shape == (*batch.target_output_tokens.shape, batch.source_tokens.shape[1])
            sums = attention.sum(axis=2)
            assert np.all((np.abs(sums - 1) < 1e-5) | (sums == 0))
            special = np.isin(batch.target_output_tokens, (PAD_ID, EOS_ID))
            assert not sums[special].any()
            for place, index in enumerate(batch.indices.tolist()):
                of_target: dict[int, int] = {}
                for _, target_word in LINKS[index]:
                    of_target[target_word] = of_target.get(target_word, 0) + 1
                expected = {(i, j, round(1 / of_target[j], 4)) for i, j in LINKS[index]}
                assert word_level(attention[place], batch, place, tokenizers) == expected


def test_a_careless_source_has_its_links_unless_a_mark_is_missing(
    store: PairStore, tokenizers: TokenizerPair
) -> None:
    alignments = given(store, tokenizers)
    seen = set()
    for epoch in range(20):
        (batch,) = batches(store, tokenizers, 0.0, epoch, careless=1.0)
        place = batch.indices.tolist().index(0)
        text = tokenizers.source.decode(batch.source_tokens[place].tolist())
        attention = alignments.target_attention(batch, tokenizers, unaligned_to_end=True)[place]
        links = {(source, target) for source, target, _ in word_level(attention, batch, place, tokenizers)}
        assert links == (LINKS[0] if text.endswith(".") else set())
        seen.add(text)
    assert {"THE OLD DOG SLEEPS.", "the old dog sleeps"} <= seen


def test_all_pieces_of_a_word_are_looked_at_alike(store: PairStore, tokenizers: TokenizerPair) -> None:
    alignments = given(store, tokenizers)
    (batch,) = batches(store, tokenizers, 0.9)
    place = batch.indices.tolist().index(0)
    rows = alignments.target_attention(batch, tokenizers, unaligned_to_end=False)[place]
    looked_at = rows[rows.sum(axis=1) > 0]
    # Each word has one link: as many equal shares as the source word has pieces.
    for row in looked_at:
        shares = row[row > 0]
        assert shares == pytest.approx(np.full(len(shares), 1 / len(shares)))
    assert any((row > 0).sum() > 1 for row in looked_at)


def test_words_without_links_may_look_at_the_end(store: PairStore, tokenizers: TokenizerPair) -> None:
    alignments = given(store, tokenizers)
    (batch,) = batches(store, tokenizers, 0.0)
    ignoring = alignments.target_attention(batch, tokenizers, unaligned_to_end=False)
    ending = alignments.target_attention(batch, tokenizers, unaligned_to_end=True)
    added = ending - ignoring
    is_end = (batch.source_tokens == EOS_ID)[:, None]
    assert added.any()
    assert not (added * ~is_end).any()
    is_word = ~np.isin(batch.target_output_tokens, (PAD_ID, EOS_ID))
    np.testing.assert_allclose(ending.sum(axis=2), is_word, atol=1e-5)


def test_tokens_that_do_not_spell_the_text_say_nothing(store: PairStore, tokenizers: TokenizerPair) -> None:
    alignments = given(store, tokenizers)
    (batch,) = batches(store, tokenizers, 0.0)
    cut = batch.source_tokens.copy()
    cut[0, 1] = EOS_ID
    cut[0, 2:] = PAD_ID
    rows = alignments.target_attention(batch._replace(source_tokens=cut), tokenizers, unaligned_to_end=True)
    assert not rows[0].any()
    assert rows[1].any()


def test_other_words_than_the_file_counted(store: PairStore, tokenizers: TokenizerPair) -> None:
    """With one more word than the normalised text has, nobody knows which words the links mean."""

    def count(text: str) -> int:
        return len(word_spans(text)) + (text == "well-known ﬁsh")

    alignments = given_alignments(store, tokenizers, LINKS, count, "links.txt")
    assert alignments.is_known.tolist() == [True, True, False, True, True]
    (batch,) = batches(store, tokenizers, 0.0)
    rows = alignments.target_attention(batch, tokenizers, unaligned_to_end=True)
    assert not rows[batch.indices.tolist().index(2)].any()


def test_links_of_words_that_are_not_there(store: PairStore, tokenizers: TokenizerPair) -> None:
    links = [*LINKS[:4], frozenset({(0, 2)})]
    with pytest.raises(DataError, match="names a word that is not there"):
        given_alignments(store, tokenizers, links, lambda text: len(word_spans(text)), "links.txt")


def test_own_alignments_are_kept_and_told_apart(
    store: PairStore, tokenizers: TokenizerPair, tmp_path: Path
) -> None:
    told: list[str] = []
    made = aligned_pairs(store, tokenizers, lambda what, done, total: told.append(what))
    assert "round 10 of 10" in told
    path = tmp_path / "alignments.npz"
    made.save(path, "one key")
    kept = PairAlignments.load(path, "one key")
    assert kept is not None
    assert kept.fingerprint == made.fingerprint
    assert PairAlignments.load(path, "another key") is None
    assert PairAlignments.load(tmp_path / "none.npz", "one key") is None
    assert given(store, tokenizers).fingerprint != made.fingerprint
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read as alignments"):
        PairAlignments.load(path, "one key")


def test_words_are_those_of_the_normalised_text(tokenizers: TokenizerPair) -> None:
    texts = [text for pair in PAIRS for text in pair] + ["", "a\u200bb  c"]
    places, words = words_of(tokenizers.source, texts)
    for number, text in enumerate(texts):
        segmented = tokenizers.source.segment_tokens(tokenizers.source.encode(text))
        assert words[number] == [segmented.text[slice(*span)] for span in word_spans(segmented.text)]
    assert len(places) == len(texts)
