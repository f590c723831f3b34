"""Questions of the starter corpus.

Gold links: "est-ce que" belongs to the English verb that comes first ("do", "is", "was"); in an inversion
("pouvez-vous") the one French word belongs to both English words.
"""

from __future__ import annotations

from data import starter_nouns as nouns
from data import starter_verbs as verbs
from data.starter_nouns import FIRST_PERSON, NAMES, SECOND_PERSON, THIRD_PERSON, plain_nouns
from data.starter_patterns import Pattern, only, scaled
from data.starter_phrases import AGREEMENTS, ELLE, IL, phrase
from data.starter_pools import (
    COLLOCATIONS,
    HABIT,
    PAST,
    Weighted,
    asked_subjects,
    definite_objects,
    indefinite_objects,
    noun_subjects,
    things,
    times,
)
from data.starter_verbs import (
    DATIVE_CLITICS,
    DIRECT_CLITICS,
    Table,
    be_past,
    be_present,
    etre,
    verb_pool,
)

END = "?~end"
_ASKED = (
    ("asked", tuple("does" if agreement in (IL, ELLE) else "do" for agreement in AGREEMENTS), "habit"),
    ("asked progressive", tuple(be_present(agreement) for agreement in AGREEMENTS), "now"),
    ("asked past", ("did",) * 7, "past"),
)
PRONOUNS: Weighted = ((0.5, FIRST_PERSON), (5.0, SECOND_PERSON), (5.0, THIRD_PERSON))


def question_patterns() -> list[Pattern]:
    """Every question, with its weight in percent of the corpus."""
    return [
        *scaled(_yes_or_no(), 6),
        *scaled(_being(), 3),
        *scaled(_where_when_why(), 4),
        *scaled(_who_and_what(), 3),
        *scaled(_requests(), 3),
    ]


def _asking(auxiliaries: tuple[str, ...]) -> Weighted:
    """do, does / est-ce que, by agreement of the subject."""
    return only((tuple(phrase(f"{word}~do", "est-ce~do que~do") for word in auxiliaries),))


def _silent(auxiliaries: tuple[str, ...]) -> Weighted:
    """do, does / nothing, where French inverts."""
    return only((tuple(phrase(word, "") for word in auxiliaries),))


def _yes_or_no() -> list[Pattern]:
    patterns = []
    rule = f"{{do:subject}} {{subject}} {{verb:subject}} {{object}} {END}"
    timed_rule = f"{{do:subject}} {{subject}} {{verb:subject}} {{object}} {{when}} {END}"
    short_rule = f"{{do:subject}} {{subject}} {{verb:subject}} {{where}} {END}"
    for tense, auxiliaries, time in _ASKED:
        do = _asking(auxiliaries)
        for collocation in COLLOCATIONS:
            if tense == "asked" and not collocation.daily and HABIT in collocation.modes[1:]:
                continue
            verb = verb_pool(collocation.verbs, (tense, "plain"))
            if not verb or (tense == "asked past" and PAST not in collocation.modes):
                continue
            choices = (*definite_objects(collocation.objects), *indefinite_objects(collocation.objects))
            slots = {"do": do, "subject": asked_subjects(), "verb": only(verb), "object": choices}
            patterns.append(Pattern(collocation.weight, rule, rule, slots))
            if collocation.daily:
                timed = {**slots, "when": times(time)}
                patterns.append(Pattern(collocation.weight * 0.4, timed_rule, timed_rule, timed))
        verb = verb_pool("dormir travailler chanter danser", (tense, "plain"))
        slots = {"do": do, "subject": asked_subjects(), "verb": only(verb), "where": only(nouns.places())}
        patterns.append(Pattern(1.5, short_rule, short_rule, slots))
    return patterns


def _being() -> list[Pattern]:
    """Is she tired? / Est-ce qu'elle est fatiguée ?"""
    rule = f"{{be:subject}} {{subject}} {{what:subject}} {END}"
    french = f"est-ce~@be que~@be {{subject}} {{be:subject}} {{what:subject}} {END}"
    where = f"{{be:subject}} {{subject}} {{where}} {END}"
    where_french = f"est-ce~@be que~@be {{subject}} {{be:subject}} {{where}} {END}"
    be = only(verbs.copula_pool(("present", "plain"), ("past", "plain")))
    people = asked_subjects()
    return [
        Pattern(2, rule, french, {"be": be, "subject": people, "what": only(nouns.predicates("pred"))}),
        Pattern(1, where, where_french, {"be": be, "subject": people, "where": only(nouns.places())}),
        Pattern(1, where, where_french, {"be": be, "subject": things(), "where": only(nouns.positions())}),
    ]


def _where_when_why() -> list[Pattern]:
    patterns = []
    movers = "travailler dormir aller chanter"
    for tense, auxiliaries, _ in _ASKED:
        do, silent = _asking(auxiliaries), _silent(auxiliaries)
        moving = only(verb_pool(movers + (" habiter" if tense == "asked" else ""), (tense, "plain")))
        leaving = only(verb_pool("arriver partir venir", (tense, "plain")))
        for word, mot, verb in (
            ("where", "où", moving),
            ("when", "quand", leaving),
            ("why", "pourquoi", leaving),
        ):
            rule = f"{word}~wh {{do:subject}} {{subject}} {{verb:subject}} {END}"
            french = f"{mot}~wh {{do:subject}} {{subject}} {{verb:subject}} {END}"
            patterns.append(Pattern(1, rule, french, {"do": do, "subject": PRONOUNS, "verb": verb}))
            if word != "why":
                inverted = f"{mot}~wh {{verb:subject}} {{subject}} {END}"
                slots = {"do": silent, "subject": noun_subjects(), "verb": verb}
                patterns.append(Pattern(1.5, rule, inverted, slots))
    patterns += _where_is()
    return patterns


