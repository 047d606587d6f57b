"""How much is let in: per address and minute, at the same time, and how slowly. No sockets here."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from echocli.clock import Clock
from echocli.server.settings import as_address

ADDRESSES = 4096
"""Addresses that are remembered, those that asked last."""

GRACE = 30.0
"""Seconds an upload may take whatever its size."""

LEAST_RATE = 4096
"""Bytes a second an upload must bring on average after that; a modem brought more."""


class RateLimit:
    """Let an address ask so many times a minute, all at once or spread: a token bucket each.

    Overflow rule of the table: the address that asked least lately is forgotten, and starts anew.
    Networks of IPv6 count as one address, as whoever has one address there has 2⁶⁴.
    """

    def __init__(self, per_minute: int, clock: Clock, most: int = ADDRESSES) -> None:
        self._size = float(per_minute)
        self._clock = clock
        self._most = most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, address: str) -> float:
        """Return 0 and count a request, or the seconds until the next one is let in."""
        if not self._size:
            return 0.0
        name, now = _network(address), self._clock.now()
        left, at = self._left.pop(name, (self._size, now))
        left = min(self._size, left + max(0.0, now - at) * self._size / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / self._size
        self._left[name] = (left if wait else left - 1, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._left)


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


@dataclass(slots=True)
class Pace:
    """Tell an upload that is only there to hold a connection open."""

    since: float
    received: int = 0

    def keeps(self, count: int, now: float) -> bool:
        """Take note of bytes; whether they come fast enough."""
        self.received += count
        return self.received >= (now - self.since - GRACE) * LEAST_RATE
