"""Terminals that tests can look at."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from echocli.clock import SteppingClock
from echocli.environment import Environment
from echocli.output.console import Console
from echocli.output.live_view import LiveView


class Terminal(io.StringIO):
    """A buffer that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(slots=True)
class Streams(Environment):
    """An environment with streams of its own and a clock that stands still."""

    environ: Mapping[str, str] = field(default_factory=dict)
    clock: SteppingClock = field(default_factory=SteppingClock)
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    @property
    def stdout(self) -> io.StringIO:
        return self.out

    @property
    def stderr(self) -> io.StringIO:
        return self.err


def screen_of(written: str, *, narrowed: tuple[int, int] | None = None) -> list[str]:
    """Return the rows a terminal shows; it has no edges and obeys only what the drawing uses.

    ``narrowed`` is a position in the text and a width: there the rows so far are wrapped.
    """
    lines, row, column = [""], 0, 0
    for token in re.finditer(r"\x1b\[([?\d;]*)([A-Za-z])|\r|\n|.", written):
        if narrowed and token.start() >= narrowed[0]:
            width = narrowed[1]
            cut = [
                line[i : i + width] for line in lines for i in range(0, max(len(line), 1), width)
            ]
            row += len(cut) - len(lines)
            lines, narrowed = cut, None
        text = token[0]
        if text == "\r":
            column = 0
        elif text == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif token[2] == "A":
            row = max(row - int(token[1]), 0)
        elif token[2] == "K":
            lines[row] = ""
        elif not token[2]:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def on_one_terminal(environ: Mapping[str, str] | None = None) -> Streams:
    terminal = Terminal()
    return Streams(environ or {}, out=terminal, err=terminal)


def view_of(env: Streams, *sources: str, quiet: bool = False) -> LiveView:
    return LiveView(env, Console(env, quiet=quiet), sources or ("mic",))
