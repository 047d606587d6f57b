"""What a person sees of a live run: finals on stdout, and what is being said below them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from echocli.environment import Environment
from echocli.errors import TranscriptionError
from echocli.events import Backfill, End, Event, Failover, Final, Gap, Level, Notice
from echocli.output.console import Console
from echocli.output.live_state import Kept, LiveFigures, LiveState
from echocli.output.stdout import StdoutSink
from echocli.output.subtitles import clock_time
from echocli.output.telling import Failovers, level_text
from echocli.output.text import clean
from echocli.types import Segment

if TYPE_CHECKING:
    from echocli.output.live_picture import LivePicture

__all__ = ["LiveFigures", "LiveView"]


class LiveView:
    """Show the events of a live run as they come.

    Each final becomes a line on stdout, flushed; with two or more ``sources`` it begins with the
    name of its own. A backfill, which comes late, has ``[m:ss]`` before its text. Open utterances
    and a status line are drawn below, on the terminal of stderr; where only stdout is a terminal
    the utterances alone are drawn there; where neither is one, or the console is quiet, nothing is.
    Notices, gaps, levels and failovers are told by the console. How much speech is kept for later
    is part of the status line; where there is none, the console tells when that begins and when it
    is over. ``finals=False`` leaves stdout to somebody else, who writes inside ``console.above()``.

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
        self._failovers = Failovers()
        self._has_status = False
        self._picture = self._show()

    def event(self, event: Event, figures: LiveFigures | None = None) -> None:
        """Take the next event, and figures where there are new ones; draw if it is time."""
        kept_before = self._state.kept.seconds
        self._state.take(event, figures)
        match event:
            case Final():
                self._write(event.segment)
            case Backfill():
                self._write(event.segment, f"[{clock_time(event.segment.start)}] ")
            case Gap() if not Kept.keeps(event):
                self._tell_gap(event)
            case Level() | Failover() | Notice():
                self._tell(event)
            case End():
                self.tell_left()
        self._tell_kept(event, kept_before)
        if self._picture is not None:
            self._picture.update()

    def tell_left(self) -> None:
        """Say how much of the speech that was kept has no text, now that none will come."""
        if left := self._state.kept.seconds:
            message = f"no text for {left:.1f} s of speech that was kept for later"
            self._console.error(TranscriptionError(message))
        self._state.kept = Kept()

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

        status = self._has_status = canvas.file is self._environment.stderr
        picture = LivePicture(self._environment.clock, canvas, self._state, status=status)
        self._showing.enter_context(self._console.showing(picture))
        return picture

    def _write(self, segment: Segment, mark: str = "") -> None:
        text = clean(segment.text).strip()
        if self._sink is not None and text:
            self._sink.write(f"{self._label(segment.source)}{mark}{text}\n")
            self._sink.flush()

    def _tell(self, event: Level | Failover | Notice) -> None:
        match event:
            case Level():
                if text := level_text(event):
                    self._console.notice(text, event.type)
            case Failover():
                self._console.notice(self._failovers.text(event), event.type)
            case Notice():
                self._console.notice(event.message, event.code)

    def _tell_kept(self, event: Event, before: float) -> None:
        """Say that speech is kept, and that all of it has been dealt with, where nobody sees it."""
        now = self._state.kept.seconds
        if self._has_status or bool(before) == bool(now):
            return
        if isinstance(event, Gap) and now:
            since = clock_time(event.start)
            message = f"from {since} on speech is kept on disk and gets its text later"
            self._console.notice(message, "kept")
        elif not isinstance(event, End):
            self._console.notice("no speech is waiting for its text any more", "caught_up")

    def _tell_gap(self, gap: Gap) -> None:
        where = f"no text from {gap.start:.1f} s to {gap.end:.1f} s"
        message = f"{self._label(gap.source)}{where}: {gap.reason}"
        self._console.error(TranscriptionError(message))

    def _label(self, source: str | None) -> str:
        several = len(self._state.ears) > 1
        return f"{clean(source)}: " if several and source else ""
