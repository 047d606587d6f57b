"""Who gets the model next: a bounded line of tickets, fair between sessions.

**Order.** The most urgent tickets first, always. Among tickets of one urgency the sessions take
turns by cost; within a session the lower rank goes first (the microphone before the system's
sound), then who came first.

**Turns** are self-clocked fair queueing (Golestani, "A self-clocked fair queueing scheme for
broadband applications", INFOCOM 1994), in each urgency by itself. A session carries the virtual
time up to which it was served; its first ticket is due at that time plus the ticket's cost. The
ticket that is due first is taken, of equals that of the session served longest ago, and virtual
time moves on to where it was due. A session that had nothing in line begins at the virtual time of
that moment: it brings neither credit nor debt, so nothing has to be remembered of it. A session in
line is never ahead of virtual time, nor further behind than its most expensive ticket. Hence, among
tickets of one urgency:

- While two sessions both have tickets in line, what they get differs by at most the sum of their
  most expensive tickets, over any stretch of time.
- Before a ticket of cost *c* that is first of its session, each other session in line gets at most
  *c* and once its own most expensive ticket; one that comes later at most *c*. With equal costs
  that is one ticket of each session in line, and none of those that come later, however many.

A final waits for finals only, so this bounds its wait whatever the others send. Nothing is promised
to a partial while finals keep coming, nor to the second source of a session whose first one alone
keeps the model busy: whoever puts sees ``pressure`` and has to ask for less.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

PRESSED = 85
"""Percent of the bound from which on the line is under pressure."""

RELIEVED = 70
"""Percent of the bound below which it no longer is."""

BUCKETS_MS = (1, 5, 10, 50, 100, 500, 1000, 5000, 30000, math.inf)
"""Upper edges of the histogram of waits, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Ticket(Generic[T]):
    """A place in line for work that is made when the ticket is taken."""

    session: str
    """Whose it is; sessions share the model evenly."""
    urgency: int
    """Lower goes first: 0 a final, 1 an early final, 2 a partial, 3 a backfill."""
    key: Hashable
    """What it is for within the session and urgency; a newer ticket replaces the older one."""
    work: T
    rank: int = 0
    """Lower goes first within the session: 0 the microphone, 1 the system's sound."""
    cost: int = 1
    """What it takes of the model: samples to decode, or 1 each; less than 1 counts as 1."""


