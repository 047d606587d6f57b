"""Live speech on a machine that is too slow for a while: what does the ladder do, what is lost?

::

    ECHOCLI_CORPUS=/path/to/recordings make bench-ladder
    make bench-ladder BENCH="--load 8@10-90 --burn 8"

Plays a recording at its own speed to ``echocli live``: undisturbed, with every decode taking
sixteen times as long from the 10th to the 70th second of decoding, and, with ``--burn``, beside so
many processes that do nothing but compute. Nothing may be lost, the model and the level must be
what they were before sound ends, and the word error rate may rise by at most two points. Each run
takes as long as the recording: four minutes. Exits with 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks import report, tables, weights
from benchmarks.ladder_reading import LEVELS, NORMAL, Heard, read
from benchmarks.live_material import Take, longest
from benchmarks.processes import Beside, nothing, python, run
from benchmarks.publish import publish
from benchmarks.rounds import PATIENCE, tell
from echocli.bench.accuracy import Errors, score

MODEL = "base"
LOAD = "16@10-70"
SPOKEN_SECONDS = 235.0
"""Synthetic speech, where there is none recorded: as long as the recorded chapter."""
SLACK = 2.0
"""Points the word error rate may rise."""
BURNING = (10.0, 70.0)
"""Seconds from the start of the program between which others compute."""


class Burning:
    """Keep processes busy for a while beside another; a context manager around its run."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._burn, name="burning", daemon=True)

    def __call__(self, pid: int, start: float) -> Self:
        """Return what to enter, whatever the process."""
        del pid, start
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _burn(self) -> None:
        begin, end = BURNING
        if self._over.wait(begin):
            return
        command = python("-c", "while True: pass")
        burning = [subprocess.Popen(command) for _ in range(self._count)]
        self._over.wait(end - begin)
        for process in burning:
            process.kill()
        for process in burning:
            process.wait()


@dataclass(frozen=True, slots=True)
class Trial:
    """One run; ``others`` is how many cores everything else kept busy."""

    name: str
    heard: Heard
    errors: Errors
    lost_words: float
    peak_mb: float
    others: float

    @property
    def wer(self) -> float:
        """Word error rate in percent."""
        return self.errors.rate or 0.0


def play(
    name: str, take: Take, words: Sequence[str], options: Sequence[str], beside: Beside = nothing
) -> Trial:
    """Play a recording once; raise ``ProcessFailed`` where the program does not end well."""
    command = (
        *python("-m", "echocli", "live", "--file", str(take.path), "--pace", "-f", "jsonl"),
        *("--quiet", *words, *options),
    )
    # A gap that is left makes the status 1.
    done = run(command, PATIENCE[0] + PATIENCE[1] * take.seconds, beside, codes=(0, 1))
    heard = read(done.lines)
    errors = score(take.reference, heard.text, "en").words or Errors()
    lost = heard.lost_words(take.utterances)
    tell(f"{name}: up to {heard.highest}, other work: {done.others:.2f} cores")
    return Trial(name, heard, errors, lost, done.peak_mb, done.others)


def faults(trial: Trial, calm: Trial, model: str) -> list[str]:
    """Return what is not as it should be."""
    found = {
        f"{trial.lost_words:.0f} words were lost": bool(trial.heard.left),
        f"WER rose by {trial.wer - calm.wer:.2f} points": trial.wer - calm.wer > SLACK,
        f"not back at {NORMAL}": trial.heard.back_at is None,
        f"{trial.heard.stats['model']} serves": trial.heard.stats["model"] != model,
    }
    return [what for what, wrong in found.items() if wrong]


def summary(trials: Sequence[Trial], model: str) -> str:
    """Return a column for each run; the first is the one the others are held against."""
    calm = trials[0]
    heads = ["", *(one.name for one in trials)]
    rows = [_row(one, calm, model) for one in trials]
    labels = list(rows[0])
    return tables.table(heads, [[label, *(row[label] for row in rows)] for label in labels])


