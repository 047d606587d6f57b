"""A ten-minute recording while its worker is killed again and again: what is lost, and how long?

::

    ECHOCLI_CORPUS=/path/to/recordings make bench-kills
    python -m benchmarks.kills --model base --kills 50 --stops 3 --seed 1

The long recording of the comparison with the peers goes through ``echocli transcribe`` undisturbed,
and once more while its worker gets SIGKILL and SIGSTOP, in the middle of inferences, at random
places spread over the recording. The two results must be equal but for what a stated gap explains.
Then the worker is killed three times in a row, so that the fallback serves: how long until its
first text? ``--fallback none`` in the first part keeps one model, so that texts can be equal.
Exits with 1 when a difference is not explained or the fallback's text took longer than its goal.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from benchmarks import report, tables, weights
from benchmarks.killing import Blow, Killing, Struck, plan, volley
from benchmarks.material import Material, build, gather
from benchmarks.processes import ProcessFailed, python, run
from benchmarks.publish import publish
from benchmarks.report import errors_of
from benchmarks.rounds import PATIENCE, tell

MODEL = "base"
GOAL = 5.0
"""Seconds until the fallback's first text."""
FAILING = 3
"""Deaths in a row, without a completed window, after which a provider is left."""

Piece: TypeAlias = tuple[float, float, str]
"""Start and end in seconds, and the text or the reason of a gap."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of the program gave."""

    pieces: tuple[Piece, ...]
    gaps: tuple[Piece, ...]
    text_at: tuple[float, ...]
    """When each line with text came, in seconds from the start of the program."""
    failovers: int
    """How often another model took over."""
    stats: dict[str, Any]
    seconds: float
    others: float
    struck: tuple[Struck, ...] = ()

    @property
    def text(self) -> str:
        """Everything that was heard."""
        return " ".join(text.strip() for _, _, text in self.pieces)


def transcribe(words: Sequence[str], path: Path, seconds: float, killing: Killing) -> Result:
    """Run the program once; raise ``ProcessFailed`` unless it comes to the recording's end."""
    least, factor = PATIENCE
    command = python("-m", "echocli", *words, str(path))
    # A gap in a transcript that was to be whole makes the status 1.
    done = run(command, least + factor * seconds, killing, codes=(0, 1))
    events = [(line.at, json.loads(line.text)) for line in done.lines]
    stats = [event["stats"] for _, event in events if event["type"] == "stats"]
    if not stats:
        raise ProcessFailed("it gave up before the end of the recording")
    said = [(at, event) for at, event in events if event["type"] in ("final", "partial")]
    return Result(
        pieces=tuple(
            (event["start"], event["end"], event["text"])
            for _, event in said
            if event["type"] == "final"
        ),
        gaps=tuple(
            (event["start"], event["end"], event["reason"])
            for _, event in events
            if event["type"] == "gap"
        ),
        text_at=tuple(at for at, event in said if event["text"].strip()),
        failovers=sum(event["type"] == "failover" for _, event in events),
        stats=stats[0],
        seconds=done.seconds,
        others=done.others,
        struck=tuple(killing.struck),
    )


def differing(one: Result, other: Result) -> list[Piece]:
    """Return the segments that only one of the two has."""
    return sorted(set(one.pieces) ^ set(other.pieces))


def unexplained(pieces: Sequence[Piece], gaps: Sequence[Piece]) -> list[Piece]:
    """Return the segments that no gap reaches into."""
    return [
        (start, end, text)
        for start, end, text in pieces
        if not any(begin < end and start < until for begin, until, _ in gaps)
    ]


def recoveries(struck: Sequence[Struck], what: signal.Signals) -> list[float]:
    """Return the seconds from a blow to the next completed inference, where no other came first."""
    return [
        one.answered - one.at for one in struck if one.signal is what and one.answered is not None
    ]


def first_texts(result: Result) -> tuple[float, float] | None:
    """Return the seconds from the first and from the last blow to the first text of the fallback.

    ``None`` where no fallback has served. Nobody else writes text after the last blow; the line
    that tells of the fallback may come behind its first text.
    """
    last = result.struck[-1].at if result.failovers else 0.0
    text = next((at for at in result.text_at if at > last), None)
    if not result.failovers or text is None:
        return None
    return text - result.struck[0].at, text - result.struck[-1].at


class Bench:
    """One model and the recordings; each method runs the program once."""

    def __init__(self, words: Sequence[str], scratch: Path) -> None:
        self._words = words
        self._scratch = scratch
        self._runs = 0

    def file(
        self, material: Material, blows: Sequence[Blow], in_a_row: int, *options: str
    ) -> Result:
        """Transcribe a recording while the worker is hit."""
        return self._run(material, blows, in_a_row, ("transcribe", *options))

    def live(self, material: Material, blows: Sequence[Blow]) -> Result:
        """Listen to a recording at its own speed, for a third of a minute."""
        stop = ("--stop-after", "20", "--pace", "--file")
        return self._run(material, blows, FAILING, ("live", *stop))

    def _run(
        self, material: Material, blows: Sequence[Blow], in_a_row: int, words: Sequence[str]
    ) -> Result:
        self._runs += 1
        log = self._scratch / f"{self._runs}.log"
        noted = ("--log-level", "debug", "--log-file", str(log), "-f", "jsonl", "--quiet")
        killing = Killing(blows, log, in_a_row)
        path = material.clips[0].path
        command = (words[0], *self._words, *noted, *words[1:])
        return transcribe(command, path, material.seconds, killing)


