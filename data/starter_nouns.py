"""Noun phrases, predicates, places and times of the starter corpus.

Gold links: determiner with determiner, noun with noun, adjective with adjective. The French article and "de"
that stand for an English possessive 's are linked with the word that carries the 's; "beaucoup de" is "many";
a partitive ("de la") is "some"; a contraction (du = de + le) keeps the links of both its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from data.starter_lexicon import (
    ADJECTIVES,
    DAYS,
    FEMALE_NAMES,
    MALE_NAMES,
    MONTH_LENGTHS,
    MONTHS,
    NUMBERS,
    Adjective,
    Noun,
    nouns_of,
)
from data.starter_phrases import (
    AGREEMENTS,
    ELLE,
    ELLES,
    IL,
    ILS,
    JE,
    NOUS,
    VOUS,
    Phrase,
    phrase,
    starts_with_vowel_sound,
)
from data.starter_verbs import FEMININE, PLURAL, Table

Pool = tuple[Phrase, ...]

POSSESSIVES = ("my", "your", "his", "her", "our", "their")
DEFINITE = ("the", "this", *POSSESSIVES)
# English singular -> English plural; French masculine, feminine, both of them before a vowel, plural
_DETERMINERS = {
    "the": ("the", "le", "la", "le", "la", "les"),
    "this": ("these", "ce", "cette", "cet", "cette", "ces"),
    "my": ("my", "mon", "ma", "mon", "mon", "mes"),
    "your": ("your", "votre", "votre", "votre", "votre", "vos"),
    "his": ("his", "son", "sa", "son", "son", "ses"),
    "her": ("her", "son", "sa", "son", "son", "ses"),
    "our": ("our", "notre", "notre", "notre", "notre", "nos"),
    "their": ("their", "leur", "leur", "leur", "leur", "leurs"),
    "a": ("", "un", "une", "un", "une", ""),
}
# Determiners that English writes before a plural and that are not the plural of one above.
_QUANTITIES = {
    "several": "plusieurs~det",
    "many": "beaucoup~det de~det",
    "any": "de~det",  # only after a negation
}


def _noun_words(noun: Noun, adjective: Adjective | None, plural: bool) -> tuple[str, str]:
    """The rules for adjective and noun, on either side."""
    english_noun = noun.plural if plural else noun.singular
    french_noun = noun.french_plural if plural else noun.french
    if adjective is None:
        return f"{english_noun}~noun", f"{french_noun}~noun"
    form = adjective.agree(noun.feminine, plural)
    if not noun.feminine and not plural and adjective.precedes_noun and starts_with_vowel_sound(french_noun):
        form = adjective.masculine_before_vowel
    french = [f"{form}~adjective", f"{french_noun}~noun"]
    if not adjective.precedes_noun:
        french.reverse()
    return f"{adjective.english}~adjective {english_noun}~noun", " ".join(french)


def noun_phrase(
    determiner: str, noun: Noun, adjective: Adjective | None = None, plural: bool = False
) -> Phrase:
    """the old car / la vieille voiture.

    Args:
        determiner: an English singular determiner ("this", also for "these"), "a", "some", "several", "many",
            "any" (after a negation), "no a" ("a" after a negation), "all the" or an English number.
    """
    english, french = _noun_words(noun, adjective, plural)
    masculine, feminine = (ILS, ELLES) if plural else (IL, ELLE)
    agreement = feminine if noun.feminine else masculine
    english_determiner, french_determiner = _determiner(determiner, noun, adjective, plural, english, french)
    return phrase(f"{english_determiner} {english}", f"{french_determiner} {french}", agreement)


def _determiner(
    determiner: str, noun: Noun, adjective: Adjective | None, plural: bool, english: str, french: str
) -> tuple[str, str]:
    if determiner in ("a", "no a"):
        article = "an" if english[0] in "aeiouAEIOU" else "a"
        if determiner == "no a":
            return f"{article}~det", "de~det"
    if determiner in _DETERMINERS:
        forms = _DETERMINERS[determiner]
        if plural:
            return f"{forms[0]}~det", f"{forms[5]}~det"
        before_vowel = starts_with_vowel_sound(french.partition("~")[0])
        word = forms[1 + noun.feminine + 2 * before_vowel]
        return (f"{article}~det" if determiner == "a" else f"{determiner}~det"), f"{word}~det"
    if determiner == "all the":
        return "all~all the~det", f"{'toutes' if noun.feminine else 'tous'}~all les~det"
    if determiner == "some" and not plural:
        return "some~det", f"de~det {'la' if noun.feminine else 'le'}~det"
    if determiner == "some":
        # "des", but "de" before an adjective that precedes its noun: de petites maisons
        return "some~det", "de~det" if adjective and adjective.precedes_noun else "des~det"
    if determiner in _QUANTITIES:
        return f"{determiner}~det", _QUANTITIES[determiner]
    return f"{determiner}~det", f"{dict(NUMBERS.values())[determiner]}~det"


def _suits(adjective: Adjective, noun: Noun) -> bool:
    return not adjective.describes.isdisjoint(noun.kinds)


@cache
def plain_nouns(kinds: str, determiners: tuple[str, ...], plural: bool = False) -> Pool:
    """Determiner and noun, for all nouns of the kinds (separated by spaces)."""
    return tuple(
        noun_phrase(determiner, noun, plural=plural)
        for noun in nouns_of(*kinds.split())
        for determiner in determiners
    )


@cache
def described_nouns(kinds: str, determiners: tuple[str, ...], plural: bool = False) -> Pool:
    """Determiner, noun and an adjective that suits the noun."""
    return tuple(
        noun_phrase(determiner, noun, adjective, plural)
        for noun in nouns_of(*kinds.split())
        for adjective in ADJECTIVES
        if _suits(adjective, noun)
        for determiner in determiners
    )


@cache
def generic_nouns(kinds: str) -> Pool:
    """Everything of a kind, as somebody likes it: "cheese" / "le fromage"."""
    return tuple(
        phrase(f"{noun.singular}~noun", f"{'la' if noun.feminine else 'le'}~noun {noun.french}~noun")
        for noun in nouns_of(*kinds.split())
    )


_ONLY_VERY = ("famous", "intelligent", "kind", "happy", "sad", "interesting", "beautiful", "good")
_ABSOLUTE = ("French", "English", "red", "blue", "green", "black", "white", "ready", "new")


def _degrees(adjective: Adjective) -> tuple[tuple[str, str], ...]:
    """The adverbs that go with an adjective: nobody is too happy or very English."""
    degrees = (("", ""), ("very~degree", "très~degree"), ("too~degree", "trop~degree"))
    if adjective.english in _ABSOLUTE:
        return degrees[:1]
    return degrees[:2] if adjective.english in _ONLY_VERY else degrees


@cache
def predicates(kind: str) -> tuple[Table, ...]:
    """Adjectives after "be", with and without an adverb, in all agreements."""
    return tuple(
        tuple(
            phrase(
                f"{degree} {adjective.english}~adjective",
                f"{french_degree} {adjective.agree(agreement in FEMININE, agreement in PLURAL)}~adjective",
            )
            for agreement in AGREEMENTS
        )
        for adjective in ADJECTIVES
        if kind in adjective.describes
        for degree, french_degree in _degrees(adjective)
    )


def comparisons(kind: str) -> tuple[Table, ...]:
    """taller than / plus grand que and as tall as / aussi grand que."""
    comparatives = {"tall": "taller", "young": "younger", "old": "older", "rich": "richer"}
    return tuple(
        tuple(
            phrase(source, target.format(adjective.agree(agreement in FEMININE, agreement in PLURAL)))
            for agreement in AGREEMENTS
        )
        for adjective in ADJECTIVES
        if adjective.english in comparatives and kind in adjective.describes
        for source, target in (
            (f"{comparatives[adjective.english]}~a than~than", "plus~a {}~a que~than"),
            (f"as~as {adjective.english}~a as~than", "aussi~as {}~a que~than"),
        )
    )


@cache
def professions() -> tuple[Table, ...]:
    """What somebody is: French has no article ("she is a doctor" / "elle est médecin")."""
    tables = []
    for noun in nouns_of("profession"):
        article = "an" if noun.singular[0] in "aeiou" else "a"
        singular = phrase(f"{article} {noun.singular}~noun", f"{noun.french}~noun")
        plural = phrase(f"{noun.plural}~noun", f"{noun.french_plural}~noun")
        tables.append(tuple(plural if agreement in PLURAL else singular for agreement in AGREEMENTS))
    return tuple(tables)


FIRST_PERSON: Pool = (phrase("I~i", "je~i", JE), phrase("we~we", "nous~we", NOUS))
SECOND_PERSON: Pool = (phrase("you~you", "vous~you", VOUS),)
THIRD_PERSON: Pool = (
    phrase("he~he", "il~he", IL),
    phrase("she~she", "elle~she", ELLE),
    phrase("they~they", "ils~they", ILS),
)
NAMES: Pool = tuple(phrase(f"{name}~n", f"{name}~n", IL) for name in MALE_NAMES) + tuple(
    phrase(f"{name}~n", f"{name}~n", ELLE) for name in FEMALE_NAMES
)
EVERYBODY: Pool = (phrase("everybody~e", "tout~e le~e monde~e", IL),)


@cache
def owned_nouns(kinds: str) -> Pool:
    """Marie's car, my brother's car, the doctor's car."""
    owned = []
    for noun in nouns_of(*kinds.split()):
        article = "la" if noun.feminine else "le"
        agreement = ELLE if noun.feminine else IL
        for name in MALE_NAMES + FEMALE_NAMES:
            target = f"{article}~owner {noun.french}~noun de~owner {name}~owner"
            owned.append(phrase(f"{name}'s~owner {noun.singular}~noun", target, agreement))
        for determiner, owners in (("my", nouns_of("sibling", "associate")), ("the", nouns_of("profession"))):
            for owner in owners:
                if owner is noun:
                    continue
                target = f"{article}~owner {noun.french}~noun de~owner {{owner}}"
                source = f"{{owner}}'s {noun.singular}~noun"
                owned.append(_possessive(source, target, agreement, noun_phrase(determiner, owner)))
    return tuple(owned)


