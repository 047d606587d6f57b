"""Hours of speech through the live core in one go: does anything grow, do times drift?

::

    make soak
    python -m benchmarks.soak --provider scripted --hours 2
    python -m benchmarks.soak --provider faster-whisper --hours 2

The same speech with silences is heard over and over, in blocks of 32 ms, by the live core and a
model in its worker process, on a clock that is stepped: a block moves it by 32 ms, and an answer
comes with the first block :data:`DELAY` of its seconds after the question, so that speech goes on
meanwhile as it does at a microphone. Every :data:`EVERY` simulated seconds it looks at the memory
of both processes and at the size of every container that can be reached from the session, its ear
and the supervisor. Since each loop repeats the one before, finals must begin at the same places.

Exits with 1 when, after the first fifth, memory grows by more than 5 %, a container grows, or a
final is more than 50 ms off; or when, after ten minutes, the memory of a process grows by 5 MB or
more an hour of audio.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import psutil

from benchmarks import corpus, soak_findings, soak_slopes, weights
from benchmarks.containers import sizes
from benchmarks.corpus import HEADLINE
from benchmarks.rounds import tell
from benchmarks.soak_findings import HOUR, Found, Look, report
from echocli.audio.capture import Captured
from echocli.audio.playback import PIECE
from echocli.clock import SteppingClock
from echocli.events import Event
from echocli.providers.base import Hypothesis, LoadSpec
from echocli.runtime.ear import Ear
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.live_session import LiveSession, Request
from echocli.runtime.supervisor import Supervisor
from echocli.runtime.warmup import Level, warm_windows
from echocli.types import SAMPLE_RATE, Samples

MB = 2**20
EVERY = 300.0
"""Simulated seconds between two looks."""
OFTEN = 1.0
"""Simulated seconds between two counts of what containers hold; a look has the highest."""
DELAY = 0.1
"""Simulated seconds from a question to its answer; about what tiny.en takes."""
PAUSE = 1.5
"""Seconds of silence behind each piece of speech."""
RECORDED_SECONDS = 240.0
"""Recorded speech in a loop, where there is some."""

Loop: TypeAlias = Samples
"""Sound that is heard over and over; a whole number of blocks."""


class Soak:
    """The live core with one source on a stepped clock."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._clock = SteppingClock()
        self._supervisor = supervisor
        self._session = LiveSession(["soak"], LiveOptions())
        self._ear = Ear(self._session.sources[0], detect=True)
        self._peaks: dict[str, int] = {}
        self._asked: tuple[float, Request, list[Hypothesis | str]] | None = None

    def run(self, loop: Loop, seconds: float) -> Found:
        """Hear the loop for so many simulated seconds."""
        found = Found(len(loop) / SAMPLE_RATE)
        self._supervisor.ready(warm_windows(Level.FIRST))
        begun, next_look, next_count = time.perf_counter(), EVERY, OFTEN
        for block in blocks(loop, seconds):
            self._clock.advance(len(block) / SAMPLE_RATE)
            now = self._clock.now()
            found.take(self._ear.hear(Captured(block, now), now))
            found.take(self._decode(now))
            if now >= next_count:
                next_count += OFTEN
                self._count()
            if now >= next_look:
                next_look += EVERY
                found.looks.append(self._look(now))
                tell(soak_findings.line(found.looks[-1], time.perf_counter() - begun))
        found.take(self._ear.finish(self._clock.now()))
        found.take(self._drain())
        found.wall_seconds = time.perf_counter() - begun
        return found

    def _decode(self, now: float) -> list[Event]:
        """Deliver the answer that is due, then ask for what is most urgent."""
        events: list[Event] = []
        if self._asked is not None and now >= self._asked[0]:
            due, request, answers = self._asked
            self._asked = None
            events = self._session.answer(request, answers, due, DELAY)
        if self._asked is None:
            request_now = self._session.request(self._supervisor.spec.slots)
            if request_now is not None:
                self._asked = (now + DELAY, request_now, self._answers(request_now))
        return events

    def _answers(self, request: Request) -> list[Hypothesis | str]:
        outcomes = self._supervisor.decode(request.windows, request.options)
        return [one if isinstance(one, Hypothesis) else one.reason for one in outcomes]

    def _drain(self) -> list[Event]:
        events: list[Event] = []
        while True:
            self._clock.advance(DELAY)
            events += self._decode(self._clock.now())
            if self._asked is None:
                return events

    def _look(self, now: float) -> Look:
        parent, peaks = psutil.Process(), self._peaks
        self._peaks = {}
        children = parent.children(recursive=True)
        return Look(
            now,
            parent.memory_info().rss / MB,
            sum(child.memory_info().rss for child in children) / MB,
            peaks,
        )

    def _count(self) -> None:
        roots = {"session": self._session, "ear": self._ear, "supervisor": self._supervisor}
        for name, size in sizes(roots).items():
            self._peaks[name] = max(size, self._peaks.get(name, 0))