def _where_is() -> list[Pattern]:
    be = only(
        tuple(
            tuple(phrase(f"{be(agreement)}~be", f"{etre(tense, agreement)}~be") for agreement in AGREEMENTS)
            for be, tense in ((be_present, "present"), (be_past, "past"))
        )
    )
    rule = f"where~wh {{be:subject}} {{subject}} {END}"
    french = f"où~wh {{be:subject}} {{subject}} {END}"
    landmarks = plain_nouns("landmark sight", ("the", "this"))
    places: Weighted = ((2.0, landmarks), (1.0, NAMES), *things(), *noun_subjects())
    time = f"what~what time~time {{do:subject}} {{subject}} {{verb:subject}} {END}"
    heure = f"à~time quelle~what heure~time {{verb:subject}} {{subject}} {END}"
    riders: Weighted = (
        (2.0, plain_nouns("transport", ("the", "this", "our", "your", "my"))),
        *noun_subjects(),
    )
    patterns = [Pattern(3, rule, french, {"be": be, "subject": places})]
    for tense, auxiliaries, _ in (_ASKED[0], _ASKED[2]):
        verb = only(verb_pool("arriver partir", (tense, "plain")))
        patterns.append(
            Pattern(1, time, heure, {"do": _silent(auxiliaries), "subject": riders, "verb": verb})
        )
    return patterns


def _in_third_person(tables: tuple[Table, ...]) -> Weighted:
    return only(tuple(table[IL] for table in tables))


def _who_and_what() -> list[Pattern]:
    patterns = []
    for collocation in COLLOCATIONS:
        verb = verb_pool(collocation.verbs, ("progressive", "plain"), ("past", "plain"))
        if PAST not in collocation.modes:
            continue
        rule = f"who~who {{verb}} {{object}} {END}"
        french = f"qui~who {{verb}} {{object}} {END}"
        what = definite_objects(collocation.objects)
        patterns.append(Pattern(0.3, rule, french, {"verb": _in_third_person(verb), "object": what}))
    actions = {
        "asked": "lire écrire manger boire acheter vendre prendre vouloir préparer",
        "asked progressive": "lire écrire manger boire acheter préparer réparer chercher",
        "asked past": "lire écrire manger boire acheter perdre oublier trouver",
    }
    for tense, auxiliaries, time in _ASKED:
        acting = only(verb_pool(actions[tense], (tense, "plain")))
        slots = {"do": _asking(auxiliaries), "subject": asked_subjects(), "verb": acting}
        rule = f"what~what {{do:subject}} {{subject}} {{verb:subject}} {END}"
        french = f"qu'~what {{do:subject}} {{subject}} {{verb:subject}} {END}"
        timed = f"what~what {{do:subject}} {{subject}} {{verb:subject}} {{when}} {END}"
        timed_french = f"qu'~what {{do:subject}} {{subject}} {{verb:subject}} {{when}} {END}"
        patterns += [
            Pattern(1, rule, french, slots),
            Pattern(1, timed, timed_french, {**slots, "when": times(time)}),
        ]
    return [*patterns, *_how_many()]


def _how_many() -> list[Pattern]:
    """How many brothers do you have? / Combien de frères avez-vous ?"""
    inverted = (
        ("do~do you~you have~have", "avez-vous~you~have"),
        ("does~do he~you have~have", "a-t-il~you~have"),
        ("does~do she~you have~have", "a-t-elle~you~have"),
        ("do~do they~you have~have", "ont-ils~you~have"),
    )
    counted = tuple(
        phrase(f"how~how many~many {plural}~noun", f"combien~many de~many {french}~noun")
        for plural, french in (
            (noun.plural, noun.french_plural)
            for noun in nouns.nouns_of("sibling", "associate", "animal", "text", "vehicle", "portable")
        )
    )
    have = tuple(phrase(*rules) for rules in inverted)
    rule = f"{{counted}} {{have}} {END}"
    return [Pattern(1, rule, rule, {"counted": only(counted), "have": only(have)})]


def _requests() -> list[Pattern]:
    """Can you help me? / Pouvez-vous m'aider ? and the like."""
    asking = only(
        (
            phrase("can~can you~you", "pouvez-vous~can~you"),
            phrase("can~can he~you", "peut-il~can~you"),
            phrase("can~can she~you", "peut-elle~can~you"),
            phrase("can~can they~you", "peuvent-ils~can~you"),
        )
    )
    me = tuple(clitic for key, clitic in DIRECT_CLITICS.items() if key in ("me", "us", "him", "her", "them"))
    to_me = tuple(
        clitic for key, clitic in DATIVE_CLITICS.items() if key in ("me", "us", "him", "her", "them")
    )
    helping = verbs.infinitive_pool("aider attendre écouter inviter", me)
    giving = verbs.infinitive_pool("donner envoyer montrer prêter", to_me)
    rule = f"{{can}} {{verb}} {END}"
    timed = f"{{can}} {{verb}} {{when}} {END}"
    with_object = f"{{can}} {{verb}} {{object}} {END}"
    patterns = [
        Pattern(0.6, rule, rule, {"can": asking, "verb": only(helping)}),
        Pattern(1, timed, timed, {"can": asking, "verb": only(helping), "when": times("future")}),
        Pattern(
            1,
            with_object,
            with_object,
            {"can": asking, "verb": only(giving), "object": definite_objects("portable")},
        ),
    ]
    for collocation in COLLOCATIONS:
        if collocation.daily:
            slots = {
                "can": asking,
                "verb": only(verbs.infinitive_pool(collocation.verbs)),
                "object": definite_objects(collocation.objects),
            }
            patterns.append(Pattern(0.3, with_object, with_object, slots))
    return patterns
