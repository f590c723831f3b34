from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from data.sentencepiece_training import evenly_sampled, train_sentencepiece
from data.tokenizer import Tokenizer, TokenizerPair, train_tokenizers

ROOT = Path(__file__).resolve().parents[2]

_SUBJECTS = [("the dog", "der Hund"), ("a small cat", "eine kleine Katze"), ("two children", "zwei Kinder")]
_VERBS = [("sees", "sieht"), ("is chasing", "jagt"), ("finds", "findet"), ("is waiting for", "wartet auf")]
_OBJECTS = [
    ("the red ball", "den roten Ball"),
    ("an old house", "ein altes Haus"),
    ("three birds", "drei Vögel"),
]
PAIRS = [(f"{a} {v} {o} .", f"{x} {w} {p} .") for a, x in _SUBJECTS for v, w in _VERBS for o, p in _OBJECTS]

# What these few pairs can fill, with either kind of model.
VOCABULARY_SIZE = 310

SCRIPTS = [
    "the dog sees three birds .",
    "Straße, façade, naïve – “quoted”…",
    "我喜欢狗。",
    "الكلب يرى الكرة",
    "ภาษาไทย",
    "👩‍👩‍👧 and 👍🏽 and 🇩🇪!",
    "𝒳 + 𐍈 = 🜁",
    "e\u0301 o\u0308 q\u0323\u0307",
    "<s> </s> <pad> <unk> <0x41>",
    "a\x00b\x07c\x7f",
    "\u200bzero\u200dwidth\ufeff",
    "｛ｆｕｌｌ｝ ﬁne ﬀ ﷺ ㍿ ½",
]


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def model_type(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def identity(model_type: str) -> Tokenizer:
    return _joint(model_type, "identity")


@pytest.fixture(scope="module")
def nfkc(model_type: str) -> Tokenizer:
    return _joint(model_type, "nmt_nfkc")


def _joint(model_type: str, normalization: str) -> Tokenizer:
    pair = train_tokenizers(
        PAIRS, joint=True, vocabulary_size=VOCABULARY_SIZE, model_type=model_type, normalization=normalization
    )
    return pair.source


def _random_text(generator: random.Random) -> str:
    ranges = [(0x00, 0x20), (0x21, 0x7F), (0xA1, 0x250), (0x300, 0x370), (0x600, 0x6FF), (0x4E00, 0x4F00)]
    ranges += [(0xE000, 0xE010), (0xFF01, 0xFF60), (0x1F300, 0x1F650), (0x20000, 0x20010), (0xFFF0, 0xFFFF)]
    words = []
    for _ in range(generator.randint(0, 6)):
        low, high = generator.choice(ranges)
        words.append("".join(chr(generator.randrange(low, high)) for _ in range(generator.randint(1, 6))))
    return " ".join(words)


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("text", SCRIPTS)
def test_identity_gives_every_text_back(identity: Tokenizer, text: str) -> None:
    assert identity.decode(identity.encode(text)) == text


def test_identity_gives_random_text_back(identity: Tokenizer) -> None:
    generator = random.Random(5)
    for text in (_random_text(generator) for _ in range(400)):
        tokens = identity.encode(text)
        assert identity.decode(tokens) == text
        assert 3 not in tokens, "byte fallback leaves nothing unknown"


def test_lower_casing_normalization() -> None:
    tokenizer = _joint("bpe", "nmt_nfkc_cf")
    assert tokenizer.decode(tokenizer.encode("The DOG Ｓｅｅｓ")) == "the dog sees"


def test_decode_stops_at_eos_and_leaves_out_padding(identity: Tokenizer) -> None:
    tokens = identity.encode("the dog")
    assert identity.decode([1, *tokens, 2, *tokens, 0, 0]) == "the dog"
    assert identity.decode([]) == identity.decode([2, 5]) == ""


def test_lone_surrogate_does_not_crash(identity: Tokenizer) -> None:
    assert identity.decode(identity.encode("a\ud800b")) == "a\ufffdb"
    assert identity.segment("a\ud800b").text == "a\ufffdb"


def test_batch_equals_single(identity: Tokenizer) -> None:
    assert identity.encode_batch(SCRIPTS) == [identity.encode(text) for text in SCRIPTS]


# ---------------------------------------------------------------- offsets and words


def _check_segmentation(tokenizer: Tokenizer, text: str, mode: str) -> None:
    cut = tokenizer.segment(text, mode)
    assert cut.text == text
    assert list(cut.token_ids) == tokenizer.encode(text)
    assert len(cut.pieces) == len(cut.piece_offsets) == len(cut.piece_to_word) == len(cut.token_ids)
    assert tuple(text[begin:end] for begin, end in cut.word_offsets) == cut.words
    previous = 0
    for begin, end in cut.piece_offsets:
        assert previous <= begin <= end <= len(text)
        assert text[begin:end] == text[begin:end].strip()
        previous = end
    ends = [0, *(end for _, end in cut.word_offsets)]
    assert all(begin >= end for (begin, _), end in zip(cut.word_offsets, ends, strict=False))
    # Every word has a piece, in order, and a piece lies inside its word.
    assert list(dict.fromkeys(cut.piece_to_word)) == list(range(len(cut.words)))
    assert list(cut.piece_to_word) == sorted(cut.piece_to_word)
    for (begin, end), word in zip(cut.piece_offsets, cut.piece_to_word, strict=True):
        if begin < end:
            assert cut.word_offsets[word][0] <= begin < end <= cut.word_offsets[word][1]


@pytest.mark.parametrize("mode", ["unicode", "whitespace"])
def test_segmentation_holds_together(identity: Tokenizer, nfkc: Tokenizer, mode: str) -> None:
    generator = random.Random(11)
    odd_spaces = [
        "",
        " ",
        "  two  spaces ",
        " leading",
        "\u3000",
        "\u00a0a\u2003b",
        "\u200b",
        "a \u200b b",
        "▁a",
    ]
    for text in [*SCRIPTS, *odd_spaces, *(_random_text(generator) for _ in range(300))]:
        for tokenizer in (identity, nfkc):
            _check_segmentation(tokenizer, text, mode)


def test_identity_pieces_cover_every_character(identity: Tokenizer) -> None:
    for text in SCRIPTS:
        cut = identity.segment(text)
        covered = "".join(text[begin:end] for begin, end in cut.piece_offsets)
        assert covered == "".join(text.split(" "))


def test_offsets_point_into_the_text_before_normalisation(nfkc: Tokenizer) -> None:
    text = "  ｔｈｅ  ﬁne de\u0301j\u00e0  dog"
    cut = nfkc.segment(text)
    assert cut.words == ("ｔｈｅ", "ﬁne", "de\u0301j\u00e0", "dog")
    spelled = {
        word: "".join(
            text[slice(*span)]
            for span, owner in zip(cut.piece_offsets, cut.piece_to_word, strict=True)
            if owner == index
        )
        for index, word in enumerate(cut.words)
    }
    assert all(word == pieces for word, pieces in spelled.items())


def test_bytes_of_an_emoji_are_one_word(identity: Tokenizer) -> None:
    cut = identity.segment("ab 😀🐶 c")
    emoji_bytes = [i for i, piece in enumerate(cut.pieces) if piece.startswith("<0x")]
    assert [cut.pieces[i] for i in emoji_bytes] == [
        *("<0xF0>", "<0x9F>", "<0x98>", "<0x80>"),
        *("<0xF0>", "<0x9F>", "<0x90>", "<0xB6>"),
    ]
    assert [cut.piece_offsets[i] for i in emoji_bytes] == [(3, 3)] * 3 + [(3, 4)] + [(4, 4)] * 3 + [(4, 5)]
    assert len({cut.piece_to_word[i] for i in emoji_bytes[:4]}) == 1
    assert cut.words == ("ab", "😀", "🐶", "c")


def test_astral_characters_count_once(identity: Tokenizer) -> None:
    cut = identity.segment("𝒳𐍈 dog")
    assert cut.word_offsets[-1] == (3, 6)
    assert cut.words[-1] == "dog"


def test_a_word_is_never_smaller_than_a_piece(tmp_path: Path) -> None:
    import sentencepiece

    # Unless told otherwise SentencePiece keeps letters and marks apart; a foreign model may not.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["say ab,cd! or e-mail"] * 9),
        model_prefix=str(tmp_path / "foreign"),
        vocab_size=286,
        model_type="bpe",
        split_by_unicode_script=False,
        byte_fallback=True,
        minloglevel=2,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
    )
    tokenizer = Tokenizer.load(tmp_path / "foreign.model")
    assert "ab,cd" not in tokenizer.segment("ab , cd").words
    cut = tokenizer.segment("say ab,cd!")
    assert any(len(piece) > 1 and not piece.strip("▁").isalpha() for piece in cut.pieces), cut.pieces
    assert len(cut.words) < 5, "say | ab | , | cd | !"
    for text in ("say ab,cd!", "ab,cd!ab,cd!", "e-mail, ab"):
        _check_segmentation(tokenizer, text, "unicode")


