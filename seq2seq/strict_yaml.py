"""YAML without its traps: `no` is a word, `1e-3` is a number, a key given twice is an error.

PyYAML reads YAML 1.1, in which the language code `no` is False, `1e-3` a string and `010` eight. Here plain
scalars mean what YAML 1.2's core schema says, and what is written is read back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

_PLAIN_SCALARS = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
)


class YamlError(Exception):
    """The text is not what it should be.

    Attributes:
        line: counted from 1; None where unknown.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own attribute)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _class in (_Loader, _Dumper):
    for _tag, _pattern, _first in _PLAIN_SCALARS:
        _class.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> int:
    # The constructor for YAML 1.1 would read 010 as eight.
    return int(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)


def parse_with_lines(text: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    """Read a document.

    Returns:
        Its content, and the line number (from 1) of each key and of each item of a list, items counted from
        0: `("model", "decoder_units")`, `("data", "corpus", "test", "0")`.

    Raises:
        YamlError: it is not valid YAML, or a key is given twice, which YAML itself would pass over.
    """
    node, content = _load(text)
    return content, dict(_key_lines(node, ()))


def parse_value(text: str) -> Any:
    """Read a single value, such as `0.5`, `null` or `[a, b]`.

    Raises:
        YamlError: as `parse_with_lines`.
    """
    return parse_with_lines(text)[0]


def dump_yaml(content: Any) -> str:
    """Write what `parse_with_lines` reads back."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _load(text: str) -> tuple[Any, Any]:
    try:
        return yaml.compose(text, Loader=_Loader), yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise YamlError(f"not valid YAML: {problem}", mark.line + 1 if mark else None) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # Of PyYAML itself, about a value that is not what its tag says (`!!int x`, `!!bool x`), or nested
        # without end.
        raise YamlError(f"not a value that can be read: {error}") from error


def _key_lines(
    node: Any, prefix: tuple[str, ...], around: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[str, ...], int]]:
    if any(node is each for each in around):
        raise YamlError(f"`{'.'.join(prefix)}` holds itself", node.start_mark.line + 1)
    around = (*around, node)
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*prefix, str(number)), item.start_mark.line + 1
            yield from _key_lines(item, (*prefix, str(number)), around)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = (*prefix, str(key.value))
        if key.value in seen:
            raise YamlError(f"`{'.'.join(name)}` is given twice", line)
        seen.add(key.value)
        yield name, line
        yield from _key_lines(value, name, around)
