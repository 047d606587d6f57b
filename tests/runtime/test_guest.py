"""Who goes before whom among those that share a model, by what they ask for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import pytest

from echocli.clock import Clock, SteppingClock
from echocli.providers.base import DecodeOptions
from echocli.runtime.guest import Errand, Guest
from echocli.runtime.live_options import LAST, Kind
from echocli.runtime.scheduler import Scheduler
from echocli.runtime.service import Service
from echocli.runtime.supervisor import Lost
from tests.runtime.conftest import eventually, window

pytestmark = pytest.mark.unit

OPTIONS = DecodeOptions()


class House:
    """A line, and nobody who decodes."""

    service = cast(Service, None)

    def __init__(self) -> None:
        self.clock: Clock = SteppingClock()
        self.scheduler: Scheduler[Errand] = Scheduler(32, self.clock)

    def holds(self, count: int) -> bool:
        return bool(self.scheduler.metrics()["queue_depth"] == count)

    def await_model(self) -> None: ...


def order(*asked: tuple[str, bool, int, int]) -> list[str]:
    """Return whose windows are taken after each other; of each guest: name, live, urgency, count.

    They have come to the line one after the other, and all of them before the first is taken.
    """
    house, depth, taken = House(), 0, []
    with ThreadPoolExecutor(len(asked)) as pool:
        for serial, (name, live, urgency, count) in enumerate(asked):
            guest = Guest(name, house, live=live, share=16)
            windows = [window(100 * serial + number) for number in range(count)]
            pool.submit(guest.decode, windows, OPTIONS, urgency=urgency)
            depth += count
            eventually(partial(house.holds, depth), "they are in line")
        while tickets := house.scheduler.take(1, 0.0):
            taken += [ticket.session for ticket in tickets]
            for ticket in tickets:
                ticket.work.done.set_result(Lost(ticket.work.window.id, "nobody decodes"))
    return taken


def test_the_last_of_a_session_takes_turns_with_files_and_partials() -> None:
    last, file = ("ended", True, LAST, 4), ("file", False, Kind.FINAL, 2)
    assert order(last, file) == ["ended", "file", "ended", "file", "ended", "ended"]
    speaking = ("speaking", True, Kind.PARTIAL, 1)
    assert order(last, speaking) == ["ended", "speaking", "ended", "ended", "ended"]


def test_finals_go_before_the_last_of_a_session_and_what_was_put_aside_else_comes_after() -> None:
    others = (("later", True, Kind.BACKFILL, 1), ("ended", True, LAST, 1))
    assert order(*others, ("over", True, Kind.FINAL, 1)) == ["over", "ended", "later"]


@pytest.mark.parametrize(
    ("live", "urgency", "settles"),
    [
        (True, Kind.FINAL, True),
        (True, Kind.EARLY, True),
        (True, Kind.PARTIAL, False),
        (True, Kind.BACKFILL, False),
        (True, LAST, False),
        (False, Kind.FINAL, True),
    ],
)
def test_what_yields_is_no_load(live: bool, urgency: int, settles: bool) -> None:
    assert Errand("one", window(0), OPTIONS, live, urgency, 0.0).settles is settles