def test_segment_tokens_is_the_output_side(identity: Tokenizer) -> None:
    text = "the 👍🏽 dog 我喜欢!"
    tokens = identity.encode(text)
    output = identity.segment_tokens([1, *tokens, 2, 7, 8])
    assert output == identity.segment(text)
    assert identity.segment_tokens([2]) == identity.segment("")


def test_segment_tokens_survives_what_no_text_encodes_to(identity: Tokenizer) -> None:
    generator = random.Random(2)
    for _ in range(300):
        tokens = [generator.randrange(3, identity.vocabulary_size) for _ in range(generator.randint(1, 12))]
        output = identity.segment_tokens(tokens)
        assert output.token_ids == tuple(tokens)
        assert output.text == identity.decode(tokens)
        assert len(output.piece_to_word) == len(tokens)
        assert list(dict.fromkeys(output.piece_to_word)) == list(range(len(output.words)))


# ---------------------------------------------------------------- sampling


def test_sampling_depends_on_the_seed_only(nfkc: Tokenizer) -> None:
    texts = [pair[0] for pair in PAIRS]
    first = nfkc.sample_batch(texts, alpha=0.3, seed=1)
    other = nfkc.sample_batch(texts, alpha=0.3, seed=2)
    assert nfkc.sample_batch(texts, alpha=0.3, seed=1) == first
    assert other != first
    assert [nfkc.decode(tokens) for tokens in first] == texts
    assert first != nfkc.encode_batch(texts)


