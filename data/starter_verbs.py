"""Verb groups of the starter corpus: tense, negation, adverbs and clitic pronouns, in all seven agreements.

Gold links: the main verb is linked with the main verb; an English auxiliary is linked with the French
auxiliary if both languages have one ("did not see" / "n'ai pas vu": did-ai), otherwise it stays unaligned and
both parts of the passé composé belong to the English verb ("saw" / "ai vu"). Both parts of a negation belong
to "not" or "never".
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from data.starter_lexicon import VERBS, Verb, french_plural
from data.starter_phrases import AGREEMENTS, ELLE, ELLES, IL, ILS, JE, NOUS, VOUS, Phrase, phrase

Table = tuple[Phrase, ...]  # one phrase for each agreement

FEMININE = (ELLE, ELLES)
PLURAL = (NOUS, ILS, ELLES)
# je, il, nous, vous, ils: the column of a present-tense table for each agreement
COLUMN = {JE: 0, IL: 1, ELLE: 1, NOUS: 2, VOUS: 3, ILS: 4, ELLES: 4}
_FUTURE_ENDINGS = ("ai", "a", "ons", "ez", "ont")
_ETRE_PRESENT = ("suis", "est", "sommes", "êtes", "sont")
_ETRE_PAST = ("étais", "était", "étions", "étiez", "étaient")
_ETRE_FUTURE = ("serai", "sera", "serons", "serez", "seront")
_MODALS = {
    "want": ("want", "wants", "to", ("veux", "veut", "voulons", "voulez", "veulent")),
    "can": ("can", "can", "", ("peux", "peut", "pouvons", "pouvez", "peuvent")),
    "must": ("must", "must", "", ("dois", "doit", "devons", "devez", "doivent")),
    "would like": ("like", "like", "to", ("voudrais", "voudrait", "voudrions", "voudriez", "voudraient")),
}
# mood -> (English before the verb, French after the finite verb, whether "ne" comes before it)
MOODS = {
    "plain": ("", "", False),
    "not": ("not~neg", "pas~neg", True),
    "never": ("never~neg", "jamais~neg", True),
    "no longer": ("no~neg longer~longer", "plus~longer", True),
    "often": ("often~adverb", "souvent~adverb", False),
    "always": ("always~adverb", "toujours~adverb", False),
    "already": ("already~adverb", "déjà~adverb", False),
}


class Clitic(NamedTuple):
    """Pronouns that follow the English verb and precede the French one."""

    english: str
    french: str
    direct: bool  # whether a past participle agrees with it
    feminine: bool = False
    plural: bool = False


DIRECT_CLITICS = {
    "me": Clitic("me~object", "me~object", True),
    "you": Clitic("you~object", "vous~object", True),
    "him": Clitic("him~object", "le~object", True),
    "her": Clitic("her~object", "la~object", True, feminine=True),
    "us": Clitic("us~object", "nous~object", True, plural=True),
    "them": Clitic("them~object", "les~object", True, plural=True),
}
DATIVE_CLITICS = {
    "me": Clitic("me~person", "me~person", False),
    "you": Clitic("you~person", "vous~person", False),
    "him": Clitic("him~person", "lui~person", False),
    "her": Clitic("her~person", "lui~person", False),
    "us": Clitic("us~person", "nous~person", False),
    "them": Clitic("them~person", "leur~person", False),
}


def _double_clitic(person: str) -> Clitic:
    """it to him: le lui, but it to me: me le."""
    dative = DATIVE_CLITICS[person]
    french = f"le~it {dative.french}" if person in ("him", "her", "them") else f"{dative.french} le~it"
    return Clitic(f"it~it to {dative.english}", french, True)


DOUBLE_CLITICS = {person: _double_clitic(person) for person in DATIVE_CLITICS}


def be_present(agreement: int) -> str:
    """am, is or are."""
    return {JE: "am", IL: "is", ELLE: "is"}.get(agreement, "are")


def be_past(agreement: int) -> str:
    """was or were."""
    return "was" if agreement in (JE, IL, ELLE) else "were"


def _third(agreement: int) -> bool:
    return agreement in (IL, ELLE)


def agree_participle(participle: str, feminine: bool, plural: bool) -> str:
    """vu, vue, vus, vues."""
    form = participle + "e" if feminine else participle
    return french_plural(form) if plural else form


def etre(tense: str, agreement: int) -> str:
    """être in the present, the past (imparfait) or the future."""
    forms = {"present": _ETRE_PRESENT, "past": _ETRE_PAST, "future": _ETRE_FUTURE}[tense]
    return forms[COLUMN[agreement]]


def join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _english(verb: Verb, tense: str, mood: str, agreement: int) -> str:
    """The English side up to the verb's particle."""
    before = MOODS[mood][0]
    negated = mood == "not"
    if tense == "present":
        if negated:
            return f"{'does' if _third(agreement) else 'do'} not~neg {verb.base}~verb"
        return join(before, f"{verb.third if _third(agreement) else verb.base}~verb")
    if tense == "progressive":
        return join(be_present(agreement), before, f"{verb.gerund}~verb")
    if tense == "past":
        if negated:
            return f"did~auxiliary not~neg {verb.base}~verb"
        if mood == "plain":
            return f"{verb.past}~verb"
        return join(
            f"{'has' if _third(agreement) else 'have'}~auxiliary", before, f"{verb.english_participle}~verb"
        )
    if tense == "near":
        return join(be_present(agreement), before, f"going~modal to {verb.base}~verb")
    if tense == "future":
        return join("will", before, f"{verb.base}~verb")
    if tense in ("asked", "asked past"):
        return f"{verb.base}~verb"
    if tense == "asked progressive":
        return f"{verb.gerund}~verb"
    return _english_modal(verb, tense, negated, agreement)


