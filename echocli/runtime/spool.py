"""Sound that is decoded later, kept on disk in the order it came.

Under EMERGENCY every other utterance goes here instead of to the model. Nothing is kept in memory
but where each one is; a file per utterance, 16 bit, because recordings are no better.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from echocli.errors import OutputError
from echocli.types import Samples

T = TypeVar("T")

LOUDEST = 32767
"""Value of full scale."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    what: T
    path: Path
    samples: int


class Spool(Generic[T]):
    """Keep sounds, each with ``what`` it belongs to; the oldest comes back first.

    Overflow rule: fail. ``put`` raises ``OutputError`` when the disk takes no more; what is in the
    spool stays. ``close`` removes everything.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._parent = directory
        self._directory: Path | None = None
        self._entries: deque[_Entry[T]] = deque()
        self._count = 0

    def __len__(self) -> int:
        """Return how many sounds are kept."""
        return len(self._entries)

    @property
    def samples(self) -> int:
        """Samples that are kept."""
        return sum(entry.samples for entry in self._entries)

    def put(self, what: T, sound: Samples) -> None:
        """Write a sound to the disk."""
        self._count += 1
        try:
            path = self._place() / f"{self._count:06d}.npy"
            np.save(path, np.round(np.clip(sound, -1, 1) * LOUDEST).astype(np.int16))
        except OSError as error:
            with suppress(OSError, UnboundLocalError):
                path.unlink(missing_ok=True)
            raise OutputError(
                f"the sound that waits cannot be kept: {error.strerror or error}",
                hint="free some space, or choose another place with TMPDIR",
            ) from error
        self._entries.append(_Entry(what, path, len(sound)))

    def take(self) -> tuple[T, Samples]:
        """Return the oldest and forget it; raise ``IndexError`` where there is none."""
        entry = self._entries.popleft()
        sound = np.load(entry.path).astype(np.float32) / LOUDEST
        with suppress(OSError):
            entry.path.unlink()
        return entry.what, sound

    def close(self) -> None:
        """Remove what is left; calling it twice is harmless."""
        self._entries.clear()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _place(self) -> Path:
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="echocli-", dir=self._parent))
        return self._directory