def test_sampling_is_the_same_in_another_process(nfkc: Tokenizer, tmp_path: Path) -> None:
    nfkc.save(tmp_path / "joint.model")
    program = (
        "import sys; from data.tokenizer import Tokenizer; t = Tokenizer.load(sys.argv[1]);"
        "print(t.sample_batch(sys.argv[2:], alpha=0.3, seed=9))"
    )
    texts = [pair[0] for pair in PAIRS[:8]]
    ran = _python(program, str(tmp_path / "joint.model"), *texts)
    assert ran.stdout.strip() == str(nfkc.sample_batch(texts, alpha=0.3, seed=9))
    assert ran.stderr == ""


def test_bpe_dropout_merges_like_sentencepiece() -> None:
    tokenizer = _joint("bpe", "nmt_nfkc")
    texts = [*SCRIPTS, *(text for pair in PAIRS for text in pair)]
    # So unlikely to leave out a merge that it never happens here: what is left is the plain algorithm.
    assert tokenizer.sample_batch(texts, alpha=1e-12, seed=1) == tokenizer.encode_batch(texts)
    # Every merge left out: nothing but characters and bytes.
    for tokens in tokenizer.sample_batch(texts, alpha=1.0, seed=1):
        assert all(
            len(tokenizer.piece(token)) == 1 or tokenizer.piece(token).startswith("<0x") for token in tokens
        )


def test_bpe_dropout_leaves_out_the_given_share() -> None:
    # "ab" is the only merge of the word "xab…": it must be missing in 30 % of the draws.
    tokenizer = train_tokenizers([("xab xab ab", "ab")] * 4, joint=True, vocabulary_size=265).source
    merges = [tokenizer.piece(token) for token in range(260, 265) if len(tokenizer.piece(token)) == 2]
    assert merges == ["ab"]
    draws = tokenizer.sample_batch(["ab"] * 20_000, alpha=0.3, seed=4)
    share = sum(len(tokens) == 3 for tokens in draws) / len(draws)
    assert abs(share - 0.3) < 0.015, "four standard deviations"


def test_unigram_sampling_follows_the_probabilities() -> None:
    tokenizer = _joint("unigram", "nmt_nfkc")
    scores = tokenizer._vocabulary.scores
    alpha, word = 0.4, "\u2581waiting"
    assert any(piece in scores for piece in ("wait", "ing", "in", "it", "ai")), (
        "the word has several segmentations"
    )
    weights = {
        tuple(scores_ids): math.exp(alpha * total) for scores_ids, total in _segmentations(word, scores)
    }
    assert len(weights) > 3
    whole = sum(weights.values())
    draws = Counter(
        tuple(tokenizer.piece(token) for token in tokens)
        for tokens in tokenizer.sample_batch(["waiting"] * 20_000, alpha=alpha, seed=2)
    )
    assert set(draws) <= set(weights)
    for pieces, weight in weights.items():
        expected = weight / whole
        tolerance = 4.5 * math.sqrt(expected * (1 - expected) / 20_000) + 1e-4
        assert abs(draws[pieces] / 20_000 - expected) < tolerance, pieces


