"""Go where the ladder leads: change the operating point, and say so once it is in force."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from echocli import log
from echocli.events import Failover, Level, Notice
from echocli.providers.base import LoadSpec
from echocli.runtime.ladder import Ladder, Load, Rung
from echocli.runtime.operating import (
    Change,
    Choices,
    OperatingPoint,
    effects,
    named,
    operating_point,
)


class Switching(Protocol):
    """Whoever can change the model."""

    fallbacks: tuple[LoadSpec, ...]
    """What goes on where a model fails."""

    @property
    def spec(self) -> LoadSpec:
        """What serves now."""
        ...

    @property
    def in_force(self) -> bool:
        """Whether what is wanted serves, as far as that is possible."""
        ...

    def want(self, spec: LoadSpec) -> None:
        """Have a model serve as soon as it is warm."""
        ...

    def settle(self, *, wait: bool = False) -> bool:
        """Put in service what is ready, unless a request runs."""
        ...


class Standing:
    """The least of a value in the last seconds: what waits all the time is a queue that stands.

    A long utterance is a backlog the moment it ends, and none when it is decoded as fast as ever.
    The least of an interval tells the two apart (Nichols and Jacobson, "Controlling Queue Delay",
    ACM Queue 10(5), 2012).
    """

    def __init__(self, interval: float = 2.0) -> None:
        self._interval = interval
        self._since: float | None = None
        self._values: deque[tuple[float, float]] = deque()

    def note(self, now: float, value: float) -> float:
        """Take the value at ``now`` and return what has stood; 0 before the interval is over."""
        self._since = now if self._since is None else self._since
        # The least from a time on, for every time: a larger value counts only until a lesser comes.
        since = now
        while self._values and self._values[-1][1] >= value:
            since, _ = self._values.pop()
        self._values.append((since, value))
        # A value holds until the next: the last one before the interval still counts in it.
        while len(self._values) > 1 and self._values[1][0] <= now - self._interval:
            self._values.popleft()
        whole = now - self._since >= self._interval
        return self._values[0][1] if whole else 0.0


@dataclass(frozen=True, slots=True)
class _Announced:
    rung: Rung
    point: OperatingPoint


@dataclass(frozen=True, slots=True)
class _Pending:
    """A change that is not in force yet, and what led to it."""

    reason: str
    load: Load
    change: Change | None = None
    """What somebody asked for, if that is what led to it."""

    @property
    def fails_over(self) -> bool:
        """Whether somebody asked for the fallback."""
        return self.change is not None and self.change.fails_over


class Adjuster:
    """Keep the operating point; for one thread.

    Without a ``ladder`` nothing is ever changed. ``english`` are the choices there are once it is
    known that English is spoken.
    """

    def __init__(
        self,
        choices: Choices,
        service: Switching,
        ladder: Ladder | None,
        *,
        english: Choices | None = None,
        window: float = 10.0,
    ) -> None:
        self.point = choices.base
        self.window = window
        """Seconds over which the RTF shall be measured."""
        self._choices = self._plain = choices
        self._english = english or choices
        self._service = service
        self._ladder = ladder
        self._over = False
        self.held = False
        """Whether the load is not even looked at."""
        self._announced = _Announced(Rung.NORMAL, choices.base)
        self._pending: _Pending | None = None
        self._told_hopeless = False
        self._former: Change | None = None
        """What to go back to where the model that was asked for cannot be started."""
        self.refused: Change | None = None
        """The change that could not be made, the last one."""

    @property
    def base(self) -> LoadSpec:
        """What serves when all is well."""
        return self._choices.base.spec

    @property
    def rung(self) -> Rung:
        """The level that is in force, or about to be."""
        return self._ladder.rung if self._ladder is not None and not self._over else Rung.NORMAL

    @property
    def announced(self) -> Rung:
        """The level that was in force when it was last told."""
        return self._announced.rung

    @property
    def recovers_at(self) -> float:
        """RTF below which there is room for what was put off."""
        return self._ladder.options.recovery if self._ladder is not None else 1.0

    def hold(self) -> None:
        """Change nothing whatever the load is."""
        self._ladder, self.held = None, True

    def heard(self, language: str | None) -> None:
        """Take note of the language that is spoken; what there is to go down to may depend on it.

        It counts from the next move on.
        """
        choices = self._english if language == "en" else self._plain
        if language is None or choices is self._choices:
            return
        self._choices = choices
        self._service.fallbacks = () if choices.fallback is None else (choices.fallback,)

    def observe(self, now: float, load: Load) -> bool:
        """Take the load at ``now``; tell whether the point has changed."""
        if self._ladder is None or self._over:
            return False
        settled = self._pending is None
        move = self._ladder.observe(
            now, load, rescue=self._choices.rescue is not None, settled=settled
        )
        if move is None:
            return False
        before = self.point
        self._go(operating_point(self._choices, move.after, move.stretch), move.reason, load)
        return self.point != before

    def change(self, change: Change) -> None:
        """Have another model serve as the base, at the level of now: somebody asked for it."""
        if self._over:
            return
        if self._former is None:
            fallbacks = self._service.fallbacks
            self._former = Change(self._plain, self._english, fallbacks, change.reason)
        # What serves now need not be what was last told: a model may have failed since.
        point = replace(self._announced.point, spec=self._service.spec)
        self._announced = replace(self._announced, point=point)
        self._take(change)
        self._pending = _Pending(change.reason, Load(None), change)
        self._service.settle(wait=self.held)  # a file that waits gives the same text every time

    def _take(self, change: Change) -> None:
        self._service.fallbacks = change.fallbacks
        self._choices = change.english if self._choices is self._english else change.plain
        self._plain, self._english = change.plain, change.english
        stretch = self._ladder.stretch if self._ladder is not None else 0
        point = operating_point(self._choices, self.rung, stretch)
        self._go(point, change.reason, Load(None))

    def restore(self) -> None:
        """Go back to where it began, for good: no more sound comes."""
        if self._ladder is not None and not self._over:
            self._over = True
            self._go(self._choices.base, "no more sound comes", Load(None))
            self._service.settle(wait=True)

    def news(self, now: float, position: float) -> Iterator[Level | Notice | Failover]:
        """Yield the level once it is in force; ``position`` is the source's, in seconds."""
        self._service.settle()
        yield from self._hopeless(now)
        if self._pending is None or not self._service.in_force:
            return
        pending, self._pending = self._pending, None
        former, self._former = self._former, None
        if pending.change is not None and former is not None and not self._serves:
            self.refused = pending.change
            self._take(former)
            self._pending = replace(pending, change=None)  # the level may have changed meanwhile
            return
        before, self._announced = self._announced, _Announced(self.rung, self._in_force())
        log.event("degrade_level_change", before=before.rung.name, after=self.rung.name)
        told = before.point
        if pending.fails_over and told.spec != self._announced.point.spec:
            names = (named(told.spec), named(self._announced.point.spec))
            yield Failover(*names, pending.reason, 0.0)
            told = replace(told, spec=self._announced.point.spec)
        changes = effects(told, self._announced.point)
        if before.rung is not self.rung or changes:
            yield Level(
                before.rung.name,
                self.rung.name,
                pending.reason,
                None if pending.load.rtf is None else round(pending.load.rtf, 3),
                round(pending.load.backlog, 3),
                changes,
                round(position, 3),
            )

    def _go(self, point: OperatingPoint, reason: str, load: Load) -> None:
        self.point = point
        self._service.want(point.spec)
        change = self._pending.change if self._pending is not None else None
        self._pending = _Pending(reason, load, change)

    @property
    def _serves(self) -> bool:
        """Whether what is wanted serves, be it on another device."""
        serves, wanted = self._service.spec, self.point.spec
        return (serves.provider, serves.model) == (wanted.provider, wanted.model)

    def _in_force(self) -> OperatingPoint:
        """Return the point; a model that could not be started, or stands in, is no effect of it."""
        if self._serves:
            return self.point
        return replace(self.point, spec=self._announced.point.spec)

    def _hopeless(self, now: float) -> Iterator[Notice]:
        """Say that nothing more can be done, once."""
        if self._ladder is None or self._over:
            return
        hopeless = self._choices.rescue is None and self._ladder.is_hopeless(now)
        if hopeless and not self._told_hopeless:
            text = (
                "the machine is far too slow, and no fallback would be faster: going on like this"
            )
            yield Notice("no_faster_fallback", text)
        self._told_hopeless = hopeless
