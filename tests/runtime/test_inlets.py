"""Sources by hand: when they begin, how they wait, what ends them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.audio.capture import Captured, Item, Missing, Over, Sink
from echocli.audio.stopping import StopRule
from echocli.clock import SteppingClock
from echocli.errors import InputError
from echocli.events import Event, Gap, Notice, Ready, SpeechEnded, SpeechStarted
from echocli.providers.base import LoadSpec
from echocli.runtime.ear import Ear
from echocli.runtime.inlets import QUEUED, STEP, From, Inlets, Manner
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.live_session import LiveSession
from echocli.types import SAMPLE_RATE, Samples

pytestmark = pytest.mark.unit

SPEC = LoadSpec("scripted", "m", "m.json")
IN_STEP, WAITS, AS_IT_COMES = Manner(in_step=True), Manner(can_wait=True), Manner()


class Hand:
    """A capture that hands on what a test tells it to."""

    def __init__(self, name: str, error: InputError | None = None) -> None:
        self.name = name
        self.stops = 0
        self.sink: Sink | None = None
        self._error = error

    def start(self, sink: Sink) -> None:
        if self._error is not None:
            raise self._error
        self.sink = sink

    def stop(self) -> None:
        self.stops += 1


class Hall:
    """Inlets and what they led to; all sound is speech."""

    def __init__(
        self,
        *names: str,
        manner: Manner = AS_IT_COMES,
        stop: str | None = None,
        hands: Sequence[Hand] | None = None,
    ) -> None:
        self.hands = hands or [Hand(name) for name in names or ("mic",)]
        self.clock = SteppingClock(1000.0)
        self.session = LiveSession([hand.name for hand in self.hands], LiveOptions())
        self.ears = [Ear(source, detect=False) for source in self.session.sources]
        rule = StopRule.parse(stop) if stop else StopRule()
        self.inlets = Inlets(self.hands, self.ears, self.clock, rule, manner)
        self.put: list[From] = []

    def start(self) -> None:
        self.inlets.start(self.put.append)

    def take(self, item: Item, number: int = 0) -> list[Event]:
        backlog = self.session.backlog
        return list(self.inlets.take(self.ears[number], item, SPEC, backlog))

    def hear(self, secs: float, number: int = 0, *, at: float | None = None) -> list[Event]:
        """Hand on so many seconds, the last of which was there just now, or at a time."""
        return self.take(Captured(sound(secs), self.clock.now() if at is None else at), number)

    def positions(self) -> list[float]:
        return [source.position / SAMPLE_RATE for source in self.session.sources]


def sound(secs: float) -> Samples:
    return np.full(round(secs * SAMPLE_RATE), 0.1, np.float32)


def codes(events: Sequence[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Notice)]


class TestBeginning:
    def test_every_source_is_started_and_its_items_carry_its_ear(self) -> None:
        hall = Hall("mic", "system")
        assert not hall.inlets.listening
        hall.start()
        assert hall.inlets.listening
        for hand in hall.hands:
            assert hand.sink is not None
            hand.sink(Over())
        assert [one.ear.source.name for one in hall.put] == ["mic", "system"]

    def test_one_that_cannot_start_is_an_error_and_nobody_listens(self) -> None:
        hall = Hall(hands=[Hand("mic"), Hand("system", InputError("no such device"))])
        with pytest.raises(InputError, match="no such device"):
            hall.start()
        assert not hall.inlets.listening
        hall.inlets.stop()
        assert [hand.stops for hand in hall.hands] == [1, 1]

    def test_a_source_is_ready_with_its_first_sound_and_once(self) -> None:
        hall = Hall()
        ready = [event for _ in range(3) for event in hall.hear(0.1) if isinstance(event, Ready)]
        assert ready == [Ready("mic", "scripted", "m")]

    @given(st.floats(0.0, 30.0), st.floats(0.1, 2.0), st.floats(0.1, 2.0))
    def test_one_that_comes_later_counts_from_the_beginning_of_the_first(
        self, later: float, first: float, second: float
    ) -> None:
        hall = Hall("mic", "system")
        hall.hear(first, 0, at=1000.0 + first)
        hall.hear(second, 1, at=1000.0 + later + second)
        assert hall.positions() == pytest.approx([first, later + second], abs=1e-3)

    def test_one_that_began_earlier_but_came_later_begins_at_zero(self) -> None:
        hall = Hall("mic", "system")
        hall.hear(1.0, 0, at=1000.0)
        hall.hear(2.0, 1, at=1000.0)
        assert hall.positions() == [1.0, 2.0]

    def test_files_side_by_side_all_begin_at_zero(self) -> None:
        hall = Hall("a", "b", manner=IN_STEP)
        hall.hear(1.0, 0, at=0.0)
        hall.hear(1.0, 1, at=9.0)
        assert hall.positions() == [1.0, 1.0]


class TestTime:
    def test_time_is_that_of_the_sound_where_each_is_decoded_before_the_next(self) -> None:
        hall = Hall("a", "b", manner=IN_STEP)
        hall.hear(1.5, 0)
        hall.hear(0.5, 1)
        hall.clock.advance(60.0)
        assert (hall.inlets.now, hall.inlets.position) == (1.5, 1.5)

    def test_else_it_is_that_of_the_clock(self) -> None:
        hall = Hall()
        hall.hear(1.5)
        hall.clock.advance(7.0)
        assert (hall.inlets.now, hall.inlets.position) == (1007.0, 1.5)

    def test_sound_that_comes_late_is_as_old_as_it_is(self) -> None:
        """What is known only three seconds after the sound was there has waited as long."""
        hall = Hall()
        hall.hear(1.0)
        hall.clock.advance(4.0)
        hall.hear(1.0, at=hall.clock.now() - 3.0)
        (source,) = hall.session.sources
        assert source.heard(hall.clock.now()) == pytest.approx(5.0 * SAMPLE_RATE)


class TestRoom:
    @pytest.mark.parametrize(("manner", "limit"), [(IN_STEP, STEP), (WAITS, QUEUED)], ids=str)
    def test_a_source_waits_while_too_much_is_on_its_way(self, manner: Manner, limit: int) -> None:
        hall = Hall(manner=manner)
        hall.start()
        item = Captured(sound(limit / SAMPLE_RATE), 0.0)
        thread = handing(hall.hands[0], item, item)
        assert hall.take(item)  # room for the second
        thread.join(10)
        assert not thread.is_alive()
        assert len(hall.put) == 2

    @pytest.mark.parametrize(("manner", "counts"), [(WAITS, True), (AS_IT_COMES, False)], ids=str)
    def test_what_waits_for_the_decoder_takes_room_only_of_what_can_wait(
        self, manner: Manner, counts: bool
    ) -> None:
        hall = Hall(manner=manner)
        hall.inlets.make_room(QUEUED)
        assert hall.inlets._room._is_free() is not counts
        hall.inlets.make_room(0)
        assert hall.inlets._room._is_free()

    def test_a_stop_lets_in_who_waits(self) -> None:
        hall = Hall(manner=IN_STEP)
        hall.start()
        thread = handing(hall.hands[0], *[Captured(sound(1.0), 0.0)] * 5, Over())
        hall.inlets.stop()
        thread.join(10)
        assert not thread.is_alive()
        assert len(hall.put) == 6


def handing(hand: Hand, *items: Item) -> threading.Thread:
    """Hand items on in a thread, as a source does."""

    def run() -> None:
        assert hand.sink is not None
        for item in items:
            hand.sink(item)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


class TestLosses:
    def test_sound_that_is_missing_ends_what_is_open_and_is_a_gap(self) -> None:
        hall = Hall()
        hall.hear(2.0)
        events = hall.take(Missing(SAMPLE_RATE, "overrun"))
        assert [type(event) for event in events] == [SpeechEnded, Gap]
        assert events[-1] == Gap(2.0, 3.0, "overrun", "mic")
        assert hall.positions() == [3.0]

    def test_a_device_that_goes_ends_what_is_open_at_once_without_a_gap(self) -> None:
        hall = Hall()
        hall.hear(2.0)
        events = hall.take(Notice("device_lost", "it is gone"))
        assert codes(events) == ["device_lost"]
        assert [event.reason for event in events if isinstance(event, SpeechEnded)] == ["gap"]
        assert not any(isinstance(event, Gap) for event in events)
        assert hall.take(Notice("device_lost", "still")) == [Notice("device_lost", "still")]
        assert any(isinstance(event, SpeechStarted) for event in hall.hear(1.0))

    def test_any_other_notice_is_handed_on_and_changes_nothing(self) -> None:
        hall = Hall()
        hall.hear(2.0)
        assert hall.take(Notice("input", "odd header")) == [Notice("input", "odd header")]
        assert hall.session.sources[0].quiet_since is None


class TestEnds:
    def test_it_is_over_when_all_sources_are(self) -> None:
        hall = Hall("mic", "system")
        hall.hear(1.0)
        hall.take(Over())
        assert not hall.inlets.over
        hall.take(Over(), 1)
        assert hall.inlets.over

    def test_one_that_breaks_off_is_told_while_others_go_on_and_its_error_kept(self) -> None:
        hall = Hall("mic", "system")
        gone = InputError("unplugged")
        assert codes(hall.take(Over(gone), 1)) == ["source_failed"]
        assert codes(hall.take(Over(InputError("later")))) == []
        assert hall.inlets.failure is gone

    def test_a_limit_stops_all_sources_once(self) -> None:
        hall = Hall("mic", "system", stop="2")
        hall.hear(1.9)
        assert [hand.stops for hand in hall.hands] == [0, 0]
        hall.hear(0.2)
        hall.hear(0.5)
        assert [hand.stops for hand in hall.hands] == [1, 1]
        # The other is behind: what it still hands on up to the limit is heard.
        hall.hear(1.5, 1, at=1000.0)
        assert hall.positions()[1] == pytest.approx(1.9)

    def test_behind_a_limit_nothing_is_heard(self) -> None:
        hall = Hall(manner=IN_STEP, stop="2")
        hall.hear(2.0)
        assert hall.hear(1.0) == hall.take(Missing(SAMPLE_RATE, "lost")) == []
        assert hall.positions() == [2.0]

    def test_lost_sound_counts_as_silence_for_the_rule(self) -> None:
        hall = Hall(stop="silence:5")
        hall.hear(1.0)
        hall.take(Missing(6 * SAMPLE_RATE, "device lost"))
        assert hall.hands[0].stops == 0
        hall.hear(0.01)
        assert hall.hands[0].stops == 1


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["sound", "missing", "notice"])), max_size=20
    )
)
def test_positions_are_what_came_and_what_is_missing(steps: list[tuple[int, str]]) -> None:
    hall = Hall("mic", "system", manner=IN_STEP)
    expected = [0.0, 0.0]
    for number, kind in steps:
        if kind == "sound":
            hall.hear(0.5, number)
        elif kind == "missing":
            hall.take(Missing(SAMPLE_RATE, "lost"), number)
        else:
            hall.take(Notice("device_lost", "gone"), number)
        expected[number] += {"sound": 0.5, "missing": 1.0, "notice": 0.0}[kind]
        assert hall.positions() == expected
        assert hall.inlets.position == max(expected)
    for number in (0, 1):
        hall.take(Over(), number)
    assert hall.inlets.over
