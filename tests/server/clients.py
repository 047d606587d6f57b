"""A client of ``/v1/live`` that follows ``docs/protocol.md`` and nothing else, for tests.

It plays ready-made sound at its own speed, as a microphone would: what was not sent while the
connection was down waits. It keeps what is not final, resumes, starts anew where the session is
gone, and notes everything that does not agree with the protocol.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from echocli.events import (
    SPOOLED,
    Backfill,
    End,
    Event,
    Final,
    Gap,
    Level,
    Partial,
    SpeechEnded,
    StatsEvent,
)
from echocli.types import SAMPLE_RATE, Segment
from echocli.wire import frames
from echocli.wire.codes import FRESH_START, PATH
from echocli.wire.messages import (
    Accepted,
    Ack,
    Backpressure,
    Finish,
    Format,
    Metrics,
    Numbered,
    Ready,
    Refusal,
    Resume,
    Seen,
    ServerMessage,
    SourceStart,
    Start,
    parse_server,
    to_text,
)
from tests.server.material import Pcm

PIECE = 0.1
"""Seconds of sound in a frame."""

TICK = 0.05
BACK_OFF = (0.2, 0.4, 0.8)
"""Seconds before the next tries to connect; the last one from then on."""

MS = 0.001

Where: TypeAlias = Callable[[], int]
"""Gives the port to connect to."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said:
    """A final, and when it came on the monotonic clock."""

    segment: Segment
    at: float


@dataclass
class Account:
    """Everything that happened to a client."""

    said: list[Said] = field(default_factory=list)
    ended: dict[int, tuple[SpeechEnded, float]] = field(default_factory=dict)
    """Ends of speech by their ids, each with when it came."""
    backfills: list[Segment] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """All of them in order of arrival."""
    partials: int = 0
    acks: int = 0
    metrics: list[Metrics] = field(default_factory=list)
    backpressure: list[Backpressure] = field(default_factory=list)
    ready: list[Ready] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    closes: list[int | None] = field(default_factory=list)
    """The close code of each connection, 1006 where it broke."""
    connections: int = 0
    resumed: int = 0
    anew: int = 0
    """How often the session had to be started again."""
    received: dict[str, int] = field(default_factory=dict)
    final: dict[str, int] = field(default_factory=dict)
    stats: Mapping[str, Any] | None = None
    over: bool = False
    """Whether the end came."""
    faults: list[str] = field(default_factory=list)
    """What does not agree with the protocol."""
    begun: float = 0.0
    """When the first sample was captured."""

    def text(self, source: str | None = None) -> str:
        """Return everything that was said, in order of time; backfills at their places."""
        segments = [*(one.segment for one in self.said), *self.backfills]
        chosen = [one for one in segments if source in (None, one.source)]
        return " ".join(one.text.strip() for one in sorted(chosen, key=lambda one: one.start))

    def lost(self) -> list[Gap]:
        """Return the gaps that nothing fills; a slow machine fills some of them later."""
        return [one for one in self.gaps if not one.reason.startswith(SPOOLED)]

    def latencies(self) -> list[float]:
        """Return the seconds from the end of each utterance, as it was played, to its final."""
        return [
            one.at - self.begun - one.segment.end
            for one in self.said
            if self._ended_in_silence(one.segment.id)
        ]

    def finalising(self) -> list[float]:
        """Return the seconds from each end of speech, as it was told, to its final."""
        return [
            one.at - self.ended[one.segment.id][1]
            for one in self.said
            if self._ended_in_silence(one.segment.id)
        ]

    def _ended_in_silence(self, number: int) -> bool:
        return number in self.ended and self.ended[number][0].reason == "silence"


