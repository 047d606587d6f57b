"""A remote session through the Python API, against a real server that misbehaves on purpose."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from echocli import RemoteSession
from echocli.environment import Environment
from echocli.errors import TranscriptionError, UsageError
from echocli.events import End, Event, Final, Meter, Notice, Ready, StatsEvent
from echocli.remote import link, telling
from echocli.types import Samples
from echocli.wire.codes import Close, Code
from echocli.wire.messages import Refusal, Resume, Start
from tests.remote.fake import Fake, Hangup, running, second, speech

pytestmark = [pytest.mark.network, pytest.mark.unit]

SECONDS = 12


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def port(fake: Fake) -> Iterator[int]:
    with running(fake) as number:
        yield number


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let a server that was hung up on be gone soon, and what is kept lie where it is cleaned."""
    monkeypatch.setattr(link, "CLOSING", 0.2)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def to(port: int, sound: Any = None, **more: Any) -> RemoteSession:
    pieces = iter([speech(1, SECONDS)]) if sound is None else sound
    return RemoteSession.connect(f"ws://127.0.0.1:{port}", pieces, **more)


def numbers(events: list[Event]) -> list[int]:
    return [int(one.segment.text) for one in events if isinstance(one, Final)]


def codes(events: list[Event]) -> list[str]:
    return [one.code for one in events if isinstance(one, Notice)]


WHOLE = list(range(1, SECONDS + 1))


def test_everything_is_said_once_with_ready_meters_stats_and_end(port: int) -> None:
    with to(port) as session:
        events = list(session)
        assert session.position == SECONDS
        assert session.errors == []
        assert session.transcript.text.split() == [str(one) for one in WHOLE]
        assert (session.spec.provider, session.spec.model) == ("fake", "numbers")
    assert numbers(events) == WHOLE
    assert [one.source for one in events if isinstance(one, Ready)] == ["sound"]
    assert sum(isinstance(one, Meter) for one in events) >= SECONDS
    assert isinstance(events[-2], StatsEvent)
    assert isinstance(events[-1], End)


def test_the_token_and_the_wishes_go_to_the_server(fake: Fake, port: int) -> None:
    with to(port, token="hush", language="german", vad=False) as session:
        list(session)
    assert fake.handshakes[0].headers["Authorization"] == "Bearer hush"
    (start,) = fake.greetings
    assert isinstance(start, Start)
    assert start.options == {"language": "de", "vad": False}


@pytest.mark.parametrize("code", [None, 1001, 1011, 1013])
def test_a_connection_that_ends_is_resumed(fake: Fake, port: int, code: int | None) -> None:
    def mishap(connection: int, frames: int) -> None:
        if connection == 1 and frames == 7:
            raise Hangup(code)

    fake.mishap = mishap
    with to(port) as session:
        events = list(session)
    assert numbers(events) == WHOLE
    assert codes(events) == ["remote_lost", "remote_back"]
    assert [type(one) for one in fake.greetings] == [Start, Resume]


def test_a_server_that_was_restarted_gets_a_new_session_at_what_is_final(
    fake: Fake, port: int
) -> None:
    def mishap(connection: int, frames: int) -> None:
        if connection == 1 and frames == 7:
            fake.forget()
            raise Hangup(Close.INTERNAL)  # in order, so that what was said before is heard

    fake.mishap = mishap
    with to(port) as session:
        events = list(session)
    assert numbers(events) == WHOLE
    assert [type(one) for one in fake.greetings] == [Start, Resume, Start]
    again = fake.greetings[-1]
    assert isinstance(again, Start)
    assert again.sources[0].start > 0
    assert again.first_id > 0


def test_retry_after_of_a_refused_handshake_is_kept_to(fake: Fake, port: int) -> None:
    fake.refuse = lambda number: (429, {"Retry-After": "2"}) if number == 1 else None
    began = time.monotonic()
    with to(port) as session:
        events = list(session)
    assert time.monotonic() - began >= 2
    assert numbers(events) == WHOLE
    (lost,) = [one for one in events if isinstance(one, Notice) and one.code == "remote_lost"]
    assert "429" in lost.message


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_handshake_that_is_refused_for_good_ends_it_at_once(
    fake: Fake, port: int, status: int
) -> None:
    fake.refuse = lambda _: (status, {})
    with to(port, endless()) as session:
        list(session)
        (error,) = session.errors
    assert str(status) in str(error)
    assert len(fake.handshakes) == 1


