"""The performance table of the system this program grew from, one row each, measured here.

::

    python -m benchmarks.performance --model base

Every figure comes from ``echocli bench --full --json`` on the minute of the comparison with the
peers. What cannot be measured on a machine says why.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import tables, weights
from benchmarks.material import build, gather
from benchmarks.processes import python, run
from benchmarks.publish import publish

LARGE = "not measurable here, because these weights are in no Python package"


@dataclass(frozen=True, slots=True)
class Goal:
    """A row: what, its limit, and the figure's place in the JSON and unit; or why there is none."""

    what: str
    limit: float
    unit: str
    place: tuple[str, str] | None = None
    why_not: str = ""


GOALS = (
    Goal("load base", 2000, "ms", ("overall", "load_ms")),
    Goal("load large-v3-turbo", 10_000, "ms", why_not=LARGE),
    Goal("warm-up, level 2", 100, "ms", ("extras", "warmup_ms")),
    Goal("warm-up, level 3", 1000, "ms", ("extras", "warmup_all_ms")),
    Goal("RTF", 0.8, "", ("overall", "rtf")),
    Goal("inference, 95th percentile", 500, "ms", ("overall", "p95_ms")),
    Goal("memory, base", 500, "MB", ("overall", "memory_mb")),
    Goal("memory, large-v3-turbo", 2048, "MB", why_not=LARGE),
    Goal("two sources at once, RTF of each", 1, "", ("extras", "two_sources_rtf")),
    Goal("failover (a new worker has answered)", 5000, "ms", ("extras", "recovery_ms")),
    Goal("cold start", 500, "ms", ("extras", "cold_start_ms")),
)


def row(goal: Goal, found: dict[str, Any]) -> list[str]:
    """Return a row of the table."""
    limit = f"< {goal.limit:g} {goal.unit}".strip()
    if goal.place is None:
        return [goal.what, limit, goal.why_not, ""]
    group, name = goal.place
    value = found[group][name]
    shown = tables.number(value, 3 if not goal.unit else 0)
    return [goal.what, limit, f"{shown} {goal.unit}".strip(), "yes" if value < goal.limit else "no"]


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="The performance table, measured here.")
    weights.add_options(parser, "base")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write performance-X.md")
    return parser.parse_args(words)


HEADS = ("what", "goal", "measured", "met")
HOW = (
    "Made by `python -m benchmarks.performance`: `echocli bench --full` on a minute of speech with "
    "the default preset, medians over {rounds} runs, each with a fresh worker."
)


def main() -> int:
    """Measure every model and print its table."""
    arguments = parse()
    materials = {one.name: one for one in build(gather(arguments.cache), arguments.cache)}
    minute = str(materials["minute"].clips[0].path)
    for name in weights.chosen(arguments):
        path = weights.locate(name, arguments.model_dir)
        words = ("bench", minute, "--model", str(path), "--full", "--json", "--quiet")
        done = run(python("-m", "echocli", *words, "--runs", str(arguments.rounds)), 900.0)
        found = json.loads("".join(line.text for line in done.lines))
        body = tables.table(HEADS, [row(goal, found) for goal in GOALS])
        publish(arguments.output, f"performance-{name}", body, HOW.format(rounds=arguments.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
