"""The ways in which this project can compute a training step."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from seq2seq.processor import bfloat16_is_fast


@dataclass(frozen=True)
class Variant:
    """One way to compute a step.

    Attributes:
        name: for the table.
        implementation: `"plain"`, a loop that TensorFlow differentiates, or `"fast"`; see `Seq2SeqModel`.
        precision: of the operands of matrix products, `"float32"` or `"bfloat16"`.
        batch_parts: of a batch, computed side by side; more than one share the cores.
    """

    name: str
    implementation: str
    precision: str
    batch_parts: int = 1


PLAIN = Variant("plain loop", "plain", "float32")
FAST = Variant("fast, float32", "fast", "float32")
FAST_IN_PARTS = Variant("fast, two parts, float32", "fast", "float32", 2)
FAST_BFLOAT16 = Variant("fast, bfloat16", "fast", "bfloat16")
FAST_BFLOAT16_IN_PARTS = Variant("fast, two parts, bfloat16", "fast", "bfloat16", 2)


def available_variants() -> tuple[list[Variant], list[str]]:
    """What can be measured here, the plain loop first; and for the rest a note that says why not."""
    if "bfloat16" in precisions():
        return [PLAIN, FAST, FAST_IN_PARTS, FAST_BFLOAT16, FAST_BFLOAT16_IN_PARTS], []
    note = "this processor has no instructions for bfloat16: only float32 was measured."
    return [PLAIN, FAST, FAST_IN_PARTS], [note]


def precisions() -> list[str]:
    """The operand precisions that are worth measuring on this processor."""
    return ["float32", "bfloat16"] if bfloat16_is_fast() else ["float32"]


def traced_with(precision: str) -> AbstractContextManager[None]:
    """`matmul_precision.products_in`, without TensorFlow at the top of this file."""
    from seq2seq.matmul_precision import products_in

    return products_in(precision)
