"""Sound that is decoded later, kept on disk in the order it came.

Under EMERGENCY every other utterance goes here instead of to the model. Nothing is kept in memory
but where each one is; a WAV file per utterance, 16 bit, because recordings are no better, and so
that a person can use what could not be decoded.
"""

from __future__ import annotations

import shutil
import tempfile
import wave
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from echocli.errors import OutputError
from echocli.types import SAMPLE_RATE, Samples

T = TypeVar("T")

LOUDEST = 32767
"""Value of full scale."""


class SpoolLost(OutputError):
    """Sound that was kept cannot be read any more; ``what`` is what it belonged to."""

    def __init__(self, what: Any, message: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    what: T
    path: Path
    samples: int


class Spool(Generic[T]):
    """Keep sounds, each with ``what`` it belongs to; the oldest comes back first.

    Overflow rule: fail. ``put`` raises ``OutputError`` when the disk takes no more; what is in the
    spool stays. ``close`` removes everything. Without ``leaves`` so does the end of a run: on a
    server it is somebody else's sound.
    """

    def __init__(self, directory: Path | None = None, *, leaves: bool = True) -> None:
        self._parent = directory
        self._leaves = leaves
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

    def put(self, what: T, sound: Samples, name: str = "sound") -> None:
        """Write a sound to the disk."""
        self._count += 1
        try:
            path = self._place() / f"{self._count:06d}-{name}.wav"
            _write(path, sound)
        except OSError as error:
            with suppress(OSError, UnboundLocalError):
                path.unlink(missing_ok=True)
            raise OutputError(
                f"the sound that waits cannot be kept in {self._parent or tempfile.gettempdir()}: "
                f"{error.strerror or error}",
                hint="free some space, or choose another place with TMPDIR",
            ) from error
        self._entries.append(_Entry(what, path, len(sound)))

    def take(self) -> tuple[T, Samples]:
        """Return the oldest and forget it; raise ``IndexError`` where there is none.

        Raises ``SpoolLost`` where its sound, or a part of it, is gone; it is forgotten then too.
        """
        entry = self._entries.popleft()
        try:
            sound = _read(entry.path)
        except (OSError, wave.Error, EOFError, ValueError) as error:
            raise SpoolLost(entry.what, f"the sound that was kept is gone: {error}") from error
        with suppress(OSError):  # it is here; `close` tries again
            entry.path.unlink()
        if len(sound) != entry.samples:
            raise SpoolLost(entry.what, "a part of the sound that was kept is gone")
        return entry.what, sound

    def keep(self) -> Path | None:
        """Leave on the disk what was not taken; where that is, ``None`` if there is nothing."""
        if not self._leaves:
            return None
        directory, self._directory = self._directory, None
        if not any(entry.path.exists() for entry in self._entries):
            self._directory = directory
            return None
        self._entries.clear()
        return directory

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


def _write(path: Path, sound: Samples) -> None:
    # Opened here: a `Wave_write` that fails to open complains again when it is collected.
    with path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        file.writeframes(np.round(np.clip(sound, -1, 1) * LOUDEST).astype("<i2").tobytes())


def _read(path: Path) -> Samples:
    with wave.open(str(path), "rb") as file:
        frames = file.readframes(file.getnframes())
    return np.frombuffer(frames, "<i2").astype(np.float32) / np.float32(LOUDEST)
