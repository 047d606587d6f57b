"""Turns of whoever stands in, with a run that is played: no model, no server."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from echocli.api.hosting import Hosting
from echocli.clock import SystemClock
from echocli.errors import EchoError, ModelError
from echocli.events import Event, Failover, Final, Gap, Notice
from echocli.remote.actions import Phase
from echocli.remote.core import Core
from echocli.remote.outbox import to_pcm
from echocli.remote.policy import Loss, Policy
from echocli.remote.spool import Spool
from echocli.remote.standin import GRACE, StandIn
from echocli.types import SAMPLE_RATE, Segment
from tests.remote.fake import second

pytestmark = pytest.mark.unit

REFUSED = Loss("HTTP 401 Unauthorized", status=401)

Played = list[tuple[Event, int] | Exception | threading.Barrier]
"""Events of a run with up to where all is settled then, whom it waits for, and what ends it."""


class Run:
    """A live run that says what it was told to."""

    def __init__(self, played: Played) -> None:
        self._played = played
        self._settled = 0

    def events(self) -> Iterator[Event]:
        for one in self._played:
            if isinstance(one, Exception):
                raise one
            if isinstance(one, threading.Barrier):
                one.wait()
                continue
            event, self._settled = one
            yield event

    def settled(self, name: str) -> int:
        assert name == "mic"
        return self._settled

    def stop(self, *, catch_up: bool) -> None:
        assert not catch_up


class Stage:
    """A core that captured three seconds, and whoever stands in for its server."""

    def __init__(self, folder: Path, played: Played | None = None) -> None:
        self.core = Core(["mic"], "host", Policy(lambda: 0.5), Spool(0, folder))
        for value in (1, 2, 3):
            self.core.captured(0, to_pcm(second(value)))
        self.core.over(0)
        self.events: list[Event] = []
        self.calls: queue.SimpleQueue[Callable[[float], None]] = queue.SimpleQueue()
        self.opened = 0
        self.error: Exception | None = None
        self.open = threading.Event()
        self.open.set()
        self._played = played or []
        self.stand_in = StandIn("host", self.spare, SystemClock(), self.events.append, align=False)
        self.stand_in.core, self.stand_in.post = self.core, self.calls.put

    @contextmanager
    def spare(self) -> Iterator[Hosting]:
        self.opened += 1
        self.open.wait()
        if self.error is not None:
            raise self.error
        yield cast(Hosting, self)

    # What a run asks of the model here

    host = SimpleNamespace(standing=SimpleNamespace(spec=SimpleNamespace(provider="p", model="m")))

    def live(self, *_: Any, **__: Any) -> Run:
        return Run(self._played)

    def close_guest(self, name: str) -> None:
        pass

    def cancel(self, name: str) -> None:
        pass

    # What happens to the server

    def lose(self, loss: Loss, now: float) -> None:
        self.core.tick(now)
        self.core.lost(loss, now)
        self.stand_in.look(now)

    def give_up(self) -> None:
        """Have the server refuse for good, and the run here end."""
        self.lose(REFUSED, 0.0)
        while self.core.held:
            self.calls.get(timeout=10)(1.0)
        self.stand_in.close()


def final(start: int) -> Event:
    return Final(Segment(start, float(start), start + 1.0, f" {start}", source="mic"))


def gap(start: int, end: int) -> Event:
    return Gap(float(start), float(end), "spooled: the model is gone", "mic")


WHOLE: Played = [(final(0), SAMPLE_RATE), (gap(1, 2), SAMPLE_RATE), (final(2), 3 * SAMPLE_RATE)]


def test_a_run_that_comes_to_its_end_leaves_nothing_to_do(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WHOLE)
    stage.give_up()
    assert stage.core.phase is Phase.OVER
    assert stage.core.waiting == 0
    assert [type(one) for one in stage.events] == [Failover, Final, Gap, Final]


@pytest.mark.parametrize(
    "error", [ModelError("no model"), BlockingIOError(11, "no"), MemoryError()]
)
def test_whatever_keeps_this_machine_from_decoding_is_a_failure_that_is_told(
    tmp_path: Path, error: Exception
) -> None:
    stage = Stage(tmp_path)
    stage.error = error
    stage.give_up()
    (notice,) = stage.events
    assert isinstance(notice, Notice)
    assert notice.code == "fallback_failed"
    assert (str(error) or "MemoryError") in notice.message
    assert stage.core.phase is Phase.LOST
    assert stage.core.waiting == 3.0


@pytest.mark.parametrize("error", [ModelError("every provider failed"), OSError("broken")])
def test_what_a_run_that_fails_did_not_decode_still_waits_for_the_server(
    tmp_path: Path, error: EchoError | OSError
) -> None:
    given_up = (gap(1, 3), 3 * SAMPLE_RATE)
    stage = Stage(tmp_path, [(final(0), SAMPLE_RATE), given_up, error])
    stage.give_up()
    assert [type(one) for one in stage.events] == [Failover, Final, Notice]
    assert stage.core.phase is Phase.LOST
    assert stage.core.waiting == 2.0


def test_a_server_that_refuses_is_named_with_its_reason(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WHOLE)
    stage.give_up()
    assert stage.events[0] == Failover("remote:host", "p:m", REFUSED.reason, 3.0)


def test_a_second_turn_waits_for_the_model_that_the_first_has_asked_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path, WHOLE)
    stage.open.clear()
    stage.lose(Loss("Connection refused"), 0.0)
    stage.lose(Loss("Connection refused"), GRACE)  # the first turn begins
    stage.core.tick(60.0)
    stage.core.connected(60.0)
    stage.stand_in.look(60.0)  # nobody spoke: it is over at once
    assert not stage.core.held
    stage.lose(Loss("it broke off", 1006), 61.0)
    stage.core.tick(120.0)
    stage.lose(REFUSED, 120.0)  # the second one begins
    assert stage.core.held
    stage.open.set()
    while stage.core.held:
        stage.calls.get(timeout=10)(121.0)
    stage.stand_in.close()
    assert stage.opened == 1
    assert stage.core.phase is Phase.OVER


def test_how_far_a_run_is_can_be_seen_before_its_events_are_taken(tmp_path: Path) -> None:
    meet = threading.Barrier(2, timeout=10)
    played: Played = [(gap(0, 2), 2 * SAMPLE_RATE), meet, meet, (final(2), 3 * SAMPLE_RATE)]
    stage = Stage(tmp_path, played)
    (course,) = stage.core.courses
    stage.lose(REFUSED, 0.0)
    meet.wait()
    stage.stand_in.look(1.0)
    assert (course.settled, course.decoded) == (0, 2 * SAMPLE_RATE)  # the gap waits for a text
    meet.wait()
    while stage.core.held:
        stage.calls.get(timeout=10)(1.0)
    stage.stand_in.close()
