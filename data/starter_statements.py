"""Statements of one clause, and orders, of the starter corpus."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from data import starter_nouns as nouns
from data import starter_verbs as verbs
from data.starter_nouns import (
    DEFINITE,
    FIRST_PERSON,
    POSSESSIVES,
    SECOND_PERSON,
    plain_nouns,
)
from data.starter_patterns import Pattern, only, scaled
from data.starter_pools import (
    ALL_MODES,
    COLLOCATIONS,
    GIVING_VERBS,
    HABIT,
    MODAL,
    NOW,
    PAST,
    PERSON_VERBS,
    STATE,
    definite_objects,
    indefinite_objects,
    negated_objects,
    subjects,
    things,
    third_person_subjects,
    times,
    verbs_of,
)
from data.starter_verbs import DATIVE_CLITICS, DIRECT_CLITICS, DOUBLE_CLITICS, Clitic, verb_pool

END = ".~end"
COPULA_PLAIN = (("present", "plain"), ("past", "plain"), ("future", "plain"))
COPULA_NEGATED = (("present", "not"), ("past", "not"))
COPULA_LASTING = (("present", "never"), ("present", "always"), ("present", "no longer"))


def statement_patterns() -> list[Pattern]:
    """Every pattern of one clause, with its weight in percent of the corpus."""
    return [
        *scaled(_with_object(), 21),
        *scaled(_with_object_and_time(), 13),
        *scaled(_with_clitic(), 10),
        *scaled(_intransitive(), 7),
        *scaled(_motion(), 8),
        *scaled(_being(), 11),
        *scaled(_giving(), 6),
        *scaled(_orders(), 2),
    ]


def object_choices(kinds: str, negated: bool) -> tuple[tuple[float, Sequence], ...]:
    indefinite = negated_objects(kinds) if negated else indefinite_objects(kinds)
    return (*definite_objects(kinds), *indefinite)


def _with_object() -> list[Pattern]:
    patterns = []
    for collocation in COLLOCATIONS:
        for mode in collocation.modes:
            for negated, share in ((False, 0.7), (True, 0.3)):
                pool = verbs_of(collocation, mode, negated=negated, timed=False)
                if pool:
                    slots = {
                        "subject": subjects(),
                        "verb": only(pool),
                        "object": object_choices(collocation.objects, negated),
                    }
                    rule = f"{{subject}} {{verb:subject}} {{object}} {END}"
                    patterns.append(Pattern(collocation.weight * mode.weight * share, rule, rule, slots))
    return patterns


def _with_object_and_time() -> list[Pattern]:
    patterns = []
    for collocation in COLLOCATIONS:
        for mode in collocation.modes:
            if mode is HABIT and not collocation.daily:
                continue
            for negated, share in ((False, 0.8), (True, 0.2)):
                pool = verbs_of(collocation, mode, negated=negated, timed=True)
                if not pool:
                    continue
                weight = collocation.weight * mode.weight * share
                slots = {
                    "subject": subjects(),
                    "verb": only(pool),
                    "object": definite_objects(collocation.objects)
                    if negated
                    else object_choices(collocation.objects, negated),
                    "time": times(mode.name),
                }
                rule = f"{{subject}} {{verb:subject}} {{object}} {{time}} {END}"
                fronted = f"{{time}} ,~comma {{subject}} {{verb:subject}} {{object}} {END}"
                patterns += [
                    Pattern(weight * 0.8, rule, rule, slots),
                    Pattern(weight * 0.2, fronted, fronted, slots),
                ]
    return patterns


def clitics_for(person: str, clitics: dict[str, Clitic]) -> tuple[Clitic, ...]:
    """The pronouns that can be the object of a subject: "I see myself" would need a reflexive verb."""
    excluded = {"first": ("me", "us"), "second": ("you",), "third": ()}[person]
    return tuple(clitic for key, clitic in clitics.items() if key not in excluded)


def _subjects_by_person() -> tuple[tuple[str, float, tuple], ...]:
    return (
        ("first", 7, only(FIRST_PERSON)),
        ("second", 5, only(SECOND_PERSON)),
        ("third", 20, third_person_subjects()),
    )


def _with_clitic() -> list[Pattern]:
    patterns = []
    for (person, weight, who), mode in product(_subjects_by_person(), ALL_MODES):
        clitics = clitics_for(person, DIRECT_CLITICS)
        plain = {
            "subject": who,
            "verb": only(verb_pool(PERSON_VERBS, *mode.plain, *mode.negated, clitics=clitics)),
        }
        timed_moods = (*mode.timed_plain, *mode.timed_negated)
        timed_verbs = PERSON_VERBS.replace("voir", "")
        timed = {
            "subject": who,
            "verb": only(verb_pool(timed_verbs, *timed_moods, clitics=clitics)),
            "when": times(mode.name),
            "where": only(nouns.places()),
        }
        rule = f"{{subject}} {{verb:subject}} {END}"
        with_time = f"{{subject}} {{verb:subject}} {{when}} {END}"
        with_place = f"{{subject}} {{verb:subject}} {{where}} {END}"
        patterns += [
            Pattern(weight * mode.weight * 0.5, rule, rule, plain),
            Pattern(weight * mode.weight * 0.3, with_time, with_time, _without(timed, "where")),
        ]
        if mode in (NOW, PAST):
            patterns.append(
                Pattern(weight * mode.weight * 0.3, with_place, with_place, _without(timed, "when"))
            )
    for person, weight, who in _subjects_by_person():
        clitics = clitics_for(person, DIRECT_CLITICS)
        knowing = only(verb_pool("connaître", *STATE.plain, *STATE.negated, clitics=clitics))
        rule = f"{{subject}} {{verb:subject}} {END}"
        patterns.append(Pattern(weight * 0.2, rule, rule, {"subject": who, "verb": knowing}))
    return patterns


def _without(slots: dict, name: str) -> dict:
    return {slot: pool for slot, pool in slots.items() if slot != name}


def _intransitive() -> list[Pattern]:
    bare_verbs = "dormir travailler chanter danser"
    placed_verbs = "dormir travailler chanter danser"
    patterns = []
    for mode in ALL_MODES:
        bare = {"subject": subjects(), "verb": only(verb_pool(bare_verbs, *mode.plain, *mode.negated))}
        timed = verb_pool(placed_verbs, *mode.timed_plain, *mode.timed_negated)
        located = {"subject": subjects(), "verb": only(timed), "where": only(nouns.places())}
        dated = {"subject": subjects(), "verb": only(timed), "when": times(mode.name)}
        living = {
            "subject": subjects(),
            "verb": only(verb_pool("habiter", *mode.timed_plain, *mode.timed_negated)),
            "where": only(nouns.homes()),
        }
        rule = f"{{subject}} {{verb:subject}} {END}"
        where = f"{{subject}} {{verb:subject}} {{where}} {END}"
        when = f"{{subject}} {{verb:subject}} {{when}} {END}"
        both = f"{{subject}} {{verb:subject}} {{where}} {{when}} {END}"
        patterns += [
            Pattern(mode.weight * 0.3, rule, rule, bare),
            Pattern(mode.weight * 0.4, where, where, located),
            Pattern(mode.weight * 0.4, when, when, dated),
            Pattern(mode.weight * 0.2, both, both, {**located, "when": times(mode.name)}),
        ]
        if living["verb"][0][1]:
            patterns.append(Pattern(mode.weight * 0.2, where, where, living))
    return patterns


def _motion() -> list[Pattern]:
    patterns = []
    where = f"{{subject}} {{verb:subject}} {{where}} {END}"
    when = f"{{subject}} {{verb:subject}} {{when}} {END}"
    both = f"{{subject}} {{verb:subject}} {{where}} {{when}} {END}"
    transport = only(plain_nouns("transport", ("the", "this", "our")))
    for mode in ALL_MODES:
        moods = (*mode.timed_plain, *mode.timed_negated)
        going = {"subject": subjects(), "verb": only(verb_pool("aller", *mode.plain, *mode.negated))}
        going_once = {"subject": subjects(), "verb": only(verb_pool("aller", *moods))}
        moving = {"subject": subjects(), "verb": only(verb_pool("venir arriver partir", *moods))}
        staying = {
            "subject": subjects(),
            "verb": only(verb_pool("rester", *moods)),
            "where": only(nouns.places()),
        }
        riding = {"subject": transport, "verb": only(verb_pool("arriver partir", *moods))}
        place, time = only(nouns.destinations()), times(mode.name)
        patterns += [
            Pattern(mode.weight * 0.4, where, where, {**going, "where": place}),
            Pattern(mode.weight * 0.3, both, both, {**going_once, "where": place, "when": time}),
            Pattern(mode.weight * 0.4, when, when, {**moving, "when": time}),
            Pattern(mode.weight * 0.2, where, where, staying),
        ]
        if mode is not MODAL:
            patterns.append(Pattern(mode.weight * 0.15, when, when, {**riding, "when": time}))
    return patterns


def _being() -> list[Pattern]:
    rule = f"{{subject}} {{be:subject}} {{what:subject}} {END}"
    where = f"{{subject}} {{be:subject}} {{where}} {END}"
    compared = f"{{subject}} {{be:subject}} {{than:subject}} {{other}} {END}"
    lasting = only(verbs.copula_pool(*COPULA_LASTING))
    simple_be = verbs.copula_pool(*COPULA_PLAIN, *COPULA_NEGATED)
    people = subjects()
    others = (
        (2.0, nouns.NAMES),
        (3.0, plain_nouns("family", ("my", "your", "his", "her"))),
        (1.0, plain_nouns("person", ("the",))),
    )
    patterns = [
        Pattern(
            2.3,
            rule,
            rule,
            {"subject": people, "be": only(simple_be), "what": only(nouns.predicates("pred"))},
        ),
        Pattern(0.7, rule, rule, {"subject": people, "be": lasting, "what": only(nouns.predicates("state"))}),
        Pattern(
            1.2,
            rule,
            rule,
            {"subject": people_in_one_word(), "be": only(simple_be), "what": only(nouns.professions())},
        ),
        Pattern(1.5, where, where, {"subject": people, "be": only(simple_be), "where": only(nouns.places())}),
        Pattern(
            1.5, where, where, {"subject": things(), "be": only(simple_be), "where": only(nouns.positions())}
        ),
        Pattern(
            1,
            compared,
            compared,
            {
                "subject": people,
                "be": only(simple_be),
                "than": only(nouns.comparisons("pred")),
                "other": others,
            },
        ),
    ]
    for kinds, weight in (
        ("vehicle", 1.0),
        ("clothing", 1.0),
        ("container", 0.6),
        ("served", 0.5),
        ("text", 0.6),
    ):
        if kinds == "served":
            who = only(plain_nouns(kinds, DEFINITE))
        else:
            who = (
                (3.0, plain_nouns(kinds, DEFINITE)),
                (1.5, plain_nouns(kinds, ("the", "this", *POSSESSIVES), plural=True)),
                (2.0, nouns.owned_nouns(kinds)),
            )
        patterns.append(
            Pattern(
                weight,
                rule,
                rule,
                {"subject": who, "be": only(simple_be), "what": only(nouns.predicates(kinds))},
            )
        )
    return patterns


def people_in_one_word() -> tuple:
    """Subjects that do not name a profession themselves."""
    return (
        (3.0, FIRST_PERSON),
        (2.0, SECOND_PERSON),
        (3.0, nouns.THIRD_PERSON),
        (3.0, nouns.NAMES),
        (4.0, plain_nouns("family", POSSESSIVES)),
    )


def _giving() -> list[Pattern]:
    to_noun = f"{{subject}} {{verb:subject}} {{object}} {{person}} {END}"
    to_pronoun = f"{{subject}} {{verb:subject}} {{object}} {END}"
    both_pronouns = f"{{subject}} {{verb:subject}} {END}"
    patterns = []
    for (person, weight, who), mode, negated in product(_subjects_by_person(), ALL_MODES, (False, True)):
        moods = mode.timed_negated if negated else mode.timed_plain
        nothing_else = verb_pool(GIVING_VERBS, *moods)
        if not nothing_else:
            continue
        what = definite_objects("portable") if negated else object_choices("portable", False)
        datives = clitics_for(person, DATIVE_CLITICS)
        doubles = clitics_for(person, DOUBLE_CLITICS)
        share = weight * mode.weight * (0.3 if negated else 0.7)
        slots = {"subject": who, "verb": only(nothing_else), "object": what}
        with_pronoun = {**slots, "verb": only(verb_pool(GIVING_VERBS, *moods, clitics=datives))}
        with_both = {"subject": who, "verb": only(verb_pool(GIVING_VERBS, *moods, clitics=doubles))}
        patterns += [
            Pattern(share * 0.4, to_noun, to_noun, {**slots, "person": only(nouns.recipients())}),
            Pattern(share * 0.4, to_pronoun, to_pronoun, with_pronoun),
            Pattern(share * 0.25, both_pronouns, both_pronouns, with_both),
        ]
    return patterns


def _orders() -> list[Pattern]:
    patterns = []
    for collocation in COLLOCATIONS:
        if not collocation.daily:
            continue
        for mood in ("plain", "not"):
            slots = {
                "verb": only(verbs.imperative_pool(collocation.verbs, mood)),
                "object": definite_objects(collocation.objects),
            }
            order = f"{{verb}} {{object}} {END}"
            please = f"{{verb}} {{object}} ,~comma please~please {END}"
            polite = f"{{verb}} {{object}} ,~comma s'~please il~please vous~please plaît~please {END}"
            patterns += [Pattern(0.4, order, order, slots), Pattern(0.6, please, polite, slots)]
    return patterns