def _segmentations(word: str, scores: dict[str, float]) -> list[tuple[list[str], float]]:
    if not word:
        return [([], 0.0)]
    return [
        ([word[:end], *rest], scores[word[:end]] + total)
        for end in range(1, len(word) + 1)
        if word[:end] in scores
        for rest, total in _segmentations(word[end:], scores)
    ]


def test_what_is_remembered_changes_nothing(nfkc: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for pair in PAIRS for text in pair]
    expected = nfkc.sample_batch(texts, alpha=0.3, seed=1)
    monkeypatch.setattr("data.subword_sampling._REMEMBERED", 3)
    nfkc._sampling_memory.clear()
    assert nfkc.sample_batch(texts, alpha=0.3, seed=1) == expected
    assert len(nfkc._sampling_memory[0.3]) <= 3


def test_plain_encoding_never_samples(nfkc: Tokenizer) -> None:
    texts = [pair[0] for pair in PAIRS]
    before = nfkc.encode_batch(texts)
    nfkc.sample_batch(texts, alpha=0.9, seed=1)
    assert nfkc.encode_batch(texts) == before
    with pytest.raises(ValueError, match="above 0"):
        nfkc.sample_batch(texts, alpha=0.0, seed=1)


# ---------------------------------------------------------------- training


def test_training_is_deterministic_on_any_number_of_processors(model_type: str) -> None:
    program = (
        "import os, sys; sys.path.insert(0, 'tests/data');"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from test_tokenizer import PAIRS, train_tokenizers;"
        f"settings = dict(joint=True, vocabulary_size={VOCABULARY_SIZE}, model_type={model_type!r});"
        "print(train_tokenizers(PAIRS, **settings).fingerprint)"
    )
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot limit the processors of a process")
    here = train_tokenizers(PAIRS, joint=True, vocabulary_size=VOCABULARY_SIZE, model_type=model_type)
    ran = _python(program)
    assert ran.stdout.strip() == here.fingerprint
    assert ran.stderr == "", "SentencePiece is silent"


def test_training_reads_a_stream_once() -> None:
    assert (
        train_tokenizers(iter(PAIRS), joint=False, vocabulary_size=(290, 300)).target.vocabulary_size == 300
    )


def test_joint_and_separate(tmp_path: Path) -> None:
    joint = train_tokenizers(PAIRS, joint=True, vocabulary_size=320)
    separate = train_tokenizers(PAIRS, joint=False, vocabulary_size=(290, 300))
    assert joint.source is joint.target
    assert (separate.source.vocabulary_size, separate.target.vocabulary_size) == (290, 300)
    for pair, files in ((separate, ["source", "target"]), (joint, ["joint"])):
        pair.save(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            f"{name}.{suffix}" for name in files for suffix in ("model", "vocab")
        ]
        assert TokenizerPair.load(tmp_path).fingerprint == pair.fingerprint
    assert (tmp_path / "joint.vocab").read_text(encoding="utf-8").splitlines()[:3] == [
        "<pad>\t0",
        "<s>\t0",
        "</s>\t0",
    ]


