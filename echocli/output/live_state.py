"""What a live view shows at one moment, worked out from the events; pure, so without a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from echocli.clock import Clock
from echocli.events import (
    SPOOLED,
    Backfill,
    Event,
    Final,
    Gap,
    Meter,
    Notice,
    Partial,
    Ready,
    SpeechEnded,
    SpeechStarted,
)

METER = 5
"""Levels kept of a source, one bar each."""

FORGOTTEN = 10.0
"""Seconds after its end when an utterance without a final is shown no longer: it held no words, or
the machine is so far behind that the words are old."""


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """How a live run goes: position in seconds, RTF, delay of the last final, ladder level.

    ``rtf`` and ``latency_ms`` (end of speech to final) are ``None`` before there is a final.
    """

    position: float
    rtf: float | None
    latency_ms: float | None
    level_name: str


@dataclass(slots=True)
class Utterance:
    """Speech that has no final yet; only ``pending`` may change."""

    committed: str = ""
    pending: str = ""
    ended: float | None = None
    """The clock when it was over."""


@dataclass(slots=True)
class Ear:
    """One source: whether it can be heard, how loud it is, and what is being said there."""

    name: str
    ready: bool = False
    levels: deque[float] = field(default_factory=lambda: deque(maxlen=METER))
    """The last levels in dB below full scale, newest last."""
    utterances: dict[int, Utterance] = field(default_factory=dict)
    last_final: int = -1

    def open(self, utterance: int) -> Utterance:
        """Return an utterance, a new one where it is not known."""
        return self.utterances.setdefault(utterance, Utterance())

    def settle(self, utterance: int) -> None:
        """Let go of an utterance that is final, and of older ones, which will never be."""
        self.last_final = max(self.last_final, utterance)
        kept = {id_: open_ for id_, open_ in self.utterances.items() if id_ > utterance}
        self.utterances = kept


class Kept:
    """Speech that waits on disk for its text, as the gaps that are not filled yet."""

    def __init__(self) -> None:
        self._gaps: list[Gap] = []

    @property
    def seconds(self) -> float:
        """How much speech waits."""
        return sum(gap.end - gap.start for gap in self._gaps)

    def take(self, event: Gap | Backfill) -> None:
        """Take a gap, or what fills one; a gap within one says that it never will be filled."""
        if self.keeps(event):
            self._gaps.append(event)
            return
        where = event if isinstance(event, Gap) else event.segment
        for gap in self._gaps:
            if gap.source == where.source and gap.start <= where.start < gap.end:
                self._gaps.remove(gap)
                return

    @staticmethod
    def keeps(event: Event) -> TypeGuard[Gap]:
        """Tell whether this is a gap that will be filled."""
        return isinstance(event, Gap) and event.reason.startswith(SPOOLED)


class LiveState:
    """Follow the events of all sources.

    Events without a source belong to the first. ``lost`` tells that a device has gone.
    """

    def __init__(self, sources: Sequence[str], clock: Clock) -> None:
        self._clock = clock
        self._ears = {name: Ear(name) for name in sources}
        self._heard = 0.0
        self.figures: LiveFigures | None = None
        self.lost = False
        self.kept = Kept()

    @property
    def ears(self) -> list[Ear]:
        """All sources, in the order they were given."""
        return list(self._ears.values())

    @property
    def position(self) -> float:
        """Seconds of the source that are done."""
        return self.figures.position if self.figures else self._heard

    def take(self, event: Event, figures: LiveFigures | None) -> None:
        """Take the next event, and figures where there are new ones."""
        self.figures = figures or self.figures
        match event:
            case Ready():
                self._ear(event.source).ready = True
            case Meter():
                self._ear(event.source).levels.append(event.rms)
                self._heard = max(self._heard, event.position)
            case Notice():
                self._notice(event.code)
            case Gap() | Backfill():
                self.kept.take(event)
            case SpeechStarted() | Partial() | SpeechEnded() | Final():
                self._speech(event)

    def forget(self) -> None:
        """Drop utterances that have been over for :data:`FORGOTTEN` seconds."""
        before = self._clock.now() - FORGOTTEN
        for ear in self._ears.values():
            for id_, utterance in list(ear.utterances.items()):
                if utterance.ended is not None and utterance.ended < before:
                    del ear.utterances[id_]

    def _ear(self, source: str | None) -> Ear:
        name = next(iter(self._ears), "") if source is None else source
        return self._ears.setdefault(name, Ear(name))

    def _notice(self, code: str) -> None:
        if code in ("device_lost", "device_back"):
            self.lost = code == "device_lost"
            for ear in self._ears.values():
                ear.levels.clear()

    def _speech(self, event: SpeechStarted | Partial | SpeechEnded | Final) -> None:
        spoken = event.segment if isinstance(event, Partial | Final) else event
        ear = self._ear(spoken.source)
        if spoken.id <= ear.last_final:
            return  # a partial that was overtaken by its final
        match event:
            case Final():
                ear.settle(spoken.id)
            case SpeechStarted():
                ear.open(spoken.id)
            case Partial():
                utterance = ear.open(spoken.id)
                utterance.committed = event.committed.strip()
                text = event.segment.text.strip()
                utterance.pending = text.removeprefix(utterance.committed).strip()
            case SpeechEnded():
                self._end(ear, spoken.id)

    def _end(self, ear: Ear, utterance: int) -> None:
        """Keep the words of an utterance until its final is there; without any, drop it."""
        open_ = ear.utterances.get(utterance)
        if open_ is None:
            return
        open_.ended = self._clock.now()
        if not (open_.committed or open_.pending):
            del ear.utterances[utterance]
