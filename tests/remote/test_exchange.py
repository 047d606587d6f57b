"""One exchange with a server that says what no server should."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx2
import pytest

from echocli.config import chosen_of
from echocli.environment import Environment
from echocli.errors import TranscriptionError
from echocli.remote.address import Address
from echocli.remote.exchange import LONGEST_BODY, LONGEST_EVENT, health
from echocli.remote.files import RemoteTranscriber
from tests.remote.test_files import WHOLE, Answers, serving, stream

pytestmark = [pytest.mark.unit, pytest.mark.network]

DEEP = "[" * 100_000

MEGABYTE = 2**20


@pytest.fixture
def sound(tmp_path: Path) -> str:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"RIFF of some kind")
    return str(path)


class Endless:
    """Begin an answer, and never end it; ``written`` is how much of it was taken."""

    def __init__(self, status: int, kind: str, begin: bytes = b"") -> None:
        self._status, self._kind, self._begin = status, kind, begin
        self.written = 0

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(self._status)
        request.send_header("Content-Type", self._kind)
        request.end_headers()
        request.wfile.write(self._begin)
        with suppress(OSError):
            while self.written < 20 * LONGEST_EVENT:
                self.written += request.wfile.write(bytes(MEGABYTE))


def events_of(answer: Callable[[BaseHTTPRequestHandler], None], sound: str) -> list[Any]:
    """Send a file, and the same again: what was wrong with one says nothing of the next."""
    answers = Answers([answer, stream(*WHOLE)])
    with serving(answers) as url:
        chosen = chosen_of({"remote": url, "retries": 1})
        with RemoteTranscriber(chosen, wait=lambda _: None) as transcriber:
            with pytest.raises(TranscriptionError) as caught:
                list(transcriber.open(sound).events())
            events = list(transcriber.open(sound).events())
    assert len(answers.bodies) == 2
    return [str(caught.value), *events]


def test_a_refusal_without_end_is_not_read_to_it(sound: str) -> None:
    endless = Endless(400, "text/plain")
    said = events_of(endless, sound)[0]
    assert "HTTP 400 Bad Request, with an answer of more than 1 MB" in said
    assert endless.written < LONGEST_BODY + 16 * MEGABYTE  # buffers of the system hold some


@pytest.mark.parametrize("begin", [b"data: ", b": "])
def test_an_event_without_end_is_not_read_to_it(sound: str, begin: bytes) -> None:
    endless = Endless(200, "text/event-stream", begin)
    said = events_of(endless, sound)[0]
    assert "its answer is not understood: an event has more than 16 MB" in said
    assert endless.written < LONGEST_EVENT + 16 * MEGABYTE


def told(data: str, kind: str = "text/event-stream") -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.end_headers()
        request.wfile.write(f"data: {data}\n\ndata: [DONE]\n\n".encode())

    return answer


@pytest.mark.parametrize(
    "data",
    [DEEP, "{", "[]", '{"type": "x", "value": NaN}', '{"type": "x", "value": 1e999}', '"\\ud800"'],
)
def test_what_is_no_object_of_json_is_an_error_of_that_file(sound: str, data: str) -> None:
    assert "its answer is not understood" in events_of(told(data), sound)[0]


def test_an_error_that_is_nested_without_end_is_an_error_of_that_file(sound: str) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(400)
        request.end_headers()
        request.wfile.write(DEEP.encode())

    assert "HTTP 400 Bad Request" in events_of(answer, sound)[0]


def test_a_stream_is_utf_8_whatever_its_header_says(sound: str) -> None:
    text = '{"error": {"message": "größer"}}'
    answers = Answers([told(text, "text/event-stream; charset=hex")])
    with serving(answers) as url:
        chosen = chosen_of({"remote": url, "retries": 0})
        with (
            RemoteTranscriber(chosen) as transcriber,
            pytest.raises(TranscriptionError, match="größer"),
        ):
            list(transcriber.open(sound).events())


def test_types_that_are_not_known_are_passed_over(sound: str) -> None:
    answers = Answers([stream({"type": "new"}, {"other": 1}, *WHOLE)])
    with (
        serving(answers) as url,
        RemoteTranscriber(chosen_of({"remote": url})) as transcriber,
    ):
        events = list(transcriber.open(sound).events())
    assert [event.type for event in events].count("final") == 2


def test_who_does_not_say_who_serves_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, httpx2.Client() as client:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        address = Address.chosen(chosen_of({"remote": url}), Environment(), None)
        assert health(client, address, patience=0.05) == {}


def test_who_says_without_end_who_serves_is_not_listened_to() -> None:
    def say(request: httpx2.Request) -> httpx2.Response:
        del request
        return httpx2.Response(200, content=(bytes(MEGABYTE) for _ in iter(int, 1)))

    address = Address.chosen(chosen_of({"remote": "127.0.0.1:9"}), Environment(), None)
    with httpx2.Client(transport=httpx2.MockTransport(say)) as client:
        assert health(client, address) == {}
