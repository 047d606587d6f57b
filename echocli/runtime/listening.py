"""A voice detector that never costs a transcript.

When it cannot load or throws, everything from there on is taken for speech, with one notice and a
counter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from echocli import log
from echocli.audio.clip import WHOLE, Clip
from echocli.events import Notice
from echocli.types import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME = 512
"""Samples a probability stands for: 32 ms, what Silero takes."""


class Detector(Protocol):
    """Give one speech probability a frame; any split of the sound gives the same."""

    def probabilities(self, block: Samples) -> NDArray[np.float32]:
        """Return the probabilities of the frames that are complete now."""
        ...

    def flush(self) -> NDArray[np.float32]:
        """Return the probability of the rest."""
        ...


def silero() -> Detector:
    """Load Silero; imported here because a run without VAD must not need it."""
    from echocli.vad.silero import Silero

    made = Silero()
    log.event("vad_model_loaded", model="silero")
    return made


class Clipped:
    """A detector that is asked within a clip only; frames that do not touch it are silence."""

    def __init__(self, detector: Detector, clip: Clip) -> None:
        self._detector = detector
        self._clip = clip
        self._frames = 0
        self._rest: Samples = np.zeros(0, np.float32)

    def probabilities(self, block: Samples) -> NDArray[np.float32]:
        """Return the probabilities of the frames that are complete now."""
        sound = np.concatenate([self._rest, block])
        count = len(sound) // FRAME
        self._rest = sound[count * FRAME :]
        asked = self._clip.frames(self._frames, self._frames + count, FRAME)
        self._frames += count
        found = np.zeros(count, np.float32)
        if asked.any():
            frames = sound[: count * FRAME].reshape(count, FRAME)
            found[asked] = self._detector.probabilities(frames[asked].reshape(-1))
        return found

    def flush(self) -> NDArray[np.float32]:
        """Return the probability of the rest."""
        asked = self._clip.frames(self._frames, self._frames + (len(self._rest) > 0), FRAME)
        if not asked.any():
            return asked.astype(np.float32)
        first = self._detector.probabilities(self._rest)
        return np.concatenate([first, self._detector.flush()])


class Listening:
    """Give a probability to every frame of an input; without a detector all of it is speech.

    Outside of ``clip`` there is no speech, whatever is heard there.
    """

    def __init__(
        self,
        detector: Callable[[], Detector] | None = silero,
        clip: Clip = WHOLE,
    ) -> None:
        self.notices: list[Notice] = []
        self.failures = 0
        self._clip = clip
        self._total = 0
        self._frames = 0
        self._detector = self._load(detector) if detector is not None else None

    def probabilities(self, block: Samples) -> NDArray[np.float32]:
        """Return the probabilities of the frames that are complete now."""
        self._total += len(block)
        if self._detector is not None:
            try:
                return self._seen(self._detector.probabilities(block))
            except Exception as error:
                self._fail(error)
        return self._all_speech(self._total // FRAME)

    def flush(self) -> NDArray[np.float32]:
        """Return the probability of the rest."""
        if self._detector is not None:
            try:
                return self._seen(self._detector.flush())
            except Exception as error:
                self._fail(error)
        return self._all_speech(-(-self._total // FRAME))

    def _load(self, factory: Callable[[], Detector]) -> Detector | None:
        try:
            return Clipped(factory(), self._clip)
        except Exception as error:
            self._fail(error)
            return None

    def _seen(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        self._frames += len(probabilities)
        return probabilities

    def _all_speech(self, frames: int) -> NDArray[np.float32]:
        return self._seen(self._clip.frames(self._frames, frames, FRAME).astype(np.float32))

    def _fail(self, error: Exception) -> None:
        self._detector = None
        self.failures += 1
        self.notices.append(
            Notice("vad_failed", f"voice detection failed, all sound is decoded: {error}")
        )
