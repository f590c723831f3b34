"""The names of languages, for people."""

from __future__ import annotations

_NAMES = {
    "ar": "Arabic",
    "az": "Azerbaijani",
    "cs": "Czech",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese",
    "nl": "Dutch",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese",
}


_CODES = {name.casefold(): code for code, name in _NAMES.items()}


def primary_code(language: str) -> str:
    """`zh` for `zh-CN`, `zh_TW` and `Chinese`: the code without region, or that of a name in the list."""
    named = language.strip().casefold()
    return _CODES.get(named, named.replace("_", "-").partition("-")[0])


def language_name(code: str) -> str:
    """`German` for `de`; the code itself for a language that is not in the list."""
    return _NAMES.get(code, code)