def _possessive(source: str, target: str, agreement: int, owner: Phrase) -> Phrase:
    """Two-word owners: the 's belongs to the owner's noun, and so do the French article and "de"."""
    determiner, noun = owner.source_words
    french_determiner, french_noun = owner.target_words
    return phrase(
        source.replace("{owner}'s", f"{determiner}~det {noun}'s~owner"),
        target.replace("{owner}", f"{french_determiner}~det {french_noun}~owner"),
        agreement,
    )


@cache
def recipients() -> Pool:
    """to my brother / à mon frère, to the doctor / au médecin."""
    people = plain_nouns("associate", ("the", "my", "our")) + plain_nouns("family", POSSESSIVES[:4]) + NAMES
    return tuple(phrase("to~to {person}", "à~to {person}", person=person) for person in people)


def _with_nouns(source: str, target: str, kinds: str, determiners: Sequence[str] = ("the",)) -> Pool:
    places = plain_nouns(kinds, tuple(determiners))
    return tuple(phrase(f"{source} {{noun}}", f"{target} {{noun}}", noun=noun) for noun in places)


@cache
def towns() -> Pool:
    """in Paris, in Japan."""
    return tuple(
        phrase(f"in~in {english}~c", f"{preposition}~in {french}~c")
        for english, preposition, french in (
            ("Paris", "à", "Paris"),
            ("Lyon", "à", "Lyon"),
            ("London", "à", "Londres"),
            ("France", "en", "France"),
            ("Canada", "au", "Canada"),
            ("Japan", "au", "Japon"),
        )
    )


