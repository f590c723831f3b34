"""SentencePiece subword tokenizers: load, encode, sample, decode, and where each piece stands in the text.

Every tokenizer of this project uses the same four special ids, so that a model never has to ask.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data.atomic import atomic_write
from data.errors import DataError
from data.segmentation import Segmentation, Span, segmentation_of
from data.sentencepiece_training import evenly_sampled, train_sentencepiece
from data.special_ids import BOS_ID, EOS_ID, PAD_ID, SPECIAL_IDS
from data.subword_sampling import Vocabulary, sampled
from data.words import LONE_SURROGATE

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

# How SentencePiece writes a space.
SPACE_MARK = "\u2581"


class PieceBytes(NamedTuple):
    """How much of a normalised text, in UTF-8 with plain spaces, each token spells.

    Attributes:
        spaces: (vocabulary_size,) int32, spaces at the beginning of the piece.
        spelt: (vocabulary_size,) int32, bytes of the whole piece; 0 for special tokens and the unknown one.
    """

    spaces: np.ndarray
    spelt: np.ndarray


class Tokenizer:
    """One SentencePiece model.

    Attributes:
        vocabulary_size: number of ids, the four special ones included.
        fingerprint: SHA-256 of the model's bytes, in hexadecimal.
        has_byte_fallback: True when no input can ever become the unknown id.
    """

    def __init__(self, model_bytes: bytes, *, name: str = "the tokenizer") -> None:
        """Load a serialised SentencePiece model.

        Args:
            model_bytes: what a `.model` file holds.
            name: how error messages call it, best its path.

        Raises:
            DataError: this is not a SentencePiece model, or its special ids are not 0, 1, 2, 3.
        """
        self._model_bytes = model_bytes
        self._processor = _load_processor(model_bytes, name)
        self.vocabulary_size: int = self._processor.get_piece_size()
        self.fingerprint: str = hashlib.sha256(model_bytes).hexdigest()
        self.has_byte_fallback: bool = any(
            self._processor.is_byte(token) for token in range(self.vocabulary_size)
        )
        _check_special_ids(self._processor, name)
        self._sampling_memory: dict[float, dict[Any, Any]] = {}

    def __repr__(self) -> str:
        return f"Tokenizer(vocabulary_size={self.vocabulary_size}, fingerprint={self.fingerprint[:12]})"

    def encode(self, text: str) -> list[int]:
        """Token ids of one text, without BOS and EOS."""
        return self._processor.encode(_encodable(text), out_type=int)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without BOS and EOS. Runs on the calling thread alone."""
        return self._processor.encode([_encodable(text) for text in texts], out_type=int, num_threads=1)

    def sample_batch(self, texts: Sequence[str], *, alpha: float, seed: int) -> list[list[int]]:
        """Token ids of one random segmentation of each text.

        BPE-dropout (Provilkov et al., 2020) for a BPE model, where `alpha` is the probability of leaving out
        a merge; unigram sampling (Kudo, 2018) for a unigram model, where `alpha` smooths the distribution
        over all segmentations and a smaller one is wilder.

        Args:
            texts: texts to cut.
            alpha: above 0, for BPE at most 1. Usual values: 0.1 for BPE, 0.1 to 0.5 for unigram.
            seed: not negative. The same texts, alpha and seed give the same ids, in every process and
                whatever was sampled before.

        Raises:
            ValueError: alpha is out of range.
            DataError: the model has user-defined symbols, or is neither BPE nor unigram.
        """
        if alpha <= 0:
            raise ValueError(f"alpha must be above 0 to sample, not {alpha}; encode_batch() does not sample")
        normalised = self.normalised_batch(texts)
        memory = self._sampling_memory.setdefault(alpha, {})
        return sampled(self._vocabulary, memory, normalised, alpha=alpha, seed=seed)

    def normalised_batch(self, texts: Sequence[str]) -> list[str]:
        """Each text as its pieces spell it, put one behind the other: normalised, spaces as "▁".

        Every segmentation of a text, also a sampled one, spells the same, but for unknown characters.
        """
        return self._processor.normalize([_encodable(text) for text in texts])

    @cached_property
    def piece_bytes(self) -> PieceBytes:
        """How many bytes of a normalised text each piece spells."""
        spaces = np.zeros(self.vocabulary_size, np.int32)
        spelt = np.zeros(self.vocabulary_size, np.int32)
        for token_id in range(self.vocabulary_size):
            if self._processor.is_byte(token_id):
                spelt[token_id] = 1
            elif not (self._processor.is_control(token_id) or self._processor.is_unknown(token_id)):
                # A "▁" counts as the one byte of the space it stands for.
                piece = self.piece(token_id)
                spaces[token_id] = len(piece) - len(piece.lstrip(SPACE_MARK))
                spelt[token_id] = len(piece.replace(SPACE_MARK, " ").encode("utf-8"))
        return PieceBytes(spaces, spelt)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self._model_bytes)

    def decode(self, token_ids: Iterable[int]) -> str:
        """The text of the ids before the first EOS; PAD and BOS are left out, an unknown id reads "⁇"."""
        return self._processor.decode(_ordinary(token_ids)).strip(" ")

    def piece(self, token_id: int) -> str:
        """The piece of an id, as SentencePiece writes it."""
        return self._processor.id_to_piece(int(token_id))

    def token(self, piece: str) -> int | None:
        """The id of an ordinary piece, written as `piece` writes it; None when there is no such one."""
        token_id = self._processor.piece_to_id(_encodable(piece))
        return None if token_id in SPECIAL_IDS.values() or self.piece(token_id) != piece else token_id

    def segment(self, text: str, word_mode: str = "unicode") -> Segmentation:
        """Cut a text into pieces and words. A lone surrogate in `text` comes back as U+FFFD."""
        text = _encodable(text)
        token_ids, spans = _pieces_of(self._processor.encode(text, out_type="serialized_proto"))[1:]
        return segmentation_of(text, token_ids, self._piece_strings(token_ids), spans, word_mode)

    def segment_tokens(self, token_ids: Iterable[int], word_mode: str = "unicode") -> Segmentation:
        """The same for the output of a model: `text` is what the ids decode to.

        Ids from the first EOS on are ignored, and so are PAD and BOS; every other id is one piece.
        """
        ordinary = _ordinary(token_ids)
        if not ordinary:
            return segmentation_of("", [], [], [], word_mode)
        decoded, _, spans = _pieces_of(self._processor.decode(ordinary, out_type="serialized_proto"))
        text, spans = _without_outer_spaces(decoded, spans)
        return segmentation_of(text, ordinary, self._piece_strings(ordinary), spans, word_mode)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to `path` (`….model`) and its pieces with their scores to `….vocab` beside it."""
        path = Path(path)
        with atomic_write(path, "wb") as file:
            file.write(self._model_bytes)
        with atomic_write(path.with_suffix(".vocab")) as file:
            for token_id in range(self.vocabulary_size):
                file.write(f"{self.piece(token_id)}\t{self._processor.get_score(token_id):g}\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokenizer:
        """Read a `.model` file, also one that was trained elsewhere.

        Raises:
            DataError: the file is missing, is no SentencePiece model, or has other special ids.
        """
        try:
            model_bytes = Path(path).read_bytes()
        except OSError as error:
            raise DataError(f"{path}: cannot read this tokenizer: {error.strerror}.") from error
        return cls(model_bytes, name=str(path))

    def _piece_strings(self, token_ids: Iterable[int]) -> list[str]:
        return [self._processor.id_to_piece(token_id) for token_id in token_ids]


@dataclass(frozen=True)
class TokenizerPair:
    """The tokenizers of the two languages; when `joint`, both are the same object."""

    source: Tokenizer
    target: Tokenizer
    joint: bool

    def __post_init__(self) -> None:
        if self.joint and self.source is not self.target:
            raise ValueError("a joint pair uses one Tokenizer object for both languages")

    @property
    def fingerprint(self) -> str:
        """SHA-256 over both models, in hexadecimal."""
        both = f"{self.source.fingerprint} {self.target.fingerprint} joint={self.joint}"
        return hashlib.sha256(both.encode()).hexdigest()

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `joint.model`, or `source.model` and `target.model`, each with its `.vocab`."""
        folder = Path(folder)
        tokenizers = {"joint": self.source} if self.joint else {"source": self.source, "target": self.target}
        for name, tokenizer in tokenizers.items():
            tokenizer.save(folder / f"{name}.model")
        # An older pair of the other kind would make the folder ambiguous.
        for name in {"joint", "source", "target"} - set(tokenizers):
            for suffix in (".model", ".vocab"):
                (folder / f"{name}{suffix}").unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> TokenizerPair:
        """Read what `save` wrote.

        Raises:
            DataError: the folder does not hold exactly one of the two layouts, or a model cannot be used.
        """
        folder = Path(folder)
        joint, source, target = (folder / f"{name}.model" for name in ("joint", "source", "target"))
        if joint.exists() and not source.exists() and not target.exists():
            tokenizer = Tokenizer.load(joint)
            return cls(tokenizer, tokenizer, joint=True)
        if source.exists() and target.exists() and not joint.exists():
            return cls(Tokenizer.load(source), Tokenizer.load(target), joint=False)
        present = [path.name for path in (joint, source, target) if path.exists()]
        raise DataError(
            f"{folder}: expected either joint.model alone, or source.model and target.model; "
            f"found {' and '.join(present) or 'none of them'}."
        )


