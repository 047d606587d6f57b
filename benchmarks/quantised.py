"""What a model converted to int8 saves: disk, the time to be ready, memory.

::

    python -m benchmarks.quantised --model tiny.en --model base --model-dir DIR

Each model as it is here and as ``echocli models convert NAME --to int8`` makes it: whole runs of
``echocli warmup``, in turns, from the disk (its files are dropped from the page cache before the
run, with ``posix_fadvise``) and from memory.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import tables, weights
from benchmarks.processes import MB, python, run
from benchmarks.publish import publish
from echocli.models.quantised import quantise

HEADS = (
    "model",
    "disk MB",
    "from the disk: ready after ms",
    "weights ms",
    "from memory: ready after ms",
    "weights ms",
    "CPU s",
    "peak MB",
    "others' cores",
)
HOW = (
    "Made by `python -m benchmarks.quantised`: `echocli warmup --level 1 --compute-type int8` with "
    "each model as its package has it (float16) and as `echocli models convert --to int8` makes "
    "it; medians of {rounds} runs each, in turns (least to most). *Ready after* is from the start "
    "of the process to its end, *weights* the part of it that loads them; *from the disk* means "
    "that the model's files were dropped from the page cache; CPU time and peak are of all "
    "processes together; *others' cores* is how many of the machine's cores were busy with "
    "something else."
)
PATIENCE = 120.0
"""Seconds a run may take."""


@dataclass(slots=True)
class Figures:
    """What the runs of one directory took: milliseconds and bytes, one number a run."""

    directory: Path
    ready: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    """From the disk? → from start to end."""
    loading: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    def measure(self, *, cold: bool) -> None:
        """Run the program once; raise ``ProcessFailed`` where it fails."""
        if cold:
            drop(self.directory)
        words = ("warmup", "--level", "1", "--compute-type", "int8", "--json", "--model")
        command = python("-m", "echocli", *words, str(self.directory))
        done = run((*command, "--provider", "faster-whisper"), PATIENCE)
        report = json.loads("\n".join(line.text for line in done.lines))
        phases = {phase["name"]: phase["ms"] for phase in report["phases"]}
        self.ready[cold].append(1000 * done.seconds)
        self.loading[cold].append(phases["weights"])
        self.cpu.append(done.cpu_seconds)
        self.peak.append(done.peak_mb)
        self.others.append(done.others)

    def cells(self, name: str) -> list[str]:
        """Return the row of the table."""
        size = sum(path.stat().st_size for path in files_of(self.directory)) / MB
        row = [name, tables.number(size, 1)]
        for cold in (True, False):
            row += [spread(self.ready[cold]), spread(self.loading[cold])]
        ends = ((self.cpu, 2), (self.peak, 0), (self.others, 1))
        return [*row, *(tables.number(median(values), digits) for values, digits in ends)]


def spread(values: Sequence[float]) -> str:
    """Write a median with the least and the most beside it."""
    return f"{median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def files_of(directory: Path) -> list[Path]:
    """Return the files of a model."""
    return [path for path in directory.iterdir() if path.is_file()]


def drop(directory: Path) -> None:
    """Let go of the pages of a directory's files that the system keeps in memory."""
    for path in files_of(directory):
        with path.open("rb") as file:
            os.fsync(file.fileno())  # only clean pages go
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def compare(name: str, source: Path, folder: Path, rounds: int) -> list[list[str]]:
    """Return a row for a model as it is and one for its conversion."""
    made = folder / f"{name}-int8"
    quantise(source, made, store=folder)
    found = {f"{name}, as it is": Figures(source), f"{name}, int8": Figures(made)}
    for _ in range(rounds):
        for cold in (True, False):
            for figures in found.values():
                figures.measure(cold=cold)
    return [figures.cells(label) for label, figures in found.items()]


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What a model converted to int8 saves.")
    weights.add_options(parser, "tiny.en")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write quantised.md")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the page."""
    given = parse(words)
    rows: list[list[str]] = []
    given.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quantised-", dir=given.cache) as folder:
        for name in weights.chosen(given):
            source = weights.locate(name, given.model_dir)
            rows += compare(name, source, Path(folder), given.rounds)
    publish(given.output, "quantised", tables.table(HEADS, rows), HOW.format(rounds=given.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
