"""WebSockets that send many messages at once, against uvicorn's own protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode

from echocli.server.limits import Waiting
from echocli.server.paced import GOODBYE, PER_MINUTE, PIECE, SMALL, paced
from echocli.server.run import PING, PONG
from tests.server.steered import advance, steered

pytestmark = [pytest.mark.unit, pytest.mark.network]

Scene: TypeAlias = Callable[[ClientConnection], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Say what came at ``?``; close at ``!``."""
    await receive()
    await send({"type": "websocket.accept"})
    sizes: list[int] = []
    while (message := await receive())["type"] != "websocket.disconnect":
        text = message.get("text")
        if text == "!":
            await send({"type": "websocket.close", "code": 1000})
        elif text == "?":
            told = f"{len(sizes)} {sum(sizes)}"
            await send({"type": "websocket.send", "text": told})
        else:
            sizes.append(len(text if text is not None else message["bytes"]))


@asynccontextmanager
async def listening(
    waiting: Waiting, per_minute: int = PER_MINUTE, asked: App = app
) -> AsyncIterator[str]:
    """Listen, and yield the address; nothing is left behind the block."""
    made_of = paced(waiting, per_minute)
    config = uvicorn.Config(asked, ws=made_of, lifespan="off", log_config=None)
    config.load()
    config.ws_ping_interval, config.ws_ping_timeout = PING, PONG
    state = ServerState()

    def made() -> asyncio.Protocol:
        return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        while state.tasks or state.connections:
            await asyncio.sleep(0.01)
    assert len(waiting) == 0


def connecting(url: str) -> connect:
    return connect(url, compression=None, proxy=None, max_size=None, ping_interval=None)


def play(scene: Scene, per_minute: int = PER_MINUTE) -> None:
    """Run a scene with a connection to a listening server, in a loop whose time it may move on."""

    async def whole() -> None:
        async with listening(Waiting(8), per_minute) as url, connecting(url) as socket:
            await scene(socket)

    steered(whole())


def frames(opcode: Opcode, payload: bytes, count: int) -> bytes:
    return Frame(opcode, payload).serialize(mask=True) * count


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes that uvicorn took at once, each time."""
    found: list[int] = []
    plain = WebSocketsSansIOProtocol.data_received

    def counting(self: WebSocketsSansIOProtocol, data: bytes) -> None:
        found.append(len(data))
        plain(self, data)

    monkeypatch.setattr(WebSocketsSansIOProtocol, "data_received", counting)
    return found


@pytest.mark.parametrize("size", [SMALL, 3200, 1_000_000])
def test_all_sound_arrives_and_others_have_their_turn_meanwhile(
    size: int, taken: list[int]
) -> None:
    count = 2_000_000 // size

    async def scene(socket: ClientConnection) -> None:
        socket.transport.write(frames(Opcode.BINARY, bytes(size), count))
        await socket.send("?")
        assert await socket.recv() == f"{count} {count * size}"

    play(scene, per_minute=20)
    assert max(taken) <= PIECE


@pytest.mark.parametrize(
    ("opcode", "payload"), [(Opcode.PING, b""), (Opcode.TEXT, b"{}"), (Opcode.BINARY, b"\0" * 16)]
)
def test_too_many_small_messages_are_closed_with_1008(
    opcode: Opcode, payload: bytes, taken: list[int]
) -> None:
    async def scene(socket: ClientConnection) -> None:
        socket.transport.write(frames(opcode, payload, 100_000))
        closed = asyncio.create_task(socket.wait_closed())
        while socket.protocol.close_rcvd is None:
            await asyncio.sleep(0.001)
        advance(GOODBYE)
        await closed
        assert (socket.close_code, socket.close_reason) == (1008, "too many small messages")

    play(scene, per_minute=2000)
    assert max(taken) <= PIECE


def test_a_close_is_answered_by_who_sends_a_lot() -> None:
    async def scene(socket: ClientConnection) -> None:
        flood = frames(Opcode.BINARY, bytes(SMALL), 500)
        socket.transport.write(flood + frames(Opcode.TEXT, b"!", 1) + flood)
        async with asyncio.timeout(5):
            await socket.wait_closed()
        assert socket.close_code == 1000

    play(scene)


def test_of_those_that_say_nothing_the_oldest_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    async def whole() -> None:
        waiting = Waiting(2)
        async with listening(waiting) as url, connecting(url) as spoke, connecting(url) as silent:
            await spoke.send("a")
            await spoke.send("?")
            assert await spoke.recv() == "1 1"
            assert len(waiting) == 1
            async with connecting(url) as third, connecting(url) as fourth:
                await silent.wait_closed()
                for one in (spoke, third, fourth):
                    await one.send("?")
                    assert await one.recv()
                assert len(waiting) == 0

    steered(whole())
    assert caplog.records == []


class Gate:
    """An application that takes nothing until it may."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.taken = 0
        self.over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await receive()
        await send({"type": "websocket.accept"})
        await self.open.wait()
        while (await receive())["type"] != "websocket.disconnect":
            self.taken += 1
        self.over = True

    async def takes(self, count: int) -> None:
        """Wait until it has taken so many messages."""
        while self.taken < count:
            await asyncio.sleep(0)


async def pass_by(secs: float) -> None:
    """Have so many seconds pass, one by one, and what is due happen in between."""
    for _ in range(round(secs)):
        advance(1)
        for _ in range(5):
            await asyncio.sleep(0)


def test_who_is_not_read_is_not_taken_for_dead_and_who_is_silent_then_is() -> None:
    async def whole() -> None:
        gate, count = Gate(), 2000
        async with listening(Waiting(8), asked=gate) as url, connecting(url) as socket:
            socket.transport.write(frames(Opcode.BINARY, bytes(3200), count))
            await pass_by(3 * (PING + PONG))
            gate.open.set()
            await gate.takes(count)
            assert not gate.over
            socket.transport.pause_reading()  # so that no ping is answered any more
            await pass_by(2 * (PING + PONG))
            assert gate.over
            socket.transport.resume_reading()
            await socket.wait_closed()
            assert (socket.close_code, socket.close_reason) == (1011, "keepalive ping timeout")

    steered(whole())


def test_who_sends_is_not_taken_for_dead_while_its_pong_waits_behind_what_it_sends() -> None:
    async def whole() -> None:
        gate = Gate()
        gate.open.set()
        async with listening(Waiting(8), asked=gate) as url, connecting(url) as socket:
            socket.transport.pause_reading()
            for count in range(1, 13):
                await socket.send(bytes(3200))
                await gate.takes(count)
                await pass_by(PONG / 2)
                assert not gate.over
            socket.transport.resume_reading()

    steered(whole())
