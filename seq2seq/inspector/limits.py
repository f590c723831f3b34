"""How much one request may ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass


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
        body_bytes: of one request.
        waiting: pieces of work in the queue; beyond, requests are told to come back later.
        body_seconds: that a client may take to send its request.
    """

    characters: int = 1000
    sentences: int = 64
    beam_size: int = 20
    n_best: int = 20
    pieces: int = 500
    why_pieces: int = 100
    body_bytes: int = 256 * 1024
    waiting: int = 5000
    body_seconds: float = 30.0

    def to_json(self) -> dict[str, int]:
        """Those that a client may want to know."""
        hidden = ("waiting", "body_seconds")
        return {name: value for name, value in asdict(self).items() if name not in hidden}
