"""What the processor has to offer; imports nothing heavy."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def core_count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name() -> str:
    """The processor's name and how many cores of it this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    cores = core_count()
    return f"{name}, {cores} core{'s' if cores > 1 else ''}"


def bfloat16_is_fast(cpu_info: Path = Path("/proc/cpuinfo")) -> bool:
    """Has this processor instructions for bfloat16 that TensorFlow uses? (Linux on x86-64 tells.)"""
    if platform.machine() not in ("x86_64", "AMD64") or not cpu_info.is_file():
        return False
    for line in cpu_info.read_text(errors="replace").splitlines():
        if line.startswith("flags"):
            return bool({"avx512_bf16", "amx_bf16"} & set(line.split()))
    return False
