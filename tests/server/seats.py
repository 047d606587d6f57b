"""Sessions in memory, for the conversations: they keep what they are told and decode nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from echocli.events import Event, Final, SpeechStarted
from echocli.server.conversation import Conversation
from echocli.server.desk import Close, Limits, Refused, Send
from echocli.server.talk import Talk
from echocli.server.told import Told
from echocli.types import Segment
from echocli.wire.codes import Code
from echocli.wire.frames import Frame, encode
from echocli.wire.messages import (
    Format,
    Metrics,
    Numbered,
    Ready,
    Refusal,
    SourceMetrics,
    SourceStart,
    Start,
    to_text,
)

START = Start(16_000, Format.PCM_S16LE, 1, (SourceStart("mic"), SourceStart("system")), "talk")

FIGURES = SourceMetrics(0, 0.0, 0.0, 0, 9.0, 0.1, "scripted", "m", True, "NORMAL", None)


@dataclass
class Kept:
    """A session that connections come and go to."""

    start: Start
    told: Told = field(default_factory=Told)
    received: dict[str, int] = field(default_factory=dict)
    final: dict[str, int] = field(default_factory=dict)
    fed: list[tuple[int, int, bytes]] = field(default_factory=list)
    ready: Ready | None = None
    fill: float = 0.0
    over: bool = False
    failure: Refusal | None = None
    finished: bool | None = None
    seats: int = 0
    detached: int = 0
    keeps_sound: bool = True
    level: str = "NORMAL"

    def __post_init__(self) -> None:
        self.received = {one.name: one.start for one in self.start.sources}
        self.final = dict(self.received)

    def warm(self) -> None:
        """Be ready."""
        self.ready = Ready("talk", "scripted", "m", None, None, tuple(self.received))

    def say(self, ident: int, source: str = "mic") -> None:
        """Tell a final of 0.1 s that ends where sound is final then."""
        start = self.final[source]
        times = (start / 16_000, (start + 1600) / 16_000)
        self.told.add(Final(Segment(ident, *times, f" {ident}", source=source)))
        self.final[source] = start + 1600


@dataclass
class MemorySeat:
    """A seat of such a session."""

    kept: Kept
    number: int
    token: str = "secret"

    @property
    def session(self) -> str:
        return self.kept.start.session or "unnamed"

    @property
    def start(self) -> Start:
        return self.kept.start

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.kept.received)

    @property
    def received(self) -> Mapping[str, int]:
        return self.kept.received

    @property
    def final(self) -> Mapping[str, int]:
        return self.kept.final

    @property
    def ready(self) -> Ready | None:
        return self.kept.ready

    @property
    def fill(self) -> float:
        return self.kept.fill

    @property
    def over(self) -> bool:
        return self.kept.over

    @property
    def failure(self) -> Refusal | None:
        return self.kept.failure

    @property
    def taken_over(self) -> bool:
        return self.kept.seats != self.number

    def feed(self, source: int, index: int, payload: bytes) -> None:
        name = self.sources[source]
        end = index + len(payload) // self.start.frame_bytes
        self.kept.received[name] = max(self.kept.received[name], end)
        if self.kept.keeps_sound:
            self.kept.fed.append((source, index, payload))

    def finish(self, *, catch_up: bool) -> None:
        self.kept.finished = catch_up

    def since(self, seq: int) -> list[Numbered]:
        return self.kept.told.since(seq)

    def partials(self) -> list[Numbered]:
        return self.kept.told.partials()

    def seen(self, seq: int) -> None:
        self.kept.told.seen(seq)

    def metrics(self) -> Metrics:
        figures = replace(FIGURES, degrade_level=self.kept.level)
        return Metrics(dict.fromkeys(self.sources, figures))

    def detach(self) -> None:
        assert not self.taken_over
        self.kept.detached += 1


@dataclass
class MemoryDesk:
    """Gives seats of one session after the other."""

    kept: Kept | None = None
    refused: Refused | None = None
    keeps_sound: bool = True

    @property
    def session(self) -> Kept:
        """The newest session."""
        assert self.kept is not None
        return self.kept

    def open(self, start: Start) -> MemorySeat:
        if self.refused is not None:
            raise self.refused
        self.kept = Kept(start, keeps_sound=self.keeps_sound)
        return self._seat()

    def resume(self, session: str, token: str, seq: int) -> MemorySeat:
        if self.kept is None or token != "secret" or not self.kept.told.has(seq):
            raise Refused(Code.UNKNOWN_SESSION, f"there is no session {session}")
        return self._seat()

    def _seat(self) -> MemorySeat:
        kept = self.session
        kept.seats += 1
        return MemorySeat(kept, kept.seats)


@dataclass
class Line:
    """A connection: a conversation and what it has sent."""

    talk: Talk
    desk: MemoryDesk
    now: float = 0.0

    def send(self, data: str | bytes) -> list[dict[str, Any]]:
        """Send a message and return the answers."""
        self.talk.receive(data, self.now)
        return self.sent()

    def later(self, secs: float = 0.25) -> list[dict[str, Any]]:
        """Let time pass, and return what came."""
        self.now += secs
        self.talk.pump(self.now)
        return self.sent()

    def sent(self) -> list[dict[str, Any]]:
        """Return what is there to be sent, a close as ``{"close": code, "reason": …}``."""
        return [told(one) for one in self.talk.take()]


def told(action: Send | Close) -> dict[str, Any]:
    """Return an action as a dict."""
    if isinstance(action, Close):
        return {"close": action.code, "reason": action.reason}
    found: dict[str, Any] = json.loads(action.data)
    return found


def types(sent: list[dict[str, Any]]) -> list[Any]:
    """Return the types of messages, and the codes of closes."""
    return [one.get("type", one.get("close")) for one in sent]


def connected(desk: MemoryDesk | None = None, limits: Limits | None = None) -> Line:
    """Return a connection that has said nothing yet."""
    desk = desk or MemoryDesk()
    return Line(Conversation(desk, limits or Limits(), 0.0), desk)


def begun(start: Start = START) -> Line:
    """Return a connection whose session is ready."""
    line = connected()
    line.send(to_text(start))
    line.desk.session.warm()
    line.later()
    return line


def sound(samples: int = 1600, *, source: int = 0, index: int = 0) -> bytes:
    """Return a frame of silence."""
    return encode(Frame(source, 0, index, bytes(samples * 2)))


def started(ident: int, source: str = "mic") -> Event:
    """Return the start of an utterance."""
    return SpeechStarted(ident, 0.0, source)
