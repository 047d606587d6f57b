"""The contract of ``/ws/live-listener``, which clients of the original system speak, on our seats.

``docs/protocol.md`` has it in full. There is no resume: a connection that is lost ends the session.
Both sources exist from the start and are spoken of once their first sound has come. Messages of
types that are not known are passed over, as the original did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from echocli.events import SPOOLED, Backfill, Event, Failover, Final, Gap, Level, Notice, Partial
from echocli.output.jsonable import dump
from echocli.server import legacy_messages as form
from echocli.server.desk import Desk, Limits, Seat
from echocli.server.legacy_messages import LEVELS, RATE, SOURCES, WIDTH, Standing
from echocli.server.talk import EVERY, PRESSED, RELIEVED, State, Talk
from echocli.wire.codes import Code, Malformed
from echocli.wire.messages import Refusal, parse_object

SUMMED_UP = 20_000
"""Finals that a summary holds at most; the oldest are left out."""

OVERFULL = 0.95
"""Share of the input buffer from which the session counts as overloaded."""

NO_PROVIDER = frozenset({Code.PROVIDER_FAILED, Code.NOT_READY})
"""Errors that mean that there is nothing that could transcribe."""


class LegacyConversation(Talk):
    """One connection that speaks the contract of the original system."""

    def __init__(self, desk: Desk, limits: Limits, now: float) -> None:
        super().__init__(desk, limits, now)
        self._ids: Mapping[str, str] = {}
        self._at: dict[str, int] = {}
        """Source that was heard → samples of it."""
        self._odd: dict[str, bytes] = {}
        """Source → half a sample, whose other half is to come."""
        self._ready = False
        self._load = Standing.STREAMING
        """What the ladder says."""
        self._pressure: Standing | None = None
        self._level = "NORMAL"
        self._dropped = 0
        self._dropped_seconds = self._backlog = 0.0
        self._measured_at = now
        self._told: deque[Mapping[str, Any]] = deque(maxlen=SUMMED_UP)
        self._say_status(Standing.CONNECTED, "connected, waiting for start")

    def _take_message(self, data: str | bytes, now: float) -> None:  # noqa: ARG002 -- its parent's
        if isinstance(data, bytes):
            self._take_sound(*form.read_frame(data))
            return
        if len(data) > form.text_limit(self._limits.frame_bytes):
            raise Malformed("a message is too long", Code.TOO_LARGE)
        self._take_text(parse_object(data))

    def _take_text(self, found: Mapping[str, Any]) -> None:
        seat = self._seat
        match found["type"]:
            case "start" if seat is None:
                self._ids = form.read_start(found)
                self._seat, self.state = self._desk.open(form.START), State.STREAMING
                self._say_status(Standing.CONNECTED, "the model is being loaded")
            case "start":
                raise Malformed("start came in a session that has begun")
            case "audio":
                self._take_sound(*form.read_audio(found))
            case "stop" if seat is None:
                raise Malformed("stop came before start")
            case "stop" if seat is not None:
                self.state = State.FINISHING
                seat.finish(catch_up=True)

    def _take_sound(self, source: str, data: bytes) -> None:
        seat = self._seat
        if seat is None:
            raise Malformed("sound came before start")
        most = min(self._limits.frame_bytes, int(self._limits.frame_seconds * RATE * WIDTH))
        if len(data) > most:
            raise Malformed(f"a frame holds more than {most} bytes of sound", Code.TOO_LARGE)
        if self.state is not State.FINISHING:
            self._feed(seat, source, self._odd.get(source, b"") + data)

    def _feed(self, seat: Seat, source: str, data: bytes) -> None:
        at, whole = self._at.get(source, 0), len(data) - len(data) % WIDTH
        seat.feed(SOURCES.index(source), at, data[:whole])
        self._at[source], self._odd[source] = at + whole // WIDTH, data[whole:]

    def lost(self) -> None:
        """Learn that the peer is gone: nobody can come back to the session."""
        if self._seat is not None and not self._seat.taken_over:
            self._seat.finish(catch_up=False)
        super().lost()

    def _tell(self, seat: Seat, now: float, *, over: bool) -> bool:  # noqa: ARG002 -- likewise
        if not self._ready and (ready := seat.ready) is not None:
            self._ready, self._measured_at = True, now
            self._begin(seat, f"{ready.provider} with {ready.model} is ready")
        messages, all_of_it = self._news(seat)
        for message in messages:
            self._say_event(message.event)
        seat.seen(self._sent)
        if self._ready and all_of_it:
            self._say_pressure(seat.fill)
            self._say_metrics(seat, now)
        return all_of_it

    def _begin(self, seat: Seat, text: str) -> None:
        """Say that sound may come, and at which level, where that is not the best."""
        self._level = next(one.degrade_level for one in seat.metrics().sources.values())
        self._load = LEVELS.get(self._level, Standing.WARNING)
        self._say_status(Standing.STREAMING, text)
        if self._load is not Standing.STREAMING:
            self._say_status(self._load, f"the server is at level {self._level}")

    def _say_event(self, event: Event) -> None:
        match event:
            case Partial(segment):
                self._say(form.asr(segment, final=False))
            case Final(segment) | Backfill(segment):
                self._told.append(form.asr(segment, final=True))
                self._say(self._told[-1])
            case Gap():
                self._say_gap(event)
            case Level():
                self._say_level(event)
            case Failover():
                text = f"{event.to} takes over from {event.from_}: {event.reason}"
                self._say_status(Standing.RECONNECTING, text, action="FAILOVER")
                self._say_status(self._load, f"{event.to} is ready")
            case Notice():
                self._say_status(Standing.WARNING, event.message)

    def _say_gap(self, gap: Gap) -> None:
        if gap.reason.startswith(SPOOLED):
            self._say_status(self._load, gap.reason, action="SPOOL")
            return
        self._dropped += 1
        self._dropped_seconds += gap.end - gap.start
        self._say_status(Standing.WARNING, gap.reason)

    def _say_level(self, level: Level) -> None:
        self._level, self._backlog = level.to, level.backlog
        self._load = LEVELS.get(level.to, Standing.WARNING)
        self._say_status(self._load, level.reason, action=", ".join(level.effects) or None)

    def _say_pressure(self, fill: float) -> None:
        pressure = pressure_at(fill, self._pressure)
        if pressure is self._pressure:
            return
        self._pressure = pressure
        text = f"{min(fill, 1):.0%} of the buffer for sound is in use"
        self._say_status(pressure or self._load, text)

    def _say_metrics(self, seat: Seat, now: float) -> None:
        if now - self._measured_at < EVERY:
            return
        self._measured_at = now
        heard = {name: one for name, one in seat.metrics().sources.items() if name in self._at}
        self._backlog = max((one.backlog_seconds for one in heard.values()), default=0.0)
        for name, one in heard.items():
            self._say({"type": "metrics", "source": name, **asdict(one), **self._ids})

    def _end(self, seat: Seat) -> None:
        if seat.failure is None:
            self._say(form.summary(self._ids.get("session_id"), self._told))
        super()._end(seat)

    def _say_error(self, found: Refusal) -> None:
        gone = found.code in NO_PROVIDER
        self._say_status(Standing.NO_ASR_PROVIDER if gone else Standing.ERROR, found.message)
        after = {"retryable": found.retryable, "retry_after": found.retry_after}
        self._say({"type": "error", "code": found.code, "message": found.message, **after})

    def _say_status(self, state: Standing, message: str, *, action: str | None = None) -> None:
        # Until the model is warm a client must not send, and every other state but these says that
        # it may.
        if not self._ready and state not in form.BEFORE_READY:
            state = Standing.CONNECTED
        figures = {
            "dropped_frames": self._dropped,
            "dropped_seconds": self._dropped_seconds,
            "backlog_seconds": self._backlog,
            "degrade_level": self._level,
        }
        told = {"state": state, "message": message, **figures, "action": action}
        self._say({"type": "status", **told, **self._ids})

    def _say(self, found: Mapping[str, Any]) -> None:
        self._send(dump(found))


def pressure_at(fill: float, before: Standing | None) -> Standing | None:
    """Return what is said of an input buffer: ``None`` for nothing, with hysteresis."""
    if fill >= OVERFULL:
        return Standing.OVERLOADED
    if fill >= PRESSED:
        return before or Standing.BACKPRESSURE
    return before if fill >= RELIEVED else None
