"""The little Markdown that generated pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by tools/generate.py from the help texts: change those instead. -->"
"""Begins a page that is made from the commands."""

NOTE_CODE = "<!-- Written by tools/generate.py from the program: change that instead. -->"
"""Begins a page that is made from docstrings and annotations."""


def cell(text: str) -> str:
    """Keep a text inside its table cell."""
    return " ".join(text.split()).replace("|", "\\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    lines = (f"| {' | '.join(map(cell, row))} |" for row in rows)
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *lines]
