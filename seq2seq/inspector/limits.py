"""How much one request may ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

_BYTES_OF_A_CHARACTER = 12  # of an emoji in JSON of ASCII alone: "\ud83d\ude00"
_BYTES_AROUND_A_PIECE = 10  # `"\u2581` before it, `", ` behind
# Names of fields, brackets, options, the words of pins.
_BYTES_AROUND_THE_TEXT = 256 * 1024


@dataclass(frozen=True)
class Limits:
    """What a server refuses with a clear answer rather than letting everybody wait.

    Attributes:
        characters: of one sentence, in Unicode code points.
        sentences: of one request.
        beam_size: hypotheses followed at once.
        n_best: hypotheses to return.
        pieces: of a prefix or a translation that is given as pieces.
        why_pieces: of source and translation each, where each word is asked about each.
        weights: attention weights between pieces in one answer, of all its translations.
        waiting: pieces of work in the queue; beyond, requests are told to come back later.
        body_seconds: that a client may take to send its request.
    """

    characters: int = 1000
    sentences: int = 64
    beam_size: int = 20
    n_best: int = 20
    pieces: int = 500
    why_pieces: int = 100
    weights: int = 4_000_000
    waiting: int = 5000
    body_seconds: float = 30.0

    @property
    def body_bytes(self) -> int:
        """Of one request: room for all that the other limits allow, however its JSON is written."""
        text = self.characters * _BYTES_OF_A_CHARACTER
        pair = 2 * text + self.pieces * _BYTES_AROUND_A_PIECE
        return self.sentences * pair + _BYTES_AROUND_THE_TEXT

    def to_json(self) -> dict[str, int]:
        """Those that a client may want to know."""
        hidden = ("waiting", "body_seconds")
        shown = {name: value for name, value in asdict(self).items() if name not in hidden}
        return {**shown, "body_bytes": self.body_bytes}
