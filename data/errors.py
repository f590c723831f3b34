"""Mistakes that a user can mend: shown as a message, never as a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Something the user gave is wrong. The message says what, where, what was expected, and what to do.

    The command-line programs print the message and end with exit code 2.
    """


class DataError(UserError):
    """A corpus, a text file or a tokenizer is not what it should be."""
