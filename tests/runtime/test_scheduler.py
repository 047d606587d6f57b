from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from echocli.clock import SteppingClock, SystemClock
from echocli.errors import TranscriptionError
from echocli.runtime.line import Ticket
from echocli.runtime.scheduler import Scheduler
from tests.runtime.tickets import (
    BACKFILL,
    FINAL,
    PARTIAL,
    sessions,
    ticket,
)

pytestmark = pytest.mark.unit

LONG = 10.0
"""Seconds after which a thread that must come is given up."""

LONGER = 3 * LONG
"""Seconds a thread would wait by itself."""


class ToldClock(SteppingClock):
    """A clock that tells when it was asked, which is when somebody comes to the door."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Semaphore(0)

    def now(self) -> float:
        self.asked.release()
        return super().now()


class Office:
    """A scheduler with threads that put, each known to wait before the test goes on."""

    def __init__(self, bound: int, pool: ThreadPoolExecutor) -> None:
        self.clock = ToldClock()
        self.scheduler: Scheduler[int] = Scheduler(bound, self.clock)
        self._pool = pool

    def come(self, one: Ticket[int], timeout: float = LONGER) -> Future[None]:
        while self.clock.asked.acquire(blocking=False):
            pass
        future = self._pool.submit(self.scheduler.put, one, timeout)
        assert self.clock.asked.acquire(timeout=LONG)
        self.scheduler.metrics()  # needs the lock, which is free once the thread waits
        return future


@contextmanager
def office(bound: int = 1) -> Iterator[Office]:
    with ThreadPoolExecutor(8) as pool:
        one = Office(bound, pool)
        try:
            yield one
        finally:
            one.scheduler.close()


def test_who_finds_no_room_in_time_is_told_and_counted() -> None:
    scheduler: Scheduler[int] = Scheduler(1, SteppingClock())
    first = ticket()
    scheduler.put(first)
    with pytest.raises(TranscriptionError, match="too busy: 1 requests wait") as caught:
        scheduler.put(ticket(), timeout=0)
    assert caught.value.hint
    assert scheduler.metrics()["queue_refused"] == 1
    assert scheduler.take(5, timeout=0) == [first]
    scheduler.put(ticket(), timeout=0)


def test_who_waits_at_the_door_is_let_in_when_there_is_room() -> None:
    with office() as at:
        first, second = ticket(), ticket()
        at.scheduler.put(first)
        waiting = at.come(second)
        assert not waiting.done()
        assert at.scheduler.take(1) == [first]
        assert at.scheduler.take(1, LONG) == [second]
        waiting.result(LONG)


def test_the_most_urgent_is_let_in_first_and_then_who_came_first() -> None:
    with office() as at:
        at.scheduler.put(ticket())
        tickets = [ticket("b", PARTIAL), ticket("c", FINAL), ticket("d", FINAL)]
        waiting = [at.come(one) for one in tickets]
        at.scheduler.take(1)
        taken = [at.scheduler.take(1, LONG)[0] for _ in tickets]
        assert sessions(taken) == "cdb"
        for one in waiting:
            one.result(LONG)


def test_who_comes_later_does_not_pass_who_waits_at_the_door() -> None:
    with office() as at:
        at.scheduler.put(ticket("a"))
        at.come(ticket("b", PARTIAL))
        with pytest.raises(TranscriptionError):
            at.scheduler.put(ticket("c", BACKFILL), timeout=0)
        at.scheduler.take(1)
        assert sessions(at.scheduler.take(1, LONG)) == "b"


def test_a_newer_ticket_for_the_same_need_not_wait_at_the_door() -> None:
    with office() as at:
        new = ticket(key=1)
        at.scheduler.put(ticket(key=1))
        at.come(ticket("b"))
        at.scheduler.put(new, timeout=0)
        assert at.scheduler.take(1) == [new]


def test_cancelling_reaches_who_waits_at_the_door_and_nothing_comes_after() -> None:
    with office() as at:
        inside, outside = ticket(key=1), ticket(key=2)
        at.scheduler.put(inside)
        waiting = at.come(outside)
        assert at.scheduler.cancel("a", 2) == [outside]
        assert at.scheduler.cancel("a") == [inside]
        waiting.result(LONG)
        assert at.scheduler.cancel("a") == []
        assert at.scheduler.take(1, timeout=0) == []


def test_time_at_the_door_is_part_of_the_wait() -> None:
    with office() as at:
        at.scheduler.put(ticket())
        at.come(ticket())
        at.clock.advance(2.0)
        at.scheduler.take(1)
        at.scheduler.take(1, LONG)
        assert at.scheduler.metrics()["queue_wait_ms"]["5000"] == 2


def test_taking_from_an_empty_line_gives_nothing_in_time() -> None:
    scheduler: Scheduler[int] = Scheduler(1, SteppingClock())
    assert scheduler.take(1, timeout=0) == []


def test_closing_turns_away_who_waits_and_who_comes() -> None:
    with office() as at:
        first = ticket()
        at.scheduler.put(first)
        waiting = at.come(ticket())
        at.scheduler.close()
        with pytest.raises(TranscriptionError, match="no more work"):
            waiting.result(LONG)
        with pytest.raises(TranscriptionError, match="no more work"):
            at.scheduler.put(ticket())
        assert at.scheduler.take(1) == [first]
        assert at.scheduler.take(1) == []


def test_closing_wakes_who_waits_for_work() -> None:
    scheduler: Scheduler[int] = Scheduler(1, SteppingClock())
    with ThreadPoolExecutor(2) as pool:
        idle = [pool.submit(scheduler.take, 1, LONGER) for _ in range(2)]
        scheduler.close()
        assert [one.result(LONG) for one in idle] == [[], []]


def test_pressure_is_seen_from_outside() -> None:
    scheduler: Scheduler[int] = Scheduler(1, SteppingClock())
    scheduler.put(ticket())
    assert scheduler.pressure
    scheduler.take(1)
    assert not scheduler.pressure


def test_metrics_have_their_names() -> None:
    scheduler: Scheduler[int] = Scheduler(4, SteppingClock())
    scheduler.put(ticket())
    scheduler.put(ticket())
    scheduler.take(1)
    found = scheduler.metrics()
    assert sum(found.pop("queue_wait_ms").values()) == 1
    assert found == {
        "queue_depth": 1,
        "queue_depth_peak": 2,
        "queue_wait_count": 1,
        "queue_wait_total_ms": 0.0,
        "queue_wait_longest_ms": 0.0,
        "queue_refused": 0,
        "queue_pressure": False,
    }


def test_many_threads_put_and_take_everything_once() -> None:
    scheduler: Scheduler[int] = Scheduler(3, SystemClock())
    batches = [[ticket(session, rank=one % 2) for one in range(150)] for session in "abcd"]

    def put(batch: list[Ticket[int]]) -> None:
        for one in batch:
            scheduler.put(one, LONG)

    def take() -> list[int]:
        found: list[int] = []
        while tickets := scheduler.take(2, LONG):
            found += [one.work for one in tickets]
        return found

    with ThreadPoolExecutor(6) as pool:
        takers = [pool.submit(take) for _ in range(2)]
        for one in [pool.submit(put, batch) for batch in batches]:
            one.result(LONG)
        scheduler.close()
        taken = [work for taker in takers for work in taker.result(LONG)]
    assert sorted(taken) == sorted(one.work for batch in batches for one in batch)
    assert scheduler.metrics()["queue_depth_peak"] <= 3
