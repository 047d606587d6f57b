"""What the user waits for before anything happens: quick commands load nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import clean_environment

HEAVY = (
    "av",
    "ctranslate2",
    "faster_whisper",
    "huggingface_hub",
    "numpy",
    "onnxruntime",
    "pywhispercpp",
    "sounddevice",
    "torch",
)
"""Libraries that take from 0.1 s to several seconds to import."""

PROBE = f"""
import sys
from echocli.cli.app import main
try:
    main()
finally:
    print("LOADED", *sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""


def loaded(tmp_path: Path, *args: str) -> list[str]:
    """Run the program and return which heavy libraries its process had imported at the end."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean_environment(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1].removeprefix("LOADED").split()


@pytest.mark.unit
@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("--version",),
        ("detect",),
        ("detect", "--json"),
        ("detect", "--help"),
        ("transcribe", "--help"),
        ("models",),
        ("models", "pull", "--help"),
        ("providers",),
        ("warmup", "--help"),
        ("bench", "--help"),
        ("shell-init", "bash"),
        ("completion", "bash"),
        ("completion", "--values", "models"),
        ("config", "show"),
        ("config", "init", "--help"),
    ],
    ids=" ".join,
)
def test_quick_commands_import_nothing_heavy(tmp_path: Path, args: tuple[str, ...]) -> None:
    assert loaded(tmp_path, *args) == []


@pytest.mark.unit
def test_the_probe_sees_a_heavy_import() -> None:
    code = PROBE.replace("from echocli.cli.app import main", "import numpy\nmain = lambda: None")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.split() == ["LOADED", "numpy"]
