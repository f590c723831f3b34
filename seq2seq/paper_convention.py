"""The form of the text that Multi30k papers score: lower-cased, punctuation-normalised, Moses-tokenised.

The public `*.lc.norm.tok.*` files were made with the Perl scripts of Moses. The same steps, options and order
are used here, and give every line of those files from its raw text (docs/evaluate.md has the counts).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from data.errors import UserError
from seq2seq.languages import primary_code

if TYPE_CHECKING:
    from seq2seq.config import EvaluationConfig

Convention = Literal["plain", "moses-lower", "tokenized"]
CONVENTIONS: tuple[Convention, ...] = ("plain", "moses-lower", "tokenized")


def convention_of(config: EvaluationConfig) -> Convention:
    """What a configuration asks for; text that is tokenised already is not tokenised a second time."""
    if config.tokenized:
        return "tokenized"
    return "moses-lower" if config.paper_convention else "plain"


def paper_form(convention: Convention, language: str | None) -> Callable[[str], str] | None:
    """How a text is brought into the form that `sacrebleu --tokenize none` is to count.

    Args:
        convention: `plain`: the papers' convention is not asked for; `moses-lower`: the text is as people
            write it; `tokenized`: it already is in the papers' form.
        language: code of the text's language; needed for `moses-lower` alone.

    Returns:
        A function from text to text, or None for `plain`.

    Raises:
        UserError: the convention is unknown, or the language is and Moses' rules depend on it.
    """
    if convention == "plain":
        return None
    if convention == "tokenized":
        return str
    if convention != "moses-lower":
        raise UserError(f"unknown convention {convention!r}; known: {', '.join(CONVENTIONS)}")
    if not language:
        raise UserError(
            "The convention moses-lower depends on the target language, and the run does not say what it is. "
            "Give it with --target-language, such as --target-language de."
        )
    return moses_lower(primary_code(language))


@lru_cache(maxsize=8)
def moses_lower(language: str) -> Callable[[str], str]:
    """lowercase.perl, normalize-punctuation.perl and tokenizer.perl, one after the other.

    Args:
        language: code such as `de`. It decides how apostrophes, quotation marks, numbers and abbreviations
            are treated; sacremoses falls back on English rules for a language without any of its own.

    Returns:
        A function from one line of text to one line of tokens. It is not idempotent: tokenised text would
        have its escapes (`&apos;`) escaped again.
    """
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    # Without parity the port mends what the script does to typographic apostrophes; the public files do not.
    normalizer = MosesPunctNormalizer(lang=language, perl_parity=True)
    tokenizer = MosesTokenizer(lang=language)

    def convert(text: str) -> str:
        # The script reads lines with their line feed, and its rule for a full stop before a closing quotation
        # mark needs one character after the mark: without the line feed it would pass over the last word.
        normalised = normalizer.normalize(text.lower() + "\n")
        return tokenizer.tokenize(normalised, aggressive_dash_splits=False, escape=True, return_str=True)

    return convert
