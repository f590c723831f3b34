"""Silence and settings that have to be in place before TensorFlow is imported."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import errno
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from data.errors import UserError
from seq2seq.processor import core_count

# What every access to a file may meet, also one that only looks whether something is there.
_NO_MISTAKE_OF_THE_PROGRAM = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP}
)


def prepare_environment() -> None:
    """Choose Keras' backend and the faster products, and keep start-up messages off the terminal.

    Does not import TensorFlow. What the user has set in the environment is left alone.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ.setdefault("GLOG_minloglevel", "3")
    # The CPU is what this project is made for; looking for a GPU takes a second and prints errors.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # By itself TensorFlow takes oneDNN's matrix products only where the processor has AVX-512 for neural
    # networks. With AVX2, too, they are faster: docs/performance.md.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    warnings.filterwarnings("ignore", module=r"(keras|tensorflow|tensorflow_datasets|google)(\..*)?")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    keep_freed_memory()


def share_cores(jobs: int) -> None:
    """Give each of several jobs at once its share of the cores, before TensorFlow is imported.

    By itself TensorFlow lets every operation use all cores; two at once then wait for each other.

    Args:
        jobs: how many, such as parts of a batch, are computed side by side.
    """
    if jobs > 1:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, core_count() // jobs)))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(jobs))


def keep_freed_memory() -> None:
    """Let glibc's allocator reuse large blocks instead of giving them back to the kernel.

    TensorFlow allocates the result of every operation anew. Left to itself, glibc takes large blocks straight
    from the kernel and gives them back when they are freed, so that every operation writes to fresh
    pages, and page faults take up to 40 % of the time of a large matrix product. Other C libraries, which
    have no such setting, and settings of the user are left alone.
    """
    # From malloc.h; 32 MiB is the most that glibc accepts for the threshold of mmap.
    trim_threshold, mmap_threshold, most_arenas = -1, -3, -8
    user_settings = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
    if sys.platform != "linux" or any(name in os.environ for name in user_settings):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(mmap_threshold, 32 * 2**20)
    mallopt(trim_threshold, 2**30)
    # Each thread would keep what it freed in an arena of its own, and TensorFlow has dozens of threads.
    mallopt(most_arenas, 2)


class StandardOutputError(OSError):
    """Standard output takes nothing more: its disk is full, for example."""


class _StandardOutputFile(io.FileIO):
    """Tells its own errors from those of other files."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StandardOutputError(error.errno, error.strerror) from error


class _StandardErrorFile(io.FileIO):
    """Messages that nobody reads any more (`2>&1 >out.txt | head`), or for which there is no room, are lost.

    The work that they are about goes on, and its results are whole.
    """

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError):
            return super().write(data)
        return len(data)


class TerminatedError(KeyboardInterrupt):
    """SIGTERM. Whoever goes on after Ctrl-C does not after this."""


def _terminated(_signal: int, _frame: Any) -> NoReturn:
    raise TerminatedError


def run_command(main: Callable[[list[str] | None], int]) -> NoReturn:
    """Run a command-line program's `main` and end the process with its exit code.

    A `UserError` becomes a message on stderr and exit code 2, and so does a standard output that is closed
    or full; Ctrl-C and SIGTERM become exit code 130; a closed output pipe (`| head`) ends quietly. What
    `main` leaves open is not closed: its files have to be written to the end when it returns, or `atexit`
    know of them.
    """
    _open_closed_descriptors()
    if sys.stdout is None:
        print("error: cannot write standard output: it is closed", file=sys.stderr)
        sys.exit(2)
    sys.stdout = _named_in_errors(sys.stdout)
    sys.stderr = _forgiving_stderr()
    # By itself SIGTERM would end the process where it is, and leave files behind that are half written.
    signal.signal(signal.SIGTERM, _terminated)
    code = _exit_code(lambda: main(None))
    # What was written before an error still stands in the buffer, and is data all the same.
    # The steps after it are those of Python at its end.
    for last_step in (_flush_stdout, _wait_for_threads, _run_exit_functions, _flush_stdout):
        failure = _exit_code(last_step)
        code = code or failure
    _leave(code)


def _wait_for_threads() -> int:
    # Wakes the idle threads of pools first, which nobody else would end.
    threading._shutdown()  # type: ignore[attr-defined]
    return 0


def _run_exit_functions() -> int:
    atexit._run_exitfuncs()
    return 0


def _leave(code: int | str | None) -> NoReturn:
    """End the process as `sys.exit` does, but without freeing every object first.

    TensorFlow takes most of a second for that, after the last line has been written.
    """
    with contextlib.suppress(OSError):  # nobody reads messages any more
        if isinstance(code, str):
            print(code, file=sys.stderr)
        sys.stderr.flush()
    os._exit(1 if isinstance(code, str) else code or 0)


def _named_in_errors(stream: Any) -> io.TextIOWrapper:
    """The same standard output, with `StandardOutputError` for what goes wrong in writing.

    Data is UTF-8 with line feeds, whatever the locale and the platform say.
    """
    return io.TextIOWrapper(
        io.BufferedWriter(_StandardOutputFile(stream.fileno(), "wb", closefd=False)),
        encoding="utf-8",
        errors=stream.errors,
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _forgiving_stderr() -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(_StandardErrorFile(2, "wb", closefd=False)),
        encoding=sys.stderr.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


def _flush_stdout() -> int:
    sys.stdout.flush()
    return 0


def _exit_code(work: Callable[[], int]) -> int | str | None:
    """Do some work; what goes wrong that is no mistake of the program becomes a message and an exit code."""
    code: int | str | None
    try:
        code = work()
    except SystemExit as end:
        code = end.code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        _discard_stdout()
        code = 141
    except StandardOutputError as error:
        _discard_stdout()
        print(f"error: cannot write standard output: {error.strerror}", file=sys.stderr)
        code = 2
    except OSError as error:
        if error.errno not in _NO_MISTAKE_OF_THE_PROGRAM:
            raise
        print(f"error: {error.filename or 'a file'}: {error.strerror}", file=sys.stderr)
        code = 2
    return code


def _discard_stdout() -> None:
    # Python would complain once more when it flushes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_descriptors() -> None:
    """Occupy closed standard descriptors, lest a file opened later gets the number, and stderr's messages."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
