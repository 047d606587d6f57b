"""What stands for ladder and record in a run that shares a model with others.

The ladder moves for all at once. What was put aside is this run's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from echocli.errors import UsageError
from echocli.events import Event, Failover, Level, Notice
from echocli.runtime.books import Books
from echocli.runtime.ladder import Load, Rung
from echocli.runtime.operating import Change, OperatingPoint
from echocli.runtime.supervisor import Outcome
from echocli.runtime.watch import Now

HELD = 1000
"""Events held at most for a run that does not ask; the oldest are dropped."""


class Follower:
    """Stand for the host's ladder in one run; for that run's thread, but :meth:`tell`."""

    held = False

    def __init__(self, name: str, books: Books, base: OperatingPoint) -> None:
        self.window = books.window
        self.rung = self.announced = books.announced
        self._name = name
        self._books = books
        self._base = base
        """What this run was asked for; its beam and its intervals are its own."""
        self.point = self._pointed()
        self._over = False
        self._news: deque[Level | Notice | Failover] = deque(maxlen=HELD)
        if self.rung is not Rung.NORMAL:
            text = f"the server is at level {self.rung.name}: it does less so that it keeps up"
            self._news.append(Notice("level", text))

    @property
    def recovers_at(self) -> float:
        """RTF below which there is room for what was put off."""
        return self._books.recovers_at

    def tell(self, event: Level | Notice | Failover) -> None:
        """Take what everybody must know; from any thread."""
        self._news.append(event)

    def hold(self) -> None:
        """Do nothing: others go by the load."""

    def heard(self, language: str | None) -> None:
        """Tell the host what is spoken here."""
        self._books.heard(self._name, language)

    def observe(self, now: float, load: Load) -> bool:
        """Do as the host's ladder says; it knows the load."""
        del now, load
        if self._over:
            return False
        before, self.point = self.point, self._pointed()
        self.rung = self._books.rung
        return self.point != before

    def change(self, change: Change) -> None:
        """Refuse: the model is everybody's."""
        raise UsageError(f"the model is shared and stays: {change.reason}")

    def restore(self) -> None:
        """Decode what is left as it was asked for."""
        self._over, self.point = True, self._base

    def news(self, now: float, position: float) -> Iterator[Level | Notice | Failover]:
        """Yield what the host has told; ``position`` is where this run is, in seconds."""
        del now
        while self._news:
            event = self._news.popleft()
            if isinstance(event, Level):
                self.announced = self._books.announced
                event = replace(event, position=round(position, 3))
            yield event

    def _pointed(self) -> OperatingPoint:
        """Return the point of the level: as much less as the host's is less than its own base."""
        point, base = self._books.point, self._base
        if self._books.rung is Rung.NORMAL:
            return base
        least = max(base.least_interval, point.least_interval)
        return replace(
            base,
            spec=point.spec,
            beam_size=min(base.beam_size, point.beam_size),
            foreign_beam_size=None if point.foreign_beam_size is None else base.foreign_beam_size,
            least_interval=least,
            most_interval=max(base.most_interval, least),
            partials=base.partials and point.partials,
            spool=point.spool,
        )


class Reporter:
    """Stand for the host's record in one run.

    The RTF of a run is that of all its ``sources``, which are heard at the same time; a file has
    none.
    """

    def __init__(self, name: str, books: Books, sources: int = 0) -> None:
        self._name = name
        self._books = books
        self._sources = sources

    @property
    def short_of_memory(self) -> bool:
        """Whether so little memory is left that the kernel may soon end somebody."""
        return self._books.short_of_memory

    @property
    def loading(self) -> bool:
        """Never: the host knows when there is no model."""
        return False

    def asked(self, waited_ms: Sequence[float] = ()) -> None:
        """Do nothing: the host counts requests."""

    def answered(
        self, outcomes: Sequence[Outcome], secs: Mapping[str, float], *, final: bool
    ) -> None:
        """Do nothing: the host counts answers."""

    def covered(self, source: str, secs: float) -> None:
        """Take note that so much more of a source is decoded."""
        del source
        if secs > 0:
            live = self._sources > 0
            self._books.covered(self._name, secs / max(1, self._sources), live=live)

    def look(self, at: Now) -> Iterator[Event]:
        """Tell how it stands; what must be known comes by the ladder's way."""
        if self._sources:
            self._books.stands(self._name, at)
        yield from ()

    def close(self) -> list[Event]:
        """Do nothing: the host goes on."""
        return []

    def record(self) -> dict[str, Any]:
        """Return the record of the provider that serves."""
        return self._books.record()
