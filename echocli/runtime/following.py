"""What a live run needs of whoever follows the ladder for it, and of whoever keeps the record.

A run of its own has an :class:`~echocli.runtime.adjusting.Adjuster` and a
:class:`~echocli.runtime.watch.Watch`; one of several that share a model has a
:class:`~echocli.runtime.guest.Guest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from echocli.events import Event, Failover, Level, Notice
from echocli.runtime.ladder import Load, Rung
from echocli.runtime.operating import Change, OperatingPoint
from echocli.runtime.supervisor import Outcome
from echocli.runtime.watch import Now


class Following(Protocol):
    """What a run needs of whoever follows the ladder; see :class:`Adjuster`."""

    window: float

    @property
    def point(self) -> OperatingPoint:
        """How decoding is done."""
        ...

    @property
    def held(self) -> bool:
        """Whether the load is not even looked at."""
        ...

    @property
    def rung(self) -> Rung:
        """The level that is in force, or about to be."""
        ...

    @property
    def announced(self) -> Rung:
        """The level that was in force when it was last told."""
        ...

    @property
    def recovers_at(self) -> float:
        """RTF below which there is room for what was put off."""
        ...

    def hold(self) -> None:
        """Change nothing whatever the load is."""
        ...

    def heard(self, language: str | None) -> None:
        """Take note of the language that is spoken."""
        ...

    def observe(self, now: float, load: Load) -> bool:
        """Take the load; tell whether the point has changed."""
        ...

    def change(self, change: Change) -> None:
        """Have another model serve."""
        ...

    def restore(self) -> None:
        """Go back to where it began, for good."""
        ...

    def news(self, now: float, position: float) -> Iterator[Level | Notice | Failover]:
        """Yield what is in force since it was last asked."""
        ...


class Watching(Protocol):
    """What a run tells of how it goes; see :class:`Watch`."""

    @property
    def short_of_memory(self) -> bool:
        """Whether so little memory is left that the kernel may soon end somebody."""
        ...

    @property
    def loading(self) -> bool:
        """Whether no model is ready."""
        ...

    def asked(self, waited_ms: Sequence[float] = ()) -> None:
        """Take note that a request goes out."""
        ...

    def answered(
        self, outcomes: Sequence[Outcome], secs: Mapping[str, float], *, final: bool
    ) -> None:
        """Take note of an answer."""
        ...

    def covered(self, source: str, secs: float) -> None:
        """Take note that so much more of a source is decoded."""
        ...

    def look(self, at: Now) -> Iterator[Event]:
        """Look at how it stands; yield what must be known."""
        ...

    def close(self) -> list[Event]:
        """Write the last figures; what went wrong with that."""
        ...

    def record(self) -> dict[str, Any]:
        """Return the record of the provider that serves."""
        ...
