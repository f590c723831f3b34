"""What XLA compiles stays safe among threads: no YNNPACK kernels, unless the user asks for them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from seq2seq.xla import keep_ynnpack_out

_FLAG = "--xla_cpu_experimental_ynn_fusion_type"

# How many YNNPACK kernels are in the loss of the reference architecture as XLA compiles it.
_COUNT_KERNELS = """
import tensorflow as tf
from seq2seq.output_loss import _losses_and_logits_gradient
from seq2seq.xla import fused

rows, vocabulary = 256, 8000
logits, bias, tokens = tf.zeros((rows, vocabulary)), tf.zeros(vocabulary), tf.zeros(rows, tf.int32)
arguments = logits, bias, tokens, tf.ones(rows), tf.zeros(rows), 0.1, 0.0
compiled = fused(_losses_and_logits_gradient).experimental_get_compiler_ir(*arguments)
print(compiled(stage="optimized_hlo").count("ynn_fusion"))
"""


def kernels(flags: str | None) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    if flags is not None:
        environment["XLA_FLAGS"] = flags
    return int(
        subprocess.run(
            [sys.executable, "-c", _COUNT_KERNELS],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


@pytest.mark.skipif(sys.platform == "win32", reason="TensorFlow has no XLA here")
def test_the_loss_is_compiled_without_kernels_that_two_threads_must_not_build_at_once() -> None:
    assert kernels(None) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere XLA may have no such kernels to begin with")
def test_whoever_asks_for_the_kernels_has_them() -> None:
    import tensorflow as tf

    if not tf.__version__.startswith("2.21."):
        pytest.skip("the kernels are those of TensorFlow 2.21")
    assert kernels(f"{_FLAG}=reduce") > 0


@pytest.mark.parametrize(
    ("before", "version", "after"),
    [
        (None, "2.21.0", f"{_FLAG}="),
        ("", "2.21.1", f"{_FLAG}="),
        ("--xla_dump_to=/tmp/here", "2.21.0", f"--xla_dump_to=/tmp/here {_FLAG}="),
        (f"{_FLAG}=reduce", "2.21.0", f"{_FLAG}=reduce"),
        ("/etc/xla_flags.txt", "2.21.0", "/etc/xla_flags.txt"),
        (None, "2.20.0", None),
        ("--xla_dump_to=/tmp/here", "2.22.0", "--xla_dump_to=/tmp/here"),
    ],
)
def test_flags_of_the_user_and_of_other_releases_are_left_alone(
    before: str | None, version: str, after: str | None
) -> None:
    environment = {} if before is None else {"XLA_FLAGS": before}
    keep_ynnpack_out(environment, version)
    assert environment.get("XLA_FLAGS") == after
