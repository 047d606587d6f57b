"""The ladder of a host: it moves for all its guests, by the load of all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from echocli.audio.file import FileSource
from echocli.audio.playback import Playback
from echocli.events import Backfill, Event, Gap, Level, Notice
from echocli.runtime.backfill import Aside
from echocli.runtime.ladder import Ladder, LadderOptions, Load, Rung
from echocli.runtime.live_run import Live
from echocli.runtime.spool import Spool
from tests.runtime.conftest import Script
from tests.runtime.hosting import Later, Open, asked, hosting, overloaded, point_of

pytestmark = pytest.mark.unit


@pytest.fixture
def open_house() -> Iterator[Open]:
    with hosting() as make:
        yield make


def test_under_pressure_everybody_is_asked_for_larger_chunks(
    open_house: Open, script: Script
) -> None:
    clock = Later()
    spec = script(texts=["x"])
    host = open_house(spec, ladder=Ladder(LadderOptions(dwell=0.1)), clock=clock)
    assert host.wait_ready(30)
    host.enter("live", live=True)
    follower, reporter = host.follow("live", point_of(spec), 1)
    events = overloaded(host, reporter, clock)
    assert any(isinstance(event, Level) for event in events)
    assert follower.observe(0.0, Load(None))
    assert follower.point.least_interval > point_of(spec).least_interval
    assert follower.point.beam_size == 1


def test_the_load_is_that_of_all_live_guests_together(open_house: Open, script: Script) -> None:
    host = open_house(script(texts=["x"], delay_ms=100))
    assert host.wait_ready(30)
    for name in ("one", "two"):
        guest = host.enter(name, live=True)
        _, reporter = host.follow(name, point_of(guest.spec), 2)
        asked(guest, [hash(name) % 1000])
        reporter.covered("mic", 1.0)
        reporter.covered("system", 1.0)
    assert host.load is not None
    assert 0.2 <= host.load < 1.0


def test_whoever_comes_at_a_higher_level_is_told(open_house: Open, script: Script) -> None:
    clock = Later()
    spec = script(texts=["x"])
    host = open_house(spec, ladder=Ladder(LadderOptions(dwell=0.1)), clock=clock)
    host.enter("live", live=True)
    _, reporter = host.follow("live", point_of(spec), 1)
    overloaded(host, reporter, clock)
    host.enter("late", live=True)
    follower, _ = host.follow("late", point_of(spec), 1)
    (notice,) = follower.news(0.0, 0.0)
    assert isinstance(notice, Notice)
    assert "WARNING" in notice.message


def test_a_run_that_ends_under_a_load_that_stays_gets_the_text_of_what_it_put_aside(
    open_house: Open, script: Script, samples: Path, tmp_path: Path
) -> None:
    clock = Later()
    spec = script(texts=["x"])
    host = open_house(spec, ladder=Ladder(LadderOptions(dwell=0.1)), clock=clock)
    assert host.wait_ready(30)
    host.enter("busy", live=True)
    _, reporter = host.follow("busy", point_of(spec), 1)
    overloaded(host, reporter, clock, to=Rung.EMERGENCY)
    follower, watch = host.follow("mine", point_of(spec), 1)
    run = Live(
        [Playback(FileSource(samples / "meeting.flac"), name="mic", pace=False, clock=clock)],
        host.enter("mine", live=True),
        clock=clock,
        adjuster=follower,
        watch=watch,
        spool=Spool[Aside](tmp_path),
    )
    events: list[Event] = []
    reader = threading.Thread(target=lambda: events.extend(run.events()), daemon=True)
    reader.start()
    reader.join(20)
    assert not reader.is_alive(), "it never ends"
    assert host.rung is Rung.EMERGENCY
    gaps = [(one.start, one.end) for one in events if isinstance(one, Gap)]
    filled = [one.segment for one in events if isinstance(one, Backfill)]
    assert gaps
    assert [(one.start, one.end) for one in filled] == gaps
