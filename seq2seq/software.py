"""What a training and its result depend on beside this repository."""

from __future__ import annotations

import platform
from importlib import metadata


def software_versions() -> dict[str, str]:
    """Versions of what the result of a training depends on."""
    packages = ("tensorflow", "keras", "numpy", "sentencepiece", "tensorflow-datasets", "sacrebleu")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions
