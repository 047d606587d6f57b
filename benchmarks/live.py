"""What a reader of the live mode waits for, measured from outside against what is really said.

::

    ECHOCLI_CORPUS=/path/to/recordings make bench-live
    python -m benchmarks.live --limit 60

Starts ``echocli live --file F --pace -f jsonl`` as a child, stamps each line as it arrives and
holds it against the true text and the true edges of every utterance (see
:mod:`benchmarks.live_material`). Words have no published times: their ends are those that
``faster_whisper`` (beam 5) aligns in the same recording, another program than the one measured.
The same recordings are transcribed offline with ``--preset balanced`` in the same run. A full run
takes about twelve minutes, because sound is played at its own speed, and leaves a page in
``docs/benchmarks``; ``--limit`` only prints.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import corpus, report, tables, weights
from benchmarks.configurations import Configuration, Weights, faster_whisper, ours
from benchmarks.heard import listen
from benchmarks.live_material import Take, takes
from benchmarks.live_reading import Waits, read, waits
from benchmarks.processes import python, run
from benchmarks.publish import publish
from benchmarks.rounds import PATIENCE, tell
from benchmarks.timestamps import TimedWord, heard_words
from echocli.bench.accuracy import Errors, score
from echocli.runtime.stats import percentile

MODEL = "tiny.en"
OUTPUT = weights.ROOT / "docs" / "benchmarks"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Trial:
    """One take, or several put together; ``others`` is how many cores other work kept busy."""

    name: str
    seconds: float
    waits: Waits
    live: Errors
    offline: Errors
    busy_seconds: float
    others: float
    peak_mb: float

    @property
    def worse(self) -> float:
        """Points of word error rate above offline."""
        return (self.live.rate or 0.0) - (self.offline.rate or 0.0)


def together(trials: Sequence[Trial]) -> Trial:
    """Put trials together: waits side by side, seconds and errors added."""
    seconds = sum(one.seconds for one in trials)
    return Trial(
        name=ALL,
        seconds=seconds,
        waits=_joined([one.waits for one in trials]),
        live=sum((one.live for one in trials), Errors()),
        offline=sum((one.offline for one in trials), Errors()),
        busy_seconds=sum(one.busy_seconds for one in trials),
        others=sum(one.others * one.seconds for one in trials) / seconds,
        peak_mb=max(one.peak_mb for one in trials),
    )


def _joined(found: Sequence[Waits]) -> Waits:
    def added(name: str) -> Any:
        values = [getattr(one, name) for one in found]
        return sum(values[1:], values[0])

    return Waits(**{field.name: added(field.name) for field in fields(Waits)})


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table; with a target it should be at most that."""

    label: str
    value: Callable[[Trial], float | None]
    digits: int = 2
    target: float | None = None


def _share(kind: str, share: float) -> Callable[[Trial], float | None]:
    return lambda trial: percentile(getattr(trial.waits, kind), share)


def _mean(kind: str) -> Callable[[Trial], float | None]:
    return lambda trial: fmean(found) if (found := getattr(trial.waits, kind)) else None


def _percentiles(label: str, kind: str, target: float | None = None) -> list[Figure]:
    return [
        Figure(f"{label}, p50 s", _share(kind, 0.5)),
        Figure(f"{label}, p95 s", _share(kind, 0.95), target=target),
        Figure(f"{label}, p99 s", _share(kind, 0.99)),
    ]


FIGURES: tuple[Figure, ...] = (
    *_percentiles("TTFS", "ttfs"),
    *_percentiles("hangover", "hangover"),
    *_percentiles("finalising", "finalising", 0.35),
    *_percentiles("first partial", "first_partial", 1.0),
    Figure("first text, p95 s", _share("first_text", 0.95)),
    Figure("commit lag, mean s", _mean("commit"), target=1.5),
    *_percentiles("commit lag", "commit"),
    Figure("committed, %", lambda one: 100 * one.waits.committed / max(1, one.waits.words), 1),
    Figure("broken promises", lambda one: one.waits.broken, 0, target=0),
    Figure("WER live, %", lambda one: one.live.rate),
    Figure("WER offline, %", lambda one: one.offline.rate),
    Figure("WER live - offline, points", lambda one: one.worse, target=1.0),
    Figure("busy, %", lambda one: 100 * one.busy_seconds / one.seconds, 1, target=35.0),
    Figure("peak memory, MB", lambda one: one.peak_mb, 0),
    Figure("recording, s", lambda one: one.seconds, 0),
    Figure("utterances", lambda one: one.waits.edges, 0),
    Figure("ends found", lambda one: len(one.waits.ttfs), 0),
    Figure("starts found", lambda one: len(one.waits.first_text), 0),
    Figure("starts with a partial", lambda one: len(one.waits.first_partial), 0),
    Figure("words with a time", lambda one: len(one.waits.commit), 0),
    Figure("other work, cores", lambda one: one.others),
)


