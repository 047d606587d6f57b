"""Speech probabilities to utterances while somebody speaks: a pure state machine.

Unlike :mod:`.endpointer`, which serves recordings, it says at once that speech began, that a pause
may be its end, and that it is over. Thresholds are those of Silero's ``VADIterator``
(``silero_vad/utils_vad.py``). The silence that ends an utterance is shorter the longer it has
lasted, so that long speech is cut in its own pauses; speech without a pause is cut where it is
quietest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE
from echocli.vad.endpointer import FRAME, VadOptions

MOST_SILENCE = 2 * SAMPLE_RATE
"""Hangovers above this would keep a window open over a pause that the model cannot bridge."""


class Reason(StrEnum):
    """Why an utterance is over."""

    SILENCE = "silence"
    """Nobody spoke for the hangover."""
    SPLIT = "split"
    """It was too long."""
    GAP = "gap"
    """Sound was lost."""
    END = "end"
    """The source is over."""


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """When somebody speaks and when they are done; lengths in samples."""

    threshold: float = 0.5
    """Probability from which a frame is speech."""
    negative: float = 0.35
    """Probability below which it is silence again."""
    min_speech: int = SAMPLE_RATE // 10
    """Shorter speech is dropped."""
    hangover: int = SAMPLE_RATE // 2
    """Silence that ends an utterance."""
    pause: int = SAMPLE_RATE // 5
    """Silence that may turn out to be the end, and that ends an utterance of ``longest``."""
    relaxed: int = 5 * SAMPLE_RATE
    """Length up to which the whole hangover is waited."""
    longest: int = 14 * SAMPLE_RATE
    """Length at which an utterance is cut."""
    zone: int = SAMPLE_RATE * 3 // 2
    """How far back the quietest point is looked for."""

    @classmethod
    def of(cls, vad: VadOptions) -> TurnOptions:
        """Return the options that say the same as those for recordings.

        ``min_silence_ms`` is the hangover. Raises ``UsageError`` for one above two seconds.
        """
        hangover = vad.samples(vad.min_silence_ms)
        if not FRAME <= hangover <= MOST_SILENCE:
            raise UsageError(
                f"--vad-min-silence-ms {vad.min_silence_ms:g}: live speech needs "
                f"{1000 * FRAME / SAMPLE_RATE:g} to {1000 * MOST_SILENCE / SAMPLE_RATE:g}"
            )
        base = cls()
        return replace(
            base,
            threshold=vad.threshold,
            negative=vad.negative,
            min_speech=vad.samples(vad.min_speech_ms),
            hangover=hangover,
            pause=min(base.pause, hangover),
        )

    def patience(self, length: int) -> int:
        """Return the silence that ends an utterance after ``length`` samples of it."""
        if length <= self.relaxed:
            return self.hangover
        left = max(0, self.longest - length) / (self.longest - self.relaxed)
        return round(self.pause + (self.hangover - self.pause) * left)


@dataclass(frozen=True, slots=True)
class Began:
    """Speech began at ``start``."""

    start: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Speech lasted from ``start`` to ``end``; the hangover is not in it."""

    start: int
    end: int
    reason: Reason


Turn: TypeAlias = Began | Ended


@dataclass(slots=True)
class _Speech:
    start: int
    certain: bool = False
    silence: int | None = None


class Turns:
    """Turn probabilities into utterances that do not overlap, from ``origin`` on.

    Any cutting of the frames into calls of :meth:`feed` gives the same turns.
    """

    def __init__(self, options: TurnOptions | None = None, origin: int = 0) -> None:
        self.options = options or TurnOptions()
        self.position = origin
        """Sample up to which frames have been looked at."""
        self._speech: _Speech | None = None
        self._loudness: deque[float] = deque(maxlen=max(1, self.options.zone // FRAME))
        self._out: list[Turn] = []

    @property
    def start(self) -> int | None:
        """Where the speech that is certain began, while it is not over."""
        return self._speech.start if self._speech and self._speech.certain else None

    @property
    def silence(self) -> int | None:
        """Where the silence began that may be the end of the speech."""
        return self._speech.silence if self._speech else None

    @property
    def undecided(self) -> int:
        """Position before which no utterance can begin that has not begun."""
        return self.position if self._speech is None else self._speech.start

    def feed(self, frames: Iterable[tuple[float, float]]) -> list[Turn]:
        """Take probability and loudness of each frame; loudness is compared only."""
        for probability, loudness in frames:
            self._step(float(probability), float(loudness))
        return self._take()

    def finish(self, total: int, reason: Reason) -> list[Turn]:
        """End at ``total`` samples whatever is open; the last call."""
        speech = self._speech
        if speech is not None:
            end = min(self.position if speech.silence is None else speech.silence, total)
            if speech.certain and end > speech.start:
                self._out.append(Ended(speech.start, end, reason))
        self._speech = None
        self.position = total
        return self._take()

    def _step(self, probability: float, loudness: float) -> None:
        at = self.position
        self.position += FRAME
        self._loudness.append(loudness)
        if probability >= self.options.threshold:
            self._hear(at)
        speech = self._speech
        if speech is None:
            return
        if probability < self.options.negative and speech.silence is None:
            speech.silence = at
        self._consider(speech)

    def _hear(self, at: int) -> None:
        if self._speech is None:
            self._speech = _Speech(at)
        self._speech.silence = None

    def _consider(self, speech: _Speech) -> None:
        """Believe in speech, end it, or cut it."""
        length = self.position - speech.start
        if speech.silence is not None:
            if self.position - speech.silence >= self.options.patience(length):
                self._end(speech, speech.silence)
            return
        if not speech.certain and length > self.options.min_speech:
            self._believe(speech)
        if length >= self.options.longest:
            self._cut(speech)

    def _believe(self, speech: _Speech) -> None:
        speech.certain = True
        self._out.append(Began(speech.start))

    def _end(self, speech: _Speech, end: int) -> None:
        if speech.certain:
            self._out.append(Ended(speech.start, end, Reason.SILENCE))
        self._speech = None

    def _cut(self, speech: _Speech) -> None:
        """End the utterance in the middle of its quietest late frame and begin the next there."""
        # What is left must be long enough to be speech; of equals min() takes the first.
        count = max(1, len(self._loudness) - self.options.min_speech // FRAME - 1)
        quietest = min(range(count), key=self._loudness.__getitem__)
        end = self.position - (len(self._loudness) - quietest) * FRAME + FRAME // 2
        self._out.append(Ended(speech.start, end, Reason.SPLIT))
        self._speech = _Speech(end)
        self._believe(self._speech)

    def _take(self) -> list[Turn]:
        out, self._out = self._out, []
        return out
