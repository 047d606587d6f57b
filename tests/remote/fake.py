"""A small real server of the live protocol, whose decoder reads numbers: no model is needed.

Sound is seconds of a constant value; each whole second becomes a final with that value as its text.
So a transcript shows at once whether something is missing, came twice or out of order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from echocli.events import End, Event, Final, SpeechStarted, StatsEvent
from echocli.types import SAMPLE_RATE, Samples, Segment
from echocli.wire import frames
from echocli.wire.codes import Close, Code
from echocli.wire.messages import (
    Accepted,
    Ack,
    Finish,
    Message,
    Numbered,
    Ready,
    Refusal,
    Resume,
    Seen,
    Start,
    parse_client,
    to_text,
)

SCALE = 32768


def second(value: int) -> Samples:
    """Return a second of sound that says ``value``."""
    return np.full(SAMPLE_RATE, value / SCALE, np.float32)


def speech(first: int, last: int) -> Samples:
    """Return the seconds that say ``first`` to ``last``."""
    return np.concatenate([second(value) for value in range(first, last + 1)])


class Hangup(Exception):
    """The connection is to end now; ``code`` of ``None`` breaks it off."""

    def __init__(self, code: int | None = None, refusal: Refusal | None = None) -> None:
        super().__init__()
        self.code, self.refusal = code, refusal


@dataclass
class Talk:
    """One session at the server."""

    start: Start
    name: str
    numbered: list[Numbered] = field(default_factory=list)
    sound: dict[int, bytearray] = field(default_factory=dict)
    begun: dict[int, int] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    next_id: int = 0

    def received(self, place: int) -> int:
        return self.begun[place] + len(self.sound[place]) // 2

    def say(self, event: Event) -> None:
        self.numbered.append(Numbered(len(self.numbered) + 1, event))

    def feed(self, frame: frames.Frame) -> None:
        at = self.received(frame.source)
        assert frame.index >= at, "sound came twice on one connection"
        if frame.index > at:  # a gap is silence here
            self.sound[frame.source] += bytes(2 * (frame.index - at))
        self.sound[frame.source] += frame.payload
        while self.done[frame.source] + SAMPLE_RATE <= self.received(frame.source):
            self._final(frame.source)

    def _final(self, place: int) -> None:
        at = self.done[place]
        offset = (at - self.begun[place]) * 2
        value = int(np.frombuffer(self.sound[place][offset : offset + 2], "<i2")[0])
        self.done[place] = at + SAMPLE_RATE
        name, id_ = self.start.sources[place].name, self.next_id
        self.next_id += 1
        start, end = at / SAMPLE_RATE, (at + SAMPLE_RATE) / SAMPLE_RATE
        self.say(SpeechStarted(id_, start, name))
        self.say(Final(Segment(id_, start, end, f" {value}", source=name)))

    def ack(self) -> Ack:
        names = [one.name for one in self.start.sources]
        return Ack(
            {name: self.received(place) for place, name in enumerate(names)},
            {name: self.done[place] for place, name in enumerate(names)},
        )


class Fake:
    """Serve the protocol; ``mishap(connection number, frames so far)`` may raise ``Hangup``."""

    def __init__(self) -> None:
        self.talks: dict[str, Talk] = {}
        self.connections = 0
        self.handshakes: list[Request] = []
        self.greetings: list[Start | Resume] = []
        self.refuse: Callable[[int], tuple[int, dict[str, str]] | None] = lambda _: None
        """Number of the handshake → HTTP status and headers to refuse it with."""
        self.mishap: Callable[[int, int], None] = lambda *_: None
        self.ends_at: tuple[int, Close] | None = None
        """After how many frames the first connection ends the session by itself, and its close."""
        self.lock = threading.RLock()

    def forget(self) -> None:
        """Be another server that knows of no session."""
        self.talks.clear()

    def process(self, _: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(request)
        if (found := self.refuse(len(self.handshakes))) is None:
            return None
        status, headers = found
        return Response(status, "Refused", Headers({**headers, "Content-Length": "0"}), b"")

    def handle(self, connection: ServerConnection) -> None:
        self.connections += 1
        number = self.connections
        try:
            self.converse(connection, number)
        except Hangup as hangup:
            if hangup.refusal is not None:
                connection.send(to_text(hangup.refusal))
            if hangup.code is None:
                connection.socket.shutdown(2)
            else:
                connection.close(hangup.code)
        except ConnectionClosed:
            pass

    def converse(self, connection: ServerConnection, number: int) -> None:
        def send(message: Message) -> None:
            connection.send(to_text(message))

        self.mishap(number, 0)
        talk, sent = self.greet(connection, send)
        names = tuple(one.name for one in talk.start.sources)
        send(Ready(talk.name, "fake", "numbers", None, None, names))
        count = 0
        for data in connection:
            if isinstance(data, str):
                if isinstance(message := parse_client(data), Seen):
                    continue
                assert isinstance(message, Finish)
                self.end(talk)
            else:
                count += 1
                self.mishap(number, count)
                talk.feed(frames.decode(data))
            ending = self.ends_at if number == 1 else None
            if ending is not None and count == ending[0]:
                self.end(talk)
            for one in talk.numbered[sent:]:
                send(one)
            sent = len(talk.numbered)
            if isinstance(talk.numbered[-1].event if talk.numbered else None, End):
                connection.close(Close.DONE if ending is None else ending[1])
                return
            send(talk.ack())

    def greet(
        self, connection: ServerConnection, send: Callable[[Message], None]
    ) -> tuple[Talk, int]:
        text = connection.recv()
        assert isinstance(text, str)
        message = parse_client(text)
        assert isinstance(message, Start | Resume)
        self.greetings.append(message)
        if isinstance(message, Resume):
            found = self.talks.get(message.session)
            if found is None:
                refusal = Refusal(Code.UNKNOWN_SESSION, "no such session", retryable=True)
                raise Hangup(Close.UNKNOWN_SESSION, refusal)
            talk, sent = found, message.seq
        else:
            talk, sent = self.begin(message), 0
        ack = talk.ack()
        resumed = isinstance(message, Resume)
        send(Accepted(talk.name, "secret", resumed, ack.received, ack.final, {}))
        for one in talk.numbered[sent:]:
            send(one)
        return talk, len(talk.numbered)

    def begin(self, start: Start) -> Talk:
        talk = Talk(start, f"session{len(self.greetings)}", next_id=start.first_id)
        for place, source in enumerate(start.sources):
            talk.sound[place] = bytearray()
            talk.begun[place] = talk.done[place] = source.start
        self.talks[talk.name] = talk
        return talk

    def end(self, talk: Talk) -> None:
        talk.say(StatsEvent({}))
        talk.say(End(max(talk.done.values()) / SAMPLE_RATE, "en"))


@contextmanager
def running(fake: Fake, port: int = 0, **options: Any) -> Iterator[int]:
    """Run it in threads; the port."""
    with listening(fake, port, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


def listening(fake: Fake, port: int, **options: Any) -> Server:
    return serve(
        fake.handle,
        "127.0.0.1",
        port,
        process_request=fake.process,
        compression=None,
        max_size=None,
        close_timeout=0.5,
        **options,
    )
