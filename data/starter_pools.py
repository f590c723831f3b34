"""Who acts, on what, and when: the pools that the sentence patterns of the starter corpus share.

Collocations say which verbs go with which objects, so that people read letters and close windows and not the
other way round. Modes say which tenses go with which times, so that nobody leaves tomorrow in the past.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from data import starter_nouns as nouns
from data.starter_lexicon import DAYS
from data.starter_nouns import (
    DEFINITE,
    FIRST_PERSON,
    NAMES,
    POSSESSIVES,
    SECOND_PERSON,
    THIRD_PERSON,
    described_nouns,
    plain_nouns,
)
from data.starter_phrases import phrase
from data.starter_verbs import verb_pool

# Pools to choose between, with weights. A pool holds phrases, or tables of phrases by agreement.
Weighted = tuple[tuple[float, Sequence[Any]], ...]

COUNTED = ("two", "three", "four", "five")


class Mode(NamedTuple):
    """A tense with its negations and the times that go with it. The `timed` moods bear a time beside them."""

    name: str
    weight: float
    plain: tuple[tuple[str, str], ...]
    negated: tuple[tuple[str, str], ...]
    timed_plain: tuple[tuple[str, str], ...]
    timed_negated: tuple[tuple[str, str], ...]


HABIT = Mode(
    "habit",
    1.0,
    (("present", "plain"), ("present", "often"), ("present", "always")),
    (("present", "not"), ("present", "never"), ("present", "no longer")),
    (("present", "plain"),),
    (("present", "not"),),
)
NOW = Mode(
    "now",
    0.7,
    (("progressive", "plain"),),
    (("progressive", "not"),),
    (("progressive", "plain"),),
    (("progressive", "not"),),
)
PAST = Mode(
    "past",
    1.2,
    (("past", "plain"), ("past", "already")),
    (("past", "not"), ("past", "never")),
    (("past", "plain"),),
    (("past", "not"),),
)
NEAR = Mode(
    "future",
    0.6,
    (("near", "plain"),),
    (("near", "not"),),
    (("near", "plain"),),
    (("near", "not"),),
)
WILL = Mode(
    "future",
    0.7,
    (("future", "plain"),),
    (("future", "not"), ("future", "never")),
    (("future", "plain"),),
    (("future", "not"),),
)
_WISHES = ("want", "can", "must", "would like")
MODAL = Mode(
    "future",
    1.0,
    tuple((modal, "plain") for modal in _WISHES),
    tuple((modal, "not") for modal in _WISHES),
    tuple((modal, "plain") for modal in _WISHES),
    tuple((modal, "not") for modal in _WISHES),
)
ALL_MODES = (HABIT, NOW, PAST, NEAR, WILL, MODAL)
# Knowing somebody and owning something: a state, not something one does often or is doing just now.
STATE = Mode(
    "habit",
    1.0,
    (("present", "plain"),),
    (("present", "not"), ("present", "no longer")),
    (("present", "plain"),),
    (("present", "not"),),
)
STATE_MODES = (STATE,)


class Collocation(NamedTuple):
    """Verbs (French infinitives) and the kinds of nouns that they act upon."""

    weight: float
    verbs: str
    objects: str
    daily: bool  # whether one does it every day
    modes: tuple[Mode, ...] = ALL_MODES


COLLOCATIONS = (
    Collocation(1.0, "aider attendre écouter regarder", "person", True),
    Collocation(0.6, "chercher inviter rencontrer remercier", "person", False),
    Collocation(0.5, "voir", "person", False, (HABIT, PAST)),
    Collocation(0.4, "connaître", "person", False, STATE_MODES),
    Collocation(1.2, "lire", "text", True),
    Collocation(0.8, "écrire", "writing", True),
    Collocation(1.4, "acheter vendre chercher perdre oublier prendre trouver", "portable", False),
    Collocation(0.9, "acheter vendre laver réparer", "vehicle", False),
    Collocation(0.7, "acheter laver réparer", "furniture", False),
    Collocation(1.0, "ouvrir fermer", "openable", True),
    Collocation(1.0, "manger", "food", True),
    Collocation(0.8, "boire", "drink", True),
    Collocation(0.6, "préparer", "dish", True),
    Collocation(0.8, "visiter", "sight", False),
    Collocation(0.5, "acheter vendre", "house", False),
    Collocation(0.8, "voir", "animal sight", False, (HABIT, PAST)),
    Collocation(0.8, "regarder chercher", "animal", False),
    Collocation(0.8, "avoir", "animal vehicle machine sibling", False, STATE_MODES),
    Collocation(0.5, "aimer", "animal text clothing sight", False, STATE_MODES),
)
_MASS = {"food": "mass_food", "drink": "drink", "dish": "mass_dish"}
_PEOPLE = "person"

PERSON_VERBS = "voir aider attendre écouter regarder chercher inviter rencontrer remercier"
GIVING_VERBS = "donner envoyer montrer prêter"


@cache
def third_person_subjects() -> Weighted:
    """People and groups spoken about, as subjects."""
    return (
        (6, THIRD_PERSON),
        (6, NAMES),
        (5, plain_nouns("person", ("the", "this"))),
        (2, plain_nouns("associate", POSSESSIVES)),
        (4, plain_nouns("family", POSSESSIVES)),
        (3, described_nouns("person", ("the", "this"))),
        (1, described_nouns("associate", POSSESSIVES[:4])),
        (1.5, nouns.owned_nouns("family associate")),
        (3, plain_nouns("person", ("the", "this", "several", "many", *COUNTED), plural=True)),
        (1, plain_nouns("sibling companion", POSSESSIVES, plural=True)),
        (1, described_nouns("person", ("the", "this", "two", "three"), plural=True)),
    )


@cache
def subjects() -> Weighted:
    """Everybody who can act."""
    return ((13, FIRST_PERSON), (9, SECOND_PERSON), *third_person_subjects())


@cache
def short_subjects() -> Weighted:
    """Subjects of clauses inside other clauses."""
    return (
        (3, FIRST_PERSON),
        (2, SECOND_PERSON),
        (5, THIRD_PERSON),
        (3, NAMES),
        (2, plain_nouns("person", ("the",))),
        (2, plain_nouns("family", ("my", "your", "his", "her"))),
    )


@cache
def asked_subjects() -> Weighted:
    """Whom one asks about: rarely oneself."""
    return (
        (0.5, FIRST_PERSON),
        (4, SECOND_PERSON),
        (5, THIRD_PERSON),
        (3, NAMES),
        (2, plain_nouns("person", ("the", "this"))),
        (2, plain_nouns("family", ("my", "your", "his", "her"))),
    )


@cache
def noun_subjects() -> Weighted:
    """People named by a noun with an article, which a question or a relative clause can turn around."""
    return (
        (4, plain_nouns("person", ("the", "this"))),
        (2, plain_nouns("family", POSSESSIVES)),
        (2, plain_nouns("associate", POSSESSIVES)),
        (2, described_nouns("person", ("the", "this"))),
        (2, plain_nouns("person", ("the", "this"), plural=True)),
    )


@cache
def definite_people() -> Weighted:
    """People that a relative clause can tell apart."""
    return (
        (4, plain_nouns("person", ("the", "this"))),
        (2, described_nouns("person", ("the", "this"))),
        (3, plain_nouns("person", ("the", "this"), plural=True)),
    )


@cache
def things() -> Weighted:
    """Things that can be somewhere, as subjects."""
    kinds = "portable text container"
    return (
        (5, plain_nouns(kinds, DEFINITE)),
        (3, described_nouns(kinds, ("the", "this", "my", "her"))),
        (2, plain_nouns(kinds, ("the", "this", "my", "your", "our"), plural=True)),
        (2, nouns.owned_nouns(kinds)),
    )


@cache
def definite_objects(kinds: str) -> Weighted:
    """What keeps its determiner under a negation."""
    if kinds == _PEOPLE:
        return (
            (4, plain_nouns("person", ("the", "this"))),
            (2, plain_nouns("associate", POSSESSIVES)),
            (3, plain_nouns("family", POSSESSIVES)),
            (2, described_nouns("person", ("the", "this"))),
            (2, plain_nouns("person", ("the", "this", "all the"), plural=True)),
            (1, plain_nouns("sibling companion", POSSESSIVES, plural=True)),
            (3, NAMES),
            (1, nouns.owned_nouns("family")),
        )
    determiners: tuple[str, ...] = DEFINITE
    if "sight" in kinds:
        determiners = ("the", "this")
    elif kinds in ("writing", "food", "dish"):
        determiners = ("the", "this", "my", "your")
    choices: list[tuple[float, Sequence[Any]]] = [
        (5, plain_nouns(kinds, determiners)),
        (2, plain_nouns(kinds, determiners, plural=True)),
    ]
    described = described_nouns(kinds, determiners[:4])
    if described:
        choices += [
            (3, described),
            (1, described_nouns(kinds, ("the", "this"), plural=True)),
        ]
    if determiners is DEFINITE:
        choices.append((1.5, nouns.owned_nouns(kinds)))
    if kinds in _MASS:
        return ((4, plain_nouns(_MASS[kinds], ("the", "this"))), *(() if kinds == "drink" else choices[:1]))
    return tuple(choices)


@cache
def indefinite_objects(kinds: str) -> Weighted:
    """a, some, two, many ...: what a negation changes to "de"."""
    if kinds == _PEOPLE:
        return (
            (3, plain_nouns("person", ("a",))),
            (2, described_nouns("person", ("a",))),
            (2, plain_nouns("person", ("some", "several", "many", *COUNTED), plural=True)),
        )
    if kinds == "drink":
        return ((4, plain_nouns("drink", ("some",))),)
    choices: list[tuple[float, Sequence[Any]]] = [
        (4, plain_nouns(kinds, ("a",))),
        (3, plain_nouns(kinds, ("some", "several", "many", *COUNTED), plural=True)),
    ]
    if described_nouns(kinds, ("a",)):
        choices += [
            (4, described_nouns(kinds, ("a",))),
            (2, described_nouns(kinds, ("some", "two", "three", "several"), plural=True)),
        ]
    if kinds in _MASS:
        choices.append((6, plain_nouns(_MASS[kinds], ("some",))))
    return tuple(choices)


@cache
def negated_objects(kinds: str) -> Weighted:
    """pas de chien, pas de pain, pas d'enfants."""
    if kinds == "drink":
        return ((3, plain_nouns("drink", ("any",))),)
    choices = [(3.0, plain_nouns(kinds, ("no a",))), (2.0, plain_nouns(kinds, ("any",), plural=True))]
    if kinds in _MASS:
        choices.append((4.0, plain_nouns(_MASS[kinds], ("any",))))
    return tuple(choices)


