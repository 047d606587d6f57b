"""What a live source is: sound that comes by itself, handed on by a thread of the source's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from echocli.events import Notice
from echocli.types import Samples


@dataclass(frozen=True, slots=True)
class Captured:
    """Sound, mono at 16 kHz; ``time`` is the clock when its last sample was there."""

    samples: Samples
    time: float


@dataclass(frozen=True, slots=True)
class Missing:
    """``samples`` (at 16 kHz) of sound that were lost here, and why; positions go on behind it."""

    samples: int
    reason: str


@dataclass(frozen=True, slots=True)
class Over:
    """The source has ended; with an ``error`` if it broke off."""

    error: BaseException | None = None


Item: TypeAlias = Captured | Missing | Notice | Over
"""What a live source hands on, in order; :class:`Over` is the last."""

Sink: TypeAlias = Callable[[Item], None]
"""Takes the items; may be called from any thread and may block where a source can wait."""


class Capture(Protocol):
    """A live source: started once, stopped once."""

    name: str
    """What its events are labelled with: ``mic``, ``system``, a file's name."""

    def start(self, sink: Sink) -> None:
        """Begin to hand sound to ``sink``; raise ``InputError`` where there is nothing to hear."""
        ...

    def stop(self) -> None:
        """Hand on what is captured already, then :class:`Over`; calling it twice is harmless."""
        ...
