"""When to try again, and when to give up; pure: time and chance are handed in.

Three rules decide how long to wait, and the longest wins: the back-off (1, 2, 4 … 60 s, ±20 %), the
circuit breaker (after five failures in a row nothing for 60 s, +20 %, then one try at a time), and
what the server asks for in ``Retry-After``. They are reset by proof of work only: sound that was
sent on this connection and acknowledged, and 5 s alive. A server that accepts and drops at once
therefore counts as one that fails.
"""

from __future__ import annotations

import email.utils
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from echocli.wire.codes import Close

FIRST = 1.0
"""Seconds before the first try again."""

LONGEST = 60.0
"""Seconds the back-off grows to."""

JITTER = 0.2
"""Share by which a wait is shorter or longer, so that many clients do not come back at once."""

RETRIES = 15
"""Tries in a row without success, unless somebody says otherwise."""

FAILURES = 5
"""Failures in a row that open the circuit."""

OPEN_SECONDS = 60.0
"""How long it stays open."""

ALIVE = 5.0
"""Seconds a connection must last before it counts as one that works."""

PATIENCE = 3600.0
"""Longest wait a server may ask for; whoever asks for more is taken at their word: not today."""

ABNORMAL = 1006
"""What stands for a close without a code (RFC 6455, 7.1.5)."""

SERVER_ERROR = 500
"""Lowest HTTP status that blames the server."""

_PASSING = frozenset({408, 425, 429})
"""HTTP 4xx that are over after a while: timeout, too early (RFC 8470), too many requests."""

_LASTING = frozenset({501, 505})
"""HTTP 5xx that are not: a method or a version that is not known there."""

_FATAL = frozenset(
    {Close.PROTOCOL, Close.UNSUPPORTED, Close.INVALID, Close.POLICY, Close.TOO_LARGE}
    | {Close.REPLACED}
)
"""Ways to close that the same again would only repeat."""


class Circuit(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing until its time is over."""
    HALF_OPEN = "half_open"
    """One try; it closes by proof of work and opens again by a failure."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How a connection ended, or why there was none."""

    reason: str
    close: int | None = None
    """Close code of the WebSocket (RFC 6455, 7.4), where there was one."""
    status: int | None = None
    """HTTP status that answered instead."""
    retry_after: float | None = None
    """Seconds the server asked to wait."""
    untrusted: bool = False
    """Whether its certificate is one that nobody known has signed."""
    foreign: bool = False
    """Whether it is another kind of server."""
    hopeless: bool = False
    """Whether what is wrong is on this side, where waiting does not mend it."""
    hint: str | None = None
    """What to do about it, where that does not follow from the rest."""
    code: str | None = None
    """What the server called it before it closed: one of :class:`echocli.wire.codes.Code`."""

    @property
    def fatal(self) -> bool:
        """Whether the same again would only end the same way."""
        refused = self.status is not None and not is_passing(self.status)
        wrong = self.untrusted or self.foreign or self.hopeless
        return wrong or refused or self.close in _FATAL or self._far

    @property
    def said(self) -> str:
        """The reason, and when to come back where that is too late for us."""
        if not self._far:
            return self.reason
        return f"{self.reason}; come back in {math.ceil((self.retry_after or 0.0) / 3600)} hours"

    @property
    def _far(self) -> bool:
        return (self.retry_after or 0.0) > PATIENCE

    @property
    def answered(self) -> bool:
        """Whether there is a server, and it said no."""
        return self.foreign or self.status is not None or self.close not in (None, ABNORMAL)

    @property
    def forbidden(self) -> bool:
        """Whether the server wants another token."""
        return self.status in (401, 403) or self.close == Close.POLICY


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again at a time of the clock."""

    at: float
    number: int
    """Which try in a row it will be, from 1."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again."""

    reason: str
    fatal: bool
    """Whether the server said so; else there were enough tries."""
    loss: Loss | None = None
    """What it was, unless nobody waits any more."""


Verdict: TypeAlias = Retry | GiveUp


class Policy:
    """Decide after each loss; ``chance`` gives numbers in [0, 1)."""

    def __init__(self, chance: Callable[[], float], retries: int = RETRIES) -> None:
        self._chance = chance
        self._retries = retries
        self._failures = 0
        self._opened: float | None = None
        """When the circuit was opened, ``None`` while it is closed."""
        self._connected: float | None = None
        self._proven = False
        self._asked = 0.0
        """Before when the server does not want to see anybody."""

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    def circuit(self, now: float) -> Circuit:
        """Return what the breaker lets through."""
        if self._opened is None:
            return Circuit.CLOSED
        return Circuit.OPEN if now < self._opened + OPEN_SECONDS else Circuit.HALF_OPEN

    def connected(self, now: float) -> None:
        """Take note of a connection; it proves nothing yet."""
        self._connected, self._proven = now, False

    def acknowledged(self) -> None:
        """Take note that sound which was sent on this connection has arrived."""
        self._proven = True

    def look(self, now: float) -> None:
        """Begin to count anew where a connection works."""
        if self._works(now):
            self._failures, self._opened = 0, None

    def lost(self, loss: Loss, now: float) -> Verdict:
        """Return what to do about a loss."""
        self.look(now)
        self._connected = None
        if loss.fatal:
            return GiveUp(loss.said, fatal=True, loss=loss)
        self._failures += 1
        if self._failures > self._retries:
            tries = f", {self._failures} tries" if self._failures > 1 else ""
            return GiveUp(f"{loss.reason}{tries}", fatal=False, loss=loss)
        if self._failures >= FAILURES:
            self._opened = now
        self._asked = now + (loss.retry_after or 0.0)
        return Retry(max(now + self._backoff(), self._asked, self._closes()), self._failures)

    def left(self, now: float) -> None:
        """Take note that a connection ended because there was nothing to do: nothing failed."""
        self.look(now)
        self._connected = None

    def hurried(self, now: float) -> float:
        """Return when a last try may be made: as soon as the server wants to see anybody."""
        return max(now, self._asked)

    def _works(self, now: float) -> bool:
        return self._connected is not None and self._proven and now - self._connected >= ALIVE

    def _backoff(self) -> float:
        plain = min(LONGEST, FIRST * 2.0 ** min(self._failures - 1, 16))
        return plain * (1 - JITTER + 2 * JITTER * self._chance())

    def _closes(self) -> float:
        if self._opened is None:
            return 0.0
        return self._opened + OPEN_SECONDS * (1 + JITTER * self._chance())


def is_passing(status: int) -> bool:
    """Tell whether an HTTP status is one that may be over after a while."""
    return status in _PASSING or (status >= SERVER_ERROR and status not in _LASTING)


def parse_retry_after(value: str | None, unix_time: float) -> float | None:
    """Return the seconds of an HTTP ``Retry-After`` (RFC 9110, 10.2.3): a number or a date.

    What is neither says nothing: ``None``.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - unix_time)
    except (ValueError, OverflowError):
        return None
