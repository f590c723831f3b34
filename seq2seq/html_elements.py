"""HTML made of elements, not of strings: whatever text goes in, it stays text."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring


def element(tag: str, *children: Element | str, **attributes: str) -> Element:
    """An HTML element.

    Args:
        tag: its name.
        children: elements and texts, in their order.
        attributes: by name; `class_` is `class`, and an underscore inside a name is a hyphen.
    """
    made = Element(tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return made


def html_text(made: Element) -> str:
    """The element as HTML, every character of its texts escaped where HTML would read it as markup."""
    return tostring(made, encoding="unicode", method="html")
