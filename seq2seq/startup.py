"""Silence and settings that have to be in place before TensorFlow is imported."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable

from data.errors import UserError


def prepare_environment() -> None:
    """Choose Keras' backend and keep TensorFlow's and its libraries' start-up messages off the terminal.

    Does not import TensorFlow. What the user has set in the environment is left alone.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("GLOG_minloglevel", "3")
    # The CPU is what this project is made for; looking for a GPU takes a second and prints errors.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    warnings.filterwarnings("ignore", module=r"(keras|tensorflow|tensorflow_datasets|google)(\..*)?")
    warnings.filterwarnings("ignore", category=DeprecationWarning)


def run_command(main: Callable[[list[str] | None], int]) -> None:
    """Run a command-line program's `main` and end the process with its exit code.

    A `UserError` becomes a message on stderr and exit code 2; Ctrl-C becomes exit code 130; a closed
    output pipe (`| head`) ends quietly.
    """
    try:
        code = main(None)
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        # Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)
