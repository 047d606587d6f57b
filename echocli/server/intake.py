"""Sound from the network as a live source: bounded, with absolute positions, nothing dropped.

The event loop puts bytes in and never waits; a thread of the source converts them to 16 kHz mono
and hands them on, and may be made to wait there. What the client left out is stated as missing,
what it sends twice is skipped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from echocli.audio.capture import Captured, Item, Missing, Over, Sink
from echocli.audio.pipe import RawFormat
from echocli.audio.resample import ToMono16k
from echocli.clock import Clock
from echocli.types import SAMPLE_RATE, Samples

PIECES = 10
"""Pieces a second is handed on in: one is at most 0.1 s."""

GAP_COST = 4096
"""Bytes that a gap in the sound counts for while it waits: it costs more than it looks like."""

LEFT_OUT = "the client did not send it"
"""Reason of the gaps."""


def to_16k(position: int, rate: int) -> int:
    """Return a position at ``rate`` Hz as one at 16 kHz, rounded down."""
    return position * SAMPLE_RATE // rate


def from_16k(position: int, rate: int) -> int:
    """Return a position at 16 kHz as one at ``rate`` Hz, rounded down."""
    return position * rate // SAMPLE_RATE


class Filling:
    """Count the bytes that wait in all sources of a session.

    Overflow rule: none here. Whoever reads the socket stops at a :attr:`fill` of 1; see
    :attr:`overdrawn`.
    """

    def __init__(self, bound: int, beyond: int) -> None:
        self.bound = bound
        self.used = 0
        self._beyond = beyond
        self._lock = threading.Lock()

    @property
    def fill(self) -> float:
        """Share of the bound that is in use; may exceed 1 by what was on its way."""
        return self.used / self.bound

    @property
    def overdrawn(self) -> bool:
        """Whether more came than could have been on its way when reading stopped."""
        return self.used > self.bound + self._beyond

    def add(self, count: int) -> None:
        """Take ``count`` bytes, or give them back where it is negative."""
        with self._lock:
            self.used += count


@dataclass(slots=True)
class _Run:
    """Whole frames of sound without a break; ``time`` is the clock when the last came."""

    data: bytearray
    time: float


@dataclass(frozen=True, slots=True)
class _Hole:
    """``frames`` at the rate of the session that were left out."""

    frames: int


_Entry: TypeAlias = _Run | _Hole


class Conversion:
    """Turn what came into items at 16 kHz whose positions stay those of the session.

    ``start`` is where the sound begins, in frames at the session's rate. Pure; any cutting of the
    same sound gives the same samples.
    """

    def __init__(self, raw: RawFormat, start: int) -> None:
        self._raw = raw
        self._position = start
        self._made = to_16k(start, raw.rate)
        self._mono = ToMono16k()

    def feed(self, data: bytes) -> Samples:
        """Take whole frames; return what has come out so far."""
        frames = self._raw.decode(data)
        self._position += len(frames)
        return self._count(self._mono.feed_array(frames, self._raw.rate))

    def skip(self, frames: int) -> tuple[Samples, int]:
        """Take note that so many frames are missing; return the sound before, and how many."""
        before = self.flush()
        self._position += frames
        missing = to_16k(self._position, self._raw.rate) - self._made
        self._made += missing
        return before, missing

    def flush(self) -> Samples:
        """End a stretch of sound: what is left of it, to the sample where it must end."""
        last = self._mono.flush()
        wanted = to_16k(self._position, self._raw.rate) - self._made
        # libswresample rounds up, and gives nothing at all for a sample or two.
        exact = np.zeros(max(0, wanted), np.float32)
        exact[: len(last)] = last[: len(exact)]
        return self._count(exact)

    def _count(self, samples: Samples) -> Samples:
        self._made += len(samples)
        return samples


class NetworkCapture:
    """One source of a session; see :class:`~echocli.audio.capture.Capture`.

    ``start`` is the position of its first frame at the rate of ``raw``. :meth:`feed` is for the
    thread of the event loop and never waits; what waits is counted in ``filling``.
    """

    def __init__(
        self, name: str, raw: RawFormat, filling: Filling, clock: Clock, start: int = 0
    ) -> None:
        self.name = name
        self.begin = start
        """Where its sound begins."""
        self.received = start
        """Up to where its sound is here, in frames at the session's rate."""
        self.holes = 0
        """How often something was left out."""
        self._raw = raw
        self._filling = filling
        self._clock = clock
        self._conversion = Conversion(raw, start)
        self._waiting: deque[_Entry] = deque()
        self._bytes = 0
        self._piece = max(1, raw.rate // PIECES) * raw.frame_bytes
        self._ended = False
        self._changed = threading.Condition()

    @property
    def queued(self) -> int:
        """Bytes that wait here."""
        return self._bytes

    def feed(self, index: int, payload: bytes) -> bool:
        """Take whole frames that begin at ``index``; tell whether any of it was new."""
        known = max(0, self.received - index) * self._raw.frame_bytes
        fresh = payload[known:]
        left_out = max(0, index - self.received)
        if not left_out and not fresh:
            return False
        with self._changed:
            if self._ended:
                return False
            if left_out:
                self._add_hole(left_out)
            if fresh:
                self._add(fresh)
            self._changed.notify()
        return True

    def start(self, sink: Sink) -> None:
        """Begin to hand sound to ``sink``, what has come already first."""
        name = f"intake {self.name}"
        threading.Thread(target=self._run, args=(sink,), name=name, daemon=True).start()

    def stop(self) -> None:
        """Take no more; what is here is handed on, then the end. Twice is harmless."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _add_hole(self, frames: int) -> None:
        self.received += frames
        if self._waiting and isinstance(last := self._waiting[-1], _Hole):
            self._waiting[-1] = _Hole(last.frames + frames)
            return
        self.holes += 1
        self._waiting.append(_Hole(frames))
        self._take(GAP_COST)

    def _add(self, data: bytes) -> None:
        self.received += len(data) // self._raw.frame_bytes
        now = self._clock.now()
        last = self._waiting[-1] if self._waiting else None
        if isinstance(last, _Run) and len(last.data) < self._piece:
            last.data += data
            last.time = now
        else:
            self._waiting.append(_Run(bytearray(data), now))
        self._take(len(data))

    def _take(self, count: int) -> None:
        self._bytes += count
        self._filling.add(count)

    def _run(self, sink: Sink) -> None:
        error: BaseException | None = None
        try:
            for item in self._items():
                sink(item)
        except BaseException as caught:
            error = caught  # it belongs to who reads the items
        sink(Over(error))

    def _items(self) -> Iterator[Item]:
        time = self._clock.now()
        while (entry := self._next()) is not None:
            if isinstance(entry, _Run):
                time = entry.time
                yield from _captured(self._conversion.feed(bytes(entry.data)), time)
            else:
                before, missing = self._conversion.skip(entry.frames)
                yield from _captured(before, time)
                if missing:  # less than a sample at 16 kHz is none
                    yield Missing(missing, LEFT_OUT)
        yield from _captured(self._conversion.flush(), time)

    def _next(self) -> _Entry | None:
        """Wait for something, and take up to a piece of it; ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if not self._waiting:
                return None
            first = self._waiting[0]
            if isinstance(first, _Hole):
                self._take(-GAP_COST)
                return self._waiting.popleft()
            piece = first.data[: self._piece]
            del first.data[: self._piece]
            if not first.data:
                self._waiting.popleft()
            self._take(-len(piece))
            return _Run(piece, first.time)


def _captured(samples: Samples, time: float) -> Iterator[Captured]:
    if len(samples):
        yield Captured(samples, time)