@cache
def homes() -> Pool:
    """Where somebody lives."""
    return (
        towns()
        + _with_nouns("near~near", "près~near de~near", "landmark", ("the", "this"))
        + _with_nouns("in~in", "dans~in", "house", ("a", "this", "my", "our", "their"))
        + _with_nouns("in~in", "dans~in", "village street", ("this", "our"))
    )


@cache
def places() -> Pool:
    """Where something happens."""
    return (
        towns()
        + _with_nouns("in~in", "dans~in", "inside", ("the", "our", "this"))
        + _with_nouns("at~at", "à~at", "at")
        + _with_nouns("near~near", "près~near de~near", "landmark")
        + _with_nouns("behind~behind", "derrière~behind", "landmark_front")
        + _with_nouns("in front~in of", "devant~in", "landmark_front")
        + (
            phrase("at~at home~home", "à~at la~home maison~home"),
            phrase("at~at school~school", "à~at la~school école~school"),
        )
    )


@cache
def destinations() -> Pool:
    """Where somebody goes."""
    return (
        _with_nouns("to~to", "à~to", "destination")
        + tuple(
            phrase(f"to~to {english}~c", f"à~to {french}~c")
            for english, french in (("Paris", "Paris"), ("Lyon", "Lyon"), ("London", "Londres"))
        )
        + (
            phrase("to~to France~c", "en~to France~c"),
            phrase("to~to Canada~c", "au~to Canada~c"),
            phrase("to~to Japan~c", "au~to Japon~c"),
            phrase("to~to school~school", "à~to la~school école~school"),
        )
    )