def table(trials: Sequence[Trial]) -> str:
    """Return a row for each figure and a column for each trial; a target must hold for the last."""
    heads = ["", *(one.name for one in trials), "target", "met"]
    return tables.table(heads, [_row(figure, trials) for figure in FIGURES])


def _row(figure: Figure, trials: Sequence[Trial]) -> list[str]:
    values = [figure.value(one) for one in trials]
    cells = [figure.label, *(tables.number(value, figure.digits) for value in values)]
    if figure.target is None:
        return [*cells, "", ""]
    met = values[-1] is not None and values[-1] <= figure.target
    return [*cells, f"≤ {figure.target:g}", "yes" if met else "**no**"]


def live_command(model: Weights, threads: int, path: Path) -> tuple[str, ...]:
    """Return how a reader would start it."""
    return (
        *python("-m", "echocli", "live", "--file", str(path), "--pace", "-f", "jsonl", "--quiet"),
        *("--model", str(model.path), "--device", "cpu", "--compute-type", "int8"),
        *("--threads", str(threads), "--language", "en"),
    )


def measure(take: Take, model: Weights, threads: int) -> Trial:
    """Play a take once, transcribe it offline and say how the two did.

    Raises ``ProcessFailed`` where one of the programs does not end well.
    """
    offline, aligned = _offline(take, model, threads)
    limit = PATIENCE[0] + PATIENCE[1] * take.seconds
    done = run(live_command(model, threads, take.path), limit)
    reading = read(done.lines)
    trial = Trial(
        name=take.name,
        seconds=take.seconds,
        waits=waits(reading, take.utterances, aligned),
        live=_errors(take, reading.text),
        offline=_errors(take, offline),
        busy_seconds=reading.stats["busy_seconds"],
        others=done.others,
        peak_mb=done.peak_mb,
    )
    tell(f"{take.name}: {take.seconds:.0f} s, other work: {done.others:.2f} cores")
    return trial


def _offline(take: Take, model: Weights, threads: int) -> tuple[str, list[TimedWord]]:
    """Return what the offline default hears, and when another program hears each word."""
    balanced = ours(model, threads, "en", ["balanced=--preset balanced"])[0]
    other: Configuration = faster_whisper(model, threads, "en")[0]
    limit = PATIENCE[0] + PATIENCE[1] * take.seconds
    lines = run((*balanced.command, str(take.path)), limit).lines
    heard = listen(balanced.dialect, lines)
    return heard.texts[0], heard_words((*other.command, "--word-timestamps", str(take.path)))


def _errors(take: Take, text: str) -> Errors:
    return score(take.reference, text, "en").words or Errors()


HOW = (
    "Made by `make bench-live`: `echocli live --file … --pace -f jsonl` as a child, each line "
    "stamped on arrival, against the true edges of every utterance. *TTFS*: true end of speech to "
    "the final, where an utterance was found to end there (within 0.7 s); *hangover* and "
    "*finalising* are its parts, before and after `speech_ended`. *first partial*: from the true "
    "start of speech, where there was one; *first text* also where the final came first. "
    "*commit lag*: from the end of a word (as `faster_whisper` aligns it; "
    "negative where that is late) to its appearance in `committed` or in the final. *busy*: "
    "seconds with at least one inference running. *offline*: `transcribe --preset balanced` on the "
    "same files. *odd*, *even*: every second headline clip joined with silences of 0.7 to 1.5 s; "
    "tuning was done on *odd* and *chapter*. *chapter*: 32 sentences of one reader with their "
    "published cuts. "
    "*spoken*: synthetic sentences. The target must hold for *all*."
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What a reader of the live mode waits for.")
    weights.add_options(parser, MODEL)
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="play about so much in all")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIR")
    return parser.parse_args(words)


def main() -> int:
    """Play everything to each model and publish a table, if nothing was left out."""
    arguments = parse()
    report.require_libraries()
    threads = len(os.sched_getaffinity(0))
    found = takes(arguments.cache, arguments.limit)
    whole = arguments.limit is None and corpus.folder() is not None
    for name in weights.chosen(arguments):
        model = Weights(name, weights.locate(name, arguments.model_dir), None)
        trials = [measure(take, model, threads) for take in found]
        body = table([*trials, together(trials)])
        publish(arguments.output if whole else None, f"live-{name}", body, HOW)
    return 0


if __name__ == "__main__":
    sys.exit(main())
