"""Headings and rows of text in columns, as ``providers`` and ``models list`` show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import starmap
from pathlib import PurePath

from echocli.output.table import Column, fitted
from echocli.output.text import display_width, one_line

GAP = "  "


def in_columns(
    headings: Sequence[str],
    rows: Iterable[Sequence[str | PurePath]],
    right: frozenset[int] = frozenset(),
) -> str:
    """Return the headings and a line for each row, as wide as need be.

    The columns in ``right`` are flush right. A column with nothing in it is left out. Every cell
    becomes one line without control characters.
    """
    cells = [headings, *([one_line(str(cell)) for cell in row] for row in rows)]
    columns = enumerate(zip(*cells, strict=True))
    shown = [
        _padded(column, flush_right=place in right) for place, column in columns if any(column[1:])
    ]
    return "".join(starmap(_line, zip(*shown, strict=True)))


def fitting(
    columns: Sequence[Column], rows: Iterable[Sequence[str | PurePath]], width: int | None
) -> str:
    """Return the same in lines of at most ``width`` columns; ``None`` is as wide as need be.

    ``width`` is what :func:`echocli.output.console.width_of` says of standard output: a program
    that reads it gets every cell whole.
    """
    if width is None:
        figures = frozenset(place for place, column in enumerate(columns) if column.flush_right)
        return in_columns([column.heading for column in columns], rows, figures)
    return "".join(f"{line}\n" for line in fitted(columns, list(rows), width))


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