def _english_modal(verb: Verb, modal: str, negated: bool, agreement: int) -> str:
    base, third, to, _ = _MODALS[modal]
    rest = join(to, f"{verb.base}~verb")
    if modal == "want" and negated:
        return f"{'does' if _third(agreement) else 'do'} not~neg {base}~modal {rest}"
    if modal == "can" and negated:
        return f"cannot~modal~neg {rest}"
    if modal == "would like":
        return join("would", "not~neg" if negated else "", f"{base}~modal {rest}")
    return join(f"{third if _third(agreement) else base}~modal", "not~neg" if negated else "", rest)


def _french(
    verb: Verb, tense: str, mood: str, agreement: int, object_form: tuple[bool, bool]
) -> tuple[str, str]:
    """The finite verb and the rest; `object_form` is gender and number of a preceding direct object."""
    column = COLUMN[agreement]
    if tense in ("present", "progressive", "asked", "asked progressive"):
        return f"{verb.present[column]}~verb", ""
    if tense == "future":
        return f"{verb.future_stem}{_FUTURE_ENDINGS[column]}~verb", ""
    if tense in ("past", "asked past"):
        link = "verb" if mood == "plain" else "auxiliary"
        if verb.uses_etre:
            participle = agree_participle(verb.participle, agreement in FEMININE, agreement in PLURAL)
            return f"{_ETRE_PRESENT[column]}~{link}", f"{participle}~verb"
        auxiliary = VERBS["avoir"].present[column]
        return f"{auxiliary}~{link}", f"{agree_participle(verb.participle, *object_form)}~verb"
    if tense == "near":
        return f"{VERBS['aller'].present[column]}~modal", f"{verb.infinitive}~verb"
    return f"{_MODALS[tense][3][column]}~modal", f"{verb.infinitive}~verb"


def verb_group(
    verb: Verb,
    tense: str,
    mood: str,
    agreement: int,
    clitic: Clitic | None = None,
    relative_object: tuple[bool, bool] | None = None,
) -> Phrase:
    """One verb with everything that stands directly around it.

    Args:
        tense: "present", "progressive", "past", "near" (be going to), "future", a modal ("want", "can",
            "must", "would like"), or "asked", "asked progressive", "asked past": the English side is then
            what follows the subject in a question.
        mood: "plain", "not", "never", "no longer", "often", "always" or "already".
        clitic: an object pronoun.
        relative_object: (feminine, plural) of a relative pronoun "que" that is the object.
    """
    object_form = (False, False)
    if clitic is not None and clitic.direct:
        object_form = (clitic.feminine, clitic.plural)
    if relative_object is not None:
        object_form = relative_object
    finite, rest = _french(verb, tense, mood, agreement, object_form)
    pronouns = clitic.french if clitic else ""
    has_infinitive = tense == "near" or tense in _MODALS
    _, after_finite, negated = MOODS[mood]
    return phrase(
        join(_english(verb, tense, mood, agreement), verb.particle, clitic.english if clitic else ""),
        join(
            "ne~neg" if negated else "",
            "" if has_infinitive else pronouns,
            finite,
            after_finite,
            pronouns if has_infinitive else "",
            rest,
        ),
    )


