"""The sound of a live source and the turns in it; positions are samples of the source."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from echocli.audio.ring import AudioBuffer
from echocli.runtime.finishing import Sound
from echocli.runtime.live_options import LiveOptions
from echocli.runtime.utterance import Utterance
from echocli.types import SAMPLE_RATE, Samples, Span
from echocli.vad.endpointer import FRAME
from echocli.vad.turns import Began, Ended, Reason, Turns


class LiveSound:
    """Keep the sound that may still be needed, and hear where somebody speaks."""

    def __init__(self, options: LiveOptions) -> None:
        self.least_start = 0
        """Before it all sound belongs to another utterance or to a gap."""
        self._options = options
        self._buffer = AudioBuffer()
        self._turns = Turns(options.turns)
        self._time = 0.0
        """When the newest sound was there."""
        self._late = 0.0
        """How many seconds ago the newest sound was there when it came."""

    @property
    def position(self) -> int:
        """How many samples have come, lost ones counted."""
        return self._buffer.end

    @property
    def held(self) -> int:
        """Samples in memory."""
        return self._buffer.end - self._buffer.start

    @property
    def looked(self) -> int:
        """Up to where it is known whether there is speech."""
        return min(self._turns.position, self.position)

    @property
    def silence(self) -> int | None:
        """Where the pause began that there is now, if there is one."""
        return self._turns.silence

    @property
    def pause(self) -> int:
        """How long the pause is that there is now."""
        silence = self._turns.silence
        return 0 if silence is None else self._turns.position - silence

    def heard(self, now: float) -> float:
        """Return how far the source is at the time ``now``."""
        return self.position + max(0.0, now - self._time) * SAMPLE_RATE

    def lateness(self, now: float) -> float:
        """Return how many samples more came before the newest could be looked at."""
        return self._late * SAMPLE_RATE if now == self._time else 0.0

    def feed(
        self, samples: Samples, probabilities: NDArray[np.float32], now: float, late: float
    ) -> Iterator[Began | Ended]:
        """Take sound and the probabilities of the frames it completes; yield turns one by one.

        ``now`` is when the sound was there, ``late`` how many seconds ago that is.
        """
        self._buffer.append(samples)
        self._time, self._late = now, late
        # One frame at a time, so that the cutting of the input cannot change what is decoded.
        for probability in probabilities:
            yield from self._turns.feed([(float(probability), self._loudness())])

    def finish(self, reason: Reason) -> list[Began | Ended]:
        """Return the turns that an end here makes."""
        return self._turns.finish(self.position, reason)

    def skip(self, count: int, now: float) -> int:
        """Take note that so many samples are missing; return where the sound goes on."""
        self._time = now
        self.restart(self.position + count)
        return self.position

    def restart(self, position: int) -> None:
        """Go on at ``position`` without what was before."""
        self._buffer = AudioBuffer(position)
        self._turns = Turns(self._options.turns, position)
        self.least_start = position

    def beginning(self, start: int) -> int:
        """Return where the sound of an utterance begins that begins at ``start``."""
        return max(self.least_start, start - self._options.pre_roll)

    def of(self, utterance: Utterance, end: int) -> Sound:
        """Return the sound of an utterance that ends at ``end``."""
        behind = 0 if utterance.reason is Reason.SPLIT else self._options.post_roll
        # Not all that has come: somebody may speak again in what has not been looked at.
        samples = self._buffer.slice(utterance.sound_start, min(end + behind, self.looked))
        return Sound(utterance.sound_start, samples, Span(utterance.start, end))

    def so_far(self, utterance: Utterance) -> Samples:
        """Return what there is of an utterance that goes on."""
        return self._buffer.slice(utterance.sound_start, self.looked)

    def forget(self, open_: Utterance | None) -> None:
        """Let go of sound that no utterance can need."""
        self._buffer.drop_before(self.needed(open_))

    def needed(self, open_: Utterance | None) -> int:
        """Return from where on an utterance may need the sound."""
        if open_ is not None:
            return min(open_.sound_start, self.position)
        needed = max(self.least_start, self._turns.undecided - self._options.pre_roll)
        return min(needed, self.position)

    def _loudness(self) -> float:
        """Return the loudness of the next frame.

        The last may be cut short; an utterance must not be split behind what has come.
        """
        at = self._turns.position
        frame = self._buffer.slice(min(at, self.position), min(at + FRAME, self.position))
        return float(np.abs(frame).mean()) if len(frame) == FRAME else math.inf
