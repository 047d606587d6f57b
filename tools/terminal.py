"""Run a command in a terminal of its own and see what it shows there; Linux and macOS only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyte import Screen

COLUMNS = 80
"""Width of the terminal."""

ROWS = 200
"""Its height: nothing scrolls away."""

PALE = "8a8a8a"
"""What the emulator calls the colour of dim text."""

_DIM = re.compile(rb"\x1b\[2((?:;\d+)*)m")
_FRAME = re.compile(rb"(?=\r\x1b\[2K)")
"""Begins what takes the live part of the screen away to draw it again."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one style beside each other; colours are names or six hexadecimal digits."""

    text: str
    colour: str
    bold: bool


def record(command: str, environment: Mapping[str, str]) -> bytes:
    """Run a shell command in a terminal of :data:`COLUMNS`; return everything it writes there."""
    import pty
    import termios

    program, terminal = pty.fork()
    if program == 0:
        termios.tcsetwinsize(0, (ROWS, COLUMNS))
        os.execve("/bin/sh", ["sh", "-c", command], dict(environment))
    try:
        return b"".join(_read(terminal))
    finally:
        os.close(terminal)
        os.waitpid(program, 0)


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: everybody has closed it
            return
        if not data:
            return
        yield data


def screens(before: bytes, data: bytes) -> Iterator[list[list[Run]]]:
    """Yield the rows of the screen at every frame of ``data``, and at its end.

    ``before`` is what the screen has already been sent.
    """
    from pyte import ByteStream, Screen

    screen = Screen(COLUMNS, ROWS)
    stream = ByteStream(screen)
    stream.feed(_pale(before))
    for piece in _FRAME.split(_pale(data)):
        stream.feed(piece)
        yield _rows(screen)


def text(row: Sequence[Run]) -> str:
    """Return what a row says."""
    return "".join(run.text for run in row)


def _pale(data: bytes) -> bytes:
    """Make dim text grey: the emulator does not know dim."""
    return _DIM.sub(b"\x1b[38;5;245\\1m", data)


def _rows(screen: Screen) -> list[list[Run]]:
    """Return the rows down to the last that has something, without the space at their ends."""
    rows = [_runs(screen, number, len(row.rstrip())) for number, row in enumerate(screen.display)]
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _runs(screen: Screen, number: int, width: int) -> list[Run]:
    found: list[Run] = []
    for column in range(width):
        one = screen.buffer[number][column]
        if found and (found[-1].colour, found[-1].bold) == (one.fg, one.bold):
            found[-1] = Run(found[-1].text + one.data, one.fg, one.bold)
        else:
            found.append(Run(one.data, one.fg, one.bold))
    return found
