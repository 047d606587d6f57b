"""Hosts on real workers, what guests ask of them, and load that the ladder sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from echocli.clock import SystemClock
from echocli.events import Event
from echocli.providers.base import DecodeOptions, LoadSpec
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.follower import Reporter
from echocli.runtime.guest import Guest
from echocli.runtime.host import Host
from echocli.runtime.ladder import Ladder, Rung
from echocli.runtime.live_options import Kind
from echocli.runtime.operating import Choices, OperatingPoint
from echocli.runtime.watch import Now, Watch
from echocli.types import SAMPLE_RATE
from tests.runtime.conftest import window
from tests.runtime.services import services, texts

OPTIONS = DecodeOptions(language="en")

Open: TypeAlias = Callable[..., Host]


class Later:
    """The real time, and more where a test has no time to wait."""

    def __init__(self) -> None:
        self.more = 0.0
        self._clock = SystemClock()

    def now(self) -> float:
        return self._clock.now() + self.more


@contextmanager
def hosting() -> Iterator[Open]:
    """Give ``open_house(spec, *fallbacks, **keys) -> Host``; all close and leave nothing behind."""
    hosts: list[Host] = []
    with services() as serve:

        def make(
            spec: LoadSpec, *fallbacks: LoadSpec, ladder: Ladder | None = None, **keys: Any
        ) -> Host:
            clock = keys.pop("clock", None) or SystemClock()
            given = {"make": keys.pop("make", None), "options": keys.pop("options", None)}
            service = serve(spec, *fallbacks, clock=clock, **given)
            adjuster = Adjuster(Choices(point_of(spec)), service, ladder)
            host = Host(service, Watch(service, clock), adjuster, clock, **keys)
            hosts.append(host)
            host.start()
            return host

        yield make
        for host in hosts:
            host.close()


def point_of(spec: LoadSpec) -> OperatingPoint:
    return OperatingPoint(spec, 5, None, SAMPLE_RATE // 2, 2 * SAMPLE_RATE)


def asked(guest: Guest, numbers: Sequence[int], urgency: int = Kind.FINAL) -> list[str | None]:
    windows = [window(number) for number in numbers]
    return texts(guest.decode(windows, OPTIONS, urgency=int(urgency)))


def overloaded(
    host: Host, reporter: Reporter, clock: Later, to: Rung = Rung.WARNING
) -> list[Event]:
    """Have speech wait while the line is full, until the ladder has seen it."""
    list(reporter.look(Now(backlog=3.0 if to is Rung.WARNING else 30.0)))
    events: list[Event] = []
    for _ in range(10):  # the housekeeper, who sees an empty line, looks less often
        clock.more += 0.5
        events += host.books.observe(pressure=True)
    assert host.rung is to
    return events
