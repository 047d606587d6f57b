"""How whoever was left comes back: probed with sound of the past, beside whoever serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from echocli.clock import SteppingClock
from echocli.errors import EchoError
from echocli.events import Failover
from echocli.runtime.relief import Relief
from echocli.runtime.service import ServiceOptions
from echocli.runtime.standing import ProbeOptions, Standing
from echocli.runtime.supervisor import Policy, Supervisor
from tests.runtime.conftest import Script
from tests.runtime.services import Serve, codes, crashes, decode, leaving, services, workers

pytestmark = pytest.mark.unit

EAGER = ServiceOptions(probe=ProbeOptions(first=0.0))
"""Probes as soon as somebody looks."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with services() as make:
        yield make


@pytest.fixture
def relief() -> Iterator[Relief]:
    made = Relief(Supervisor)
    yield made
    made.close()
    assert workers() == []


def test_whoever_was_left_takes_back_over_once_it_decodes_what_was_decoded_since(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", texts=["a"], steps=crashes(1, 2, 3))
    service = serve(first, script(name="second", texts=["b"]), options=EAGER)
    assert decode(service, 0) == ["b"]
    assert service.standings.of(first) is Standing.PROBING
    assert service.in_force
    assert service.settle(wait=True)
    assert service.standings.of(first) is Standing.HEALTHY
    assert decode(service, 1) == ["a"]
    told = [event for event in service.notices if isinstance(event, Failover)]
    assert [event.to for event in told] == ["scripted:second", "scripted:first"]
    assert told[1].reason == "it works again"


def test_whoever_cannot_decode_the_past_is_not_trusted(serve: Serve, script: Script) -> None:
    # Three crashes, a warm-up that works, and three crashes with the past.
    first = script(name="first", texts=["a"], steps=crashes(1, 2, 3, 5, 6, 7))
    clock, options = SteppingClock(), ServiceOptions(probe=ProbeOptions(first=10.0))
    service = serve(first, script(name="second", texts=["b"]), clock=clock, options=options)
    decode(service, 0)
    clock.advance(10.0)
    assert decode(service, 1) == ["b"]
    assert service.coming == first
    assert not service.settle(wait=True)
    assert service.standings.of(first) is Standing.DOWN
    clock.advance(20.0)
    service.settle()
    assert service.settle(wait=True)
    assert decode(service, 2) == ["a"]


def test_every_probe_that_fails_doubles_the_wait(serve: Serve, script: Script) -> None:
    clock = SteppingClock()
    options = ServiceOptions(probe=ProbeOptions(first=10.0, longest=25.0))
    policy = Policy(failures_in_a_row=1)
    first = script(name="first", texts=["a"], steps=crashes(*range(1, 100)))
    second = script(name="second", texts=["b"])
    service = serve(first, second, clock=clock, options=options, make=leaving(policy))
    decode(service, 0)
    for wait in (10.0, 20.0, 25.0, 25.0):
        clock.advance(wait - 0.1)
        service.settle()
        assert service.coming is None
        clock.advance(0.1)
        service.settle()
        assert service.coming == first
        service.settle(wait=True)
        assert service.standings.of(first) is Standing.DOWN


def test_a_probe_that_is_broken_off_does_not_lengthen_the_wait(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", texts=["a"], steps=crashes(1, 2, 3))
    second = script(name="second", texts=["b"])
    service = serve(first, second, options=EAGER)
    decode(service, 0)
    assert service.coming == first
    service.want(second)
    assert service.coming is None
    assert service.standings.of(first) is Standing.DOWN
    service.want(first)
    service.settle()
    assert service.settle(wait=True)
    assert decode(service, 1) == ["a"]


def test_who_breaks_while_the_only_other_is_probed_waits_for_it(
    serve: Serve, script: Script
) -> None:
    first = script(name="first", texts=["a"], steps=crashes(1, 2, 3))
    second = script(name="second", texts=["b"], steps={"2": "full", "3": "full"})
    service = serve(first, second, options=EAGER)
    assert decode(service, 0) == ["b"]
    assert service.coming == first
    service.current.kill()
    assert decode(service, 1) == ["a"]


def test_where_memory_does_not_hold_both_it_is_tried_in_place(serve: Serve, script: Script) -> None:
    first = script(name="first", texts=["a"], steps=crashes(1, 2, 3))
    second = script(name="second", texts=["b"])
    service = serve(first, second, options=EAGER, holds_both=lambda _: False)
    assert decode(service, 0) == ["b"]
    assert service.coming is None
    service.settle()
    assert decode(service, 1) == ["a"]
    assert codes(service)[-1] == "cold_swap"


def test_who_is_disabled_is_never_probed_also_when_wanted_again(
    serve: Serve, script: Script
) -> None:
    first, second = script(name="first", load_error="no"), script(name="second", texts=["b"])
    service = serve(first, second, options=EAGER)
    decode(service, 0)
    service.want(second)
    service.want(first)
    assert decode(service, 1) == ["b"]
    assert (service.coming, service.target) == (None, first)


def test_a_wish_for_who_is_down_is_granted_by_the_probe(serve: Serve, script: Script) -> None:
    clock, options = SteppingClock(), ServiceOptions(probe=ProbeOptions(first=10.0))
    first = script(name="first", texts=["a"], steps=crashes(1, 2, 3))
    second = script(name="second", texts=["b"])
    service = serve(first, second, clock=clock, options=options)
    decode(service, 0)
    service.want(second)
    service.want(first)
    assert (service.coming, service.in_force) == (None, True)
    clock.advance(10.0)
    service.settle()
    assert service.settle(wait=True)
    assert service.spec == first


def test_there_is_nothing_to_take_before_it_is_warm(relief: Relief, script: Script) -> None:
    spec = script(load_ms=60_000)
    assert relief.take() == (None, None)
    relief.start(spec)
    assert (relief.spec, relief.take()) == (spec, (None, None))
    relief.drop()
    relief.wait()
    assert (relief.spec, relief.take()) == (None, (None, None))


def test_a_new_one_takes_the_place_of_what_was_coming(relief: Relief, script: Script) -> None:
    relief.start(script(name="slow", load_ms=60_000))
    relief.start(script(name="quick", texts=["a"]))
    relief.wait()
    _, came = relief.take()
    assert isinstance(came, Supervisor)
    assert came.spec.model == "quick"
    came.close()


def test_a_worker_that_cannot_even_be_started_does_not_count_as_warm(script: Script) -> None:
    class Unstartable(Supervisor):
        def begin(self) -> None:
            raise OSError(12, "Cannot allocate memory")

    relief = Relief(Unstartable)
    relief.start(script())
    relief.wait()
    _, came = relief.take()
    assert isinstance(came, EchoError)
    assert "Cannot allocate memory" in str(came)
