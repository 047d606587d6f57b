"""Load in, less work out, nothing lost: a live session with ladder and spool in virtual time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.events import Failover, Final
from echocli.runtime.ladder import LadderOptions, Rung
from echocli.runtime.live_options import Kind, LiveOptions
from echocli.runtime.operating import Change, Choices
from tests.runtime.accounting import HEAVY, LONG, SOME, TALK, accounted, played, talks
from tests.runtime.playing import Conditions
from tests.runtime.pressing import BIG, OTHER, SMALL, Pressed, Trace, traces
from tests.runtime.recogniser import Speech, speech

pytestmark = pytest.mark.unit


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


def test_a_machine_that_is_hopeless_is_left_to_a_faster_fallback() -> None:
    ladder = LadderOptions(calm=3.0, dwell=1.0, patience=10.0)
    player = played(LONG, Trace(((0.0, 7.0),)), ladder=ladder, rescue=True)
    assert Rung.FAILOVER in [rung for _, rung in player.log.rungs]
    assert OTHER.model in {asked.model for asked in player.log.asked}
    assert accounted(player, [LONG])["gap"] == 0


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
