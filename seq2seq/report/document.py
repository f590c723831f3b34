"""The report as one HTML file that asks for nothing: styles, scripts and data are inside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from data.atomic import atomic_write
from data.errors import file_errors
from seq2seq.report.overview import headline, overview
from seq2seq.report.script_bundle import bundled
from seq2seq.warning_signs import LEAST_RECEIVED

_PAGE = Path(__file__).parent / "page"
_INSPECTOR_PAGE = Path(__file__).parents[1] / "inspector" / "page"
# The heat map and the text lines are the inspector's own, so that attention looks the same in both.
_STYLES = (_INSPECTOR_PAGE / "attention_view.css", _PAGE / "report.css")
_SCRIPT = _PAGE / "report.js"


def write_html(path: Path, reports: Sequence[Mapping[str, Any]], sets: Sequence[Mapping[str, Any]]) -> None:
    """Write the report.

    Args:
        path: of the file; an older one is replaced.
        reports: as evaluate.py writes them, one for each set, at least one.
        sets: what `GatheredSet.finished` returned for each.

    Raises:
        UserError: the file cannot be written.
    """
    document = html_document(reports, sets)
    with file_errors("write", path), atomic_write(path) as file:
        file.write(document)


def html_document(reports: Sequence[Mapping[str, Any]], sets: Sequence[Mapping[str, Any]]) -> str:
    """The whole file as text; see `write_html`."""
    system = reports[0]["system"]
    data = {
        "system": system["name"],
        "languages": {"source": system["source_language"], "target": system["target_language"]},
        "sets": list(sets),
    }
    script = f"\n{bundled(_SCRIPT)}"
    template = Template((_PAGE / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        script_hash=_hash(script),
        style="\n".join(path.read_text(encoding="utf-8") for path in _STYLES),
        title=escape(f"{system['name']}: evaluation"),
        headline=headline(reports),
        overview=overview(reports),
        least_received=f"{100 * LEAST_RECEIVED:.0f} %",
        data=json_in_html(data),
        script=script,
    )


def json_in_html(content: Any) -> str:
    """JSON that may stand between <script> tags: no text in it can end the element or begin a comment."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # In JSON, < stands inside strings only, where it may be written as an escape.
    return text.replace("<", "\\u003c")


def _hash(script: str) -> str:
    """What the page's Content-Security-Policy calls its one script; no other is run."""
    return "sha256-" + base64.b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")
