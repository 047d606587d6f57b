"""How far word times are off: first and last word of every utterance whose times are known.

::

    ECHOCLI_CORPUS=/path/to/recordings python -m benchmarks.timestamps --model tiny.en

Recordings whose manifest has ``segments`` (start, end, text of each utterance) are transcribed with
word times by EchoCLI and by ``faster_whisper``. The words of all utterances are aligned with the
words heard (jiwer). An utterance counts where its first word (or its last) was heard right; others
are counted as not found. Errors are against the edges of the sound inside the utterance (see
:func:`trimmed`), because published clips begin and end with silence.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import corpus, report, tables, weights
from benchmarks.configurations import Configuration, Weights, faster_whisper, ours
from benchmarks.material import Sound
from benchmarks.processes import ProcessFailed, run
from benchmarks.publish import publish
from benchmarks.rounds import tell
from echocli.bench.accuracy import Normaliser, normalise
from echocli.models.store import is_multilingual
from echocli.types import SAMPLE_RATE

QUIET = 35.0
"""Decibels below the loudest frame from which on nothing counts as speech."""
ABOVE_NOISE = 10.0
"""Decibels that speech is louder than the quietest twentieth of the frames."""
FRAME = SAMPLE_RATE // 100
LIMIT = 1200.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is said from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as it was heard."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """Seconds by which an utterance's first word starts and its last word ends too late.

    ``None`` where that word was not heard.
    """

    start: float | None
    end: float | None


def match(utterances: Sequence[Utterance], words: Sequence[TimedWord]) -> list[Match]:
    """Find the first and the last word of each utterance among the words heard."""
    import jiwer

    spoken = [(text, n) for n, said in enumerate(utterances) for text in _tokens(said.text)]
    heard = [(text, n) for n, word in enumerate(words) for text in _tokens(word.text)]
    found: dict[int, int] = {}
    if spoken and heard:
        aligned = jiwer.process_words(_joined(spoken), _joined(heard))
        for chunk in aligned.alignments[0]:
            if chunk.type == "equal":
                for step in range(chunk.ref_end_idx - chunk.ref_start_idx):
                    found[chunk.ref_start_idx + step] = heard[chunk.hyp_start_idx + step][1]
    return [_edges(said, n, spoken, found, words) for n, said in enumerate(utterances)]


def _joined(side: Sequence[tuple[str, int]]) -> str:
    return " ".join(text for text, _ in side)


def _tokens(text: str) -> list[str]:
    return normalise(text, Normaliser.BASIC).split()


def _edges(
    said: Utterance,
    number: int,
    spoken: Sequence[tuple[str, int]],
    found: dict[int, int],
    words: Sequence[TimedWord],
) -> Match:
    own = [place for place, (_, owner) in enumerate(spoken) if owner == number]
    if not own:
        return Match(None, None)
    first, last = found.get(own[0]), found.get(own[-1])
    return Match(
        None if first is None else words[first].start - said.start,
        None if last is None else words[last].end - said.end,
    )


def trimmed(said: Utterance, sound: Sound) -> Utterance:
    """Return the utterance without the silence or the noise at its ends.

    Sound is what is at most :data:`QUIET` below the loudest 10 ms and :data:`ABOVE_NOISE` above the
    quiet ones. Soft consonants at the edges may be lost: some hundredths of a second.
    """
    first, last = (round(secs * SAMPLE_RATE) for secs in (said.start, said.end))
    piece = sound[first:last]
    frames = piece[: len(piece) // FRAME * FRAME].reshape(-1, FRAME)
    levels = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-10)
    if not len(levels):
        return said
    least = max(levels.max() - QUIET, float(np.quantile(levels, 0.05)) + ABOVE_NOISE)
    loud = np.flatnonzero(levels > least)
    if not len(loud):
        return said
    start, end = loud[0] * FRAME, (loud[-1] + 1) * FRAME
    return Utterance(
        (first + int(start)) / SAMPLE_RATE, (first + int(end)) / SAMPLE_RATE, said.text
    )


def summary(name: str, matches: Sequence[Match]) -> list[str]:
    """Return a row of the table: median and greatest error at each edge, and how many count."""
    cells = [name]
    for errors in ([one.start for one in matches], [one.end for one in matches]):
        known = [error for error in errors if error is not None]
        sizes = [abs(error) for error in known]
        cells += [
            tables.number(median(sizes) if sizes else None, 2),
            tables.number(max(sizes, default=None), 2),
            tables.number(median(known) if known else None, 2),
            f"{len(known)} of {len(errors)}",
        ]
    return cells


def heard_words(command: Sequence[str]) -> list[TimedWord]:
    """Run a tool that prints JSON lines with words and return them."""
    events = (json.loads(line.text) for line in run(command, LIMIT).lines)
    return [
        TimedWord(word["start"], word["end"], word["text"])
        for event in events
        if event["type"] == "final"
        for word in event["words"] or ()
    ]


def with_words(
    model: Weights, threads: int, language: str, named: Sequence[str]
) -> Iterator[Configuration]:
    """Yield the commands to compare; ``auto`` listens for the language."""
    for one in (
        *faster_whisper(model, threads, language)[:1],
        *ours(model, threads, language, named),
    ):
        yield Configuration(one.name, one.ours, (*one.command, "--word-timestamps"))


def recordings(
    where: Path, *, multilingual: bool
) -> Iterator[tuple[dict[str, Any], list[Utterance]]]:
    """Yield recordings with known utterances; those in several languages only if it knows them."""
    for facts in corpus.read_manifest(where):
        said = [
            Utterance(one["start"], one["end"], one["text"])
            for one in facts.get("segments") or ()
            if one.get("text")
        ]
        if said and (multilingual or facts["language"] == "en"):
            yield facts, said


def measure(model: Weights, where: Path, named: Sequence[str]) -> list[list[str]]:
    """Return the rows of the table for one model."""
    from faster_whisper.audio import decode_audio

    rows = []
    threads = len(os.sched_getaffinity(0))
    for facts, said in recordings(where, multilingual=is_multilingual(model.path)):
        path = str(where / facts["file"])
        sound = decode_audio(path, sampling_rate=SAMPLE_RATE)
        edges = [trimmed(one, sound) for one in said]
        language = "en" if facts["language"] == "en" else "auto"
        for tool in with_words(model, threads, language, named):
            try:
                words = heard_words((*tool.command, path))
            except ProcessFailed as error:
                tell(f"skipped: {tool.name}: {error}")
                continue
            rows.append([facts["id"], *summary(tool.name, match(edges, words))])
    return rows


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="How far word times are off.")
    weights.add_options(parser, "tiny.en")
    parser.add_argument("--echocli", action="append", metavar="NAME=OPTIONS", help="ways to run it")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write timestamps-MODEL.md")
    return parser.parse_args(words)


FIGURES = ("median s", "max s", "median signed s", "found")
HEADS = ("recording", "tool", *(f"{edge} {it}" for edge in ("start", "end") for it in FIGURES))
HOW = (
    "Made by `python -m benchmarks.timestamps`: by how many seconds the first word of an utterance "
    "starts and its last word ends too late, without sign and with it, against the edges of the "
    "sound. *found*: utterances whose first (last) word was heard right; the others do not count."
)


def main() -> int:
    """Measure every model and print a table for each."""
    arguments = parse()
    report.require_libraries()
    where = corpus.require_folder()
    for name in weights.chosen(arguments):
        path = weights.locate(name, arguments.model_dir)
        rows = measure(Weights(name, path, None), where, arguments.echocli or ("default=",))
        publish(arguments.output, f"timestamps-{name}", tables.table(HEADS, rows), HOW)
    return 0


if __name__ == "__main__":
    sys.exit(main())