def blocks(loop: Loop, seconds: float) -> Iterator[Samples]:
    """Yield the loop over and over for so many seconds, as a source hands it on."""
    left = round(seconds * SAMPLE_RATE)
    while left > 0:
        for start in range(0, min(len(loop), left), PIECE):
            yield loop[start : start + PIECE]
        left -= len(loop)


def make_loop(paths: Sequence[Path]) -> Loop:
    """Join recordings with silence behind each; whole frames, so that each loop is heard alike."""
    from faster_whisper.audio import decode_audio

    parts: list[Samples] = []
    for path in paths:
        parts += [
            decode_audio(str(path), sampling_rate=SAMPLE_RATE),
            np.zeros(round(PAUSE * SAMPLE_RATE), np.float32),
        ]
    length = sum(map(len, parts))
    return np.concatenate([*parts, np.zeros(-length % PIECE, np.float32)])


def samples() -> list[Path]:
    """Return the recordings that come with the project."""
    return [weights.ROOT / "samples" / f"{name}.flac" for name in ("meeting", "pauses")]


def recorded() -> list[Path]:
    """Return recordings of people, none where ``ECHOCLI_CORPUS`` names none."""
    where = corpus.folder()
    taken: list[Path] = []
    left = RECORDED_SECONDS
    for clip in corpus.read_clips(where) if where is not None else ():
        if clip.group == HEADLINE and clip.seconds <= left:
            taken.append(clip.path)
            left -= clip.seconds
    return taken


def spec_of(provider: str, model: Path | None, scratch: Path) -> LoadSpec:
    """Return how to load the provider; the scripted one gets a script in ``scratch``."""
    if provider == "scripted":
        path = scratch / "script.json"
        path.write_text(json.dumps({"texts": ["one two", "three four five"]}), encoding="utf-8")
        return LoadSpec("scripted", "script", str(path))
    return LoadSpec(provider, "tiny.en", str(weights.locate("tiny.en", model)), slots=2)


def soak(spec: LoadSpec, loop: Loop, seconds: float) -> Found:
    """Run everything with one provider; its worker is gone afterwards."""
    supervisor = Supervisor(spec)
    try:
        return Soak(supervisor).run(loop, seconds)
    finally:
        supervisor.close()


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Does anything grow or drift in hours of speech?")
    parser.add_argument("--hours", type=float, default=2.0, help="simulated, each [default: 2]")
    parser.add_argument(
        "--provider", action="append", help="may be repeated [default: scripted, faster-whisper]"
    )
    parser.add_argument("--model-dir", type=Path, metavar="DIR", help="look for tiny.en here first")
    return parser.parse_args(words)


def main() -> int:
    """Soak each provider and tell whether all went well."""
    arguments = parse()
    loop = make_loop([*samples(), *recorded()])
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for provider in arguments.provider or ["scripted", "faster-whisper"]:
            spec = spec_of(provider, arguments.model_dir, Path(scratch))
            found = soak(spec, loop, arguments.hours * HOUR)
            wrong += report(provider, found) + soak_slopes.report(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
