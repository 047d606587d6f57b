"""The figures of a long run on disk: a line of JSON now and then, and totals that go on.

Each line is ``{"time": …, "session": …, <the record>, "total": {…}}``; ``time`` is ISO 8601 in UTC.
``total`` adds up the counters of all sessions in the file, so the last line alone tells them.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from echocli.clock import Clock
from echocli.errors import OutputError

COUNTERS = (
    "session_seconds",
    "audio_seconds",
    "windows",
    "dropped_chunks",
    "dropped_seconds",
    "spooled_seconds",
    "restarts",
    "errors",
)
"""What is added up over the sessions; ``total`` has ``sessions`` besides."""

TAIL = 2**20
"""Bytes at the end of a file in which the last whole line is looked for; a line has about 2000."""

_BEGINNING = b'{"time": "'
"""How every line begins."""

_HINTS = {
    errno.ENOENT: "make its directory first",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EISDIR: "it is a directory: name a file in it",
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the quota is used up: free some space",
}


@dataclass(frozen=True, slots=True)
class _Past:
    """What the sessions before left."""

    session: int = 0
    total: Mapping[str, float] = field(default_factory=dict)


class MetricsFile:
    """Append a line to ``path`` every so many seconds, through crashes and restarts.

    Raises ``OutputError`` at the start for a path that cannot be written, is in use by another run,
    or holds something else, which is never touched. When the disk fills later, :meth:`write` raises
    it once, what did not fit is taken back, and everything after is ignored.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        every: float = 60.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._clock = clock
        self._every = every
        self._wall = wall
        with self._explained():
            self._file = _open(path)
        try:
            with self._explained():
                self._past, self._torn = self._take_up()
        except OutputError:
            self._file.close()
            raise
        self._last = clock.now()

    def due(self, now: float) -> bool:
        """Tell whether it is time for the next line; never after the end."""
        return not self._file.closed and now - self._last >= self._every

    def write(self, record: Mapping[str, Any], counters: Mapping[str, float]) -> None:
        """Append a line with one write.

        ``record`` is :meth:`.health.Health.record`, ``counters`` are those of this session so far:
        :meth:`.health.Health.counters`.
        """
        if self._file.closed:
            return
        self._last = self._clock.now()
        line = json.dumps(self._line(record, counters), allow_nan=False) + "\n"
        try:
            with self._explained():
                self._append(("\n" if self._torn else "") + line)
        except OutputError:
            self._end()
            raise
        self._torn = False

    def close(self, record: Mapping[str, Any], counters: Mapping[str, float]) -> None:
        """Append the last line and close the file; calling it twice is harmless."""
        self.write(record, counters)
        self._end()

    def _line(self, record: Mapping[str, Any], counters: Mapping[str, float]) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds")
        total: dict[str, float] = {"sessions": self._past.total.get("sessions", 0) + 1}
        for name in COUNTERS:
            total[name] = round(self._past.total.get(name, 0) + counters.get(name, 0), 4)
        session = self._past.session + 1
        return {"time": moment.replace("+00:00", "Z"), "session": session, **record, "total": total}

    def _append(self, text: str) -> None:
        data = text.encode("ascii")
        size = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with suppress(OSError):
                self._file.truncate(size)
            raise

    def _end(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _take_up(self) -> tuple[_Past, bool]:
        """Return what was, and whether the file ends within a line."""
        _claim(self._file)
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - TAIL))
        tail = self._file.read(TAIL) or b""
        past = _last(tail)
        if past is None:
            raise OutputError(
                f"{self.path} holds something else than metrics",
                hint="it is left as it is: name another file",
            )
        return past, not tail.endswith(b"\n") and bool(tail)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = _HINTS.get(error.errno or 0, "check the permissions or name another file")
            reason = error.strerror or error
            raise OutputError(
                f"cannot write metrics to {self.path}: {reason}", hint=hint
            ) from error


def _open(path: Path) -> FileIO:
    """Open for reading and for appending (``O_APPEND``), unbuffered."""
    try:
        with suppress(FileNotFoundError):
            mode = path.stat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                # Opening a FIFO or a device can block, and neither can be taken up again.
                raise OSError(errno.EINVAL, "it is not an ordinary file")
        return path.open("a+b", buffering=0)
    except ValueError as error:  # a name with a null character
        raise OSError(errno.EINVAL, str(error)) from error


def _claim(file: FileIO) -> None:
    """Lock the file until it is closed: two runs would each undo the other's totals."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OSError(errno.EBUSY, "another run writes there") from error
    except OSError:
        return  # no locks on this file system


def _last(tail: bytes) -> _Past | None:
    """Return what the last whole line says, ``None`` where there is none of ours.

    Halves of lines, which a crash left, are passed over; a file of nothing else is new.
    """
    lines = [line for line in tail.split(b"\n") if line.strip()]
    for line in reversed(lines):
        if past := _parse(line):
            return past
    return _Past() if all(map(_is_half, lines)) else None


def _parse(line: bytes) -> _Past | None:
    found = _value(line)
    if not isinstance(found, dict) or not isinstance(found.get("total"), dict):
        return None
    session, total = found.get("session"), found["total"]
    counters = {name: total.get(name, 0) for name in ("sessions", *COUNTERS)}
    sound = all(
        isinstance(value, int | float) and 0 <= value < math.inf for value in counters.values()
    )
    return _Past(session, counters) if isinstance(session, int) and sound else None


def _is_half(line: bytes) -> bool:
    return _value(line) is None and (line.startswith(_BEGINNING) or _BEGINNING.startswith(line))


def _value(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
