"""Sound and voice detector together: blocks in, blocks with what is known of their speech out.

The detector must never cost a transcript: when it cannot load or throws, everything from there on
is decoded as speech, with one notice and a counter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from echocli.audio.clip import WHOLE, Clip
from echocli.events import Notice
from echocli.types import Samples, Span
from echocli.vad.endpointer import Endpointer, VadOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAUSE_MS = 100
"""Silence at which speech may be cut."""

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


@dataclass(frozen=True, slots=True)
class Heard:
    """A block of sound and what is known of the speech up to its end."""

    samples: Samples
    islands: tuple[Span, ...]
    """Speech between two pauses, complete now."""
    open_start: int | None
    """Where speech began that is not over."""
    decided: int
    """Position before which no other island can begin."""


class Hearing:
    """Run the detector over an input; ``options`` of ``None`` takes all of it as speech.

    Outside of ``clip`` there is no speech, whatever is heard there.
    """

    def __init__(
        self,
        options: VadOptions | None,
        detector: Callable[[], Detector] = silero,
        clip: Clip = WHOLE,
    ) -> None:
        self.notices: list[Notice] = []
        self.failures = 0
        self.speech_samples = 0
        self.silences = 0
        """Stretches of silence between, before and behind the spans."""
        self.total = 0
        self._clip = clip
        self._frames = 0
        self._last_end = 0
        # One finds speech, as the options say; the other the pauses in it, where it may be cut.
        self._endpointer = Endpointer(options or VadOptions(pad_ms=0, min_speech_ms=0))
        self._pauses = Endpointer(_finer(self._endpointer.options))
        self._spans: deque[Span] = deque(maxlen=100)
        self._pending: deque[Span] = deque()
        """Islands that may still turn out to be no speech."""
        self._detector = self._load(detector) if options is not None else None

    def hear(self, block: Samples) -> Heard:
        """Take a block of sound."""
        self.total += len(block)
        probabilities = self._probabilities(block)
        self._count(self._endpointer.feed(probabilities))
        self._pending.extend(self._pauses.feed(probabilities))
        islands = self._confirmed()
        start = self._pauses.open_start
        believed = self._endpointer.open_start
        if start is not None and (believed is None or believed > start):
            start = None
        return Heard(block, islands, start, self._decided(certain=start is not None))

    def finish(self) -> tuple[Span, ...]:
        """Take the end of the input; the last islands."""
        probabilities = self._flush()
        self._count(self._endpointer.feed(probabilities))
        self._count(self._endpointer.finish(self.total))
        self._pending.extend(self._pauses.feed(probabilities))
        self._pending.extend(self._pauses.finish(self.total))
        self.silences += self._clip.inside(self._last_end, self.total) > 0
        return self._confirmed()

    def _confirmed(self) -> tuple[Span, ...]:
        """Return the islands that are speech for certain, in order."""
        found = []
        while self._pending:
            island = self._pending[0]
            certain = self._endpointer.certain
            known = (*self._spans, certain) if certain is not None else self._spans
            if any(_touch(island, span) for span in known):
                found.append(island)
            elif self._endpointer.settling or self._endpointer.decided < island.end:
                break
            self._pending.popleft()
        return tuple(found)

    def _decided(self, *, certain: bool) -> int:
        """Return before where no other island begins; the open one is no other once certain."""
        first = min((island.start for island in self._pending), default=self.total)
        doubtful = self._pauses.open_start
        if doubtful is not None and not certain:
            first = min(first, doubtful)
        return min(first, self._pauses.decided)

    def _load(self, factory: Callable[[], Detector]) -> Detector | None:
        try:
            return Clipped(factory(), self._clip)
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
        return self._seen(self._clip.frames(self._frames, frames, FRAME).astype(np.float32))

    def _fail(self, error: Exception) -> None:
        self._detector = None
        self.failures += 1
        self.notices.append(
            Notice("vad_failed", f"voice detection failed, all sound is decoded: {error}")
        )

    def _count(self, spans: list[Span]) -> None:
        self._spans.extend(spans)
        for span in spans:
            self.silences += self._clip.inside(self._last_end, span.start) > 0
            self.speech_samples += self._clip.inside(span.start, span.end)
            self._last_end = span.end


def _finer(options: VadOptions) -> VadOptions:
    """Return options that end an island at every pause."""
    return VadOptions(
        threshold=options.threshold,
        neg_threshold=options.neg_threshold,
        min_speech_ms=0,
        min_silence_ms=min(PAUSE_MS, options.min_silence_ms),
        pad_ms=0,
    )


def _touch(island: Span, span: Span) -> bool:
    return island.start < span.end and span.start < island.end
