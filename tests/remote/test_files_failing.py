"""What one file fails of and the next does not, and what no file is spared."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from echocli.config import chosen_of
from echocli.errors import EchoError, InputError, TranscriptionError
from echocli.remote.files import RemoteTranscriber
from echocli.remote.telling import NOT_THERE, OTHER
from tests.remote.test_files import WHOLE, Answers, delta, refuse, serving, sound, stream

pytestmark = [pytest.mark.unit, pytest.mark.network]

__all__ = ["sound"]

Answer = Callable[[BaseHTTPRequestHandler], None]

CERTIFICATE = Path(__file__).parents[1] / "server" / "tls" / "certificate.pem"

INCOMPLETE = {"error": {"message": "no text", "code": "transcript_incomplete"}}


def too_large(request: BaseHTTPRequestHandler) -> None:
    """Answer as a proxy does that knows nothing of errors in JSON."""
    body = b"<h1>413 Request Entity Too Large</h1>"
    request.send_response(413)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def asking(url: str, retries: int = 0) -> Iterator[RemoteTranscriber]:
    chosen = chosen_of({"remote": url, "retries": retries})
    with RemoteTranscriber(chosen, wait=lambda _: None) as transcriber:
        yield transcriber


def count(transcriber: RemoteTranscriber, sound: str) -> int:
    return len(list(transcriber.open(sound).events()))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (stream(delta(0), INCOMPLETE), TranscriptionError),
        (refuse(500, "transcript_incomplete"), TranscriptionError),
        (too_large, InputError),
        (refuse(415), InputError),
    ],
)
def test_a_file_that_cannot_be_done_is_sent_once_and_the_next_one_is_done(
    sound: str, answer: Answer, kind: type[EchoError]
) -> None:
    answers = Answers([answer, stream(*WHOLE)])
    with serving(answers) as url, asking(url, retries=5) as transcriber:
        with pytest.raises(kind) as caught:
            count(transcriber, sound)
        assert caught.value.hint is None
        assert count(transcriber, sound)
    assert len(answers.bodies) == 2


@pytest.mark.parametrize(
    "answer", [stream(delta(0), breaks=True), refuse(503, "transcription_failed"), refuse(507)]
)
def test_after_the_last_try_with_one_file_a_server_that_is_there_gets_the_next(
    sound: str, answer: Answer
) -> None:
    answers = Answers([answer, answer, stream(*WHOLE)])
    with serving(answers) as url, asking(url, retries=1) as transcriber:
        with pytest.raises(TranscriptionError, match="2 tries"):
            count(transcriber, sound)
        assert count(transcriber, sound)


@pytest.mark.parametrize("status", [401, 403, 404, 302, 502, 504])
def test_a_server_that_takes_nobody_is_not_sent_the_next_file(sound: str, status: int) -> None:
    answers = Answers([refuse(status), stream(*WHOLE)])
    with serving(answers) as url, asking(url) as transcriber:
        for _ in range(2):
            with pytest.raises(TranscriptionError):
                count(transcriber, sound)
    assert len(answers.bodies) == 1


def test_where_nobody_is_the_next_file_is_not_tried(sound: str) -> None:
    with asking("http://127.0.0.1:9") as transcriber:
        for name in (sound, "not-even-opened.wav"):
            with pytest.raises(TranscriptionError, match="refused") as caught:
                count(transcriber, name)
            assert caught.value.hint == NOT_THERE


def test_a_file_that_becomes_shorter_between_two_tries_fails_alone(sound: str) -> None:
    def busy(request: BaseHTTPRequestHandler) -> None:
        os.truncate(sound, 10)
        refuse(503)(request)

    with serving(Answers([busy, stream(*WHOLE)])) as url, asking(url, retries=1) as transcriber:
        with pytest.raises(InputError, match="became shorter"):
            count(transcriber, sound)
        assert count(transcriber, sound)


def test_https_where_nothing_is_encrypted_is_said_at_once_with_the_other_address(
    sound: str,
) -> None:
    answers = Answers([stream(*WHOLE)])
    with serving(answers) as url:
        secure = url.replace("http:", "https:")
        with (
            asking(secure, retries=3) as transcriber,
            pytest.raises(TranscriptionError, match=f"{OTHER}: it speaks no TLS") as caught,
        ):
            count(transcriber, sound)
    assert caught.value.hint is not None
    assert url.replace("http:", "ws:") in caught.value.hint


def test_a_server_that_speaks_tls_only_is_said_at_once_with_the_other_address(sound: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("key.pem"))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake_hands() -> None:
            for _ in range(2):  # with who sends, and who tries TLS
                taken, _ = server.accept()
                with taken, suppress(OSError):
                    context.wrap_socket(taken, server_side=True).close()

        thread = threading.Thread(target=shake_hands)
        thread.start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        with (
            asking(f"http://{host}", retries=3) as transcriber,
            pytest.raises(TranscriptionError, match=f"{OTHER}: it speaks TLS only") as caught,
        ):
            count(transcriber, sound)
        thread.join()
    assert caught.value.hint is not None
    assert f"wss://{host}" in caught.value.hint
