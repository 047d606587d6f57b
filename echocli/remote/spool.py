"""Sound on disk, in blocks, until somebody wants it or it is final.

A block is a WAV file of 16 bit, so that a person can use what is left of a program that was killed.
The directory is private (0700) and so are the files (0600).
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import wave
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from echocli.types import SAMPLE_RATE

WIDTH = 2
"""Bytes of a sample."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of a disk that takes more when something else goes."""


@dataclass(frozen=True, slots=True)
class Block:
    """Sound of one source on disk."""

    start: int
    """Position of its first sample."""
    samples: int
    path: Path

    @property
    def end(self) -> int:
        """Position behind its last sample."""
        return self.start + self.samples


class Keeper(Protocol):
    """Whoever keeps blocks here."""

    @property
    def oldest(self) -> int | None:
        """Position of its oldest block, if there is one."""

    def drop_oldest(self) -> None:
        """Let go of that block."""


class Spool:
    """Keep blocks for all sources, ``limit`` bytes together at most.

    Overflow rule: the oldest sound of all ``keepers`` goes first. :meth:`put` returns ``None``
    where nothing older makes room; ``refusal`` says why.
    """

    def __init__(self, limit: int, directory: Path | None = None) -> None:
        self.refusal = ""
        """Why the last block was not taken."""
        self.used = 0
        """Bytes of sound that are kept."""
        self.keepers: list[Keeper] = []
        self.directory: Path | None = None
        """Where the blocks are, once there was one."""
        self.stays = False
        """Whether :meth:`close` leaves on disk what is still there."""
        self._limit = limit
        # Looked for now: when the disk is full, no directory passes for one that can be used.
        self._parent = directory or _temporary()
        self._disk_full = False

    def put(self, name: str, start: int, pcm: bytes) -> Block | None:
        """Write sound (s16le, mono, 16 kHz) that begins at ``start``."""
        while self.used + len(pcm) > self._limit:
            self.refusal = f"the spool holds {self._limit / 1e6:.0f} MB at most"
            if len(pcm) > self._limit or not self._make_room(start):
                return None
        while (block := self._written(name, start, pcm)) is None:
            if not self._disk_full or not self._make_room(start):
                return None
        self.used += len(pcm)
        return block

    def read(self, block: Block, offset: int, most: int) -> bytes:
        """Return up to ``most`` samples from ``offset`` on; nothing where the file is gone."""
        with suppress(OSError, wave.Error, EOFError), wave.open(str(block.path), "rb") as file:
            file.setpos(offset)
            return file.readframes(most)
        return b""

    def drop(self, block: Block) -> None:
        """Forget a block."""
        self.used -= block.samples * WIDTH
        with suppress(OSError):
            block.path.unlink()

    def close(self) -> None:
        """Remove everything, unless it stays; calling it twice is harmless."""
        self.used = 0
        if self.directory is not None and not self.stays:
            shutil.rmtree(self.directory, ignore_errors=True)
        self.directory = None

    def _make_room(self, before: int) -> bool:
        """Have the oldest block go, unless none is older than ``before``."""
        found = [(one.oldest, place) for place, one in enumerate(self.keepers)]
        older = [(at, place) for at, place in found if at is not None and at <= before]
        if not older:
            return False
        self.keepers[min(older)[1]].drop_oldest()
        return True

    def _written(self, name: str, start: int, pcm: bytes) -> Block | None:
        path = None
        try:
            path = self._place() / f"{_plain(name)}-{start:012d}.wav"
            _write(path, pcm)
        except OSError as error:
            if path is not None:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            where = self.directory or self._parent or "disk"
            self.refusal = f"cannot write to {where}: {error.strerror or error}"
            self._disk_full = error.errno in _FULL
            return None
        return Block(start, len(pcm) // WIDTH, path)

    def _place(self) -> Path:
        """Return the directory; made anew where somebody has removed it."""
        if self.directory is None or not self.directory.is_dir():
            self._parent = self._parent or Path(tempfile.gettempdir())
            self.directory = Path(tempfile.mkdtemp(prefix="echocli-remote-", dir=self._parent))
        return self.directory


def _temporary() -> Path | None:
    """Return the directory for temporary files, if any can be written to."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def _write(path: Path, pcm: bytes) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    # Opened here: a `Wave_write` that fails to open complains again when it is collected.
    with os.fdopen(number, "wb") as raw, wave.open(raw, "wb") as file:
        file.setparams((1, WIDTH, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes(pcm)


def _plain(name: str) -> str:
    """Return a name as a part of a file's name."""
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in name)[:40] or "sound"
