"""One of several that share a model: a live run or a file, as whoever decodes for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from echocli.clock import Clock
from echocli.events import Event
from echocli.providers.base import DecodeOptions, LoadReport, LoadSpec, Window
from echocli.runtime.line import Ticket
from echocli.runtime.live_options import LAST, Kind
from echocli.runtime.scheduler import Scheduler
from echocli.runtime.service import Service
from echocli.runtime.serving import Gone, Withdrawn
from echocli.runtime.supervisor import Outcome

HELD = 1000
"""Events held at most for a guest that does not ask; the oldest are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class Errand:
    """A window that somebody waits for."""

    guest: str
    window: Window
    options: DecodeOptions
    live: bool
    """Whether it is of sound that does not wait."""
    urgency: int
    asked: float
    """When, by the clock."""
    done: Future[Outcome] = field(default_factory=Future)
    begun: list[float] = field(default_factory=list)
    """When it was decoded, once it is."""

    @property
    def settles(self) -> bool:
        """Whether it is for finals; partials and what was put aside yield to those."""
        return not self.live or self.urgency in (Kind.FINAL, Kind.EARLY)

    def fail(self, error: BaseException) -> None:
        """Say why there is no answer; nothing happens where there is one."""
        if not self.done.done():
            self.done.set_exception(error)


class House(Protocol):
    """What a guest needs of its host."""

    service: Service
    scheduler: Scheduler[Errand]
    clock: Clock

    def await_model(self) -> None:
        """Wait for a model; raise ``ModelError`` where there will be none."""
        ...


class Guest:
    """Have windows decoded in turn with everybody else's; for one thread, but :meth:`cancel`.

    A file shares the turns of partials, and so does the last of a live run: finals of live sound go
    first.
    """

    def __init__(self, name: str, house: House, *, live: bool, share: int) -> None:
        self.name = name
        self.live = live
        self.notices: deque[Event] = deque(maxlen=HELD)
        """What happened to the model and was not told here yet; the reader removes it."""
        self.waited = 0.0
        """Seconds that the last request waited for its turn."""
        self._house = house
        self._places = threading.BoundedSemaphore(share)
        """How much of the line a file may fill."""
        self._gone = threading.Event()

    @property
    def spec(self) -> LoadSpec:
        """What is loaded now."""
        return self._house.service.spec

    @property
    def report(self) -> LoadReport | None:
        """What loading gave."""
        return self._house.service.report

    @property
    def load_ms(self) -> float:
        """Milliseconds that loading took."""
        return self._house.service.load_ms

    @property
    def restarts(self) -> int:
        """How often a worker was replaced."""
        return self._house.service.restarts

    @property
    def peak_rss_bytes(self) -> int:
        """Highest resident memory of a worker."""
        return self._house.service.peak_rss_bytes

    @property
    def largest_batch(self) -> int:
        """Windows of a slot that are worth asking for at once."""
        return self._house.service.largest_batch

    def begin(self) -> None:
        """Do nothing: the host loads the model."""

    def ready(self, warm: Sequence[Window] = ()) -> LoadReport:
        """Wait until the model was warm once; raise ``ModelError`` where none can be."""
        del warm  # the host has done that
        self._house.await_model()
        return self.report or LoadReport()

    def decode(
        self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
    ) -> list[Outcome]:
        """Have windows decoded when it is their turn; outcomes are in their order.

        Raises :class:`Withdrawn` for those that were taken back or came too late.
        """
        errands = [self._ask(window, options, urgency, rank) for rank, window in enumerate(windows)]
        try:
            outcomes = [errand.done.result() for errand in errands]
        except BaseException:
            self.take_back()
            raise
        self.waited = max((one.begun[-1] - one.asked for one in errands if one.begun), default=0.0)
        return outcomes

    def take_back(self) -> None:
        """Have what waits for its turn come back as :class:`Withdrawn`; what is begun goes on."""
        error = Gone if self._gone.is_set() else Withdrawn
        for ticket in self._house.scheduler.cancel(self.name):
            ticket.work.fail(error("it was taken back"))

    def cancel(self) -> None:
        """Ask for nothing more: whoever wanted it is gone. From any thread."""
        self._gone.set()
        self.take_back()

    def hurry(self) -> None:
        """Do nothing: others may still hold out."""

    def close(self) -> None:
        """Leave."""
        self.cancel()

    def kill(self) -> None:
        """Leave."""
        self.cancel()

    def _ask(self, window: Window, options: DecodeOptions, urgency: int, rank: int) -> Errand:
        errand = Errand(self.name, window, options, self.live, urgency, self._house.clock.now())
        turn = urgency if self.live and urgency != LAST else int(Kind.PARTIAL)
        ticket = Ticket(self.name, turn, window.id, errand, rank, len(window.samples))
        if not self.live:
            self._places.acquire()
            errand.done.add_done_callback(lambda _: self._places.release())
        if self._gone.is_set():
            errand.fail(Gone("whoever asked is gone"))
            return errand
        try:
            self._house.scheduler.put(ticket)
        except BaseException as error:
            errand.fail(error)
        if self._gone.is_set():  # by somebody who did not see it in line
            self.take_back()
        return errand
