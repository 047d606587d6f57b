"""Keep position and time of a live stream together: tell what was lost from what is only late.

A stream has a clock time for its beginning, the *base*: sound at position ``p`` is due at ``base +
p``. A block that arrives later than that is late; lateness tells nothing by itself, because sound
that was held up comes in a burst and is complete. It is a loss when blocks *stay* late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from echocli.audio.intake import Block

LATE = 0.2
"""Seconds; what is less late may be any computer's jitter and is handed on at once."""
SETTLED = 1.0
"""Seconds that blocks must stay late before it counts as a loss."""
CATCHING_UP = 0.05
"""Least fall of lateness, in seconds within half of ``SETTLED``, of a burst under way."""
PATIENCE = 3.0
"""Seconds after which sound is handed on, catching up or not."""
CREEP = 5e-4
"""Share by which a sound card's clock may differ from the computer's; crystals keep 1e-4."""

DEVICE_LOST = "device lost"
OVERRUN = "overrun: the program did not take its sound in time"
OVERFLOW = "overrun: the system lost sound"
STALL = "the stream stalled"


@dataclass(frozen=True, slots=True)
class Hole:
    """Sound that was lost here, in seconds, and why."""

    seconds: float
    reason: str


Piece: TypeAlias = Block | Hole


class Continuity:
    """Put a :class:`Hole` wherever a stream goes on without what it should have delivered.

    * A block that is less than :data:`LATE` late passes. Later ones are kept back until it is
      clear: lateness falls below :data:`LATE` (a burst, nothing is missing), or it has stayed above
      for :data:`SETTLED` without falling (a loss, put *before* the first late block), or
      :data:`PATIENCE` is over.
    * The base is that of the earliest block so far, and follows slow drift: it rises by at most
      :data:`CREEP` of the time that passes and falls at once. So a slow sound card never makes a
      hole; losses under :data:`LATE` that nobody reports move times by as much, until they add up.
    * What the device or the queue reports as lost counts at once, also below :data:`LATE`.
    """

    def __init__(self) -> None:
        self._base: float | None = None
        self._position = 0.0
        self._adc_end = 0.0
        self._resumes = False
        self._kept: list[Piece] = []
        self._late: list[tuple[float, float]] = []

    def feed(self, block: Block) -> list[Piece]:
        """Take the next block; return what is settled, in order."""
        begin = block.time - block.seconds
        if self._base is None:
            self._base = begin
        if self._resumes:
            self._resumes = False
            self._lose(begin - self._due, DEVICE_LOST)
        self._lose(block.dropped / block.rate, OVERRUN)
        if block.overflow:
            self._lose(self._overflow(block, begin - self._due), OVERFLOW)
        self._position += block.seconds
        self._adc_end = block.adc + block.seconds if block.adc > 0 else 0.0
        self._kept.append(block)
        return self._judge(block)

    def release(self) -> list[Piece]:
        """Return what is kept back, without a verdict; for a stream that ends."""
        kept, self._kept = self._kept, []
        self._late.clear()
        return kept

    def resume(self) -> None:
        """Expect the next block from a stream opened anew: what lies between is lost."""
        self._resumes = True
        self._adc_end = 0.0

    def until(self, now: float) -> Hole | None:
        """Return what was lost from the last block up to ``now``; ``None`` before the first."""
        if self._base is None or now <= self._due:
            return None
        hole = Hole(now - self._due, DEVICE_LOST)
        self._position += hole.seconds
        return hole

    @property
    def _due(self) -> float:
        """When the sound at the present position is there, by the clock."""
        return (self._base or 0.0) + self._position

    def _lose(self, seconds: float, reason: str) -> None:
        if seconds > 0:
            self._kept.append(Hole(seconds, reason))
            self._position += seconds
            self._late.clear()

    def _overflow(self, block: Block, lateness: float) -> float:
        """Return how much the device lost, by its own time where that can be true.

        The device's time jumps about when callbacks are held up (by 0.6 s with ALSA's PulseAudio
        plug-in), so it is not believed beyond what the clock allows.
        """
        by_device = block.adc - self._adc_end
        known = self._adc_end > 0 and block.adc > 0
        return by_device if known and 0 < by_device <= lateness + LATE else lateness

    def _judge(self, block: Block) -> list[Piece]:
        lateness = block.time - self._due
        if lateness < LATE:
            self._follow(lateness, block.seconds)
            return self.release()
        self._late.append((block.time, lateness))
        since = block.time - self._late[0][0]
        if since < SETTLED or (since < PATIENCE and self._is_catching_up(block.time)):
            return []
        lost = self._least(block.time - SETTLED / 2, block.time)
        self._position += lost
        return [Hole(lost, STALL), *self.release()]

    def _follow(self, lateness: float, seconds: float) -> None:
        """Move the base: down to the earliest block at once, up no faster than clocks differ."""
        if self._base is not None:
            self._base += min(lateness, CREEP * seconds)

    def _is_catching_up(self, now: float) -> bool:
        middle = now - SETTLED / 2
        before = self._least(now - SETTLED, middle)
        return self._least(middle, now) < before - CATCHING_UP

    def _least(self, start: float, end: float) -> float:
        """Return the least lateness in a stretch of time; the last block's if that is empty."""
        within = [lateness for time, lateness in self._late if start <= time <= end]
        return min(within, default=self._late[-1][1])