def _row(one: Trial, calm: Trial, model: str) -> dict[str, str]:
    stats = one.heard.stats
    live = stats["live"]
    ttfs = live["ttfs_ms"]
    wrong = faults(one, calm, model)
    return {
        "highest level": one.heard.highest,
        f"back at {NORMAL} at s": tables.number(one.heard.back_at, 0),
        "model at the end": stats["model"],
        "spooled, s": f"{live['spooled_seconds']:.1f}",
        "backfilled, s": f"{live['backfilled_seconds']:.1f}",
        "gaps left, s": f"{sum(gap.end - gap.start for gap in one.heard.left):.1f}",
        "words lost in them": f"{one.lost_words:.0f}",
        "WER, %": f"{one.wer:.2f}",
        "WER above undisturbed, points": f"{one.wer - calm.wer:+.2f}",
        "TTFS, median s": f"{(ttfs['p50'] or 0) / 1000:.2f}",
        "TTFS, p95 s": f"{(ttfs['p95'] or 0) / 1000:.2f}",
        "busy, %": f"{100 * stats['busy_seconds'] / stats['audio_seconds']:.0f}",
        "restarts": str(stats["worker_restarts"]),
        "peak memory, MB": f"{one.peak_mb:.0f}",
        "other work, cores": f"{one.others:.2f}",
        "as it should be": "; ".join(wrong) or "yes",
    }


def moves(trial: Trial) -> str:
    """Return every change of the level, with what it meant."""
    heads = ["at", "from → to", "because", "RTF", "what changed"]
    rows = [
        [
            f"{one['position']:.0f} s",
            f"{one['from']} → {one['to']}",
            one["reason"],
            tables.number(one["rtf"], 2),
            ", ".join(one["effects"]),
        ]
        for one in trial.heard.levels
    ]
    return f"### {trial.name}\n\n" + (tables.table(heads, rows) if rows else "No change.")


HOW = (
    "Made by `make bench-ladder`: `echocli live --file … --pace` on {seconds:.0f} s of speech "
    "({name}), undisturbed and under load; *load F@A-B*: every decode takes F times as long "
    "between the seconds A and B of decoding. Wrong are words lost in gaps that nothing filled, "
    f"more than {SLACK:g} points of WER above undisturbed, another level than {LEVELS[0]} or "
    "another model when sound ends. TTFS is the program's own figure, without what was backfilled."
)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What does the ladder do under load?")
    weights.add_options(parser, MODEL)
    parser.add_argument(
        "--load",
        action="append",
        metavar="FACTOR[@START-END]",
        help=f"as echocli's --simulate-load, may be repeated [default: {LOAD}]",
    )
    parser.add_argument("--burn", type=int, metavar="N", help="also beside N busy processes")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write ladder-MODEL.md")
    return parser.parse_args(words)


def trials_of(arguments: argparse.Namespace, name: str, take: Take) -> list[Trial]:
    """Play the recording in every way that was asked for; undisturbed first."""
    threads = str(len(os.sched_getaffinity(0)))
    words = ["--model", name, "--language", "en", "--device", "cpu", "--threads", threads]
    if arguments.model_dir is not None:
        words += ["--model-dir", str(arguments.model_dir.resolve())]
    words.append("--offline")
    trials = [play("undisturbed", take, words, ())]
    for load in arguments.load or [LOAD]:
        trials.append(play(f"load {load}", take, words, ("--simulate-load", load)))
    if arguments.burn:
        burning = Burning(arguments.burn)
        trials.append(play(f"{arguments.burn} busy processes", take, words, (), burning))
    return trials


def main() -> int:
    """Play everything to each model, print what it did, and tell whether all was well."""
    arguments = parse()
    report.require_libraries()
    take = longest(arguments.cache, SPOKEN_SECONDS)
    wrong: list[str] = []
    for name in weights.chosen(arguments):
        weights.locate(name, arguments.model_dir)
        trials = trials_of(arguments, name, take)
        wrong += [fault for one in trials for fault in faults(one, trials[0], name)]
        body = "\n\n".join([summary(trials, name), *(moves(one) for one in trials)])
        how = HOW.format(seconds=take.seconds, name=take.name)
        publish(arguments.output, f"ladder-{name}", body, how)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
