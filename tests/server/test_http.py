"""The real server over HTTP: what it says of itself, whom it lets in, how it begins and ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import echocli.server
from echocli.wire.codes import MAX_FRAME, PATH
from echocli.wire.frames import HEADER
from echocli.wire.messages import Format, SourceStart, Start, to_text
from tests.cli.conftest import Script, eventually, script
from tests.server.conftest import StartServer
from tests.server.process import Answer, ServerProcess
from tests.server.test_http_settings import make_certificate
from tests.tools.strictly import check

pytestmark = pytest.mark.network

__all__ = ["script"]

TOKEN = "s3cret-of-the-test"
PAGE = "https://app.example.org"
START = to_text(Start(16_000, Format.PCM_S16LE, 1, (SourceStart("mic"),)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("http")
    (home / "script.json").write_text('{"texts": ["Hello there."]}')
    process = ServerProcess(
        home,
        *("-p", "scripted", "-m", home / "script.json", "--query-token", "--allow-origin", PAGE),
        env={"ECHOCLI_TOKEN": TOKEN},
    )
    process.start()
    process.wait_ready()
    yield process
    process.close()


def form(samples: Path, **fields: str) -> tuple[bytes, dict[str, str]]:
    """Return a form with a file, and its header."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="m.flac"\r\n\r\n'
    body = b"".join(parts) + head + (samples / "meeting.flac").read_bytes() + b"\r\n--x--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=x"}


def transcribed(server: ServerProcess, samples: Path, **fields: str) -> Answer:
    body, headers = form(samples, **fields)
    return server.ask("POST", "/v1/audio/transcriptions", body, headers=headers, token=TOKEN)


def code(answer: Answer) -> str:
    found: str = answer.json["error"]["code"]
    return found


