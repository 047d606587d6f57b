"""What people see on stderr: notices, errors, and a drawing where there is a terminal.

Everything here is one line each, so that it can be read, grepped and logged; rich is imported only
when a terminal is there to show its work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TextIO

from echocli.environment import Environment
from echocli.errors import EchoError
from echocli.output.text import one_line

if TYPE_CHECKING:
    import rich.console

    from echocli.output.downloads import Teller

USUAL_WIDTH = 80
"""Columns of a terminal that does not say."""

_STYLES = {"error": "bold red", "notice": "yellow", "info": "dim"}


class ProgressBar(Protocol):
    """Show how far one input is."""

    def update(self, position: float, total: float | None) -> None:
        """State the seconds done, and all seconds where that is known."""
        ...


class OverallBar(Protocol):
    """Show how far a batch is."""

    def update(self, label: str, share: float) -> None:
        """State the present input, and which share of everything is done."""
        ...


class Drawing(Protocol):
    """Something on a terminal that can be taken away and put back: a bar, a live view."""

    def start(self) -> None:
        """Take a place at the bottom of the terminal."""
        ...

    def stop(self) -> None:
        """Leave nothing there; what is written next begins where the drawing began."""
        ...


class NoBar:
    """Show nothing, where nothing is to be shown."""

    def update(self, position: float, total: float | None) -> None:
        """Take the figures and leave it at that."""


class NoOverallBar:
    """Show nothing of a batch either."""

    def update(self, label: str, share: float) -> None:
        """Take the figures and leave it at that."""


def width_of(env: Environment, stream: TextIO | None) -> int | None:
    """Return how many columns there are where a stream leads to; ``None`` for no terminal.

    ``COLUMNS`` wins, as it does everywhere; a terminal that does not know has 80.
    """
    if stream is None or not stream.isatty():
        return None
    if (stated := env.environ.get("COLUMNS", "")).isdecimal() and int(stated):
        return int(stated)
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except (OSError, ValueError):
        return USUAL_WIDTH


class Console:
    """Talk to the person, never to a program: stderr only.

    ``quiet`` leaves only errors; ``verbose`` counts the ``-v``. A stderr that is closed or broken
    is no reason to stop working, so failures to write to it are passed over.
    """

    def __init__(self, env: Environment, *, quiet: bool = False, verbose: int = 0) -> None:
        self._env = env
        self._quiet = quiet
        self._verbose = verbose
        self._drawing: Drawing | None = None

    def notice(self, message: str, code: str = "") -> None:
        """Tell something the user should know; ``-v`` adds its stable code."""
        if not self._quiet:
            self._say("notice", f"{message} [{code}]" if code and self._verbose else message)

    def detail(self, message: str, level: int = 1) -> None:
        """Tell something only those want to know who gave ``level`` times ``-v``."""
        if self._verbose >= level and not self._quiet:
            self._say("info", message)

    def error(self, error: EchoError) -> None:
        """Tell what went wrong and the next step."""
        self._say("error", str(error), error.hint)

    def downloading(self, name: str) -> AbstractContextManager[Teller]:
        """Give what the download of a model reports to, for the block."""
        from echocli.output.downloads import telling

        return telling(self, self._env.clock, name)

    @contextmanager
    def progress(self, label: str) -> Iterator[ProgressBar]:
        """Show a bar for the block on a terminal; it is gone when the block is left."""
        if self._quiet or not self._is_terminal:
            yield NoBar()
            return
        from echocli.output.progress import TerminalBar

        bar = TerminalBar(self._env.clock, self._rich, label)
        with self.showing(bar):
            yield bar

    @contextmanager
    def overall(self) -> Iterator[OverallBar]:
        """Show a bar of a whole batch on a terminal; it is gone when the block is left."""
        if self._quiet or not self._is_terminal:
            yield NoOverallBar()
            return
        from echocli.output.progress import TerminalOverallBar

        bar = TerminalOverallBar(self._env.clock, self._rich)
        with self.showing(bar):
            yield bar

    @property
    def table_width(self) -> int | None:
        """Columns a table may have; ``None`` where nobody looks or nothing is to be said."""
        return None if self._quiet else width_of(self._env, self._env.stderr)

    def table(self, lines: Iterable[str]) -> None:
        """Show the lines of a table, the first of which has the headings."""
        head = "bold" if self._is_terminal else ""
        with suppress(OSError, ValueError), self._away():
            for number, line in enumerate(lines):
                style = "" if number else head
                self._rich.print(line, style=style, markup=False, emoji=False, soft_wrap=True)

    @property
    def canvas(self) -> rich.console.Console | None:
        """Where a drawing can be: the terminal of stderr, or else that of stdout.

        ``None`` where neither is one, and where nothing is to be drawn.
        """
        if self._quiet:
            return None
        if self._is_terminal:
            return self._rich
        stdout = self._env.stdout
        return self._rich_for(stdout) if self._leads_to_terminal(stdout) else None

    @contextmanager
    def showing(self, drawing: Drawing) -> Iterator[None]:
        """Show a drawing for the block, and move it out of the way of whatever is said."""
        self._drawing = drawing
        drawing.start()
        try:
            yield
        finally:
            self._drawing = None
            drawing.stop()

    @contextmanager
    def above(self) -> Iterator[None]:
        """Take the drawing away while something else writes to the terminal by stdout."""
        with self._away() if self._env.stdout.isatty() else nullcontext():
            yield

    @contextmanager
    def _away(self) -> Iterator[None]:
        drawing = self._drawing
        if drawing is None:
            yield
            return
        drawing.stop()
        try:
            yield
        finally:
            drawing.start()

    def _say(self, kind: str, message: str, hint: str | None = None) -> None:
        stderr = self._env.stderr
        if not stderr:  # a process can be started without one
            return
        with suppress(OSError, ValueError):
            if self._is_terminal:
                with self._away():
                    self._say_in_colour(kind, message, hint)
                return
            tail = f"  {one_line(hint)}\n" if hint else ""
            stderr.write(f"echocli: {kind}: {one_line(message)}\n{tail}")
            stderr.flush()

    def _say_in_colour(self, kind: str, message: str, hint: str | None) -> None:
        from rich.text import Text

        text = Text.assemble("echocli: ", (f"{kind}:", _STYLES[kind]), " ", one_line(message))
        if hint:
            text.append(f"\n  {one_line(hint)}", "dim")
        self._rich.print(text, soft_wrap=True)

    @property
    def _is_terminal(self) -> bool:
        return self._leads_to_terminal(self._env.stderr)

    def _leads_to_terminal(self, stream: TextIO | None) -> bool:
        dumb = self._env.environ.get("TERM", "").lower() in ("dumb", "unknown")
        return stream is not None and stream.isatty() and not dumb

    @cached_property
    def _rich(self) -> rich.console.Console:
        return self._rich_for(self._env.stderr)

    def _rich_for(self, stream: TextIO) -> rich.console.Console:
        from rich.console import Console as RichConsole

        return RichConsole(
            file=stream,
            force_terminal=True,
            force_interactive=True,
            no_color=bool(self._env.environ.get("NO_COLOR")),
            highlight=False,
        )
