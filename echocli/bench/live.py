"""What a listener waits for, timed from outside: when each event comes out, against the sound.

Nothing of the latencies the program itself counts is used, so that the two can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from echocli.bench.series import Course, Levels, Pace
from echocli.bench.spoken import pairs
from echocli.clock import Clock
from echocli.decoding.agreement import split_words
from echocli.events import (
    Backfill,
    End,
    Event,
    Final,
    Level,
    Meter,
    Partial,
    Ready,
    SpeechEnded,
    SpeechStarted,
)
from echocli.runtime.live_run import Live
from echocli.types import Segment, Word

SILENCE = "silence"
"""Reason of an utterance whose end was heard; others were cut, so there is no end to wait for."""


STRETCH = 2.0
"""Seconds of sound of a stretch that has an RTF of its own."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Every single wait, in milliseconds."""

    ttfs: tuple[float, ...] = ()
    """From the end of speech to the final: hangover and finalising."""
    hangover: tuple[float, ...] = ()
    """From the end of speech until that was known."""
    finalising: tuple[float, ...] = ()
    """From then to the final, also of utterances that were cut."""
    first_partial: tuple[float, ...] = ()
    """From the start of speech to the first partial."""
    commit: tuple[float, ...] = ()
    """From the end of a word until it was committed, or final where it never was."""


@dataclass(frozen=True, slots=True)
class LiveTrial:
    """One recording played once; ``core`` holds the latencies as the program counts them."""

    audio_seconds: float
    busy_seconds: float
    lost_seconds: float
    partials: int
    skipped: int
    words: int
    committed: int
    waits: Waits
    text: str = ""
    language: str | None = None
    core: Mapping[str, Any] = field(default_factory=dict)
    course: Course = field(default_factory=Course)


@dataclass(slots=True)
class _Utterance:
    """When things of one utterance came out; ``start`` and ``end`` are positions in seconds."""

    start: float = 0.0
    end: float = 0.0
    reason: str = ""
    ended_at: float = 0.0
    partial_at: float | None = None
    committed_at: list[float] = field(default_factory=list)
    final: Segment | None = None
    final_at: float = 0.0

    def commit(self, partial: Partial, now: float) -> None:
        count = len(split_words(partial.committed))
        self.committed_at += [now] * (count - len(self.committed_at))

    def shown(self) -> list[tuple[str, float]]:
        """Return the words of the final and when each was settled."""
        words = split_words(self.final.text) if self.final else []
        times = [*self.committed_at[: len(words)]]
        return list(zip(words, times + [self.final_at] * (len(words) - len(times)), strict=True))


