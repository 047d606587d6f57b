"""Connections that say nothing or take nothing, against uvicorn's own protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from echocli.server.connections import CRUMBS, PIECE, TAKEN, WITHIN, careful
from echocli.server.limits import Waiting
from echocli.server.paced import paced
from tests.server.steered import advance, steered

pytestmark = [pytest.mark.unit, pytest.mark.network]

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 64 * 2**20
LARGEST = 4 * 2**20


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading what comes; a lot under ``/large``, how much came under ``/body``."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    if scope["path"] == "/body":
        with suppress(ClientDisconnect):
            body = await Request(scope, receive).body()
            await PlainTextResponse(str(len(body)))(scope, receive, send)
        return
    text = "x" * LARGE if scope["path"] == "/large" else "hello"
    await PlainTextResponse(text)(scope, receive, send)


@dataclass(slots=True)
class Stage:
    """A listening server."""

    waiting: Waiting
    port: int = 0
    came: int = 0
    """Bytes that it was given so far."""

    async def comes(self, count: int) -> None:
        """Wait until it was given so many."""
        while self.came < count:
            await asyncio.sleep(0.001)


Scene: TypeAlias = Callable[[Stage], Awaitable[None]]


def play(scene: Scene, most: int = 8, sockets: int = 8) -> None:
    """Run a scene against a listening server, in a loop whose time it may move on."""
    at = Stage(Waiting(most))

    class Counted(careful(at.waiting, LARGEST, sockets)):  # type: ignore[misc]
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            at.came += len(data)

    async def whole() -> None:
        config = uvicorn.Config(
            app, http=Counted, ws=paced(Waiting(most)), lifespan="off", log_config=None
        )
        config.load()
        state = ServerState()

        def made() -> asyncio.Protocol:
            return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

        server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        async with server:
            at.port = server.sockets[0].getsockname()[1]
            await scene(at)
            for one in list(state.connections):
                one.transport.abort()
            while state.connections:
                await asyncio.sleep(0.01)
            assert len(at.waiting) == 0

    steered(whole())


Ends: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Ends]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def dropped(reader: asyncio.StreamReader) -> bool:
    """Read to the end; whether that came."""
    with suppress(ConnectionError):
        while await reader.read(1 << 20):
            pass
    return True


@pytest.mark.parametrize("said", [b"", b"G", REQUEST[:-2], b"POST / HTTP/1.1\r\nX: " + b"y" * 900])
def test_a_request_must_be_whole_in_time(said: bytes) -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            writer.write(said)
            await at.comes(len(said))
            while not at.waiting:
                await asyncio.sleep(0.001)
            advance(WITHIN)
            assert await dropped(reader)

    play(scene)


@pytest.mark.parametrize("said", [b"garbage\r\n\r\n", REQUEST[:-2] + b"X: " + b"y" * 200_000])
def test_what_is_no_http_is_refused_as_everything_else_is(said: bytes) -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            writer.write(said)
            head, _, body = (await reader.readuntil(b"}}")).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 ")
            for name in (b"x-content-type-options: nosniff", b"cache-control: no-store"):
                assert name in head.lower()
            assert json.loads(body)["error"]["code"] == "bad_request"

    play(scene)


def test_trickling_does_not_help() -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            for count, letter in enumerate(REQUEST[:10], 1):
                writer.write(bytes([letter]))
                await at.comes(count)
                advance(WITHIN / 10)
            assert await dropped(reader)

    play(scene)


def test_a_body_that_nobody_reads_does_not_keep_the_connection() -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            advance(WITHIN)
            assert await dropped(reader)

    play(scene)


PIECES = 8
"""Pieces of a body, one long after the other: together many times what a header may take."""


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_all_of_a_refused_body_before_it_reads_gets_the_answer(
    chunked: bool, last: bool
) -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            head = BODY if chunked else REQUEST[:-2] + b"Content-Length: 800000\r\n\r\n"
            head = head.replace(b"/body", b"/")
            writer.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) if last else head)
            for _ in range(PIECES):
                before = at.came
                advance(0.6 * WITHIN)
                piece = b"x" * (800_000 // PIECES)
                writer.write(chunk(piece) if chunked else piece)
                await at.comes(before + len(piece))
            writer.write(b"0\r\n\r\n" if chunked else b"")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            if last:
                assert await reader.read() == b""
                return
            writer.write(REQUEST)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")

    play(scene)


@pytest.mark.parametrize("size", [1, 60_000])
def test_no_more_of_a_refused_body_is_passed_over_than_makes_sense(
    size: int,
) -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            writer.write(BODY.replace(b"/body", b"/"))
            head = await reader.readuntil(b"hello")
            ended, sent = asyncio.create_task(reader.read()), 0
            with suppress(ConnectionError):
                while not ended.done():
                    data = chunk(b"x" * size) * (60_000 // size)
                    writer.write(data)
                    sent += len(data)
                    await writer.drain()
                    await asyncio.sleep(0)
            assert head.startswith(b"HTTP/1.1 200")
            assert await ended == b""
            assert sent < 4 * LARGEST if size > 1 else sent < LARGEST

    play(scene)


def test_an_answer_must_be_taken() -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            writer.write(REQUEST.replace(b"/", b"/large", 1))
            await reader.readexactly(1)
            advance(TAKEN)
            taken = 1
            with suppress(ConnectionError):
                while data := await reader.read(1 << 20):
                    taken += len(data)
            assert taken < LARGE

    play(scene)


def test_a_connection_may_be_used_again_and_requests_may_come_together() -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            for count in (1, 1, 3):
                writer.write(REQUEST * count)
                for _ in range(count):
                    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            assert len(at.waiting) == 1  # for the next one

    play(scene)


def test_the_oldest_makes_room_for_who_comes() -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (first, _), connected(at.port) as (second, writer):
            while len(at.waiting) < 2:
                await asyncio.sleep(0.01)
            async with connected(at.port) as (third, other):
                assert await dropped(first)
                for reader, ends in ((second, writer), (third, other)):
                    ends.write(REQUEST)
                    assert await reader.readuntil(b"hello")

    play(scene, most=2)


HANDSHAKE = REQUEST[:-2] + (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def test_where_there_is_no_room_for_another_websocket_there_is_for_a_request() -> None:
    async def scene(at: Stage) -> None:
        async with AsyncExitStack() as all_of_them:
            for _ in range(3):
                reader, writer = await all_of_them.enter_async_context(connected(at.port))
                writer.write(HANDSHAKE)
                assert (await reader.readline()).startswith(b"HTTP/1.1 101")
            async with connected(at.port) as (reader, writer):
                writer.write(HANDSHAKE)
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 503 Service Unavailable")
                assert b"retry-after: 5" in head.lower()
                assert json.loads(body)["error"]["code"] == "overloaded"
            async with connected(at.port) as (reader, writer):
                writer.write(REQUEST)
                assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")

    play(scene, sockets=3)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


BODY = REQUEST.replace(b"GET /", b"POST /body").replace(
    b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize("size", [100, 16_000])
def test_a_body_in_chunks_is_taken_whole(size: int) -> None:
    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            told = b"%d" % (1_000_000 // size * size)
            for _ in range(2):
                writer.write(BODY + chunk(b"x" * size) * (1_000_000 // size) + b"0\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200")
                assert await reader.readexactly(len(told)) == told

    play(scene)


def test_a_body_of_tiny_chunks_is_refused_and_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[int] = []
    plain = H11Protocol.data_received

    def counting(self: H11Protocol, data: bytes) -> None:
        taken.append(len(data))
        plain(self, data)

    monkeypatch.setattr(H11Protocol, "data_received", counting)

    async def scene(at: Stage) -> None:
        async with connected(at.port) as (reader, writer):
            writer.write(BODY + chunk(b"x") * 200_000)
            assert (await reader.readline()).startswith(b"HTTP/1.1 400")
            assert await dropped(reader)
        assert max(taken) <= PIECE
        assert sum(taken) < 2 * CRUMBS

    play(scene)
