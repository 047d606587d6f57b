"""The original contract of ``/ws/live-listener``, spoken to the real server."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from echocli.types import SAMPLE_RATE
from tests.server.clients import running
from tests.server.conftest import TINY, errors
from tests.server.material import Talk, talks
from tests.server.process import ServerProcess

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.slow]

TOKEN = "a-token-of-the-tests"
START = {
    "type": "start",
    "session_id": "s1",
    "attempt_id": "a1",
    "connection_id": "c1",
    "sample_rate": 16000,
    "format": "pcm_s16le",
    "channels": 1,
}
PIECE = SAMPLE_RATE // 50
"""Samples of a frame: the original client sends 20 ms."""

Wrap: TypeAlias = Callable[[bytes], str | bytes]
Message: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[ServerProcess]:
    started = ServerProcess(
        tmp_path_factory.mktemp("listener"), *TINY, env={"ECHOCLI_TOKEN": TOKEN}
    )
    started.start()
    yield started
    started.close()


def as_json(data: bytes) -> str:
    coded = base64.b64encode(data).decode()
    return json.dumps({"type": "audio", "source": "mic", "data": coded})


def with_header(data: bytes) -> bytes:
    return b"EP\x01\x01" + data


def bare(data: bytes) -> bytes:
    return data


def test_all_three_forms_of_sound_are_heard_at_the_same_time(server: ServerProcess) -> None:
    (talk,) = talks(1, 8.0, spoken=True)
    forms: list[tuple[Wrap, str]] = [(as_json, "mic"), (with_header, "mic"), (bare, "system")]

    async def all_of_them() -> list[list[Message]]:
        async with asyncio.timeout(60):
            return await asyncio.gather(*(listen(server, talk, wrap) for wrap, _ in forms))

    for told, (_, source) in zip(running(all_of_them()), forms, strict=True):
        assert_told(told, source, talk)


async def listen(server: ServerProcess, talk: Talk, wrap: Wrap) -> list[Message]:
    """Behave as the original client: send once ``streaming`` has come, stop, read to the end."""
    async with opened(server) as socket:
        await socket.send(json.dumps(START))
        told: list[Message] = []
        playing: asyncio.Task[None] | None = None
        async for message in messages(socket):
            told.append(message)
            if playing is None and message.get("state") == "streaming":
                playing = asyncio.create_task(_play(socket, talk, wrap))
        assert playing is not None
        await playing
        assert socket.close_code == 1000
    return told


async def _play(socket: ClientConnection, talk: Talk, wrap: Wrap) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for at in range(0, len(talk.pcm), PIECE):
        await asyncio.sleep(max(0.0, begun + at / SAMPLE_RATE - loop.time()))
        await socket.send(wrap(talk.pcm[at : at + PIECE].tobytes()))
    await socket.send(json.dumps({"type": "stop", "session_id": "s1"}))


async def messages(socket: ClientConnection) -> AsyncIterator[Message]:
    async for text in socket:
        yield json.loads(text)


def opened(server: ServerProcess, token: str | None = TOKEN) -> connect:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"ws://127.0.0.1:{server.port}/ws/live-listener"
    return connect(url, additional_headers=headers, compression=None, proxy=None)


def assert_told(told: list[Message], source: str, talk: Talk) -> None:
    by_type: dict[str, list[Message]] = {}
    for message in told:
        by_type.setdefault(message["type"], []).append(message)
    states = [one["state"] for one in by_type["status"]]
    assert states[0] == "connected"
    assert states.index("streaming") > 0
    finals = by_type["asr_final"]
    assert {one["source"] for one in finals} == {source}
    assert all(one["stable"] and one["t0"] < one["t1"] for one in finals)
    rate = errors(talk.text, " ".join(one["text"] for one in finals)).rate
    assert rate is not None
    assert rate <= 10.0, finals
    assert by_type["asr_partial"]
    assert {one["source"] for one in by_type["metrics"]} == {source}
    assert len(by_type["metrics"]) >= 5
    assert told[-1]["type"] == "final_summary"


def test_a_bad_token_is_closed_with_1008(server: ServerProcess) -> None:
    async def code(token: str | None) -> int | None:
        async with opened(server, token) as socket:
            await socket.wait_closed()
            return socket.close_code

    assert running(code("wrong")) == 1008
    assert running(code(None)) == 1008


def test_sound_of_another_rate_is_an_error_and_a_close(server: ServerProcess) -> None:
    async def told() -> tuple[list[Message], int | None]:
        async with opened(server) as socket:
            await socket.send(json.dumps(START | {"sample_rate": 44100}))
            found: list[Message] = []
            with suppress(ConnectionClosed):
                async for message in messages(socket):
                    found.append(message)
            return found, socket.close_code

    found, code = running(told())
    assert "error" in [one["type"] for one in found]
    assert not [one for one in found if one.get("state") == "streaming"]
    assert code == 1003