def train_tokenizers(
    pairs: Iterable[tuple[str, str]],
    *,
    joint: bool,
    vocabulary_size: int | tuple[int, int],
    model_type: str = "bpe",
    character_coverage: float = 1.0,
    normalization: str = "nmt_nfkc",
    byte_fallback: bool = True,
    seed: int = 0,
    max_training_sentences: int = 1_000_000,
) -> TokenizerPair:
    """Train one tokenizer for both languages, or one for each.

    The same pairs and settings give the same model bytes (with the same version of SentencePiece).

    Args:
        pairs: source and target texts; read once, streaming.
        joint: one shared vocabulary, or two.
        vocabulary_size: number of ids, special and byte ids included; (source, target) for two vocabularies
            of different sizes.
        model_type: "bpe" or "unigram".
        character_coverage: share of the text's characters that get a piece of their own; the others become
            bytes. 1.0 for alphabets, about 0.9995 for scripts with thousands of characters.
        normalization: "identity", "nfkc", "nmt_nfkc" (NFKC with cleaned-up white space), or one of the last
            two with lower-casing, "nfkc_cf" and "nmt_nfkc_cf". All of them join runs of spaces into one.
        byte_fallback: write characters without a piece as UTF-8 bytes, so that nothing is ever unknown.
        seed: of the choice of pairs when there are more than `max_training_sentences`.
        max_training_sentences: at most this many pairs are kept in memory and trained on, drawn evenly.

    Raises:
        DataError: a setting is out of range, there is no text, or the vocabulary size does not fit the text.
    """
    source_size, target_size = _vocabulary_sizes(joint, vocabulary_size)
    if max_training_sentences < 1:
        raise DataError(f"max_training_sentences must be at least 1, not {max_training_sentences}.")
    chosen = evenly_sampled(pairs, max_training_sentences, seed)

    def trained(side: str, texts: Iterable[str], size: int) -> Tokenizer:
        model_bytes = train_sentencepiece(
            texts,
            size,
            name=f"the {side} tokenizer",
            model_type=model_type,
            character_coverage=character_coverage,
            normalization=normalization,
            byte_fallback=byte_fallback,
        )
        return Tokenizer(model_bytes, name=f"the {side} tokenizer")

    if joint:
        tokenizer = trained("joint", itertools.chain.from_iterable(chosen), source_size)
        return TokenizerPair(tokenizer, tokenizer, joint=True)
    return TokenizerPair(
        trained("source", (source for source, _ in chosen), source_size),
        trained("target", (target for _, target in chosen), target_size),
        joint=False,
    )


