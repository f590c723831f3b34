"""Patterns of the starter corpus for what English and French say in different ways."""

from __future__ import annotations

from functools import cache
from itertools import product

from data import starter_nouns as nouns
from data import starter_verbs as verbs
from data.starter_lexicon import NUMBERS, VERBS
from data.starter_nouns import DEFINITE, EVERYBODY, POSSESSIVES, Pool, plain_nouns
from data.starter_patterns import Pattern, only, scaled
from data.starter_phrases import AGREEMENTS, ELLE, IL, phrase
from data.starter_pools import COLLOCATIONS, definite_objects, indefinite_objects, subjects
from data.starter_statements import COPULA_NEGATED, COPULA_PLAIN, END, people_in_one_word
from data.starter_verbs import COLUMN, DIRECT_CLITICS, MOODS, Table, be_past, be_present, join, verb_pool

_AVOIR_PAST = ("avais", "avait", "avions", "aviez", "avaient")
_FEELINGS = (("hungry", "faim"), ("thirsty", "soif"), ("right", "raison"), ("afraid", "peur"))
_WEATHER = (
    ("is raining~w", "pleut~w"),
    ("is snowing~w", "neige~w"),
    ("is not~n raining~w", "ne~n pleut~w pas~n"),
    ("is not~n snowing~w", "ne~n neige~w pas~n"),
    ("is~is cold~w", "fait~is froid~w"),
    ("is~is hot~w", "fait~is chaud~w"),
    ("was~is cold~w", "faisait~is froid~w"),
    ("was~is hot~w", "faisait~is chaud~w"),
)


def idiom_patterns() -> list[Pattern]:
    """Every idiomatic pattern, with its weight in percent of the corpus."""
    return scaled([*_avoir_idioms(), *_there_is(), *_others()], 6)


@cache
def experience_table(english: str, french: str, tense: str, mood: str) -> Table:
    """be hungry / avoir faim; `english` and `french` are rules for what follows the verb."""
    before, after, negated = MOODS[mood]
    forms = VERBS["avoir"].present if tense == "present" else _AVOIR_PAST
    be = be_present if tense == "present" else be_past
    return tuple(
        phrase(
            join(f"{be(agreement)}~verb", before, english),
            join("ne~neg" if negated else "", f"{forms[COLUMN[agreement]]}~verb", after, french),
        )
        for agreement in AGREEMENTS
    )


@cache
def _needs() -> tuple[Table, ...]:
    """need / avoir besoin de, with its object, because "de" contracts with the article."""
    things = plain_nouns("portable vehicle", DEFINITE[:4]) + plain_nouns("portable vehicle", ("a",))
    tables = []
    for mood, thing in ((mood, thing) for mood in ("plain", "not", "no longer") for thing in things):
        before, after, negated = MOODS[mood]
        table = []
        for agreement in AGREEMENTS:
            third = agreement in (IL, ELLE)
            if mood == "not":
                english = f"{'does' if third else 'do'} not~neg need~verb"
            else:
                english = join(before, f"{'needs' if third else 'need'}~verb")
            avoir = VERBS["avoir"].present[COLUMN[agreement]]
            french = join("ne~neg" if negated else "", f"{avoir}~verb", after, "besoin~verb de~verb {thing}")
            table.append(phrase(f"{english} {{thing}}", french, thing=thing))
        tables.append(tuple(table))
    return tuple(tables)


@cache
def _nobody() -> Pool:
    """nobody knows him / personne ne le connaît: "ne" without "pas"."""
    rules = []
    verbs_seen = ("connaître", "voir", "aider", "attendre", "écouter", "regarder", "chercher", "inviter")
    for infinitive, clitic in product(verbs_seen, DIRECT_CLITICS.values()):
        verb = VERBS[infinitive]
        english = join(verb.particle, clitic.english)
        if verb.present:
            french = f"personne~nobody ne~nobody {clitic.french} {verb.present[1]}~verb"
            rules.append((f"nobody~nobody {verb.third}~verb {english}", french))
        if infinitive != "connaître":
            participle = verbs.agree_participle(verb.participle, clitic.feminine, clitic.plural)
            french = f"personne~nobody ne~nobody {clitic.french} a~verb {participle}~verb"
            rules.append((f"nobody~nobody {verb.past}~verb {english}", french))
    return tuple(phrase(*rule) for rule in rules)


def _avoir_idioms() -> list[Pattern]:
    """be hungry / avoir faim, be ten years old / avoir dix ans, need / avoir besoin de."""
    moods = (*COPULA_PLAIN[:2], *COPULA_NEGATED, ("present", "never"), ("present", "always"))
    feelings = tuple(
        experience_table(f"{english}~f", f"{french}~f", tense, mood)
        for english, french in _FEELINGS
        for tense, mood in moods
    )
    ages = tuple(
        experience_table(f"{english}~n years~y old", f"{french}~n ans~y", tense, "plain")
        for english, french in NUMBERS.values()
        for tense in ("present", "past")
    )
    young = (*people_in_one_word()[:-1], (4.0, plain_nouns("sibling", POSSESSIVES)))
    rule = f"{{subject}} {{is:subject}} {END}"
    return [
        Pattern(1.2, rule, rule, {"subject": subjects(), "is": only(feelings)}),
        Pattern(1.0, rule, rule, {"subject": young, "is": only(ages)}),
        Pattern(1.2, rule, rule, {"subject": subjects(), "is": only(_needs())}),
    ]


def _there_is() -> list[Pattern]:
    english = f"there~there {{is}} {{thing}} {{where}} {END}"
    french = f"il~there y~there {{is}} {{thing}} {{where}} {END}"
    singular = only((phrase("is~is", "a~is"), phrase("was~is", "avait~is")))
    plural = only((phrase("are~is", "a~is"), phrase("were~is", "avait~is")))
    crowd = plain_nouns("person animal", ("some", "several", "many", "two", "three"), plural=True)
    thing = only(indefinite_objects("portable text")[0][1])
    return [
        Pattern(0.7, english, french, {"is": singular, "thing": thing, "where": only(nouns.positions())}),
        Pattern(0.5, english, french, {"is": plural, "thing": only(crowd), "where": only(nouns.places())}),
    ]


def _others() -> list[Pattern]:
    """nobody, everybody, the weather, and what one likes in general."""
    acting = f"{{subject}} {{verb:subject}} {{object}} {END}"
    everybody = [
        Pattern(
            0.12,
            acting,
            acting,
            {
                "subject": only(EVERYBODY),
                "verb": only(verb_pool(collocation.verbs, ("present", "plain"), ("past", "plain"))),
                "object": definite_objects(collocation.objects),
            },
        )
        for collocation in COLLOCATIONS
        if collocation.daily
    ]
    like = only(verb_pool("aimer", ("present", "plain"), ("present", "not"), ("present", "no longer")))
    thing = only(nouns.generic_nouns("mass_food drink"))
    weather = only(tuple(phrase(*rules) for rules in _WEATHER))
    liking = f"{{subject}} {{like:subject}} {{thing}} {END}"
    return [
        *everybody,
        Pattern(0.6, f"{{nobody}} {END}", f"{{nobody}} {END}", {"nobody": only(_nobody())}),
        Pattern(
            0.5,
            f"it~it {{weather}} {{where}} {END}",
            f"il~it {{weather}} {{where}} {END}",
            {"weather": weather, "where": only(nouns.towns() + nouns.homes()[-2:])},
        ),
        Pattern(0.8, liking, liking, {"subject": subjects(), "like": like, "thing": thing}),
    ]
