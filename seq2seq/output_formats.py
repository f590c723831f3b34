"""How translations are written to stdout or to a file: plain text, JSON lines, Pharaoh alignments."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from data.errors import UserError
from seq2seq.alignment import AlignmentMethod, to_pharaoh, to_soft_alignment
from seq2seq.translation import Hypothesis, Translation

LineFormat = Callable[[int, Translation], str]
"""`(index of the input line, from 0; its translation) -> the output lines, each with its line feed`."""

_LINE_SEPARATORS = "\u2028\u2029"
_CONTROL_CHARACTERS = [chr(code) for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc"]
_SPACED = str.maketrans(dict.fromkeys([*_CONTROL_CHARACTERS, *_LINE_SEPARATORS], " "))
# JSON itself escapes only those below U+0020; line-wise readers also split at some of these.
_ESCAPED = {
    ord(each): f"\\u{ord(each):04x}" for each in [*_CONTROL_CHARACTERS, *_LINE_SEPARATORS] if each >= "\x7f"
}


@dataclass(frozen=True)
class AlignmentStyle:
    """How attention becomes the links of a Pharaoh line.

    Attributes:
        method: of `seq2seq.alignment.hard_alignment`; None writes the weights themselves.
        threshold: for the method `threshold`; None is its default.
    """

    method: AlignmentMethod | None = "argmax"
    threshold: float | None = None

    @classmethod
    def parse(cls, text: str) -> AlignmentStyle:
        """Read `argmax`, `intersection`, `threshold`, `threshold:0.3` or `soft`.

        Raises:
            UserError: for anything else.
        """
        name, colon, number = text.partition(":")
        if name == "soft" and not colon:
            return cls(method=None)
        if name in ("argmax", "intersection") and not colon:
            return cls(method=name)  # type: ignore[arg-type]
        if name == "threshold":
            try:
                threshold = float(number) if colon else None
            except ValueError:
                threshold = -1.0
            if threshold is None or 0 <= threshold < 1:
                return cls(method="threshold", threshold=threshold)
        raise UserError(
            f"--alignment {text}: expected argmax, intersection, threshold, threshold:W with W from 0 to "
            "below 1 (such as threshold:0.3), or soft."
        )


def one_line(text: str) -> str:
    """The text with a space for every control character and line separator, whatever a model emitted."""
    return text.translate(_SPACED).strip(" ")


def text_line(_: int, translation: Translation) -> str:
    """The best hypothesis as plain text."""
    return one_line(translation.text) + "\n"


def n_best_lines(index: int, translation: Translation) -> str:
    """The list format of Moses: `0 ||| text ||| LogProbability= -4.29 ||| -0.61`, best first.

    An empty input line has one entry with an empty text.
    """
    if not translation.hypotheses:
        return f"{index} |||  ||| LogProbability= 0 ||| 0\n"
    return "".join(
        f"{index} ||| {one_line(each.text)} "
        f"||| LogProbability= {each.log_probability:.4f} ||| {each.score:.4f}\n"
        for each in translation.hypotheses
    )


def score_line(_: int, translation: Translation) -> str:
    """Log probability and score of a given translation, tab between; an empty line for an empty pair."""
    best = translation.best
    return "\n" if best is None else f"{best.log_probability:.4f}\t{best.score:.4f}\n"


def json_line(_: int, translation: Translation) -> str:
    """Everything about one input line as one JSON object; see `Translation.to_json`."""
    text = json.dumps(translation.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPED) + "\n"


def pharaoh_line(style: AlignmentStyle) -> LineFormat:
    """Word links of the best hypothesis, `0-0 1-2` or with weights `0-0:0.83`."""

    def line(_: int, translation: Translation) -> str:
        best = translation.best
        return "\n" if best is None else _links(best, translation, style) + "\n"

    return line


def _links(hypothesis: Hypothesis, translation: Translation, style: AlignmentStyle) -> str:
    source = translation.source
    if style.method is not None:
        return to_pharaoh(hypothesis.alignment(source, style.method, style.threshold))
    return to_soft_alignment(
        hypothesis.word_attention(source),
        source_words=len(source.words),
        target_words=len(hypothesis.target.words),
    )


def line_format(name: str, *, n_best: int, scoring: bool, alignment: str | None) -> LineFormat:
    """The format that the command line asks for.

    Args:
        name: `"text"`, `"json"` or `"pharaoh"`.
        n_best: how many hypotheses a line has.
        scoring: translations were given and are scored.
        alignment: see `AlignmentStyle.parse`; None is its default.

    Raises:
        UserError: the wishes contradict each other.
    """
    if name == "pharaoh":
        if n_best > 1:
            raise UserError(
                "--format pharaoh writes one line of links for each input line, so --n-best must be 1. "
                "--format json gives the attention of every hypothesis."
            )
        return pharaoh_line(AlignmentStyle.parse(alignment or "argmax"))
    if alignment is not None:
        raise UserError(f"--alignment says how --format pharaoh writes its links; --format {name} has none.")
    if name == "json":
        return json_line
    if scoring:
        return score_line
    return n_best_lines if n_best > 1 else text_line
