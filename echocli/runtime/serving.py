"""What those who want windows decoded need of whoever decodes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from echocli.errors import TranscriptionError
from echocli.events import Event, Ready
from echocli.providers.base import DecodeOptions, LoadReport, LoadSpec, Window
from echocli.runtime.supervisor import Outcome


class Withdrawn(TranscriptionError):
    """What was asked for is not decoded: who asked took it back, or it came too late."""


class Gone(Withdrawn):
    """Nothing more is decoded for whoever asked: it has left."""


class Serving(Protocol):
    """One model, or several that stand in for each other."""

    @property
    def spec(self) -> LoadSpec:
        """What is loaded now."""
        ...

    @property
    def report(self) -> LoadReport | None:
        """What loading gave."""
        ...

    @property
    def load_ms(self) -> float:
        """Milliseconds that loading took."""
        ...

    @property
    def restarts(self) -> int:
        """How often a worker was replaced."""
        ...

    @property
    def peak_rss_bytes(self) -> int:
        """Highest resident memory of a worker."""
        ...

    @property
    def largest_batch(self) -> int:
        """Windows of a slot that are worth asking for at once."""
        ...

    @property
    def notices(self) -> deque[Event]:
        """What happened and nobody was told yet; the reader removes what it takes."""
        ...

    @property
    def waited(self) -> float:
        """Seconds that the last request waited for its turn; 0 where nobody else asks."""
        ...

    def begin(self) -> None:
        """Start to load without waiting."""
        ...

    def ready(self, warm: Sequence[Window] = ()) -> LoadReport:
        """Wait until a model serves; raise ``ModelError`` if none can."""
        ...

    def decode(
        self, windows: Sequence[Window], options: DecodeOptions, *, urgency: int = 0
    ) -> list[Outcome]:
        """Decode windows whatever happens; outcomes are in their order.

        Where several share a model the lower ``urgency`` goes first, and :class:`Withdrawn` is
        raised for what was taken back.
        """
        ...

    def take_back(self) -> None:
        """Have what waits for its turn come back as :class:`Withdrawn`; what is begun goes on."""
        ...

    def hurry(self) -> None:
        """Hold out no longer where nobody is usable: somebody wants this to end."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...

    def kill(self) -> None:
        """End all workers at once."""
        ...


def served_by(serving: Serving) -> tuple[LoadSpec, int]:
    """Return who serves; a request during which that changes says nothing about the load."""
    return serving.spec, serving.restarts


def ready(source: str, spec: LoadSpec) -> Ready:
    """Return what is said when a source has begun and ``spec`` serves it."""
    return Ready(source, spec.provider, spec.model, spec.revision, spec.sha256)
