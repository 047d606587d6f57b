"""How the real server ends: soon, in every state, and with an answer for everybody."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from echocli.server.run import GOODBYE, GRACE
from tests.cli.conftest import Script, script
from tests.server.asking import form, metrics
from tests.server.conftest import StartServer
from tests.server.process import ServerProcess
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.network

__all__ = ["script"]

LATEST = 2 * GRACE
"""Seconds of any end, on a busy machine: beyond the grace it waits for nothing."""

DOCKER = 10.0
"""Seconds after which Docker kills."""

START = {
    "type": "start",
    "version": 1,
    "sample_rate": 16000,
    "format": "pcm_s16le",
    "channels": 1,
    "sources": [{"name": "mic"}],
}


def begin(server: ServerProcess, samples: Path, cut: int = 0, **fields: str) -> Any:
    """Send a request, the last ``cut`` bytes of its body not; do not wait for the answer."""
    body, headers = form(samples, **fields)
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    client.putrequest("POST", "/v1/audio/transcriptions")
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        client.putheader(name, value)
    client.endheaders(body[: len(body) - cut])
    return client


@contextmanager
def live(server: ServerProcess) -> Iterator[ClientConnection]:
    """Begin a session."""
    with connect(f"ws://127.0.0.1:{server.port}/v1/live") as client:
        client.send(json.dumps(START))
        assert json.loads(client.recv(PATIENCE))["type"] == "accepted"
        yield client


def rest(client: ClientConnection) -> tuple[list[str], int]:
    """Read to the end; types and codes of the messages, and the close code."""
    found = []
    for text in client:
        message = json.loads(text)
        found.append(str(message.get("code", message["type"])))
    return found, client.close_code or 0


def refused(client: http.client.HTTPConnection) -> None:
    answer = client.getresponse()
    assert answer.status == 503
    assert json.loads(answer.read())["error"]["code"] == "going_away"
    assert int(answer.headers["retry-after"]) >= 1
    client.close()


def ended(server: ServerProcess, begun: float) -> float:
    """Wait for the end, and see that it is one in good order; return the seconds it took."""
    assert server.process.wait(PATIENCE) == 0
    took = time.monotonic() - begun
    assert "defect" not in server.stderr
    return took


def test_the_grace_leaves_time_to_end_before_docker_kills() -> None:
    assert GRACE + GOODBYE <= DOCKER - 2.0


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_client_that_goes_away_in_line_gives_its_place_back(
    start_server: StartServer, script: Script, samples: Path, stream: str
) -> None:
    server = start_server(*script("One.", delay_ms=1000), "--max-requests", "1")
    server.wait_ready()
    first = begin(server, samples)
    eventually(lambda: metrics(server)["echocli_requests"] == 1)
    second = begin(server, samples, stream=stream)
    eventually(lambda: metrics(server)["echocli_uploads_total"] == 2)
    second.close()
    eventually(lambda: metrics(server)["echocli_http_requests_in_flight"] <= 2)
    third = begin(server, samples)
    assert first.getresponse().status == 200
    assert third.getresponse().status == 200
    first.close()
    third.close()


def test_nobody_waits_for_a_model_that_is_being_loaded(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One.", load_ms=60_000))
    with live(server) as session:
        file, stream = begin(server, samples), begin(server, samples, stream="true")
        eventually(lambda: metrics(server)["echocli_uploads_total"] == 2)
        begun = time.monotonic()
        server.signal(signal.SIGTERM)
        refused(file)
        refused(stream)
        found, close = rest(session)
        assert (found[-1], close) == ("going_away", 1001)
        assert not {"stats", "end"} & set(found)
    assert ended(server, begun) < GRACE


def test_uploads_on_their_way_are_ended(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One."))
    server.wait_ready()
    client = begin(server, samples, cut=1000)
    eventually(lambda: metrics(server)["echocli_http_requests_in_flight"] >= 2)
    begun = time.monotonic()
    server.signal(signal.SIGTERM)
    refused(client)
    assert ended(server, begun) < GRACE


def test_a_decode_that_hangs_does_not_hold_the_end_up(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    steps = {str(number): "hang" for number in range(2, 60)}
    server = start_server(*script("One.", steps=steps), "--max-requests", "1")
    server.wait_ready()
    first = begin(server, samples)
    eventually(lambda: metrics(server)["echocli_requests"] == 1)
    second = begin(server, samples)
    eventually(lambda: metrics(server)["echocli_uploads_total"] == 2)
    with live(server) as session, socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(b"GET /health HTTP/1.1\r\n")
        begun = time.monotonic()
        server.signal(signal.SIGTERM)
        refused(second)
        assert time.monotonic() - begun < GRACE  # who is only in line hears it at once
        assert rest(session)[1] == 1001
        refused(first)
    assert ended(server, begun) < LATEST
