"""How models take over from each other, and what is left when it all ends: nothing."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from echocli.errors import EchoError
from echocli.events import Notice
from echocli.providers.base import DecodeOptions, LoadSpec, Window
from echocli.runtime.service import Service, ServiceOptions
from echocli.runtime.standing import ProbeOptions, Standing
from echocli.runtime.supervisor import Outcome, Supervisor
from tests.runtime.conftest import Script, eventually, gone
from tests.runtime.services import (
    Serve,
    codes,
    crashes,
    decode,
    failovers,
    others,
    services,
    workers,
)

pytestmark = pytest.mark.unit

EAGER = ServiceOptions(probe=ProbeOptions(first=0.0))
"""Probes as soon as somebody looks."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with services() as make:
        yield make


def never(spec: LoadSpec) -> bool:
    """Say that memory has no room for another model."""
    return False


def pid_of(service: Service) -> int:
    assert service.current.worker_pid is not None
    return service.current.worker_pid


def test_the_other_model_takes_over_once_it_is_warm(serve: Serve, script: Script) -> None:
    service = serve(script(name="big", texts=["big"]))
    small = script(name="small", texts=["small"], load_ms=300)
    assert decode(service, 0) == ["big"]
    old = pid_of(service)
    service.want(small)
    assert (decode(service, 1), service.coming, service.in_force) == (["big"], small, False)
    assert service.settle(wait=True)
    assert (service.spec, service.coming, service.in_force) == (small, None, True)
    assert decode(service, 2) == ["small"]
    assert gone(old)
    assert not service.notices


def test_nothing_takes_over_that_was_not_wanted(serve: Serve, script: Script) -> None:
    service = serve(script(name="big"))
    service.ready()
    service.want(service.spec)
    assert service.coming is None
    assert not service.settle(wait=True)


def test_a_wish_that_is_taken_back_ends_the_model_that_was_coming(
    serve: Serve, script: Script
) -> None:
    service = serve(script(name="big", texts=["big"]))
    service.ready()
    service.want(script(name="small", load_ms=60_000))
    service.want(service.spec)
    assert (service.settle(wait=True), service.in_force) == (False, True)
    assert decode(service, 0) == ["big"]
    assert others(service) == []


def test_wanting_the_same_again_does_not_start_it_again(serve: Serve, script: Script) -> None:
    service = serve(script(name="big"))
    service.ready()
    small = script(name="small", load_ms=200)
    service.want(small)
    eventually(lambda: bool(others(service)), "the worker starts")
    before = others(service)
    service.want(small)
    assert others(service) == before


def test_a_model_that_cannot_be_started_leaves_the_old_one_in_service_for_good(
    serve: Serve, script: Script
) -> None:
    service = serve(script(name="big", texts=["big"]))
    service.ready()
    broken = script(name="broken", load_error="the weights are damaged")
    service.want(broken)
    assert not service.settle(wait=True)
    (notice,) = service.notices
    assert isinstance(notice, Notice)
    assert notice.code == "swap_failed"
    assert "the weights are damaged" in notice.message
    assert (decode(service, 0), service.in_force) == (["big"], True)
    assert service.standings.of(broken) is Standing.DISABLED
    service.want(service.spec)
    service.want(broken)
    assert (service.coming, service.target) == (None, broken)


def test_whoever_serves_is_restarted_also_when_a_model_that_never_worked_is_wanted(
    serve: Serve, script: Script
) -> None:
    service = serve(script(name="big", texts=["big"], steps=crashes(2, 3, 4)))
    assert decode(service, 0) == ["big"]
    service.want(script(name="broken", load_error="no"))
    service.settle(wait=True)
    assert decode(service, 1) == ["big"]
    assert failovers(service) == []


def test_the_death_of_the_worker_that_comes_up_costs_a_restart(
    serve: Serve, script: Script
) -> None:
    service = serve(script(name="big", texts=["big"]))
    service.ready()
    service.want(script(name="small", texts=["small"], load_ms=300))
    eventually(lambda: bool(others(service)), "the worker starts")
    (coming,) = others(service)
    os.kill(coming, signal.SIGKILL)
    assert service.settle(wait=True)
    assert (decode(service, 0), service.restarts) == (["small"], 1)


def test_whoever_breaks_while_another_comes_up_is_followed_by_that_very_one(
    serve: Serve, script: Script
) -> None:
    big = script(name="big", texts=["big"], steps=crashes(1, 2, 3))
    service = serve(big, script(name="other", texts=["other"]))
    service.ready()
    service.want(script(name="small", texts=["small"], load_ms=800))
    eventually(lambda: bool(others(service)), "the worker starts")
    (coming,) = others(service)
    assert decode(service, 0, 1) == ["small", "small"]
    assert (pid_of(service), failovers(service)) == (coming, [("big", "small", 2.0)])


def test_where_memory_does_not_hold_both_the_old_one_ends_first(
    serve: Serve, script: Script
) -> None:
    service = serve(script(name="big", texts=["big"]), holds_both=never)
    service.ready()
    old = pid_of(service)
    service.want(script(name="small", texts=["small"]))
    assert gone(old)
    assert codes(service) == ["cold_swap"]
    assert service.in_force
    assert workers() == [pid_of(service)]
    assert decode(service, 0) == ["small"]


