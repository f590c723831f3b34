"""The API's description as a plain page: no scripts, nothing from other hosts."""

from __future__ import annotations

from html import escape
from typing import Any


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
        f"</head><body><h1>{title}: API</h1><p>{escape(openapi['info']['description'])}</p>"
        '<p>The same for programs: <a href="openapi.json">openapi.json</a></p>'
        f"<h2>Calls</h2><dl>{calls}</dl><h2>Objects</h2>{objects}</body></html>\n"
    )


def _call(path: str, method: str, call: dict[str, Any]) -> str:
    body = call.get("requestBody", {}).get("content", {})
    asked = _type_of(body.get("application/json", {}).get("schema", {}))
    answered = _type_of(
        call["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    request = f", request: {asked}" if asked else ""
    what = call.get("description") or call.get("summary", "")
    return (
        f"<dt><code>{method.upper()} {escape(path)}</code></dt>"
        f"<dd>{escape(what)}<br>Answer: {answered}{request}</dd>"
    )


def _object(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><th scope='row'><code>{escape(field)}</code></th><td>{_type_of(of)}</td>"
        f"<td>{'required' if field in required else 'optional'}</td>"
        f"<td>{escape(of.get('description', ''))}</td></tr>"
        for field, of in schema.get("properties", {}).items()
    )
    table = f"<table>{rows}</table>" if rows else ""
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>{table}'


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