class LiveClient:
    """One session; call :meth:`run` once."""

    def __init__(
        self,
        where: Where,
        sounds: Mapping[str, Pcm],
        *,
        session: str | None = None,
        token: str | None = None,
        speed: float = 1.0,
        options: Mapping[str, Any] | None = None,
        tries: int | None = None,
        finishes: bool = True,
        after: float = 0.0,
    ) -> None:
        """Prepare a session.

        Args:
            where: the port; asked before every connection.
            sounds: a sound for each source.
            session: name of the session.
            token: for the server.
            speed: how much faster than real time the sound is played.
            options: settings of the session.
            tries: so many connections at most.
            finishes: whether ``finish`` is sent behind the last sample.
            after: seconds before the first connection.
        """
        self.account = Account()
        self._where = where
        self._sounds = sounds
        self._name = session
        self._token = token
        self._speed = speed
        self._options = {"language": "en"} if options is None else options
        self._tries = tries
        self._finishes = finishes
        self._after = after
        self._session: Accepted | None = None
        self._seq = 0
        self._first_id = 0
        self._pressed = False
        self._asked = 0.0
        """Seconds that the server wants to have waited."""
        self._numbers = dict.fromkeys(sounds, 0)

    async def run(self) -> Account:
        """Play everything; returns after the end, or when no more tries are left."""
        account, failures = self.account, 0
        await asyncio.sleep(self._after)
        while not account.over and (self._tries is None or account.connections < self._tries):
            account.connections += 1
            acks = account.acks
            with suppress(OSError, TimeoutError, InvalidHandshake, InvalidMessage):
                await self._connect()
            if account.over:
                break
            failures = 0 if account.acks > acks else failures + 1
            await asyncio.sleep(max(self._asked, BACK_OFF[min(failures, len(BACK_OFF) - 1)]))
            self._asked = 0.0
        return account

    async def _connect(self) -> None:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        async with connect(
            f"ws://127.0.0.1:{self._where()}{PATH}",
            additional_headers=headers,
            compression=None,
            proxy=None,
            ping_interval=5,
            ping_timeout=10,
            close_timeout=2,
        ) as socket:
            with suppress(ConnectionClosed):
                await self._converse(socket)
        self._note_close(socket.close_code)

    def _note_close(self, code: int | None) -> None:
        self.account.closes.append(code)
        if code in FRESH_START:
            self._session = None

    async def _converse(self, socket: ClientConnection) -> None:
        await socket.send(to_text(self._hello()))
        writing: asyncio.Task[None] | None = None
        try:
            async for text in socket:
                message = parse_server(text) if isinstance(text, str) else None
                if message is None:
                    self.account.faults.append(f"not understood: {text[:80]!r}")
                    continue
                self._take(message)
                if isinstance(message, Accepted):
                    writing = asyncio.create_task(self._write(socket, message))
        finally:
            if writing is not None:
                writing.cancel()
                with suppress(asyncio.CancelledError, ConnectionClosed):
                    await writing

    def _hello(self) -> Start | Resume:
        if self._session is not None:
            return Resume(self._session.session, self._session.token, self._seq)
        starts = [SourceStart(name, self._settled(name)) for name in self._sounds]
        self._seq = 0
        return Start(
            SAMPLE_RATE,
            Format.PCM_S16LE,
            1,
            tuple(starts),
            session=self._name,
            options=self._options,
            first_id=self._first_id,
        )

    def _settled(self, name: str) -> int:
        """Return up to where a source needs no text any more."""
        ends = [one.segment.end for one in self.account.said if one.segment.source == name]
        spoken = round(max(ends, default=0.0) * SAMPLE_RATE)
        return min(max(self.account.final.get(name, 0), spoken), len(self._sounds[name]))

    async def _write(self, socket: ClientConnection, accepted: Accepted) -> None:
        """Send what is captured, from what the server has on; then say that it is all."""
        at, told = dict(accepted.received), time.monotonic()
        finished = False
        while True:
            for number, (name, sound) in enumerate(self._sounds.items()):
                while at[name] < self._captured(sound) and not self._pressed:
                    at[name] += await self._send(socket, number, name, at[name])
            done = all(at[name] >= len(sound) for name, sound in self._sounds.items())
            if done and self._finishes and not finished:
                finished = True
                await socket.send(to_text(Finish(catch_up=True)))
            if time.monotonic() - told >= 1.0:
                told = time.monotonic()
                await socket.send(to_text(Seen(self._seq)))
            await asyncio.sleep(TICK)

    def _captured(self, sound: Pcm) -> int:
        passed = (time.monotonic() - self.account.begun) * self._speed
        return min(len(sound), int(passed * SAMPLE_RATE))

    async def _send(self, socket: ClientConnection, number: int, name: str, at: int) -> int:
        sound = self._sounds[name]
        piece = sound[at : min(at + round(PIECE * SAMPLE_RATE), self._captured(sound))]
        frame = frames.Frame(number, self._numbers[name], at, piece.tobytes())
        self._numbers[name] += 1
        await socket.send(frames.encode(frame))
        return len(piece)

    def _take(self, message: ServerMessage) -> None:
        account = self.account
        match message:
            case Accepted():
                self._accept(message)
            case Ready():
                account.ready.append(message)
            case Ack():
                self._acknowledge(message)
            case Backpressure():
                account.backpressure.append(message)
                self._pressed = message.active
            case Metrics():
                account.metrics.append(message)
            case Refusal():
                account.refusals.append(message)
                self._asked = message.retry_after or 0.0
            case Numbered():
                self._number(message)
                self._note(message.event, time.monotonic())

    def _accept(self, message: Accepted) -> None:
        account, known = self.account, self._session
        if message.resumed != (known is not None):
            account.faults.append(f"accepted says resumed={message.resumed}")
        if known is not None:
            account.resumed += 1
        elif account.begun:
            account.anew += 1
        else:
            account.begun = time.monotonic()
        self._session, self._pressed = message, False
        account.received |= message.received
        account.final |= {
            name: max(at, account.final.get(name, 0)) for name, at in message.final.items()
        }

    def _acknowledge(self, message: Ack) -> None:
        account = self.account
        account.acks += 1
        for name, at in message.final.items():
            if at > message.received[name]:
                account.faults.append(f"ack.final of {name} is past received")
            if at < account.final.get(name, 0) and not account.anew:
                account.faults.append(f"ack.final of {name} went back")
            account.final[name] = max(at, account.final.get(name, 0))
        account.received |= message.received

    def _number(self, message: Numbered) -> None:
        if message.seq is None:
            if not isinstance(message.event, Partial):
                self.account.faults.append(f"{message.event.type} has no number")
            return
        if message.seq != self._seq + 1:
            self.account.faults.append(f"message {message.seq} follows {self._seq}")
        self._seq = message.seq

    def _note(self, event: Event, now: float) -> None:
        account = self.account
        account.events.append(event)
        match event:
            case Partial():
                account.partials += 1
            case Final():
                self._final(event.segment, now)
            case Backfill():
                account.backfills.append(event.segment)
            case SpeechEnded():
                account.ended[event.id] = (event, now)
            case Gap():
                account.gaps.append(event)
            case Level():
                account.levels.append(event)
            case StatsEvent():
                account.stats = event.stats
            case End():
                account.over = True
            case _:
                pass

    def _final(self, segment: Segment, now: float) -> None:
        account = self.account
        before = [one.segment for one in account.said if one.segment.source == segment.source]
        if before and segment.end <= before[-1].end + MS:
            if not account.anew:
                account.faults.append(f"final {segment.id} is not behind {before[-1].id}")
            return
        account.said.append(Said(segment, now))
        self._first_id = max(self._first_id, segment.id + 1)


def play(clients: Sequence[LiveClient], limit: float) -> list[Account]:
    """Run clients at the same time, for at most so many seconds; they are accounted for anyway."""
    return running(_all(clients, limit))


async def _all(clients: Sequence[LiveClient], limit: float) -> list[Account]:
    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            await asyncio.gather(*(client.run() for client in clients))
    return [client.account for client in clients]


def running(what: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own."""
    return asyncio.run(what)
