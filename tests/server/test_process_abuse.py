"""What is slow, half open, too large or nonsense costs the others nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median
from typing import TypeAlias

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from echocli.server.connections import WITHIN
from echocli.types import SAMPLE_RATE
from echocli.wire import frames
from echocli.wire.codes import MAX_FRAME, PATH
from echocli.wire.messages import Format, SourceStart, Start, to_text
from tests.server.clients import LiveClient, running
from tests.server.conftest import TINY, errors
from tests.server.material import talks, wav_of
from tests.server.process import ServerProcess, multipart
from tests.waiting import PATIENCE, eventually

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

MOST_MB = 60.0
"""Memory by which the server may be larger meanwhile."""

UPLOAD_MB = 2

Abuse: TypeAlias = Callable[[ClientConnection], Awaitable[object]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("abused")
    scratch = home / "scratch"
    scratch.mkdir()
    options = (*TINY, "--max-upload-mb", str(UPLOAD_MB))
    started = ServerProcess(home, *options, env={"TMPDIR": str(scratch)})
    started.start()
    started.wait_ready()
    yield started
    started.close()


def test_the_slow_and_the_half_open_cost_others_nothing(server: ServerProcess) -> None:
    talk, other = talks(2, 12.0, spoken=True)
    sound = wav_of(other.pcm)
    assert server.transcribe(sound, language="en").status == 200  # so that the like is loaded
    before, _ = server.memory_mb()
    client = LiveClient(lambda: server.port, {"mic": talk.pcm})

    async def everything() -> tuple[list[float], list[float]]:
        calm = await _ask(server, sound, 4)
        slow = [asyncio.create_task(_drip(server.port, HEADER)) for _ in range(300)]
        others = [asyncio.create_task(_drip(server.port, UPLOAD)) for _ in range(30)]
        others += [asyncio.create_task(_drip(server.port, b"")) for _ in range(30)]
        async with asyncio.timeout(2 * PATIENCE):
            async with asyncio.TaskGroup() as group:
                group.create_task(client.run())
                asking = group.create_task(_ask(server, sound, 12))
            await asyncio.gather(*slow)  # each is cut off
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return calm, await asking

    calm, waits = running(everything())
    assert median(waits) < 10 * max(calm) + 0.5
    assert max(waits) < WITHIN  # nobody waits until the slow ones are gone
    assert client.account.over
    assert client.account.faults == []
    assert client.account.lost() == []
    rate = errors(talk.text, client.account.text()).rate
    assert rate is not None
    assert rate <= 10.0
    assert server.memory_mb()[0] - before < MOST_MB


HEADER = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 10_000
UPLOAD = (
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\n"
)


async def _drip(port: int, data: bytes) -> None:
    """Send a whole header, or one that does not end, byte by byte until it is cut off."""
    quick = data.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in data else 0
    async with raw(port) as (reader, writer):
        with suppress(OSError):
            writer.write(data[:quick])
            for byte in data[quick:]:
                writer.write(bytes([byte]))
                await writer.drain()
                if reader.at_eof():
                    break
                await asyncio.sleep(0.25)
            await reader.read()


async def _ask(server: ServerProcess, sound: bytes, count: int) -> list[float]:
    """Ask how it is, and have a file transcribed now and then; return what ``/health`` took."""
    waits: list[float] = []
    while len(waits) < count:
        begun = time.monotonic()
        answer = await asyncio.to_thread(server.health)
        assert answer is not None
        assert answer.status == 200
        waits.append(time.monotonic() - begun)
        if len(waits) % 4 == 0:
            done = await asyncio.to_thread(server.transcribe, sound, language="en")
            assert done.status == 200, done.body
        await asyncio.sleep(0.5)
    return waits


def test_an_upload_that_says_it_is_too_large_is_refused_at_once(server: ServerProcess) -> None:
    body, headers = multipart(bytes((UPLOAD_MB + 1) << 20), {"model": "whisper-1"})
    answer = server.ask("POST", "/v1/audio/transcriptions", body, headers=headers)
    assert answer.status == 413
    assert answer.json["error"]["message"]
    assert_nothing_left(server)


CHUNKED = (
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'46\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n\r\n'
)
"""How an upload begins whose length nobody knows."""


def test_an_upload_without_a_length_is_cut_off_at_the_limit(server: ServerProcess) -> None:
    before, _ = server.memory_mb()

    async def chunked() -> tuple[bytes, int]:
        async with raw(server.port) as (reader, writer), asyncio.timeout(PATIENCE):
            reading = asyncio.create_task(head(reader))
            sent = 0
            with suppress(OSError):
                writer.write(CHUNKED)
                while sent < 200 << 20 and not reading.done():
                    writer.write(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
                    sent += 1 << 16
                    await writer.drain()
                    await asyncio.sleep(0)
            return await reading, sent

    answer, sent = running(chunked())
    assert answer.startswith(b"HTTP/1.1 413 ") or not answer  # a reset may overtake the answer
    assert sent < 20 << 20
    assert server.memory_mb()[0] - before < MOST_MB
    assert_nothing_left(server)


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection; nothing is left of it behind the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def whole(reader: asyncio.StreamReader) -> bytes:
    """Read to the end; nothing where the connection was reset."""
    with suppress(OSError):
        return await reader.read()
    return b""


async def head(reader: asyncio.StreamReader) -> bytes:
    """Read the head of an answer; nothing where the connection was reset."""
    with suppress(OSError, asyncio.IncompleteReadError):
        return await reader.readuntil(b"\r\n\r\n")
    return b""


def assert_nothing_left(server: ServerProcess) -> None:
    """No upload is left on the disk."""
    scratch = Path(server.environ["TMPDIR"])
    eventually(lambda: not any(one.is_file() for one in scratch.rglob("*")))


START = to_text(Start(SAMPLE_RATE, Format.PCM_S16LE, 1, (SourceStart("mic"),)))


def _sending(*data: str | bytes) -> Abuse:
    async def send(socket: ClientConnection) -> None:
        for one in data:
            await socket.send(one)

    return send


def _raw(opcode: Opcode, payload: bytes) -> Abuse:
    async def send(socket: ClientConnection) -> None:
        socket.transport.write(Frame(opcode, payload).serialize(mask=True))

    return send


@pytest.mark.parametrize(
    ("abuse", "code"),
    [
        pytest.param(_sending("no JSON"), 1007, id="no JSON"),
        pytest.param(_raw(Opcode.TEXT, b"\xff\xfe"), 1007, id="no UTF-8"),
        pytest.param(_sending('{"type": "dance"}'), 1002, id="unknown type"),
        pytest.param(_sending('["start"]'), 1002, id="no object"),
        pytest.param(_sending(frames.encode(frames.Frame(0, 0, 0, b""))), 1002, id="no start"),
        pytest.param(_sending(START, START), 1002, id="start twice"),
        pytest.param(_sending(START, b"garbage" * 10), 1002, id="no frame"),
        pytest.param(
            _sending(START, frames.encode(frames.Frame(7, 0, 0, b"ab"))), 1002, id="no source"
        ),
        pytest.param(_sending(START.replace("16000", "7")), 1003, id="bad rate"),
        pytest.param(_sending(START, bytes(MAX_FRAME + 100)), 1009, id="too large a frame"),
        pytest.param(
            _sending(START, frames.encode(frames.Frame(0, 0, 0, bytes(SAMPLE_RATE * 22)))),
            1009,
            id="too long a frame",
        ),
        pytest.param(
            _sending('{"type":"resume","version":1,"session":"x","token":"y","seq":0}'),
            4404,
            id="unknown session",
        ),
        pytest.param(_raw(Opcode.CONT, b"?"), 1002, id="a continuation of nothing"),
    ],
)
def test_nonsense_gets_the_close_code_that_says_why(
    server: ServerProcess, abuse: Abuse, code: int
) -> None:
    async def closed() -> int | None:
        async with asyncio.timeout(PATIENCE), opened(server) as socket:
            with suppress(ConnectionClosed):
                await abuse(socket)
                async for _ in socket:
                    pass
            return socket.close_code

    assert running(closed()) == code


@asynccontextmanager
async def opened(server: ServerProcess) -> AsyncIterator[ClientConnection]:
    url = f"ws://127.0.0.1:{server.port}{PATH}"
    async with connect(url, compression=None, proxy=None, max_size=None) as socket:
        yield socket


def test_bytes_that_are_no_http_are_answered_with_400(server: ServerProcess) -> None:
    async def answer(data: bytes) -> bytes:
        async with raw(server.port) as (reader, writer), asyncio.timeout(PATIENCE):
            writer.write(data)
            return await whole(reader)

    async def all_of_them(them: Sequence[bytes]) -> list[bytes]:
        return await asyncio.gather(*map(answer, them))

    noise = [os.urandom(500) + b"\r\n\r\n" for _ in range(20)]
    for found in running(all_of_them(noise)):
        assert found.startswith(b"HTTP/1.1 400 ") or not found
    assert server.get("/health").status == 200
    assert "Traceback" not in server.stderr
