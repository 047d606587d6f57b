"""The supervisor in service: one at a time, the ones before end without being waited for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from echocli import log
from echocli.events import Event, Failover
from echocli.providers.base import LoadSpec
from echocli.runtime.incidents import Incident
from echocli.runtime.supervisor import Supervisor

HELD = 1000
"""Events held at most for a reader; the oldest are dropped."""


class Post:
    """Hold who serves now, and what is left of those before."""

    def __init__(self, spec: LoadSpec, make: Callable[[LoadSpec], Supervisor]) -> None:
        self.asked = spec
        """What was asked for; a device without room may have made something else of it."""
        self.current = make(spec)
        self.stopped = threading.Event()
        """Set for good once everything ends; nobody serves after that."""
        self._make = make
        self._news: deque[Event] = deque(maxlen=HELD)
        self._incidents: deque[Incident] = deque(maxlen=HELD)
        self._ending: list[threading.Thread] = []
        self._restarts = 0
        self._peak = 0
        self.handed_over = False
        """Whether more than one supervisor has served."""

    @property
    def restarts(self) -> int:
        """How often a worker was replaced by its supervisor."""
        return self._restarts + self.current.restarts

    @property
    def peak_rss_bytes(self) -> int:
        """Highest resident memory of a worker."""
        return max(self._peak, self.current.peak_rss_bytes)

    @property
    def notices(self) -> deque[Event]:
        """What happened and nobody was told yet; the reader removes what it takes."""
        self._collect(self.current)
        return self._news

    @property
    def incidents(self) -> deque[Incident]:
        """What happened to the models, for the record; the reader removes what it takes."""
        self._collect(self.current)
        return self._incidents

    def tell(self, event: Event) -> None:
        """Add to what happened."""
        if isinstance(event, Failover):
            log.event("failover_switch", before=event.from_, after=event.to, reason=event.reason)
        self._news.append(event)

    def hand_over(self, spec: LoadSpec, successor: Supervisor | None = None) -> None:
        """Put a supervisor in service: ``successor``, or a fresh one."""
        successor = successor or self._make(spec)
        self.handed_over = True
        old, self.current, self.asked = self.current, successor, spec
        self._restarts += old.restarts
        self._peak = max(self._peak, old.peak_rss_bytes)
        self._collect(old)
        thread = threading.Thread(target=old.close, name="ending", daemon=True)
        thread.start()
        self._ending = [*(one for one in self._ending if one.is_alive()), thread]
        if self.stopped.is_set():  # by somebody who saw the one before
            successor.abandon()

    def kill(self) -> None:
        """End who serves at once and for good."""
        self.stopped.set()
        self.current.abandon()

    def end(self) -> None:
        """End everybody and leave no thread."""
        self.kill()
        for thread in self._ending:
            thread.join()

    def hear_of(self, incidents: deque[Incident]) -> None:
        """Take what happened to a model that never served."""
        self._incidents.extend(incidents)

    def _collect(self, supervisor: Supervisor) -> None:
        # One step each: another thread may take from the same queue.
        with suppress(IndexError):
            while True:
                self._news.append(supervisor.notices.popleft())
        with suppress(IndexError):
            while True:
                self._incidents.append(supervisor.incidents.popleft())
