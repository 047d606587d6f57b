"""How much is let in: per address and minute, at the same time, and how slowly. No sockets here."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Protocol

from echocli.clock import Clock
from echocli.server.settings import as_address

ADDRESSES = 4096
"""Addresses that are remembered, those that asked last."""

GRACE = 30.0
"""Seconds an upload may take whatever its size."""

LEAST_RATE = 4096
"""Bytes a second an upload must bring on average after that; a modem brought more."""

PASSED_OVER = 2
"""Times the largest file that is passed over of a body that was refused."""

SLOW_LINE = 32 * 1024
"""Bytes a second of a slow line. The largest file must be here within the time it takes there, and
an upload that brings less gives way where there is no place."""

SETTLED = 5.0
"""Seconds after which the rate of an upload says something."""


@dataclass(slots=True)
class Bucket:
    """Let so many a minute through, all at once or spread: a token bucket."""

    per_minute: float
    at: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.per_minute

    def take(self, now: float, count: int = 1) -> float:
        """Return 0 and count so many, or the seconds until they are let through."""
        rate = self.per_minute / 60
        self.left = min(self.per_minute, self.left + max(0.0, now - self.at) * rate)
        self.at = now
        if self.left < count:
            return (count - self.left) / rate
        self.left -= count
        return 0.0


class RateLimit:
    """Let an address ask so many times a minute: a bucket each.

    Overflow rule of the table: the address that asked least lately is forgotten, and starts anew.
    Networks of IPv6 count as one address, as whoever has one address there has 2⁶⁴.
    """

    def __init__(self, per_minute: int, clock: Clock, most: int = ADDRESSES) -> None:
        self._size = float(per_minute)
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def admit(self, address: str) -> float:
        """Return 0 and count a request, or the seconds until the next one is let in."""
        if not self._size:
            return 0.0
        name, now = _network(address), self._clock.now()
        bucket = self._buckets.setdefault(name, Bucket(self._size, now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(now)

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._buckets)


def _network(address: str) -> str:
    """Return what counts as one address; any other text stands for itself."""
    found = as_address(address.partition("%")[0])
    if not isinstance(found, ipaddress.IPv6Address):
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))


class Busy(Exception):
    """There is no room; ``retry_after`` is in seconds."""

    def __init__(self, what: str, retry_after: float) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Slots:
    """Let ``most`` in at the same time, and as many wait; for one event loop.

    Overflow rule: who finds ``most`` waiting, or waits longer than ``patience`` seconds, fails.
    """

    def __init__(self, most: int, patience: float) -> None:
        self._most = most
        self._patience = patience
        self._free = asyncio.Semaphore(most)
        self.waiting = 0
        self.held = 0

    @property
    def full(self) -> bool:
        """Whether nobody can come in or wait."""
        return self.waiting >= self._most and self._free.locked()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Be in for the block; raise :class:`Busy` where there is no room."""
        await self._enter()
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1
            self._free.release()

    async def _enter(self) -> None:
        if self.full:
            raise Busy(f"{self.held} requests run and {self.waiting} wait", self._patience / 2)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            text = f"{self.held} requests ran for {self._patience:.0f} s"
            raise Busy(text, self._patience) from None
        finally:
            self.waiting -= 1


class Droppable(Protocol):
    """A connection that can be ended at once."""

    def drop(self) -> None:
        """End it."""


class Waiting:
    """Connections that have not said what they want; for one event loop.

    Overflow rule: the oldest is dropped, so that whoever comes is heard.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._line: OrderedDict[Droppable, None] = OrderedDict()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._line)

    def add(self, one: Droppable) -> None:
        """Take one more."""
        self._line[one] = None
        self._line.move_to_end(one)
        if len(self._line) > self._most:
            oldest, _ = self._line.popitem(last=False)
            oldest.drop()

    def remove(self, one: Droppable) -> None:
        """Let one go that has said it, or is gone."""
        self._line.pop(one, None)


@dataclass(slots=True)
class Budget:
    """Bytes that all uploads together may keep on disk."""

    most: int
    used: int = 0

    def take(self, count: int) -> bool:
        """Take bytes, or say that there are not so many."""
        if self.used + count > self.most:
            return False
        self.used += count
        return True

    def give(self, count: int) -> None:
        """Give bytes back."""
        self.used -= count


@dataclass(slots=True, eq=False)
class Pace:
    """Tell an upload that is only there to hold a connection open; ``largest`` is in bytes."""

    since: float
    largest: int
    received: int = 0

    def keeps(self, count: int, now: float) -> bool:
        """Take note of bytes; whether they come fast enough."""
        self.received += count
        secs = now - self.since - GRACE
        return self.received >= secs * LEAST_RATE and self.largest >= secs * SLOW_LINE

    def rate(self, now: float) -> float | None:
        """Return bytes a second, ``None`` of an upload that has only just begun."""
        secs = now - self.since
        return self.received / secs if secs >= SETTLED else None


def slowest(paces: Iterable[Pace], now: float) -> Pace | None:
    """Return who has to give way: who brings least, and less than a slow line does."""
    rates = [(rate, pace) for pace in paces if (rate := pace.rate(now)) is not None]
    rate, found = min(rates, key=itemgetter(0), default=(SLOW_LINE, None))
    return found if rate < SLOW_LINE else None
