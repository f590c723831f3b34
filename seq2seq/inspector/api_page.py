"""The API's description as a plain page: no scripts, nothing from other hosts."""

from __future__ import annotations

import re
from html import escape
from typing import Any

STYLE = """\
:root { color-scheme: light dark; --line: #8884; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; margin: 2.5rem 0 0.75rem; }
h1 { margin-top: 0; }
code { font: 0.9em ui-monospace, monospace; }
dt { font-weight: 600; margin-top: 1rem; }
dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: 0.35rem 1rem 0.35rem 0; text-align: start; }
th, td { vertical-align: top; }
th { font-weight: 600; width: 14rem; }
"""


def api_page(openapi: dict[str, Any]) -> str:
    """An HTML document.

    Args:
        openapi: the description that FastAPI makes.
    """
    schemas = openapi.get("components", {}).get("schemas", {})
    paths = openapi["paths"].items()
    calls = "".join(_call(path, method, call) for path, calls in paths for method, call in calls.items())
    objects = "".join(_object(name, schema) for name, schema in sorted(schemas.items()))
    title = escape(openapi["info"]["title"])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f'<link rel="stylesheet" href="docs.css"></head><body><h1>{title}: API</h1>'
        f"<p>{escape(openapi['info']['description'])}</p>"
        '<p>The same for programs: <a href="openapi.json">openapi.json</a></p>'
        f"<h2>Calls</h2><dl>{calls}</dl><h2>Objects</h2>{objects}</body></html>\n"
    )


def _call(path: str, method: str, call: dict[str, Any]) -> str:
    body = call.get("requestBody", {}).get("content", {})
    asked = _type_of(body.get("application/json", {}).get("schema", {}))
    answered = _type_of(
        call["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    request = f"Request: {asked}. " if asked else ""
    what = call.get("description") or call.get("summary", "")
    return (
        f"<dt><code>{method.upper()} {escape(path)}</code></dt>"
        f"<dd>{_prose(what)}<br>{request}Answer: {answered}.</dd>"
    )


def _object(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><th scope='row'><code>{escape(field)}</code></th><td>{_type_of(of)}</td>"
        f"<td>{'required' if field in required else 'optional'}</td>"
        f"<td>{_prose(of.get('description', ''))}</td></tr>"
        for field, of in schema.get("properties", {}).items()
    )
    table = f"<table>{rows}</table>" if rows else ""
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>{table}'


def _type_of(schema: dict[str, Any]) -> str:
    """HTML for a JSON schema's type, with links to the objects that it speaks of."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    return escape(str(schema.get("type", "")))


def _prose(text: str) -> str:
    """HTML for a description, with `names` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
