"""What a client believes of a server: one that breaks the protocol, is slow, or said goodbye."""

from __future__ import annotations

import pytest

from echocli.events import Final, Notice
from echocli.remote.actions import HangUp, Phase, Send
from echocli.remote.core import SILENT, STUCK
from echocli.remote.policy import Loss
from echocli.remote.telling import WRONG_PLACE, hint
from echocli.types import SAMPLE_RATE, Segment
from echocli.wire.codes import Close, Code
from echocli.wire.messages import Accepted, Ack, Finish, Numbered, Ready, Refusal, to_text
from tests.remote.network import network

pytestmark = pytest.mark.unit

FAR = {"source0": SAMPLE_RATE + 1}
"""Behind the only second that was sent."""


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"type": "ack"}', '{"type": "final", "seq": "x"}'),
        '{"type": "final", "id": 0, "start": 0.0, "end": 1e308, "text": "", "seq": 9}',
        to_text(Ack(FAR, {})),
        to_text(Ack({}, FAR)),
        to_text(Accepted("s", "t", True, FAR, {}, {})),
        to_text(Accepted("s", "t", True, {}, FAR, {})),
    ],
)
def test_a_server_that_breaks_the_protocol_is_not_asked_again(text: str) -> None:
    with network() as played:
        played.capture()
        played.step()
        played.core.received(text, played.now)
        played.step()
        assert played.core.phase is Phase.LOST
        failure = played.core.failure
        assert failure is not None
        assert failure.fatal
        assert "the server is not understood" in failure.reason
        assert hint(failure.loss) == WRONG_PLACE


def test_a_text_about_what_was_not_captured_yet_costs_no_later_sound() -> None:
    with network() as played:
        played.capture()
        played.step()
        final = Final(Segment(9, 0.5, 9000.0, "far", source="source0"))
        played.tell(Numbered(played.core.story.seen + 1, final))
        played.capture()
        assert played.core.courses[0].waiting == SAMPLE_RATE


def test_a_server_whose_model_loads_for_minutes_is_waited_for() -> None:
    with network() as played:
        core = played.core
        played.capture()
        core.over(0)
        core.tick(0.0)
        core.connected(0.0)
        core.received(to_text(Accepted("s", "t", False, {}, {}, {})), 0.0)
        while core.next_frame() is not None:
            pass
        core.tick(0.0)
        assert any(isinstance(one, Send) and "finish" in one.data for one in core.take())
        core.tick(10 * STUCK)
        assert core.take() == []
        core.received(to_text(Ready("s", "fake", "numbers", None, None, ("source0",))), 10 * STUCK)
        core.tick(10 * STUCK + SILENT - 1)
        assert not any(isinstance(one, HangUp) for one in core.take())
        core.tick(10 * STUCK + SILENT)
        assert any(isinstance(one, HangUp) for one in core.take())


def test_what_a_server_said_explains_the_loss_that_follows_and_no_later_one() -> None:
    with network() as played:
        played.capture()
        played.step()
        played.up = False
        played.tell(Refusal(Code.GOING_AWAY, "the server ends", retryable=True, retry_after=5.0))
        played.cut(Loss("", Close.GOING_AWAY))
        for _ in range(30):
            played.step()
        said = [one.message for one in played.events if isinstance(one, Notice)]
        assert "the server ends; trying again in 5 s" in said[0]
        assert "Connection refused; trying again in 2 s" in said[1]
        assert "Connection refused; trying again in 4 s" in said[2]


@pytest.mark.parametrize("secs", [1, 30])
def test_sound_that_is_lost_at_the_very_end_is_stated_as_a_gap(secs: int) -> None:
    with network() as played:
        played.capture()
        played.step()
        played.core.missing(0, secs * SAMPLE_RATE)
        played.step()
        assert played.frames[-1].payload, "more sound may come"
        played.core.over(0)
        played.step()
        played.step()
        last = played.frames[-1]
        assert (last.index, last.payload) == ((1 + secs) * SAMPLE_RATE, b"")
        assert any(isinstance(one, Finish) for one in played.heard)


def test_of_a_source_that_never_had_sound_nothing_is_stated() -> None:
    with network("mic", "system") as played:
        played.core.missing(1, SAMPLE_RATE)
        played.core.over(1)
        played.step(2)
        played.step()
        assert played.frames == []
