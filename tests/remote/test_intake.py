"""How fast a source that can wait is taken, with a server, without one, and in its place."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echocli.audio.capture import Captured, Sink
from echocli.audio.stopping import StopRule
from echocli.remote.actions import Phase
from echocli.remote.core import Core
from echocli.remote.intake import ROOM, Intake
from echocli.remote.policy import Policy
from echocli.remote.spool import Spool
from echocli.types import SAMPLE_RATE
from tests.remote.fake import second

pytestmark = pytest.mark.unit

WAITING = ROOM // SAMPLE_RATE
"""Seconds that may wait."""

PLENTY = 10 * WAITING
"""Seconds that the source has at once."""

PATIENCE = 10.0
"""Seconds that something may take that is sure to come."""

A_WHILE = 0.05
"""Seconds in which a source that may go on would have done so."""

BEGAN = 100.0
"""The clock when the source was started."""


class Rushing:
    """A source that hands on a second after the other as fast as it may, in its own thread."""

    name = "sound"

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def start(self, sink: Sink) -> None:
        self._thread = threading.Thread(target=self._run, args=(sink,))
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self, sink: Sink) -> None:
        for value in range(PLENTY):
            sink(Captured(second(value), BEGAN + 1))


class Taking:
    """An intake whose posts are told to it here, at the time that is given."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.source = Rushing()
        self.intake = Intake(
            core,
            [self.source],
            StopRule(),
            lambda _: None,
            can_wait=True,
            waits=False,
        )
        self._posted: deque[Callable[[float], None]] = deque()
        self._news = threading.Event()
        self.intake.start(self._post)

    def _post(self, call: Callable[[float], None]) -> None:
        self._posted.append(call)
        self._news.set()

    def take(self, now: float, expected: int) -> int:
        """Take so many seconds of sound in all, and what comes behind them; how many it were."""
        self.intake.look(now)
        while self._news.wait(A_WHILE if self.taken >= expected else PATIENCE):
            self._news.clear()
            while self._posted:
                self._posted.popleft()(now)
        return self.taken

    @property
    def taken(self) -> int:
        """Seconds of sound that were taken so far."""
        return self.core.position // SAMPLE_RATE

    def decode(self, now: float, secs: int) -> None:
        """Have a server decode all that comes until it has had so many seconds."""
        (course,) = self.core.courses
        self.core.phase = Phase.LIVE
        while self.taken < secs:
            course.settle(course.outbox.end)
            self.take(now, min(secs, self.taken + WAITING))
        course.settle(course.outbox.end)


@pytest.fixture
def taking(tmp_path: Path) -> Iterator[Taking]:
    spool = Spool(10**8, tmp_path)
    taking = Taking(Core(("sound",), "host", Policy(lambda: 0.5), spool))
    yield taking
    taking.intake.stop()
    spool.close()


def test_without_a_server_no_more_is_taken_than_could_have_been_spoken_and_what_may_wait(
    taking: Taking,
) -> None:
    for elapsed in (1, 20, 21, 100):
        assert taking.take(BEGAN + elapsed, WAITING + elapsed) == WAITING + elapsed


def test_real_time_counts_from_when_the_server_went_away(taking: Taking) -> None:
    had = 4 * WAITING
    taking.decode(BEGAN + 12, had)
    taking.core.phase = Phase.WAITING
    for away in (0, 1, 20):
        assert taking.take(BEGAN + 12 + away, had + WAITING + away) == had + WAITING + away


def test_a_server_that_comes_and_goes_and_decodes_nothing_is_no_reason_to_take_more(
    taking: Taking,
) -> None:
    for elapsed in range(1, 10):
        taking.core.phase = Phase.LIVE if elapsed % 2 else Phase.LOST
        taking.intake.look(BEGAN + elapsed)
        taking.core.phase = Phase.LOST
        assert taking.take(BEGAN + elapsed, WAITING + elapsed) == WAITING + elapsed


def test_whoever_stands_in_is_waited_for_like_a_server(taking: Taking) -> None:
    (course,) = taking.core.courses
    had = 2 * WAITING
    taking.decode(BEGAN + 6, had)
    course.received = course.outbox.end  # that the server had it is no use any more
    course.decoded = course.settled
    taking.core.phase, taking.core.held = Phase.LOST, True
    assert taking.take(BEGAN + 60, had + WAITING) == had + WAITING
    course.decoded += 10 * SAMPLE_RATE  # its text may still be on the way
    assert taking.take(BEGAN + 61, had + WAITING + 10) == had + WAITING + 10


def test_at_the_end_the_source_is_let_out(taking: Taking) -> None:
    taking.take(BEGAN + 1, WAITING)
    taking.intake.stop()
    assert taking.take(BEGAN + 1, PLENTY) == PLENTY
