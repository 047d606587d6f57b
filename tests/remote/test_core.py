"""The client of the protocol against a server that is played, over a network that is played."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echocli.events import Final, Level, Notice, SpeechEnded, SpeechStarted
from echocli.remote.core import Core
from echocli.remote.course import WINDOW
from echocli.remote.outbox import BLOCK, to_pcm
from echocli.remote.policy import Policy
from echocli.remote.spool import Spool
from echocli.types import SAMPLE_RATE, Segment
from echocli.wire import frames
from echocli.wire.messages import Ack, Backpressure, Numbered, Resume, Start
from tests.remote.fake import second
from tests.remote.network import network

pytestmark = pytest.mark.unit


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
        assert played.core.courses[0].outbox.waiting(0) <= 2 * SAMPLE_RATE


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
