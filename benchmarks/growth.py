"""What a second of audio costs in a short and in a long recording, with the default settings.

::

    python -m benchmarks.growth 10 120

The long material of the comparison with the peers is repeated up to each length in minutes. Busy
time is the program's own figure (at least one inference running), CPU time is user and system time
of all its processes, memory the peak of their sum; the ratio is to the first length.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from benchmarks import tables, weights
from benchmarks.configurations import Weights, ours
from benchmarks.material import build, gather
from benchmarks.processes import run
from benchmarks.publish import publish
from benchmarks.rounds import PATIENCE

MINUTES = (10.0, 120.0)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one recording took; the first four are seconds."""

    audio: float
    wall: float
    busy: float
    cpu: float
    peak_mb: float
    others: float


def write_repeated(source: Path, target: Path, seconds: float) -> None:
    """Write a recording over and over until it lasts ``seconds``; a FLAC keeps two hours small."""
    sound, rate = soundfile.read(source, dtype="int16")
    left = int(seconds * rate)
    target.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(target, "w", rate, 1, subtype="PCM_16") as file:
        while left > 0:
            file.write(sound[:left])
            left -= len(sound)


def cost(command: Sequence[str], path: Path, seconds: float) -> Cost:
    """Transcribe a recording and return what it took; raise ``ProcessFailed``."""
    least, factor = PATIENCE
    done = run((*command, str(path)), least + factor * seconds)
    events = (json.loads(line.text) for line in done.lines)
    stats = next(event["stats"] for event in events if event["type"] == "stats")
    return Cost(
        audio=stats["audio_seconds"],
        wall=done.seconds,
        busy=stats["busy_seconds"],
        cpu=done.cpu_seconds,
        peak_mb=done.peak_mb,
        others=done.others,
    )


def cells(found: Cost, first: Cost) -> list[str]:
    """Return a row: per second of audio in milliseconds, and the ratios to the first recording."""
    row = [f"{found.audio / 60:g}", tables.number(found.audio / found.wall, 1)]
    for mine, base in ((found.busy, first.busy), (found.cpu, first.cpu)):
        each = mine / found.audio
        row += [f"{1000 * each:.1f}", f"{each / (base / first.audio):.3f}"]
    row += [f"{found.peak_mb:.0f}", f"{found.peak_mb / first.peak_mb:.3f}"]
    return [*row, f"{found.others:.2f}"]


HEADS = (
    "minutes",
    "speed ×",
    "busy ms/s",
    "ratio",
    "CPU ms/s",
    "ratio",
    "peak MB",
    "ratio",
    "others",
)
HOW = (
    "Made by `python -m benchmarks.growth`: milliseconds of work for a second of audio with the "
    "default settings, whole processes, and the peak memory of all of them. Ratios are to the "
    "first length. *others*: cores that other work kept busy meanwhile."
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Does the cost of a second of audio grow?")
    weights.add_options(parser, "tiny.en")
    parser.add_argument("--options", default="", metavar="OPTIONS", help="of echocli transcribe")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write growth-MODEL.md")
    parser.add_argument("minutes", nargs="*", type=float, help="lengths [default: 10 120]")
    return parser.parse_args(words)


def main() -> int:
    """Measure every length with every model and print a table for each model."""
    arguments = parse()
    minutes = arguments.minutes or MINUTES
    materials = {one.name: one for one in build(gather(arguments.cache), arguments.cache)}
    source = materials["long"].clips[0].path
    threads = len(os.sched_getaffinity(0))
    for name in weights.chosen(arguments):
        model = Weights(name, weights.locate(name, arguments.model_dir), None)
        command = ours(model, threads, "en", [f"default={arguments.options}"])[0].command
        costs = []
        for length in minutes:
            path = arguments.cache / f"growth-{length:g}.flac"
            write_repeated(source, path, length * 60)
            costs.append(cost(command, path, length * 60))
        rows = [cells(found, costs[0]) for found in costs]
        publish(arguments.output, f"growth-{name}", tables.table(HEADS, rows), HOW)
    return 0


if __name__ == "__main__":
    sys.exit(main())