@dataclass(slots=True)
class Waits:
    """How long tickets that were taken had waited, or whatever else took its time."""

    counts: list[int] = field(default_factory=lambda: [0] * len(BUCKETS_MS))
    """Each wait counts once, in the first of :data:`BUCKETS_MS` that holds it."""
    total_ms: float = 0.0
    longest_ms: float = 0.0

    @property
    def count(self) -> int:
        """Number of tickets taken."""
        return sum(self.counts)

    def note(self, milliseconds: float) -> None:
        """Add one wait."""
        self.counts[bisect_left(BUCKETS_MS, milliseconds)] += 1
        self.total_ms += milliseconds
        self.longest_ms = max(self.longest_ms, milliseconds)

    def to_dict(self) -> dict[str, int]:
        """Return the histogram by upper edge: ``{"1": 0, …, "30000": 0, "inf": 0}``."""
        return {f"{edge:g}": count for edge, count in zip(BUCKETS_MS, self.counts, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Place(Generic[T]):
    """A ticket that waits since a time."""

    ticket: Ticket[T]
    since: float

    def is_for(self, session: str, key: Hashable | None) -> bool:
        """Tell whether it is of this session and, unless that is ``None``, of this key."""
        return self.ticket.session == session and key in (None, self.ticket.key)


class _Queue(Generic[T]):
    """The tickets of one urgency; gone with the last of them, so that time starts anew."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, Hashable], Place[T]] = {}
        """In the order they came; a dictionary keeps the place of a value that is replaced."""
        self._served: dict[str, int] = {}
        """Virtual time up to which each session in line was served, the last served last."""
        self._reached = 0
        """Virtual time."""

    def put(self, place: Place[T]) -> None:
        ticket = place.ticket
        self._served.setdefault(ticket.session, self._reached)
        older = self.places.get((ticket.session, ticket.key), place)
        self.places[ticket.session, ticket.key] = Place(ticket, older.since)

    def take(self) -> Place[T]:
        firsts = self._firsts()
        session = min(self._served, key=lambda one: self._due(firsts[one]))
        due = self._due(firsts[session])
        del self._served[session]
        self._served[session] = due
        # A session whose cheaper ticket became its first one may be due before now.
        self._reached = max(self._reached, due)
        self._remove([firsts[session]])
        return firsts[session]

    def drop(self, session: str, key: Hashable | None) -> list[Ticket[T]]:
        gone = [place for place in self.places.values() if place.is_for(session, key)]
        self._remove(gone)
        return [place.ticket for place in gone]

    def _firsts(self) -> dict[str, Place[T]]:
        """Return the first ticket of each session."""
        firsts: dict[str, Place[T]] = {}
        for place in self.places.values():
            first = firsts.setdefault(place.ticket.session, place)
            if place.ticket.rank < first.ticket.rank:
                firsts[place.ticket.session] = place
        return firsts

    def _due(self, place: Place[T]) -> int:
        return self._served[place.ticket.session] + max(1, place.ticket.cost)

    def _remove(self, places: Iterable[Place[T]]) -> None:
        for place in places:
            del self.places[place.ticket.session, place.ticket.key]
        left = {session for session, _ in self.places}
        self._served = {who: until for who, until in self._served.items() if who in left}


class Line(Generic[T]):
    """Tickets that wait, at most ``bound`` of them; pure, the time is passed in.

    Overflow rule: fail. :meth:`offer` returns ``False`` and the ticket stays with who offered it.
    A take looks at every ticket of its urgency, which is meant for bounds up to a few hundred.
    """

    def __init__(self, bound: int) -> None:
        if bound < 1:
            raise ValueError(f"a line needs room for a ticket, not for {bound}")
        self.bound = bound
        self.depth_peak = 0
        self.refused = 0
        """Tickets there was no room for."""
        self.pressure = False
        """Whether less should be asked for: from 85 % of the bound until below 70 %."""
        self.waits = Waits()
        self.taken_ms: list[float] = []
        """How long each ticket of the last take had waited."""
        self._queues: dict[int, _Queue[T]] = {}

    @property
    def depth(self) -> int:
        """Number of tickets in line."""
        return sum(len(queue.places) for queue in self._queues.values())

    def admits(self, ticket: Ticket[T]) -> bool:
        """Tell whether there is room: a free place, or an older ticket that it replaces."""
        return self.depth < self.bound or self.holds(ticket)

    def holds(self, ticket: Ticket[T]) -> bool:
        """Tell whether a ticket of the same session, urgency and key is in line."""
        queue = self._queues.get(ticket.urgency)
        return queue is not None and (ticket.session, ticket.key) in queue.places

    def offer(self, ticket: Ticket[T], now: float) -> bool:
        """Put a ticket in line; ``False`` means there is no room and nothing has changed.

        A ticket of the same session, urgency and key is replaced in its place, and has waited since
        the first of them came.
        """
        if not self.admits(ticket):
            self.refused += 1
            return False
        self._queues.setdefault(ticket.urgency, _Queue()).put(Place(ticket, now))
        self._settle()
        return True

    def take(self, most: int, now: float) -> list[Ticket[T]]:
        """Return up to ``most`` tickets whose turn it is, all of the same urgency."""
        if not self._queues:
            return []
        queue = self._queues[min(self._queues)]
        places = [queue.take() for _ in range(min(most, len(queue.places)))]
        self.taken_ms = [(now - place.since) * 1000 for place in places]
        for ms in self.taken_ms:
            self.waits.note(ms)
        self._settle()
        return [place.ticket for place in places]

    def cancel(self, session: str, key: Hashable | None = None) -> list[Ticket[T]]:
        """Remove the tickets of a session, or those of one key, of all urgencies; return them."""
        queues = [self._queues[urgency] for urgency in sorted(self._queues)]
        gone = [ticket for queue in queues for ticket in queue.drop(session, key)]
        self._settle()
        return gone

    def _settle(self) -> None:
        self._queues = {urgency: queue for urgency, queue in self._queues.items() if queue.places}
        depth = self.depth
        self.depth_peak = max(self.depth_peak, depth)
        least = RELIEVED if self.pressure else PRESSED
        self.pressure = depth * 100 >= least * self.bound
