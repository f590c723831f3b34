"""Where the browser of the browser tests is, and what is said where there is none."""

from __future__ import annotations

import os
import shutil

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = (
    "NO BROWSER TEST WAS RUN: no Chromium on this machine. Install it (Debian, as root: "
    "apt-get install chromium; `make test` does so by itself) or name one in the variable CHROMIUM."
)


def chromium_path() -> str | None:
    """The program that the variable CHROMIUM names, or else the first that is found; None: there is none."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
