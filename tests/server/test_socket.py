"""A real client, a real socket, a real server in a thread around the sessions."""

from __future__ import annotations

import asyncio
import socket as sockets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from echocli.api.hosting import Hosting
from echocli.clock import SteppingClock, SystemClock
from echocli.events import End, Final
from echocli.server.conversation import Conversation
from echocli.server.desk import Limits
from echocli.server.sessions import SessionLimits, Sessions
from echocli.server.socket import TURN, serve_socket
from echocli.wire.codes import Close, Code
from echocli.wire.frames import Frame, encode
from echocli.wire.messages import (
    Accepted,
    Ack,
    Backpressure,
    Finish,
    Message,
    Numbered,
    Ready,
    Refusal,
    Resume,
    Seen,
    ServerMessage,
    parse_server,
    to_text,
)
from tests.server.seated import CHUNK, RATE, desk, scripted, speech, start
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.network


@contextmanager
def serving(sessions: Sessions, slowest: float = 30.0) -> Iterator[str]:
    """Serve the sessions on a free port; yield the address."""
    clock = SystemClock()

    async def live(socket: WebSocket) -> None:
        conversation = Conversation(sessions, Limits(), clock.now())
        await serve_socket(socket, conversation, sessions, clock, slowest=slowest)

    app = Starlette(routes=[WebSocketRoute("/v1/live", live)])
    options: dict[str, Any] = {"lifespan": "off", "log_config": None, "loop": "asyncio"}
    server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", **options))
    with sockets.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listening.getsockname()[1]}/v1/live"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosting]:
    with scripted(tmp_path_factory.mktemp("host")) as found:
        yield found


@pytest.fixture
def sessions(host: Hosting) -> Iterator[Sessions]:
    with desk(host) as found:
        yield found


@pytest.fixture
def address(sessions: Sessions) -> Iterator[str]:
    with serving(sessions) as found:
        yield found


def say(client: ClientConnection, message: Message) -> None:
    client.send(to_text(message))


def send(client: ClientConnection, sound: np.ndarray[Any, Any], begin: int = 0) -> None:
    for number, at in enumerate(range(0, len(sound), CHUNK)):
        client.send(encode(Frame(0, number, begin + at, sound[at : at + CHUNK].tobytes())))


def read(client: ClientConnection) -> ServerMessage:
    found = client.recv(timeout=PATIENCE)
    assert isinstance(found, str)
    message = parse_server(found)
    assert message is not None
    return message


def wait_for(client: ClientConnection, shape: type[Any]) -> Any:
    """Read up to a message, or to an event, of a class."""
    while True:
        message = read(client)
        found = message.event if isinstance(message, Numbered) else message
        if isinstance(found, shape):
            return found


def rest(client: ClientConnection) -> tuple[list[ServerMessage], int]:
    """Read to the end; return the messages and the close code."""
    found: list[ServerMessage] = []
    with suppress(ConnectionClosed):
        while True:
            found.append(read(client))
    assert client.close_code is not None
    return found, client.close_code


def finals(messages: list[ServerMessage]) -> list[str]:
    found = [one.event for one in messages if isinstance(one, Numbered)]
    return [one.segment.text for one in found if isinstance(one, Final)]


def test_sound_in_and_text_out_until_all_is_final(address: str, samples: Path) -> None:
    sound = speech(samples)
    with connect(address) as client:
        say(client, start())
        assert isinstance(read(client), Accepted)
        assert isinstance(read(client), Ready)
        send(client, sound)
        say(client, Finish())
        messages, code = rest(client)
    assert code == Close.DONE
    assert len(finals(messages)) == 5
    seqs = [one.seq for one in messages if isinstance(one, Numbered) and one.seq is not None]
    assert seqs == list(range(1, len(seqs) + 1))
    acks = [one for one in messages if isinstance(one, Ack)]
    assert acks[-1] == Ack({"mic": len(sound)}, {"mic": len(sound)})


def test_what_is_acknowledged_as_final_was_sent_before(address: str, samples: Path) -> None:
    with connect(address) as client:
        say(client, start())
        send(client, speech(samples))
        say(client, Finish())
        messages, _ = rest(client)
    told = 0.0
    ends = [
        one.event.segment.end
        for one in messages
        if isinstance(one, Numbered) and isinstance(one.event, Final)
    ]
    for message in messages:
        if isinstance(message, Numbered) and isinstance(message.event, Final):
            told = message.event.segment.end
        if isinstance(message, Ack):
            assert not any(told < end <= message.final["mic"] / RATE for end in ends)


def test_a_lost_connection_keeps_the_session_and_resuming_repeats_nothing(
    address: str, sessions: Sessions, samples: Path
) -> None:
    sound = speech(samples, secs=15.0)
    with connect(address) as client:
        say(client, start())
        accepted = wait_for(client, Accepted)
        send(client, sound[: 6 * RATE])
        first = wait_for(client, Final)
        client.socket.shutdown(sockets.SHUT_RDWR)
    eventually(lambda: sessions.figures()["sessions_detached"] == 1)
    with connect(address) as client:
        say(client, Resume(accepted.session, accepted.token, 3))
        again = wait_for(client, Accepted)
        assert again.resumed
        assert isinstance(read(client), Ready)
        send(client, sound[again.received["mic"] :], again.received["mic"])
        say(client, Finish())
        messages, code = rest(client)
    assert code == Close.DONE
    numbered = [one for one in messages if isinstance(one, Numbered) and one.seq]
    assert numbered[0].seq == 4
    assert isinstance(numbered[-1].event, End)
    assert len([first.segment.text, *finals(messages)]) == 2


