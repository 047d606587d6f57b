"""The thread that talks to the server: one connection after the other, as the core says."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from echocli.clock import Clock
from echocli.events import Event
from echocli.remote.actions import Connect, HangUp, Send
from echocli.remote.address import Address, library, missing
from echocli.remote.causes import loss_of
from echocli.remote.core import Core
from echocli.remote.policy import Loss
from echocli.remote.unawaited import Unawaited

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

PING = 10.0
"""Seconds between two pings."""

PONG = 15.0
"""Seconds an answer to one may take."""

CLOSING = 2.0
"""Seconds for the other side to say goodbye."""

LARGEST = 4 << 20
"""Bytes of a message of the server at most."""

ENDING = 5.0
"""Seconds for the thread to end; it has ended after :data:`CLOSING` unless it hangs."""

TICK = 0.25
"""Seconds after which it is looked around where nothing happens."""

Call: TypeAlias = Callable[[float], None]
"""Something to tell the core; it gets the time."""


class Link:
    """Run a core: connect, send, receive; ``emit`` gets the events, in this thread.

    ``look`` is called after every step, ``ended`` when the thread ends.

    :meth:`post` tells the core something from any thread, a signal handler among them. The thread
    ends when the core is done, or is told to by :meth:`close`.
    """

    def __init__(
        self,
        core: Core,
        address: Address,
        clock: Clock,
        emit: Callable[[Event], None],
        look: Call,
        ended: Callable[[], None],
    ) -> None:
        library("websockets.asyncio.client")
        self._core = core
        self._address = address
        self._context = address.context()
        self._clock = clock
        self._emit = emit
        self._look = look
        self._ended = ended
        self._calls: deque[Call] = deque()
        self._outgoing: deque[str] = deque()
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(Unawaited())
        self._news = asyncio.Event()
        """Something has happened that may lead to something to do."""
        self._sendable = asyncio.Event()
        self._connection: asyncio.Task[Loss] | None = None
        self._why = ""
        """Why we hung up ourselves."""
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="remote", daemon=True)
        self._gone = threading.Event()
        """Set when the thread has ended: a `join` that is interrupted takes it for ended."""
        self.error: BaseException | None = None
        """What ended the thread: a defect, or a library that is not installed."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def post(self, call: Call) -> None:
        """Have the core told something soon; after the end it is passed over."""
        self._calls.append(call)
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._news.set)

    def close(self) -> None:
        """End at once, and wait until the thread has, but not for ever; twice is harmless."""
        self._closing = True
        self.post(lambda _: None)
        if self._thread.ident is None:
            self._loop.close()
        elif self._gone.wait(ENDING):
            self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except BaseException as error:
            self.error = error
        finally:
            self._ended()
            self._gone.set()

    async def _main(self) -> None:
        try:
            while not self._closing:
                self._step()
                if self._core.done:
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), TICK)
                self._news.clear()
            await self._flush()
        finally:
            await self._disconnect()

    def _step(self) -> None:
        """Tell the core what there is, and do what it says."""
        now = self._clock.now()
        if self._connection is not None and self._connection.done():
            loss, self._connection = self._loss(self._connection), None
            self._core.lost(loss, now)
        for _ in range(len(self._calls)):  # what comes meanwhile does not hold up the connection
            self._calls.popleft()(now)
        self._core.tick(now)
        for action in self._core.take():
            match action:
                case Connect():
                    self._connect()
                case Send():
                    self._outgoing.append(action.data)
                case HangUp():
                    self._why = action.reason
                    if self._connection is not None:
                        self._connection.cancel()
                case _:
                    self._emit(action)
        self._look(now)
        self._sendable.set()

    def _connect(self) -> None:
        """Begin a connection; however it ends, the next step tells the core."""
        self._outgoing.clear()
        self._why = ""
        self._connection = asyncio.create_task(self._follow())
        self._connection.add_done_callback(lambda _: self._news.set())

    def _loss(self, connection: asyncio.Task[Loss]) -> Loss:
        """Return how a connection ended; raises what ends more than that."""
        if self._why or connection.cancelled():
            return Loss(self._why or "hung up")
        return connection.result()

    async def _follow(self) -> Loss:
        """Make a connection, and follow it to its end; raises ``ProviderError``."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        try:
            async with connect(
                self._address.live_url,
                additional_headers=self._address.headers,
                ssl=self._context,
                compression=None,  # sound does not shrink by it
                open_timeout=PONG,
                ping_interval=PING,
                ping_timeout=PONG,
                close_timeout=CLOSING,
                max_size=LARGEST,
            ) as connection:
                await self._talk(connection)
                return _closed(connection)
        except ConnectionClosed:
            return _closed(connection)
        except ImportError as error:
            raise missing(error) from error
        except Exception as error:  # whatever it is, the sound that is kept needs an end
            return await loss_of(error, self._address)

    async def _talk(self, connection: ClientConnection) -> None:
        """Send and receive until the connection ends."""
        self._core.connected(self._clock.now())
        self._news.set()
        receiver = asyncio.create_task(self._receive(connection))
        sender = asyncio.create_task(self._send(connection))
        try:
            await asyncio.wait((receiver, sender), return_when=asyncio.FIRST_COMPLETED)
            if sender.done():
                sender.result()
            await receiver
        finally:
            for one in (receiver, sender):
                one.cancel()
            await asyncio.gather(receiver, sender, return_exceptions=True)

    async def _receive(self, connection: ClientConnection) -> None:
        async for message in connection:
            self._core.received(message, self._clock.now())
            self._news.set()

    async def _send(self, connection: ClientConnection) -> None:
        """Send what there is; it ends with the connection, whose last words are still read."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            while True:
                data = self._outgoing.popleft() if self._outgoing else self._core.next_frame()
                if data is None:
                    self._sendable.clear()
                    await self._sendable.wait()
                else:
                    await connection.send(data)

    async def _flush(self) -> None:
        """Give the last words a moment, and the server the one to close."""
        if self._connection is not None and not self._closing:
            await asyncio.wait([self._connection], timeout=CLOSING)

    async def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.gather(self._connection, return_exceptions=True)


def _closed(connection: ClientConnection) -> Loss:
    """Return how a connection ended; 1006 (RFC 6455, 7.1.5) is one that broke."""
    code, reason = connection.close_code or 1006, connection.close_reason or ""
    return Loss(reason or ("it broke off" if code == 1006 else f"closed with code {code}"), code)
