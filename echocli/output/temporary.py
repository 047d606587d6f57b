"""Temporary files beside their target, and what a killed run left of them.

A file that is being written is locked, so that anybody can tell it from one that nobody will ever
finish, across containers and whatever became of process ids.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_LONGEST = 100
"""Bytes of the target's name that are kept; with the rest it fits everywhere (eCryptfs: 143)."""


@dataclass(frozen=True, slots=True)
class TemporaryFile:
    """An open file that is locked as long as it is open."""

    path: Path
    stream: TextIO

    def rename(self, destination: Path) -> None:
        """Bring the text to the disk under another name and close the file."""
        self._sync()
        self._move(destination)

    def salvage(self, destination: Path) -> bool:
        """Give what the disk takes of the text another name and close the file.

        Where that is nothing the file is removed; tell whether there was something.
        """
        with suppress(OSError, ValueError):  # a move that failed may have closed it
            self._sync()
        if not self.path.stat().st_size:
            self.remove()
            return False
        self._move(destination)
        return True

    def remove(self) -> None:
        """Close the file and remove it as well as that goes."""
        self._close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _sync(self) -> None:
        self.stream.flush()
        os.fsync(self.stream.fileno())

    def _move(self, destination: Path) -> None:
        if sys.platform == "win32":
            self._close()  # an open file keeps its name there
        # Elsewhere the lock stays until nobody can take the file for a leftover.
        self.path.replace(destination)
        self._close()

    def _close(self) -> None:
        # Closing writes the buffer once more, which fails again on a full disk.
        with suppress(OSError):
            self.stream.close()


def create(path: Path) -> TemporaryFile:
    """Open a new file ``.NAME.XXXX.part`` beside ``path`` for text in UTF-8, and lock it."""
    while True:
        temporary = path.with_name(f"{_prefix(path)}{secrets.token_hex(4)}.part")
        stream = temporary.open("x", encoding="utf-8", errors="replace", newline="\n")
        if _claim(stream.fileno()):
            return TemporaryFile(temporary, stream)
        stream.close()  # somebody swept it up before it was locked


def remove_leftovers(path: Path) -> None:
    """Remove temporary files of ``path`` that nobody writes; those that cannot be removed stay."""
    pattern = re.compile(re.escape(_prefix(path)) + r"[0-9a-f]{8}\.part")
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_abandoned(Path(entry.path))


def _prefix(path: Path) -> str:
    name = path.name
    while len(os.fsencode(name)) > _LONGEST:  # cut between characters, as the system writes them
        name = name[:-1]
    return f".{name}."


def _remove_if_abandoned(path: Path) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            path.unlink()  # refused there while the file is open
            return
        import fcntl

        # For writing, because NFS locks nothing else exclusively.
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)


def _claim(handle: int) -> bool:
    """Lock a file until it is closed; ``False`` if it was taken for abandoned before."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # no locks on this file system, so nobody removes what is there either
    return os.fstat(handle).st_nlink > 0
