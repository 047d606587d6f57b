"""A table that fits a terminal: what matters least goes first, and long cells are cut.

Pure: cells in, lines out. Widths are terminal columns, so that wide characters and those without a
width of their own line up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from echocli.output.text import display_width, one_line

GAP = "  "
CUT = "…"
"""Stands for what was cut."""

LEFT_TO_RIGHT = "\u200e"
"""Ends a cell in a right-to-left script, lest a terminal move the figures behind it (UAX #9)."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column of a table is shown."""

    heading: str
    flush_right: bool = False
    least: int | None = None
    """Columns its cells may be cut to; ``None`` leaves them whole."""
    rank: int = 0
    """The column of the highest rank is left out first where there is no room; 0 stays."""


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    keeps_end: bool

    @property
    def width(self) -> int:
        return display_width(self.text)


def fitted(
    columns: Sequence[Column], rows: Sequence[Sequence[str | PurePath]], width: int
) -> list[str]:
    """Return headings and rows as lines of at most ``width`` terminal columns.

    A path is cut at its start, because its end says more; a text at its end. A column with nothing
    in it is left out. Below the width that the columns which stay need at least, lines are cut off.
    """
    headings = [_Cell(column.heading, keeps_end=False) for column in columns]
    cells = [[_Cell(one_line(str(it)), isinstance(it, PurePath)) for it in row] for row in rows]
    used = [place for place in range(len(columns)) if any(row[place].text for row in cells)]
    lines = [headings, *cells]
    wanted = {place: max(row[place].width for row in lines) for place in used}
    widths = _shared(columns, wanted, width)
    return [cut(_line(columns, widths, row), width) for row in lines]


def cut(text: str, width: int, *, keeps_end: bool = False) -> str:
    """Return a text that takes at most ``width`` terminal columns, with :data:`CUT` if it was cut.

    A character without a width stays with the one before it.
    """
    if display_width(text) <= width:
        return text
    if width < 1:
        return ""
    if not keeps_end:
        return text[: _fitting(text, width - 1)] + CUT
    start = len(text)
    while start and display_width(text[start - 1 :]) <= width - 1:
        start -= 1
    while start < len(text) and unicodedata.combining(text[start]):
        start += 1
    return CUT + text[start:]


def _fitting(text: str, width: int) -> int:
    """Return how many characters from the start fit."""
    end = len(text)
    while display_width(text[:end]) > width:
        end -= 1
    return end


def _shared(columns: Sequence[Column], wanted: dict[int, int], width: int) -> dict[int, int]:
    """Return the width of each column that is shown."""
    shown = dict(wanted)
    while _total(_smallest(columns, shown)) > width:
        optional = [place for place in shown if columns[place].rank]
        if not optional:
            return _smallest(columns, shown)
        del shown[max(optional, key=lambda place: columns[place].rank)]
    smallest = _smallest(columns, shown)
    while _total(shown) > width:
        elastic = [place for place in shown if shown[place] > smallest[place]]
        shown[max(elastic, key=lambda place: shown[place])] -= 1
    return shown


def _smallest(columns: Sequence[Column], widths: dict[int, int]) -> dict[int, int]:
    least = {place: columns[place].least for place in widths}
    return {
        place: wide if least[place] is None else min(wide, least[place] or 0)
        for place, wide in widths.items()
    }


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(GAP) * max(len(widths) - 1, 0)


def _line(columns: Sequence[Column], widths: dict[int, int], row: Sequence[_Cell]) -> str:
    parts = [_padded(columns[place], row[place], wide) for place, wide in widths.items()]
    return GAP.join(parts).rstrip()


def _padded(column: Column, cell: _Cell, width: int) -> str:
    shown = cut(cell.text, width, keeps_end=cell.keeps_end)
    space = " " * (width - display_width(shown))
    if any(unicodedata.bidirectional(char) in ("R", "AL") for char in shown):
        shown += LEFT_TO_RIGHT
    return space + shown if column.flush_right else shown + space