def test_vocabulary_size_that_does_not_fit(model_type: str) -> None:
    with pytest.raises(DataError, match="largest possible value is") as caught:
        train_tokenizers(PAIRS, joint=True, vocabulary_size=9000, model_type=model_type)
    largest = int(str(caught.value).split("largest possible value is ")[1].split(".")[0])
    pair = train_tokenizers(PAIRS, joint=True, vocabulary_size=largest, model_type=model_type)
    assert pair.source.vocabulary_size == largest
    with pytest.raises(DataError, match=str(largest)):
        train_tokenizers(PAIRS, joint=True, vocabulary_size=largest + 1, model_type=model_type)

    with pytest.raises(DataError, match="256 bytes") as caught:
        train_tokenizers(PAIRS, joint=True, vocabulary_size=200, model_type=model_type)
    needed = int(str(caught.value).split("alone need ")[1].split(".")[0])
    assert train_tokenizers(PAIRS, joint=True, vocabulary_size=needed + 1, model_type=model_type)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "word"}, "bpe or unigram"),
        ({"normalization": "nfd"}, "identity, nfkc"),
        ({"character_coverage": 0.2}, "between 0.9 and 1.0"),
        ({"max_training_sentences": 0}, "at least 1"),
        ({"vocabulary_size": (300, 310)}, "one size"),
    ],
)
def test_settings_out_of_range(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        train_tokenizers(PAIRS, **{"joint": True, "vocabulary_size": 320, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize("pairs", [[], [("", ""), (" ", "\t")]])
def test_no_text(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(DataError, match="no text to learn from"):
        train_tokenizers(pairs, joint=True, vocabulary_size=320)


@pytest.mark.parametrize("kind", [DataError, OSError, ValueError, RuntimeError])
def test_an_error_of_the_texts_is_not_mistaken_for_one_of_the_training(kind: type[Exception]) -> None:
    def broken() -> Iterator[str]:
        yield from (source for source, _ in PAIRS)
        raise kind("line 7 of the corpus is broken")

    with pytest.raises(kind, match=r"^line 7 of the corpus is broken$"):
        train_sentencepiece(
            broken(),
            300,
            name="the tokenizer",
            model_type="bpe",
            character_coverage=1.0,
            normalization="identity",
            byte_fallback=True,
        )


def test_lines_with_reserved_marks_are_learned_from() -> None:
    rows = [("tabbed\tline zzz", "a\nb"), ("nul \0 here", "block \u2585 mark")]
    tokenizer = train_tokenizers(rows * 5, joint=True, vocabulary_size=290).source
    characters = {tokenizer.piece(token) for token in range(tokenizer.vocabulary_size)}
    assert {"z", "h", "k"} <= characters


# ---------------------------------------------------------------- choice of training pairs


def test_a_short_stream_is_taken_whole() -> None:
    assert evenly_sampled(iter(PAIRS), len(PAIRS), 1) == PAIRS
    assert evenly_sampled(iter(PAIRS), 10**6, 1) == PAIRS


def test_sampled_pairs_are_even_and_reproducible() -> None:
    stream = [(str(number), "") for number in range(1000)]
    assert evenly_sampled(stream, 100, 3) == evenly_sampled(stream, 100, 3)
    assert evenly_sampled(stream, 100, 3) != evenly_sampled(stream, 100, 4)
    counts = [0] * 10
    for seed in range(200):
        chosen = [int(pair[0]) for pair in evenly_sampled(stream, 100, seed)]
        assert len(set(chosen)) == 100
        assert chosen == sorted(chosen)
        for number in chosen:
            counts[number // 100] += 1
    # 2000 expected in each tenth of the stream, standard deviation about 42.
    assert all(1800 < count < 2200 for count in counts)


# ---------------------------------------------------------------- loading


def test_a_model_with_other_special_ids_is_refused(tmp_path: Path) -> None:
    import sentencepiece

    (tmp_path / "text").write_text("\n".join(source for source, _ in PAIRS), encoding="utf-8")
    settings: dict[str, Any] = {"input": str(tmp_path / "text"), "vocab_size": 36, "minloglevel": 2}
    sentencepiece.SentencePieceTrainer.train(model_prefix=str(tmp_path / "default"), **settings)
    with pytest.raises(DataError, match=r"pad -1, bos 1, eos 2, unk 0.*--pad_id=0 --bos_id=1"):
        Tokenizer.load(tmp_path / "default.model")

    ids: dict[str, Any] = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3}
    sentencepiece.SentencePieceTrainer.train(model_prefix=str(tmp_path / "fits"), **settings, **ids)
    tokenizer = Tokenizer.load(tmp_path / "fits.model")
    assert not tokenizer.has_byte_fallback
    tokens = tokenizer.encode("the dog 我我")
    assert tokens.count(3) == 1
    assert tokenizer.segment_tokens(tokens).text.split() == ["the", "dog", "⁇"]
    assert tokenizer.sample_batch(["the dog 我我"], alpha=0.1, seed=1)[0][-1] == 3


def test_files_that_are_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "text.model").write_text("not a model", encoding="utf-8")
    (tmp_path / "empty.model").write_bytes(b"")
    for name in ("text.model", "empty.model"):
        with pytest.raises(DataError, match=f"{name}: this is not a SentencePiece model"):
            Tokenizer.load(tmp_path / name)
    with pytest.raises(DataError, match=r"missing\.model: cannot read"):
        Tokenizer.load(tmp_path / "missing.model")
    with pytest.raises(DataError, match="found none of them"):
        TokenizerPair.load(tmp_path)


def test_a_folder_with_both_layouts_is_ambiguous(tmp_path: Path) -> None:
    pair = train_tokenizers(PAIRS, joint=True, vocabulary_size=320)
    for name in ("joint", "source", "target"):
        pair.source.save(tmp_path / f"{name}.model")
    with pytest.raises(DataError, match=r"found joint\.model and source\.model and target\.model"):
        TokenizerPair.load(tmp_path)


def _python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=True,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