def metrics(server: ServerProcess) -> dict[str, float]:
    """Return every sample of a scrape without labels, added up."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(server.get("/metrics", token=TOKEN).body.decode()):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_health_needs_no_token_and_says_what_serves(server: ServerProcess) -> None:
    answer = server.get("/health")
    check("health", answer.json)
    assert answer.status == 200
    assert (answer.json["status"], answer.json["service"]) == ("ok", "echocli")
    assert answer.json["provider"] == "scripted"
    assert answer.json["model_ready"] is True
    assert answer.json["load_time_ms"] > 0


def test_the_record_of_every_provider_is_told(server: ServerProcess) -> None:
    def told() -> list[str]:
        answer = server.get("/model-status", token=TOKEN)
        check("model-status", answer.json)
        return [one["provider"] for one in answer.json["providers"]]

    eventually(lambda: told() == ["scripted"])  # the record is looked after four times a second


def test_the_machine_is_told_as_detect_does(server: ServerProcess) -> None:
    answer = server.get("/capabilities", token=TOKEN)
    assert answer.status == 200
    check("detect", answer.json)


@pytest.mark.parametrize("path", ["/metrics", "/model-status", "/capabilities", "/v1/models"])
def test_everything_else_needs_the_token(server: ServerProcess, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, code(answer)) == (401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert server.get(path, token="wrong").status == 401
    assert server.get(f"{path}?token={TOKEN}").status == 401  # that is for WebSockets alone
    assert server.get(path, token=TOKEN).status == 200


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/redoc", "/../../etc/passwd", "//"]
)
def test_there_is_nothing_else(server: ServerProcess, path: str) -> None:
    assert server.get(path, token=TOKEN).status == 404


def test_another_method_is_told_which_there_are(server: ServerProcess) -> None:
    answer = server.ask("DELETE", "/v1/models", token=TOKEN)
    assert (answer.status, code(answer)) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/health", "/nothing", "/metrics"])
def test_every_answer_has_the_headers_that_browsers_expect(
    server: ServerProcess, path: str
) -> None:
    headers = server.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


def test_an_allowed_page_may_ask_and_read(server: ServerProcess) -> None:
    asks = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, x-stainless-os",
    }
    preflight = server.ask("OPTIONS", "/v1/audio/transcriptions", headers=asks)
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    answer = server.get("/v1/models", token=TOKEN, headers={"Origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert server.get("/v1/models", headers={"Origin": PAGE}).status == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_page_may_not(server: ServerProcess, origin: str) -> None:
    answer = server.get("/v1/models", token=TOKEN, headers={"Origin": origin})
    assert (answer.status, code(answer)) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


def test_a_name_that_was_pointed_here_is_refused(server: ServerProcess) -> None:
    answer = server.get("/health", headers={"Host": "evil.example"})
    assert (answer.status, code(answer)) == (421, "unknown_host")
    assert server.get("/health", headers={"Host": "app.example.org"}).status == 200


def test_a_live_handshake_needs_the_token(server: ServerProcess) -> None:
    address = f"ws://127.0.0.1:{server.port}/v1/live"
    with pytest.raises(InvalidStatus) as caught, connect(address):
        pass
    assert caught.value.response.status_code == 401
    evil = {"Origin": "https://evil.example"}
    with pytest.raises(InvalidStatus) as caught, connect(address, additional_headers=evil):
        pass
    assert caught.value.response.status_code == 403
    with connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}):
        pass
    with connect(f"{address}?token={TOKEN}"):
        pass


def test_a_live_path_that_there_is_not_is_no_question_of_the_token(server: ServerProcess) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    address = f"ws://127.0.0.1:{server.port}/v1/life"
    with pytest.raises(InvalidStatus) as caught, connect(address, additional_headers=headers):
        pass
    answer = caught.value.response
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (404, "nosniff")
    assert json.loads(answer.body)["error"]["code"] == "not_found"


def test_a_frame_that_is_too_large_is_told_before_the_close(server: ServerProcess) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    address = f"ws://127.0.0.1:{server.port}{PATH}"
    with connect(address, additional_headers=headers) as talk:
        talk.send(START)
        talk.send(bytes(HEADER + MAX_FRAME + 1))
        said = [json.loads(text) for text in _until_closed(talk)]
    assert (said[-1]["type"], said[-1]["code"]) == ("error", "too_large")
    assert talk.close_code == 1009


def _until_closed(talk: ClientConnection) -> Iterator[str | bytes]:
    with suppress(ConnectionClosed):
        while True:
            yield talk.recv(10)


def test_a_health_check_of_http_1_0_is_answered(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"


def test_the_log_says_who_was_refused_what_and_which_session_was_whose(
    start_server: StartServer, script: Script, tmp_path: Path
) -> None:
    log, token = tmp_path / "log", {"Authorization": f"Bearer {TOKEN}"}
    server = start_server(*script(), "--log-file", log, env={"ECHOCLI_TOKEN": TOKEN})
    server.wait_ready()
    server.get("/v1/models")
    server.get("/metrics", token=TOKEN)
    address = f"ws://127.0.0.1:{server.port}{PATH}"
    with suppress(InvalidStatus), connect(address):
        pass
    with connect(address, additional_headers=token) as talk:
        talk.send(START)
        name = json.loads(talk.recv(10))["session"]
    assert server.terminate() == 0
    lines = log.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "WARNING" in line or "poll_complete" in line]
    ends = [line for line in lines if "request_complete" in line and "/health" not in line]
    refused = "failure=invalid_api_key client=127.0.0.1"
    assert len(ends) == 3
    assert "route=/v1/models" in ends[0]
    assert "route=/v1/live" in ends[1]
    assert all(f"status=401 {_rest(line)}".endswith(refused) for line in ends[:2])
    assert f"session={name} client=127.0.0.1" in ends[2]
    assert any(f"session_start session={name} " in line for line in lines)
    assert TOKEN not in log.read_text(encoding="utf-8")


def _rest(line: str) -> str:
    """Return what a line of the log says behind its status."""
    return line.partition(" status=401 ")[2]


def test_the_older_contract_is_accepted_and_closed_instead(server: ServerProcess) -> None:
    address = f"ws://127.0.0.1:{server.port}/ws/live-listener"
    with connect(address) as talk, pytest.raises(ConnectionClosed) as caught:
        talk.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008


def test_a_scrape_is_what_prometheus_reads_and_tells_what_happened(
    server: ServerProcess, samples: Path
) -> None:
    before = metrics(server)
    assert transcribed(server, samples).status == 200
    assert transcribed(server, samples, response_format="docx").status == 400
    after = metrics(server)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    assert grown["echocli_uploads_total"] == 1
    assert grown["echocli_uploads_refused_total"] == 1
    assert grown["echocli_audio_seconds_total"] == pytest.approx(21.1, abs=0.1)
    assert grown["echocli_queue_wait_seconds_count"] >= 1
    assert after["echocli_model_ready"] == 1
    assert after["echocli_worker_memory_bytes"] > 0


def test_every_metric_says_what_it_is(server: ServerProcess) -> None:
    text = server.get("/metrics", token=TOKEN).body.decode()
    for family in text_string_to_metric_families(text):
        assert family.documentation.endswith(".") or not family.name.startswith("echocli")


def test_the_rules_speak_of_metrics_that_there_are(server: ServerProcess) -> None:
    yaml = pytest.importorskip("yaml")
    path = Path(echocli.server.__file__).with_name("prometheus-rules.yml")
    rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    text = server.get("/metrics", token=TOKEN).body.decode()
    named = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    known = named | {f"{one}_bucket" for one in named}
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    for rule in alerts:
        used = set(re.findall(r"\bechocli_\w+", rule["expr"]))
        assert used <= known, rule["alert"]
        assert rule["annotations"]["summary"]


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


def test_it_serves_over_tls(start_server: StartServer, script: Script, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    server = start_server(*script(), "--ssl-certfile", certificate, "--ssl-keyfile", key)
    assert "https://127.0.0.1:" in server.stderr
    trust = ssl.create_default_context(cafile=certificate)
    found: dict[str, Any] = {}

    def ask() -> None:
        address = f"https://localhost:{server.port}/v1/models"
        with urllib.request.urlopen(address, context=trust, timeout=20) as answer:
            found["status"] = answer.status

    with socket.create_connection(("127.0.0.1", server.port)):  # who never shakes hands
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join()
    assert found == {"status": 200}
