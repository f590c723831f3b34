"""Which installed fonts can draw a text with matplotlib, and what to say when none can.

Matplotlib's own font, DejaVu Sans, has Latin, Cyrillic, Greek, Arabic, Hebrew and much more, but no Chinese,
Japanese, Korean, Thai or Indic letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from seq2seq.labels import is_ignorable, is_right_to_left

BASE_FAMILY = "DejaVu Sans"  # ships with matplotlib
PLACEHOLDER = "□"  # which BASE_FAMILY has

_PREFERRED = (
    *("Noto Sans", "Source Han Sans", "WenQuanYi", "PingFang", "Hiragino", "Microsoft YaHei", "Yu Gothic"),
    *("Malgun", "Arial Unicode", "Symbola", "Noto Emoji"),
)
# Last Resort has a box for every character, a colour font bitmaps that cannot be scaled, and the Computer
# Modern fonts that matplotlib brings for formulas have other glyphs where Unicode letters should be.
_UNUSABLE = re.compile(r"Last ?Resort|Color|^cm[a-z]+[0-9]+$")
_CJK_NAMES = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC"}
)
_MOST_NAMED = 6

# None: no installed font has the character. Looking through every font again would take seconds.
_family_of_character: dict[str, str | None] = {}


class Typeface(NamedTuple):
    """The fonts to draw some labels with, and which of their characters stay without a glyph."""

    families: list[str]
    missing: frozenset[str]

    def drawable(self, text: str) -> str:
        """The text with `PLACEHOLDER` for each missing character, so that drawing it never warns."""
        return "".join(
            character if character not in self.missing else "" if is_ignorable(character) else PLACEHOLDER
            for character in text
        )


def typeface_for(labels: Iterable[str]) -> Typeface:
    """Choose fonts for all the labels: the base font first, then as few others as have the rest."""
    characters = frozenset("".join(labels))
    _find_families(characters, prefer=_regional_suffix(characters))
    families = dict.fromkeys(
        family for character in sorted(characters) if (family := _family_of_character[character]) is not None
    )
    others = [family for family in families if family != BASE_FAMILY]
    missing = frozenset(each for each in characters if _family_of_character[each] is None)
    return Typeface([BASE_FAMILY, *others], missing)


def missing_glyphs(labels: Sequence[str]) -> str | None:
    """What a reader of the picture should know about its letters, or None when all is well.

    Args:
        labels: every text in the picture.

    Returns:
        Sentences naming the characters that no installed font has and a font that does, and whether this
        matplotlib is too old to join and order the letters of a script that needs it.
    """
    missing = [each for each in sorted(typeface_for(labels).missing) if not is_ignorable(each)]
    notes = []
    if missing:
        by_font: defaultdict[str, list[str]] = defaultdict(list)
        for character in missing:
            by_font[_font_to_install(character)].append(f"U+{ord(character):04X}")
        listed = "; ".join(f"{font} for {_listed(codes)}" for font, codes in by_font.items())
        counted = "1 character is" if len(missing) == 1 else f"{len(missing)} characters are"
        notes.append(
            f"{counted} shown as {PLACEHOLDER} because no installed font has them. Install {listed}."
        )
    if any(map(is_right_to_left, labels)) and not shapes_text():
        notes.append(
            "Arabic and Hebrew letters are neither joined nor ordered from right to left: that needs "
            "matplotlib 3.11 or newer."
        )
    return " ".join(notes) or None


def shapes_text() -> bool:
    """Whether this matplotlib joins Arabic letters and orders them from right to left (3.11 and newer)."""
    from matplotlib import ft2font

    return hasattr(ft2font, "__libraqm_version__")


def _find_families(characters: Iterable[str], prefer: str) -> None:
    unknown = {character for character in characters if character not in _family_of_character}
    if not unknown:
        return
    unknown = _assign(unknown, [BASE_FAMILY])
    if any(not is_ignorable(character) for character in unknown):
        unknown = _assign(unknown, _other_families(prefer))
    if any(not is_ignorable(character) for character in unknown) and _register_new_fonts():
        unknown = _assign(unknown, _other_families(prefer))
    _family_of_character.update(dict.fromkeys(unknown))


def _assign(characters: set[str], families: Iterable[str]) -> set[str]:
    """Note which family has which character, and return the characters that none has."""
    from matplotlib import font_manager

    remaining = set(characters)
    for family in families:
        if not remaining:
            break
        try:
            properties = font_manager.FontProperties(family=family)
            font = font_manager.get_font(font_manager.findfont(properties, fallback_to_default=False))
        except (ValueError, RuntimeError, OSError):
            continue  # removed since the list was made, or a format that FreeType cannot scale
        covered = {character for character in remaining if font.get_char_index(ord(character))}
        _family_of_character.update(dict.fromkeys(covered, family))
        remaining -= covered
    return remaining


def _other_families(prefer: str) -> list[str]:
    from matplotlib import font_manager

    names = {
        entry.name
        for entry in font_manager.fontManager.ttflist
        # Asked for a regular weight that a family lacks, matplotlib complains on the terminal.
        if entry.style == "normal" and entry.weight in (400, "normal", "regular")
    }
    usable = [name for name in names if not _UNUSABLE.search(name)]

    def rank(name: str) -> tuple[int, bool, bool, str]:
        preferred = next((place for place, start in enumerate(_PREFERRED) if name.startswith(start)), 99)
        return preferred, not (prefer and name.endswith(prefer)), "Mono" in name, name

    return sorted(usable, key=rank)


def _register_new_fonts() -> bool:
    """Tell matplotlib about fonts installed after it cached its list; whether there were any."""
    from matplotlib import font_manager

    known = {str(entry.fname) for entry in font_manager.fontManager.ttflist}
    found = False
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            font_manager.fontManager.addfont(path)
            found = True
        except (RuntimeError, OSError, ValueError):
            continue  # not a font that matplotlib can use: it leaves such files out of its own list, too
    return found


def _regional_suffix(characters: Iterable[str]) -> str:
    """The same Han character is written differently in Japan, Korea and China: how their fonts' names end."""
    scripts = {unicodedata.name(character, "?").split()[0] for character in characters}
    if scripts & {"HIRAGANA", "KATAKANA"}:
        return " JP"
    if "HANGUL" in scripts:
        return " KR"
    return " SC" if "CJK" in scripts else ""


def _font_to_install(character: str) -> str:
    script = unicodedata.name(character, "").split(" ")[0]
    if script in _CJK_NAMES:
        return "Noto Sans CJK"
    if unicodedata.category(character).startswith("S"):
        return "Symbola or Noto Emoji (not the colour one)"
    return f"Noto Sans {script.title()}" if script else "a font"


def _listed(codes: Sequence[str]) -> str:
    shown = ", ".join(codes[:_MOST_NAMED])
    return shown if len(codes) <= _MOST_NAMED else f"{shown} and {len(codes) - _MOST_NAMED} more"