@cache
def verb_table(verb: Verb, tense: str, mood: str, clitic: Clitic | None = None) -> Table:
    """The verb group in all agreements of the subject."""
    return tuple(verb_group(verb, tense, mood, agreement, clitic) for agreement in AGREEMENTS)


@cache
def relative_verb_table(verb: Verb, tense: str) -> tuple[Table, ...]:
    """The verb of an object relative clause: [subject's agreement][head noun's agreement]."""
    return tuple(
        tuple(
            verb_group(verb, tense, "plain", subject, relative_object=(head in FEMININE, head in PLURAL))
            for head in AGREEMENTS
        )
        for subject in AGREEMENTS
    )


def can_be(verb: Verb, tense: str) -> bool:
    """Whether people use the verb in this tense, and the table has the forms for it."""
    if tense in ("present", "asked"):
        return bool(verb.present)
    if tense in ("progressive", "asked progressive"):
        return bool(verb.present) and "stative" not in verb.traits
    if tense == "future":
        return bool(verb.future_stem)
    return True


def reads_as_present(verb: Verb, tense: str, mood: str) -> bool:
    """Whether the English past looks like the present ("you read"), so that it has two translations."""
    return "past-like-present" in verb.traits and (tense, mood) == ("past", "plain")


def verb_pool(
    infinitives: str, *modes: tuple[str, str], clitics: tuple[Clitic | None, ...] = (None,)
) -> tuple[Table, ...]:
    """All verb groups of some verbs (French infinitives) in some modes (tense, mood)."""
    return tuple(
        verb_table(VERBS[infinitive], tense, mood, clitic)
        for tense, mood in modes
        for infinitive in infinitives.split()
        if can_be(VERBS[infinitive], tense) and not reads_as_present(VERBS[infinitive], tense, mood)
        for clitic in clitics
    )


@cache
def copula_table(tense: str, mood: str) -> Table:
    """be / être: "is not" / "n'est pas"; "asked" leaves the English side to the question rule."""
    before, after, negated = MOODS[mood]
    tables = []
    for agreement in AGREEMENTS:
        if tense == "future":
            english = join("will", before, "be~verb")
        else:
            be = be_present(agreement) if tense == "present" else be_past(agreement)
            english = join(f"{be}~verb", before)
        tables.append(
            phrase(english, join("ne~neg" if negated else "", f"{etre(tense, agreement)}~verb", after))
        )
    return tuple(tables)


def copula_pool(*modes: tuple[str, str]) -> tuple[Table, ...]:
    """be / être in some modes (tense, mood)."""
    return tuple(copula_table(tense, mood) for tense, mood in modes)


@cache
def infinitive_pool(infinitives: str, clitics: tuple[Clitic | None, ...] = (None,)) -> tuple[Phrase, ...]:
    """Bare infinitives: "see him" / "le voir"."""
    return tuple(
        phrase(
            join(f"{verb.base}~verb", verb.particle, clitic.english if clitic else ""),
            join(clitic.french if clitic else "", f"{verb.infinitive}~verb"),
        )
        for verb in (VERBS[infinitive] for infinitive in infinitives.split())
        for clitic in clitics
    )


@cache
def imperative_pool(infinitives: str, mood: str) -> tuple[Phrase, ...]:
    """Orders, in the polite form: "open" / "ouvrez", "do not open" / "n'ouvrez pas"."""
    negated = mood == "not"
    return tuple(
        phrase(
            join("do not~neg" if negated else "", f"{verb.base}~verb", verb.particle),
            join(
                "ne~neg" if negated else "",
                f"{verb.present[COLUMN[VOUS]]}~verb",
                "pas~neg" if negated else "",
            ),
        )
        for verb in (VERBS[infinitive] for infinitive in infinitives.split())
    )
