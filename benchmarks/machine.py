"""On what was measured: processor, instructions that matter for matrix products, memory, versions."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from seq2seq.processor import core_count, processor_name
from seq2seq.software import software_versions

ROOT = Path(__file__).resolve().parent.parent
_FLAGS_OF_INTEREST = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def describe_machine() -> dict[str, Any]:
    """What the figures depend on beside the program."""
    return {
        "processor": processor_name(),
        "cores": core_count(),
        "instructions": instructions(_text_of("/proc/cpuinfo")),
        "memory_gigabytes": memory_gigabytes(_text_of("/proc/meminfo")),
        "system": f"{platform.system()} {platform.release()}",
        # Whether something else was running: the load of the minute before, where 1.0 is a whole core.
        "load_before": round(os.getloadavg()[0], 2),
        "versions": software_versions(),
    }


def instructions(cpuinfo: str) -> list[str]:
    """Those instruction sets of interest that /proc/cpuinfo's text names."""
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    known = set(flags.group(1).split()) if flags else set()
    return [flag for flag in _FLAGS_OF_INTEREST if flag in known]


def memory_gigabytes(meminfo: str) -> float | None:
    """The whole memory according to /proc/meminfo's text."""
    total = re.search(r"^MemTotal:\s*(\d+) kB$", meminfo, re.MULTILINE)
    return round(int(total.group(1)) / 2**20, 1) if total else None


def project_version() -> str:
    """The newest version that the changelog names."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    return version.group(1) if version else "unknown"


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
