"""Does memory grow with the length of the input? Peak of the process tree at several lengths.

``python -m benchmarks.memory [MINUTES ...]`` repeats the project's samples up to each length and
runs ``echocli bench`` once on each; the ratio to the first length is what matters.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

SAMPLES = Path(__file__).parents[1] / "samples"
DEFAULT_MINUTES = (10.0, 60.0)


def write_recording(path: Path, minutes: float) -> None:
    """Write a FLAC of ``minutes`` minutes: both samples, over and over."""
    parts = []
    for name in ("meeting", "pauses"):
        sound, rate = soundfile.read(SAMPLES / f"{name}.flac", dtype="float32")
        parts.append(sound)
    once = np.concatenate(parts)
    length = int(minutes * 60 * rate)
    with soundfile.SoundFile(path, "w", rate, 1) as file:
        written = 0
        while written < length:
            piece = once[: length - written]
            file.write(piece)
            written += len(piece)


def measure(path: Path) -> dict[str, float]:
    """Return the overall figures of ``echocli bench`` on one file."""
    command = [sys.executable, "-m", "echocli", "bench", str(path), "--runs", "1", "--json"]
    output = subprocess.run(command, check=True, capture_output=True).stdout
    overall: dict[str, float] = json.loads(output)["overall"]
    return overall


def main() -> None:
    """Print a Markdown table."""
    lengths = [float(word) for word in sys.argv[1:]] or list(DEFAULT_MINUTES)
    print("| minutes | peak memory MB | ratio | speed × |\n|---:|---:|---:|---:|")
    first = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for minutes in lengths:
            path = Path(folder) / f"{minutes:g}min.flac"
            write_recording(path, minutes)
            figures = measure(path)
            peak = figures["memory_mb"]
            first = first or peak
            print(f"| {minutes:g} | {peak:.0f} | {peak / first:.3f} | {figures['speed']:.1f} |")


if __name__ == "__main__":
    main()
