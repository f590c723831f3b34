"""Settings of the process that must be in place before TensorFlow is."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from seq2seq import startup

# How many blocks of 16 MiB the allocator takes straight from the kernel, of four.
_COUNT_MAPPED_BLOCKS = """
import ctypes
from seq2seq.startup import prepare_environment

class Mallinfo2(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Mallinfo2
libc.malloc.restype = ctypes.c_void_p
prepare_environment()
before = libc.mallinfo2().hblks
blocks = [libc.malloc(ctypes.c_size_t(16 * 2**20)) for _ in range(4)]
print(libc.mallinfo2().hblks - before)
"""


def printed_number(code: str, environment: dict[str, str], unset: tuple[str, ...]) -> int:
    """What a program prints in this environment, in which nothing else of these names is set."""
    others = {name: value for name, value in os.environ.items() if name not in unset}
    return int(
        subprocess.run(
            [sys.executable, "-c", code],
            env={**others, **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


_has_mallinfo2 = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallinfo2")


@pytest.mark.skipif(not _has_mallinfo2, reason="only glibc has these settings, and tells")
@pytest.mark.parametrize(
    ("environment", "mapped"), [({}, 0), ({"MALLOC_MMAP_THRESHOLD_": "1000000"}, 4)], ids=["ours", "theirs"]
)
def test_large_blocks_are_kept_unless_the_user_says_otherwise(environment, mapped):
    names = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
    assert printed_number(_COUNT_MAPPED_BLOCKS, environment, names) == mapped


_PRINT_WHETHER_ONEDNN = """
from seq2seq.startup import prepare_environment
prepare_environment()
from tensorflow.python.util import _pywrap_util_port
print(int(_pywrap_util_port.IsMklEnabled()))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="TensorFlow has no such choice here"
)
@pytest.mark.parametrize(
    ("environment", "taken"), [({}, 1), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, 0)], ids=["ours", "theirs"]
)
def test_onednn_makes_the_products_unless_the_user_says_otherwise(environment, taken):
    assert printed_number(_PRINT_WHETHER_ONEDNN, environment, ("TF_ENABLE_ONEDNN_OPTS",)) == taken


def test_a_c_library_without_these_settings_is_left_alone(monkeypatch):
    from seq2seq import startup

    monkeypatch.setattr(startup.sys, "platform", "linux")
    monkeypatch.setattr(startup.ctypes, "CDLL", lambda _: object())
    startup.keep_freed_memory()


def test_jobs_at_once_share_the_cores(monkeypatch):
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

    def shared(jobs, cores, **environment):
        monkeypatch.setattr(os, "environ", environment)
        monkeypatch.setattr(startup, "core_count", lambda: cores)
        startup.share_cores(jobs)
        return [environment.get(name) for name in names]

    assert shared(jobs=2, cores=2) == ["1", "2"]
    assert shared(jobs=2, cores=8) == ["4", "2"]
    assert shared(jobs=2, cores=1) == ["1", "2"]
    assert shared(jobs=1, cores=2) == [None, None]
    assert shared(jobs=2, cores=2, TF_NUM_INTRAOP_THREADS="7") == ["7", "2"]


def run_program(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


_MAIN_WITH_LOOSE_ENDS = """
import atexit, sys, threading, time
from seq2seq.startup import run_command

class Freed:
    def __del__(self):
        print("freed", file=sys.stderr)

freed_at_the_end = Freed()

def main(_):
    def late():
        time.sleep(0.2)
        print("from a thread")

    threading.Thread(target=late).start()
    threading.Thread(target=time.sleep, args=[1e6], daemon=True).start()
    atexit.register(print, "at the end")
    print("result")
    {last_statement}

run_command(main)
"""


@pytest.mark.parametrize(
    ("last_statement", "code", "messages"),
    [
        ("return 3", 3, ""),
        ("return None", 0, ""),
        ("sys.exit('no such thing')", 1, "no such thing\n"),
        ("from data.errors import UserError; raise UserError('mistake')", 2, "error: mistake\n"),
        ("open('n' * 300)", 2, f"error: {'n' * 300}: File name too long\n"),
    ],
)
def test_a_command_ends_without_freeing_objects_but_loses_nothing(last_statement, code, messages):
    program = _MAIN_WITH_LOOSE_ENDS.format(last_statement=last_statement)
    ended = run_program(program)
    assert ended.stdout == "result\nfrom a thread\nat the end\n"
    assert (ended.returncode, ended.stderr) == (code, messages)


def test_an_error_of_the_system_that_hints_at_a_mistake_of_the_program_has_a_traceback():
    ended = run_program(
        "from seq2seq.startup import run_command; run_command(lambda _: open('/no/such/file'))"
    )
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


def test_ctrl_c_while_a_thread_ends_its_work_is_no_traceback():
    # The signal comes when main has returned and the thread is waited for. What runs in the background starts
    # with a signal that is ignored.
    thread_work = "time.sleep(0.5); os.kill(os.getpid(), signal.SIGINT); time.sleep(20)"
    program = "import os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += _MAIN_WITH_LOOSE_ENDS.format(last_statement="return 0").replace("time.sleep(0.2)", thread_work)
    ended = run_program(program)
    assert (ended.returncode, ended.stderr) == (130, "\ninterrupted\n")
    assert ended.stdout == "result\nat the end\n"


def test_a_pool_that_nobody_shut_down_is_not_waited_for():
    program = """
from concurrent.futures import ThreadPoolExecutor
from seq2seq.startup import run_command

pool = ThreadPoolExecutor(2)
run_command(lambda _: pool.submit(int, 7).result())
"""
    ended = run_program(program)
    assert (ended.returncode, ended.stderr) == (7, "")


def test_standard_output_is_utf8_whatever_the_locale_says():
    program = "from seq2seq.startup import run_command; run_command(lambda _: print('– 你好'))"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, env=environment)
    assert (ended.stdout, ended.stderr) == ("– 你好\n".encode(), b"")


_MESSAGES_AND_RESULTS = """
import os, signal, sys
from seq2seq.startup import run_command

def main(_):
    for number in range(3000):
        print(f"note {number}", file=sys.stderr)
        print(f"result {number}")

run_command(main)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_messages_that_nobody_reads_lose_no_result(tmp_path):
    """`command 2>&1 >results | head -1`: the pipe of the messages closes, the results go to a file."""
    results = tmp_path / "results.txt"
    command = f'"{sys.executable}" -c "$1" 2>&1 >"{results}" | head -1; exit ${{PIPESTATUS[0]}}'
    ended = subprocess.run(
        ["bash", "-c", command, "bash", _MESSAGES_AND_RESULTS], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (0, "note 0\n")
    assert results.read_text(encoding="utf-8").count("\n") == 3000


def test_messages_do_not_go_to_standard_output_where_standard_error_is_closed():
    command = f'"{sys.executable}" -c "$1" 2>&-'
    ended = subprocess.run(
        ["bash", "-c", command, "bash", _MESSAGES_AND_RESULTS], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0
    assert "note" not in ended.stdout


def test_sigterm_is_no_ctrl_c_that_may_be_caught_and_forgotten():
    program = """
import os, signal
from seq2seq.startup import TerminatedError, run_command

def main(_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except TerminatedError:
        print("terminated")
        raise

run_command(main)
"""
    ended = run_program(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "terminated\n", "\ninterrupted\n")
