"""Requests that wait for the model or their turn, those that go away, and the end of the server."""

from __future__ import annotations

import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.conftest import Script, script
from tests.server.asking import code, form, metrics, transcribed
from tests.server.conftest import StartServer
from tests.server.process import ServerProcess
from tests.waiting import eventually

pytestmark = pytest.mark.network

__all__ = ["script"]


def test_requests_wait_for_the_model_and_health_tells_the_truth(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One.", load_ms=1500))
    eventually(lambda: (it := server.health()) is not None and it.json["status"] == "starting")
    first = server.get("/health")
    assert first.status == 503
    assert first.json["reason"]
    assert first.headers["retry-after"]
    assert transcribed(server, samples).status == 200
    assert server.get("/health").status == 200
    server.workers()[0].kill()
    server.wait_until(10, 503)
    server.wait_until(20, 200)


def test_a_model_that_cannot_be_loaded_is_told_to_come_back_later(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One.", load_error="the weights are torn"), "--fallback", "none")
    answer = transcribed(server, samples)
    assert (answer.status, code(answer)) == (503, "model_not_ready")
    assert int(answer.headers["retry-after"]) >= 1
    assert "the weights are torn" in answer.json["error"]["message"]
    health = server.get("/health")
    assert (health.status, health.json["status"]) == (503, "error")
    assert "the weights are torn" in health.json["reason"]


def test_so_many_requests_a_minute_of_one_address(
    start_server: StartServer, script: Script
) -> None:
    server = start_server(*script(), "--rate-limit", "3")
    answers = [server.get("/v1/models") for _ in range(4)]
    assert [one.status for one in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert server.health() is not None
    assert server.get("/health").status in (200, 503)


def _begin(server: ServerProcess, samples: Path, **fields: str) -> socket.socket:
    """Send a request, and do not wait for the answer."""
    body, headers = form(samples, **fields)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(
        [
            "POST /v1/audio/transcriptions HTTP/1.1",
            "Host: localhost",
            f"Content-Length: {len(body)}",
            *lines,
            "\r\n",
        ]
    )
    client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    client.sendall(head.encode() + body)
    return client


def _uploads(server: ServerProcess, folder: Path) -> list[Path]:
    return [path for it in folder.glob(f"echocli-serve-{server.pid}-*") for path in it.iterdir()]


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_client_that_goes_away_leaves_neither_work_nor_file(
    start_server: StartServer, script: Script, samples: Path, tmp_path: Path, stream: str
) -> None:
    env = {"TMPDIR": str(tmp_path)}
    server = start_server(*script("One.", delay_ms=2500), "--max-requests", "1", env=env)
    server.wait_ready()
    with _begin(server, samples, stream=stream):
        eventually(lambda: metrics(server)["echocli_requests"] == 1)
        assert len(_uploads(server, tmp_path)) == 1
    eventually(lambda: metrics(server)["echocli_requests"] == 0)
    eventually(lambda: not _uploads(server, tmp_path))


def test_more_requests_than_may_wait_are_told_to_come_back(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One.", delay_ms=1500), "--max-requests", "1")
    server.wait_ready()
    with _begin(server, samples) as first, _begin(server, samples) as second:
        eventually(lambda: metrics(server)["echocli_uploads_total"] == 2)
        answer = transcribed(server, samples)
        assert (answer.status, code(answer)) == (429, "too_many_requests")
        assert int(answer.headers["retry-after"]) >= 1
        for client in (first, second):
            assert client.recv(15) == b"HTTP/1.1 200 OK"


def test_the_end_finishes_what_was_begun(
    start_server: StartServer, script: Script, samples: Path, tmp_path: Path
) -> None:
    env = {"TMPDIR": str(tmp_path)}
    server = start_server(*script("One.", delay_ms=500), env=env)
    server.wait_ready()
    with _begin(server, samples) as client:
        eventually(lambda: metrics(server)["echocli_requests"] == 1)
        server.signal(signal.SIGTERM)
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        assert server.process.wait(20) == 0
    assert not list(tmp_path.glob("echocli-serve-*"))


def test_a_second_signal_ends_it_at_once(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One.", delay_ms=1500))
    server.wait_ready()
    with _begin(server, samples):
        eventually(lambda: metrics(server)["echocli_requests"] == 1)
        server.signal(signal.SIGINT)
        eventually(lambda: server.health() is None)  # nobody is let in any more

        def asked_again() -> bool:  # two at the same moment would be one of a shell
            server.signal(signal.SIGINT)
            return server.process.poll() is not None

        eventually(asked_again)
        assert server.process.returncode == 130


def test_those_who_never_say_what_they_want_cost_nothing(
    start_server: StartServer, script: Script
) -> None:
    server = start_server(*script())
    with ExitStack() as open_ones:
        clients = []
        for _ in range(300):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            open_ones.enter_context(client)
            client.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
            clients.append(client)
        assert server.get("/health").status in (200, 503)
        assert _is_closed(clients[0])  # the oldest make room
        clients[-1].sendall(b"no\r\nHost: localhost\r\n\r\n")
        assert clients[-1].recv(8) == b"HTTP/1.1"


def _is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_slow_uploads_do_not_keep_others_waiting(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One."), "--max-requests", "1")
    server.wait_ready()
    body, _ = form(samples)
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Length: {len(body)}\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with ExitStack() as open_ones:
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            open_ones.enter_context(client)
            client.sendall(head.encode() + body[:500])
        eventually(lambda: metrics(server)["echocli_http_requests_in_flight"] >= 20)
        assert transcribed(server, samples).status == 200


def test_a_reader_that_does_not_read_keeps_nobody_waiting(
    start_server: StartServer, script: Script, samples: Path
) -> None:
    server = start_server(*script("One."), "--max-requests", "1")
    server.wait_ready()
    with _begin(server, samples), _begin(server, samples):
        eventually(lambda: metrics(server)["echocli_audio_seconds_total"] > 42)
        assert transcribed(server, samples).status == 200
