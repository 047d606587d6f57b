"""The sound of one source that has no text yet: in memory, and behind that on disk.

Sound is kept as it goes over the wire, 16 bit. Positions are samples at 16 kHz from the start of
the session. What was lost, at capture or because the spool is full, is a hole: :meth:`Outbox.read`
goes on behind it, and whoever gets the next sample sees by its position that something is missing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from echocli.remote.spool import WIDTH, Block, Spool
from echocli.types import SAMPLE_RATE, Samples, Span

MEMORY = 60 * SAMPLE_RATE
"""Samples kept in memory; a minute is 1.9 MB."""

BLOCK = 30 * SAMPLE_RATE
"""Samples moved to disk at a time."""

CHUNK = SAMPLE_RATE
"""Samples of a piece of memory."""

FULL_SCALE = 32768
"""Value of 1.0, as :mod:`echocli.audio.recording` has it."""


def to_pcm(samples: Samples) -> bytes:
    """Return float32 samples as s16le."""
    scaled = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return scaled.astype("<i2").tobytes()


def to_samples(pcm: bytes) -> Samples:
    """Return s16le as float32 samples."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(FULL_SCALE)


@dataclass(slots=True)
class _Chunk:
    start: int
    pcm: bytearray = field(default_factory=bytearray)

    @property
    def end(self) -> int:
        return self.start + len(self.pcm) // WIDTH


class Outbox:
    """Take sound at the end, give any of it again until it is forgotten.

    Overflow rule: what memory does not hold goes to the spool; where that is full the oldest block
    of all outboxes is dropped and becomes a hole, which :meth:`take_lost` of its outbox tells.
    """

    def __init__(self, name: str, spool: Spool, start: int = 0) -> None:
        self.name = name
        self.start = start
        """Before it everything is forgotten."""
        self.end = start
        """Where the next sample belongs."""
        self._spool = spool
        spool.keepers.append(self)
        self._blocks: list[Block] = []
        self._chunks: deque[_Chunk] = deque()
        self._in_memory = 0
        self._lost: list[Span] = []

    @property
    def on_disk(self) -> int:
        """Samples that are kept on disk."""
        return _behind(self.start, self._blocks)

    @property
    def oldest(self) -> int | None:
        """Position of the oldest block on disk, if there is one."""
        return self._blocks[0].start if self._blocks else None

    def append(self, pcm: bytes) -> None:
        """Take sound; it lies at :attr:`end`."""
        if not pcm:
            return
        last = self._chunks[-1] if self._chunks else None
        if last is None or last.end != self.end or len(last.pcm) >= CHUNK * WIDTH:
            last = _Chunk(self.end)
            self._chunks.append(last)
        last.pcm += pcm
        self.end += len(pcm) // WIDTH
        self._in_memory += len(pcm) // WIDTH
        if self._in_memory > MEMORY:
            self._move()

    def skip(self, count: int) -> None:
        """Leave a hole of so many samples."""
        self.end += count

    def read(self, index: int, most: int) -> tuple[int, bytes]:
        """Return up to ``most`` samples that lie at ``index`` or behind it, and where they lie.

        Without any that is the end. What is read stays.
        """
        while (block := self._block_at(index)) is not None:
            at = max(index, block.start)
            if pcm := self._spool.read(block, at - block.start, most):
                return at, pcm
            self._lose(block)
        for chunk in self._chunks:
            if chunk.end > index:
                at = max(index, chunk.start)
                offset = (at - chunk.start) * WIDTH
                return at, bytes(chunk.pcm[offset : offset + most * WIDTH])
        return self.end, b""

    def forget(self, before: int) -> None:
        """Let go of everything before a position."""
        self.start = max(self.start, min(before, self.end))
        while self._blocks and self._blocks[0].end <= self.start:
            self._spool.drop(self._blocks.pop(0))
        while self._chunks and self._chunks[0].end <= self.start:
            self._in_memory -= len(self._chunks.popleft().pcm) // WIDTH

    def rest(self, most: int = BLOCK) -> Iterator[tuple[int, bytes]]:
        """Yield everything that is kept, in order, each part with its position."""
        index = self.start
        while (found := self.read(index, most))[1]:
            yield found
            index = found[0] + len(found[1]) // WIDTH

    def waiting(self, index: int) -> int:
        """Return how many samples are kept from ``index`` on; a hole has none."""
        index = max(index, self.start)
        return _behind(index, self._blocks) + _behind(index, self._chunks)

    def drop_oldest(self) -> None:
        """Let go of the oldest block on disk."""
        self._lose(self._blocks[0])

    def take_lost(self) -> list[Span]:
        """Return what was dropped since this was last asked."""
        lost, self._lost = self._lost, []
        return lost

    def _block_at(self, index: int) -> Block | None:
        """Return the first block with sound at ``index`` or behind it."""
        place = bisect_right(self._blocks, index, key=lambda block: block.end)
        return self._blocks[place] if place < len(self._blocks) else None

    def _move(self) -> None:
        """Take the oldest half of what is in memory to the disk."""
        start = self._chunks[0].start
        pcm = bytearray()
        while self._chunks and len(pcm) < BLOCK * WIDTH:
            if self._chunks[0].start != start + len(pcm) // WIDTH:
                break  # a hole ends the block
            pcm += self._chunks.popleft().pcm
        self._in_memory -= len(pcm) // WIDTH
        self._put(start, bytes(pcm))

    def _put(self, start: int, pcm: bytes) -> None:
        block = self._spool.put(self.name, start, pcm)
        if block is not None:
            self._blocks.append(block)
        else:
            self._lost.append(Span(start, start + len(pcm) // WIDTH))

    def _lose(self, block: Block) -> None:
        self._blocks.remove(block)
        self._spool.drop(block)
        self._lost.append(Span(block.start, block.end))


def _behind(index: int, parts: Iterable[Block | _Chunk]) -> int:
    """Return how many samples of some parts lie at ``index`` or behind it."""
    return sum(max(0, part.end - max(index, part.start)) for part in parts)
