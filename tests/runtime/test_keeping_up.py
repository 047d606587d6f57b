"""Load in, less work out, nothing lost: a live session with ladder and spool in virtual time."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.clock import SteppingClock
from echocli.decoding.assemble import has_words
from echocli.events import DISCARDED, SPOOLED, Failover, Final, Gap, Notice, SpeechEnded
from echocli.runtime.backfill import Aside
from echocli.runtime.decoder import Answered
from echocli.runtime.keeping_up import KeepingUp
from echocli.runtime.ladder import LadderOptions, Rung
from echocli.runtime.live_options import Kind, LiveOptions
from echocli.runtime.live_session import LiveSession
from echocli.runtime.operating import Change, Choices
from echocli.runtime.spool import Spool
from echocli.runtime.stats import RunStats
from echocli.runtime.watch import Watch
from echocli.types import SAMPLE_RATE, to_samples
from tests.runtime.noting import Noted
from tests.runtime.playing import Conditions, Feeder
from tests.runtime.pressing import (
    BIG,
    OTHER,
    SMALL,
    Pressed,
    Trace,
    is_spooled,
    skipped,
    traces,
)
from tests.runtime.recogniser import Listener, Speech, speech

pytestmark = pytest.mark.unit

SOME = settings(deadline=None, max_examples=25)

TALK = speech([(2.5, 1.0)] * 12)
"""42.5 s of sentences."""

LONG = speech([(2.5, 1.0)] * 26)
"""91.5 s of them."""

HEAVY = Trace(((0.0, 2.6), (30.0, 0.1)))
"""Too much for the big model and, at first, nearly so for the small one."""

phrases = st.lists(st.tuples(st.floats(0.3, 8.0), st.floats(0.7, 3.0)), min_size=1, max_size=12)
talks = st.builds(speech, phrases, st.integers(0, 99))


@contextmanager
def spooling() -> Iterator[Spool[Aside]]:
    """Give a spool, and see that it leaves nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool[Aside](Path(folder))
        yield spool
        spool.close()
        assert list(Path(folder).iterdir()) == []


def played(
    said: Speech | list[Speech], trace: Trace, *, discard: bool = False, **keys: Any
) -> Pressed:
    """Play speech under a load; with ``discard`` nothing is kept for later."""
    with spooling() as spool:
        speeches = [said] if isinstance(said, Speech) else said
        player = Pressed(speeches, trace, spool=None if discard else spool, **keys)
        player.play()
        assert player.played.session.backfilling.close() is None
    return player


def accounted(player: Pressed, said: list[Speech]) -> Counter[str]:
    """Check that what was said ends in exactly one place; how often in which."""
    finals = Counter(final.segment.id for final in player.played.finals)
    backfills = {one.segment.id: one.segment for one in player.backfills}
    assert len(backfills) == len(player.backfills)
    gaps: defaultdict[tuple[str | None, float, float], list[Gap]] = defaultdict(list)
    for gap in player.played.gaps:
        gaps[gap.source, gap.start, gap.end].append(gap)
    found: Counter[str] = Counter()
    by_name = dict(zip((one.name for one in player.played.session.sources), said, strict=True))
    for ended in player.played.ended:
        mine = gaps.pop((ended.source, ended.start, ended.end), [])
        spoken = words_in(by_name[ended.source or ""], ended)
        if not mine:
            assert finals[ended.id] == 1 or not spoken
            assert ended.id not in backfills
            found["final"] += 1
        elif is_spooled(mine[0]) and len(mine) == 1:
            segment = backfills.pop(ended.id)
            assert finals[ended.id] == 0
            assert (segment.source, segment.start, segment.end) == (
                ended.source,
                ended.start,
                ended.end,
            )
            assert all(word in segment.text for word in spoken)
            assert has_words(segment.text) or not spoken
            found["backfill"] += 1
        else:
            assert not is_spooled(mine[-1])
            assert len(mine) == 1 + is_spooled(mine[0])
            assert finals[ended.id] == 0
            assert ended.id not in backfills
            found["gap"] += 1
    assert {gap.reason for left in gaps.values() for gap in left} <= {"lost"}
    assert backfills == {}
    return found


def words_in(said: Speech, ended: SpeechEnded) -> list[str]:
    """Return the words that were said wholly in an utterance, but for the edges."""
    start, end = to_samples(ended.start), to_samples(ended.end)
    return [word.text.strip() for word in said.words if start <= word.start and word.end <= end]


@SOME
@given(talks, traces(20.0), st.booleans(), st.integers(1, 3))
def test_every_utterance_is_final_a_gap_or_a_gap_that_is_filled(
    said: Speech, trace: Trace, discard: bool, slots: int
) -> None:
    chances = Conditions(block=(1600, 1600), slots=slots)
    player = played(said, trace, discard=discard, chances=chances)
    found = accounted(player, [said])
    backfilling = player.played.session.backfilling
    if discard:
        assert found["backfill"] == 0
        assert backfilling.discarded == found["gap"]
    else:
        assert found["gap"] == 0
        assert backfilling.filled == found["backfill"]
        assert backfilling.waiting_samples == 0


