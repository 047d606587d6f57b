"""Headings and rows of text in columns, as ``providers`` and ``models list`` show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import starmap

from echocli.output.text import display_width, one_line

GAP = "  "


def in_columns(
    headings: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()
) -> str:
    """Return the headings and a line for each row, as wide as need be.

    The columns in ``right`` are flush right. A column with nothing in it is left out. Every cell
    becomes one line without control characters.
    """
    cells = [headings, *([one_line(cell) for cell in row] for row in rows)]
    columns = enumerate(zip(*cells, strict=True))
    shown = [
        _padded(column, flush_right=place in right) for place, column in columns if any(column[1:])
    ]
    return "".join(starmap(_line, zip(*shown, strict=True)))


def _line(*cells: str) -> str:
    return GAP.join(cells).rstrip() + "\n"


def _padded(column: Sequence[str], *, flush_right: bool) -> list[str]:
    """Return cells that are all as wide as the widest."""
    width = max(map(display_width, column))
    spaces = [" " * (width - display_width(cell)) for cell in column]
    return [
        space + cell if flush_right else cell + space
        for cell, space in zip(column, spaces, strict=True)
    ]
