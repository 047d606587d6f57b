"""What a live view shows while the machine is too slow, and when something fails."""

from __future__ import annotations

import io
from contextlib import closing

import pytest
from rich.console import Console as RichConsole

from echocli.clock import SteppingClock
from echocli.events import Backfill, End, Event, Failover, Final, Gap, Level, Ready
from echocli.output.live_picture import rows
from echocli.output.live_state import LiveState
from echocli.output.live_view import LiveFigures
from echocli.output.progress import REFRESH
from echocli.types import Segment
from tests.output.screen import Streams, Terminal, on_one_terminal, screen_of, view_of

pytestmark = pytest.mark.unit

BUSY = LiveFigures(95.0, 1.31, 2412.4, "EMERGENCY")
LEVEL = Level("NORMAL", "EMERGENCY", "RTF 1.31", 1.31, 3.0, ("model tiny.en", "no partials"), 90.0)


def spooled(start: float, end: float, source: str = "mic") -> Gap:
    return Gap(start, end, "spooled: the machine is too slow", source)


def late(start: float, text: str = " late", source: str = "mic") -> Backfill:
    return Backfill(Segment(3, start, start + 1, text, source=source))


@pytest.fixture(autouse=True)
def _size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_level_stands_above_the_drawing_and_kept_speech_is_counted() -> None:
    env = on_one_terminal()
    with closing(view_of(env)) as view:
        view.event(Ready("mic", "p", "m"))
        view.event(LEVEL, BUSY)
        view.event(spooled(84.0, 95.4), BUSY)
        env.clock.advance(REFRESH)
        view.event(Final(Segment(4, 96.0, 97.0, " Now.", source="mic")), BUSY)
        assert screen_of(env.err.getvalue()) == [
            "echocli: notice: level NORMAL → EMERGENCY (RTF 1.31): model tiny.en, no partials",
            "Now.",
            "● mic  1:35  RTF 1.31  2412 ms  EMERGENCY  kept for later 12 s",
        ]
        view.event(late(84.0))
        assert screen_of(env.err.getvalue())[1:] == [
            "Now.",
            "[1:24] late",
            "● mic  1:35  RTF 1.31  2412 ms  EMERGENCY",
        ]


def test_kept_speech_is_told_once_where_there_is_no_status_line() -> None:
    for env in (Streams(), Streams(out=Terminal())):
        with closing(view_of(env)) as view:
            for event in (spooled(83.0, 84.0), spooled(86.0, 88.0), late(83.0), late(86.0, "")):
                view.event(event)
            view.event(spooled(90.0, 91.0))
        assert env.err.getvalue().splitlines() == [
            "echocli: notice: from 1:23 on speech is kept on disk and gets its text later",
            "echocli: notice: no speech is waiting for its text any more",
            "echocli: notice: from 1:30 on speech is kept on disk and gets its text later",
        ]


def test_backfill_says_where_it_belongs_and_who_spoke() -> None:
    alone, both = Streams(), Streams()
    with closing(view_of(alone)) as view:
        view.event(late(83.9))
        view.event(late(3723.0))
        view.event(late(5.0, "  "))
    with closing(view_of(both, "mic", "system")) as view:
        view.event(late(83.0, source="system"))
    assert alone.out.getvalue() == "[1:23] late\n[1:02:03] late\n"
    assert both.out.getvalue() == "system: [1:23] late\n"


def test_speech_that_can_not_be_filled_after_all_is_an_error_and_waits_no_more() -> None:
    env = Streams()
    with closing(view_of(env)) as view:
        view.event(spooled(83.0, 84.0))
        view.event(Gap(83.0, 84.0, "discarded: the sound is gone", "mic"))
    assert env.err.getvalue().splitlines()[1:] == [
        "echocli: error: no text from 83.0 s to 84.0 s: discarded: the sound is gone",
        "echocli: notice: no speech is waiting for its text any more",
    ]


@pytest.mark.parametrize("quiet", [True, False])
def test_speech_that_is_left_at_the_end_is_an_error(quiet: bool) -> None:
    env = Streams()
    with closing(view_of(env, quiet=quiet)) as view:
        view.event(spooled(83.0, 84.0))
        view.event(spooled(86.0, 87.5))
        view.event(late(83.0))
        view.event(End(90.0, "en"))
        view.tell_left()
    lines = env.err.getvalue().splitlines()
    assert lines[-1] == "echocli: error: no text for 1.5 s of speech that was kept for later"
    assert len(lines) == (1 if quiet else 2)


def test_gap_is_filled_on_its_own_source_only() -> None:
    state = LiveState(["mic", "system"], SteppingClock())
    take: list[Event] = [
        spooled(1.0, 3.0, "mic"),
        spooled(3.0, 4.0, "mic"),
        late(1.0, "", "system"),
    ]
    for event in take:
        state.take(event, None)
    assert state.kept.seconds == 3.0
    state.take(late(3.0), None)
    assert state.kept.seconds == 2.0
    state.take(late(2.9), None)
    assert state.kept.seconds == 0.0


def test_failover_is_told() -> None:
    env = Streams()
    with closing(view_of(env)) as view:
        view.event(Failover("p:base", "p:tiny.en", "died", 12.34))
    assert env.err.getvalue() == (
        "echocli: notice: p:base failed (died): p:tiny.en goes on, 12.3 s decoded again\n"
    )


def test_narrow_status_drops_kept_speech_before_the_level() -> None:
    state = LiveState(["mic"], SteppingClock())
    state.take(Ready("mic", "p", "m"), BUSY)
    state.take(spooled(80.0, 92.0), None)
    found = {
        rows(state, RichConsole(file=io.StringIO(), width=width, height=5), status=True)[-1].plain
        for width in range(4, 80)
    }
    assert {
        "● mic  1:35  RTF 1.31  2412 ms  EMERGENCY  kept for later 12 s",
        "● mic  1:35  RTF 1.31  EMERGENCY  kept for later 12 s",
        "● mic  1:35  EMERGENCY  kept for later 12 s",
        "● mic  1:35  EMERGENCY",
        "● mic  1:35",
    } <= found
