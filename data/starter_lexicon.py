"""The words of the starter corpus, as tables, and the inflections that are regular enough to be rules."""

# ruff: noqa: E501 (a row of a table is one line)

from __future__ import annotations

from typing import NamedTuple


class Noun(NamedTuple):
    """A noun; `feminine` is the gender of the French word; `kinds` say what it can be used for."""

    singular: str
    plural: str
    french: str
    french_plural: str
    feminine: bool
    kinds: frozenset[str]


class Adjective(NamedTuple):
    """An adjective. `masculine_before_vowel` is the euphonic form ("bel", "nouvel", "vieil")."""

    english: str
    masculine: str
    feminine: str
    masculine_before_vowel: str
    precedes_noun: bool
    describes: frozenset[str]

    def agree(self, feminine: bool, plural: bool) -> str:
        """The French form for a gender and a number."""
        if feminine:
            return self.feminine + "s" if plural else self.feminine
        return french_plural(self.masculine) if plural else self.masculine


class Verb(NamedTuple):
    """A verb; `present` is je, il, nous, vous, ils; `particle` is the preposition of "look for"."""

    base: str
    third: str
    past: str
    gerund: str
    english_participle: str
    particle: str
    infinitive: str
    present: tuple[str, ...]
    future_stem: str
    participle: str
    uses_etre: bool
    traits: frozenset[str]


def english_plural(noun: str) -> str:
    """Regular English plural of a noun."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def french_plural(word: str) -> str:
    """Regular French plural of a noun or of a masculine adjective, with -eau/-eaux and -al/-aux."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith(("eau", "œu")):
        return word + "x"
    if word.endswith("al"):
        return word[:-1] + "ux"
    return word + "s"


# english (or singular/plural) | french | gender | kinds
_NOUNS = """
man/men | homme | m | person adult
woman/women | femme | f | person adult
boy | garçon | m | person
girl | fille | f | person
child/children | enfant | m | person
friend | ami | m | adult associate companion
neighbour | voisin | m | person adult associate companion
doctor | médecin | m | person adult associate profession
lawyer | avocat | m | person adult associate profession
teacher | professeur | m | person adult associate profession
student | étudiant | m | person adult profession
nurse | infirmière | f | person adult
actress | actrice | f | person adult
baker | boulanger | m | person adult profession
engineer | ingénieur | m | person adult profession
hero/heroes | héros | m | person adult
mother | mère | f | family
father | père | m | family
brother | frère | m | family sibling
sister | sœur | f | family sibling
son | fils | m | family
daughter | fille | f | family
aunt | tante | f | family
uncle | oncle | m | family
cousin | cousin | m | family sibling
grandmother | grand-mère | f | family
grandfather | grand-père | m | family
dog | chien | m | animal
cat | chat | m | animal
horse | cheval | m | animal
bird | oiseau | m | animal
cow | vache | f | animal
book | livre | m | text writing
letter | lettre | f | text writing
newspaper | journal | m | text
story | histoire | f | text writing
poem | poème | m | text writing
key | clé | f | portable
bag | sac | m | portable container
umbrella | parapluie | m | portable
coat | manteau | m | portable clothing
hat | chapeau | m | portable clothing
shirt | chemise | f | portable clothing
dress | robe | f | portable clothing
watch | montre | f | portable machine
phone | téléphone | m | portable machine
computer | ordinateur | m | portable machine
gift | cadeau | m | portable
suitcase | valise | f | portable container openable
box | boîte | f | container openable
door | porte | f | openable
window | fenêtre | f | openable
table | table | f | furniture
chair | chaise | f | furniture
bed | lit | m | furniture
car | voiture | f | vehicle machine
bicycle | vélo | m | vehicle machine
boat | bateau | m | vehicle machine
train | train | m | transport
bus | bus | m | transport
plane | avion | m | transport
house | maison | f | house
castle | château | m | sight
church | église | f | sight
museum | musée | m | sight
village | village | m | sight village
apple | pomme | f | food
cake | gâteau | m | food dish
egg | œuf | m | food
orange | orange | f | food
bread | pain | m | mass_food
soup | soupe | f | mass_food mass_dish served
cheese | fromage | m | mass_food
meat | viande | f | mass_food
rice | riz | m | mass_food mass_dish served
water | eau | f | drink
milk | lait | m | drink served
coffee | café | m | drink mass_dish served
tea | thé | m | drink mass_dish served
wine | vin | m | drink
money | argent | m | money
garden | jardin | m | inside
kitchen | cuisine | f | inside
park | parc | m | inside destination
street | rue | f | inside street
station | gare | f | at destination landmark landmark_front
market | marché | m | at destination landmark landmark_front
hospital | hôpital | m | at destination landmark landmark_front
hotel | hôtel | m | at destination landmark landmark_front
airport | aéroport | m | at destination
restaurant | restaurant | m | at destination landmark landmark_front
library | bibliothèque | f | at destination landmark landmark_front
office | bureau | m | at destination
beach | plage | f | at destination
river | rivière | f | landmark
bridge | pont | m | landmark
"""

