"""Sentences of two clauses of the starter corpus: relative clauses, that, because, when, and, but."""

from __future__ import annotations

from data import starter_nouns as nouns
from data import starter_verbs as verbs
from data.starter_lexicon import VERBS
from data.starter_nouns import described_nouns, plain_nouns
from data.starter_patterns import Pattern, only, scaled
from data.starter_phrases import phrase
from data.starter_pools import (
    COLLOCATIONS,
    HABIT,
    definite_objects,
    definite_people,
    short_subjects,
    subjects,
    times,
    verbs_of,
)
from data.starter_statements import COPULA_NEGATED, COPULA_PLAIN, END
from data.starter_verbs import verb_pool


def clause_patterns() -> list[Pattern]:
    """Every pattern of two clauses, with its weight in percent of the corpus."""
    return [*scaled(_relative(), 7), *scaled(_joined(), 9)]


def _relative() -> list[Pattern]:
    simple_be = only(verbs.copula_pool(*COPULA_PLAIN[:2], *COPULA_NEGATED))
    who = f"{{head}} who~who {{verb:head}} {{where}} {{be:head}} {{what:head}} {END}"
    qui = f"{{head}} qui~who {{verb:head}} {{where}} {{be:head}} {{what:head}} {END}"
    actions = only(
        verb_pool("travailler dormir chanter danser", ("progressive", "plain"), ("present", "plain"))
    )
    acting = {
        "head": definite_people(),
        "verb": actions,
        "where": only(nouns.places()),
        "be": simple_be,
        "what": only(nouns.predicates("pred")),
    }
    known = f"{{subject}} {{knows:subject}} {{head}} who~who {{verb:head}} {{where}} {END}"
    known_french = f"{{subject}} {{knows:subject}} {{head}} qui~who {{verb:head}} {{where}} {END}"
    knowing = {
        "subject": subjects(),
        "knows": only(
            verb_pool("connaître voir", ("present", "plain")) + verb_pool("rencontrer", ("past", "plain"))
        ),
        "head": definite_people(),
        "verb": actions,
        "where": only(nouns.places()),
    }
    patterns = [Pattern(1.5, who, qui, acting), Pattern(1.5, known, known_french, knowing)]
    for bought, kinds, quality in (
        ("acheter vendre prendre", "clothing", "clothing"),
        ("acheter vendre réparer laver", "vehicle", "vehicle"),
        ("écrire prendre", "writing", "text"),
    ):
        verb = only(
            tuple(verbs.relative_verb_table(VERBS[infinitive], "past") for infinitive in bought.split())
        )
        heads = (
            (2.0, plain_nouns(kinds, ("the", "this"))),
            (1.0, described_nouns(kinds, ("the", "this"))),
            (1.0, plain_nouns(kinds, ("the", "this"), plural=True)),
        )
        slots = {"head": heads, "subject": short_subjects(), "verb": verb}
        quality_slots = {**slots, "be": simple_be, "what": only(nouns.predicates(quality))}
        patterns += [
            Pattern(
                0.6,
                f"{{head}} that~that {{subject}} {{verb:subject,head}} {{be:head}} {{what:head}} {END}",
                f"{{head}} que~that {{subject}} {{verb:subject,head}} {{be:head}} {{what:head}} {END}",
                quality_slots,
            ),
            Pattern(
                0.4,
                f"here~here is {{head}} that~that {{subject}} {{verb:subject,head}} {END}",
                f"voici~here {{head}} que~that {{subject}} {{verb:subject,head}} {END}",
                {**slots, "head": heads[:2]},
            ),
        ]
    return patterns


def _joined() -> list[Pattern]:
    """Two clauses: that, because, when, if, and, but."""
    saying = only(verb_pool("penser dire savoir", ("present", "plain")))
    state = {
        "be": only(verbs.copula_pool(("present", "plain"), ("present", "not"))),
        "what": only(nouns.predicates("pred")),
    }
    inner = short_subjects()
    first = "{subject} {verb:subject}"
    second = "{other} {be:other} {what:other}"
    that = f"{first} that~that {second} {END}"
    que = f"{first} que~that {second} {END}"
    joints = only((phrase("because~b", "parce~b que~b"), phrase("when~b", "quand~b")))
    said = {
        "subject": subjects(),
        "verb": only(verb_pool("dire", ("past", "plain"), ("past", "not"))),
        "other": inner,
        "be": only(verbs.copula_pool(("past", "plain"), ("past", "not"))),
        "what": only(nouns.predicates("pred")),
    }
    patterns = [
        Pattern(2.5, that, que, {"subject": subjects(), "verb": saying, "other": inner, **state}),
        Pattern(1, that, que, said),
    ]
    done = only(verb_pool("venir partir arriver", ("past", "plain")))
    patterns.append(
        Pattern(
            1.5,
            f"{first} that~that {{other}} {{done:other}} {{when}} {END}",
            f"{first} que~that {{other}} {{done:other}} {{when}} {END}",
            {
                "subject": subjects(),
                "verb": saying,
                "other": inner,
                "done": only(verb_pool("venir partir arriver", ("future", "plain"), ("future", "not"))),
                "when": times("future"),
            },
        )
    )
    mood = {**state, "what": only(nouns.predicates("state"))}
    joined = f"{first} {{object}} {{joint}} {second} {END}"
    but = f"{first} {{object}} ,~comma but~but {second} {END}"
    mais = f"{first} {{object}} ,~comma mais~but {second} {END}"
    for collocation in COLLOCATIONS:
        if collocation.daily:
            slots = {
                "subject": short_subjects(),
                "verb": only(verbs_of(collocation, HABIT, negated=False, timed=False)),
                "object": definite_objects(collocation.objects),
                "other": inner,
                **mood,
            }
            patterns += [
                Pattern(0.3, joined, joined, {**slots, "joint": joints}),
                Pattern(0.15, but, mais, slots),
            ]
    when = f"{{when}} ,~comma {{other}} {{done:other}} and~and {{subject}} {{verb:subject}} {END}"
    et = f"{{when}} ,~comma {{other}} {{done:other}} et~and {{subject}} {{verb:subject}} {END}"
    patterns.append(
        Pattern(
            0.8,
            when,
            et,
            {
                "when": times("past"),
                "other": inner,
                "done": done,
                "subject": inner,
                "verb": only(
                    verb_pool("dormir travailler chanter danser", ("past", "plain"), ("past", "not"))
                ),
            },
        )
    )
    return patterns
