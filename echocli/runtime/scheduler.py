"""The line for the model between threads: any number of them put, any number take."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from echocli.clock import Clock
from echocli.errors import TranscriptionError
from echocli.runtime.line import Line, Place, Ticket

T = TypeVar("T")


class Scheduler(Generic[T]):
    """A :class:`Line` between threads: any number put, any number take. Not for signal handlers.

    Overflow rule: block, then fail. Who finds the line full waits at the door; the most urgent is
    let in first, then who came first, so that nobody is overtaken by others as urgent.
    """

    def __init__(self, bound: int, clock: Clock) -> None:
        self._line: Line[T] = Line(bound)
        self._clock = clock
        self._door: list[Place[T]] = []
        self._closed = False
        self._changed = threading.Condition()

    @property
    def pressure(self) -> bool:
        """Whether less should be asked for: from 85 % of the bound until below 70 %."""
        return self._line.pressure

    def put(self, ticket: Ticket[T], timeout: float | None = None) -> None:
        """Put a ticket in line, waiting ``timeout`` seconds for room; ``None`` waits for ever.

        Raises ``TranscriptionError`` when there was no room or the scheduler is closed. A ticket
        that is cancelled at the door goes to who cancels it, as one in line does.
        """
        with self._changed:
            place = Place(ticket, self._clock.now())
            self._door.append(place)
            try:
                in_time = self._changed.wait_for(lambda: self._need_not_wait(place), timeout)
                self._enter(place, in_time)
            finally:
                self._door = [other for other in self._door if other is not place]
                self._changed.notify_all()

    def take(self, most: int, timeout: float | None = None) -> list[Ticket[T]]:
        """Wait for work, then return up to ``most`` tickets of the same urgency.

        Empty after ``timeout`` seconds without any; also when closed and everything is taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._line.depth > 0, timeout)
            tickets = self._line.take(most, self._clock.now())
            self._changed.notify_all()
            return tickets

    def cancel(self, session: str, key: Hashable | None = None) -> list[Ticket[T]]:
        """Remove the tickets of a session, or those of one key, in line and at the door."""
        with self._changed:
            gone = self._line.cancel(session, key)
            turned = [place for place in self._door if place.is_for(session, key)]
            self._door = [place for place in self._door if place not in turned]
            self._changed.notify_all()
            return gone + [place.ticket for place in turned]

    def close(self) -> None:
        """Accept no more and wake everybody; what is in line can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def metrics(self) -> dict[str, Any]:
        """Return the figures of the queue as JSON values."""
        with self._changed:
            line = self._line
            return {
                "queue_depth": line.depth,
                "queue_depth_peak": line.depth_peak,
                "queue_wait_ms": line.waits.to_dict(),
                "queue_wait_count": line.waits.count,
                "queue_wait_total_ms": round(line.waits.total_ms, 1),
                "queue_wait_longest_ms": round(line.waits.longest_ms, 1),
                "queue_refused": line.refused,
                "queue_pressure": line.pressure,
            }

    def _need_not_wait(self, place: Place[T]) -> bool:
        if self._closed or place not in self._door or self._line.holds(place.ticket):
            return True
        # `min` gives the first of equals, which is who came first.
        first = min(self._door, key=lambda one: one.ticket.urgency)
        return place is first and self._line.admits(place.ticket)

    def _enter(self, place: Place[T], in_time: bool) -> None:
        if place not in self._door:  # cancelled
            return
        if self._closed:
            raise TranscriptionError("the model takes no more work", hint="start it again")
        if not in_time:
            self._line.refused += 1
            raise TranscriptionError(
                f"the model is too busy: {self._line.depth} requests wait for it",
                hint="try again later, or use a smaller --model",
            )
        self._line.offer(place.ticket, place.since)
