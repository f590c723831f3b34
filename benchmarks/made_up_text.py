"""Sentence pairs of made-up words, with the sentence lengths and the word frequencies of a language."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "ü")]
_DIFFERENT_WORDS = 5000


def generated_pairs(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Pairs of made-up sentences of 3 to 30 words, about 14 on average; the target is a respelled source."""
    generator = random.Random(seed)
    words = [
        "".join(generator.choices(_SYLLABLES, k=generator.choice((1, 2, 2, 3))))
        for _ in range(_DIFFERENT_WORDS)
    ]
    respelled = [word[::-1] + "en" for word in words]
    for _ in range(count):
        length = min(30, max(3, round(generator.gauss(14, 5))))
        # Squaring makes low numbers frequent, as words are in a language.
        chosen = [int(_DIFFERENT_WORDS * generator.random() ** 2) for _ in range(length)]
        yield " ".join([words[i] for i in chosen]), " ".join([respelled[i] for i in chosen])


def write_corpus(folder: Path, train_pairs: int, validation_pairs: int) -> dict[str, Any]:
    """Write parallel text files; returns the `data` section of a configuration that reads them."""
    pairs = generated_pairs(train_pairs + validation_pairs)
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("validation", validation_pairs), ("train", train_pairs)):
        with open(folder / f"{name}.tsv", "w", encoding="utf-8") as file:
            file.writelines(f"{source}\t{target}\n" for source, target in _first(pairs, count))
    splits = {name: {"tsv": str(folder / f"{name}.tsv")} for name in ("train", "validation")}
    return {"source_language": "xx", "target_language": "yy", "corpus": {"kind": "text", **splits}}


def _first(pairs: Iterator[tuple[str, str]], count: int) -> Iterator[tuple[str, str]]:
    for _ in range(count):
        yield next(pairs)