@SOME
@given(st.lists(talks, min_size=2, max_size=2), traces(20.0), st.integers(0, 99))
def test_nothing_is_lost_silently_where_windows_break_and_sound_is_missing(
    said: list[Speech], trace: Trace, seed: int
) -> None:
    chances = Conditions(seed, block=(1600, 1600), broken=0.1, withdrawn=0.1)
    player = played(said, trace, chances=chances)
    found = accounted(player, said)
    assert sum(found.values()) == len(player.played.ended) == len(player.played.started)


@SOME
@given(talks, traces(20.0))
def test_every_other_utterance_is_put_aside_at_emergency_and_none_elsewhere(
    said: Speech, trace: Trace
) -> None:
    player = played(said, trace)
    aside = {gap.start for gap in player.played.gaps if is_spooled(gap)}
    assert aside == {one.start for one in skipped(player.log)}


@SOME
@given(talks, traces(15.0))
def test_what_is_asked_for_is_what_the_level_says(said: Speech, trace: Trace) -> None:
    player = played(said, trace)
    for asked in player.log.asked:
        kind = asked.request.kind
        assert kind is not Kind.PARTIAL or asked.rung < Rung.DEGRADE
        if kind is Kind.BACKFILL and not asked.finishing:
            assert asked.rung <= Rung.WARNING


@settings(deadline=None, max_examples=12)
@given(traces(25.0), st.booleans())
def test_the_level_always_comes_back_when_the_load_is_over(trace: Trace, rescue: bool) -> None:
    player = played(LONG, trace, rescue=rescue)
    assert player.log.rungs[-1][1] is Rung.NORMAL
    assert player.switch.spec == player.switch.wanted == BIG
    assert player.keeping._adjuster is not None
    last = [asked for asked in player.log.asked if asked.request.settles][-1]
    assert last.request.options == LiveOptions().decode
    for before, after in pairwise(player.levels):
        assert before.to == after.from_
    if player.levels:
        assert (player.levels[0].from_, player.levels[-1].to) == ("NORMAL", "NORMAL")


def test_stepping_down_helps_because_a_smaller_model_is_faster() -> None:
    """It becomes too slow for good: with the ladder it keeps up, without one it falls behind."""
    trace, usual = Trace(((0.0, 0.3), (8.0, 1.6))), LadderOptions()
    stays, adapts = (played(LONG, trace, ladder=ladder) for ladder in (None, usual))
    assert late(stays)[-1] > 20
    assert max(late(adapts)[-10:]) < 4
    settled = [one for one in adapts.log.asked if one.request.settles and one.time > 40]
    assert {one.model for one in settled} == {SMALL.model}
    # Nothing was left out for good.
    assert accounted(adapts, [LONG])["gap"] == accounted(stays, [LONG])["gap"] == 0


def late(player: Pressed) -> list[float]:
    """Return how many seconds after the end of its speech each final came."""
    return [at - one.segment.end for at, one in player.played.timed if isinstance(one, Final)]


def test_chunks_grow_at_warning_and_come_back() -> None:
    trace = Trace(((0.0, 0.9), (14.0, 0.1)))
    player = played(TALK, trace)
    assert {level.to for level in player.levels} == {"WARNING", "NORMAL"}
    settles = [one for one in player.log.asked if one.request.settles]
    chunks = [one.request.options.chunk_seconds for one in settles]
    grown = [chunk for chunk in chunks if chunk is not None]
    assert grown == sorted(grown)
    assert 1.5 <= grown[0] < grown[-1] <= 8.0
    assert chunks[0] is chunks[-1] is None
    assert {one.request.options.chunk_seconds for one in settles if one.rung is Rung.NORMAL} == {
        None
    }


def test_partials_come_less_often_at_warning_and_as_before_afterwards() -> None:
    trace = Trace(((0.0, 0.1), (14.0, 0.85), (50.0, 0.05)))
    player = played(speech([(4.0, 1.0)] * 20), trace)
    assert {level.to for level in player.levels} == {"WARNING", "NORMAL"}
    partials = [one.time for one in player.log.asked if one.request.kind is Kind.PARTIAL]
    counts = [sum(start <= at < start + 14 for at in partials) for start in (0, 28, 80)]
    assert counts[1] < counts[0] / 2
    assert counts[2] > 0.8 * counts[0]


