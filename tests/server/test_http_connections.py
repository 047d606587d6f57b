"""Connections that say nothing or take nothing, against uvicorn's own protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from echocli.server import connections
from echocli.server.connections import CRUMBS, PIECE, Waiting, careful

pytestmark = [pytest.mark.unit, pytest.mark.network]

Scene: TypeAlias = Callable[[int, Waiting], Awaitable[None]]

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 64 * 2**20
LARGEST = 4 * 2**20


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading what comes; a lot under ``/large``, how much came under ``/body``."""
    if scope["path"] == "/body":
        with suppress(ClientDisconnect):
            body = await Request(scope, receive).body()
            await PlainTextResponse(str(len(body)))(scope, receive, send)
        return
    text = "x" * LARGE if scope["path"] == "/large" else "hello"
    await PlainTextResponse(text)(scope, receive, send)


def play(scene: Scene, most: int = 8) -> None:
    """Run a scene against a listening server; it gets the port and who waits."""

    async def whole() -> None:
        waiting = Waiting(most)
        config = uvicorn.Config(
            app, http=careful(waiting, LARGEST), lifespan="off", log_config=None
        )
        config.load()
        state = ServerState()

        def made() -> asyncio.Protocol:
            return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg]

        server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        async with server:
            async with asyncio.timeout(30):
                await scene(server.sockets[0].getsockname()[1], waiting)
                for one in list(state.connections):
                    one.transport.abort()
                while state.connections:
                    await asyncio.sleep(0.01)
            assert len(waiting) == 0

    asyncio.run(whole())


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


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WITHIN", 0.2)
    monkeypatch.setattr(connections, "TAKEN", 0.2)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("said", [b"", b"G", REQUEST[:-2], b"POST / HTTP/1.1\r\nX: " + b"y" * 900])
def test_a_request_must_be_whole_in_time(said: bytes) -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            writer.write(said)
            assert await dropped(reader)

    play(scene)


@pytest.mark.parametrize("said", [b"garbage\r\n\r\n", REQUEST[:-2] + b"X: " + b"y" * 200_000])
def test_what_is_no_http_is_refused_as_everything_else_is(said: bytes) -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            writer.write(said)
            head, _, body = (await reader.readuntil(b"}}")).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 ")
            for name in (b"x-content-type-options: nosniff", b"cache-control: no-store"):
                assert name in head.lower()
            assert json.loads(body)["error"]["code"] == "bad_request"

    play(scene)


@pytest.mark.usefixtures("_impatient")
def test_trickling_does_not_help() -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            ended = asyncio.create_task(dropped(reader))
            with suppress(ConnectionError):
                for letter in b"GET / HTTP/1.1\r\nX-Slow: " + b"y" * 100:
                    writer.write(bytes([letter]))
                    await asyncio.sleep(0.02)
                    if ended.done():
                        break
            assert await ended

    play(scene)


@pytest.mark.usefixtures("_impatient")
def test_a_body_that_nobody_reads_does_not_keep_the_connection() -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            assert await dropped(reader)

    play(scene)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_all_of_a_refused_body_before_it_reads_gets_the_answer(chunked: bool) -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            head = BODY if chunked else REQUEST[:-2] + b"Content-Length: 800000\r\n\r\n"
            writer.write(head.replace(b"/body", b"/"))
            for _ in range(8):  # three times as long as a request may take
                await asyncio.sleep(0.08)
                writer.write(chunk(b"x" * 100_000) if chunked else b"x" * 100_000)
            writer.write(b"0\r\n\r\n" if chunked else b"")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            writer.write(REQUEST)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")

    play(scene)


@pytest.mark.parametrize("size", [1, 60_000])
def test_no_more_of_a_refused_body_is_passed_over_than_makes_sense(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LINGER", 0.2)

    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
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


@pytest.mark.usefixtures("_impatient")
def test_an_answer_must_be_taken() -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            writer.write(REQUEST.replace(b"/", b"/large", 1))
            await reader.readexactly(1)  # on a busy machine the answer itself takes its time
            await asyncio.sleep(0.6)
            taken = 1
            with suppress(ConnectionError):
                while data := await reader.read(1 << 20):
                    taken += len(data)
            assert taken < LARGE

    play(scene)


def test_a_connection_may_be_used_again_and_requests_may_come_together() -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            for count in (1, 1, 3):
                writer.write(REQUEST * count)
                for _ in range(count):
                    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            assert len(waiting) == 1  # for the next one

    play(scene)


def test_the_oldest_makes_room_for_who_comes() -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (first, _), connected(port) as (second, writer):
            while len(waiting) < 2:
                await asyncio.sleep(0.01)
            async with connected(port) as (third, other):
                assert await dropped(first)
                for reader, ends in ((second, writer), (third, other)):
                    ends.write(REQUEST)
                    assert await reader.readuntil(b"hello")

    play(scene, most=2)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


BODY = REQUEST.replace(b"GET /", b"POST /body").replace(
    b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize("size", [100, 16_000])
def test_a_body_in_chunks_is_taken_whole(size: int) -> None:
    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
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

    async def scene(port: int, waiting: Waiting) -> None:
        async with connected(port) as (reader, writer):
            writer.write(BODY + chunk(b"x") * 200_000)
            assert (await reader.readline()).startswith(b"HTTP/1.1 400")
            assert await dropped(reader)
        assert max(taken) <= PIECE
        assert sum(taken) < 2 * CRUMBS

    play(scene)
