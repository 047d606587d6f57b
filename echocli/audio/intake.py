"""Between a device's own thread and the program: a bounded queue that never makes the device wait.

PortAudio calls :meth:`Intake.receive` from its thread, which must come back at once: it copies,
counts and puts. There is one writer and one reader, each with counters of its own, so no lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from echocli.clock import Clock

CAPACITY_SECS = 60
"""Sound that may wait, in seconds; 23 MB of stereo at 48 kHz."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one callback brought: interleaved float32 ``data`` and what is known of its time.

    ``time`` is the clock when it arrived, ``adc`` the device's own time of its first frame (0 where
    it has none), ``overflow`` that the device lost sound before it, ``dropped`` how many frames
    before it found the queue full.
    """

    data: bytes
    frames: int
    rate: int
    time: float
    adc: float = 0.0
    overflow: bool = False
    dropped: int = 0

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return self.frames / self.rate


class Intake:
    """Hold blocks until they are taken; when full, drop what comes and count it."""

    def __init__(self, rate: int, clock: Clock, capacity: float = CAPACITY_SECS) -> None:
        self.rate = rate
        self.ended = False
        """Whether the device has said that nothing more will come."""
        self._clock = clock
        self._capacity = round(capacity * rate)
        self._queue: SimpleQueue[Block | None] = SimpleQueue()
        self._put = 0
        self._taken = 0
        self._dropped = 0

    def receive(self, data: Any, frames: int, time: Any, status: Any) -> None:
        """Take what the device hands over; the parameters are those of sounddevice's callback."""
        now = self._clock.now()
        if self._put - self._taken + frames > self._capacity:
            self._dropped += frames
            return
        overflow = bool(status.input_overflow)
        adc = float(time.inputBufferAdcTime)
        dropped, self._dropped = self._dropped, 0
        self._queue.put(Block(bytes(data), frames, self.rate, now, adc, overflow, dropped))
        self._put += frames

    def finish(self) -> None:
        """Note that the device has ended the stream."""
        self.ended = True
        self.wake()

    def wake(self) -> None:
        """Make a :meth:`take` that waits return."""
        self._queue.put(None)

    def take(self, timeout: float) -> Block | None:
        """Return the next block, or ``None`` after ``timeout`` seconds or when woken."""
        try:
            block = self._queue.get(timeout=timeout) if timeout > 0 else self._queue.get_nowait()
        except Empty:
            return None
        if block is not None:
            self._taken += block.frames
        return block

    def rest(self) -> tuple[list[Block], int]:
        """Return all that waits, and the frames dropped behind it; for a stream that has ended."""
        blocks = []
        while not self._queue.empty():
            if (block := self.take(0)) is not None:
                blocks.append(block)
        return blocks, self._dropped
