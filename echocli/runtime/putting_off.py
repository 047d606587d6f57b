"""Which utterances wait on disk while there is no time for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from echocli.events import Gap
from echocli.runtime.utterance import Utterance

if TYPE_CHECKING:
    from echocli.runtime.live import LiveSource


class PutAside(Protocol):
    """Keep an utterance of a source for later, or say that nobody will; the gap it leaves."""

    def __call__(self, source: LiveSource, utterance: Utterance, reason: str, /) -> Gap:
        """Put it aside."""
        ...


class PuttingOff:
    """Choose every other utterance while :attr:`active`, and hold what nobody has taken yet."""

    def __init__(self) -> None:
        self.active = False
        self._next = False
        self._held: list[tuple[Utterance, str]] = []

    def choose(self, utterance: Utterance) -> None:
        """Say of an utterance that begins whether it is to be put off."""
        self._next = self.active and not self._next
        utterance.later = self._next

    def takes(self, utterance: Utterance) -> bool:
        """Tell whether an utterance is put off if it ends now."""
        return utterance.later and self.active

    def add(self, utterance: Utterance, reason: str) -> None:
        """Put an utterance off that is over."""
        self._held.append((utterance, reason))

    def take(self) -> list[tuple[Utterance, str]]:
        """Return what was put off, and why; whoever feeds the source takes it at once."""
        held, self._held = self._held, []
        return held