def test_an_overload_is_answered_and_then_forgotten() -> None:
    player = played(LONG, HEAVY)
    rungs = [rung for _, rung in player.log.rungs]
    assert max(rungs) is Rung.EMERGENCY
    assert rungs[-1] is Rung.NORMAL
    found = accounted(player, [LONG])
    assert found["backfill"] > 0
    # Decoded while people still speak, and only when there is room again.
    filled = [asked for asked in player.log.asked if asked.request.kind is Kind.BACKFILL]
    assert any(not asked.finishing for asked in filled)


def test_what_is_left_at_the_end_is_done_by_the_first_model() -> None:
    trace = Trace(((0.0, 2.6), (43.0, 0.1)))
    player = played(TALK, trace)
    filled = [asked for asked in player.log.asked if asked.request.kind is Kind.BACKFILL]
    assert filled
    assert all(asked.finishing for asked in filled)
    assert player.switch.wanted == BIG
    assert player.keeping.rung is Rung.NORMAL


def test_with_nothing_put_aside_the_end_loads_no_other_model() -> None:
    player = played(TALK, Trace(((0.0, 1.1),)))
    assert player.played.session.backfilling.filled == 0
    assert (player.keeping.rung, player.switch.wanted) == (Rung.DEGRADE, SMALL)


def test_a_machine_that_is_hopeless_is_left_to_a_faster_fallback() -> None:
    ladder = LadderOptions(calm=3.0, dwell=1.0, patience=10.0)
    player = played(LONG, Trace(((0.0, 7.0),)), ladder=ladder, rescue=True)
    assert Rung.FAILOVER in [rung for _, rung in player.log.rungs]
    assert OTHER.model in {asked.model for asked in player.log.asked}
    assert accounted(player, [LONG])["gap"] == 0


def test_what_is_discarded_is_counted() -> None:
    player = played(LONG, HEAVY, discard=True)
    gaps = player.played.gaps
    assert gaps
    assert all(gap.reason.startswith(DISCARDED) for gap in gaps)
    figures = player.played.session.backfilling.stats()
    assert figures["discarded_utterances"] == len(gaps)
    assert figures["discarded_seconds"] == pytest.approx(sum(gap.end - gap.start for gap in gaps))
    assert (figures["spooled_seconds"], figures["backfilled_seconds"]) == (0, 0)


def test_what_a_full_disk_does_not_take_waits_in_memory_and_gets_its_text() -> None:
    with tempfile.TemporaryDirectory() as folder:
        gone = Path(folder) / "gone"
        player = Pressed([LONG], HEAVY, spool=Spool(gone))
        player.play()
    assert player.played.gaps
    assert {gap.reason.partition(":")[0] for gap in player.played.gaps} == {SPOOLED}
    assert accounted(player, [LONG])["gap"] == 0


class Vanishing(Pressed):
    """What was put aside is removed by somebody else before it is decoded."""

    def _finish(self) -> None:
        spool = self.played.session.backfilling._spool
        assert spool is not None
        assert spool._directory is not None
        shutil.rmtree(spool._directory)
        super()._finish()


def test_sound_that_vanishes_from_the_disk_is_said_to_be_lost() -> None:
    with spooling() as spool:
        player = Vanishing([TALK], Trace(((0.0, 2.6),)), spool=spool)
        player.play()
        assert player.played.session.backfilling.close() is None
    found = accounted(player, [TALK])
    assert found["backfill"] == 0
    assert found["gap"] == player.played.session.backfilling.discarded > 0
    reasons = {gap.reason.partition(":")[0] for gap in player.played.gaps}
    assert reasons == {"spooled", DISCARDED}


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


def test_nothing_is_filled_in_once_there_is_no_time_any_more() -> None:
    with spooling() as spool:
        session = LiveSession(["mic"], LiveOptions(backlog=SAMPLE_RATE), spool)
        feeder = Feeder(session.sources[0], TALK, Conditions())
        feeder.feed(to_samples(7.4), 7.4)
        assert len(session.put_aside()) == 1
        session.may_backfill = True
        session.enlist(7.4)
        session.may_backfill = False
        kinds = []
        while (request := session.request(8, 7.4)) is not None:
            kinds.append(request.kind)
        assert kinds == [Kind.FINAL]
        session.may_backfill = True
        request = session.request(8, 7.4)
        assert request is not None
        assert request.kind is Kind.BACKFILL


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


def test_a_fallback_that_was_asked_for_sets_the_session_to_what_it_is_run_with() -> None:
    player = Pressed([TALK], HEAVY, spool=None)
    adjuster = player.keeping._adjuster
    assert adjuster is not None
    base = replace(adjuster.point, spec=OTHER, beam_size=2)
    choices = Choices(base, (), None)
    player.keeping.change(Change(choices, choices, (), "asked for", True))
    player.clock.advance(2.0)
    assert isinstance(next(iter(player.keeping.news(0.0))), Failover)
    assert player.played.session._final.beam_size == 2
