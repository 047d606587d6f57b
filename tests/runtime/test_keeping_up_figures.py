"""What a live session measures of itself: its load, what waits in line, and the record of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given

from echocli.clock import SteppingClock
from echocli.events import Notice, SpeechEnded
from echocli.runtime.decoder import Answered
from echocli.runtime.keeping_up import KeepingUp
from echocli.runtime.ladder import Rung
from echocli.runtime.live_options import Kind, LiveOptions
from echocli.runtime.live_session import LiveSession
from echocli.runtime.stats import RunStats
from echocli.runtime.watch import Watch
from echocli.types import SAMPLE_RATE, to_samples
from tests.runtime.accounting import SOME, TALK, played, talks
from tests.runtime.noting import Noted
from tests.runtime.playing import Conditions, Feeder
from tests.runtime.pressing import Pressed, Trace, traces
from tests.runtime.recogniser import Listener, Speech, speech

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("waits", [False, True])
def test_only_what_cannot_wait_is_judged_by_its_backlog(waits: bool) -> None:
    """A pipe is read as fast as the decoder goes: that some of it waits is no overload."""
    player = Pressed([TALK], Trace(((0.0, 0.1),)), spool=None)
    session, keeping = player.played.session, player.keeping
    keeping._waits = waits
    player.clock.time = 20.0
    Feeder(session.sources[0], TALK, Conditions()).feed(to_samples(20.0), 20.0)
    for _ in range(30):
        player.clock.advance(0.3)
        keeping.observe()
    assert (keeping.rung > Rung.NORMAL) is not waits


def test_lost_sound_is_no_sound_that_was_covered() -> None:
    """An hour without a device must not make the machine look fast."""
    said = speech([(3.0, 1.0), (3.0, 1.0)])
    clock = SteppingClock()
    session = LiveSession(["mic"], LiveOptions())
    keeping = KeepingUp(session, clock, None, None, waits=False)
    (source,) = session.sources
    feeder = Feeder(source, said, Conditions())
    feeder.feed(to_samples(4.5), 4.5)
    covered = answer_all(session, keeping, said, clock, took=2.0)
    assert covered == pytest.approx(3.5, abs=0.1)
    assert keeping.meter.rtf(clock.now()) == pytest.approx(2.0 / covered)
    source.lose(3600 * SAMPLE_RATE, "device lost", 4.5)
    clock.time = 3605.0
    later = speech([(3.0, 1.0)])
    position = source.position
    source.feed(later.sound(0, later.total), later.probabilities(0, later.total // 512), 3610.0)
    shifted = answer_all(session, keeping, later, clock, took=2.0, by=position)
    assert shifted == pytest.approx(3.5, abs=0.1)
    assert keeping.meter.rtf(clock.now()) == pytest.approx(2.0 / shifted)


def answer_all(
    session: LiveSession,
    keeping: KeepingUp,
    said: Speech,
    clock: SteppingClock,
    *,
    took: float,
    by: int = 0,
) -> float:
    """Decode what is due, in ``took`` seconds together; the seconds that are covered by it."""
    covered = 0.0
    while (request := session.request(8, clock.now())) is not None:
        keeping.asked(request)
        clock.advance(took)
        shifted = [replace(window, start=window.start - by) for window in request.windows]
        answers = [Listener(said)(window) for window in shifted]
        session.answer(request, answers, clock.now(), took)
        covered += session.sources[0].covered / SAMPLE_RATE
        keeping.answered(Answered(request, answers, took))
    return covered


def test_a_window_has_waited_since_it_was_due() -> None:
    """Two sentences end while one is decoded: the line knows since when each of them waits."""
    said = speech([(2.0, 0.7), (2.0, 0.7), (2.0, 0.7)])
    player = Pressed([said], Trace(), spool=None)
    session, keeping, feeder = player.played.session, player.keeping, player._feeders[0]
    due: dict[int, float] = {}
    for end in feeder.blocks:
        player.clock.time = end / SAMPLE_RATE
        found = feeder.feed(end, player.clock.now())
        keeping.observe()
        due |= {one.id: player.clock.now() for one in found if isinstance(one, SpeechEnded)}
    player.clock.advance(10.0)
    request = session.request(4, player.clock.now())
    assert request is not None
    assert request.kind is Kind.FINAL
    assert len(due) == 3
    waits = [(player.clock.now() - at) * 1000 for at in due.values()]
    assert session.waited_ms() == pytest.approx(waits)


def test_there_is_no_place_in_line_for_what_is_not_due_any_more() -> None:
    hall = Pressed([TALK], Trace(), spool=None)
    session, feeder = hall.played.session, hall._feeders[0]
    feeder.feed(to_samples(2.0), 2.0)
    session.enlist(2.0)
    assert session.line.depth == 1  # a partial
    feeder.feed(to_samples(3.3), 3.3)
    session.enlist(3.3)
    assert session.line.depth == 1  # what may be the end
    feeder.feed(to_samples(3.9), 3.9)
    session.enlist(3.9)
    request = session.request(8, 3.9)
    assert request is not None
    assert (request.kind, session.line.depth) == (Kind.FINAL, 0)


@SOME
@given(talks, traces(15.0))
def test_the_record_says_what_was_measured(said: Speech, trace: Trace) -> None:
    player = played(said, trace, watch=lambda clock: Watch(Noted(), clock))
    stats = RunStats(audio_seconds=said.total / SAMPLE_RATE)
    closing = list(player.keeping.close(stats))
    record, session = stats.health, player.played.session
    assert record is not None
    assert player.watch is not None
    counters = player.watch.health.counters()
    jobs = [asked for asked in player.log.asked for _ in asked.request.jobs]
    assert counters["windows"] == sum(asked.request.settles for asked in jobs)
    assert sum(record["inference_lock_wait_ms"].values()) == len(jobs)
    busy = sum(asked.took for asked in player.log.asked if asked.request.kind is not Kind.BACKFILL)
    if counters["audio_seconds"]:
        factor = busy / counters["audio_seconds"]
        assert record["realtime_factor"] == pytest.approx(factor, abs=1e-3)
    assert record["degrade_level"] == player.keeping.in_force.name
    assert record["spooled_seconds"] == pytest.approx(
        session.backfilling.stats()["spooled_seconds"]
    )
    assert (record["dropped_seconds"], record["backlog_estimate"], record["queue_depth"]) == (
        0,
        0,
        0,
    )
    alerts = [alert["code"] for alert in record["alerts"]]
    reached = [rung for _, rung in player.log.rungs]
    entries = sum(a < Rung.EMERGENCY <= b for a, b in pairwise([Rung.NORMAL, *reached]))
    assert alerts.count("degrade_emergency") == entries
    told = [one.code for one in [*player.played.events, *closing] if isinstance(one, Notice)]
    assert Counter(told) >= Counter(code for code in alerts)
