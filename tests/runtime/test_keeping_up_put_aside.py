"""Speech that is put aside under load is filled in later, or said to be gone."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from echocli.events import DISCARDED, SPOOLED
from echocli.runtime.ladder import Rung
from echocli.runtime.live_options import LAST, Kind, LiveOptions
from echocli.runtime.live_session import LiveSession
from echocli.runtime.spool import Spool
from echocli.types import SAMPLE_RATE, to_samples
from tests.runtime.accounting import HEAVY, LONG, SOME, TALK, accounted, played, spooling, talks
from tests.runtime.playing import Conditions, Feeder
from tests.runtime.pressing import BIG, SMALL, Pressed, Trace, is_spooled, skipped, traces
from tests.runtime.recogniser import Speech

pytestmark = pytest.mark.unit


@SOME
@given(talks, traces(20.0))
def test_every_other_utterance_is_put_aside_at_emergency_and_none_elsewhere(
    said: Speech, trace: Trace
) -> None:
    player = played(said, trace)
    aside = {gap.start for gap in player.played.gaps if is_spooled(gap)}
    assert aside == {one.start for one in skipped(player.log)}


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


@pytest.mark.parametrize("finishing", [False, True])
def test_what_is_left_at_the_end_waits_no_longer_for_others(finishing: bool) -> None:
    with spooling() as spool:
        session = LiveSession(["mic"], LiveOptions(backlog=SAMPLE_RATE), spool)
        feeder = Feeder(session.sources[0], TALK, Conditions())
        feeder.feed(to_samples(7.4), 7.4)
        session.put_aside()
        session.may_backfill, session.finishing = True, finishing
        (filling,) = (
            one for one in iter(lambda: session.request(8, 7.4), None) if one.kind is Kind.BACKFILL
        )
        assert filling.urgency == (LAST if finishing else Kind.BACKFILL)
