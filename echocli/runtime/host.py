"""One model for many: live runs and files take turns at it, and fare alike.

::

    Live ── Guest ─┐                                       thread "host": load, decode, revive
    Live ── Guest ─┼─> Scheduler ──> Host ──> Service ══> worker
    file ── Guest ─┘                   │                   thread "housekeeper": load, level, idling
                                     Books

The ladder, the fallbacks and the record are the host's; guests are told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from echocli import log
from echocli.clock import Clock
from echocli.errors import EchoError, ModelError
from echocli.events import Event, Failover, Level, Notice
from echocli.runtime import memory
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.books import Books
from echocli.runtime.dispatch import dispatch
from echocli.runtime.follower import Follower, Reporter
from echocli.runtime.guest import Errand, Guest
from echocli.runtime.host_standing import HostStanding, standing_of
from echocli.runtime.ladder import Rung
from echocli.runtime.lifecycle import INIT_TIMEOUT, State
from echocli.runtime.operating import OperatingPoint
from echocli.runtime.resting import Resting
from echocli.runtime.scheduler import Scheduler
from echocli.runtime.service import Service
from echocli.runtime.warmup import Level as WarmLevel
from echocli.runtime.warmup import warm_windows
from echocli.runtime.watch import Watch

TICK = 0.25
"""Seconds between two looks at how it goes."""

RETRY = 5.0
"""Seconds after which a model that failed is tried again; twice as long after each failure …"""

LONGEST = 60.0
"""… but never longer, and no longer than :data:`RETRY` where somebody asks."""

SHARE = 16
"""Windows of a file that may be in line."""

GOING = "the server is going away"
"""What those hear who ask too late."""

PLACES = 32
"""Windows that may be in line at least."""


class Host:
    """Let guests share a service, which belongs to it; start it once, close it once."""

    def __init__(
        self,
        service: Service,
        watch: Watch,
        adjuster: Adjuster,
        clock: Clock,
        *,
        level: WarmLevel = WarmLevel.FIRST,
        unload_after: float = 0.0,
        sessions: int = 10,
        failed: Callable[[EchoError], None] | None = None,
    ) -> None:
        self.service = service
        self.clock = clock
        self.scheduler: Scheduler[Errand] = Scheduler(max(PLACES, 2 * sessions + 12), clock)
        self.books = Books(watch, adjuster, clock)
        self._level = level
        self._failed = failed
        """Hears why a model could not be loaded."""
        self._resting = Resting(service, unload_after) if unload_after else None
        self._guests: dict[str, Guest] = {}
        self._followers: dict[str, Follower] = {}
        self._changed = threading.Condition()
        self._warm = False
        """Whether the model has been warm; a worker that dies later is replaced by itself."""
        self._failure: tuple[EchoError, float] | None = None
        self._wanted = True
        self._pause = RETRY / 2
        self._used = clock.now()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Load and warm the model without waiting for it."""
        for name, work in (("host", self._serve), ("housekeeper", self._keep_house)):
            self._threads.append(threading.Thread(target=work, name=name, daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """End the model and serve nobody any more."""
        self._closed.set()
        self.scheduler.close()
        self.service.kill()  # nobody waits for what it does
        for guest in list(self._guests.values()):
            guest.cancel()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def enter(self, name: str, *, live: bool) -> Guest:
        """Return a guest; ``name`` must be its own until it leaves."""
        with self._changed:
            if name in self._guests:
                raise ValueError(f"{name} is here already")
            guest = self._guests[name] = Guest(name, self, live=live, share=SHARE)
            self._used = self.clock.now()
        return guest

    def follow(self, name: str, base: OperatingPoint, sources: int) -> tuple[Follower, Reporter]:
        """Return what stands for ladder and record in the run of a live guest."""
        follower = Follower(name, self.books, base)
        with self._changed:
            self._followers[name] = follower
        return follower, Reporter(name, self.books, sources)

    def leave(self, name: str) -> None:
        """Let a guest go; what it waits for comes back."""
        with self._changed:
            guest = self._guests.pop(name, None)
            self._followers.pop(name, None)
            self._used = self.clock.now()
        self.books.forget(name)
        if guest is not None:
            guest.cancel()

    def cancel(self, name: str) -> None:
        """Have nothing more decoded for a guest: whoever wanted it is gone."""
        if (guest := self._guests.get(name)) is not None:
            guest.cancel()

    @property
    def live_sessions(self) -> int:
        """Number of live guests."""
        return sum(guest.live for guest in list(self._guests.values()))

    @property
    def requests(self) -> int:
        """Number of the other guests: files."""
        return sum(not guest.live for guest in list(self._guests.values()))

    @property
    def load(self) -> float | None:
        """The RTF of the last seconds, over all live sources."""
        return self.books.load

    @property
    def rung(self) -> Rung:
        """The level of the ladder that is in force."""
        return self.books.announced

    @property
    def standing(self) -> HostStanding:
        """How the model is, now."""
        failure = self._failure[0] if self._failure is not None else None
        coming = self._wanted or not self._warm
        return standing_of(self.service.current, failure, warm=self._warm, coming=coming)

    def wait_ready(self, timeout: float) -> bool:
        """Wait for a model that can serve, and ask for it; tell whether there is one.

        Raises ``ModelError`` where none can be loaded.
        """
        with self._changed:
            self._ask()
            self._changed.wait_for(self._is_settled, timeout)
            if self._closed.is_set():
                raise ModelError(GOING, hint="try again later")
            if not self.standing.serves and self._failure is not None:
                error, _ = self._failure
                raise ModelError(str(error), hint=error.hint) from error
        return self.standing.serves

    def await_model(self) -> None:
        """Wait until the model has been warm once; raise ``ModelError`` where none can be."""
        if not self._warm and not self.wait_ready(INIT_TIMEOUT) and not self._warm:
            raise ModelError(f"the model was not ready within {INIT_TIMEOUT:.0f} s")

    def metrics(self) -> dict[str, Any]:
        """Return every figure as JSON values."""
        return {
            "scheduler": self.scheduler.metrics(),
            **self.books.figures(),
            "live_sessions": self.live_sessions,
            "requests": self.requests,
        }

    def memory_left_mb(self) -> float | None:
        """Return how much memory can still be taken; ``None`` where that is not known."""
        reading = memory.read()
        return None if reading is None else max(0.0, reading.available - reading.threshold)

    def _ask(self) -> None:
        """Have the model loaded, also again where that failed a while ago."""
        self._used = now = self.clock.now()
        if self._failure is not None and now - self._failure[1] >= RETRY:
            self._failure = None
        self._wanted = self._failure is None
        self._changed.notify_all()

    def _is_settled(self) -> bool:
        return self._failure is not None or self._closed.is_set() or self.standing.serves

    def _serve(self) -> None:
        """Load the model and decode what is asked for, until the end."""
        while not self._closed.is_set():
            self._bring_up()
            if tickets := self.scheduler.take(self._most, TICK):
                dispatch([one.work for one in tickets], self.service, self.books, self.clock)
        while tickets := self.scheduler.take(PLACES, 0.0):
            for ticket in tickets:
                ticket.work.fail(ModelError(GOING))

    @property
    def _most(self) -> int:
        """Return how many windows to decode together: few where somebody speaks meanwhile."""
        service = self.service
        return service.spec.slots * (1 if self.live_sessions else service.largest_batch)

    def _bring_up(self) -> None:
        """Load what is wanted, and replace a worker that died or hung while nobody asked it."""
        try:
            if self._wanted or self._is_due:
                self._wanted, self._failure = False, None
                self.service.ready(warm_windows(self._level))
                self._warm, self._pause = True, RETRY / 2
            if self._warm:  # also where somebody asks: whoever waits asks again and again
                self.service.current.ping()
                self.service.revive()
        except EchoError as error:
            log.event("model_init_error", error=str(error))
            self._failure = (error, self.clock.now())
            self._pause = min(LONGEST, 2 * self._pause)
            if self._failed is not None and not self._closed.is_set():  # an end is no failure
                self._failed(error)
        with self._changed:
            self._changed.notify_all()

    @property
    def _is_due(self) -> bool:
        """Whether a model that failed is to be tried again, though nobody asks."""
        if self._failure is not None:
            return self.clock.now() - self._failure[1] >= self._pause
        return self._warm and self.service.state is State.ERROR

    def _keep_house(self) -> None:
        while not self._closed.wait(TICK):
            events = self.books.observe(pressure=self.scheduler.pressure)
            self._broadcast([*self._drained(), *events])
            if self._resting is not None:
                self._resting.observe(self._idle())

    def _drained(self) -> list[Event]:
        notices, found = self.service.notices, []
        while notices:
            found.append(notices.popleft())
        return found

    def _broadcast(self, events: Sequence[Event]) -> None:
        """Tell everybody; a live run hears of the level in its own time."""
        with self._changed:
            followers, guests = list(self._followers.values()), list(self._guests.values())
        for event in events:
            if isinstance(event, Level | Notice | Failover):
                for follower in followers:
                    follower.tell(event)
            for guest in guests:
                if not guest.live:
                    guest.notices.append(event)

    def _idle(self) -> float | None:
        """Return for how long nobody has been here; ``None`` while somebody is."""
        with self._changed:
            return None if self._guests else self.clock.now() - self._used
