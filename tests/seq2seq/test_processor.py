"""What the processor has to offer."""

from __future__ import annotations

import pytest

from seq2seq import processor
from seq2seq.processor import bfloat16_is_fast


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512f amx_bf16 amx_tile", True), ("fpu avx512_bf16", True), ("fpu avx512f avx2", False)],
)
def test_the_processor_is_asked(tmp_path, monkeypatch, flags, expected):
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    information = tmp_path / "cpuinfo"
    information.write_text(f"processor : 0\nmodel name : A\nflags : {flags}\n")
    assert bfloat16_is_fast(information) is expected
    assert not bfloat16_is_fast(tmp_path / "missing")
    monkeypatch.setattr(processor.platform, "machine", lambda: "arm64")
    assert not bfloat16_is_fast(information)
