"""Load TensorFlow without the log lines that it writes past Python's stderr."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def load_tensorflow_quietly() -> None:
    """Import TensorFlow, unless it is imported already.

    Its libraries write to file descriptor 2 while they are loaded, before any log level is in force, so the
    descriptor itself is turned away for that moment. What was written is shown if the import fails.

    Raises:
        ImportError: as the import itself.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for everything that is logged later
    with _held_back_stderr():
        import tensorflow  # noqa: F401


@contextmanager
def _held_back_stderr() -> Iterator[None]:
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held_back:
        stderr = os.dup(2)
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except Exception:  # and not for Ctrl-C, which is nobody's failure
            held_back.seek(0)
            os.write(stderr, held_back.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