def _vocabulary_sizes(joint: bool, vocabulary_size: int | tuple[int, int]) -> tuple[int, int]:
    if isinstance(vocabulary_size, int):
        return vocabulary_size, vocabulary_size
    source, target = vocabulary_size
    if joint and source != target:
        raise DataError(
            f"a joint vocabulary has one size, not {source} for the source and {target} for the target."
        )
    return source, target


def _load_processor(model_bytes: bytes, name: str) -> SentencePieceProcessor:
    import sentencepiece

    sentencepiece.set_min_log_level(2)  # its notes would land between the lines of a translation
    processor = sentencepiece.SentencePieceProcessor()
    try:
        if not model_bytes:
            raise RuntimeError("the file is empty")
        processor.LoadFromSerializedProto(model_bytes)
    except (RuntimeError, ValueError) as error:
        raise DataError(
            f"{name}: this is not a SentencePiece model, or it is damaged. "
            "Give a .model file written by spm_train or by this program."
        ) from error
    return processor


def _check_special_ids(processor: SentencePieceProcessor, name: str) -> None:
    found = {special: int(getattr(processor, f"{special}_id")()) for special in SPECIAL_IDS}
    if found == SPECIAL_IDS:
        return
    listing = ", ".join(f"{special} {token_id}" for special, token_id in found.items())
    raise DataError(
        f"{name}: its special ids are {listing} (-1: missing), but pad 0, bos 1, eos 2, unk 3 are needed. "
        "Train it with: spm_train --pad_id=0 --bos_id=1 --eos_id=2 --unk_id=3 --byte_fallback=true"
    )


def _encodable(text: str) -> str:
    """UTF-8 has no lone surrogates; the replacement character keeps every other index where it is."""
    return LONE_SURROGATE.sub("\ufffd", text)


def _ordinary(token_ids: Iterable[int]) -> list[int]:
    ordinary: list[int] = []
    for token_id in map(int, token_ids):
        if token_id == EOS_ID:
            break
        if token_id not in (PAD_ID, BOS_ID):
            ordinary.append(token_id)
    return ordinary


def _pieces_of(serialized: bytes) -> tuple[str, list[int], list[Span]]:
    """Text, ids and byte spans from a serialised `SentencePieceText`."""
    from sentencepiece import sentencepiece_pb2

    message = sentencepiece_pb2.SentencePieceText()
    message.ParseFromString(serialized)
    return (
        message.text,
        [piece.id for piece in message.pieces],
        [(piece.begin, piece.end) for piece in message.pieces],
    )


def _without_outer_spaces(decoded: str, byte_spans: list[Span]) -> tuple[str, list[Span]]:
    """Strip spaces at both ends of a decoded text (a model may emit a bare "▁") and move the spans along."""
    leading = len(decoded) - len(decoded.lstrip(" "))
    text = decoded.strip(" ")
    length = len(text.encode("utf-8"))
    return text, [
        (min(max(begin - leading, 0), length), min(max(end - leading, 0), length))
        for begin, end in byte_spans
    ]
