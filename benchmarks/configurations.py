"""Every tool and way of calling it that is compared, as one command each.

All get the same weights, int8 on the CPU where the library can (whisper.cpp computes with the
float16 weights it is given), the same number of threads in total, and English as the language.
Everything that is not named here is the tool's default.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.heard import Dialect
from benchmarks.processes import python

PRESETS = tuple(f"{name}=--preset {name}" for name in ("fast", "balanced", "accurate"))
"""Configurations of EchoCLI that are measured unless others are given."""

INSTALL = "is not installed: pip install 'echocli[peers]'"


@dataclass(frozen=True, slots=True)
class Weights:
    """One model in the formats that the tools read."""

    name: str
    path: Path
    """Directory in CTranslate2's format."""
    ggml: Path | None
    """The same weights for whisper.cpp."""
    why_no_ggml: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A tool with its options; files are appended to ``command``.

    ``missing`` says why it cannot be measured here, and is empty when it can.
    """

    name: str
    ours: bool
    command: tuple[str, ...]
    dialect: Dialect = Dialect.JSON_LINES
    missing: str = ""


def configurations(
    weights: Weights, threads: int, echocli: Sequence[str], scratch: Path, language: str = "en"
) -> list[Configuration]:
    """Return all configurations, the peers first; ``scratch`` takes files nobody reads."""
    return [
        *faster_whisper(weights, threads, language),
        *batched(weights, threads, language),
        *ctranslate2(weights, threads, language, scratch),
        *whisper_cpp(weights, threads, language),
        *ours(weights, threads, language, echocli),
    ]


def faster_whisper(weights: Weights, threads: int, language: str) -> list[Configuration]:
    """Return ``faster_whisper`` from Python, sequential."""
    return [
        Configuration(
            f"faster-whisper, {search}",
            ours=False,
            command=_runner("with_faster_whisper", weights.path, threads, language, beams),
        )
        for search, beams in _searches()
    ]


def batched(weights: Weights, threads: int, language: str) -> list[Configuration]:
    """Return faster-whisper's ``BatchedInferencePipeline``."""
    return [
        Configuration(
            f"faster-whisper batched, {search}",
            ours=False,
            command=(
                *_runner("with_faster_whisper", weights.path, threads, language, beams),
                *("--batch-size", "8"),
            ),
        )
        for search, beams in _searches()
    ]


def whisper_cpp(weights: Weights, threads: int, language: str) -> list[Configuration]:
    """Return whisper.cpp through pywhispercpp."""
    missing = weights.why_no_ggml
    if find_spec("pywhispercpp") is None:
        missing = f"pywhispercpp {INSTALL}"
    return [
        Configuration(
            f"whisper.cpp, {search}",
            ours=False,
            command=_runner(
                "with_whisper_cpp", weights.ggml or Path("missing"), threads, language, beams
            ),
            missing=missing,
        )
        for search, beams in _searches()
    ]


def ctranslate2(
    weights: Weights, threads: int, language: str, scratch: Path
) -> list[Configuration]:
    """Return ``whisper-ctranslate2``, the command-line tool on faster-whisper."""
    beside = shutil.which("whisper-ctranslate2", path=str(Path(sys.executable).parent))
    program = beside or shutil.which("whisper-ctranslate2")
    missing = "" if program else f"whisper-ctranslate2 {INSTALL}"
    common = (
        *(program or "whisper-ctranslate2", "--model_directory", str(weights.path)),
        *("--device", "cpu", "--compute_type", "int8", "--threads", str(threads)),
        *("--language", language, "--output_format", "txt", "--output_dir", str(scratch)),
    )
    return [
        Configuration(name, False, (*common, *options), Dialect.CTRANSLATE2, missing)
        for name, options in (
            ("whisper-ctranslate2", ()),
            ("whisper-ctranslate2 batched", ("--batched", "True")),
        )
    ]


def ours(
    weights: Weights, threads: int, language: str, named: Sequence[str]
) -> list[Configuration]:
    """Return EchoCLI, once for each ``NAME=options``; raise ``SystemExit`` for another form."""
    found = []
    for text in named:
        name, equals, options = text.partition("=")
        if not name or not equals:
            raise SystemExit(f"--echocli '{text}': write NAME=options, as 'fast=--preset fast'")
        command = (
            *python("-m", "echocli", "transcribe", "--output-format", "jsonl", "--quiet"),
            *("--model", str(weights.path), "--device", "cpu", "--compute-type", "int8"),
            *("--threads", str(threads), "--language", language, *shlex.split(options)),
        )
        found.append(Configuration(f"echocli {name}", ours=True, command=command))
    return found


def _searches() -> tuple[tuple[str, int], ...]:
    return (("beam 5", 5), ("greedy", 1))


def _runner(module: str, model: Path, threads: int, language: str, beams: int) -> tuple[str, ...]:
    return (
        *python("-m", f"benchmarks.runners.{module}", "--model", str(model)),
        *("--threads", str(threads), "--language", language, "--beam-size", str(beams)),
    )
