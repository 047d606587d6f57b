"""How fast a source that can wait is taken while no server takes its sound."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echocli.audio.capture import Captured, Sink
from echocli.audio.stopping import StopRule
from echocli.remote.core import Core
from echocli.remote.intake import ROOM, Intake
from echocli.remote.policy import Policy
from echocli.remote.spool import Spool
from echocli.types import SAMPLE_RATE
from tests.remote.fake import second

pytestmark = pytest.mark.unit

PLENTY = 10 * ROOM // SAMPLE_RATE
"""Seconds that the source has at once: ten times what may wait."""

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

    def take(self, now: float) -> int:
        """Take what comes until nothing does; seconds of sound that were taken in all."""
        self.intake.look(now)
        while self._news.wait(0.1):
            self._news.clear()
            while self._posted:
                self._posted.popleft()(now)
        return self.core.position // SAMPLE_RATE


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
    room = ROOM // SAMPLE_RATE
    for elapsed in (1, 20, 21, 100):
        # One second more is at the door: it is let in as soon as there is any room.
        assert room + elapsed <= taking.take(BEGAN + elapsed) <= room + elapsed + 1


def test_at_the_end_the_source_is_let_out(taking: Taking) -> None:
    taking.take(BEGAN + 1)
    taking.intake.stop()
    assert taking.take(BEGAN + 1) == PLENTY