def test_a_cold_swap_that_fails_brings_the_old_one_back(serve: Serve, script: Script) -> None:
    service = serve(script(name="big", texts=["big"]), holds_both=never)
    service.ready()
    service.want(script(name="broken", load_error="no"))
    assert decode(service, 0) == ["big"]
    assert failovers(service) == [("broken", "big", 1.0)]


@pytest.mark.parametrize("both", [True, False])
def test_a_worker_that_has_grown_is_renewed(serve: Serve, script: Script, both: bool) -> None:
    service = serve(script(texts=["a"]), holds_both=lambda _: both)
    assert decode(service, 0) == ["a"]
    old = pid_of(service)
    service.renew()
    assert service.in_force
    assert service.settle(wait=True)
    assert pid_of(service) != old
    assert decode(service, 1) == ["a"]
    assert (gone(old), codes(service)) == (True, [] if both else ["cold_swap"])


def test_a_renewal_that_fails_says_nothing_of_who_serves(serve: Serve, script: Script) -> None:
    spec = script(texts=["a"])
    service = serve(spec)
    service.ready()
    script(load_error="the disk is gone")
    service.renew()
    assert not service.settle(wait=True)
    assert codes(service) == ["swap_failed"]
    assert service.standings.of(spec) is Standing.HEALTHY
    assert decode(service, 0) == ["a"]


def test_a_model_at_rest_has_no_process_and_is_loaded_by_the_next_request(
    serve: Serve, script: Script
) -> None:
    service = serve(script(texts=["a"]))
    service.ready()
    service.rest()
    assert workers() == []
    assert decode(service, 0) == ["a"]
    assert service.restarts == 0


def test_nobody_takes_over_in_the_middle_of_a_request(serve: Serve, script: Script) -> None:
    class Noting(Supervisor):
        def decode(
            self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
        ) -> list[Outcome]:
            begun.set()
            return super().decode(windows, options, urgency=urgency)

    begun = threading.Event()
    service = serve(script(name="big", texts=["big"]), make=Noting)
    service.ready()
    os.kill(pid_of(service), signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(decode, service, 0, 1)
        assert begun.wait(20)
        service.want(script(name="small", texts=["small"]))
        assert not service.settle(wait=True)
        eventually(lambda: len(workers()) == 2, "the other one starts")
        assert (service.spec.model, service.in_force) == ("big", False)
        os.kill(pid_of(service), signal.SIGCONT)
        assert request.result(20) == ["big", "big"]
    service.settle(wait=True)
    assert service.spec.model == "small"


def test_wishes_may_come_from_another_thread_while_windows_are_decoded(
    serve: Serve, script: Script
) -> None:
    specs = [script(name=name, texts=[name]) for name in ("big", "small")]
    service = serve(specs[0])
    service.ready()
    over = threading.Event()

    def wish() -> None:
        number = 0
        while not over.is_set():
            number += 1
            service.want(specs[number % 2])
            service.settle()
            service.notices.clear()
            if number % 5 == 0:
                service.renew()
                service.rest()

    with ThreadPoolExecutor(1) as pool:
        wishing = pool.submit(wish)
        try:
            for number in range(12):
                assert decode(service, number)[0] in ("big", "small")
        finally:
            over.set()
        wishing.result()


@pytest.mark.parametrize("how", ["close", "kill"])
@pytest.mark.parametrize("state", ["new", "loading", "swapping", "probing", "resting", "cold"])
def test_the_end_leaves_nothing_behind_whatever_was_going_on(
    serve: Serve, script: Script, how: str, state: str
) -> None:
    first = script(name="first", texts=["a"], load_ms=60_000 if state == "loading" else 0)
    second = script(name="second", texts=["b"])
    other = script(name="other", load_ms=60_000)
    holds = never if state == "cold" else lambda _: True
    service = serve(first, second, options=EAGER, holds_both=holds)
    if state == "loading":
        service.begin()
    elif state != "new":
        decode(service, 0)
    if state in ("swapping", "cold"):
        service.want(other)
    elif state == "probing":
        service.standings.failed(first, 0.0, "it was slow")
        service.want(second)
        service.settle(wait=True)
        script(name="first", load_ms=60_000)
        service.want(first)
        service.settle()
        assert service.coming == first
    elif state == "resting":
        service.rest()
    getattr(service, how)()
    eventually(lambda: workers() == [], "the workers end")
    with pytest.raises(EchoError):
        decode(service, 1)
    assert workers() == []


@pytest.mark.parametrize("keys", [{"steps": {"1": "hang"}}, {"load_ms": 60_000}], ids=str)
def test_who_waits_for_a_service_that_is_killed_gets_an_error_and_no_fallback_starts(
    serve: Serve, script: Script, keys: dict[str, object]
) -> None:
    service = serve(script(name="first", **keys), script(name="second", texts=["b"]))
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(decode, service, 0)
        if "steps" in keys:
            state = Path(service.spec.path + ".state")
            eventually(lambda: state.exists(), "the window is decoded")
        else:
            eventually(lambda: bool(workers()), "the worker starts")
        service.kill()
        with pytest.raises(EchoError):
            request.result(20)
    assert workers() == []
    assert failovers(service) == []
