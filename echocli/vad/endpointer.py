"""Speech probabilities to spans: a pure state machine.

The rules are those of Silero's ``get_speech_timestamps`` (``silero_vad/utils_vad.py``) as a stream:
each probability is looked at once, and a span comes out as soon as its padding is certain. Where it
differs: the last span ends where its speech ends and not with the input, and after a forced split
the rest of the speech is kept however short it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isinf

from echocli.errors import UsageError
from echocli.types import SAMPLE_RATE, Span

FRAME = 512
"""Samples each probability stands for."""
_HYSTERESIS = 0.15
_SPLIT_SILENCE = round(0.098 * SAMPLE_RATE)
"""Silence at which a span that is too long may be split, as Silero has it."""


@dataclass(frozen=True, slots=True)
class VadOptions:
    """When sound is speech.

    The system this one grew from used 0.5 / 250 ms / 100 ms on live chunks. The defaults are for
    recordings and were chosen on recorded speech:

    * ``threshold`` 0.5 stays: the loud parts it leaves out have a probability below 0.15 and are no
      speech, and at 0.4 noise and music begin to count.
    * ``min_speech_ms`` 100, not 250: "a" or "no" must survive; at 0 single frames of music pass.
    * ``min_silence_ms`` 300, not 100: the closure of a plosive lasts up to 100 ms, and a cut there
      lies inside a word. With 400 ms of padding this only decides where spans may be cut: spans
      less than 800 ms apart touch, so no sound is lost between them.
    * ``pad_ms`` 400 (as faster-whisper): unstressed beginnings and endings stay below the
      threshold; of one quiet utterance 6 % of the energy fell outside with 100 ms of padding,
      0.8 % with 200 ms, nothing with 400 ms.
    """

    threshold: float = 0.5
    """Probability from which a frame is speech."""
    neg_threshold: float | None = None
    """Probability below which it is silence again; ``None``: 0.15 below ``threshold``."""
    min_speech_ms: float = 100
    """Shorter speech is dropped."""
    min_silence_ms: float = 300
    """Shorter silence does not end a span."""
    pad_ms: float = 400
    """Sound kept on both sides; two spans share a silence shorter than twice this."""
    max_speech_s: float = inf
    """Longer spans are split, at the last silence of 98 ms where there is one."""

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not 0 < self.threshold <= 1:
            raise UsageError(f"--vad-threshold {self.threshold}: must be above 0 and at most 1")
        if not 0 <= self.negative <= self.threshold:
            raise UsageError(
                f"--vad-neg-threshold {self.negative}: must lie between 0 and the threshold"
            )
        for name in ("min_speech_ms", "min_silence_ms", "pad_ms"):
            value = getattr(self, name)
            if not 0 <= value < inf:
                option = "--vad-" + name.replace("_", "-")
                raise UsageError(f"{option} {value}: must be 0 or more")
        if self.longest <= self.samples(self.min_speech_ms):
            raise UsageError(
                f"--vad-max-speech-s {self.max_speech_s}: must exceed two pads and the least speech"
            )

    @property
    def negative(self) -> float:
        """The threshold back to silence, at least 0.01."""
        if self.neg_threshold is not None:
            return self.neg_threshold
        return min(self.threshold, max(self.threshold - _HYSTERESIS, 0.01))

    @property
    def longest(self) -> float:
        """Samples of speech after which a span is split, so that it fits with its padding."""
        if isinf(self.max_speech_s):
            return inf
        return self.max_speech_s * SAMPLE_RATE - FRAME - 2 * self.samples(self.pad_ms)

    @staticmethod
    def samples(milliseconds: float) -> int:
        """Convert milliseconds to samples."""
        return round(milliseconds * SAMPLE_RATE / 1000)


@dataclass(slots=True)
class _Speech:
    """Speech that has begun; positions are unpadded except ``padded``."""

    start: int
    padded: int
    confirmed: bool = False
    silence: int | None = None
    """Where the silence began that may end it."""
    pause: int | None = None
    """Where the last silence began at which it could be split."""
    resume: int | None = None
    """Where speech went on after that silence."""


class Endpointer:
    """Turn probabilities into padded, ordered spans that do not overlap.

    Any cutting of the probabilities into calls of :meth:`feed` gives the same spans.
    """

    def __init__(self, options: VadOptions) -> None:
        self.options = options
        self._pad = options.samples(options.pad_ms)
        self._min_speech = options.samples(options.min_speech_ms)
        self._min_silence = options.samples(options.min_silence_ms)
        self._position = 0
        self._finished = 0
        self._speech: _Speech | None = None
        self._closed: Span | None = None
        """Speech that is over but whose padding depends on what follows: padded start, raw end."""
        self._out: list[Span] = []

    @property
    def open_start(self) -> int | None:
        """Padded start of the span that is certain and not yet returned."""
        if self._closed is not None:
            return self._closed.start
        if self._speech is not None and self._speech.confirmed:
            return self._speech.padded
        return None

    @property
    def certain(self) -> Span | None:
        """Sound that will be in a span that is not returned yet, whatever comes next."""
        if self._closed is not None:
            return self._closed
        if self._speech is not None and self._speech.confirmed:
            end = self._position if self._speech.silence is None else self._speech.silence
            return Span(self._speech.padded, end)
        return None

    @property
    def settling(self) -> bool:
        """Whether the padding behind a span that is over still depends on what follows."""
        return self._closed is not None

    @property
    def decided(self) -> int:
        """Position before which nothing can become part of a span that is not known yet.

        Sound before it belongs to a span that was returned, to the open one, or is silence.
        """
        doubtful = self._speech is not None and not self._speech.confirmed
        frontier = self._speech.start if self._speech and doubtful else self._position
        return max(self._finished, frontier - self._pad, 0)

    def feed(self, probabilities: Iterable[float]) -> list[Span]:
        """Take one probability per frame and return the spans that are complete."""
        for probability in probabilities:
            self._step(float(probability))
        return self._take()

    def finish(self, total: int) -> list[Span]:
        """End the input at ``total`` samples and return what was still open; the last call."""
        speech = self._speech
        if speech is not None:
            end = min(self._position, total) if speech.silence is None else speech.silence
            if not speech.confirmed and end - speech.start > self._min_speech:
                self._confirm(speech)
            self._close(end)
        if self._closed is not None:
            self._emit(min(self._closed.end + self._pad, total))
        self._position = self._finished = total
        return self._take()

    def _step(self, probability: float) -> None:
        at = self._position
        self._position += FRAME
        if probability >= self.options.threshold:
            self._hear(at)
        if self._speech is not None:
            if at - self._speech.start > self.options.longest:
                self._split(self._speech, at)
            elif probability < self.options.negative:
                self._silent(self._speech, at)
        if self._speech is not None:
            self._consider(self._speech)
        self._settle()

    def _hear(self, at: int) -> None:
        speech = self._speech
        if speech is None:
            self._speech = _Speech(at, max(0, at - self._lead(at)))
            return
        speech.silence = None
        if speech.pause is not None and speech.resume is None:
            speech.resume = at

    def _silent(self, speech: _Speech, at: int) -> None:
        if speech.silence is None:
            speech.silence = at
        if at - speech.silence > _SPLIT_SILENCE:
            speech.pause, speech.resume = speech.silence, None
        if at - speech.silence >= self._min_silence:
            self._close(speech.silence)

    def _consider(self, speech: _Speech) -> None:
        """Believe in speech that is long enough, whatever comes next."""
        long_enough = self._position - speech.start > self._min_speech
        if not speech.confirmed and speech.silence is None and long_enough:
            self._confirm(speech)

    def _split(self, speech: _Speech, at: int) -> None:
        self._close(at if speech.pause is None else speech.pause)
        start = at if speech.pause is None else speech.resume
        if start is not None:
            self._speech = _Speech(start, max(0, start - self._lead(start)))
            self._confirm(self._speech)

    def _confirm(self, speech: _Speech) -> None:
        speech.confirmed = True
        if self._closed is not None:
            self._emit(self._closed.end + self._lead(speech.start))

    def _lead(self, start: int) -> int:
        """Padding of speech at ``start``: half the silence where the last span is near."""
        if self._closed is None:
            return self._pad
        return min(self._pad, (start - self._closed.end) // 2)

    def _close(self, end: int) -> None:
        speech, self._speech = self._speech, None
        if speech is not None and speech.confirmed:
            self._closed = Span(speech.padded, end)

    def _settle(self) -> None:
        """Return the closed span once nothing can come near enough to share its silence."""
        if self._closed is None:
            return
        reach = self._closed.end + 2 * self._pad
        nearest = self._position if self._speech is None else self._speech.start
        if nearest >= reach:
            self._emit(self._closed.end + self._pad)

    def _emit(self, end: int) -> None:
        if self._closed is not None:
            self._out.append(Span(self._closed.start, end))
            self._closed = None

    def _take(self) -> list[Span]:
        out, self._out = self._out, []
        return [span for span in out if span.length > 0]