def compared(material: Material, calm: Result, hit: Result) -> str:
    """Return the table of the first part."""
    different = differing(calm, hit)
    counts = [sum(one.signal is what for one in hit.struck) for what in _SIGNALS]
    heads = ["", "undisturbed", f"{counts[0]} × SIGKILL, {counts[1]} × SIGSTOP"]
    rows = [
        ["recording, s", *(f"{one.stats['audio_seconds']:.0f}" for one in (calm, hit))],
        ["windows", *(str(one.stats["windows"]) for one in (calm, hit))],
        ["whole process, s", f"{calm.seconds:.1f}", f"{hit.seconds:.1f}"],
        ["time lost, s", "", f"{hit.seconds - calm.seconds:.1f}"],
        ["restarts", *(str(one.stats["worker_restarts"]) for one in (calm, hit))],
        ["segments", *(str(len(one.pieces)) for one in (calm, hit))],
        ["WER, %", *(_wer(material, one) for one in (calm, hit))],
        ["segments that differ", "", str(len(different))],
        ["of them in no stated gap", "", str(len(unexplained(different, hit.gaps)))],
        ["gaps, s", *(f"{_gap_seconds(one):.1f}" for one in (calm, hit))],
        *(_recovery(hit, what) for what in _SIGNALS),
        ["other work, cores", f"{calm.others:.2f}", f"{hit.others:.2f}"],
    ]
    return tables.table(heads, rows)


_SIGNALS = (signal.SIGKILL, signal.SIGSTOP)


def _gap_seconds(result: Result) -> float:
    return sum(end - start for start, end, _ in result.gaps)


def _wer(material: Material, result: Result) -> str:
    return tables.number(errors_of(material, [result.text]).rate, 2)


def _recovery(hit: Result, what: signal.Signals) -> list[str]:
    found = recoveries(hit.struck, what)
    shown = f"{median(found):.2f} (≤ {max(found):.2f})" if found else tables.NOTHING
    return [f"{what.name} to the next answer, s", "", shown]


def waited(name: str, results: Sequence[Result]) -> list[str]:
    """Return a row of the second part."""
    found = [one for result in results if (one := first_texts(result)) is not None]
    cells = [name, f"{len(found)} of {len(results)}"]
    for values in zip(*found, strict=True):
        cells += [f"{median(values):.2f}", f"{max(values):.2f}"]
    cells += [tables.NOTHING] * (2 + 4 - len(cells))
    return [*cells, f"≤ {GOAL:g}", "yes" if _in_time(results) else "**no**"]


def _in_time(results: Sequence[Result]) -> bool:
    found = [first_texts(result) for result in results]
    return all(one is not None and one[0] <= GOAL for one in found)


HEADS = (
    "three kills in a row",
    "failovers",
    "first kill to text, median s",
    "most",
    "third kill to text, median s",
    "most",
    "goal",
    "met",
)
HOW = (
    "Made by `make bench-kills`: `echocli transcribe` on the long recording, undisturbed and while "
    "its worker is hit in the middle of inferences, at random places (seed {seed}), at most "
    "{in_a_row} times without a completed inference between. Then three kills in a row: the time "
    "until the first text of the fallback, counted from the first kill (goal) and from the third."
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What is lost when the worker is killed?")
    weights.add_options(parser, MODEL)
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="[default: 50]")
    parser.add_argument(
        "--stops", type=int, default=3, metavar="N", help="SIGSTOP, 10 s each [default: 3]"
    )
    parser.add_argument("--in-a-row", type=int, default=2, metavar="N", help="[default: 2]")
    parser.add_argument("--failovers", type=int, default=5, metavar="N", help="[default: 5]")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--material", default="long", help="long or minute [default: long]")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write kills-MODEL.md")
    return parser.parse_args(words)


def main() -> int:
    """Do both parts with every model, and tell whether all went well."""
    arguments = parse()
    report.require_libraries()
    materials = {one.name: one for one in build(gather(arguments.cache), arguments.cache)}
    material = materials[arguments.material]
    well = True
    for name in weights.chosen(arguments):
        weights.locate(name, arguments.model_dir)
        words = ["--model", name, "--language", "en", "--device", "cpu", "--offline"]
        if arguments.model_dir is not None:
            words += ["--model-dir", str(arguments.model_dir.resolve())]
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(words, Path(scratch))
            parts = [_first(bench, material, arguments), _second(bench, material, arguments)]
        well = well and all(fine for _, fine in parts)
        how = HOW.format(seed=arguments.seed, in_a_row=arguments.in_a_row)
        publish(arguments.output, f"kills-{name}", "\n\n".join(body for body, _ in parts), how)
    return 0 if well else 1


def _first(bench: Bench, material: Material, arguments: argparse.Namespace) -> tuple[str, bool]:
    alone = ("--fallback", "none")
    calm = bench.file(material, (), 0, *alone)
    tell(f"undisturbed: {calm.seconds:.1f} s, other work: {calm.others:.2f} cores")
    blows = plan(arguments.seed, calm.stats["windows"], arguments.kills, arguments.stops)
    hit = bench.file(material, blows, arguments.in_a_row, *alone)
    tell(f"{len(hit.struck)} blows: {hit.seconds:.1f} s, other work: {hit.others:.2f} cores")
    wrong = unexplained(differing(calm, hit), hit.gaps)
    for start, end, text in wrong:
        tell(f"not explained: {start:.1f} to {end:.1f}: {text}")
    return compared(material, calm, hit), not wrong


def _second(bench: Bench, material: Material, arguments: argparse.Namespace) -> tuple[str, bool]:
    seeds = range(arguments.seed, arguments.seed + arguments.failovers)
    files = [bench.file(material, volley(seed, 12), FAILING) for seed in seeds]
    lives = [bench.live(material, volley(seed, 20)) for seed in seeds]
    rows = [waited("transcribe", files), waited("live", lives)]
    return tables.table(HEADS, rows), _in_time(files) and _in_time(lives)


if __name__ == "__main__":
    sys.exit(main())
