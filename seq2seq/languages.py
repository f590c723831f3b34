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


def language_name(code: str) -> str:
    """`German` for `de`; the code itself for a language that is not in the list."""
    return _NAMES.get(code, code)
