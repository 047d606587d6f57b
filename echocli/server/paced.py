"""WebSockets that leave the others their turn, however many messages they send.

uvicorn takes all that asyncio has read at once, up to 256 KB: some ten thousand messages, or pings,
which it answers before anybody else sees them. Here they come in pieces, each as soon as what the
one before has brought was taken, and small messages may only come so often.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from echocli.server.limits import Bucket
from echocli.wire.codes import Close

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

PIECE = 4 * 1024
"""Bytes that are taken at once: 700 pings, the smallest there is, take some 10 ms."""

SMALL = 256
"""Bytes below which a frame costs more time than its bytes do; sound of 20 ms has more."""

PER_MINUTE = 30_000
"""Small frames of a connection, all at once or spread. Four sources that send 10 ms at 8 kHz each
need 24,000; pings and parts of messages count as well."""

GOODBYE = 2.0
"""Seconds in which a client that sent too many may read why it is closed."""


class Paced(WebSocketsSansIOProtocol):
    """A WebSocket that is read a piece at a time."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._pieces: deque[bytes] = deque()
        """What came and was not taken yet: at most what asyncio reads at once."""
        self._next: asyncio.Handle | None = None
        self._small = Bucket(PER_MINUTE, self.loop.time())

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of the handshake come by themselves, and at once."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
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
        self._go_on()
        return message

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message; behind a close, its answer is looked for in what has come."""
        await super().send(message)
        self._go_on()

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
