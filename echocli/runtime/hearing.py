"""Sound and voice detector together: blocks in, blocks with what is known of their speech out.

The detector must never cost a transcript: when it cannot load or throws, everything from there on
is decoded as speech, with one notice and a counter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from echocli.events import Notice
from echocli.types import Samples, Span
from echocli.vad.endpointer import Endpointer, VadOptions

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

    return Silero()


@dataclass(frozen=True, slots=True)
class Heard:
    """A block of sound and what is known of the speech up to its end."""

    samples: Samples
    closed: tuple[Span, ...]
    open_start: int | None
    decided: int


class Hearing:
    """Run the detector over an input; ``options`` of ``None`` takes all of it as speech."""

    def __init__(
        self, options: VadOptions | None, detector: Callable[[], Detector] = silero
    ) -> None:
        self.notices: list[Notice] = []
        self.failures = 0
        self.speech_samples = 0
        self.silences = 0
        """Stretches of silence between, before and behind the spans."""
        self.total = 0
        self._frames = 0
        self._last_end = 0
        self._endpointer = Endpointer(options or VadOptions(pad_ms=0, min_speech_ms=0))
        self._detector = self._load(detector) if options is not None else None

    def hear(self, block: Samples) -> Heard:
        """Take a block of sound."""
        self.total += len(block)
        closed = self._count(self._endpointer.feed(self._probabilities(block)))
        return Heard(block, closed, self._endpointer.open_start, self._endpointer.decided)

    def finish(self) -> tuple[Span, ...]:
        """Take the end of the input; the last spans."""
        closed = self._endpointer.feed(self._flush())
        closed = [*closed, *self._endpointer.finish(self.total)]
        spans = self._count(closed)
        self.silences += self.total > self._last_end
        return spans

    def _load(self, factory: Callable[[], Detector]) -> Detector | None:
        try:
            return factory()
        except Exception as error:
            self._fail(error)
            return None

    def _probabilities(self, block: Samples) -> NDArray[np.float32]:
        if self._detector is not None:
            try:
                return self._seen(self._detector.probabilities(block))
            except Exception as error:
                self._fail(error)
        return self._all_speech(self.total // FRAME)

    def _flush(self) -> NDArray[np.float32]:
        if self._detector is not None:
            try:
                return self._seen(self._detector.flush())
            except Exception as error:
                self._fail(error)
        return self._all_speech(-(-self.total // FRAME))

    def _seen(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        self._frames += len(probabilities)
        return probabilities

    def _all_speech(self, frames: int) -> NDArray[np.float32]:
        return self._seen(np.ones(max(0, frames - self._frames), dtype=np.float32))

    def _fail(self, error: Exception) -> None:
        self._detector = None
        self.failures += 1
        self.notices.append(
            Notice("vad_failed", f"voice detection failed, all sound is decoded: {error}")
        )

    def _count(self, spans: list[Span]) -> tuple[Span, ...]:
        for span in spans:
            self.silences += span.start > self._last_end
            self.speech_samples += span.length
            self._last_end = span.end
        return tuple(spans)
