"""The client of the protocol against a server that is played, over a network that is played."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.events import (
    DISCARDED,
    SPOOLED,
    Backfill,
    End,
    Event,
    Final,
    Gap,
    Level,
    Notice,
    SpeechEnded,
    SpeechStarted,
    StatsEvent,
)
from echocli.remote.actions import Connect, HangUp, Phase, Send
from echocli.remote.core import LAST_TRY, SILENT, Core
from echocli.remote.course import WINDOW
from echocli.remote.outbox import BLOCK, to_pcm
from echocli.remote.policy import Loss, Policy
from echocli.remote.salvage import salvage
from echocli.remote.spool import Spool
from echocli.types import SAMPLE_RATE, Segment, to_samples
from echocli.wire import frames
from echocli.wire.codes import Close, Code
from echocli.wire.messages import (
    Accepted,
    Ack,
    Backpressure,
    Finish,
    Format,
    Message,
    Numbered,
    Ready,
    Refusal,
    Resume,
    Seen,
    SourceStart,
    Start,
    parse_client,
    to_text,
)
from tests.remote.fake import Talk, second, speech

pytestmark = pytest.mark.unit

BROKEN = Loss("it broke off", 1006)


class Network:
    """A core, a server of the same process, and a wire between them that can be cut."""

    def __init__(self, spool: Spool, names: tuple[str, ...] = ("mic",), retries: int = 15) -> None:
        self.now = 0.0
        self.core = Core(names, "host", Policy(lambda: 0.5, retries), spool)
        self.events: list[Event] = []
        self.heard: list[Message] = []
        self.frames: list[frames.Frame] = []
        self.talks: dict[str, Talk] = {}
        self.talk: Talk | None = None
        self.sent = 0
        self.up = True
        self.wants = False
        self.said = 0
        """Seconds captured of each source so far."""

    def capture(self, secs: int = 1) -> None:
        for _ in range(secs):
            for place, _ in enumerate(self.core.courses):
                self.core.captured(place, to_pcm(second(self.said)))
            self.said += 1

    def step(self, secs: float = 0.5) -> None:
        """Let time pass and do what the core wants."""
        self.now += secs
        self.core.tick(self.now)
        self.act()
        while (data := self.core.next_frame()) is not None:
            frame = frames.decode(data)
            self.frames.append(frame)
            if self.talk is not None:
                self.talk.feed(frame)
                self.answer()
        self.act()

    def act(self) -> None:
        for action in self.core.take():
            match action:
                case Connect() if self.up:
                    self.core.connected(self.now)
                    self.act()
                case Connect():
                    self.core.lost(Loss("Connection refused"), self.now)
                case Send():
                    self.take(action.data)
                case HangUp():
                    self.cut(Loss(action.reason))
                case _:
                    self.events.append(action)

    def take(self, text: str) -> None:
        message = parse_client(text)
        self.heard.append(message)
        match message:
            case Resume() if message.session not in self.talks:
                self.tell(Refusal(Code.UNKNOWN_SESSION, "no such session", retryable=True))
                self.cut(Loss("", Close.UNKNOWN_SESSION))
                return
            case Resume():
                self.talk, self.sent = self.talks[message.session], message.seq
                self.accept(resumed=True)
            case Start():
                self.begin(message)
                self.accept(resumed=False)
            case Finish():
                assert self.talk is not None
                self.talk.say(StatsEvent({}))
                self.talk.say(End(1.0, None))
            case Seen():
                return
        self.answer()

    def begin(self, start: Start) -> None:
        self.talk = Talk(start, f"s{len(self.heard)}", next_id=start.first_id)
        for place, source in enumerate(start.sources):
            self.talk.sound[place] = bytearray()
            self.talk.begun[place] = self.talk.done[place] = source.start
        self.talks[self.talk.name], self.sent = self.talk, 0

    def accept(self, *, resumed: bool) -> None:
        assert self.talk is not None
        ack = self.talk.ack()
        self.tell(Accepted(self.talk.name, "t", resumed, ack.received, ack.final, {}))
        names = tuple(one.name for one in self.talk.start.sources)
        self.tell(Ready(self.talk.name, "fake", "numbers", None, None, names))

    def answer(self) -> None:
        if self.talk is None:
            return
        for one in self.talk.numbered[self.sent :]:
            self.tell(one)
        if self.talk is not None:
            self.sent = len(self.talk.numbered)
            self.tell(self.talk.ack())

    def tell(self, message: Message) -> None:
        self.core.received(to_text(message), self.now)

    def cut(self, loss: Loss = BROKEN) -> None:
        self.talk = None
        if self.core.phase not in (Phase.WAITING, Phase.LOST, Phase.OVER):
            self.core.lost(loss, self.now)

    def finish(self) -> None:
        for place, _ in enumerate(self.core.courses):
            self.core.over(place)
        for _ in range(4000):
            if self.core.done:
                return
            self.step()
        raise AssertionError(f"it never ended: {self.core.phase}")

    def texts(self, name: str = "mic") -> list[int]:
        finals = [one.segment for one in self.events if isinstance(one, Final)]
        return [int(one.text) for one in finals if one.source == name]


@contextmanager
def network(*names: str, retries: int = 15) -> Iterator[Network]:
    with tempfile.TemporaryDirectory() as place:
        spool = Spool(10**9, Path(place))
        yield Network(spool, names or ("mic",), retries)
        spool.close()


def test_a_calm_session_says_everything_once() -> None:
    with network() as played:
        for _ in range(20):
            played.capture()
            played.step()
        played.finish()
        assert played.texts() == list(range(20))
        assert not [one for one in played.events if isinstance(one, Notice)]
        assert played.core.waiting == 0


moves = st.lists(
    st.one_of(
        st.tuples(st.just("capture"), st.integers(1, 15)),
        st.tuples(st.just("step"), st.integers(1, 8)),
        st.just(("cut", 0)),
        st.just(("restart", 0)),
        st.just(("half", 0)),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(moves, st.booleans())
def test_whatever_the_network_does_every_second_comes_once_and_in_order(
    done: list[tuple[str, int]], two: bool
) -> None:
    with network(*(("mic", "system") if two else ()), retries=10**6) as played:
        played.capture()
        for what, count in done:
            match what:
                case "capture":
                    played.capture(count)
                case "step":
                    for _ in range(count):
                        played.step()
                case "cut":
                    played.cut()
                case "restart":
                    played.talks.clear()
                    played.cut()
                case "half":  # sound arrives, the answer does not
                    if (data := played.core.next_frame()) and played.talk is not None:
                        played.talk.feed(frames.decode(data))
                    played.cut()
        played.finish()
        for course in played.core.courses:
            assert played.texts(course.name) == list(range(played.said))
        ids = [one.segment.id for one in played.events if isinstance(one, Final)]
        assert len(set(ids)) == len(ids)
        opened = [one.id for one in played.events if isinstance(one, SpeechStarted)]
        assert len(set(opened)) == len(opened)


def test_a_resume_sends_only_what_the_server_lacks() -> None:
    with network() as played:
        played.capture(3)
        played.step()
        played.cut()
        played.frames.clear()
        played.capture(2)
        for _ in range(4):
            played.step()
        assert played.frames[0].index == 3 * SAMPLE_RATE
        (start, resume) = [one for one in played.heard if isinstance(one, Start | Resume)]
        assert isinstance(start, Start)
        assert isinstance(resume, Resume)
        assert resume.seq == 6


def test_a_server_that_knows_nothing_starts_where_everything_is_final() -> None:
    with network() as played:
        played.capture(3)
        played.core.captured(0, to_pcm(second(3))[:SAMPLE_RATE])  # half of the fourth
        played.step()
        played.talks.clear()
        played.cut()
        for _ in range(6):
            played.step()
        again = [one for one in played.heard if isinstance(one, Start)][-1]
        assert again.sources[0].start == 3 * SAMPLE_RATE
        assert again.first_id == 3
        assert played.texts() == [0, 1, 2]


def test_an_utterance_that_is_begun_again_ends_first() -> None:
    with network() as played:
        played.capture()
        played.step()
        assert played.talk is not None
        played.talk.say(SpeechStarted(1, 1.0, "source0"))
        played.answer()
        played.capture()
        played.talks.clear()
        played.cut()
        for _ in range(8):
            played.step()
        assert [one.id for one in played.events if isinstance(one, SpeechEnded)] == [1]
        again = [one for one in played.heard if isinstance(one, Start)][-1]
        assert again.first_id == 2


def test_a_final_that_comes_again_is_not_told_again() -> None:
    with network() as played:
        played.capture(2)
        played.step()
        before = len(played.events)
        final = Final(Segment(9, 0.0, 2.0, "again", source="source0"))
        played.tell(Numbered(played.core.story.seen + 1, final))
        played.tell(Numbered(1, SpeechStarted(0, 0.0, "source0")))
        played.act()
        assert len(played.events) == before


def test_no_more_is_sent_than_the_window_while_nothing_is_acknowledged() -> None:
    with network() as played:
        played.capture()
        played.step()
        talk, played.talk = played.talk, None
        assert talk is not None
        played.frames.clear()
        played.capture(60)
        played.step()
        last = played.frames[-1]
        assert last.index + len(last.payload) // 2 <= SAMPLE_RATE + WINDOW + SAMPLE_RATE // 2
        played.tell(Ack({"source0": 11 * SAMPLE_RATE}, {"source0": 0}))
        played.step()
        assert played.frames[-1].index > last.index


def test_backpressure_stops_the_sound_until_it_is_over() -> None:
    with network() as played:
        played.capture()
        played.step()
        played.tell(Backpressure(active=True, fill=0.9))
        played.frames.clear()
        played.capture(2)
        played.step()
        assert played.frames == []
        played.tell(Backpressure(active=False, fill=0.1))
        played.step()
        assert played.frames


def test_what_is_final_is_not_kept_any_longer() -> None:
    with network() as played:
        for _ in range(100):
            played.capture()
            played.step()
        assert played.core.courses[0].outbox.kept <= 2 * SAMPLE_RATE


def test_a_gap_in_the_sound_is_a_gap_in_the_positions() -> None:
    with network() as played:
        played.capture()
        played.core.missing(0, 5 * SAMPLE_RATE)
        played.capture()
        played.step()
        assert [frame.index for frame in played.frames][-2:] == [
            6 * SAMPLE_RATE,
            6 * SAMPLE_RATE + SAMPLE_RATE // 2,
        ]


def test_the_session_waits_for_a_second_source_a_moment() -> None:
    with network("mic", "system") as played:
        played.core.captured(0, to_pcm(second(1)))
        played.step(0.1)
        assert played.heard == []
        played.core.missing(1, 480)
        played.core.captured(1, to_pcm(second(1)))
        played.step(0.1)
        (start,) = played.heard
        assert isinstance(start, Start)
        assert [one.start for one in start.sources] == [0, 480]


def test_a_silent_server_is_hung_up_on() -> None:
    with network() as played:
        played.capture()
        played.step()
        played.talk = None
        played.step(SILENT)
        assert played.core.phase is Phase.WAITING


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "ack"}', '{"type": "final", "seq": "x"}'])
def test_a_server_that_speaks_nonsense_is_hung_up_on(text: str) -> None:
    with network() as played:
        played.capture()
        played.step()
        played.core.received(text, played.now)
        played.step()
        assert played.core.phase is not Phase.LIVE


@pytest.mark.parametrize("data", ['{"type": "novelty", "x": 1}', b"\0\1"])
def test_what_a_newer_server_says_besides_is_passed_over(data: str | bytes) -> None:
    with network() as played:
        played.capture()
        played.step()
        played.core.received(data, played.now)
        played.step()
        assert played.core.phase is Phase.LIVE


def test_who_refuses_for_good_is_not_asked_again() -> None:
    with network() as played:
        played.up = False
        played.core.tick(0.0)
        played.core.take()
        played.core.lost(Loss("HTTP 401", status=401), 0.0)
        assert played.core.phase is Phase.LOST
        assert played.core.failure is not None
        assert played.core.failure.fatal


def test_a_stop_while_the_server_is_away_gives_it_one_last_chance() -> None:
    with network() as played:
        played.capture(3)
        played.step()
        played.up = False
        played.cut()
        played.capture(2)
        for _ in range(40):
            played.step()
        played.core.stop(played.now)
        played.core.over(0)
        stopped = played.now
        while not played.core.done:
            played.step()
        assert LAST_TRY <= played.now - stopped <= LAST_TRY + 1
        assert played.core.waiting == pytest.approx(2.0)


def test_a_server_that_comes_back_within_the_last_chance_gets_the_rest() -> None:
    with network() as played:
        played.capture(3)
        played.step()
        played.up = False
        played.cut()
        played.capture(2)
        played.step(5)
        played.core.stop(played.now)
        played.core.over(0)
        played.step(5)
        played.up = True
        played.finish()
        assert played.texts() == list(range(5))
        assert played.core.failure is None


def test_after_the_last_try_sound_is_still_kept() -> None:
    with network(retries=1) as played:
        played.up = False
        for _ in range(100):
            played.capture()
            played.step(5)
        assert played.core.phase is Phase.LOST
        assert not played.core.done
        assert played.core.waiting == 100
        values = [
            int(np.frombuffer(pcm, "<i2")[0]) for _, pcm in played.core.courses[0].outbox.rest()
        ]
        assert values[0] == 0


class TestAnEndThatWasNotAskedFor:
    def ended(self, played: Network, close: Close) -> None:
        """Have the server end the session by itself."""
        played.capture(3)
        played.step()
        assert played.talk is not None
        played.talk.say(StatsEvent({"figures": 1}))
        played.talk.say(End(3.0, None))
        played.answer()
        played.cut(Loss("", close))

    @pytest.mark.parametrize("close", [Close.GOING_AWAY, Close.IDLE, Close.INTERNAL])
    def test_is_not_told_and_the_rest_gets_its_text(self, close: Close) -> None:
        with network() as played:
            self.ended(played, close)
            assert played.core.phase is Phase.WAITING
            played.capture(3)
            played.finish()
            assert played.texts() == list(range(6))
            ends = [one for one in played.events if isinstance(one, End | StatsEvent)]
            assert [type(one) for one in ends] == [StatsEvent, End]
            assert ends[0] == StatsEvent({})

    def test_leaves_nothing_to_resume(self) -> None:
        with network() as played:
            self.ended(played, Close.GOING_AWAY)
            played.capture(1)
            played.finish()
            greetings = [one for one in played.heard if isinstance(one, Start | Resume)]
            assert [type(one) for one in greetings] == [Start, Start]

    def test_counts_after_a_resume_if_it_was_asked_for_before(self) -> None:
        with network() as played:
            played.capture(2)
            played.core.captured(0, to_pcm(second(2))[:SAMPLE_RATE])
            played.step()
            played.core.over(0)
            talk, played.talk = played.talk, None  # `finish` arrives, the answer does not
            assert talk is not None
            played.core.tick(played.now)
            assert any(isinstance(one, Send) for one in played.core.take())
            talk.say(StatsEvent({}))
            talk.say(End(2.0, None))
            played.cut()
            played.finish()
            assert isinstance(played.events[-1], End)
            assert not [one for one in played.heard if isinstance(one, Finish)]


class TestIdle:
    def asleep(self, played: Network) -> None:
        """Have the server close because no sound comes."""
        played.capture(3)
        played.step()
        played.step(20)
        played.tell(Refusal(Code.IDLE, "no sound came for 60 s", retryable=True))
        played.cut(Loss("idle", Close.IDLE))

    def test_nobody_connects_before_there_is_sound_and_nothing_is_said(self) -> None:
        with network() as played:
            self.asleep(played)
            heard = len(played.heard)
            for _ in range(100):
                played.step(10)
            assert len(played.heard) == heard
            assert not [one for one in played.events if isinstance(one, Notice)]
            played.capture(2)
            played.step()
            again = played.heard[-1]
            assert isinstance(again, Start)
            assert again.sources[0].start == 3 * SAMPLE_RATE
            played.finish()
            assert played.texts() == list(range(5))

    def test_it_is_no_failure_however_often_it_happens(self) -> None:
        with network(retries=1) as played:
            for _ in range(5):
                self.asleep(played)
            played.finish()
            assert played.texts() == list(range(15))
            assert played.core.failure is None

    def test_the_end_needs_no_connection_when_all_has_its_text(self) -> None:
        with network() as played:
            self.asleep(played)
            heard = len(played.heard)
            played.finish()
            assert played.core.done
            assert len(played.heard) == heard

    def test_a_stop_connects_for_what_has_no_text(self) -> None:
        with network() as played:
            played.core.captured(0, to_pcm(second(0))[:SAMPLE_RATE])  # half a second
            played.step()
            played.step(20)
            played.cut(Loss("idle", Close.IDLE))
            played.step(60)
            assert played.core.phase is Phase.WAITING
            played.core.stop(played.now)
            played.finish()
            assert isinstance(played.events[-1], End)

    def test_a_server_that_says_so_at_once_fails_like_any_other(self) -> None:
        with network(retries=3) as played:
            for _ in range(200):
                played.capture(1)
                played.step()
                if played.core.phase is Phase.LIVE:
                    played.cut(Loss("idle", Close.IDLE))
            assert played.core.phase is Phase.LOST

    def test_a_session_that_lasted_too_long_is_begun_anew_at_once(self) -> None:
        with network() as played:
            played.capture(3)
            played.step()
            played.step(20)
            played.tell(Refusal(Code.TOO_LONG, "4 hours are over", retryable=True))
            played.cut(Loss("too_long", Close.IDLE))
            played.step(2)
            played.step(1)
            assert sum(isinstance(one, Start) for one in played.heard) == 2


class TestPutAside:
    """Speech from 2 to 6 s waits at the server, under load; what follows has its text."""

    def put_aside(self, played: Network) -> None:
        played.capture(12)
        played.core.tick(played.now)
        for action in played.core.take():
            if isinstance(action, Connect):
                played.core.connected(played.now)
        played.begin(Start(SAMPLE_RATE, Format.PCM_S16LE, 1, (SourceStart("source0"),)))
        played.accept(resumed=False)
        while played.core.next_frame() is not None:
            pass
        gap = Gap(2.0, 6.0, f"{SPOOLED}: too slow", "source0")
        events: list[Event] = [gap, said(1, 7.0, 10.0, "later")]
        for seq, event in enumerate(events, 1):
            played.tell(Numbered(seq, event))
        self.acknowledge(played, 2)
        played.act()
        played.events.clear()

    def acknowledge(self, played: Network, final: int) -> None:
        played.tell(Ack({"source0": 12 * SAMPLE_RATE}, {"source0": final * SAMPLE_RATE}))

    def anew(self, played: Network) -> Start:
        """Lose the server, and begin with one that knows nothing."""
        played.talks.clear()
        played.cut()
        played.heard.clear()
        while not any(isinstance(one, Start) for one in played.heard):
            played.now += 1.0
            played.core.tick(played.now)
            played.act()
        start = played.heard[-1]
        assert isinstance(start, Start)
        played.events.clear()
        return start

    def tell(self, played: Network, *events: Event) -> list[Event]:
        """Have the new server say something; what is handed on of it."""
        for seq, event in enumerate(events, 1 + played.core.story.seen):
            played.tell(Numbered(seq, event))
        played.act()
        found: list[Event] = [
            one for one in played.events if isinstance(one, Final | Backfill | Gap)
        ]
        played.events.clear()
        return found

    def test_its_sound_is_kept_and_sent_to_another_server(self) -> None:
        with network() as played:
            self.put_aside(played)
            assert played.core.courses[0].outbox.start == 2 * SAMPLE_RATE
            assert played.core.waiting == 10
            assert self.anew(played).sources[0].start == 2 * SAMPLE_RATE

    def test_its_text_fills_the_gap_there_and_what_was_told_does_not_come_again(self) -> None:
        with network() as played:
            self.put_aside(played)
            self.anew(played)
            found = self.tell(
                played,
                said(2, 2.1, 4.0, "waited"),
                said(3, 4.2, 5.9, "too"),
                said(4, 7.0, 10.0, "later"),
                said(5, 10.5, 11.5, "new"),
            )
            assert [(type(one), text_of(one)) for one in found] == [
                (Backfill, "waited"),
                (Backfill, "too"),
                (Final, "new"),
            ]

    def test_its_text_fills_the_gap_also_where_nothing_was_told_behind_it(self) -> None:
        with network() as played:
            self.put_aside(played)
            gap = Gap(10.5, 11.5, f"{SPOOLED}: too slow", "source0")
            self.tell(played, gap, Backfill(said(0, 2.2, 5.7, "waited").segment))
            assert self.anew(played).sources[0].start == 2 * SAMPLE_RATE
            found = self.tell(
                played, said(2, 2.1, 5.9, "waited"), said(3, 10.6, 11.4, "at the end")
            )
            assert [(type(one), text_of(one)) for one in found] == [(Backfill, "at the end")]

    def test_a_backfill_is_not_told_again_by_a_server_that_did_not_acknowledge_it(self) -> None:
        with network() as played:
            self.put_aside(played)
            gap = Gap(10.5, 11.5, f"{SPOOLED}: too slow", "source0")
            first = Backfill(said(0, 2.2, 5.7, "waited").segment)
            self.tell(played, gap, first, Backfill(said(5, 10.6, 11.4, "too").segment))
            assert self.anew(played).sources[0].start == to_samples(11.4)

    def test_speech_that_is_put_aside_again_is_said_once(self) -> None:
        with network() as played:
            self.put_aside(played)
            self.anew(played)
            gaps = [
                Gap(start, end, f"{SPOOLED}: too slow", "source0")
                for start, end in ((2.0, 6.0), (7.0, 10.0))
            ]
            assert self.tell(played, *gaps) == []
            filled = Backfill(said(2, 2.1, 5.0, "waited").segment)
            again = Backfill(said(4, 7.0, 10.0, "later").segment)
            assert [text_of(one) for one in self.tell(played, filled, again)] == ["waited"]
            assert self.anew(played).sources[0].start == 10 * SAMPLE_RATE

    @pytest.mark.parametrize("how", ["backfill", "discarded", "ack"])
    def test_nothing_is_kept_for_it_any_longer_when_it_is_settled(self, how: str) -> None:
        with network() as played:
            self.put_aside(played)
            match how:
                case "backfill":
                    found = self.tell(played, Backfill(said(0, 2.2, 5.7, "waited").segment))
                    assert [text_of(one) for one in found] == ["waited"]
                case "discarded":
                    gap = Gap(2.0, 6.0, f"{DISCARDED}: it is gone", "source0")
                    assert len(self.tell(played, gap)) == 1
                case "ack":
                    self.acknowledge(played, 6)
            assert played.core.courses[0].settled == 10 * SAMPLE_RATE

    def test_its_sound_is_left_when_the_server_stays_away(self) -> None:
        with network(retries=0) as played:
            self.put_aside(played)
            played.cut()
            assert played.core.phase is Phase.LOST
            kept = salvage(played.core.courses)
            assert kept is not None
            sound, _ = soundfile.read(kept.paths[0], dtype="float32")
            shutil.rmtree(kept.directory)
            assert np.array_equal(sound, speech(2, 11))


def said(id_: int, start: float, end: float, text: str) -> Final:
    return Final(Segment(id_, start, end, text, source="source0"))


def text_of(event: Event) -> str:
    assert isinstance(event, Final | Backfill)
    return event.segment.text


def test_the_level_at_the_start_is_the_one_of_the_server() -> None:
    with network() as played:
        played.capture()
        played.step()
        assert played.core.story.level == "NORMAL"
        metrics = dict.fromkeys(NUMBERS, 0) | {
            "provider": "fake",
            "model_id": "numbers",
            "vad_enabled": True,
            "degrade_level": "DEGRADE",
        }
        message = {"type": "metrics", "sources": {"source0": metrics}}
        played.core.received(json.dumps(message), played.now)
        assert played.core.story.level == "DEGRADE"
        played.tell(Numbered(99, Level("DEGRADE", "NORMAL", "rested", 0.1, 0.0, ())))
        assert played.core.story.level == "NORMAL"


NUMBERS = (
    *("queue_bytes", "queue_fill_ratio", "backlog_seconds", "dropped_total", "avg_infer_ms"),
    *("realtime_factor", "rtf_avg_10s"),
)


def test_a_source_that_lost_sound_for_another_says_so() -> None:
    with tempfile.TemporaryDirectory() as place:
        spool = Spool(BLOCK * 2, Path(place))
        core = Core(("mic", "system"), "host", Policy(lambda: 0.5), spool)
        for _ in range(70):
            core.captured(0, bytes(2 * SAMPLE_RATE))
        core.missing(1, 100 * SAMPLE_RATE)
        for _ in range(70):
            core.captured(1, bytes(2 * SAMPLE_RATE))
        (said,) = [one for one in core.take() if isinstance(one, Notice)]
        assert said.message.startswith("mic: sound from 0:00 to 0:30 is lost")
        spool.close()


@given(st.lists(st.text() | st.binary(), max_size=20))
def test_no_message_of_a_server_brings_it_down(messages: list[str | bytes]) -> None:
    with network() as played:
        played.capture()
        played.step()
        for message in messages:
            played.core.received(message, played.now)
            played.step()


def test_an_outage_of_half_an_hour_loses_nothing() -> None:
    with network(retries=100) as played:
        played.capture(5)
        played.step()
        played.up = False
        played.cut()
        for _ in range(360):
            played.capture(5)
            played.step(5)
        played.up = True
        played.finish()
        assert played.texts() == list(range(1805))
