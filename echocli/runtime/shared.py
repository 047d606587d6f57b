"""Decode windows of several inputs together.

A short recording is one window, and one window keeps one slot busy. With several inputs the windows
of those that come next fill the batch up; each input still gets its own answers in its own order.
With an :class:`~echocli.runtime.adjusting.Adjuster` the load is measured at every request, and the
next one is made as the ladder says. Sound waits in its file, so nothing is ever left out.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from echocli.clock import Clock
from echocli.events import Event, Level
from echocli.providers.base import DecodeOptions, Window
from echocli.runtime.adjusting import Adjuster
from echocli.runtime.following import Watching
from echocli.runtime.ladder import Load, Rung
from echocli.runtime.rtf import LoadMeter
from echocli.runtime.serving import Serving, served_by
from echocli.runtime.supervisor import Outcome
from echocli.runtime.watch import Now
from echocli.types import SAMPLE_RATE

LONGEST_REQUEST = 60.0
"""Seconds a request should take at most: nothing can be done about a slow machine meanwhile."""

REMEMBERED = 1000
"""Windows that are known to come a second time."""

FILES = "files"
"""Name of all inputs together as a source of load."""


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
    """Fill every request up with windows of the inputs that wait, and follow the load.

    The ``adjuster`` must have its model served by ``supervisor``; without one nothing is changed.
    """

    def __init__(
        self,
        supervisor: Serving,
        clock: Clock,
        adjuster: Adjuster | None = None,
        watch: Watching | None = None,
    ) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._waiting: list[Member] = []
        self._requests = 0
        self._adjuster = adjuster
        self._watch = watch
        self._meter = LoadMeter(adjuster.window) if adjuster is not None else LoadMeter()
        self._decoded: deque[int] = deque(maxlen=REMEMBERED)
        """Ids of the newest windows."""
        self._length = 0.0
        """Seconds of sound of a window of the last request."""
        self._left_idle = False
        """Whether the last request had fewer windows than there are slots."""
        self.levels: list[Level] = []
        """Every change of the level so far, whichever input it was told to."""

    @property
    def wanted(self) -> int:
        """Windows for the next request: few at first, so that there is text soon."""
        batch = min(1 << min(self._requests, 8), self._supervisor.largest_batch)
        more = self._adjuster.point.batches if self._adjuster is not None else 1
        slots = self._supervisor.spec.slots
        return min(slots * batch * more, max(slots, self._in_time()))

    def _in_time(self) -> int:
        """Return how many windows like the last ones can be decoded in a request's time."""
        rtf = self._meter.rtf(self._clock.now())
        if not rtf or not self._length:
            return sys.maxsize
        return math.floor(LONGEST_REQUEST / (rtf * self._length))

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
        if self._watch is not None:
            self._watch.asked()
        try:
            self._supervisor.ready()  # loading is no inference
            served, start = served_by(self._supervisor), self._clock.now()
            outcomes = self._supervisor.decode(everything, self._adjusted(options))
        except BaseException:
            for share in shares:
                share.member.withdraw(share.windows)
            raise
        busy = max(0.0, self._clock.now() - start - self._supervisor.waited)
        self._length = _sound(everything) / len(everything)
        total = sum(len(window.samples) for window in everything) or 1
        at = 0
        for share in shares:
            count = len(share.windows)
            part = sum(len(window.samples) for window in share.windows) / total
            share.member.take(outcomes[at : at + count], busy * part)
            at += count
        if self._watch is not None:
            self._watch.answered(outcomes, {FILES: busy}, final=True)
        if served_by(self._supervisor) == served:
            self._observe(everything, busy)

    @property
    def record(self) -> dict[str, Any] | None:
        """The health of the provider that serves, where somebody watches."""
        return self._watch.record() if self._watch is not None else None

    def covered(self, secs: float) -> None:
        """Take note that so many more seconds of an input are decoded."""
        if self._watch is not None:
            self._watch.covered(FILES, secs)

    def news(
        self, position: float, speech_ratio: float | None = None, skipped: int = 0
    ) -> Iterator[Event]:
        """Yield what the ladder has changed and what the watch has to say.

        ``position`` is that of the input, in seconds; the others are what was found in it so far.
        """
        if self._watch is not None:
            rung = self._adjuster.announced if self._adjuster is not None else Rung.NORMAL
            rtf = self._meter.rtf(self._clock.now())
            at = Now(rtf, rung, speech_ratio=speech_ratio, skipped=skipped)
            yield from self._watch.look(at)
        if self._adjuster is None:
            return
        for event in self._adjuster.news(self._clock.now(), position):
            if isinstance(event, Level):
                self.levels.append(event)
            yield event

    def _adjusted(self, options: DecodeOptions) -> DecodeOptions:
        if self._adjuster is None or self._adjuster.rung is Rung.NORMAL:
            return options
        point = self._adjuster.point
        return replace(
            options, beam_size=point.beam_size, foreign_beam_size=point.foreign_beam_size
        )

    def _observe(self, windows: Sequence[Window], busy: float) -> None:
        """Tell the ladder how busy it was.

        One request that leaves slots idle (until the language is known, at the end) is no measure
        of what the machine can do; where each does, that is how fast it goes.
        """
        before, self._left_idle = self._left_idle, len(windows) < self._supervisor.spec.slots
        if self._adjuster is None or (self._left_idle and not before):
            return
        now = self._clock.now()
        self._meter.busy(FILES, busy, now)
        self._meter.covered(FILES, _sound(self._new(windows)), now)
        self._adjuster.observe(now, Load(self._meter.rtf(now), 0.0, self._short()))

    def _new(self, windows: Sequence[Window]) -> list[Window]:
        """Return the windows that are not decoded a second time: that covers nothing more."""
        new = [window for window in windows if window.id not in self._decoded]
        self._decoded.extend(window.id for window in new)
        return new

    def _fill(self, room: int) -> list[Share]:
        shares: list[Share] = []
        for member in self._waiting:
            if room <= 0:
                break
            if windows := member.ahead(room):
                shares.append(Share(member, tuple(windows)))
                room -= len(windows)
        return shares

    def _short(self) -> bool:
        return self._watch is not None and self._watch.short_of_memory


def _sound(windows: Sequence[Window]) -> float:
    return sum(len(window.samples) for window in windows) / SAMPLE_RATE
