"""Keep the sound that was transcribed, in a file that is whole at any moment.

A program may be killed while it records. So only formats are offered that everybody reads without
the end that a writer adds on closing (measured with libsndfile 1.2.2, 20 s written, then SIGKILL):

* WAV by :mod:`wave`, which corrects the header after each write: nothing is missing. libsndfile
  corrects it only on closing, until then :mod:`wave` cannot read the file.
* Ogg Opus by libsndfile, a page a second: 1.03 s are missing at most.
* Not FLAC: libsndfile cannot open a file whose header does not state the length. Not Ogg Vorbis:
  silence fills a page only after 16 s. Not MP3, CAF, AU, W64, RF64: half of it or nothing is read.
"""

from __future__ import annotations

import errno
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from echocli.errors import OutputError, UsageError
from echocli.types import SAMPLE_RATE, Samples

_WAV_MOST = ((1 << 32) - 1 - 36) // 2
"""Samples a WAV holds: its size, 36 bytes of header and 2 a sample, has 32 bits (37 h)."""
_BLOCK = SAMPLE_RATE

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space or record to another place",
    errno.EDQUOT: "the quota is used up: free some space or record to another place",
    errno.ENOENT: "make the directory first or record to another place",
    errno.EISDIR: "name a file in it",
    errno.EROFS: "the file system is read-only: record to another place",
    errno.EFBIG: "record to a .opus file: it grows by 10 MB an hour and has no limit",
}


class _Writer(Protocol):
    def write(self, samples: Samples) -> None: ...

    def close(self) -> None: ...


class Recorder:
    """Write mono sound to a new file: ``.wav`` (16 bit) or ``.opus``/``.ogg`` (lossy, a tenth).

    What was written is readable even if the program is killed, except for the last second of an
    Opus file. Raises ``UsageError`` for another suffix and a file that exists, ``OutputError`` for
    what cannot be created; :meth:`write`, :meth:`silence` or :meth:`close` raises ``OutputError``
    once when the disk is full or a WAV has reached its 4 GB, and from then on nothing is written:
    what is there stays readable. A write of 0.1 s takes 15 µs (WAV) or 2 ms (Opus) plus the disk.
    What comes after :meth:`close` is passed over, from whatever thread.
    """

    def __init__(self, path: Path, *, rate: int = SAMPLE_RATE) -> None:
        make = _WRITERS.get(path.suffix.lower())
        if make is None:
            raise UsageError(
                f"{path}: sound is not recorded in this format",
                hint=f"end the name in {', '.join(_WRITERS)}: they survive a crash",
            )
        self.path = path
        self._lock = threading.Lock()
        self.samples = 0
        """How many were written: the position in the file."""
        self._most = _WAV_MOST if make is _Wav else None
        self._failed = False
        self._file = _create(path)
        try:
            with self._explained():
                self._writer = make(self._file, rate)
        except OutputError:
            self._leave()
            raise

    def write(self, samples: Samples) -> None:
        """Add float32 samples in [-1, 1]."""
        with self._lock:
            if self._failed or self._file.closed:
                return
            with self._explained():
                self._check_room(len(samples))
                self._writer.write(samples)
            self.samples += len(samples)

    def silence(self, count: int) -> None:
        """Add ``count`` samples of silence in place of sound that was lost."""
        if self._failed:
            return
        with self._explained():
            self._check_room(count)
        for start in range(0, count, _BLOCK):
            self.write(np.zeros(min(_BLOCK, count - start), np.float32))

    def close(self) -> None:
        """Finish the file; one that holds nothing is removed. Calling it twice is harmless."""
        with self._lock:
            if self._file.closed:
                return
            try:
                self._end()
            finally:
                self._leave()

    def _end(self) -> None:
        if self._failed:
            with suppress(OSError, RuntimeError):
                self._writer.close()
            return
        with self._explained():
            self._writer.close()

    def _check_room(self, count: int) -> None:
        if self._most is not None and self.samples + count > self._most:
            raise OSError(errno.EFBIG, "a WAV file holds 4 GB at most")

    def _leave(self) -> None:
        with suppress(OSError):
            self._file.close()
        if not self.samples:
            with suppress(OSError):
                self.path.unlink()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failed = True
            raise _refused(self.path, error) from error
        except RuntimeError as error:  # libsndfile says no more than "System error."
            self._failed = True
            raise OutputError(
                f"cannot record to {self.path}: {error}", hint="is there space left on the disk?"
            ) from error


class _Wav:
    """16-bit PCM; the scale is that of reading, so that 16-bit sound stays as it was."""

    def __init__(self, file: BinaryIO, rate: int) -> None:
        self._wave = wave.Wave_write(file)
        self._wave.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        try:
            self._wave.writeframes(b"")  # the header: readable from the start
            file.flush()
        except OSError:
            with suppress(OSError):
                self.close()  # or its `__del__` would try once more, and complain
            raise

    def write(self, samples: Samples) -> None:
        scaled = np.clip(np.rint(samples * 32768), -32768, 32767)
        self._wave.writeframes(scaled.astype("<i2").tobytes())

    def close(self) -> None:
        self._wave.close()


class _Opus:
    """Ogg Opus at libsndfile's default quality, about 24 kbit/s for speech."""

    def __init__(self, file: BinaryIO, rate: int) -> None:
        import soundfile

        # By descriptor: through a Python file object an error in a callback would be lost.
        self._sound = soundfile.SoundFile(
            file.fileno(), "w", rate, 1, format="OGG", subtype="OPUS", closefd=False
        )

    def write(self, samples: Samples) -> None:
        self._sound.write(samples)

    def close(self) -> None:
        self._sound.close()


_WRITERS: dict[str, Callable[[BinaryIO, int], _Writer]] = {
    ".wav": _Wav,
    ".opus": _Opus,
    ".ogg": _Opus,
}


def _create(path: Path) -> BinaryIO:
    """Create a file that was not there before."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        return path.open("xb")
    except FileExistsError as error:
        raise UsageError(
            f"{path}: exists and is not overwritten", hint="remove it or choose another name"
        ) from error
    except ValueError as error:  # a name with a null character
        raise _refused(path, OSError(errno.EINVAL, str(error))) from error
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> OutputError:
    hint = _HINTS.get(error.errno or 0, "check the permissions or record to another place")
    return OutputError(f"cannot record to {path}: {error.strerror or error}", hint=hint)
