"""What a reader of figures has to know of the machine: processor and versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from echocli import __version__

LIBRARIES = (
    "faster-whisper",
    "ctranslate2",
    "whisper-ctranslate2",
    "pywhispercpp",
    "onnxruntime",
    "av",
    "numpy",
    "jiwer",
    "whisper-normalizer",
)


def cpu_model() -> str:
    """Return what the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def library_versions() -> dict[str, str | None]:
    """Return the versions of everything that took part, ``None`` for what is not installed."""
    found: dict[str, str | None] = {"echocli": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