# english | masculine feminine [euphonic] | before/after | what it describes (pred: what a person can be)
_ADJECTIVES = """
young | jeune jeune | before | person pred
old | vieux vieille vieil | before | adult animal vehicle house sight clothing pred
tall | grand grande | before | person pred
big | grand grande | before | house furniture container vehicle
small | petit petite | before | animal house furniture container vehicle clothing
beautiful | beau belle bel | before | house animal clothing text sight
new | nouveau nouvelle nouvel | before | machine text clothing associate furniture
good | bon bonne | before | text profession food
pretty | joli jolie | before | clothing
long | long longue | before | text
red | rouge rouge | after | vehicle clothing furniture container openable
blue | bleu bleue | after | vehicle clothing furniture container openable
green | vert verte | after | vehicle clothing furniture container openable
black | noir noire | after | animal vehicle clothing container
white | blanc blanche | after | animal vehicle clothing house
expensive | cher chère | after | machine clothing
heavy | lourd lourde | after | container furniture
interesting | intéressant intéressante | after | text sight
famous | célèbre célèbre | after | profession sight pred
rich | riche riche | after | adult pred
intelligent | intelligent intelligente | after | person pred
French | français française | after | person text pred
English | anglais anglaise | after | person text pred
tired | fatigué fatiguée | after | pred state
ill | malade malade | after | pred state
happy | heureux heureuse | after | pred state
sad | triste triste | after | pred state
ready | prêt prête | after | pred state
kind | gentil gentille | after | pred
hot | chaud chaude | after | served
cold | froid froide | after | served
"""

# base third past gerund participle [+particle] | infinitive | je il nous vous ils | future stem | participle | traits
_VERBS = """
see sees saw seeing seen | voir | vois voit voyons voyez voient | - | vu | stative
help helps helped helping helped | aider | aide aide aidons aidez aident | aider | aidé |
know knows knew knowing known | connaître | connais connaît connaissons connaissez connaissent | - | connu | stative
invite invites invited inviting invited | inviter | - | - | invité |
meet meets met meeting met | rencontrer | - | - | rencontré |
thank thanks thanked thanking thanked | remercier | - | - | remercié |
wait waits waited waiting waited +for | attendre | attends attend attendons attendez attendent | - | attendu |
listen listens listened listening listened +to | écouter | écoute écoute écoutons écoutez écoutent | - | écouté |
look looks looked looking looked +at | regarder | regarde regarde regardons regardez regardent | - | regardé |
look looks looked looking looked +for | chercher | cherche cherche cherchons cherchez cherchent | - | cherché |
like likes liked liking liked | aimer | aime aime aimons aimez aiment | - | aimé | stative
find finds found finding found | trouver | - | - | trouvé |
lose loses lost losing lost | perdre | - | - | perdu |
forget forgets forgot forgetting forgotten | oublier | - | - | oublié |
buy buys bought buying bought | acheter | achète achète achetons achetez achètent | achèter | acheté |
sell sells sold selling sold | vendre | vends vend vendons vendez vendent | - | vendu |
take takes took taking taken | prendre | prends prend prenons prenez prennent | - | pris |
repair repairs repaired repairing repaired | réparer | répare répare réparons réparez réparent | - | réparé |
wash washes washed washing washed | laver | lave lave lavons lavez lavent | - | lavé |
open opens opened opening opened | ouvrir | ouvre ouvre ouvrons ouvrez ouvrent | - | ouvert |
close closes closed closing closed | fermer | ferme ferme fermons fermez ferment | - | fermé |
read reads read reading read | lire | lis lit lisons lisez lisent | - | lu | past-like-present
write writes wrote writing written | écrire | écris écrit écrivons écrivez écrivent | - | écrit |
eat eats ate eating eaten | manger | mange mange mangeons mangez mangent | - | mangé |
drink drinks drank drinking drunk | boire | bois boit buvons buvez boivent | - | bu |
prepare prepares prepared preparing prepared | préparer | prépare prépare préparons préparez préparent | - | préparé |
visit visits visited visiting visited | visiter | visite visite visitons visitez visitent | - | visité |
have has had having had | avoir | ai a avons avez ont | - | eu | stative
want wants wanted wanting wanted | vouloir | veux veut voulons voulez veulent | - | voulu | stative
give gives gave giving given | donner | donne donne donnons donnez donnent | - | donné |
send sends sent sending sent | envoyer | envoie envoie envoyons envoyez envoient | - | envoyé |
show shows showed showing shown | montrer | montre montre montrons montrez montrent | - | montré |
lend lends lent lending lent | prêter | prête prête prêtons prêtez prêtent | - | prêté |
sleep sleeps slept sleeping slept | dormir | dors dort dormons dormez dorment | - | dormi |
work works worked working worked | travailler | travaille travaille travaillons travaillez travaillent | - | travaillé |
sing sings sang singing sung | chanter | chante chante chantons chantez chantent | - | chanté |
dance dances danced dancing danced | danser | danse danse dansons dansez dansent | - | dansé |
live lives lived living lived | habiter | habite habite habitons habitez habitent | - | habité | stative
go goes went going gone | aller | vais va allons allez vont | - | allé | etre
come comes came coming come | venir | viens vient venons venez viennent | viendr | venu | etre
arrive arrives arrived arriving arrived | arriver | arrive arrive arrivons arrivez arrivent | arriver | arrivé | etre
leave leaves left leaving left | partir | pars part partons partez partent | partir | parti | etre
stay stays stayed staying stayed | rester | reste reste restons restez restent | - | resté | etre
think thinks thought thinking thought | penser | pense pense pensons pensez pensent | - | pensé | stative
say says said saying said | dire | dis dit disons dites disent | - | dit | stative
know knows knew knowing known | savoir | sais sait savons savez savent | - | su | stative
"""

