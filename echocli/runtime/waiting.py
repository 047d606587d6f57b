"""Utterances that are over, until their text is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from echocli.runtime.utterance import Utterance


class Waiting:
    """Keep utterances that are over in order; all of them have been given a decode.

    Overflow rule: while they hold more than ``limit`` samples of speech, the oldest is dropped, if
    possible one that is not being decoded, and handed to the caller, who says so. The newest
    always stays.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line: deque[Utterance] = deque()

    @property
    def line(self) -> Sequence[Utterance]:
        """All of them, the oldest first."""
        return self._line

    @property
    def backlog(self) -> int:
        """Samples of speech."""
        return sum(one.speech.length for one in self._line)

    @property
    def held(self) -> int:
        """Samples in memory: speech and what is decoded with it."""
        return sum(len(one.finishing.sound.samples) for one in self._line if one.finishing)

    def idle(self, heard: float) -> float:
        """Return samples of speech that is not decoded fast enough; ``heard`` is the position.

        What nobody decodes counts for as long as it waits at most, and what is being decoded once
        it has taken longer than it lasts.
        """
        return sum(
            min(one.speech.length, max(0.0, heard - one.ended_at - _grace(one)))
            for one in self._line
        )

    def waiting(self, heard: float) -> float:
        """Return samples of speech without text, each for as long as it waits at most."""
        return sum(min(one.speech.length, max(0.0, heard - one.ended_at)) for one in self._line)

    def add(self, utterance: Utterance) -> None:
        """Take the newest."""
        self._line.append(utterance)

    def undone(self) -> list[Utterance]:
        """Return those with a window that nobody decodes."""
        return [one for one in self._line if one.finishing and one.finishing.undone]

    def dropped(self) -> Iterator[Utterance]:
        """Yield what must go, the oldest first; what has its text, or soon will, last."""
        while self.backlog > self._limit and len(self._line) > 1:
            older = list(self._line)[:-1]
            undone = (one for one in older if one.finishing and one.finishing.undone)
            victim = next(undone, older[0])
            self._line.remove(victim)
            yield victim

    def drain(self) -> Iterator[Utterance]:
        """Yield all of them."""
        while self._line:
            yield self._line.popleft()

    def ready(self) -> Iterator[Utterance]:
        """Yield those from the oldest on that need no decoding any more."""
        while self._line and (finishing := self._line[0].finishing) and finishing.done:
            yield self._line.popleft()


def _grace(utterance: Utterance) -> int:
    """Return for how long an utterance may go without text before it counts as backlog."""
    finishing = utterance.finishing
    flying = finishing is not None and finishing.flying
    return utterance.speech.length if flying else 0
