"""How long a worker has owed an answer: to a request, or to the question whether it still lives.

Time in which this process itself stood still is not held against it. A clock goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import Any

STEP = 1.0
"""Seconds between two looks that count at most: of those in which this process itself stood still,
or waited for a request, nobody knows how many the worker had."""

LOOK = 0.25
"""Seconds between two looks for the answer to a request."""


def waits(future: Future[Any], limit: float) -> Iterator[float]:
    """Wait for a future; yield now and then for how many seconds, the last time after ``limit``.

    Each look counts as what it was meant to take: while this process stood still, the worker may
    have done so too.
    """
    waited = 0.0
    while waited < limit:
        step = min(LOOK, limit - waited)
        with suppress(FutureTimeoutError):
            future.exception(timeout=step)
            return
        waited += step
        yield waited


class Pulse:
    """Follow the signs of life of one worker; pure, but for what it is given to ask with."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._waited = 0.0
        self._sign: Future[Any] | None = None
        self._asked = self._looked = float("-inf")

    @property
    def owed(self) -> float:
        """Seconds for which the worker has owed an answer."""
        return 0.0 if self._sign is None or self._sign.done() else self._waited

    def feel(self, now: float, ask: Callable[[], Future[Any]]) -> None:
        """Take note of the time, and ask where it is time for that; nobody waits for the answer."""
        passed, self._looked = min(STEP, now - self._looked), now
        if self._sign is not None and not self._sign.done():
            self._waited += passed
        elif now - self._asked >= self._every:
            self._sign, self._asked, self._waited = ask(), now, 0.0