def test_a_session_that_is_refused_for_good_says_why(fake: Fake, port: int) -> None:
    def mishap(connection: int, frames: int) -> None:
        refusal = Refusal(Code.UNAUTHORIZED, "the token is wrong", retryable=False)
        raise Hangup(Close.POLICY, refusal)

    fake.mishap = mishap
    with to(port, endless()) as session:
        list(session)
        (error,) = session.errors
    assert isinstance(error, TranscriptionError)
    assert "the token is wrong" in str(error)
    assert fake.connections == 1


@pytest.mark.parametrize("code", [Code.TOO_MANY_SESSIONS, Code.NOT_READY])
def test_of_a_server_that_has_no_room_the_hint_says_so_and_of_another_not(
    fake: Fake, port: int, code: Code
) -> None:
    def mishap(connection: int, frames: int) -> None:
        raise Hangup(Close.TRY_LATER, Refusal(code, "not now", retryable=True))

    fake.mishap = mishap
    hardly_anything = iter([speech(1, 1)[:8000]])  # more would be kept, for later
    with to(port, hardly_anything, retries=0) as session:
        list(session)
        (error,) = session.errors
    assert "not now" in str(error)
    assert error.hint == telling.BY_CODE[code]
    assert (error.hint == telling.FULL) is (code is Code.TOO_MANY_SESSIONS)


def test_a_server_that_accepts_and_drops_at_once_is_given_up_without_a_hot_loop(
    fake: Fake, port: int
) -> None:
    def mishap(connection: int, frames: int) -> None:
        raise Hangup(Close.GOING_AWAY)

    fake.mishap = mishap
    began = time.monotonic()
    with to(port, retries=2) as session:
        list(session)
        (error,) = session.errors
    assert fake.connections == 3
    assert time.monotonic() - began >= 2.4
    assert "3 tries" in str(error)


@pytest.mark.parametrize(
    ("status", "headers"), [(200, {}), (302, {"Location": "http://127.0.0.1:1/"}), (304, {})]
)
def test_another_server_at_the_address_is_said_and_not_asked_again(
    fake: Fake, port: int, status: int, headers: dict[str, str]
) -> None:
    fake.refuse = lambda _: (status, headers)
    with to(port) as session:
        list(session)
        (error,) = session.errors
    assert "another server answers there" in str(error)
    assert len(fake.handshakes) == 1


def test_a_server_that_wants_us_back_tomorrow_is_not_waited_for(fake: Fake, port: int) -> None:
    fake.refuse = lambda _: (503, {"Retry-After": "86400"})
    with to(port) as session:
        list(session)
        (error,) = session.errors
    assert "come back in 24 hours" in str(error)
    assert len(fake.handshakes) == 1


@pytest.mark.parametrize("code", [Close.GOING_AWAY, Close.IDLE])
def test_an_end_that_nobody_asked_for_ends_nothing(fake: Fake, port: int, code: Close) -> None:
    fake.ends_at = 7, code
    with to(port) as session:
        events = list(session)
        assert session.errors == []
    assert numbers(events) == WHOLE
    assert sum(isinstance(one, End) for one in events) == 1
    assert codes(events) == ["remote_lost", "remote_back"]


def endless() -> Iterator[Samples]:
    while True:
        yield second(7)


