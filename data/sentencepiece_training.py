"""Train a SentencePiece model from texts, with errors that say which setting to change."""

from __future__ import annotations

import io
import itertools
import math
import random
import re
from collections.abc import Iterable, Iterator
from typing import Any

from data.errors import DataError
from data.special_ids import SPECIAL_IDS

MODEL_TYPES = ("bpe", "unigram")
NORMALIZATIONS = ("identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf")

# Unigram training adds up expected counts per share of the work, and the number of shares decides the
# rounding: a fixed number gives the same model on every machine, however many processors it has.
_WORK_SHARES = 16
# In bytes. SentencePiece silently leaves out longer sentences; its own limit, 4192, is below some real ones.
_LONGEST_SENTENCE = 65_536
# They end a sentence, or are marks of SentencePiece's own files, and a sentence that has one is left out.
_NOT_TRAINABLE = str.maketrans(dict.fromkeys("\n\r\t\0\u2585", " "))


def evenly_sampled(pairs: Iterable[tuple[str, str]], count: int, seed: int) -> list[tuple[str, str]]:
    """At most `count` pairs, each with the same chance, in their order (Li, 1994, "Algorithm L").

    Reads the stream once and holds `count` pairs; a shorter stream comes back whole.
    """
    stream = iter(enumerate(pairs))
    reservoir = list(itertools.islice(stream, count))
    if len(reservoir) == count:
        generator = random.Random(seed)
        threshold = 1.0
        while True:
            threshold *= math.exp(math.log(1.0 - generator.random()) / count)
            skip = int(math.log(1.0 - generator.random()) / math.log1p(-threshold)) if threshold < 1.0 else 0
            item = next(itertools.islice(stream, skip, None), None)
            if item is None:
                break
            reservoir[generator.randrange(count)] = item
        reservoir.sort(key=lambda item: item[0])
    return [pair for _, pair in reservoir]


def train_sentencepiece(
    texts: Iterable[str],
    vocabulary_size: int,
    *,
    name: str,
    model_type: str,
    character_coverage: float,
    normalization: str,
    byte_fallback: bool,
) -> bytes:
    """Train one model; the settings are those of `data.tokenizer.train_tokenizers`.

    Args:
        texts: read once. Empty ones are left out.
        vocabulary_size: number of ids, special and byte ids included.
        name: how error messages call the tokenizer.

    Returns:
        The bytes of a `.model` file.

    Raises:
        DataError: a setting is out of range, there is no text, or the vocabulary size does not fit the text.
    """
    import sentencepiece

    _check_settings(model_type, normalization, character_coverage)
    source = _TrainableTexts(texts)
    special_ids: dict[str, Any] = {f"{special}_id": token for special, token in SPECIAL_IDS.items()}
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(source),
            model_writer=model,
            vocab_size=vocabulary_size,
            model_type=model_type,
            character_coverage=character_coverage,
            normalization_rule_name=normalization,
            byte_fallback=byte_fallback,
            num_threads=_WORK_SHARES,
            max_sentence_length=_LONGEST_SENTENCE,
            minloglevel=2,  # its progress notes would land between ours
            **special_ids,
        )
    except (RuntimeError, ValueError, OSError, SystemError) as error:
        # A SystemError is what versions before 0.2.2 make of any error of the texts.
        if source.error is not None:
            raise source.error from None
        raise _explained(str(error), name, vocabulary_size, source.count) from error
    return model.getvalue()


def _check_settings(model_type: str, normalization: str, character_coverage: float) -> None:
    if model_type not in MODEL_TYPES:
        raise DataError(f"tokenizer model type {model_type!r} is not known: use {' or '.join(MODEL_TYPES)}.")
    if normalization not in NORMALIZATIONS:
        raise DataError(
            f"tokenizer normalization {normalization!r} is not known: use one of {', '.join(NORMALIZATIONS)}."
        )
    if not 0.9 <= character_coverage <= 1.0:
        raise DataError(f"character coverage must lie between 0.9 and 1.0, not {character_coverage}.")


class _TrainableTexts:
    """Non-empty texts, counted, and the exception that ended them, which SentencePiece would hide."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self.count = 0
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[str]:
        try:
            for text in self._texts:
                trainable = text.translate(_NOT_TRAINABLE).encode("utf-8", "replace").decode("utf-8")
                if trainable and not trainable.isspace():
                    self.count += 1
                    yield trainable
        except Exception as error:
            self.error = error
            raise


def _explained(message: str, name: str, vocabulary_size: int, sentences: int) -> DataError:
    """What SentencePiece's message means for the settings."""
    what = f"{name}: the vocabulary size {vocabulary_size}"
    if sentences == 0:
        return DataError(f"{name} has no text to learn from: every training text is empty.")
    if too_high := re.search(r"too high .*?<= (\d+)", message):
        return DataError(
            f"{what} is more than {sentences} training texts can fill: the largest possible value is "
            f"{too_high[1]}. Set it to {too_high[1]} or less, or train on more text."
        )
    if too_small := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return DataError(
            f"{what} is too small: the special ids, the 256 bytes and the characters of the training text "
            f"alone need {too_small[1]}. Set it to more than {too_small[1]}, or lower character_coverage."
        )
    return DataError(f"{name} cannot be trained on {sentences} texts: {message}")
