"""Every way people run Whisper on a CPU, side by side: accuracy, speed, first text, memory.

::

    ECHOCLI_CORPUS=/path/to/recordings make bench-peers
    python -m benchmarks.peers --model tiny.en --model base --rounds 3
    python -m benchmarks.peers --echocli "mine=--beam-size 2" --only echocli

The rounds are interleaved: each does every configuration once, so that a machine that is slower
for a while is so for all of them. A configuration takes part in two ways. *Warm*: a process gets
the eleven-second clip first, which loads the model and warms it, and then a material; its time is
from the end of that clip to its own end. *Whole*: a fresh process for each material, from its start
to its end. Both are timed from outside, by when lines arrive. Results go to ``peers-<model>.json``,
``.md`` and ``.svg``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report, weights
from benchmarks.configurations import PRESETS, configurations
from benchmarks.material import Material, build, gather
from benchmarks.results import Way
from benchmarks.rounds import Measuring

OUTPUT = weights.ROOT / "docs" / "benchmarks"


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Accuracy, speed and memory beside the peers.")
    weights.add_options(parser, "tiny.en")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--materials", nargs="+", metavar="NAME", help="headline long minute short")
    parser.add_argument("--ways", nargs="+", type=Way, default=list(Way), metavar="WAY")
    parser.add_argument(
        "--echocli",
        action="append",
        metavar="NAME=OPTIONS",
        help="measure this configuration of echocli instead of the presets, may be repeated",
    )
    parser.add_argument(
        "--only", metavar="TEXT", help="only the configurations with this in their name"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIR")
    return parser.parse_args(words)


def selected(materials: Sequence[Material], names: Sequence[str] | None) -> list[Material]:
    """Return the materials that were asked for; end with one line for a name nobody knows."""
    known = {material.name: material for material in materials}
    for name in names or ():
        if name not in known:
            raise SystemExit(f"--materials: there is no '{name}', only {', '.join(known)}")
    return [known[name] for name in names or known]


def main() -> int:
    """Measure every model and write what was found."""
    arguments = parse()
    report.require_libraries()
    speech = gather(arguments.cache)
    materials = selected(build(speech, arguments.cache), arguments.materials)
    threads = len(os.sched_getaffinity(0))
    for name in weights.chosen(arguments):
        model = weights.prepare(name, arguments.model_dir, arguments.cache)
        found = configurations(
            model, threads, arguments.echocli or PRESETS, arguments.cache / "scratch"
        )
        found = [one for one in found if (arguments.only or "") in one.name]
        measuring = Measuring(materials, arguments.ways)
        for number in range(1, arguments.rounds + 1):
            measuring.round(number, found)
        facts = report.Facts(name, threads, arguments.rounds, speech.origin)
        report.publish(arguments.output, facts, measuring, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
