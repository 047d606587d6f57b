"""A WebSocket around a conversation: what comes in is given to it, what it says is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect, WebSocketState

from echocli.clock import Clock
from echocli.server.desk import PUMP_SECONDS, Action, Send
from echocli.server.sessions import Sessions
from echocli.server.talk import Talk
from echocli.wire.codes import Close

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

SLOWEST = 30.0
"""Seconds that sending one message may take; whoever reads more slowly is cut off."""

GOODBYE = 5.0
"""Seconds that closing may take."""

TURN = 0.005
"""Seconds for which messages that are there already are taken before others have their turn."""

QUIET = (WebSocketDisconnect, TimeoutError)
"""Ends that are the client's: it is gone, or does not read."""


async def serve_socket(
    socket: WebSocket,
    conversation: Talk,
    sessions: Sessions,
    clock: Clock,
    *,
    slowest: float = SLOWEST,
) -> None:
    """Hold a conversation until one side ends it; ``sessions`` is its desk.

    The socket is accepted here unless it was before. A client that does not read blocks its own
    sender only, and is cut off after ``slowest`` seconds; its session is kept.
    """
    if socket.application_state is WebSocketState.CONNECTING:
        await socket.accept()
    skin = _Skin(socket, conversation, sessions, clock, slowest)
    with sessions.connected(skin.wake):
        await skin.run()


class _Skin:
    """One reader and one writer; either's end is that of the connection."""

    def __init__(
        self,
        socket: WebSocket,
        conversation: Talk,
        sessions: Sessions,
        clock: Clock,
        slowest: float,
    ) -> None:
        self._socket = socket
        self._conversation = conversation
        self._sessions = sessions
        self._clock = clock
        self._slowest = slowest
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._readable = asyncio.Event()

    def wake(self) -> None:
        """Have the writer look for news; from any thread, and after the end too."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._news.set)

    async def run(self) -> None:
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            self._conversation.lost()
        for error in found:
            if isinstance(error, Exception) and not isinstance(error, QUIET):
                with suppress(*QUIET, RuntimeError):
                    await self._socket.close(Close.INTERNAL)
                raise error

    async def _read(self) -> None:
        """Give the conversation what comes, while it has room for it."""
        since = self._clock.now()
        while True:
            while self._conversation.paused:
                # Set by the writer, who looks every quarter of a second at least.
                self._readable.clear()
                await self._readable.wait()
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            with self._sessions.waking(self.wake):
                self._conversation.receive(_content(message), self._clock.now())
            self._news.set()
            if self._clock.now() - since >= TURN:
                await asyncio.sleep(0)  # receiving does not wait for what has come
                since = self._clock.now()

    async def _write(self) -> None:
        """Send what the conversation says, until it closes."""
        while True:
            self._news.clear()
            self._pump()
            for action in self._conversation.take():
                if not await self._do(action):
                    return
            if not self._conversation.paused:
                self._readable.set()
            # wait_for() of Python 3.11 forgets that it was cancelled where news come as well.
            with suppress(TimeoutError):
                async with asyncio.timeout(PUMP_SECONDS):
                    await self._news.wait()

    def _pump(self) -> None:
        now = self._clock.now()
        if self._sessions.left:
            self._conversation.leave(now)
        else:
            self._conversation.pump(now)

    async def _do(self, action: Action) -> bool:
        """Send or close; tell whether there is more to do."""
        if not isinstance(action, Send):
            async with asyncio.timeout(GOODBYE):
                await self._socket.close(action.code, action.reason)
            return False
        async with asyncio.timeout(self._slowest):
            if isinstance(action.data, str):
                await self._socket.send_text(action.data)
            else:
                await self._socket.send_bytes(action.data)
        return True


def _content(message: Mapping[str, Any]) -> str | bytes:
    """Return what a message of ASGI holds; one of the two may be missing or ``None``."""
    text: str | None = message.get("text")
    return text if text is not None else bytes(message.get("bytes") or b"")
