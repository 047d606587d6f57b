"""Files that a server transcribes: against a small HTTP server that answers what it is told to."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echocli.config import FLAG, chosen_of
from echocli.config.settings import Setting
from echocli.errors import EchoError, InputError, ProviderError, TranscriptionError, UsageError
from echocli.events import End, Event, Final, Notice, Ready
from echocli.remote.answer import language_of, problem_in, segment_of
from echocli.remote.files import RemoteTranscriber
from echocli.remote.telling import WRONG_PLACE

pytestmark = [pytest.mark.unit, pytest.mark.network]

SOUND = b"RIFF of some kind" * 1000


def delta(number: int, **more: Any) -> dict[str, Any]:
    segment = {"id": number, "start": number, "end": number + 0.5, "text": f"word{number}"}
    return {"type": "transcript.text.delta", "delta": "", "segment": {**segment, **more}}


DONE = {"type": "transcript.text.done", "text": "", "language": "english", "duration": 9.0}
WHOLE = [delta(0), delta(1), DONE]


@dataclass
class Answers:
    """What to answer in turn; the last one for good."""

    each: list[Callable[[BaseHTTPRequestHandler], None]]
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    health: list[bytes] = field(default_factory=lambda: [b'{"provider": "fake", "model": "base"}'])
    """What to say of itself in turn; the last one for good."""
    asked: list[int] = field(default_factory=list)
    """How many files had come when it was asked for that."""


def stream(*messages: dict[str, Any], breaks: bool = False) -> Callable[..., None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.end_headers()
        request.wfile.write(b": still there\n\n")
        for message in messages:
            request.wfile.write(f"data: {json.dumps(message)}\n\n".encode())
        if not breaks:
            request.wfile.write(b"data: [DONE]\n\n")

    return answer


def refuse(status: int, code: str = "", kind: str = "", **headers: str) -> Callable[..., None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"error": {"message": "said so", "code": code, "type": kind}}).encode()
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


@contextmanager
def serving(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            answers.bodies.append(self.rfile.read(size))
            answers.headers.append(dict(self.headers))
            answer = answers.each[min(len(answers.bodies), len(answers.each)) - 1]
            answer(self)

        def do_GET(self) -> None:
            answers.asked.append(len(answers.bodies))
            body = answers.health[min(len(answers.asked), len(answers.health)) - 1]
            self.send_response(503)  # not ready, and still it says who serves
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def sound(tmp_path: Path) -> str:
    path = tmp_path / "talk.wav"
    path.write_bytes(SOUND)
    return str(path)


@dataclass
class Heard:
    events: list[Event]
    waits: list[float]
    transcriber: RemoteTranscriber


def heard(url: str, sound: str, token: str | None = None, **settings: Any) -> Heard:
    waits: list[float] = []
    chosen = chosen_of({"remote": url, **settings})
    with RemoteTranscriber(chosen, token=token, wait=waits.append) as transcriber:
        found = Heard(list(transcriber.open(sound).events()), waits, transcriber)
        assert transcriber.spec.model == "base"
    return found


def texts(found: Heard) -> list[str]:
    return [one.segment.text for one in found.events if isinstance(one, Final)]


def test_a_file_goes_out_whole_and_comes_back_as_events(sound: str) -> None:
    answers = Answers([stream(*WHOLE)])
    with serving(answers) as url:
        found = heard(url, sound, "hush", language="de", initial_prompt="Minutes", hotwords="Echo")
    assert texts(found) == ["word0", "word1"]
    assert found.events[-1] == End(9.0, "en")
    (body,), (headers,) = answers.bodies, answers.headers
    assert SOUND in body
    assert b'filename="talk.wav"' in body
    assert headers["Authorization"] == "Bearer hush"
    for name, value in {"language": "de", "prompt": "Minutes", "hotwords": "Echo"}.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in body


def test_what_the_server_says_of_the_file_is_told_by_the_name_it_has_here(sound: str) -> None:
    said = [
        {"code": "input", "message": "talk.wav: ends early"},
        {"code": "no_text", "message": "nothing came of it"},
    ]
    with serving(Answers([stream(delta(0), DONE | {"notices": said})])) as url:
        found = heard(url, sound)
    assert [one for one in found.events if isinstance(one, Notice)] == [
        Notice("input", f"{sound}: ends early"),
        Notice("no_text", "nothing came of it"),
    ]
    assert isinstance(found.events[-1], End)


def test_an_answer_that_breaks_off_is_asked_for_again_and_nothing_comes_twice(sound: str) -> None:
    answers = Answers([stream(delta(0), breaks=True), stream(*WHOLE)])
    with serving(answers) as url:
        found = heard(url, sound)
    assert texts(found) == ["word0", "word1"]
    assert len(answers.bodies) == 2
    assert SOUND in answers.bodies[1]


@pytest.mark.parametrize("kind", ["", "invalid_request_error"])
@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_passes_is_tried_again_after_what_the_server_asks_for(
    sound: str, status: int, kind: str
) -> None:
    answers = Answers([refuse(status, "too_slow", kind, Retry_After="40"), stream(*WHOLE)])
    with serving(answers) as url:
        found = heard(url, sound)
    assert texts(found) == ["word0", "word1"]
    assert [round(wait) for wait in found.waits] == [40]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refuse(401), TranscriptionError),
        (refuse(403), TranscriptionError),
        (refuse(404, "model_not_found", "invalid_request_error"), UsageError),
        (refuse(400, "invalid_audio", "invalid_request_error"), InputError),
        (refuse(413, "file_too_large", "invalid_request_error"), InputError),
        (stream({"error": {"code": "invalid_audio", "type": "invalid_request_error"}}), InputError),
        (stream({"type": "transcript.text.delta", "segment": {"id": "x"}}), TranscriptionError),
    ],
)
def test_what_would_be_refused_again_is_not_sent_again(
    sound: str, answer: Callable[..., None], kind: type[EchoError]
) -> None:
    answers = Answers([answer])
    with serving(answers) as url, pytest.raises(kind, match=r"talk\.wav: 127\.0\.0\.1"):
        heard(url, sound)
    assert len(answers.bodies) == 1


def test_who_serves_is_asked_when_there_is_an_answer(sound: str) -> None:
    answers = Answers([refuse(503), refuse(503), stream(*WHOLE)])
    with serving(answers) as url:
        found = heard(url, sound)
    assert answers.asked == [3]
    assert found.events[0] == Ready(sound, "fake", "base")


@pytest.mark.parametrize("said", [b"", b"[]", b"[" * 100_000, b'{"provider": 1, "model": []}'])
def test_who_serves_is_asked_again_where_it_was_not_said(sound: str, said: bytes) -> None:
    answers = Answers([stream(*WHOLE)])
    answers.health.insert(0, said)
    with serving(answers) as url:
        found = heard(url, sound)  # which asks too
    assert answers.asked == [1, 1]
    assert found.events[0] == Ready(sound, "remote", "unknown")


def cut(number: int, start: float, end: float, **more: Any) -> dict[str, Any]:
    return delta(number, start=start, end=end, **more)


def heard_again(sound: str, first: list[dict[str, Any]], then: list[dict[str, Any]]) -> list[str]:
    """Return the texts where the answer ``first`` breaks off and ``then`` comes whole."""
    with serving(Answers([stream(*first, breaks=True), stream(*then, DONE)])) as url:
        return texts(heard(url, sound))


def test_a_file_that_is_cut_otherwise_when_sent_again_repeats_nothing(sound: str) -> None:
    first = [cut(0, 0.0, 5.0), cut(1, 5.0, 9.0)]
    again = [cut(2, 0.0, 3.0), cut(3, 3.0, 9.1), cut(4, 8.9, 9.4), cut(5, 9.4, 12.0)]
    assert heard_again(sound, first, again) == ["word0", "word1", "word4", "word5"]


def test_a_segment_on_both_sides_of_the_told_text_gives_the_words_behind_it(sound: str) -> None:
    words = [
        {"word": "old", "start": 7.0, "end": 8.5},
        {"word": "new", "start": 9.0, "end": 10.0},
        {"word": "too", "start": 10.0, "end": 11.0},
    ]
    again = cut(1, 7.0, 11.0, words=words)
    assert heard_again(sound, [cut(0, 0.0, 9.0)], [again]) == ["word0", " new too"]


def test_without_words_such_a_segment_comes_whole(sound: str) -> None:
    assert heard_again(sound, [cut(0, 0.0, 9.0)], [cut(1, 7.0, 11.0)]) == ["word0", "word1"]


def test_segments_of_one_answer_are_all_told_however_they_lie(sound: str) -> None:
    with serving(Answers([stream(cut(0, 0.0, 5.0), cut(1, 4.9, 5.0), DONE)])) as url:
        assert texts(heard(url, sound)) == ["word0", "word1"]


def page(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.end_headers()
    request.wfile.write(b"<p>hello")


@pytest.mark.parametrize("answer", [page, refuse(302, Location="http://127.0.0.1:9/")])
def test_another_server_is_not_asked_again(sound: str, answer: Callable[..., None]) -> None:
    answers = Answers([answer])
    with (
        serving(answers) as url,
        pytest.raises(TranscriptionError, match="another server answers there") as caught,
    ):
        heard(url, sound)
    assert len(answers.bodies) == 1
    assert caught.value.hint == WRONG_PLACE


def test_whoever_wants_us_back_tomorrow_is_not_waited_for(sound: str) -> None:
    answers = Answers([refuse(503, Retry_After="86400")])
    with (
        serving(answers) as url,
        pytest.raises(TranscriptionError, match="said so; come back in 24 hours"),
    ):
        heard(url, sound)
    assert len(answers.bodies) == 1


def test_after_the_last_try_no_other_file_is_tried(sound: str) -> None:
    answers = Answers([refuse(503)])
    with serving(answers) as url:
        waits: list[float] = []
        chosen = chosen_of({"remote": url, "retries": 2})
        with RemoteTranscriber(chosen, wait=waits.append) as transcriber:
            for _ in range(2):
                with pytest.raises(TranscriptionError, match="said so, 3 tries"):
                    list(transcriber.open(sound).events())
    assert len(answers.bodies) == 3
    assert len(waits) == 2


def test_what_the_library_needs_itself_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "httpcore2", None)
    with pytest.raises(ProviderError, match="--remote needs httpcore2"):
        RemoteTranscriber(chosen_of({"remote": "127.0.0.1:9"})).start()


def test_what_ended_one_file_is_said_of_the_next_by_its_own_name(sound: str) -> None:
    answers = Answers([refuse(503)])
    with serving(answers) as url, RemoteTranscriber(chosen_of({"remote": url, "retries": 0})) as it:
        with pytest.raises(TranscriptionError, match=r"talk\.wav: "):
            list(it.open(sound).events())
        with pytest.raises(TranscriptionError, match=r"^other\.wav: 127\.0\.0\.1"):
            list(it.open("other.wav").events())


def test_a_file_that_is_not_there_is_not_sent(tmp_path: Path) -> None:
    answers = Answers([stream(*WHOLE)])
    with serving(answers) as url, pytest.raises(InputError, match="No such file"):
        heard(url, str(tmp_path / "none.wav"))
    assert answers.bodies == []


@pytest.mark.parametrize("name", ["model", "jobs", "channel", "vad", "beam_size", "best_of"])
def test_options_that_the_server_does_not_hear_of_are_refused(name: str) -> None:
    chosen = chosen_of({"remote": "host"})
    chosen._settings[name] = Setting(1, FLAG)
    with pytest.raises(UsageError, match=name.replace("_", "-")):
        RemoteTranscriber(chosen)


def test_words_come_with_their_times() -> None:
    word = {"word": "hello", "start": 0.0, "end": 0.4}
    segment = segment_of(delta(0, words=[word])["segment"])
    assert segment.words is not None
    assert (segment.words[0].text, segment.words[0].end) == (" hello", 0.4)


@given(
    st.text() | st.sampled_from(["[]", "{}", '{"error": 1}', '{"error": {}}', "null", "[" * 10**5])
)
def test_any_body_with_a_status_is_a_problem(body: str) -> None:
    problem = problem_in(body, 500, "Oops")
    assert (problem.status, "Oops" in problem.message) == (500, True)


def test_of_a_message_without_end_the_beginning_is_shown() -> None:
    body = json.dumps({"error": {"message": "no " * 10_000, "code": "x"}})
    assert len(problem_in(body, 500).message) == 1000


@pytest.mark.parametrize(
    ("name", "code"), [("english", "en"), ("German", "de"), ("klingon", None), (None, None)]
)
def test_languages_come_by_name(name: str | None, code: str | None) -> None:
    assert language_of(name) == code
