"""Whether a worker that has nothing to do still answers: asked now and then, by who shares it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

STEP = 1.0
"""Seconds between two looks that count at most: of those in which this process itself stood still,
or waited for a request, nobody knows how many the worker had."""


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