class Stopwatch:
    """Note when each event of one source comes, and work out the waits at the end."""

    def __init__(self, clock: Clock) -> None:
        self.language: str | None = None
        self._clock = clock
        self._origin = math.inf
        self._utterances: dict[int, _Utterance] = {}
        self._backfilled: list[Segment] = []

    def take(self, event: Event) -> None:
        """Take an event as it comes."""
        now = self._clock.now()
        match event:
            case Ready():
                self._reached(0.0, now)
            case Meter():
                self._reached(event.position, now)
            case SpeechStarted():
                self._of(event.id).start = event.start
            case Partial():
                self._partial(event, now)
            case SpeechEnded():
                self._ended(event, now)
            case Final():
                one = self._of(event.segment.id)
                one.final, one.final_at = event.segment, now
            case Backfill():
                self._backfilled.append(event.segment)
            case End():
                self.language = event.language

    @property
    def text(self) -> str:
        """All finals, and what was decoded later in their midst."""
        finals = [one.final for one in self._said if one.final]
        found = sorted([*finals, *self._backfilled], key=lambda segment: segment.start)
        return " ".join(segment.text.strip() for segment in found)

    @property
    def words(self) -> int:
        """Words of finals."""
        return sum(len(one.shown()) for one in self._said)

    @property
    def committed(self) -> int:
        """Words among them that were committed before."""
        return sum(min(len(one.committed_at), len(one.shown())) for one in self._said)

    def waits(self, true: Sequence[Word] | None = None) -> Waits:
        """Return all waits; words have their ``true`` times or those of the final's alignment."""
        zero, said = self._origin, self._said
        heard = [one for one in said if one.reason == SILENCE]
        begun = [one for one in self._utterances.values() if one.partial_at is not None]
        commit = self._against(true) if true is not None else self._aligned()
        return Waits(
            ttfs=_each(heard, lambda one: one.final_at - zero - one.end),
            hangover=_each(heard, lambda one: one.ended_at - zero - one.end),
            finalising=_each(said, lambda one: one.final_at - one.ended_at),
            first_partial=_each(begun, lambda one: (one.partial_at or 0.0) - zero - one.start),
            commit=tuple(map(_milliseconds, commit)),
        )

    @property
    def _said(self) -> list[_Utterance]:
        return [one for one in self._utterances.values() if one.final and one.reason]

    def _reached(self, position: float, now: float) -> None:
        """Learn when the source began: it cannot have given this much sound in less time.

        ``ready`` comes with the first block; levels, four a second, correct that and its delay.
        """
        self._origin = min(self._origin, now - position)

    def _of(self, number: int) -> _Utterance:
        return self._utterances.setdefault(number, _Utterance())

    def _partial(self, event: Partial, now: float) -> None:
        one = self._of(event.segment.id)
        one.partial_at = now if one.partial_at is None else one.partial_at
        one.commit(event, now)

    def _ended(self, event: SpeechEnded, now: float) -> None:
        one = self._of(event.id)
        one.end, one.reason, one.ended_at = event.end, event.reason, now

    def _aligned(self) -> list[float]:
        return [
            at - self._origin - word.end
            for one in self._said
            if one.final
            for word, (_, at) in zip(one.final.words or (), one.shown(), strict=False)
        ]

    def _against(self, true: Sequence[Word]) -> list[float]:
        shown = [pair for one in self._said for pair in one.shown()]
        matched = pairs([word.text for word in true], [text for text, _ in shown])
        return [shown[n][1] - self._origin - true[m].end for m, n in matched]


def _each(found: Sequence[_Utterance], wait: Callable[[_Utterance], float]) -> tuple[float, ...]:
    return tuple(_milliseconds(wait(one)) for one in found)


def _milliseconds(secs: float) -> float:
    """Convert to milliseconds; what seems to come before its sound only has an inexact time."""
    return max(0.0, 1000 * secs)


class _Route:
    """Follow how busy decoding was, and the ladder where there is one."""

    def __init__(self, live: Live, *, ladder: bool) -> None:
        self._live = live
        self._pace = Pace(STRETCH)
        self._levels = Levels(live.level) if ladder else None

    def take(self, event: Event) -> None:
        if isinstance(event, Meter | End):
            self._pace.note(self._live.position, self._live.stats.busy_seconds)
        elif isinstance(event, Level) and self._levels is not None:
            self._levels.note(event)

    @property
    def course(self) -> Course:
        levels = self._levels.levels if self._levels is not None else None
        return Course(self._pace.curve, levels)


def measure_live(
    live: Live,
    clock: Clock,
    watch: Callable[[Event], None],
    true: Sequence[Word] | None = None,
    *,
    ladder: bool = False,
) -> LiveTrial:
    """Run one paced source to its end and return its figures; ``watch`` sees every event.

    ``ladder`` says whether it does less where the machine does not keep up.
    Raises what the run raises: ``InputError``, ``ModelError``, ``TranscriptionError``.
    """
    stopwatch, route = Stopwatch(clock), _Route(live, ladder=ladder)
    for event in live.events():
        stopwatch.take(event)
        route.take(event)
        watch(event)
    stats, core = live.stats, live.stats.live or {}
    return LiveTrial(
        audio_seconds=stats.audio_seconds,
        busy_seconds=stats.busy_seconds,
        lost_seconds=stats.lost_seconds,
        partials=core.get("partials", 0),
        skipped=core.get("partials_skipped", 0),
        words=stopwatch.words,
        committed=stopwatch.committed,
        waits=stopwatch.waits(true),
        text=stopwatch.text,
        language=stopwatch.language,
        core=core,
        course=route.course,
    )
