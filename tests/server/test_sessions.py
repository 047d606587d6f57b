"""Who may begin a session, who may come back, and when sessions end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from echocli.api.hosting import Hosting
from echocli.clock import SteppingClock
from echocli.events import End, StatsEvent
from echocli.server.desk import Refused, Seat
from echocli.server.patience import Due, Times, due
from echocli.server.sessions import SessionLimits, Sessions
from echocli.wire.codes import Close, Code
from tests.server.seated import RATE, desk, events, feed, scripted, speech, start, texts
from tests.waiting import eventually

pytestmark = pytest.mark.unit

SILENCE = np.zeros(RATE, np.int16)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosting]:
    with scripted(tmp_path_factory.mktemp("host"), delay_ms=20) as found:
        yield found


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock(1000.0)


@pytest.fixture
def sessions(host: Hosting, clock: SteppingClock) -> Iterator[Sessions]:
    with desk(host, SessionLimits(most=2), clock) as found:
        yield found


def ready(sessions: Sessions, name: str | None = None) -> Seat:
    seat = sessions.open(start(session=name))
    eventually(lambda: seat.ready)
    return seat


def refused(sessions: Sessions, name: str, token: str, seq: int = 0) -> Refused:
    with pytest.raises(Refused) as caught:
        sessions.resume(name, token, seq)
    assert (caught.value.code, caught.value.close) == (Code.UNKNOWN_SESSION, Close.UNKNOWN_SESSION)
    return caught.value


def test_one_too_many_is_refused_with_a_time_to_come_back(
    sessions: Sessions, clock: SteppingClock
) -> None:
    first, _ = ready(sessions), ready(sessions)
    feed(first, SILENCE)
    with pytest.raises(Refused) as caught:
        sessions.open(start())
    assert (caught.value.code, caught.value.close) == (Code.TOO_MANY_SESSIONS, Close.TRY_LATER)
    assert caught.value.retry_after == 10.0
    first.detach()
    clock.advance(56.0)
    with pytest.raises(Refused) as caught:
        sessions.open(start())
    assert caught.value.retry_after == 4.0
    assert (sessions.count, sessions.refused) == (2, 2)


def test_a_session_that_is_over_makes_room(sessions: Sessions) -> None:
    first, _ = ready(sessions), ready(sessions)
    first.finish(catch_up=True)
    eventually(lambda: first.over)
    ready(sessions)
    assert sessions.count == 2


def test_a_session_keeps_its_place_for_a_while_and_then_is_gone(
    sessions: Sessions, clock: SteppingClock
) -> None:
    seat = ready(sessions, "mine")
    feed(seat, SILENCE)
    seat.detach()
    clock.advance(59.0)
    sessions.tick()
    back = sessions.resume("mine", seat.token, 0)
    clock.advance(0.5)
    back.detach()
    clock.advance(59.5)
    sessions.tick()
    assert "mine" in sessions.ids
    clock.advance(0.5)
    sessions.tick()
    assert "mine" not in sessions.ids
    refused(sessions, "mine", seat.token)
    eventually(lambda: not _alive("mine"))
    sessions.tick()
    assert sessions.count == 0


def test_a_defect_with_one_session_does_not_keep_the_others(
    sessions: Sessions, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ready(sessions, "first"), ready(sessions, "second")
    feed(second, SILENCE)
    first.detach()
    second.detach()

    def broken(times: Times, limits: SessionLimits, now: float) -> Due | None:
        if times.unused:
            raise RuntimeError("a defect")
        return due(times, limits, now)

    monkeypatch.setattr("echocli.server.sessions.due", broken)
    clock.advance(61.0)
    sessions.tick()
    assert sessions.ids == ("first",)


def test_a_session_that_was_only_opened_is_not_kept(
    sessions: Sessions, clock: SteppingClock
) -> None:
    for seat in (ready(sessions), ready(sessions)):
        seat.detach()
    with pytest.raises(Refused) as caught:
        sessions.open(start())
    assert caught.value.retry_after == 2.0
    clock.advance(2.0)
    sessions.tick()
    eventually(lambda: sessions.count == 0)


def test_one_that_is_come_back_to_without_any_sound_is_kept(
    sessions: Sessions, clock: SteppingClock
) -> None:
    seat = ready(sessions)
    seat.detach()
    sessions.resume(seat.session, seat.token, 0).detach()
    clock.advance(59.0)
    sessions.tick()
    assert sessions.ids == (seat.session,)


def test_whoever_comes_back_at_the_last_moment_keeps_the_session(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = ready(sessions)
    seat.detach()
    back: list[Seat] = []

    def decide(*_: object) -> Due:
        """Decide on what was so, while somebody comes."""
        if not back:
            back.append(sessions.resume(seat.session, seat.token, 0))
        return Due.FORGET

    monkeypatch.setattr("echocli.server.sessions.due", decide)
    sessions.tick()
    assert sessions.ids == (seat.session,)
    assert not back[0].over


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_session_lets_nobody_else_go_who_has_its_name(host: Hosting, sessions: Sessions) -> None:
    host.host.enter("mine", live=False)
    try:
        seat = sessions.open(start(session="mine"))
        eventually(lambda: seat.over)
        assert seat.failure is not None
        assert seat.failure.code == Code.INTERNAL
        seat.detach()
        eventually(lambda: not _alive("mine"))
        assert host.host.requests == 1
    finally:
        host.close_guest("mine")


@pytest.mark.parametrize("token", ["", "wrong", "ünicode"])
def test_nobody_comes_back_without_the_token(sessions: Sessions, token: str) -> None:
    seat = ready(sessions, "mine")
    refused(sessions, "mine", token)
    refused(sessions, "other", seat.token)
    assert not seat.taken_over


def test_who_comes_back_gets_what_followed(sessions: Sessions, samples: Path) -> None:
    seat = ready(sessions)
    feed(seat, speech(samples, secs=6.0))
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    seat.detach()
    back = sessions.resume(seat.session, seat.token, 2)
    assert [one.seq for one in back.since(2)] == list(range(3, len(events(seat)) + 1))
    assert isinstance(events(back)[-1], End)
    assert back.final == {"mic": 6 * RATE}


def test_nobody_comes_back_to_what_was_forgotten_or_never_said(
    sessions: Sessions, samples: Path
) -> None:
    seat = ready(sessions)
    feed(seat, speech(samples, secs=6.0))
    eventually(lambda: texts(seat))
    seat.seen(2)
    refused(sessions, seat.session, seat.token, 1)
    refused(sessions, seat.session, seat.token, 999)
    assert not seat.taken_over
    sessions.resume(seat.session, seat.token, 2)
    assert seat.taken_over


def test_a_session_whose_end_was_seen_is_let_go_at_once(sessions: Sessions) -> None:
    seat = ready(sessions)
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    seat.seen(len(events(seat)))
    seat.detach()
    sessions.tick()
    assert sessions.ids == ()


def test_of_sessions_that_are_over_only_the_newest_are_kept(
    host: Hosting, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echocli.server.sessions.TICK", 3600.0)  # nobody cleans up meanwhile
    with desk(host, SessionLimits(most=2), clock) as sessions:
        _open_five(sessions)


def _open_five(sessions: Sessions) -> None:
    names = []
    for _ in range(5):
        seat = ready(sessions)
        names.append(seat.session)
        seat.finish(catch_up=True)
        eventually(lambda: seat.over)  # noqa: B023 -- it is called here
        seat.detach()
    assert sessions.ids == tuple(names[-3:])
    assert sessions.count == 0


def test_no_sound_for_too_long_ends_a_session(sessions: Sessions, clock: SteppingClock) -> None:
    seat = ready(sessions)
    clock.advance(50.0)
    feed(seat, SILENCE)
    clock.advance(50.0)
    sessions.tick()
    assert not seat.over
    clock.advance(10.0)
    sessions.tick()
    eventually(lambda: seat.over)
    assert seat.failure is not None
    assert seat.failure.code == Code.IDLE
    assert events(seat) == []  # it is not the end that the client asked for
    assert seat.final == {"mic": len(SILENCE)}
    seat.detach()
    refused(sessions, seat.session, seat.token)


def test_a_session_that_lasts_too_long_is_finished(host: Hosting, samples: Path) -> None:
    clock = SteppingClock()
    limits = SessionLimits(session_seconds=100.0, idle_seconds=1000.0)
    with desk(host, limits, clock) as sessions:
        seat = ready(sessions)
        feed(seat, speech(samples, secs=4.0))
        clock.advance(100.0)
        sessions.tick()
        eventually(lambda: seat.over)
        assert seat.failure is not None
        assert seat.failure.code == Code.TOO_LONG
        assert len(texts(seat)) == 1
        seat.feed(0, 4 * RATE, SILENCE.tobytes())
        assert seat.received == {"mic": 4 * RATE}


def test_what_is_over_counts_neither_as_a_session_nor_as_one_that_waits(
    sessions: Sessions,
) -> None:
    seat = ready(sessions)
    seat.finish(catch_up=False)
    eventually(lambda: seat.over)
    seat.detach()
    figures = sessions.figures()
    assert (figures["sessions"], figures["sessions_detached"]) == (0, 0)


def test_a_name_that_is_taken_gets_another(sessions: Sessions) -> None:
    first, second = ready(sessions, "x" * 64), ready(sessions, "x" * 64)
    assert first.session == "x" * 64
    assert second.session.startswith("x" * 55 + "-")
    assert len(second.session) == 64
    assert first.token != second.token


def test_draining_tells_what_is_final_and_lets_nobody_in(host: Hosting, samples: Path) -> None:
    with desk(host) as sessions:
        seat, idle = ready(sessions), ready(sessions)
        sound = speech(samples, secs=4.0)[:-77]  # no whole number of frames
        feed(seat, sound)
        woken = threading.Event()
        with sessions.connected(woken.set):
            drained = threading.Thread(target=sessions.drain, args=(30.0,))
            drained.start()
            assert woken.wait(30)
            assert sessions.left
        drained.join()
        assert len(texts(seat)) == 1
        assert seat.final == {"mic": len(sound)}
        for one in (seat, idle):
            assert one.over
            assert not any(isinstance(it, StatsEvent | End) for it in events(one))
            assert one.failure is not None
            assert one.failure.code == Code.GOING_AWAY
        with pytest.raises(Refused) as caught:
            sessions.open(start())
        assert caught.value.close is Close.GOING_AWAY


def test_draining_does_not_wait_for_ever_and_what_was_not_told_is_not_final(
    tmp_path: Path, samples: Path
) -> None:
    with scripted(tmp_path, delay_ms=1500) as host, desk(host) as sessions:
        seat = ready(sessions)
        feed(seat, speech(samples, secs=6.0))
        sessions.drain(0.2)
        assert seat.failure is not None
        assert seat.failure.code == Code.GOING_AWAY
        assert texts(seat) == []
        eventually(lambda: not _alive(seat.session))
        assert seat.final["mic"] < 1.8 * RATE


def test_draining_waits_for_no_model(tmp_path: Path) -> None:
    with scripted(tmp_path, load_ms=60_000) as host, desk(host) as sessions:
        seat, asked = sessions.open(start()), sessions.open(start())
        feed(seat, SILENCE)
        asked.finish(catch_up=True)
        began = time.monotonic()
        sessions.drain(30.0)
        assert time.monotonic() - began < 5
        for one in (seat, asked):
            assert one.failure is not None
            assert one.failure.code == Code.GOING_AWAY
            assert one.final == {"mic": 0}


def _alive(name: str) -> bool:
    return any(one.name == f"session {name}" for one in threading.enumerate())


def test_closing_leaves_no_thread(host: Hosting, samples: Path) -> None:
    with desk(host) as sessions:
        names = []
        for _ in range(3):
            seat = ready(sessions)
            feed(seat, speech(samples, secs=6.0))
            names.append(seat.session)
    eventually(lambda: not any(_alive(name) for name in names))
    eventually(lambda: not any(one.name.startswith("intake") for one in threading.enumerate()))
    eventually(lambda: host.host.live_sessions == 0)


def test_figures_count_what_happened(sessions: Sessions) -> None:
    seat = ready(sessions)
    sessions.resume(seat.session, seat.token, 0).detach()
    found = sessions.figures()
    assert found == {
        "sessions": 1,
        "sessions_detached": 1,
        "sessions_opened": 1,
        "sessions_resumed": 1,
        "sessions_refused": 0,
        "queue_bytes": 0,
    }
