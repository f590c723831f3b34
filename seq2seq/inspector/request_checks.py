"""What of a request is beyond a limit, said in words that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq.inspector.limits import Limits
from seq2seq.inspector.problems import ApiError, text_of
from seq2seq.translation import Translation


class RequestChecks:
    """Each raises an `ApiError` when something is too much, and does nothing otherwise; `field` is its place.

    Args:
        limits: of a request.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def count(self, count: int, field: str) -> None:
        """Sentences, or pairs, of a request."""
        if count > self.limits.sentences:
            message = f"{count} {field} at once are too many; at most {self.limits.sentences} are allowed."
            raise ApiError(422, "too_many", message, field)

    def text(self, text: str, field: str) -> None:
        """A sentence."""
        if len(text) > self.limits.characters:
            message = (
                f"{text_of(field)} has {len(text)} characters; at most {self.limits.characters} are allowed. "
                "Translate it sentence by sentence."
            )
            raise ApiError(422, "too_long", message, field)

    def pieces(self, count: int, most: int, field: str) -> None:
        """Pieces of a text, or given as one."""
        if count > most:
            message = f"{text_of(field)} has {count} pieces; at most {most} are allowed."
            raise ApiError(422, "too_long", message, field)

    def weights(self, translations: list[Translation], n_best: int, field: str) -> None:
        """Refuse what would take seconds to write and megabytes to send."""
        weights = sum(
            hypothesis.attention.size for each in translations for hypothesis in each.hypotheses[:n_best]
        )
        if weights > self.limits.weights:
            message = (
                f"The answer would hold {weights:,} attention weights; at most {self.limits.weights:,} are "
                "allowed. Ask for fewer sentences or fewer translations of each at once."
            )
            raise ApiError(422, "too_many", message, field)

    def words(self, chosen: Sequence[int], words: int, field: str) -> None:
        """Numbers of words, of which the one behind the last is the end."""
        beyond = [word for word in chosen if word > words]
        if beyond:
            message = (
                f"{text_of(field)} has no word {beyond[0]}; they go from 0 to {words}, which is its end."
            )
            raise ApiError(422, "invalid_request", message, field)
