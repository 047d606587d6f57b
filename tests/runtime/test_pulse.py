"""When an idle worker is asked for a sign of life, and for how long it has owed one."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from echocli.runtime.pulse import LOOK, STEP, Pulse, waits

pytestmark = pytest.mark.unit


class Worker:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.signs: list[Future[None]] = []

    def ping(self) -> Future[None]:
        self.signs.append(Future())
        return self.signs[-1]


def test_it_is_asked_now_and_then_and_only_once_at_a_time() -> None:
    pulse, worker = Pulse(5.0), Worker()
    for now in range(4):
        pulse.feel(now, worker.ping)
    assert len(worker.signs) == 1
    worker.signs[0].set_result(None)
    for now in range(4, 12):
        pulse.feel(now, worker.ping)
    assert len(worker.signs) == 2


def test_it_owes_an_answer_until_that_comes() -> None:
    pulse, worker = Pulse(5.0), Worker()
    assert pulse.owed == 0.0
    for now in (0.0, 0.25, 0.75):
        pulse.feel(now, worker.ping)
    assert pulse.owed == 0.75
    worker.signs[0].set_exception(OSError("it died"))
    assert pulse.owed == 0.0
    for now in (5.0, 5.5):
        pulse.feel(now, worker.ping)
    assert pulse.owed == 0.5


class Frozen(Future[str]):
    """An answer that comes after so many looks, whatever the clock says after each."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def exception(self, timeout: float | None = None) -> BaseException | None:
        assert timeout is not None
        self._looks -= 1
        if self._looks < 0:
            self.set_result("an answer")
            return super().exception()
        raise TimeoutError


def test_an_answer_is_waited_for_until_it_is_there() -> None:
    answer = Frozen(2)
    assert list(waits(answer, 10.0)) == [LOOK, 2 * LOOK]
    assert answer.result() == "an answer"


def test_an_answer_is_not_waited_for_longer_than_the_limit() -> None:
    assert list(waits(Frozen(9), 2.5 * LOOK)) == [LOOK, 2 * LOOK, 2.5 * LOOK]


def test_time_in_which_nobody_looked_is_not_held_against_it() -> None:
    pulse, worker = Pulse(5.0), Worker()
    pulse.feel(0.0, worker.ping)
    pulse.feel(3600.0, worker.ping)
    assert pulse.owed == STEP
