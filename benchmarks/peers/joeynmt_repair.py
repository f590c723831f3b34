"""What Joey NMT 2.3 needs to run with a PyTorch of today. For the peers' environment alone."""

from __future__ import annotations

import joeynmt.builders

_PLATEAU = joeynmt.builders.ReduceLROnPlateau


def repair_joeynmt() -> None:
    """PyTorch no longer knows the argument `verbose`, which Joey NMT passes to its plateau scheduler."""
    joeynmt.builders.ReduceLROnPlateau = lambda *given, verbose=False, **named: _PLATEAU(*given, **named)