@pytest.fixture
def nobody() -> Iterator[socket.socket]:
    """Hold a port where nobody listens, and nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


@pytest.fixture
def no_port(nobody: socket.socket) -> int:
    found: int = nobody.getsockname()[1]
    return found


def test_a_server_that_comes_later_gets_everything(nobody: socket.socket, no_port: int) -> None:
    fake = Fake()
    events: list[Event] = []
    with to(no_port) as session:
        iterator = iter(session)
        for event in iterator:
            events.append(event)
            if isinstance(event, Notice):
                break
        nobody.close()
        with running(fake, no_port):
            events += iterator
    assert numbers(events) == WHOLE


class TestGivenUp:
    def test_what_has_no_text_is_left_as_a_file_that_can_be_sent_later(self, no_port: int) -> None:
        with to(no_port, retries=0) as session:
            events = list(session)
            (error,) = session.errors
        assert codes(events)[-1] == "connection_lost"
        assert isinstance(events[-1], End)
        assert f"{SECONDS}.0 s of sound" in str(error)
        assert error.hint is not None
        found = re.search(r"transcribe (\S+\.wav) --remote ws://", error.hint)
        assert found is not None
        sound, rate = soundfile.read(found[1], dtype="float32")
        assert rate == 16000
        assert np.array_equal(sound, speech(1, SECONDS))

    def test_only_what_is_not_final_is_left(self, fake: Fake, port: int, tmp_path: Path) -> None:

        def mishap(connection: int, frames: int) -> None:
            if connection > 1 or frames == 9:
                raise Hangup

        fake.mishap = mishap
        with to(port, retries=1) as session:
            events = list(session)
        (file,) = tmp_path.glob("*/*.wav")
        sound, _ = soundfile.read(file, dtype="float32")
        told = numbers(events)
        assert told == WHOLE[: len(told)]
        assert np.array_equal(sound, speech(len(told) + 1, SECONDS))

    def test_a_stop_ends_a_recording_that_goes_on(self, no_port: int) -> None:
        def slow() -> Iterator[Samples]:
            while not stopped.is_set():
                yield second(3)
                stopped.wait(0.01)

        stopped = threading.Event()
        with to(no_port, slow(), retries=0) as session:
            for event in session:
                if isinstance(event, Notice) and event.code == "connection_lost":
                    session.stop()
            stopped.set()
            assert session.errors


def test_a_stop_lets_what_was_heard_be_finished(port: int) -> None:
    with to(port, paced()) as session:
        events = []
        for event in session:
            events.append(event)
            if isinstance(event, Final):
                session.stop()
    found = numbers(events)
    assert found == list(range(len(found)))
    assert isinstance(events[-1], End)


def paced() -> Iterator[Samples]:
    for value in range(1000):
        yield second(value)
        threading.Event().wait(0.02)


def test_it_stops_by_itself_after_so_much_sound(port: int) -> None:
    with to(port, paced(), stop_after="5") as session:
        events = list(session)
    assert numbers(events) == [0, 1, 2, 3, 4]


def test_whoever_iterates_slowly_loses_nothing(port: int) -> None:
    with to(port) as session:
        events = []
        for event in session:
            events.append(event)
            if isinstance(event, Final):
                threading.Event().wait(0.05)
    assert numbers(events) == WHOLE


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RemoteSession.connect("ftp://host", iter([second(1)])),
        lambda: RemoteSession.connect("host"),
        lambda: RemoteSession.connect("host", iter([second(1)]), fallback="tiny.en"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Callable[[], RemoteSession]) -> None:
    with pytest.raises(UsageError):
        wrong()


def test_it_is_used_once_and_inside_with(port: int) -> None:
    session = to(port)
    with pytest.raises(UsageError, match="inside"):
        list(session)
    with session:
        list(session)
        with pytest.raises(UsageError, match="once"):
            list(session)
    with pytest.raises(UsageError, match="once"), session:
        pass


def test_nothing_is_left_running(port: int) -> None:
    before = set(threading.enumerate())
    with to(port, endless()) as session:
        for _ in session:
            break
    assert {one for one in set(threading.enumerate()) - before if one.name == "remote"} == set()


def test_the_environment_gives_the_token(fake: Fake, port: int) -> None:
    environment = Environment().with_variable("ECHOCLI_TOKEN", "of-the-variable")
    with to(port, environment=environment) as session:
        list(session)
    assert fake.handshakes[0].headers["Authorization"] == "Bearer of-the-variable"
