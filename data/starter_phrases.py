"""Bilingual phrases and the small notation that the starter grammar is written in.

A phrase is written as two rules, one per language. A rule is a list of tokens separated by spaces:

- `dog~n` is a word; words of the two sides that share a mark (`~n`) are linked. A word may have several.
- `{noun}` is a slot: another phrase with its own links goes there.
- `que~@be`, in a sentence, is a word linked with the first word of the slot `be` of the other side.
- `{verb:subject}` is a slot whose content is chosen by the agreement of the phrase in the slot `subject`.

So `phrase("the~d black~a cat~n", "le~d chat~n noir~a")` is "the black cat" / "le chat noir" with the links
0-0, 1-2, 2-1. The alignment is thus written down with the grammar, never guessed from the words.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

# Agreement of a phrase: person, gender and number as French needs them. "I" and "you" are one man,
# "we" and "they" are masculine plural, so that an English sentence has exactly one translation.
JE, VOUS, IL, ELLE, NOUS, ILS, ELLES = range(7)
AGREEMENTS = range(7)
NO_AGREEMENT = -1

_VOWELS = "aeiouyàâéèêëîïôûœh"
# Written with a vowel or an h, spoken as if with a consonant: le héros, le huit mai, le onze mai.
ASPIRATED = ("héros", "huit", "onze")
_ELIDED = {word: word[:-1] + "'" for word in ("le", "la", "je", "me", "ne", "de", "que")}
_CONTRACTED = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}
_GLUED_TO_THE_LEFT = {"source": (".", ",", "?"), "target": (".", ",")}
# What can still elide where two finished phrases meet: "je", "ne" before a verb and "que" before a subject.
_ELISION_BETWEEN_PHRASES = re.compile(
    rf"\b(j|n|qu)e (?=[{_VOWELS}])(?!(?:{'|'.join(ASPIRATED)})\b)", re.IGNORECASE
)


class Phrase(NamedTuple):
    """A piece of a sentence in both languages; `links` are (source word, target word), counted from 0."""

    source: str
    target: str
    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    agreement: int


class Token(NamedTuple):
    """One element of a rule: a word with the marks that link it, or (if `slot`) the name of a slot."""

    word: str
    marks: frozenset[object]
    slot: str = ""
    controllers: tuple[str, ...] = ()


def parse_rule(rule: str) -> list[Token]:
    """Cut a rule into tokens (see the module's docstring for the notation)."""
    tokens = []
    for element in rule.split():
        if element[0] == "{":
            name, _, controllers = element[1:-1].partition(":")
            tokens.append(
                Token("", frozenset(["@" + name]), name, tuple(controllers.split(",")) if controllers else ())
            )
        else:
            word, *marks = element.split("~")
            tokens.append(Token(word, frozenset(marks)))
    return tokens


def starts_with_vowel_sound(word: str) -> bool:
    """Whether French words elide before `word` ("l'homme", but "le héros")."""
    word = word.lower()
    return word[0] in _VOWELS and word not in ASPIRATED


def elide_between_phrases(text: str) -> str:
    """Elide "je", "ne" and "que" in a sentence that was joined from finished phrases."""
    return _ELISION_BETWEEN_PHRASES.sub(r"\1'", text)


def join_words(words: list[str] | tuple[str, ...], side: str) -> str:
    """Write words as text: an apostrophe holds the next word, a point or a comma the one before."""
    glued = _GLUED_TO_THE_LEFT[side]
    text = ""
    for word in words:
        text += word if not text or text[-1] == "'" or word in glued else " " + word
    return text


def phrase(source: str, target: str, agreement: int = NO_AGREEMENT, **children: Phrase) -> Phrase:
    """Build a phrase from a rule for each side.

    Args:
        source, target: rules in the notation of this module.
        agreement: person, gender and number that other phrases have to agree with.
        children: the phrases for the slots, by name.
    """
    source_tokens: list[Token] = []
    for token in parse_rule(source):
        if token.slot:
            words = children[token.slot].source_words
            source_tokens += [Token(word, frozenset([(token.slot, i)])) for i, word in enumerate(words)]
        else:
            source_tokens.append(token)
    target_tokens: list[Token] = []
    for token in parse_rule(target):
        if token.slot:
            child = children[token.slot]
            for j, word in enumerate(child.target_words):
                marks = frozenset((token.slot, i) for i, k in child.links if k == j)
                target_tokens.append(Token(word, marks))
        else:
            target_tokens.append(token)
    target_tokens = _contract(_elide(target_tokens))
    source_words = tuple(token.word for token in source_tokens)
    target_words = tuple(token.word for token in target_tokens)
    links = tuple(
        (i, j)
        for i, source_token in enumerate(source_tokens)
        for j, target_token in enumerate(target_tokens)
        if not source_token.marks.isdisjoint(target_token.marks)
    )
    return Phrase(
        join_words(source_words, "source"),
        join_words(target_words, "target"),
        source_words,
        target_words,
        links,
        agreement,
    )


def _elide(tokens: list[Token]) -> list[Token]:
    """le + homme -> l' + homme. The number of words stays the same."""
    elided = list(tokens)
    for i, (token, following) in enumerate(pairwise(tokens)):
        if token.word in _ELIDED and starts_with_vowel_sound(following.word):
            elided[i] = token._replace(word=_ELIDED[token.word])
    return elided


def _contract(tokens: list[Token]) -> list[Token]:
    """de + le -> du: one word that keeps the links of both. Comes after elision, for "de l'homme"."""
    contracted: list[Token] = []
    for token in tokens:
        before = contracted[-1].word if contracted else ""
        merged = _CONTRACTED.get((before, token.word))
        if merged:
            contracted[-1] = Token(merged, contracted[-1].marks | token.marks)
        else:
            contracted.append(token)
    return contracted
