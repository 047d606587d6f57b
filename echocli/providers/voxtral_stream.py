"""What was said when: text that comes out of a stream of sound, placed by the sound that went in.

The model writes about 480 ms behind the sound, and the program works on it at intervals; it gives
no times. So the clock is the sound itself: text that came when the program was done with so many
samples stands for what lies 480 ms before. Everything here is pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echocli.providers.base import EDGE, Piece, TimedWord
from echocli.types import SAMPLE_RATE, Samples

BLOCK = 4096
"""Samples that the program takes at once."""

DELAY = SAMPLE_RATE * 480 // 1000
"""Samples that text lags behind: six tokens of 80 ms (``vox_load`` of voxtral.c)."""

FLUSH = SAMPLE_RATE * 1360 // 1000
"""Silence after which the model has said all it will: 17 tokens (``vox_stream_flush``)."""

BYTES = 2
"""Bytes of a sample on the way to the program."""

_FRAME = SAMPLE_RATE * 30 // 1000
_HUSH = 32768 // 1000
"""Level (root of the mean square) that nobody speaks at: 60 dB below full scale."""

_ABOVE_FLOOR = 3.0
"""How far the level of a pause rises above the quietest tenth of the sound around it.

Of recorded speech this knows 69 of 77 pauses, and takes 3 of 165 stretches of 0.3 to 1.5 s, picked
at random where no pause was long enough to end an utterance, for one.
"""

_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
_WORD = re.compile(r"\S+")


def pcm(samples: Samples) -> bytes:
    """Return sound as 16-bit little-endian integers; what is too loud is clipped."""
    scaled = np.clip(np.rint(samples * 32768.0), -32768, 32767)
    data: bytes = scaled.astype("<i2").tobytes()
    return data


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Text, and the stretch of the passage in which it was said."""

    text: str
    start: int
    end: int


class Passage:
    """One window in the stream of sound that a program hears, and what it wrote about it.

    Positions are samples from the window's start; those of the stream count everything the program
    was given since it was started, silence too.
    """

    def __init__(self, start: int, interval: int) -> None:
        self.start = start
        """Position of the window in the input."""
        self.closed = False
        """Whether silence, or the end, came behind it: the text is complete."""
        self.sound = bytearray()
        """What was given of it, as :func:`pcm`."""
        self._interval = interval
        self._joints: list[tuple[int, int]] = []
        self._arrivals: list[_Arrival] = []

    def matches(self, start: int, sound: bytes) -> bool:
        """Tell whether a window is this one, perhaps longer, or without silence at its end.

        Words behind its end are those of the next window: a text that may have them is of no use.
        """
        given = self.sound
        if start != self.start:
            return False
        if sound.startswith(given):
            return True
        return given.startswith(sound) and _is_silent_from(bytes(given), len(sound))

    def rest(self, sound: bytes) -> bytes:
        """Return what of the window's sound was not given yet."""
        return sound[len(self.sound) :]

    def join(self, stream: int) -> None:
        """Take note that the sound goes on at this position of the stream."""
        self._joints.append((stream, len(self.sound) // BYTES))

    def hear(self, text: str, stream: int) -> None:
        """Take text that was there when the program had worked on the stream so far."""
        if text:
            end = stream - DELAY
            # It works when an interval is full, on whole blocks.
            start = end - self._interval - BLOCK
            self._arrivals.append(_Arrival(text, self._place(start), self._place(end)))

    def pieces(self, length: int) -> tuple[Piece, ...]:
        """Return the text in sentences; no time lies behind ``length`` samples."""
        return tuple(_sentences(self._words(length)))

    def _place(self, stream: int) -> int:
        """Return which sample of the passage is at a position of the stream."""
        index = max(0, bisect_right(self._joints, stream, key=lambda joint: joint[0]) - 1)
        at, position = self._joints[index]
        following = self._joints[index + 1 :]
        limit = following[0][1] if following else len(self.sound) // BYTES
        return min(max(position, position + stream - at), limit)

    def _words(self, length: int) -> list[TimedWord]:
        # A start in the last instant would be taken for text in the silence behind the window.
        latest = max(0, length - 2 * EDGE)
        text = "".join(arrival.text for arrival in self._arrivals)
        times = list(self._characters())
        words = []
        for match in _WORD.finditer(text):
            start = min(times[match.start()][0], latest)
            end = max(start, min(times[match.end() - 1][1], length))
            words.append(TimedWord(start, end, f" {match.group()}", 1.0))
        return words

    def _characters(self) -> Iterator[tuple[int, int]]:
        """Yield start and end of each character, spread evenly over the time of its arrival."""
        before = 0
        for arrival in self._arrivals:
            start, count = max(arrival.start, before), len(arrival.text)
            span = max(0, arrival.end - start)
            for index in range(count):
                yield start + span * index // count, start + span * (index + 1) // count
            before = start + span


def _is_silent_from(sound: bytes, position: int) -> bool:
    """Tell whether sound, as ``pcm``, is nowhere louder behind a byte than in its pauses."""
    levels = _levels(sound)
    limit = max(_HUSH, _ABOVE_FLOOR * float(np.percentile(levels, 10))) if len(levels) else _HUSH
    return bool(_levels(sound[position:]).max(initial=0.0) <= limit)


def _levels(sound: bytes) -> NDArray[np.float64]:
    """Return the level of each frame, the last of them perhaps a short one."""
    samples = np.frombuffer(sound, "<i2").astype(np.float64) ** 2
    starts = np.arange(0, len(samples), _FRAME)
    if not len(starts):
        return samples
    sums = np.add.reduceat(samples, starts)
    levels: NDArray[np.float64] = np.sqrt(sums / np.minimum(_FRAME, len(samples) - starts))
    return levels


def _sentences(words: Sequence[TimedWord]) -> Iterator[Piece]:
    begun = 0
    for index, word in enumerate(words):
        if word.text.endswith(_SENTENCE_ENDS) or index + 1 == len(words):
            yield _piece(words[begun : index + 1])
            begun = index + 1


def _piece(words: Sequence[TimedWord]) -> Piece:
    text = "".join(word.text for word in words)
    return Piece(words[0].start, words[-1].end, text, words=tuple(words))
