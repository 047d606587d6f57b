"""The provider whisper-cpp beside whisper.cpp as pywhispercpp's users call it.

::

    ECHOCLI_CORPUS=/path/to/recordings python -m benchmarks.whisper_cpp --rounds 3
    python -m benchmarks.whisper_cpp --model base --model-dir DIR --limit 12 --output -

Both sides get the same GGML file, the same clips in one process a round, and English. The plain
side is ``pywhispercpp.model.Model.transcribe`` on whole clips with its defaults (greedy), with one
thread and with as many as there are cores: threads that wait by spinning lose more than they gain
on a busy machine. Rounds are interleaved; a time is from the start of a process to its end, the
median of the rounds. The result goes to ``docs/benchmarks/whisper-cpp-<model>.md``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import weights
from benchmarks.accuracy import score
from benchmarks.configurations import Configuration, Weights
from benchmarks.corpus import Clip, select
from benchmarks.heard import Dialect, listen
from benchmarks.processes import Run, python, run

OUTPUT = weights.ROOT / "docs" / "benchmarks"

PATIENCE = 4.0
"""Seconds that a second of sound may take."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One round of one side."""

    configuration: str
    wer: float
    run: Run


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="whisper-cpp beside plain pywhispercpp.")
    weights.add_options(parser, "tiny.en")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--limit", type=int, metavar="N", help="measure at most N clips")
    parser.add_argument("--ggml", type=Path, metavar="FILE", help="measure this GGML file")
    parser.add_argument("--output", default=str(OUTPUT), metavar="DIR", help="- for the terminal")
    return parser.parse_args(words)


def sides(model: Weights, cores: int) -> list[Configuration]:
    """Return what is compared, the plain ones first."""
    if model.ggml is None:
        raise SystemExit(model.why_no_ggml)
    plain = [
        Configuration(
            f"pywhispercpp, {threads} thread{'s' * (threads > 1)}",
            False,
            _plain(model.ggml, threads),
        )
        for threads in sorted({1, cores})
    ]
    ours = [
        Configuration(f"echocli, {preset}", True, _ours(model.ggml, cores, preset))
        for preset in ("fast", "balanced")
    ]
    return [*plain, *ours]


def _plain(ggml: Path, threads: int) -> tuple[str, ...]:
    runner = python("-m", "benchmarks.runners.with_whisper_cpp", "--beam-size", "1")
    return (*runner, "--model", str(ggml), "--threads", str(threads))


def _ours(ggml: Path, threads: int, preset: str) -> tuple[str, ...]:
    return (
        *python("-m", "echocli", "transcribe", "--output-format", "jsonl", "--quiet"),
        *("--provider", "whisper-cpp", "--model", str(ggml), "--device", "cpu"),
        *("--threads", str(threads), "--language", "en", "--preset", preset),
    )


def trial(side: Configuration, clips: Sequence[Clip]) -> Trial:
    """Let one side hear all clips once."""
    limit = 60 + PATIENCE * sum(clip.seconds for clip in clips)
    done = run([*side.command, *(str(clip.path) for clip in clips)], limit)
    heard = listen(Dialect.JSON_LINES, done.lines)
    texts = {clip.id: text for clip, text in zip(clips, heard.texts, strict=True)}
    return Trial(side.name, score(side.name, "all", clips, texts, 0.0).wer, done)


def table(trials: Sequence[Trial], seconds: float) -> str:
    """Lay the medians out as a Markdown table."""
    lines = [
        "| | WER % | speed × | CPU s | peak MB | other work, cores |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(one.configuration for one in trials):
        own = [one for one in trials if one.configuration == name]
        runs = [one.run for one in own]
        cells = (
            f"{median(one.wer for one in own):.2f}",
            f"{seconds / median(one.seconds for one in runs):.1f}",
            f"{median(one.cpu_seconds for one in runs):.1f}",
            f"{max(one.peak_mb for one in runs):.0f}",
            f"{median(one.others for one in runs):.1f}",
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Measure and write what was found."""
    arguments = parse()
    cores = len(os.sched_getaffinity(0))
    clips = select(None, arguments.limit, apart=False)
    seconds = sum(clip.seconds for clip in clips)
    for name in weights.chosen(arguments):
        found = arguments.ggml or weights.prepare(name, arguments.model_dir, arguments.cache).ggml
        model = Weights(name, Path(), found, "the weights could not be converted")
        trials = []
        for number in range(1, arguments.rounds + 1):
            for side in sides(model, cores):
                trials.append(trial(side, clips))
                took = f"{trials[-1].run.seconds:.1f} s"
                print(f"round {number}: {side.name}: {took}", file=sys.stderr)
        facts = (
            f"{name}, {len(clips)} clips, {seconds:.0f} s, {cores} cores, medians of "
            f"{arguments.rounds} rounds; pywhispercpp {version('pywhispercpp')}."
        )
        publish(arguments.output, name, f"{facts}\n\n{table(trials, seconds)}\n")
    return 0


def publish(output: str, name: str, text: str) -> None:
    """Print what was found, or write it to its file."""
    if output == "-":
        print(text)
        return
    target = Path(output) / f"whisper-cpp-{name}.md"
    target.write_text(f"# whisper-cpp beside plain pywhispercpp: {name}\n\n{text}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