@cache
def times(mode_name: str) -> Weighted:
    """When something happens, by the name of the mode."""
    fixed = {name: tuple(phrase(*rules) for rules in rows) for name, rows in _FIXED_TIMES.items()}
    if mode_name == "habit":
        on_days = tuple(phrase(f"on~on {name}s~n", f"le~on {french}~n") for name, french in DAYS)
        return ((4, fixed["habit"]), (2, nouns.clock_times()), (2, on_days))
    if mode_name == "now":
        return ((1, fixed["now"]),)
    if mode_name == "past":
        ago = nouns.day_spans("{} ago~ago", "il~ago y~ago a~ago {}")
        return (
            (5, fixed["past"]),
            (2, ago),
            (2, nouns.days()),
            (2, nouns.dates()),
            (1, nouns.dates_with_days()),
            (1, nouns.clock_times()),
        )
    later = nouns.day_spans("in~in {}", "dans~in {}")
    return (
        (5, fixed["future"]),
        (2, later),
        (2, nouns.days()),
        (2, nouns.dates()),
        (1, nouns.dates_with_days()),
        (1.5, nouns.clock_times()),
    )


_FIXED_TIMES: dict[str, tuple[tuple[str, str], ...]] = {
    "habit": (
        ("every~every day~day", "tous~every les~every jours~day"),
        ("every~every morning~m", "tous~every les~every matins~m"),
        ("every~every evening~m", "tous~every les~every soirs~m"),
        ("every~every week~m", "toutes~every les~every semaines~m"),
        ("in the~the morning~m", "le~the matin~m"),
        ("in the~the evening~m", "le~the soir~m"),
        ("in~in summer~s", "en~in été~s"),
        ("in~in winter~s", "en~in hiver~s"),
    ),
    "now": (
        ("now~now", "maintenant~now"),
        ("today~t", "aujourd'hui~t"),
        ("this~this morning~m", "ce~this matin~m"),
        ("this~this evening~m", "ce~this soir~m"),
    ),
    "past": (
        ("yesterday~y", "hier~y"),
        ("yesterday~y morning~m", "hier~y matin~m"),
        ("this~this morning~m", "ce~this matin~m"),
        ("today~t", "aujourd'hui~t"),
        ("last~last week~w", "la~w semaine~w dernière~last"),
        ("last~last month~w", "le~w mois~w dernier~last"),
        ("last~last year~w", "l'~w année~w dernière~last"),
        ("in~in winter~s", "en~in hiver~s"),
    ),
    "future": (
        ("tomorrow~t", "demain~t"),
        ("tomorrow~t morning~m", "demain~t matin~m"),
        ("this~this evening~m", "ce~this soir~m"),
        ("today~t", "aujourd'hui~t"),
        ("next~next week~w", "la~w semaine~w prochaine~next"),
        ("next~next month~w", "le~w mois~w prochain~next"),
        ("next~next year~w", "l'~w année~w prochaine~next"),
    ),
}


def verbs_of(collocation: Collocation, mode: Mode, *, negated: bool, timed: bool) -> Sequence[Any]:
    """The verb groups of a collocation in a mode; empty if its verbs are not used in it."""
    if timed:
        moods = mode.timed_negated if negated else mode.timed_plain
    else:
        moods = mode.negated if negated else mode.plain
    return verb_pool(collocation.verbs, *moods)