def test_the_older_of_two_connections_is_closed(address: str) -> None:
    with connect(address) as old, connect(address) as new:
        say(old, start())
        accepted = wait_for(old, Accepted)
        say(new, Resume(accepted.session, accepted.token))
        messages, code = rest(old)
        assert code == Close.REPLACED
        assert isinstance(messages[-1], Refusal)
        say(new, Finish())
        assert rest(new)[1] == Close.DONE


def test_what_is_no_message_closes_with_its_code(address: str) -> None:
    for data, code in (("{", Close.INVALID), (b"EC", Close.PROTOCOL), ("{}", Close.PROTOCOL)):
        with connect(address) as client:
            client.send(data)
            assert rest(client)[1] == code


def test_a_full_buffer_is_not_read_and_nothing_is_lost(tmp_path: Path, samples: Path) -> None:
    sound = speech(samples)
    limits = SessionLimits(buffer_seconds=2.0)
    with (
        scripted(tmp_path, load_ms=1500) as slow,
        desk(slow, limits) as sessions,
        serving(sessions) as address,
        connect(address) as client,
    ):
        say(client, start())
        wait_for(client, Accepted)
        send(client, sound)
        say(client, Finish())
        assert wait_for(client, Backpressure).active
        messages, code = rest(client)
    assert code == Close.DONE
    assert len(finals(messages)) == 5


def test_a_client_that_does_not_read_is_cut_off_and_its_session_kept(
    sessions: Sessions, samples: Path
) -> None:
    asyncio.run(deaf(sessions, speech(samples, secs=6.0)))
    assert sessions.figures()["sessions_detached"] == 1
    assert sessions.count == 1


async def deaf(sessions: Sessions, sound: np.ndarray[Any, Any]) -> None:
    """Be a client that sends and does not read: what is sent to it never gets away."""
    frames = [encode(Frame(0, 0, at, sound[at : at + CHUNK].tobytes())) for at in (0, CHUNK)]
    incoming: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": to_text(start())},
        *({"type": "websocket.receive", "bytes": frame, "text": None} for frame in frames),
    ]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else await asyncio.Future()

    async def send(message: Any) -> None:
        if message["type"] != "websocket.accept":
            await asyncio.Future()

    clock = SystemClock()
    socket = WebSocket({"type": "websocket", "path": "/", "headers": []}, receive, send)
    conversation = Conversation(sessions, Limits(), clock.now())
    await asyncio.wait_for(
        serve_socket(socket, conversation, sessions, clock, slowest=0.3), timeout=PATIENCE
    )
    assert not incoming, "its sound was taken all the same"
    assert len(asyncio.all_tasks()) == 1


def test_others_have_their_turn_while_messages_are_there(sessions: Sessions) -> None:
    clock, seen, turns = SteppingClock(), to_text(Seen(0)), 0
    incoming = [to_text(start()), *[seen] * 1000]

    async def receive() -> dict[str, Any]:
        clock.advance(0.001)  # what a message takes
        text = incoming.pop(0) if incoming else None
        return {"type": "websocket.receive" if text else "websocket.disconnect", "text": text}

    async def send(message: Any) -> None:
        del message

    async def count() -> None:
        nonlocal turns
        while incoming:
            turns += 1
            await asyncio.sleep(0)

    async def serve() -> None:
        socket = WebSocket({"type": "websocket", "path": "/", "headers": []}, receive, send)
        socket.client_state = socket.application_state = WebSocketState.CONNECTED
        conversation = Conversation(sessions, Limits(), clock.now())
        await asyncio.gather(serve_socket(socket, conversation, sessions, clock), count())

    asyncio.run(serve())
    assert turns >= 1000 * 0.001 / TURN / 2


def test_a_server_that_ends_says_so_to_everybody(
    address: str, sessions: Sessions, samples: Path
) -> None:
    with connect(address) as client, connect(address) as silent:
        say(client, start())
        send(client, speech(samples, secs=4.0))
        wait_for(client, Ready)
        eventually(lambda: sessions.figures()["queue_bytes"] == 0)
        drained = threading.Thread(target=sessions.drain, args=(30.0,))
        drained.start()
        messages, code = rest(client)
        assert code == rest(silent)[1] == Close.GOING_AWAY
        drained.join()
    assert len(finals(messages)) == 1
    assert isinstance(messages[-1], Refusal)
    assert (messages[-1].code, messages[-1].retryable) == (Code.GOING_AWAY, True)


class Broken(Conversation):
    def receive(self, data: str | bytes, now: float) -> None:
        raise ArithmeticError(f"a defect: {data!r} at {now}")


def test_a_defect_closes_its_connection_with_a_code_to_come_back(sessions: Sessions) -> None:
    sent: list[Any] = []
    incoming: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "{}"},
    ]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve() -> None:
        socket = WebSocket({"type": "websocket", "path": "/", "headers": []}, receive, send)
        clock = SystemClock()
        broken = Broken(sessions, Limits(), clock.now())
        await serve_socket(socket, broken, sessions, clock)

    with pytest.raises(ArithmeticError):
        asyncio.run(serve())
    assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", Close.INTERNAL)