MALE_NAMES = ("Paul", "Lucas", "Thomas", "Olivier", "Adrien", "Nicolas")
FEMALE_NAMES = ("Marie", "Julie", "Sophie", "Anne", "Émilie", "Claire")
NUMBERS = {
    2: ("two", "deux"),
    3: ("three", "trois"),
    4: ("four", "quatre"),
    5: ("five", "cinq"),
    6: ("six", "six"),
    7: ("seven", "sept"),
    8: ("eight", "huit"),
    9: ("nine", "neuf"),
    10: ("ten", "dix"),
    11: ("eleven", "onze"),
    12: ("twelve", "douze"),
    20: ("twenty", "vingt"),
}
DAYS = (
    ("Monday", "lundi"),
    ("Tuesday", "mardi"),
    ("Wednesday", "mercredi"),
    ("Thursday", "jeudi"),
    ("Friday", "vendredi"),
    ("Saturday", "samedi"),
    ("Sunday", "dimanche"),
)
MONTHS = (
    ("January", "janvier"),
    ("February", "février"),
    ("March", "mars"),
    ("April", "avril"),
    ("May", "mai"),
    ("June", "juin"),
    ("July", "juillet"),
    ("August", "août"),
    ("September", "septembre"),
    ("October", "octobre"),
    ("November", "novembre"),
    ("December", "décembre"),
)
MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def _read_noun(english: str, french: str, gender: str, kinds: str) -> Noun:
    singular, _, plural = english.partition("/")
    return Noun(
        singular,
        plural or english_plural(singular),
        french,
        french_plural(french),
        gender == "f",
        frozenset(kinds.split()),
    )


def _read_adjective(english: str, forms: str, position: str, describes: str) -> Adjective:
    masculine, feminine, *euphonic = forms.split()
    before_vowel = euphonic[0] if euphonic else masculine
    return Adjective(
        english, masculine, feminine, before_vowel, position == "before", frozenset(describes.split())
    )


def _read_verb(english: str, infinitive: str, present: str, stem: str, participle: str, traits: str) -> Verb:
    base, third, past, gerund, english_participle, *particle = english.split()
    return Verb(
        base,
        third,
        past,
        gerund,
        english_participle,
        particle[0][1:] if particle else "",
        infinitive,
        () if present == "-" else tuple(present.split()),
        "" if stem == "-" else stem,
        participle,
        "etre" in traits.split(),
        frozenset(traits.split()),
    )


NOUNS = tuple(_read_noun(*row) for row in _rows(_NOUNS))
ADJECTIVES = tuple(_read_adjective(*row) for row in _rows(_ADJECTIVES))
# By French infinitive: "know" is both connaître (somebody) and savoir (something).
VERBS = {verb.infinitive: verb for verb in (_read_verb(*row) for row in _rows(_VERBS))}


def nouns_of(*kinds: str) -> tuple[Noun, ...]:
    """The nouns that belong to at least one of the kinds, in the order of the table."""
    return tuple(noun for noun in NOUNS if not noun.kinds.isdisjoint(kinds))
