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
    "km": "Khmer",
    "lo": "Lao",
    "my": "Burmese",
    "nl": "Dutch",
    "pt": "Portuguese",
    "ru": "Russian",
    "th": "Thai",
    "zh": "Chinese",
}


_CODES = {name.casefold(): code for code, name in _NAMES.items()}
# ISO 639-3, as FLORES and OPUS have them, and the older codes of ISO 639-2 for books, of the languages above.
_LONG_CODES = {
    long: code
    for code, several in {
        "ar": "ara arb",
        "az": "aze azj",
        "cs": "ces cze",
        "de": "deu ger",
        "en": "eng",
        "es": "spa",
        "fr": "fra fre",
        "it": "ita",
        "ja": "jpn",
        "km": "khm",
        "lo": "lao",
        "my": "mya bur",
        "nl": "nld dut",
        "pt": "por",
        "ru": "rus",
        "th": "tha",
        "zh": "zho chi cmn yue",
    }.items()
    for long in several.split()
}


def primary_code(language: str) -> str:
    """The code of two letters, if there is one, without region or script.

    `zh` for `zh-CN`, `zh_TW`, `zho_Hans`, `cmn` and `Chinese`: three letters and English names are known for
    the languages of the list.
    """
    named = language.strip().casefold()
    code = _CODES.get(named, named.replace("_", "-").partition("-")[0])
    return _LONG_CODES.get(code, code)


def language_name(code: str) -> str:
    """`German` for `de`; the code itself for a language that is not in the list."""
    return _NAMES.get(code, code)
