"""One script out of several JavaScript modules, because a page opened as a file may import nothing.

Each module becomes a function that is called at once and returns what it exports, so that two modules can use
the same name for two things. The modules are this project's own; the few forms of import and export that it
uses are read, and every other one is an error rather than a page that does nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{\s*([^}]+?),?\s*\} from "(\.\.?/[\w./]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const|let) (\w+)", re.MULTILINE)
_OTHER = re.compile(r"^\s*(?:import|export)\b.*|\bimport\(.*", re.MULTILINE)


def bundled(entry: Path) -> str:
    """A module and everything it imports, as the text of one script.

    Args:
        entry: the module to run.

    Raises:
        ValueError: a module imports or exports in a form that is not known here, or in a circle.
        OSError: a module cannot be read.
    """
    parts: dict[Path, str] = {}
    _add(entry.resolve(), parts, ())
    return '"use strict";\n' + "\n".join(parts.values())


def _add(path: Path, parts: dict[Path, str], importers: tuple[Path, ...]) -> None:
    """Add a module behind those that it imports."""
    if path in importers:
        raise ValueError(f"{path.name} imports itself: {' -> '.join(each.name for each in importers)}")
    if path in parts:
        return
    text = path.read_text(encoding="utf-8")
    imported = [(names, (path.parent / place).resolve()) for names, place in _IMPORT.findall(text)]
    for _, place in imported:
        _add(place, parts, (*importers, path))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub("", text))
    if other := _OTHER.search(body):
        raise ValueError(f"{path.name} has a form of import or export that is not known: {other[0].strip()}")
    known = list(parts)
    header = "".join(
        f"const {{ {names.replace(' as ', ': ')} }} = {_name(known.index(place))};\n"
        for names, place in imported
    )
    exports = ", ".join(name for _, name in _EXPORT.findall(text))
    number = len(parts)
    parts[path] = (
        f"// {path.name}\nconst {_name(number)} = (() => {{\n{header}{body}return {{ {exports} }};\n}})();\n"
    )


def _name(number: int) -> str:
    return f"module_{number}"
