"""One live session: its events are numbered, its positions true, and its end is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from echocli.api.hosting import Hosting
from echocli.clock import SteppingClock
from echocli.errors import TranscriptionError
from echocli.events import End, Event, Final, Gap, Notice, SpeechStarted, StatsEvent
from echocli.runtime.host import Host
from echocli.runtime.ladder import Rung
from echocli.runtime.live_run import Live
from echocli.server.intake import LEFT_OUT
from echocli.server.session import PATIENCE
from echocli.server.sessions import SessionLimits, Sessions
from echocli.wire.codes import Code
from echocli.wire.messages import Format, SourceStart
from tests.server.seated import (
    RATE,
    desk,
    events,
    feed,
    scripted,
    speech,
    start,
    texts,
)
from tests.waiting import eventually

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosting]:
    with scripted(tmp_path_factory.mktemp("host")) as found:
        yield found


@pytest.fixture
def sessions(host: Hosting) -> Iterator[Sessions]:
    with desk(host) as found:
        yield found


def test_sound_becomes_numbered_events_that_end_with_stats_and_end(
    sessions: Sessions, samples: Path
) -> None:
    seat, sound = sessions.open(start()), speech(samples)
    feed(seat, sound)
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    told = seat.since(0)
    assert [one.seq for one in told] == list(range(1, len(told) + 1))
    assert [type(one.event) for one in told[-2:]] == [StatsEvent, End]
    assert len(texts(seat)) == 5
    assert seat.failure is None
    assert seat.received == seat.final == {"mic": len(sound)}


def test_it_is_ready_before_any_sound_was_sent(sessions: Sessions) -> None:
    seat = sessions.open(start("mic", "system"))
    eventually(lambda: seat.ready)
    assert seat.ready is not None
    assert (seat.ready.provider, seat.ready.sources) == ("scripted", ("mic", "system"))
    assert seat.since(0) == []


def test_what_is_final_grows_with_silence_and_never_passes_what_was_told(
    sessions: Sessions, samples: Path
) -> None:
    seat = sessions.open(start())
    feed(seat, speech(samples, secs=8.0))
    eventually(lambda: seat.final["mic"] > 6 * RATE)
    (final,) = [one for one in events(seat) if isinstance(one, Final)]
    assert seat.final["mic"] >= final.segment.end * RATE
    feed(seat, speech(samples, secs=12.0)[8 * RATE :], begin=8 * RATE)
    eventually(lambda: any(isinstance(one, SpeechStarted) and one.id == 1 for one in events(seat)))
    # Somebody speaks at 10.4 s: from there on it is not final.
    assert seat.final["mic"] <= 10.5 * RATE


def test_positions_of_another_rate_are_the_clients_own(sessions: Sessions, samples: Path) -> None:
    sound = np.repeat(speech(samples, secs=6.0), 3)
    begin = 480_007
    seat = sessions.open(start(sample_rate=48_000, sources=(SourceStart("mic", begin),)))
    assert seat.received == seat.final == {"mic": begin}
    feed(seat, sound, begin=begin)
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    assert seat.received == seat.final == {"mic": begin + len(sound)}
    (found,) = [one for one in events(seat) if isinstance(one, Final)]
    assert 11.5 < found.segment.start < 12.2  # 1.8 s after second 10


def test_a_session_that_goes_on_counts_from_where_it_is_told(
    sessions: Sessions, samples: Path
) -> None:
    seat = sessions.open(start(sources=(SourceStart("mic", 100 * RATE),), first_id=7))
    feed(seat, speech(samples, secs=6.0), begin=100 * RATE)
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    (found,) = [one for one in events(seat) if isinstance(one, Final)]
    assert found.segment.id == 7
    assert 101.5 < found.segment.start < 102.2
    assert not any(isinstance(one, Gap) for one in events(seat))


def test_stereo_floats_are_heard(sessions: Sessions, samples: Path) -> None:
    mono = speech(samples, secs=6.0).astype(np.float32) / 32768
    seat = sessions.open(start(format=Format.PCM_F32LE, channels=2))
    both = np.stack([mono, mono], axis=1)
    for at in range(0, len(both), 1600):
        seat.feed(0, at, both[at : at + 1600].tobytes())
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    assert len(texts(seat)) == 1
    assert seat.final == {"mic": len(mono)}


def test_sound_that_is_left_out_is_a_gap(sessions: Sessions, samples: Path) -> None:
    seat, sound = sessions.open(start()), speech(samples, secs=6.0)
    feed(seat, sound)
    feed(seat, sound, begin=10 * RATE)
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    gaps = [one for one in events(seat) if isinstance(one, Gap)]
    assert [(one.start, one.end, one.reason) for one in gaps] == [(6.0, 10.0, LEFT_OUT)]
    assert len(texts(seat)) == 2


def test_sound_that_is_sent_again_is_heard_once(sessions: Sessions, samples: Path) -> None:
    seat, sound = sessions.open(start()), speech(samples, secs=6.0)
    feed(seat, sound)
    feed(seat, sound[RATE:], begin=RATE)
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    assert len(texts(seat)) == 1
    assert seat.received == {"mic": len(sound)}


def test_wishes_that_cannot_be_are_refused_for_good(sessions: Sessions) -> None:
    for options in ({"model": "large"}, {"language": "klingon"}):
        seat = sessions.open(start(options=options))
        eventually(lambda: seat.over)  # noqa: B023 -- it is called here
        assert seat.failure is not None
        assert (seat.failure.code, seat.failure.retryable) == (Code.BAD_MESSAGE, False)


def test_a_long_option_is_not_repeated_whole(sessions: Sessions) -> None:
    seat = sessions.open(start(options={"x" * 5000: 1}))
    eventually(lambda: seat.over)
    assert seat.failure is not None
    assert len(seat.failure.message) <= 300


def test_more_sound_than_fits_ends_the_session_and_says_so(host: Hosting) -> None:
    silence = np.zeros(10 * RATE, np.int16)
    with desk(host, SessionLimits(buffer_seconds=0.1)) as sessions:
        seat = sessions.open(start())
        count = 0
        while not seat.over:
            seat.feed(0, count * len(silence), silence.tobytes())
            count += 1
            assert count < 1000
        assert seat.fill > 1
        assert seat.failure is not None
        assert (seat.failure.code, seat.failure.retryable) == (Code.OVERLOADED, True)


def test_a_new_connection_takes_the_session_over_and_the_old_one_is_harmless(
    sessions: Sessions, samples: Path
) -> None:
    sound, woken = speech(samples, secs=6.0), threading.Event()
    with sessions.waking(woken.set):
        old = sessions.open(start())
    feed(old, sound[:RATE])
    eventually(lambda: old.ready)
    woken.clear()
    new = sessions.resume(old.session, old.token, 0)
    assert woken.is_set()
    assert (old.taken_over, new.taken_over) == (True, False)
    assert new.received == {"mic": RATE}
    old.feed(0, RATE, sound[RATE:].tobytes())
    old.finish(catch_up=True)
    old.detach()
    assert new.received == {"mic": RATE}
    feed(new, sound[RATE:], begin=RATE)
    new.finish(catch_up=True)
    eventually(lambda: new.over)
    assert len(texts(new)) == 1


def test_news_wake_whoever_sits_there(sessions: Sessions, samples: Path) -> None:
    woken = threading.Event()
    with sessions.waking(woken.set):
        seat = sessions.open(start())
    eventually(lambda: seat.ready)
    woken.clear()
    feed(seat, speech(samples, secs=6.0))
    eventually(lambda: texts(seat))
    assert woken.is_set()
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    woken.clear()
    seat.detach()
    assert not woken.is_set()


def test_figures_of_each_source_are_told(sessions: Sessions, samples: Path) -> None:
    seat = sessions.open(start("mic", "system"))
    assert seat.metrics().sources["mic"].realtime_factor is None
    feed(seat, speech(samples, secs=6.0))
    eventually(lambda: texts(seat))
    eventually(lambda: seat.metrics().sources["mic"].backlog_seconds == 0)
    found = seat.metrics().sources
    assert set(found) == {"mic", "system"}
    mic = found["mic"]
    assert (mic.provider, mic.degrade_level, mic.vad_enabled) == ("scripted", "NORMAL", True)
    assert mic.queue_bytes == mic.dropped_total == 0
    assert mic.realtime_factor is not None


def test_the_end_is_told_where_a_session_ends_before_the_model_is_there(tmp_path: Path) -> None:
    with scripted(tmp_path, load_ms=1500) as host, desk(host) as sessions:
        seat = sessions.open(start())
        feed(seat, np.zeros(RATE, np.int16))
        seat.finish(catch_up=True)
        assert seat.ready is None
        eventually(lambda: seat.over)
        assert seat.failure is None
        assert isinstance(events(seat)[-1], End)
        assert seat.final == {"mic": RATE}


def test_a_model_that_does_not_come_is_waited_for_a_minute(tmp_path: Path) -> None:
    clock = SteppingClock()
    with scripted(tmp_path, load_ms=3000) as host, desk(host, clock=clock) as sessions:
        seat = sessions.open(start())

        def is_over() -> bool:
            clock.advance(61)  # again and again: its thread may begin to wait only later
            return seat.over

        eventually(is_over)
        assert seat.failure is not None
        assert seat.failure.code == Code.NOT_READY
        assert seat.failure.retry_after
    assert PATIENCE == 60


def test_a_model_that_cannot_be_loaded_is_said_and_may_be_tried_again(tmp_path: Path) -> None:
    with scripted(tmp_path, load_error="no such weights") as host, desk(host) as sessions:
        seat = sessions.open(start())
        eventually(lambda: seat.over)
        assert seat.failure is not None
        assert (seat.failure.code, seat.failure.retryable) == (Code.NOT_READY, True)
        assert seat.failure.retry_after
        assert seat.final == {"mic": 0}


def test_a_provider_that_fails_is_no_end(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(live: Live) -> Iterator[Event]:
        live._dead = TranscriptionError("nobody can decode this")
        yield Notice("some", "more to say")

    monkeypatch.setattr(Live, "_run", fail)
    seat = sessions.open(start())
    seat.finish(catch_up=True)
    eventually(lambda: seat.over)
    assert seat.failure is not None
    assert seat.failure.code == Code.PROVIDER_FAILED
    assert [type(one) for one in events(seat)] == [Notice]


def test_the_level_of_the_server_is_told_before_anything_is_heard(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Host, "rung", Rung.DEGRADE)
    seat = sessions.open(start())
    assert seat.metrics().sources["mic"].degrade_level == "DEGRADE"


def test_a_worker_that_dies_costs_no_text(tmp_path: Path, samples: Path) -> None:
    with scripted(tmp_path, steps={"4": "crash"}) as host, desk(host) as sessions:
        seat, sound = sessions.open(start()), speech(samples)
        feed(seat, sound)
        seat.finish(catch_up=True)
        eventually(lambda: seat.over)
        assert seat.failure is None
        assert len(texts(seat)) == 5
