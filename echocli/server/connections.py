"""Connections that cost nothing: those that never say what they want, and those that never listen.

uvicorn waits for ever for the first request of a connection, for the rest of a header, and for a
reader that takes nothing. Here a request must be whole in time, only so many may be half here, and
an answer must be taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from echocli.server.limits import PASSED_OVER, Pace, Waiting
from echocli.server.problems import AGAIN, Problem
from echocli.server.security import HEADERS

WITHIN = 15.0
"""Seconds from the connection, or from the answer before, to the end of the next header."""

TAKEN = 60.0
"""Seconds an answer may wait for its reader."""

LINGER = 2.0
"""Seconds in which who still sends may read its answer before the connection is reset."""

HALF_OPEN = 256
"""Connections that may be without a whole header."""

SOCKETS = 448
"""Connections with a whole header from which on a WebSocket gets 503 …"""

OPEN = HALF_OPEN + SOCKETS + 64
"""… and those of any kind from which on a request does: it finds room where WebSockets find none.
These are fewer than a process may have files, 1024 as systems are set up."""

PIECE = 16 * 1024
"""Bytes that are taken at once: in a body of the smallest chunks they take some 50 ms."""

CRUMBS = 64 * 1024
"""Bytes of a body, as they come, after which its chunks must not be tiny on average …"""

WORTH = 0.6
"""… but so much of them must be the body itself: chunks of ten bytes are not enough."""


class _Answered(asyncio.Transport):
    """What one answer is written to: where its request is still coming, the end is only ours.

    Bytes that come to a closed socket are answered with a reset, which overtakes what was written.
    """

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle) -> None:
        super().__init__()
        self._transport = transport
        self._cycle = cycle

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        if not (self._cycle.response_complete and self._cycle.more_body):
            self._transport.close()
        elif self._transport.can_write_eof():
            self._transport.write_eof()


class Careful(H11Protocol):
    """HTTP/1.1 with an end to every wait; who makes the class sets what all of it share."""

    waiting: Waiting
    largest: int
    """Bytes of a body that may be useful."""
    sockets: int
    """Connections with a whole header from which on there is no room for a WebSocket."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._pieces: deque[bytes] = deque()
        """What came and was not taken yet: at most what asyncio reads at once."""
        self._came = self._held = 0
        """Bytes of the body of this request: as they came, and without what is around chunks."""
        self._rest: Pace | None = None
        """Of a body that still comes while its request was answered."""
        self._parting = False
        """Whether nothing that comes matters any more."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._said()
        self._read()
        self._pieces.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, a piece at a time, so that others have their turn in between."""
        if self._parting:
            return
        begins = not self._pieces
        self._pieces += (data[at : at + PIECE] for at in range(0, len(data), PIECE))
        if begins:
            self._take_piece()

    def _take_piece(self) -> None:
        """Take one piece; the wait is over with the end of the header."""
        if not self._pieces or self.transport.is_closing():
            return
        before, held = self.cycle, len(self.cycle.body) if self.cycle is not None else 0
        piece = self._pieces[0]
        super().data_received(piece)
        if self.transport.get_protocol() is not self:  # a WebSocket has begun
            self._said()
            self._pieces.clear()
        elif self.cycle is not before:
            self._said()
        elif before is not None and before.more_body and not before.response_started:
            self._held += len(before.body) - held
            if self._is_crumbs(len(piece)):
                self.send_400_response("The chunks of the body are too small.")
        elif self._rest is not None:
            self._go_on_passing_over(self._rest, len(piece))
        if self._parting:
            self._pieces.clear()
        if self._pieces:
            self._pieces.popleft()
        if self._pieces:
            self.transport.pause_reading()  # no more may pile up than was read at once
            self.loop.call_soon(self._take_piece)
        elif not self.flow.read_paused:
            self.transport.resume_reading()

    def _is_crumbs(self, came: int) -> bool:
        """Tell a body of tiny chunks: each costs as much time as a large one."""
        self._came += came
        return self._came > CRUMBS and self._held < self._came * WORTH

    def handle_events(self) -> None:
        """Act on what came; what is left of a body that was refused is passed over."""
        before = self.cycle
        if self._rest is None or self._is_passed_over():
            super().handle_events()
        if self.cycle is not before:
            self.cycle.transport = _Answered(self.transport, self.cycle)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Begin a WebSocket if there is room: uvicorn looks for requests only whether there is."""
        if len(self.connections) - len(self.waiting) < self.sockets:
            super().handle_websocket_upgrade(event)
            return
        self.logger.warning("A WebSocket found no room.")
        text = "there are as many connections as there may be"
        self._refuse(Problem(503, "overloaded", text, retry_after=AGAIN))

    def _is_passed_over(self) -> bool:
        """Pass over what came of the body; tell whether that was the end of it."""
        try:
            while not isinstance(event := self.conn.next_event(), h11.EndOfMessage):
                if not isinstance(event, h11.Data):
                    return False
                self._held += len(event.data)
        except h11.RemoteProtocolError:
            self._part()
            return False
        if self.conn.our_state is h11.CLOSED:  # the answer was to be the last one
            self.transport.close()
            return False
        self.conn.start_next_cycle()
        self._wait()
        return True

    def _go_on_passing_over(self, rest: Pace, came: int) -> None:
        """Wait for more: many clients read no answer before they have sent everything."""
        useful = rest.keeps(came, self.loop.time()) and rest.received <= PASSED_OVER * self.largest
        if self._is_crumbs(came) or not useful:
            self._part()
        elif self._deadline is not None:
            self._deadline.cancel()
            self._deadline = self.loop.call_later(WITHIN, self._part)

    def _part(self) -> None:
        """Say that this was all, and reset only later: a reset overtakes the answer."""
        self._said()
        self._rest, self._parting = None, True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.drop)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for what is left of a body that nobody read."""
        cycle = self.cycle
        self._wait()
        super().on_response_complete()
        if self.cycle is not cycle:  # the next request was here already
            self._said()
        elif cycle.more_body:
            self._unset_keepalive_if_required()
            self._rest = Pace(self.loop.time(), self.largest)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP as everything else is refused."""
        self._refuse(Problem(400, "bad_request", msg))

    def _refuse(self, problem: Problem) -> None:
        """Answer in place of the application, and close."""
        answer = problem.response()
        headers = [*answer.raw_headers, (b"connection", b"close")]
        headers += [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        reason = HTTPStatus(problem.status).phrase.encode()
        said = h11.Response(status_code=problem.status, headers=headers, reason=reason)
        for event in (said, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        """Begin to wait for the reader."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(TAKEN, self.drop)

    def resume_writing(self) -> None:
        """See that the reader reads."""
        super().resume_writing()
        self._read()

    def timeout_keep_alive_handler(self) -> None:
        """Close, and not only as soon as the reader has read."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(TAKEN, self.drop)

    def drop(self) -> None:
        """End the connection at once; harmless where it has ended."""
        self.transport.abort()

    def _wait(self) -> None:
        self._said()
        self._came = self._held = 0
        self._rest = None
        self._deadline = self.loop.call_later(WITHIN, self.drop)
        self.waiting.add(self)

    def _said(self) -> None:
        self.waiting.remove(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def careful(waiting: Waiting, largest: int, sockets: int = SOCKETS) -> type[Careful]:
    """Return the protocol of one server; ``largest`` is in bytes, of a body."""
    shared = {"waiting": waiting, "largest": largest, "sockets": sockets}
    return type("CarefulHere", (Careful,), shared)
