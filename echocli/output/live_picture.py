"""The moving part of a live view; imports rich, so import it only where it is drawn.

It stands below the finals: the words of utterances that are still open, and a status line. Rich's
own ``Live`` remembers how many rows it drew, not how long they were, so it leaves rows behind when
the window gets narrower and the terminal wraps them (seen with rich 15.0 in tmux, with a full
screen); hence :class:`LivePicture` counts them itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from echocli.clock import Clock
from echocli.output.live_state import METER, Ear, LiveFigures, LiveState, Utterance
from echocli.output.progress import REFRESH
from echocli.output.subtitles import clock_time
from echocli.output.text import one_line

MARGIN = 3
"""Columns left free: the ``^C`` a terminal echoes must not start a new line."""

QUIETEST = -60.0
"""Level in dB below full scale of the lowest bar; the highest is 0."""

_BARS = "▁▂▃▄▅▆▇█"
_MORE = "…"
_NAME_WIDTH = 16
_LADDER = {"NORMAL": "green", "WARNING": "yellow"}


class LivePicture:
    """Draw a state at the bottom of a terminal, at most every ``REFRESH`` seconds.

    It has no thread of its own: ``update`` draws it. ``stop`` takes it off the screen and ``start``
    puts it back. A terminal that goes away is no reason to stop working: nothing is drawn from then
    on. ``status`` says whether the status line is part of it.
    """

    def __init__(self, clock: Clock, console: Console, state: LiveState, *, status: bool) -> None:
        self._clock = clock
        self._console = console
        self._state = state
        self._status = status
        self._widths: list[int] = []
        self._drawn = float("-inf")
        self._gone = False

    def start(self) -> None:
        """Hide the cursor and draw the state."""
        with self._drawing():
            self._console.show_cursor(False)
            self._draw()

    def stop(self) -> None:
        """Clear the rows and show the cursor."""
        with self._drawing():
            self._erase()
            self._console.show_cursor(True)

    def update(self) -> None:
        """Draw the state, unless the last picture is too fresh."""
        if not self._gone and self._clock.now() - self._drawn >= REFRESH:
            with self._drawing():
                self._draw()

    def _draw(self) -> None:
        self._drawn = self._clock.now()
        self._state.forget()
        lines = rows(self._state, self._console, status=self._status)
        self._erase()
        self._console.print(Text("\n").join(lines), soft_wrap=True, end="")
        self._widths = [line.cell_len for line in lines]

    def _erase(self) -> None:
        """Go back to the first row, counting how a narrower window has wrapped what was drawn."""
        width, height = self._console.size
        taken = sum(max(-(-length // max(width, 1)), 1) for length in self._widths)
        self._widths = []
        wipe = (ControlType.ERASE_IN_LINE, 2)
        up = ((ControlType.CURSOR_UP, 1), wipe) * (min(taken, height) - 1)
        if taken:
            self._console.control(Control(ControlType.CARRIAGE_RETURN, wipe, *up))

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Collect what is drawn into one write, which cannot be seen half done."""
        try:
            with self._console:
                yield
        except OSError:
            self._gone = True


def rows(state: LiveState, console: Console, *, status: bool) -> list[Text]:
    """Return the lines of a picture, each narrower than the terminal, all lower than it."""
    width = max(console.size.width - MARGIN, 1)
    speaking = [ear for ear in state.ears if ear.utterances]
    # A row stays free, so that the last final can be seen.
    room = max(console.size.height - 1 - status, 1)
    share = max(room // max(len(speaking), 1), 1)
    lines = [
        line
        for ear in speaking
        for line in _speech(ear, console, width, share, named=len(state.ears) > 1)
    ][-room:]
    if status:
        lines.append(_status_line(state, width))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _speech(ear: Ear, console: Console, width: int, most: int, *, named: bool) -> list[Text]:
    """Wrap what is being said on one source; of too many lines the newest remain."""
    label = _name(f"{ear.name}: ", max(width // 3, 1)) if named else Text()
    said = Text(" ").join(_words(each, console) for each in ear.utterances.values())
    lines = list(said.wrap(console, max(width - label.cell_len - 1, 1)))
    shown = lines[-most:]
    if len(lines) > most:
        shown[0] = Text.assemble(_MORE, shown[0])
    for line in shown:
        line.rstrip()
    hang = Text(" " * label.cell_len)
    return [Text.assemble(hang if i else label, line) for i, line in enumerate(shown)]


def _words(utterance: Utterance, console: Console) -> Text:
    """Write committed words plainly and pending ones dim; brackets where looks are not wanted."""
    pending = one_line(utterance.pending)
    if not pending and not utterance.committed:
        return Text(_MORE, "dim")
    if pending and console.no_color:
        pending = f"[{pending}]"
    parts = [Text(one_line(utterance.committed)), Text(pending, "dim")]
    return Text(" ").join(part for part in parts if part)


def _status_line(state: LiveState, width: int) -> Text:
    """Write as much of the status as fits; what matters least goes first."""
    heads = [_head(ear, lost=state.lost) for ear in state.ears]
    if state.lost:
        heads.append(Text("device lost", "bold red"))
    heads.append(Text(clock_time(state.position)))
    figures = _figures(state.figures) if state.figures else {}
    if kept := state.kept.seconds:
        figures["kept"] = Text(f"kept for later {math.ceil(kept)} s", "yellow")
    line = Text("  ").join([*heads, *figures.values()])
    for name in ("latency", "rtf", "kept", "level"):
        if line.cell_len > width and figures.pop(name, None) is not None:
            line = Text("  ").join([*heads, *figures.values()])
    return line


def _figures(figures: LiveFigures) -> dict[str, Text]:
    found = {}
    if figures.rtf is not None:
        found["rtf"] = Text(f"RTF {figures.rtf:.2f}")
    if figures.latency_ms is not None:
        found["latency"] = Text(delay(figures.latency_ms))
    style = _LADDER.get(figures.level_name, "bold red")
    return found | {"level": Text(one_line(figures.level_name), style)}


def _head(ear: Ear, *, lost: bool) -> Text:
    """Write a source with its meter, or what is wrong with it."""
    style = "yellow" if lost else "red" if ear.ready else "dim"
    head = Text.assemble(("● ", style), _name(ear.name, _NAME_WIDTH))
    if not ear.ready:
        return Text.assemble(head, "  ", ("no sound yet", "dim"))
    return Text.assemble(head, "  ", meter(ear.levels)) if ear.levels else head


def _name(name: str, width: int) -> Text:
    text = Text(one_line(name))
    text.truncate(width, overflow="ellipsis")
    return text


def meter(levels: Sequence[float]) -> str:
    """Draw levels in dB below full scale, oldest first, as bars of eight heights."""
    return "".join(map(_bar, levels)).rjust(METER, _BARS[0])


def _bar(level: float) -> str:
    share = max(0.0, 1 - level / QUIETEST)  # 0 also where the level is no number
    return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]


def delay(ms: float) -> str:
    """Write a delay in milliseconds, from ten seconds on in seconds."""
    return f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"
