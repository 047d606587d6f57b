"""The real server over HTTP: what it says of itself, whom it lets in, and what it writes down."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
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
from tests.cli.conftest import Script, script
from tests.server.asking import TOKEN, code, metrics, transcribed
from tests.server.conftest import StartServer
from tests.server.process import Answer, ServerProcess, multipart
from tests.server.test_http_settings import make_certificate
from tests.tools.strictly import check
from tests.waiting import eventually

pytestmark = pytest.mark.network

__all__ = ["script"]

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
    "path",
    ["/", "/docs", "/openapi.json", "/redoc", "/../../etc/passwd", "//", "/v1/audio/translations/"],
)
def test_there_is_nothing_else(server: ServerProcess, path: str) -> None:
    answer = server.ask("POST" if path.startswith("/v1") else "GET", path, token=TOKEN)
    assert (answer.status, code(answer)) == (404, "not_found")


def test_a_prompt_that_is_too_long_is_told_by_the_name_of_its_field(
    server: ServerProcess, samples: Path
) -> None:
    answer = transcribed(server, samples, prompt="word " * 401)
    assert answer.status == 400
    assert answer.json["error"]["param"] == "prompt"
    assert answer.json["error"]["message"] == "prompt is longer than 2000 characters"


def test_a_file_that_ends_early_is_told_beside_its_text(
    server: ServerProcess, samples: Path
) -> None:
    data = (samples / "meeting.flac").read_bytes()[:30_000]
    (notice,) = cut(server, data).json["notices"]
    assert notice["code"] == "input"
    assert notice["message"].startswith("a.wav: ends early: 3.3 s of 21.1 s could be read")
    assert cut(server, data, response_format="verbose_json").json["notices"] == [notice]
    header = cut(server, data, response_format="text").headers["x-echocli-notices"]
    assert header == notice["message"]
    *_, done, _end = cut(server, data, stream="true").body.decode().split("\n\n")[:-1]
    assert json.loads(done.removeprefix("data: "))["notices"] == [notice]


def cut(server: ServerProcess, sound: bytes, **fields: str) -> Answer:
    body, headers = multipart(sound, fields)
    answer = server.ask("POST", "/v1/audio/transcriptions", body, headers=headers, token=TOKEN)
    assert answer.status == 200
    return answer


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


def test_behind_a_proxy_that_is_known_each_client_has_its_own_address(
    start_server: StartServer, script: Script
) -> None:
    server = _behind_a_proxy(start_server, script, "127.0.0.0/8")

    def ask(said: str) -> int:
        return server.get("/v1/models", token=TOKEN, headers={"X-Forwarded-For": said}).status

    # What a client says itself stands before what the proxy adds.
    assert [ask("203.0.113.7"), ask("8.8.8.8, 203.0.113.7"), ask("203.0.113.7")] == [200, 200, 429]
    assert ask("203.0.113.8") == 200


def test_a_proxy_that_is_not_named_is_one_client(start_server: StartServer, script: Script) -> None:
    server = _behind_a_proxy(start_server, script, "10.0.0.0/8")
    said = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(3)]
    answers = [server.get("/v1/models", token=TOKEN, headers=one) for one in said]
    assert [one.status for one in answers] == [200, 200, 429]


def _behind_a_proxy(start_server: StartServer, script: Script, proxies: str) -> ServerProcess:
    """Start a server that lets each address ask twice a minute."""
    options = ("--forwarded-allow-ips", proxies, "--rate-limit", 2)
    return start_server(*script(), *options, env={"ECHOCLI_TOKEN": TOKEN})


def test_the_log_says_who_was_refused_what_and_which_session_was_whose(
    start_server: StartServer, script: Script, tmp_path: Path
) -> None:
    log, token = tmp_path / "log", {"Authorization": f"Bearer {TOKEN}"}
    server = start_server(*script(), "--log-file", log, env={"ECHOCLI_TOKEN": TOKEN})
    server.wait_ready()
    server.get("/v1/models", headers={"X-Forwarded-For": "203.0.113.7"})  # who says so itself
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