@cache
def positions() -> Pool:
    """Where a thing lies."""
    return (
        _with_nouns("on~on", "sur~on", "furniture", ("the", "this", "my"))
        + _with_nouns("under~under", "sous~under", "furniture", ("the", "this", "my"))
        + _with_nouns("behind~behind", "derrière~behind", "openable")
        + _with_nouns("next~next to~to", "à~next côté~next de~to", "furniture openable")
        + _with_nouns("in~in", "dans~in", "container", ("the", "this", "my", "his", "her"))
    )


@cache
def clock_times() -> Pool:
    """at seven o'clock, at half past seven, at noon."""
    hours = [("one", "une", "heure")] + [(*NUMBERS[n], "heures") for n in range(2, 12)]
    return (
        *(phrase(f"at~at {n}~n o' clock~c", f"à~at {f}~n {h}~c") for n, f, h in hours),
        *(
            phrase(f"at~at half~half past~past {n}~n", f"à~at {f}~n {h}~past et~half demie~half")
            for n, f, h in hours
        ),
        phrase("at~at noon~noon", "à~at midi~noon"),
    )


@cache
def dates() -> Pool:
    """on 14 July / le 14 juillet."""
    return tuple(
        phrase(f"on~on {day}~day {month}~month", f"le~on {'1er' if day == 1 else day}~day {french}~month")
        for (month, french), length in zip(MONTHS, MONTH_LENGTHS, strict=True)
        for day in range(1, length + 1)
    )


@cache
def dates_with_days() -> Pool:
    """on Tuesday, 3 May / le mardi 3 mai."""
    return tuple(
        phrase(
            f"on~on {name}~name , {day}~day {month}~month",
            f"le~on {french_name}~name {'1er' if day == 1 else day}~day {french}~month",
        )
        for name, french_name in DAYS
        for (month, french), length in zip(MONTHS, MONTH_LENGTHS, strict=True)
        for day in range(1, length + 1)
    )


@cache
def days() -> Pool:
    """on Tuesday / mardi."""
    return tuple(phrase(f"on {name}~name", f"{french}~name") for name, french in DAYS)


@cache
def day_spans(source: str, target: str) -> Pool:
    """N days from or before now; the rules have `{}` where the number goes."""
    units = (("days", "jours"), ("weeks", "semaines"), ("months", "mois"))
    return tuple(
        phrase(source.format(f"{english}~n {unit}~unit"), target.format(f"{french}~n {french_unit}~unit"))
        for english, french in (NUMBERS[n] for n in (2, 3, 4, 5, 6, 10))
        for unit, french_unit in units
    )
