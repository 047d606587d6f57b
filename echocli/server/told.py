"""What a session has told: its events by number, until the client has seen them.

Pure, and not for several threads at once: the session guards it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from echocli.events import Event, Final, Partial, SpeechEnded
from echocli.wire.messages import Numbered

MOST_EVENTS = 20_000
"""Events that are kept for a client that says nothing of what it has seen."""

MOST_BYTES = 8 * 2**20
"""The same in bytes, as far as their texts tell."""

OVERHEAD = 512
"""Bytes of an event beside its text."""


@dataclass(frozen=True, slots=True)
class _Kept:
    message: Numbered
    size: int


class Told:
    """Number events from 1 on, and keep them.

    Overflow rule: the oldest go, seen or not; who then asks for them by :meth:`has` learns that
    they are gone. Of partials the newest of each source is kept, until its utterance is over.
    """

    def __init__(self, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self.last = 0
        """Number of the newest event."""
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._partials: dict[str | None, Partial] = {}

    @property
    def gone(self) -> int:
        """Number of the newest event that is not here any more; 0 while all are."""
        return self.last - len(self._kept)

    def add(self, event: Event) -> None:
        """Take an event; of partials only the newest counts."""
        if isinstance(event, Partial):
            self._partials[event.segment.source] = event
            return
        self._supersede(event)
        self.last += 1
        size = OVERHEAD + len(repr(event))
        self._kept.append(_Kept(Numbered(self.last, event), size))
        self._bytes += size
        while len(self._kept) > self._most_events or self._bytes > self._most_bytes:
            self._drop()

    def since(self, seq: int) -> list[Numbered]:
        """Return the events after ``seq``, in order."""
        count = min(len(self._kept), max(0, self.last - seq))
        if not count:
            return []
        return [one.message for one in list(self._kept)[-count:]]

    def has(self, seq: int) -> bool:
        """Tell whether ``seq`` was told, and everything after it is still here."""
        return self.gone <= seq <= self.last

    def seen(self, seq: int) -> None:
        """Forget the events up to ``seq``."""
        while self._kept and self.gone < seq:
            self._drop()

    def partials(self) -> list[Numbered]:
        """Return the newest partial of each source, if nobody asked for it yet."""
        found = [Numbered(None, one) for one in self._partials.values()]
        self._partials.clear()
        return found

    def _supersede(self, event: Event) -> None:
        """Let go of the partial of an utterance that is over: it must not come after the final."""
        if isinstance(event, Final):
            source, number = event.segment.source, event.segment.id
        elif isinstance(event, SpeechEnded):
            source, number = event.source, event.id
        else:
            return
        shown = self._partials.get(source)
        if shown is not None and shown.segment.id <= number:
            del self._partials[source]

    def _drop(self) -> None:
        self._bytes -= self._kept.popleft().size
