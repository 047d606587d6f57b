"""Sessions that the server ends by itself: nobody hears of it, and nothing is lost."""

from __future__ import annotations

import pytest

from echocli.events import End, Notice, SpeechEnded, StatsEvent
from echocli.remote.actions import Phase, Send
from echocli.remote.outbox import to_pcm
from echocli.remote.policy import Loss
from echocli.remote.telling import CUT
from echocli.types import SAMPLE_RATE
from echocli.wire.codes import Close, Code
from echocli.wire.messages import Finish, Refusal, Resume, Start
from tests.remote.fake import second
from tests.remote.network import Network, network

pytestmark = pytest.mark.unit


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

    def test_speech_that_it_cuts_is_said_with_its_place(self) -> None:
        with network() as played:
            played.capture(3)
            played.step()
            assert played.talk is not None
            played.talk.say(SpeechEnded(2, 2.0, 2.4, "silence", "source0"))
            played.talk.say(SpeechEnded(3, 2.5, 3.0, "end", "source0"))
            played.step()
            self.asleep(played)
            (notice,) = [one for one in played.events if isinstance(one, Notice)]
            assert notice.code == CUT
            assert notice.message.startswith("mic: ")
            assert "0:03" in notice.message

    def test_the_last_words_of_a_session_that_we_end_are_not_cut(self) -> None:
        with network() as played:
            played.capture(3)
            played.step()
            talk = played.talk
            assert talk is not None
            played.core.over(0)
            played.core.tick(played.now)
            assert played.core.take()  # `finish`, which the server takes in a moment
            talk.say(SpeechEnded(3, 2.5, 3.0, "end", "source0"))
            played.answer()
            played.act()
            assert not [one for one in played.events if isinstance(one, Notice)]

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
