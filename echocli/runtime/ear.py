"""One live source with its voice detector and its level: captured items in, events out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from echocli.audio.capture import Captured, Missing
from echocli.events import Event
from echocli.runtime.listening import Detector, Listening, silero
from echocli.runtime.live import LiveSource
from echocli.runtime.loudness import Loudness
from echocli.types import Samples

_NOTHING: Samples = np.zeros(0, np.float32)


class Ear:
    """Feed a source; with ``detect`` off all sound is speech.

    A fresh ``detector`` is made for each stretch of sound without a break.
    """

    def __init__(
        self,
        source: LiveSource,
        *,
        detect: bool,
        detector: Callable[[], Detector] = silero,
    ) -> None:
        self.source = source
        self.failures = 0
        self.over = False
        self._detector = detector if detect else None
        self._listening = self._listen()
        self._loudness = Loudness(source.name)

    def hear(self, item: Captured | Missing, now: float, late: float = 0.0) -> list[Event]:
        """Take what was captured, or what was not; ``now`` is when, ``late`` seconds ago."""
        if isinstance(item, Missing):
            return [*self._flush(now), *self.source.lose(item.samples, item.reason, now)]
        found = self.source.feed(
            item.samples, self._listening.probabilities(item.samples), now, late
        )
        return [*self._notices(), *found, *self._measure(item.samples)]

    def finish(self, now: float) -> list[Event]:
        """Take the end of the source."""
        self.over = True
        return [*self._flush(now), *self.source.finish(now), *self._notices()]

    def _listen(self) -> Listening:
        return Listening(self._detector)

    def _flush(self, now: float) -> list[Event]:
        """Look at what is left of a frame, and begin afresh."""
        events = self.source.feed(_NOTHING, self._listening.flush(), now)
        notices = self._notices()
        self._listening = self._listen()
        return [*notices, *events]

    def _notices(self) -> list[Event]:
        """Say once that voice detection fails."""
        notices, self._listening.notices = self._listening.notices, []
        known, self.failures = self.failures > 0, self.failures + len(notices)
        return [] if known else list[Event](notices)

    def _measure(self, samples: Samples) -> list[Event]:
        meter = self._loudness.feed(samples, self.source.position)
        return [] if meter is None else [meter]
