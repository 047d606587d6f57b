"""From the blocks of a device to what a sink takes: mono at 16 kHz, and what is missing."""

from __future__ import annotations

import numpy as np

from echocli.audio.capture import Captured, Missing, Sink
from echocli.audio.continuity import Continuity, Hole, Piece
from echocli.audio.intake import Block
from echocli.audio.resample import ToMono16k
from echocli.types import SAMPLE_RATE, Samples


class Track:
    """Hand on to a sink what blocks hold, and ``Missing`` for what lies between them.

    ``channel`` is 1-based; without one all are mixed. Every ``Missing`` lies exactly behind the
    sound that came before it: the resampler and the mixer are emptied first.
    """

    def __init__(self, sink: Sink, channel: int | None) -> None:
        self._sink = sink
        self._continuity = Continuity()
        self._mono = ToMono16k(channel)
        self._owed = 0.0
        self._time = 0.0

    def feed(self, block: Block) -> None:
        """Take the next block of the stream."""
        self.hand_on(self._continuity.feed(block))

    def pause(self) -> None:
        """Hand on everything; the next block is of a new stream."""
        self.hand_on(self._continuity.release())
        self._flush()
        self._continuity.resume()

    def lost(self, now: float) -> None:
        """State that nothing came since the last block."""
        hole = self._continuity.until(now)
        self.hand_on([hole] if hole else [])

    def hand_on(self, pieces: list[Piece]) -> None:
        """Convert what is settled and give it to the sink."""
        for piece in pieces:
            if isinstance(piece, Hole):
                self._flush()
                self._skip(piece)
            else:
                self._convert(piece)

    def _convert(self, block: Block) -> None:
        frames = np.frombuffer(block.data, np.float32).reshape(block.frames, -1)
        self._time = block.time
        self._owed += block.seconds * SAMPLE_RATE
        self._give(self._mono.feed_array(frames, block.rate))

    def _flush(self) -> None:
        """Take the last samples out of the resampler, so that a gap lies exactly behind them."""
        self._give(self._mono.flush())

    def _skip(self, hole: Hole) -> None:
        """State a hole, together with what libswresample swallows of stretches under 2 ms."""
        self._owed += hole.seconds * SAMPLE_RATE
        if (missing := round(self._owed)) > 0:
            self._owed -= missing
            self._sink(Missing(missing, hole.reason))

    def _give(self, samples: Samples) -> None:
        """Hand on samples with the time they were there: before the block's, as much as is owed."""
        self._owed -= len(samples)
        if len(samples):
            self._sink(Captured(samples, self._time - max(self._owed, 0.0) / SAMPLE_RATE))
