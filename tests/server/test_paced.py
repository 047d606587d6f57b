"""WebSockets that send many messages at once, against uvicorn's own protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from echocli.server import paced
from echocli.server.paced import PIECE, SMALL, Paced

pytestmark = [pytest.mark.unit, pytest.mark.network]

Scene: TypeAlias = Callable[[ClientConnection], Awaitable[None]]


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


def play(scene: Scene) -> None:
    """Run a scene with a connection to a listening server."""

    async def whole() -> None:
        config = uvicorn.Config(app, ws=Paced, lifespan="off", log_config=None)
        config.load()
        state = ServerState()

        def made() -> asyncio.Protocol:
            return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

        server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        async with server, asyncio.timeout(30):
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            async with connect(url, compression=None, proxy=None, max_size=None) as socket:
                await scene(socket)
            while state.tasks or state.connections:
                await asyncio.sleep(0.01)

    asyncio.run(whole())


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
    size: int, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced, "PER_MINUTE", 20)
    count = 2_000_000 // size

    async def scene(socket: ClientConnection) -> None:
        socket.transport.write(frames(Opcode.BINARY, bytes(size), count))
        await socket.send("?")
        assert await socket.recv() == f"{count} {count * size}"

    play(scene)
    assert max(taken) <= PIECE


@pytest.mark.parametrize(
    ("opcode", "payload"), [(Opcode.PING, b""), (Opcode.TEXT, b"{}"), (Opcode.BINARY, b"\0" * 16)]
)
def test_too_many_small_messages_are_closed_with_1008(
    opcode: Opcode, payload: bytes, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paced, "PER_MINUTE", 2000)
    monkeypatch.setattr(paced, "GOODBYE", 0.2)

    async def scene(socket: ClientConnection) -> None:
        socket.transport.write(frames(opcode, payload, 100_000))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (1008, "too many small messages")

    play(scene)
    assert max(taken) <= PIECE


def test_a_close_is_answered_by_who_sends_a_lot() -> None:
    async def scene(socket: ClientConnection) -> None:
        flood = frames(Opcode.BINARY, bytes(SMALL), 500)
        socket.transport.write(flood + frames(Opcode.TEXT, b"!", 1) + flood)
        async with asyncio.timeout(5):
            await socket.wait_closed()
        assert socket.close_code == 1000

    play(scene)
