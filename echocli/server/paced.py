"""WebSockets that leave the others their turn, however many messages they send.

uvicorn takes all that asyncio has read at once, up to 256 KB: some ten thousand messages, or pings,
which it answers before anybody else sees them. Here they come in pieces, each as soon as what the
one before has brought was taken, and small messages may only come so often. Nor may there be many
that say nothing at all, and nobody is taken for dead whose answer nobody reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from echocli.server.limits import Bucket, Waiting
from echocli.wire.codes import Close

if TYPE_CHECKING:
    from asyncio.transports import BaseTransport

    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

PIECE = 4 * 1024
"""Bytes that are taken at once: 700 pings, the smallest there is, take some 10 ms."""

SMALL = 256
"""Bytes below which a frame costs more time than its bytes do; sound of 20 ms has more."""

PER_MINUTE = 30_000
"""Small frames of a connection, all at once or spread. Four sources that send 10 ms at 8 kHz each
need 24,000; pings and parts of messages count as well."""

SILENT = 256
"""WebSockets that may be without a first message."""

GOODBYE = 2.0
"""Seconds in which a client that sent too many may read why it is closed."""


class Paced(WebSocketsSansIOProtocol):
    """A WebSocket that is read a piece at a time; who makes the class sets what all of it share."""

    waiting: Waiting
    """Those without a first message."""
    per_minute: int

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._pieces: deque[bytes] = deque()
        """What came and was not taken yet: at most what asyncio reads at once."""
        self._next: asyncio.Handle | None = None
        self._small = Bucket(self.per_minute, self.loop.time())
        self._heard = self.loop.time()
        """When something came, or what had come was taken at last."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to wait for the first message."""
        super().connection_made(transport)
        self.waiting.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self.waiting.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of the handshake come by themselves, and at once."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
        self._heard = self.loop.time()
        self._pieces += (data[at : at + PIECE] for at in range(0, len(data), PIECE))
        if self._next is None and not self.read_paused:
            self._take_piece()

    def handle_events(self) -> None:
        """Act on what came, unless it is too much."""
        small = sum(isinstance(it, Frame) and len(it.data) < SMALL for it in self.conn.events)
        if small and not self.disconnected and self._small.take(self.loop.time(), small):
            self._refuse()
        else:
            super().handle_events()

    async def receive(self) -> ASGIReceiveEvent:
        """Hand over a message; behind the last one there is room for the next piece."""
        message = await super().receive()
        if message["type"] == "websocket.receive":
            self.waiting.remove(self)
        self._heard = self.loop.time()
        self._go_on()
        return message

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message; behind a close, its answer is looked for in what has come."""
        await super().send(message)
        self._go_on()

    def keepalive_timeout(self) -> None:
        """Close a connection that is silent: a pong may be behind what is yet to be read.

        While nothing is read nobody can be heard, so the time begins anew behind that.
        """
        assert self.ping_timeout is not None
        unread = self.read_paused or self._pieces
        silent = 0.0 if unread else self.loop.time() - self._heard
        if silent >= self.ping_timeout:
            super().keepalive_timeout()
        else:
            left = self.ping_timeout - silent
            self.pong_timer = self.loop.call_later(left, self.keepalive_timeout)

    def drop(self) -> None:
        """End the connection at once; harmless where it has ended."""
        self.transport.abort()

    def _take_piece(self) -> None:
        self._next = None
        if self.transport.is_closing():
            self._pieces.clear()
            return
        super().data_received(self._pieces.popleft())
        self._go_on()

    def _go_on(self) -> None:
        """See to the next piece, or to what comes then, unless there are messages to take."""
        if self.read_paused or self._next is not None:
            return
        if self._pieces:
            self.transport.pause_reading()  # no more may pile up than was read at once
            self._next = self.loop.call_soon(self._take_piece)
        else:
            self.transport.resume_reading()

    def _refuse(self) -> None:
        """Close, and pass over what else comes, so that the client can read why."""
        self.logger.warning("A client sent too many small messages.")
        self.conn.events_received()
        self.conn.fail(Close.POLICY, "too many small messages")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": Close.POLICY})
        self.close_sent = self.disconnected = True
        self.close_timer = self.loop.call_later(GOODBYE, self.transport.abort)


def paced(waiting: Waiting, per_minute: int = PER_MINUTE) -> type[Paced]:
    """Return the protocol of the WebSockets of one server."""
    return type("PacedHere", (Paced,), {"waiting": waiting, "per_minute": per_minute})
