"""Decode windows of several inputs together.

A short recording is one window, and one window keeps one slot busy. With several inputs the windows
of those that come next fill the batch up; each input still gets its own answers in its own order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from echocli.clock import Clock
from echocli.providers.base import DecodeOptions, Window
from echocli.runtime.supervisor import Outcome, Supervisor


class Member(Protocol):
    """An input that waits for its turn."""

    def ahead(self, count: int) -> list[Window]:
        """Return up to ``count`` windows that are ready now, without waiting."""
        ...

    def take(self, outcomes: Sequence[Outcome], busy: float) -> None:
        """Take answers and the seconds they took."""
        ...

    def withdraw(self, windows: Sequence[Window]) -> None:
        """Take windows back that got no answer; they may be asked for again."""
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """Windows of one input in a request."""

    member: Member
    windows: tuple[Window, ...]


class Shared:
    """Fill every request up with windows of the inputs that wait."""

    def __init__(self, supervisor: Supervisor, clock: Clock) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._waiting: list[Member] = []
        self._requests = 0

    @property
    def wanted(self) -> int:
        """Windows for the next request: few at first, so that there is text soon."""
        batch = min(1 << min(self._requests, 8), self._supervisor.largest_batch)
        return self._supervisor.spec.slots * batch

    def join(self, member: Member) -> None:
        """Let an input take part before its turn."""
        self._waiting.append(member)

    def leave(self, member: Member) -> None:
        """Take an input out: it is its turn, or it is over."""
        if member in self._waiting:
            self._waiting.remove(member)

    def decode(self, member: Member, windows: Sequence[Window], options: DecodeOptions) -> None:
        """Decode windows of ``member`` and of others; each gets its answers."""
        shares = [Share(member, tuple(windows)), *self._fill(self.wanted - len(windows))]
        self._requests += 1
        everything = [window for share in shares for window in share.windows]
        start = self._clock.now()
        try:
            outcomes = self._supervisor.decode(everything, options)
        except BaseException:
            for share in shares:
                share.member.withdraw(share.windows)
            raise
        busy = self._clock.now() - start
        total = sum(len(window.samples) for window in everything) or 1
        at = 0
        for share in shares:
            count = len(share.windows)
            part = sum(len(window.samples) for window in share.windows) / total
            share.member.take(outcomes[at : at + count], busy * part)
            at += count

    def _fill(self, room: int) -> list[Share]:
        shares: list[Share] = []
        for member in self._waiting:
            if room <= 0:
                break
            if windows := member.ahead(room):
                shares.append(Share(member, tuple(windows)))
                room -= len(windows)
        return shares
