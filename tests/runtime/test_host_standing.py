"""Models that die, fail or rest, and come back though nobody asks."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from echocli.errors import EchoError, ModelError
from echocli.events import Failover
from echocli.runtime.guest import Guest
from echocli.runtime.host import LONGEST, RETRY, Host
from echocli.runtime.policy import Deadline, Policy
from echocli.runtime.succession import ServiceOptions
from tests.runtime.conftest import Script, eventually
from tests.runtime.hosting import Later, Open, asked, hosting, point_of
from tests.runtime.services import leaving, workers

pytestmark = pytest.mark.unit


@pytest.fixture
def open_house() -> Iterator[Open]:
    with hosting() as make:
        yield make


def test_a_worker_that_dies_while_nobody_asks_is_missed_and_replaced(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["x"], load_ms=300))
    assert host.wait_ready(30)
    pid = host.standing.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not host.standing.ready, "the death is known")
    assert host.standing.reason
    eventually(lambda: host.standing.ready, "another is there")
    assert host.standing.worker_pid not in (None, pid)
    assert host.standing.warmup_ms is not None
    assert asked(host.enter("guest", live=True), [1]) == ["x"]


WATCHFUL = Policy(Deadline(minimum=2.0, idle=1.0), ping_every=0.1, answers_within=0.2)


def stopped(host: Host) -> int:
    """Return the process id of a worker that is stopped from now on."""
    pid = host.standing.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_a_worker_that_hangs_while_nobody_asks_is_missed_and_replaced(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["x"]), make=leaving(WATCHFUL))
    assert host.wait_ready(30)
    pid = stopped(host)
    eventually(lambda: not host.standing.ready, "it is missed")
    assert host.standing.reason == "the worker does not answer"
    eventually(lambda: host.standing.ready, "another is there")
    assert host.standing.worker_pid not in (None, pid)
    assert host.service.restarts == 1


def test_a_worker_that_hangs_is_replaced_however_many_wait_for_it(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["x"]), make=leaving(WATCHFUL))
    assert host.wait_ready(30)
    stopped(host)
    eventually(lambda: not host.standing.ready, "it is missed")

    done = threading.Event()

    def wait() -> None:
        while not done.is_set():
            host.wait_ready(0.02)

    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(wait) for _ in range(3)]
        try:
            eventually(lambda: host.service.restarts > 0, "it is replaced")
        finally:
            done.set()
        assert [job.exception() for job in waiting] == [None] * 3


def test_a_worker_that_hangs_at_work_does_not_count_as_ready(
    open_house: Open, script: Script
) -> None:
    policy = Policy(Deadline(minimum=1.5, factor=0.0, late=0.1), ping_every=3600.0)
    host = open_house(script(texts=["x"]), make=leaving(policy))
    assert host.wait_ready(30)
    guest = host.enter("guest", live=True)
    with ThreadPoolExecutor(1) as pool:
        stopped(host)
        job = pool.submit(asked, guest, [1])
        eventually(lambda: host.standing.late, "it is missed")
        assert host.wait_ready(0.0)  # whoever comes waits for a turn in any case
        assert host.standing.reason == "a request takes far longer than expected"
        assert not host.standing.ready
        assert job.result() == ["x"]
    eventually(lambda: host.standing.ready, "another is there")


def test_a_worker_that_is_asked_for_signs_of_life_still_counts_as_unused(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["x"]), make=leaving(WATCHFUL), unload_after=1.0)
    assert host.wait_ready(30)
    assert host.service.restarts == 0
    eventually(lambda: workers() == [], "the model is let go of")
    assert host.service.restarts == 0


def test_a_worker_that_dies_at_work_costs_no_guest_an_answer(
    open_house: Open, script: Script
) -> None:
    host = open_house(script(texts=["x"], delay_ms=20, steps={"4": "crash"}, slots=2))
    guests = [host.enter(f"guest {n}", live=True) for n in range(3)]

    def four(guest: Guest, number: int) -> list[list[str | None]]:
        return [asked(guest, [10 * number + i]) for i in range(4)]

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(four, *pair) for pair in zip(guests, range(3), strict=True)]
        assert [job.result() for job in jobs] == [[["x"]] * 4] * 3
    assert host.service.restarts == 1


def test_a_model_that_cannot_be_loaded_is_an_error_and_is_tried_again_later(
    open_house: Open, script: Script, tmp_path: Any
) -> None:
    clock = Later()
    spec = script(load_error="it is broken")
    host = open_house(spec, clock=clock)
    with pytest.raises(ModelError, match="it is broken"):
        host.wait_ready(30)
    assert not host.standing.ready
    assert "it is broken" in str(host.standing.reason)
    script(texts=["x"])
    with pytest.raises(ModelError, match="it is broken"):
        host.wait_ready(30)
    clock.more = RETRY
    assert host.wait_ready(30)
    assert asked(host.enter("guest", live=True), [1]) == ["x"]


def test_a_model_that_failed_is_tried_again_though_nobody_asks(
    open_house: Open, script: Script
) -> None:
    clock = Later()
    host = open_house(script(load_error="it is broken"), clock=clock)
    with pytest.raises(ModelError, match="it is broken"):
        host.wait_ready(30)
    script(texts=["x"])
    clock.more = RETRY
    eventually(lambda: host.standing.ready, "it is loaded")


def test_a_provider_that_failed_at_work_comes_back_though_nobody_asks(
    open_house: Open, script: Script
) -> None:
    clock = Later()
    host = open_house(script(texts=["x"]), options=ServiceOptions(outage=0.0), clock=clock)
    assert host.wait_ready(30)
    script(load_error="it is broken")
    pid = host.standing.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EchoError):
        asked(host.enter("guest", live=True), [1])
    assert not host.standing.ready
    script(texts=["x"])
    clock.more = LONGEST
    eventually(lambda: host.standing.ready, "it serves again")
    assert asked(host.enter("another", live=True), [2]) == ["x"]


def test_a_model_nobody_uses_is_let_go_of_and_comes_back_when_asked(
    open_house: Open, script: Script
) -> None:
    clock = Later()
    host = open_house(script(texts=["x"]), unload_after=60.0, clock=clock)
    assert host.wait_ready(30)
    host.enter("guest", live=True)
    clock.more = 3600.0
    assert host.wait_ready(0.6)
    host.leave("guest")
    assert len(workers()) == 1
    clock.more += 61.0
    eventually(lambda: workers() == [], "the model is let go of")
    resting = "no model is loaded; the next request loads it"
    eventually(lambda: host.standing.reason == resting, "it is said")
    assert host.wait_ready(30)
    assert asked(host.enter("another", live=False), [1]) == ["x"]


def test_everybody_hears_of_a_failover(open_house: Open, script: Script) -> None:
    first = script(name="first", texts=["x"], steps=dict.fromkeys(map(str, range(2, 12)), "crash"))
    host = open_house(first, script(name="second", texts=["y"]))
    live, file = host.enter("live", live=True), host.enter("file", live=False)
    follower, _ = host.follow("live", point_of(first), 1)
    assert asked(live, [0]) == ["y"]
    heard: list[Any] = []

    def both() -> bool:
        heard.extend(follower.news(0.0, 1.0))
        return any(isinstance(event, Failover) for event in heard) and any(
            isinstance(event, Failover) for event in file.notices
        )

    eventually(both, "both are told")


def test_whoever_ends_it_while_the_model_loads_is_told_of_no_failure(
    open_house: Open, script: Script
) -> None:
    told: list[EchoError] = []
    host = open_house(script(texts=["x"], load_ms=60_000), failed=told.append)
    eventually(lambda: host.standing.worker_pid is not None, "the worker is there")
    host.close()
    assert told == []
