"""Words and pieces as labels of a picture: nothing invisible, nothing too long."""

from __future__ import annotations

import unicodedata

_JOINERS = frozenset("\u200c\u200d")
_ELLIPSIS = "…"


def is_ignorable(character: str) -> bool:
    """Whether a character only changes its neighbours (joiners, variation selectors, flag tags)."""
    return (
        character in _JOINERS
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0020" <= character <= "\U000e007f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def visible_label(label: str) -> str:
    """Make what would not be seen, or would disturb the picture around it, visible.

    Control characters become escapes (a newline `\\n`), other invisible characters (direction overrides, line
    separators, lone surrogates) their code points, and a label of white space alone one `␣` for each.
    """
    visible = "".join(map(_visible_character, label))
    return visible if visible.strip() else "␣" * len(visible)


def _visible_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return repr(character)[1:-1]
    if category in {"Cf", "Cs", "Zl", "Zp"} and not is_ignorable(character):
        return f"<U+{ord(character):04X}>"
    return character


def shortened(label: str, longest: int) -> str:
    """The label, or its beginning and an ellipsis when it has more than `longest` characters."""
    if len(label) <= longest:
        return label
    end = longest - 1
    # A mark or a joiner belongs to the character before it; half of such a group would look like another.
    while end > 1 and (unicodedata.category(label[end])[0] == "M" or is_ignorable(label[end])):
        end -= 1
    return label[:end].rstrip("\u200d") + _ELLIPSIS


def is_right_to_left(label: str) -> bool:
    """Whether the label has letters of a script written from right to left."""
    return any(unicodedata.bidirectional(character) in {"R", "AL"} for character in label)


def begins_right_to_left(text: str) -> bool:
    """Whether the first letter of a text is of a script written from right to left, as all of it then is."""
    directions = map(unicodedata.bidirectional, text)
    return next((each for each in directions if each in {"L", "R", "AL"}), "L") != "L"
