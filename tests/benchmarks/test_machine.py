"""What is said about the machine."""

import re

from benchmarks.machine import ROOT, describe_machine, instructions, memory_gigabytes, project_version


def test_only_whole_names_of_instructions_count() -> None:
    cpuinfo = "model name\t: Example\nflags\t\t: fpu avx2 avx512f avx512_bf16_not amx_bf16\n"
    assert instructions(cpuinfo) == ["avx2", "avx512f", "amx_bf16"]


def test_no_cpuinfo_no_instructions() -> None:
    assert instructions("") == []


def test_memory() -> None:
    assert memory_gigabytes("MemTotal:       16777216 kB\nMemFree: 5 kB\n") == 16.0
    assert memory_gigabytes("") is None


def test_the_description_says_what_a_figure_depends_on() -> None:
    machine = describe_machine()
    assert machine["cores"] >= 1
    assert {"python", "tensorflow", "keras", "numpy"} <= machine["versions"].keys()


def test_version_of_the_changelog() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", project_version())
    assert f"## {project_version()}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
