"""What a person sees of a live run: finals on stdout, and what is being said below them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from echocli.environment import Environment
from echocli.errors import TranscriptionError
from echocli.events import Event, Final, Gap, Notice
from echocli.output.console import Console
from echocli.output.live_state import LiveFigures, LiveState
from echocli.output.stdout import StdoutSink
from echocli.output.text import clean
from echocli.types import Segment

if TYPE_CHECKING:
    from echocli.output.live_picture import LivePicture

__all__ = ["LiveFigures", "LiveView"]


class LiveView:
    """Show the events of a live run as they come.

    Each final becomes a line on stdout, flushed; with two or more ``sources`` it begins with the
    name of its own. Open utterances and a status line are drawn below, on the terminal of stderr;
    where only stdout is a terminal the utterances alone are drawn there; where neither is one, or
    the console is quiet, nothing is. Notices and gaps are told by the console. ``finals=False``
    leaves stdout to somebody else, who writes inside ``console.above()``.

    Raises :class:`echocli.output.stdout.ReaderGone` and ``OutputError`` like ``StdoutSink``.
    """

    def __init__(
        self,
        environment: Environment,
        console: Console,
        sources: Sequence[str],
        *,
        finals: bool = True,
    ) -> None:
        self._environment = environment
        self._console = console
        self._state = LiveState(sources, environment.clock)
        self._sink = StdoutSink(environment.stdout, console.above) if finals else None
        self._showing = ExitStack()
        self._picture = self._show()

    def event(self, event: Event, figures: LiveFigures | None = None) -> None:
        """Take the next event, and figures where there are new ones; draw if it is time."""
        self._state.take(event, figures)
        match event:
            case Final():
                self._write(event.segment)
            case Notice():
                self._console.notice(event.message, event.code)
            case Gap():
                self._tell_gap(event)
        if self._picture is not None:
            self._picture.update()

    def close(self) -> None:
        """Take the drawing off the screen; calling it twice is harmless."""
        self._picture = None
        self._showing.close()

    def _show(self) -> LivePicture | None:
        canvas = self._console.canvas
        # Where the terminal takes no UTF-8, escapes in place of characters would tear the drawing.
        if canvas is None or canvas.options.ascii_only:
            return None
        from echocli.output.live_picture import LivePicture

        status = canvas.file is self._environment.stderr
        picture = LivePicture(self._environment.clock, canvas, self._state, status=status)
        self._showing.enter_context(self._console.showing(picture))
        return picture

    def _write(self, segment: Segment) -> None:
        text = clean(segment.text).strip()
        if self._sink is not None and text:
            self._sink.write(f"{self._label(segment.source)}{text}\n")
            self._sink.flush()

    def _tell_gap(self, gap: Gap) -> None:
        where = f"no text from {gap.start:.1f} s to {gap.end:.1f} s"
        message = f"{self._label(gap.source)}{where}: {gap.reason}"
        self._console.error(TranscriptionError(message))

    def _label(self, source: str | None) -> str:
        several = len(self._state.ears) > 1
        return f"{clean(source)}: " if several and source else ""
